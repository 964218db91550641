"""UnionPay's ACP interface 5.1.0 (银联全渠道): forms, signatures, clearing day, statement files.

No I/O and no clock. Names of fields are the interface's own. Money is fen on the wire too.
"""
