-- What a server says of its WAL and of the archive it goes to. Nothing here is newer than
-- PostgreSQL 15.

-- name: settings_loaded_at
-- Tells when a reload has come to new sessions.
select pg_conf_load_time();

-- name: archiver
-- Whether WAL is archived, with what command, and what last went wrong.
select
  current_setting('archive_mode') as mode,
  current_setting('archive_command') as command,
  a.failed_count,
  a.last_archived_wal,
  a.last_failed_wal
from pg_catalog.pg_stat_archiver as a;

-- name: system_identifier
-- Given when a server's data was made; every copy of it has the same.
select c.system_identifier::text from pg_catalog.pg_control_system() as c;

-- name: switch_wal
-- End the segment that is being written, and say which it was: all that was committed until now is
-- in it or before. Where nothing was written since the last switch, the name is that of the segment
-- that was ended then.
select pg_walfile_name(pg_switch_wal() - 1) as name;
