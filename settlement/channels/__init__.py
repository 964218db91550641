"""Adapters to the payment channels: WeChat Pay, Alipay, UnionPay (see `port`)."""
