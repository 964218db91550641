-- Roles and database of the embedded server. Run by the superuser at every start; every statement
-- may be repeated, so that a start cut short is completed by the next one.
--
-- The schema's owner is not the application's role (D5): settlement_owner makes and migrates the
-- schema, settlement_app is what a gateway logs in as and owns nothing.
-- Passwords arrive as session settings: a statement's text may reach a log, a parameter does not.

-- name: set_passwords
-- Hand the two passwords to the block below.
select
  set_config('settlement.owner_password', $1, false),
  set_config('settlement.app_password', $2, false);

-- name: create_roles
-- Create what is missing, then say what each role is, whatever it was before.
do $$
declare
  l_role text;
  l_password text;
begin
  foreach l_role in array array['settlement_owner', 'settlement_app'] loop
    l_password := current_setting(
      case l_role
        when 'settlement_owner' then 'settlement.owner_password'
        else 'settlement.app_password'
      end
    );
    if not exists (select 1 from pg_catalog.pg_roles where rolname = l_role) then
      execute format('create role %I', l_role);
    end if;
    execute format(
      'alter role %I login nosuperuser nocreaterole noreplication nobypassrls password %L',
      l_role, l_password
    );
  end loop;
end
$$;

-- name: limit_app
-- The application's transactions are short; what is longer is a fault that must not hold a head.
-- Its statements are few and prepared, so that planning them once is enough.
alter role settlement_app set statement_timeout = '30s';
alter role settlement_app set idle_in_transaction_session_timeout = '10s';
alter role settlement_app set plan_cache_mode = 'force_generic_plan';
alter role settlement_app set synchronous_commit = 'on';

-- name: database_exists
-- CREATE DATABASE knows no IF NOT EXISTS.
select exists (select 1 from pg_catalog.pg_database where datname = 'settlement');

-- name: create_database
-- The owner owns the database, hence its public schema too.
create database settlement owner settlement_owner;

-- name: close_database
-- Nobody connects or makes temporary tables but those named here.
revoke all on database settlement from public;
grant connect on database settlement to settlement_app;

-- name: close_public_schema
-- Run inside the database: only its owner may create anything there.
revoke create on schema public from public;

-- name: set_password
-- Hand a role and its password to the block below.
select
  set_config('settlement.role', $1, false),
  set_config('settlement.role_password', $2, false);

-- name: take_password
-- A restored server lets in whoever has the secrets of its new directory.
do $$
begin
  execute format(
    'alter role %I password %L',
    current_setting('settlement.role'),
    current_setting('settlement.role_password')
  );
end
$$;
