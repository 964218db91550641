"""`settlement certify`: the onboarding checklist of an institution, and the report to be filed.

It is a client like any other: of this project it imports `protocol`, `settlement.client`, the clock
and `settlement.said`, nothing of the server (ADR 0019). So it can examine any server.
"""
