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
-- The application's rights, decided in schema/90-rights.sql.
select settlement.grant_rights($1);

-- name: plan_anew
-- A session of the settle path forgets its plans and makes them for the tables as they are now.
discard plans;

-- name: tell_siblings
-- Whoever listens on the database hears it: a hint, nothing rests on it.
select pg_notify($1, $2);

-- name: wait_for_second_server
-- What this session sees lasts when this commit does: where a commit waits for a standby, a row may
-- be seen that no standby has, because its session was ended or the server crashed while it waited.
-- A commit of nothing would not wait, so there is a message in the log that nobody reads.
select case
    when current_setting('synchronous_standby_names') <> ''
    then pg_logical_emit_message(true, 'settlement', ''::text)
end;

-- name: keep_import_key
-- An operator issues a key for imports over HTTP; the secret is ciphertext.
insert into settlement.import_key (issued_at, access_key, operator, kinds, key_version, secret)
values ($1, $2, $3, $4, $5, $6);

-- name: import_key
-- Who signs an import, and whether the key was stopped; asked for every request, so that a stop
-- holds at once.
select k.operator, k.kinds, k.key_version, k.secret,
       exists (
           select 1 from settlement.suspension s
           where s.subject_kind = 'credential' and s.subject = k.access_key
       ) as suspended
from settlement.import_key k
where k.access_key = $1;

-- name: import_job_no
-- A number for a job whose file is about to arrive.
select nextval('settlement.import_job_no');

-- name: add_import_job
-- A file is complete; nothing where the very same file waits or is being imported already.
insert into settlement.import_job (
    job_no, size_bytes, received_at, ends_on, preview, whole, skip_bad, kind, digest, file_name,
    format, confirms, operator, access_key, reason
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (kind, digest, preview, whole, skip_bad, ends_on, operator, confirms)
    where state in ('waiting', 'running') do nothing
returning job_no;

-- name: same_import_job
-- The job of a file that is sent again: one that is not over, or the newest of its kind where it
-- was done. A preview that is over is made anew, and so is what was refused or failed.
select j.job_no, j.state
from settlement.import_job j
where j.kind = $1 and j.digest = $2 and j.preview = $3 and j.whole = $4 and j.skip_bad = $5
    and j.ends_on = $6 and j.operator = $7 and j.confirms = $8
    and (
        j.state in ('waiting', 'running')
        or j.state = 'done' and not j.preview and not exists (
            select 1 from settlement.import_job n
            where n.kind = j.kind and n.job_no > j.job_no and not n.preview
        )
    )
order by j.job_no desc
limit 1;

-- name: import_jobs_waiting
-- How many files wait.
select count(*) from settlement.import_job j where j.state in ('waiting', 'running');

-- name: import_job
-- A job for who asks after it.
select j.job_no, j.kind, j.state, j.rows_done, j.received_at, j.started_at, j.ended_at,
       j.size_bytes, j.digest, j.file_name, j.format, j.preview, j.whole, j.skip_bad, j.ends_on,
       j.operator, j.reason, j.result
from settlement.import_job j
where j.job_no = $1;

-- name: open_import_jobs
-- Jobs that are not over, the earliest first; a running one was cut short, for who asks runs none.
select j.job_no, j.kind, j.attempts, j.digest, j.file_name, j.format, j.preview,
       j.whole, j.skip_bad, j.ends_on, j.operator, j.reason, j.confirms
from settlement.import_job j
where j.state in ('waiting', 'running')
order by j.job_no;

-- name: begin_import_job
-- The importer begins, perhaps again.
update settlement.import_job as j
set state = 'running', started_at = $2, attempts = j.attempts + 1, rows_done = 0
where j.job_no = $1;

-- name: import_job_goes_on
-- How far a job is.
update settlement.import_job as j set rows_done = $2 where j.job_no = $1;

-- name: import_job_waits
-- Another import has the lease, or the server stops: the job is tried again.
update settlement.import_job as j
set state = 'waiting', attempts = j.attempts - 1
where j.job_no = $1;

-- name: end_import_job
-- A job is over, however it ended.
update settlement.import_job as j
set state = $2, ended_at = $3, result = $4
where j.job_no = $1;

-- name: cutover_file
-- Who proposed a file of the cut-over, with which totals, and whether it was confirmed.
select c.proposed_by, c.proposed_at, c.totals, c.confirmed_by
from settlement.cutover_file c
where c.kind = $1 and c.digest = $2;

-- name: propose_cutover_file
-- One person proposes a file; the first proposal stays, unless other totals take its place before
-- anybody confirmed them.
insert into settlement.cutover_file (proposed_at, kind, digest, totals, proposed_by)
values ($1, $2, $3, $4, $5)
on conflict (kind, digest) do update
    set proposed_at = excluded.proposed_at, totals = excluded.totals,
        proposed_by = excluded.proposed_by
    where settlement.cutover_file.confirmed_at is null
        and settlement.cutover_file.totals <> excluded.totals;

-- name: confirm_cutover_file
-- Another person confirms it; the first confirmation stays.
update settlement.cutover_file as c
set confirmed_at = $3, confirmed_by = $4
where c.kind = $1 and c.digest = $2 and c.confirmed_at is null;

-- name: commit_without_waiting
-- An import's own connection: its commits reach the disk with the next one that waits.
set synchronous_commit to off;
