"""What finance does that touches files and the database: bills, matching, months, payments. An act
is opened on a data directory for one command, or runs under a lease."""
