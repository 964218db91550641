-- Invoice numbers, for whoever looks for a settlement by one: written by the loop that lists
-- statements, in the same statement, so that the settle path pays for no index.

create table settlement.invoice_row (
    setl_id         bigint      not null,
    lane            smallint    not null,
    invoice_no      text        not null,
    constraint invoice_row_pkey primary key (lane, invoice_no, setl_id)
);
comment on table settlement.invoice_row is
    'Settlement rows by invoice number, as far as they are listed. Append-only; derived.';
comment on column settlement.invoice_row.setl_id is 'The settlement row.';
comment on column settlement.invoice_row.lane is 'Lane of the person.';
comment on column settlement.invoice_row.invoice_no is 'invono.';

-- The console (ADR 0037): who may sign in, who is signed in, whose password was tried in vain.
-- Nothing here is on the settle path. Passwords are argon2id; the key of the second factor is
-- ciphertext; of a session only the hash of its token is kept.

create table settlement.console_user (
    created_at      timestamptz not null,
    password_at     timestamptz not null,
    totp_step       bigint      not null default 0,
    totp_key_version smallint   not null default 0,
    must_change     boolean     not null,
    locked          boolean     not null default false,
    name            text        not null,
    display_name    text        not null,
    role            text        not null,
    institution     text,
    password_hash   text        not null,
    totp_key        bytea,
    constraint console_user_pkey primary key (name),
    constraint console_user_name_is_plain check (name ~ '^[a-z][a-z0-9._-]{1,31}$'),
    constraint console_user_role_known check
        (role in ('clerk', 'supervisor', 'auditor', 'operator', 'institution')),
    constraint console_user_institution_has_one check
        ((role = 'institution') = (institution is not null))
);
comment on table settlement.console_user is
    'Who may sign in at the console. Never deleted, only locked.';
comment on column settlement.console_user.created_at is 'Since when.';
comment on column settlement.console_user.password_at is 'When the password was set.';
comment on column settlement.console_user.totp_step is
    'The newest time step whose code was used: a code counts once.';
comment on column settlement.console_user.totp_key_version is
    'Version of the key that encrypts totp_key.';
comment on column settlement.console_user.must_change is
    'True until the user has chosen a password of their own.';
comment on column settlement.console_user.locked is 'True while nobody may sign in with it.';
comment on column settlement.console_user.name is 'Login name; the actor of the audit.';
comment on column settlement.console_user.display_name is 'As colleagues know them.';
comment on column settlement.console_user.role is
    'clerk, supervisor, auditor, operator or institution.';
comment on column settlement.console_user.institution is
    'The one institution whose cases an institution''s finance sees; null for all others.';
comment on column settlement.console_user.password_hash is 'argon2id, with its parameters.';
comment on column settlement.console_user.totp_key is
    'Key of the second factor, encrypted; null where there is none.';

create table settlement.console_attempt (
    blocked_until   timestamptz not null,
    failures        integer     not null,
    key             bytea       not null,
    constraint console_attempt_pkey primary key (key)
);
comment on table settlement.console_attempt is
    'Failed sign-ins by name, whether or not there is such a user. Gone with a success, or a day '
    'later.';
comment on column settlement.console_attempt.blocked_until is 'No attempt counts before.';
comment on column settlement.console_attempt.failures is 'In a row.';
comment on column settlement.console_attempt.key is 'Hash of the name that was typed.';

create table settlement.console_session (
    started_at      timestamptz not null,
    seen_at         timestamptz not null,
    draft_version   smallint    not null default 0,
    token_hash      bytea       not null,
    user_name       text        not null,
    address         text        not null,
    draft           bytea,
    constraint console_session_pkey primary key (token_hash)
);
create index console_session_by_user on settlement.console_session (user_name);
comment on table settlement.console_session is 'Who is signed in.';
comment on column settlement.console_session.started_at is 'When.';
comment on column settlement.console_session.seen_at is
    'When last heard of, to half a minute.';
comment on column settlement.console_session.draft_version is
    'Version of the key that encrypts the draft.';
comment on column settlement.console_session.token_hash is 'SHA-256 of what the cookie holds.';
comment on column settlement.console_session.user_name is 'Who.';
comment on column settlement.console_session.address is 'From where.';
comment on column settlement.console_session.draft is
    'What was typed into a form when the session before this one ended, encrypted.';

-- The audit's chain. A deferred trigger links a row when its transaction commits: the lock that
-- orders the chain is always the last one that a transaction takes, so it takes part in no deadlock
-- and is held for as long as a commit takes.

create table settlement.audit_link (
    link_no         bigint      not null,
    audit_id        bigint      not null,
    hash            bytea       not null,
    constraint audit_link_pkey primary key (link_no),
    constraint audit_link_once unique (audit_id),
    constraint audit_link_hash_is_sha256 check (octet_length(hash) = 32)
);
comment on table settlement.audit_link is
    'The chain over settlement.audit, in the order of the commits. Append-only; written by a '
    'trigger alone.';
comment on column settlement.audit_link.link_no is 'Gapless from 1.';
comment on column settlement.audit_link.audit_id is 'The row.';
comment on column settlement.audit_link.hash is 'sha256 over the hash before and the row.';

create function settlement.audit_hash(p_previous bytea, a settlement.audit) returns bytea
language sql stable parallel safe as $$
    -- 0x10 keeps a link apart from everything else that is hashed here (ledger/chain.py).
    select sha256(
        '\x10'::bytea || p_previous || convert_to(
            jsonb_build_array(
                a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.actor, a.action,
                a.subject, a.note, a.origin
            )::text,
            'UTF8'
        )
    )
$$;
comment on function settlement.audit_hash is 'The hash of a link: 32 bytes.';

create function settlement.link_audit() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
-- Raises a unique violation where the transaction reads an old snapshot: then it is tried again.
declare
    v_last settlement.audit_link;
begin
    perform pg_advisory_xact_lock(6190878, 10);
    select l.link_no, l.audit_id, l.hash
    into v_last
    from settlement.audit_link l
    order by l.link_no desc
    limit 1;
    insert into settlement.audit_link (link_no, audit_id, hash)
    values (
        coalesce(v_last.link_no, 0) + 1, new.audit_id,
        settlement.audit_hash(coalesce(v_last.hash, sha256(''::bytea)), new)
    );
    return null;
end;
$$;
comment on function settlement.link_audit() is 'Adds a row of the audit to its chain, at commit.';

create constraint trigger audit_is_linked after insert on settlement.audit
    deferrable initially deferred
    for each row execute function settlement.link_audit();
