"""The simulated world outside the settlement core: who sends claims, and what that load measures.

`generator` sends and counts, `workload` says what is sent, `bench` measures and compares with the
baselines. It talks to the server as any client does, over HTTP and the command line; only `attach`
looks into the database, to compare the client's own book with the ledger. Nothing of the product
imports it.
"""
