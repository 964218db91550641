"""WeChat Pay (微信支付) on the wire, v3 (JSON, RSA) and v2 (XML, shared key). No I/O, no clock."""
