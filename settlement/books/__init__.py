"""What finance decides: bills and differences, days and months, payouts, statements, seals,
reimbursements. Pure: no I/O; `settlement/finance` reads and writes."""
