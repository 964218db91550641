"""Alipay's open gateway: what goes over the wire, in its own names. No I/O, no clock, no verdicts.

`gateway` is the envelope, `trade` the calls, `notification` what Alipay tells by itself, `bills`
the daily files, `medical` what its insurance products add. Amounts are yuan as text here.
"""
