-- Statements that are neither on the settle path nor about reference data.

-- name: take_lease
-- One holder in the whole system; the lease ends with the session that holds it.
select pg_try_advisory_lock($1, $2);

-- name: connections_max
-- What the queues of all processes have to share.
select current_setting('max_connections');

-- name: is_installed
-- Whether this database has our schema.
select to_regclass('settlement.installation') is not null;

-- name: foreign_schema
-- A schema of our names that somebody else made.
select n.nspname from pg_namespace n where n.nspname in ('ledger', 'settlement') limit 1;

-- name: installed
-- What this database is, once.
insert into settlement.installation (schema_version, lanes, region, demo_seed, installed_at)
values ($1, $2, $3, $4, $5);

-- name: grant_rights
-- The application's rights, decided in schema.sql.
select settlement.grant_rights($1);

-- name: plan_anew
-- A session of the settle path forgets its plans and makes them for the tables as they are now.
discard plans;
