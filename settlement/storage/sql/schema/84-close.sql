-- Closing (月结, ADR 0041). A closed business day has a row a journal that says where its blocks lie
-- (`day_end`), so that sums as they were at any moment are a fold and a few blocks. Seals (封存)
-- are Merkle roots of what an institution settled in a day or month; what becomes of a month is a
-- list of steps. Nothing is ever changed. Days are closed by the background process, months by
-- people.

create table settlement.day_end (
    after_block     bigint      not null,
    through_block   bigint      not null,
    last_block      bigint      not null,
    booked_from     timestamptz not null,
    booked_through  timestamptz not null,
    business_day    date        not null,
    journal         smallint    not null,
    constraint day_end_pkey primary key (journal, business_day),
    constraint day_end_in_order check (after_block <= through_block and after_block <= last_block)
);
comment on table settlement.day_end is
    'Where the blocks of a closed business day lie in a journal: behind `after_block`, up to '
    '`last_block`. Around midnight two days may take turns, so a block also says its day itself.';
comment on column settlement.day_end.after_block is
    'All blocks up to this one are of earlier days.';
comment on column settlement.day_end.through_block is
    'The last block before the first of a later day: all up to it are of this day or before. Sums '
    'are folded here.';
comment on column settlement.day_end.last_block is 'The last block of the day with an entry.';
comment on column settlement.day_end.booked_from is
    'When its first entry was booked; infinity where it has none.';
comment on column settlement.day_end.booked_through is
    'When the newest of all entries up to `through_block` was booked.';
comment on column settlement.day_end.business_day is 'The business day.';
comment on column settlement.day_end.journal is 'The journal.';

create table settlement.seal (
    settlements     integer     not null,
    begins_on       date        not null,
    ends_on         date        not null,
    lane            smallint    not null,
    institution     text        not null,
    root            bytea       not null,
    signature       bytea       not null,
    constraint seal_pkey primary key (lane, institution, begins_on, ends_on),
    constraint seal_root_is_sha256 check (octet_length(root) = 32),
    constraint seal_of_something check (settlements > 0 and ends_on >= begins_on)
);
comment on table settlement.seal is
    'Seals (封存): the Merkle root of what an institution settled in a day or month. Append-only.';
comment on column settlement.seal.settlements is 'How many rows are under the root.';
comment on column settlement.seal.begins_on is 'First business day.';
comment on column settlement.seal.ends_on is 'Last business day.';
comment on column settlement.seal.lane is 'Lane of the institution''s code.';
comment on column settlement.seal.institution is 'The institution.';
comment on column settlement.seal.root is 'RFC 6962 root over the leaves, by settlement number.';
comment on column settlement.seal.signature is
    'Signature of the seal (settlement/sealing.py); empty where there was no key.';

create table settlement.seal_list (
    sealed_at       timestamptz not null,
    begins_on       date        not null,
    ends_on         date        not null,
    institutions    integer     not null,
    settlements     integer     not null,
    lane            smallint    not null,
    algorithm       text        not null,
    public_key      text        not null,
    digest          bytea       not null,
    constraint seal_list_pkey primary key (lane, begins_on, ends_on),
    constraint seal_list_digest_is_sha256 check (octet_length(digest) = 32)
);
comment on table settlement.seal_list is
    'All seals of a day or month together: none can be left out or added later. Append-only.';
comment on column settlement.seal_list.sealed_at is 'When they were made.';
comment on column settlement.seal_list.begins_on is 'First business day.';
comment on column settlement.seal_list.ends_on is 'Last business day.';
comment on column settlement.seal_list.institutions is 'How many seals there are.';
comment on column settlement.seal_list.settlements is 'How many rows are under them.';
comment on column settlement.seal_list.lane is 'Lane of the region''s code.';
comment on column settlement.seal_list.algorithm is
    'ed25519 or sm2; empty where they are not signed.';
comment on column settlement.seal_list.public_key is 'Of who signed, hex; empty where nobody did.';
comment on column settlement.seal_list.digest is
    'sha256 over all seals, by code of the institution.';

create table settlement.month_step (
    recorded_at     timestamptz not null,
    month           date        not null,
    step_no         integer     not null,
    lane            smallint    not null,
    act             smallint    not null,
    actor           text        not null,
    reason          text        not null,
    reference       text        not null,
    constraint month_step_pkey primary key (lane, month, step_no),
    constraint month_step_known check (act between 1 and 5),
    constraint month_step_of_a_month check (month = date_trunc('month', month)::date)
);
comment on table settlement.month_step is
    'What became of a month, step by step (settlement/month_states.py). Append-only.';
comment on column settlement.month_step.recorded_at is 'When.';
comment on column settlement.month_step.month is 'First day of the month.';
comment on column settlement.month_step.step_no is 'From 1 in each month.';
comment on column settlement.month_step.lane is 'Lane of the region''s code.';
comment on column settlement.month_step.act is
    'settlement.month_states.Act: 1 begun, 2 verified, 3 proposed, 4 closed, 5 sealed.';
comment on column settlement.month_step.actor is 'Who.';
comment on column settlement.month_step.reason is 'Why.';
comment on column settlement.month_step.reference is
    'sha256 of the closing report (3, 4), of the list of seals (5); how much was verified (2).';
