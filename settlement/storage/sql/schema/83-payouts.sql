-- Paying institutions (拨付定点机构, ADR 0040). What becomes of a period with an institution is a
-- list of steps in the lane of its code; what it owes is fixed when it is stated, by sums of its
-- settlement rows; adjustments are proposed by one person and ended by another. Operators write
-- here as the schema's owner, never the settle path; nothing is ever changed. Of two at once one
-- has the next number, and the other decides again.

create table settlement.payout_period (
    recorded_at     timestamptz not null,
    first_on        date        not null,
    last_on         date        not null,
    lane            smallint    not null,
    actor           text        not null,
    reason          text        not null,
    constraint payout_period_pkey primary key (lane, first_on),
    constraint payout_period_ends_after_it_begins check (last_on >= first_on)
);
comment on table settlement.payout_period is
    'Periods that were stated, also those in which nobody was owed anything: they follow each '
    'other without a gap. Append-only.';
comment on column settlement.payout_period.recorded_at is 'When it was stated first.';
comment on column settlement.payout_period.first_on is 'First business day.';
comment on column settlement.payout_period.last_on is 'Last business day.';
comment on column settlement.payout_period.lane is 'Lane of the first day, written 2026-11-01.';
comment on column settlement.payout_period.actor is 'Who.';
comment on column settlement.payout_period.reason is 'Why.';

create table settlement.payout_step (
    entry_id        bigint,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    recorded_at     timestamptz not null,
    first_on        date        not null,
    last_on         date        not null,
    booked_on       date        not null,
    step_no         integer     not null,
    bank_account    integer     not null,
    lane            smallint    not null,
    act             smallint    not null,
    institution     text        not null,
    reference       text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint payout_step_pkey primary key (lane, institution, first_on, step_no),
    constraint payout_step_known check (act between 1 and 8 and last_on >= first_on),
    constraint payout_step_books_orders_and_money
        check ((act in (5, 6, 7)) = (entry_id is not null))
);
create unique index payout_step_by_entry on settlement.payout_step (lane, entry_id)
    where entry_id is not null;
create unique index payout_step_paid_once on settlement.payout_step
    (lane, institution, first_on, act, reference) where act in (5, 6, 7);
comment on table settlement.payout_step is
    'What became of a period with an institution, step by step (settlement/books/payout.py). '
    'Append-only.';
comment on column settlement.payout_step.entry_id is 'What it booked.';
comment on column settlement.payout_step.fund_fen is 'What the step is about: of funds, fen.';
comment on column settlement.payout_step.account_fen is 'Of personal accounts, fen.';
comment on column settlement.payout_step.recorded_at is 'When.';
comment on column settlement.payout_step.first_on is 'First business day of the period.';
comment on column settlement.payout_step.last_on is 'Last business day of the period.';
comment on column settlement.payout_step.booked_on is 'Business day of the step.';
comment on column settlement.payout_step.step_no is 'From 1 in each period.';
comment on column settlement.payout_step.bank_account is
    'Of an order: the step of settlement.payout_account that it is paid to; else 0.';
comment on column settlement.payout_step.lane is 'Lane of the institution''s code.';
comment on column settlement.payout_step.act is
    'settlement.payout.Act: 1 stated, 2 adjusted, 3 confirmed, 4 order proposed, 5 ordered, '
    '6 paid, 7 returned, 8 closed.';
comment on column settlement.payout_step.institution is 'fixmedins_code.';
comment on column settlement.payout_step.reference is
    'Number of the order; of what the bank says: of the order and, after a blank, of the bank.';
comment on column settlement.payout_step.actor is 'Who.';
comment on column settlement.payout_step.reason is 'Why.';

create table settlement.payout_line (
    total_fen       bigint      not null,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    first_on        date        not null,
    last_on         date        not null,
    settled         integer     not null,
    cancelled       integer     not null,
    reversed        integer     not null,
    lane            smallint    not null,
    institution     text        not null,
    clearing_type   text        not null,
    scheme          text        not null,
    category        text        not null,
    constraint payout_line_pkey
        primary key (lane, institution, first_on, clearing_type, scheme, category)
);
comment on table settlement.payout_line is
    'What a stated period owes an institution: sums of its settlement rows of these business days, '
    'cancels and reversals as their signs. Append-only; verify computes it again.';
comment on column settlement.payout_line.total_fen is 'Of the bills, fen.';
comment on column settlement.payout_line.fund_fen is 'What funds pay.';
comment on column settlement.payout_line.account_fen is 'What accounts pay.';
comment on column settlement.payout_line.first_on is 'First business day.';
comment on column settlement.payout_line.last_on is 'Last business day.';
comment on column settlement.payout_line.settled is 'Settlements among them.';
comment on column settlement.payout_line.cancelled is 'Cancels (结算撤销) among them.';
comment on column settlement.payout_line.reversed is 'Reversals (冲正) among them.';
comment on column settlement.payout_line.lane is 'Lane of the institution''s code.';
comment on column settlement.payout_line.institution is 'fixmedins_code.';
comment on column settlement.payout_line.clearing_type is
    'clr_type; empty: unpaid balance at the cut-over (期初应付).';
comment on column settlement.payout_line.scheme is 'insutype.';
comment on column settlement.payout_line.category is 'psn_type.';

create table settlement.payout_adjustment (
    amount_fen      bigint      not null,
    setl_id         bigint,
    proposed_at     timestamptz not null,
    first_on        date        not null,
    adjustment_no   integer     not null,
    lane            smallint    not null,
    kind            smallint    not null,
    institution     text        not null,
    source          text        not null,
    note            text        not null,
    actor           text        not null,
    batch           bytea       not null,
    constraint payout_adjustment_pkey primary key (lane, institution, first_on, adjustment_no),
    constraint payout_adjustment_known check (kind between 1 and 10),
    constraint payout_adjustment_positive check (amount_fen > 0),
    constraint payout_adjustment_batch_is_sha256 check (octet_length(batch) = 32)
);
create index payout_adjustment_by_case
    on settlement.payout_adjustment (lane, setl_id) where setl_id is not null;
comment on table settlement.payout_adjustment is
    'What is deducted from a period, withheld, given in advance, set off or added, as one person '
    'proposed it. Append-only.';
comment on column settlement.payout_adjustment.amount_fen is 'Fen; the kind says which way.';
comment on column settlement.payout_adjustment.setl_id is
    'The settlement that it is about, whatever lane that lies in; null: about the period.';
comment on column settlement.payout_adjustment.proposed_at is 'When.';
comment on column settlement.payout_adjustment.first_on is 'The period.';
comment on column settlement.payout_adjustment.adjustment_no is 'From 1 in each period.';
comment on column settlement.payout_adjustment.lane is 'Lane of the institution''s code.';
comment on column settlement.payout_adjustment.kind is
    'settlement.payout.Kind: 1 deduction, 2 deposit withheld, 3 given back, 4 not given back, '
    '5 reward, 6 prepaid, 7 prepayment used, 8 surplus, 9 overrun, 10 paid back.';
comment on column settlement.payout_adjustment.institution is 'fixmedins_code.';
comment on column settlement.payout_adjustment.source is
    'Number of the document that it follows from.';
comment on column settlement.payout_adjustment.note is 'What it says there.';
comment on column settlement.payout_adjustment.actor is 'Who proposed it.';
comment on column settlement.payout_adjustment.batch is 'SHA-256 of the file that it came in.';

create table settlement.payout_adjustment_end (
    entry_id        bigint,
    recorded_at     timestamptz not null,
    first_on        date        not null,
    booked_on       date        not null,
    adjustment_no   integer     not null,
    lane            smallint    not null,
    booked          boolean     not null,
    institution     text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint payout_adjustment_end_pkey primary key (lane, institution, first_on, adjustment_no),
    constraint payout_adjustment_end_books check (booked = (entry_id is not null))
);
create unique index payout_adjustment_end_by_entry
    on settlement.payout_adjustment_end (lane, entry_id) where entry_id is not null;
comment on table settlement.payout_adjustment_end is
    'How an adjustment ended: booked by a second person, or withdrawn. Append-only.';
comment on column settlement.payout_adjustment_end.entry_id is 'What it booked.';
comment on column settlement.payout_adjustment_end.recorded_at is 'When.';
comment on column settlement.payout_adjustment_end.first_on is 'The period.';
comment on column settlement.payout_adjustment_end.booked_on is 'Business day.';
comment on column settlement.payout_adjustment_end.adjustment_no is 'The adjustment.';
comment on column settlement.payout_adjustment_end.lane is 'Lane of the institution''s code.';
comment on column settlement.payout_adjustment_end.booked is 'False: it was withdrawn.';
comment on column settlement.payout_adjustment_end.institution is 'fixmedins_code.';
comment on column settlement.payout_adjustment_end.actor is 'Who ended it.';
comment on column settlement.payout_adjustment_end.reason is 'Why.';

create table settlement.payout_account (
    recorded_at     timestamptz not null,
    step_no         integer     not null,
    confirms        integer,
    lane            smallint    not null,
    key_version     smallint    not null,
    institution     text        not null,
    actor           text        not null,
    reason          text        not null,
    payload         bytea       not null,
    constraint payout_account_pkey primary key (lane, institution, step_no),
    constraint payout_account_proposes_or_confirms
        check ((confirms is null) = (octet_length(payload) > 0))
);
create unique index payout_account_confirmed_once
    on settlement.payout_account (lane, institution, confirms) where confirms is not null;
comment on table settlement.payout_account is
    'Bank accounts of institutions (户名, 账号, 开户行), each proposed by one person and confirmed by '
    'another; the newest that was confirmed holds. Append-only.';
comment on column settlement.payout_account.recorded_at is 'When.';
comment on column settlement.payout_account.step_no is 'From 1 for each institution.';
comment on column settlement.payout_account.confirms is
    'The step that this one confirms; null where it proposes.';
comment on column settlement.payout_account.lane is 'Lane of the institution''s code.';
comment on column settlement.payout_account.key_version is 'Version of the key.';
comment on column settlement.payout_account.institution is 'fixmedins_code.';
comment on column settlement.payout_account.actor is 'Who.';
comment on column settlement.payout_account.reason is 'Why.';
comment on column settlement.payout_account.payload is
    'The account, encrypted; empty where a step confirms.';

create table settlement.payout_file (
    sum_fen         bigint      not null,
    recorded_at     timestamptz not null,
    row_count       integer     not null,
    lane            smallint    not null,
    act             smallint    not null,
    digest          bytea       not null,
    name            text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint payout_file_pkey primary key (lane, digest, act),
    constraint payout_file_known check (act in (1, 2) and octet_length(digest) = 32)
);
comment on table settlement.payout_file is
    'Bank statements of payouts: read by one person, booked by another, each file once. '
    'Append-only.';
comment on column settlement.payout_file.sum_fen is 'What its rows come to, fen.';
comment on column settlement.payout_file.recorded_at is 'When.';
comment on column settlement.payout_file.row_count is 'Rows.';
comment on column settlement.payout_file.lane is 'Lane of the digest, written as hexadecimal.';
comment on column settlement.payout_file.act is '1 read and proposed, 2 booked.';
comment on column settlement.payout_file.digest is 'SHA-256 of the file.';
comment on column settlement.payout_file.name is 'Its name.';
comment on column settlement.payout_file.actor is 'Who.';
comment on column settlement.payout_file.reason is 'Why.';

create function settlement.payout_commitment(p_lane smallint, p_entry bigint) returns bytea
language sql stable as $$
    -- What the entry of a payout commits to: its step, or its adjustment with who proposed and who
    -- confirmed it, as settlement/finance/payout_books.py computes; null where there is neither.
    select sha256('\x0f'::bytea || convert_to(t.told, 'UTF8'))
    from (
        select '[' || concat_ws(',',
            s.lane, s.entry_id, settlement.json_text(s.institution), '"' || s.first_on || '"',
            '"' || s.last_on || '"', s.step_no, s.act, s.fund_fen, s.account_fen, s.bank_account,
            settlement.json_text(s.reference), settlement.json_text(s.actor)
        ) || ']' as told
        from settlement.payout_step s
        where s.lane = p_lane and s.entry_id = p_entry
        union all
        select '[' || concat_ws(',',
            e.lane, e.entry_id, settlement.json_text(e.institution), '"' || e.first_on || '"',
            e.adjustment_no, a.kind, a.amount_fen, settlement.json_text(a.source),
            settlement.json_text(a.note), settlement.json_text(a.actor),
            settlement.json_text(e.actor), a.setl_id
        ) || ']'
        from settlement.payout_adjustment_end e
        join settlement.payout_adjustment a
            on a.lane = p_lane and a.institution = e.institution and a.first_on = e.first_on
            and a.adjustment_no = e.adjustment_no
        where e.lane = p_lane and e.entry_id = p_entry
    ) as t;
$$;
comment on function settlement.payout_commitment(smallint, bigint)
    is 'What the entry of a payout commits to.';
