-- What `settlement doctor` asks a database about itself. Nothing is written. `clock` is the one
-- block in the house that asks for the time: the database's clock is what it is about.

-- name: clock
-- What time the database's machine has.
select clock_timestamp() as at;

-- name: server_described
-- Version, encoding, and the settings on which answered settlements rest.
select current_setting('server_version_num')::integer as version_num,
       current_setting('server_version') as version,
       current_setting('server_encoding') as encoding,
       current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes,
       current_setting('data_checksums') as data_checksums,
       current_setting('wal_level') as wal_level,
       current_setting('autovacuum') as autovacuum,
       current_setting('synchronous_standby_names') as standbys,
       current_user::text as role,
       r.rolsuper as is_superuser
from pg_roles r
where r.rolname = current_user;

-- name: settings_pending
-- Settings that were changed in the files and hold only after a restart.
select s.name from pg_settings s where s.pending_restart order by s.name;

-- name: application_described
-- Asked as the application: whether it could become the owner, and whether its commits last.
select current_user::text as role,
       r.rolsuper as is_superuser,
       pg_has_role(current_user, d.datdba, 'member') as is_owner,
       current_setting('synchronous_commit') as synchronous_commit
from pg_roles r
cross join pg_database d
where r.rolname = current_user and d.datname = current_database();

-- name: commits_waiting
-- Asked as the application, which sees its own sessions: commits that wait for a standby by `$1`.
select count(*)::integer as count, min(a.state_change) as since
from pg_stat_activity a
where a.wait_event = 'SyncRep' and a.datname = current_database() and a.state_change <= $1;

-- name: sessions_of_gateways
-- Whether gateways work on this database: their queues connect with the first batch, what stands
-- beside the queues at once.
select count(*)::integer
from pg_stat_activity a
where a.datname = current_database() and a.application_name = any($1);

-- name: leases_held
-- Who does what only one process does, and since when it is connected.
select l.objid::integer as lease, a.application_name as holder, a.backend_start as since
from pg_locks l
join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.classid = $1
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
order by l.objid;

-- name: rights_held
-- Every privilege on our tables and sequences, and on single columns of them, of whomever but the
-- owner.
select h.relation, h.privilege, h.column_name, coalesce(g.rolname::text, 'public') as grantee
from (
    select c.oid::regclass::text as relation, lower(a.privilege_type) as privilege,
           '' as column_name, a.grantee, c.relowner
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral aclexplode(c.relacl) a
    where n.nspname in ('ledger', 'settlement') and c.relkind in ('r', 'p', 'v', 'm', 'S')
        and not c.relispartition
    union all
    select c.oid::regclass::text, lower(a.privilege_type), t.attname::text, a.grantee, c.relowner
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute t on t.attrelid = c.oid and not t.attisdropped
    cross join lateral aclexplode(t.attacl) a
    where n.nspname in ('ledger', 'settlement') and c.relkind in ('r', 'p', 'v', 'm')
) as h
left join pg_roles g on g.oid = h.grantee
where h.grantee <> h.relowner
order by h.relation, h.column_name, h.privilege;

-- name: partitions
-- The tables of ours that are partitioned by ranges, and the bounds of their partitions.
select p.partrelid::regclass::text as parent, pg_get_expr(c.relpartbound, c.oid) as bounds
from pg_partitioned_table p
join pg_class t on t.oid = p.partrelid
join pg_namespace n on n.oid = t.relnamespace
left join pg_inherits i on i.inhparent = p.partrelid
left join pg_class c on c.oid = i.inhrelid
where n.nspname in ('ledger', 'settlement') and p.partstrat = 'r'
order by 1, 2;
