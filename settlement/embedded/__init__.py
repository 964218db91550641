"""PostgreSQL and Redis for a machine that has neither: real servers out of two Python wheels.

`start_services` in `services` is the door. This package knows processes, files, users, roles and
passwords; it deliberately knows nothing of the settlement schema, of claims or of money.
"""
