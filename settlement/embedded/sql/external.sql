-- A PostgreSQL server of the site's own, reached by its owner's URL: is it fit, and who is the
-- application there? Nothing here is newer than PostgreSQL 15.

-- name: describe_server
-- All that the checks in external.py need.
select
  current_setting('server_version_num')::int as server_version_num,
  current_setting('server_encoding') as server_encoding,
  current_setting('fsync') as fsync,
  current_setting('full_page_writes') as full_page_writes,
  r.rolsuper as is_superuser,
  r.rolcreaterole or r.rolsuper as can_create_roles,
  exists (select 1 from pg_catalog.pg_roles where rolname = 'settlement_app') as app_exists
from pg_catalog.pg_roles as r
where r.rolname = current_user;

-- name: set_app_password
-- Hand the password to the block below; a statement's text may reach a log, a parameter does not.
select set_config('settlement.app_password', $1, false);

-- name: create_app
-- The application's role: may log in, owns nothing, has no privilege of its own yet.
do $$
begin
  execute format(
    'create role settlement_app login password %L',
    current_setting('settlement.app_password')
  );
  execute format('grant connect on database %I to settlement_app', current_database());
end
$$;
alter role settlement_app set statement_timeout = '30s';
alter role settlement_app set idle_in_transaction_session_timeout = '10s';
alter role settlement_app set plan_cache_mode = 'force_generic_plan';
alter role settlement_app set synchronous_commit = 'on';

-- name: describe_app
-- Asked as the application: it must not be, own or become the owner of anything here, and what it
-- commits must be on disk.
select
  current_user as name,
  r.rolsuper as is_superuser,
  pg_catalog.pg_has_role(current_user, d.datdba, 'member') as is_owner,
  current_setting('synchronous_commit') as synchronous_commit
from pg_catalog.pg_roles as r
cross join pg_catalog.pg_database as d
where r.rolname = current_user
  and d.datname = current_database();
