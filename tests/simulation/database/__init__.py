"""Our own database in memory, behind the driver: what PostgreSQL does with our statements, in the
order in which it is meant.

It knows the statements by the names of their blocks and nothing of decisions. What it answers is
held equal to PostgreSQL by tests/contract/database: every statement that simulated seeds send is
sent there as well, and must be answered alike (ADR 0054).
"""
