-- Imports over HTTP (ADR 0025): who may send files, and what became of each. A file itself waits
-- sealed in the data directory of the machine that received it; the importer there runs the job as
-- the schema's owner. The application only receives: it adds jobs and changes none.

create table settlement.import_key (
    issued_at       timestamptz not null,
    access_key      text        not null,
    operator        text        not null,
    kinds           text[]      not null,
    key_version     smallint    not null,
    secret          bytea       not null,
    constraint import_key_pkey primary key (access_key)
);
comment on table settlement.import_key is
    'What an operator of the agency signs imports with; no institution''s credential.';
comment on column settlement.import_key.issued_at is 'When it was issued.';
comment on column settlement.import_key.access_key is 'x-import-key.';
comment on column settlement.import_key.operator is 'Whose it is; the actor of the audit.';
comment on column settlement.import_key.kinds is 'What may be imported with it.';
comment on column settlement.import_key.key_version is 'Version of the key that encrypts it.';
comment on column settlement.import_key.secret is 'The secret, encrypted.';

create sequence settlement.import_job_no as bigint;
comment on sequence settlement.import_job_no is 'Numbers of jobs, drawn before the file arrives.';

create table settlement.import_job (
    job_no          bigint      not null,
    size_bytes      bigint      not null,
    rows_done       bigint      not null default 0,
    received_at     timestamptz not null,
    started_at      timestamptz,
    ended_at        timestamptz,
    ends_on         date        not null,
    attempts        smallint    not null default 0,
    preview         boolean     not null,
    whole           boolean     not null,
    skip_bad        boolean     not null,
    state           text        not null default 'waiting',
    kind            text        not null,
    digest          text        not null,
    file_name       text        not null,
    format          text        not null,
    confirms        text        not null default '',
    operator        text        not null,
    access_key      text        not null,
    reason          text        not null,
    result          text        not null default '',
    constraint import_job_pkey primary key (job_no),
    constraint import_job_state_known check
        (state in ('waiting', 'running', 'done', 'refused', 'failed'))
);
create unique index import_job_once on settlement.import_job (
    kind, digest, preview, whole, skip_bad, ends_on, operator, confirms
) where state in ('waiting', 'running');
comment on table settlement.import_job is
    'Files that were sent for import over HTTP. A file that waits or is being imported is one job, '
    'however often it is sent.';
comment on column settlement.import_job.job_no is 'Number of the job.';
comment on column settlement.import_job.size_bytes is 'Size of the file.';
comment on column settlement.import_job.rows_done is 'Rows read, then rows written.';
comment on column settlement.import_job.received_at is 'When the file was complete.';
comment on column settlement.import_job.started_at is 'When its import began, the last time.';
comment on column settlement.import_job.ended_at is 'When it ended.';
comment on column settlement.import_job.ends_on is
    'From which day what a whole file leaves out is no more.';
comment on column settlement.import_job.attempts is 'How often its import was begun.';
comment on column settlement.import_job.preview is 'Says what would change; writes nothing.';
comment on column settlement.import_job.whole is 'The file says everything.';
comment on column settlement.import_job.skip_bad is 'Rows at fault are left out.';
comment on column settlement.import_job.state is
    'waiting, running, done, refused (the file is at fault) or failed (we are).';
comment on column settlement.import_job.kind is 'persons, institutions, items and so on.';
comment on column settlement.import_job.digest is 'SHA-256 of the file, hexadecimal.';
comment on column settlement.import_job.file_name is 'As the sender calls it.';
comment on column settlement.import_job.format is 'csv, ndjson or xlsx.';
comment on column settlement.import_job.confirms is
    'Digest that a second person confirms; empty for all that needs none.';
comment on column settlement.import_job.operator is 'Who sent it.';
comment on column settlement.import_job.access_key is 'With which key.';
comment on column settlement.import_job.reason is 'Why, and the document.';
comment on column settlement.import_job.result is
    'JSON: counts, samples, faults by row (settlement/import_job.py, Result); empty until it ends.';
