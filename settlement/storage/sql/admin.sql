-- Statements that are neither on the settle path nor about reference data.

-- name: take_lease
-- One holder in the whole system; the lease ends with the session that holds it.
select pg_try_advisory_lock($1, $2);
