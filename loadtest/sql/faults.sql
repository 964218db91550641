-- What the drill of faults does to sessions of the server it drills.

-- name: gateway_sessions
-- The backends that serve a journal of a gateway.
select pid
from pg_stat_activity
where application_name = $1
order by pid;

-- name: end_sessions
-- As an administrator ends them, all of the server's at once.
select pg_terminate_backend(pid)
from pg_stat_activity
where application_name like 'settlement-%' and pid <> pg_backend_pid();
