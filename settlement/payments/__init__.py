"""Collecting money: payments over channels (收款) and mobile payment (移动支付). Pure: no I/O."""
