-- Money in (ADR 0042): income of funds, and what comes into personal accounts and goes out of them
-- by files. A file is proposed by one person and booked once another confirms it; what became of it
-- is a list of steps. Its rows are there from the beginning, each with the number of the entry that
-- is to book it, so that a booking that was cut short goes on where it ended and books nothing
-- twice. Operators write here as the schema's owner, never the settle path.

create table settlement.money_file (
    file_no         bigint      not null,
    in_fen          bigint      not null,
    out_fen         bigint      not null,
    month           date        not null,
    row_count       integer     not null,
    lane            smallint    not null,
    subject         smallint    not null,
    digest          text        not null,
    name            text        not null,
    totals          text        not null,
    constraint money_file_pkey primary key (lane, file_no),
    constraint money_file_known check (subject in (1, 2)),
    constraint money_file_of_a_month check (month = date_trunc('month', month)::date),
    constraint money_file_has_rows check (row_count > 0)
);
create index money_file_by_digest on settlement.money_file (lane, digest);
comment on table settlement.money_file is
    'Files of income and of personal accounts, as they were proposed. Append-only.';
comment on column settlement.money_file.file_no is
    'Year, month and block of numbers: the entries of its rows are numbered in that block.';
comment on column settlement.money_file.in_fen is 'Sum of what comes in, fen.';
comment on column settlement.money_file.out_fen is 'Sum of what goes out, fen.';
comment on column settlement.money_file.month is 'First day of the month that it is of.';
comment on column settlement.money_file.row_count is 'How many rows are to be booked.';
comment on column settlement.money_file.lane is 'Lane of the digest.';
comment on column settlement.money_file.subject is '1 income of funds, 2 personal accounts.';
comment on column settlement.money_file.digest is 'SHA-256 of the file, hexadecimal.';
comment on column settlement.money_file.name is 'What the file was called.';
comment on column settlement.money_file.totals is 'The totals that both people saw.';

create table settlement.money_file_step (
    file_no         bigint      not null,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    step_no         smallint    not null,
    act             smallint    not null,
    actor           text        not null,
    reason          text        not null,
    constraint money_file_step_pkey primary key (lane, file_no, step_no),
    constraint money_file_step_known check (act between 1 and 5)
);
comment on table settlement.money_file_step is
    'What became of a file, step by step (settlement/books/money_in.py). Append-only.';
comment on column settlement.money_file_step.file_no is 'The file.';
comment on column settlement.money_file_step.recorded_at is 'When.';
comment on column settlement.money_file_step.lane is 'As of the file.';
comment on column settlement.money_file_step.step_no is 'From 1 in each file.';
comment on column settlement.money_file_step.act is
    '1 taken in, 2 proposed, 3 confirmed, 4 rejected, 5 booked.';
comment on column settlement.money_file_step.actor is 'Who.';
comment on column settlement.money_file_step.reason is 'Why.';

create table settlement.money_row (
    entry_id        bigint      not null,
    account         bigint      not null,
    amount_fen      bigint      not null,
    file_no         bigint      not null,
    month           date        not null,
    row_no          integer     not null,
    lane            smallint    not null,
    source          smallint    not null,
    psn_no          text        not null,
    scheme          text        not null,
    fund            text        not null,
    reference       text        not null,
    constraint money_row_pkey primary key (lane, entry_id, row_no),
    constraint money_row_moves_something check (amount_fen <> 0),
    constraint money_row_of_a_person_or_a_fund check ((source > 20) = (psn_no <> '')),
    constraint money_row_of_a_person_is_positive check (amount_fen > 0 or source < 20)
) with (
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
create index money_row_by_person on settlement.money_row (lane, psn_no, month);
comment on table settlement.money_row is
    'Rows of such files. What is booked of them, the entries say; a row of a file that was not '
    'confirmed is a proposal. Append-only.';
comment on column settlement.money_row.entry_id is
    'The entry that books it, or would; some rows of a lane share one.';
comment on column settlement.money_row.account is 'Personal account, or income account of a fund.';
comment on column settlement.money_row.amount_fen is
    'Fen; of funds below zero where income is taken back.';
comment on column settlement.money_row.file_no is 'The file.';
comment on column settlement.money_row.month is 'As of the file.';
comment on column settlement.money_row.row_no is 'Row of the file.';
comment on column settlement.money_row.lane is 'Lane of the person, or of the fund''s code.';
comment on column settlement.money_row.source is 'settlement.money_in.Source.';
comment on column settlement.money_row.psn_no is 'The person; empty of a fund.';
comment on column settlement.money_row.scheme is 'insutype of a fund''s income; else empty.';
comment on column settlement.money_row.fund is
    'fund_pay_type: whose income it is, or which fund pays into the account.';
comment on column settlement.money_row.reference is
    'Voucher or batch: tells two rows of a person, month and source apart.';

create table settlement.money_taken (
    entry_id        bigint      not null,
    taken_fen       bigint      not null,
    owed_fen        bigint      not null,
    row_no          integer     not null,
    lane            smallint    not null,
    psn_no          text        not null,
    constraint money_taken_pkey primary key (lane, entry_id, row_no),
    constraint money_taken_not_negative check (taken_fen >= 0 and owed_fen >= 0)
);
create index money_taken_by_person on settlement.money_taken (lane, psn_no);
comment on table settlement.money_taken is
    'What rows that take from an account came to when they were booked: an account never goes '
    'below zero. Append-only.';
comment on column settlement.money_taken.entry_id is 'As of the row.';
comment on column settlement.money_taken.taken_fen is
    'Taken out of the account, or repaid, fen; 0 where a withdrawal found too little.';
comment on column settlement.money_taken.owed_fen is
    'What the person owes since (应收个人追回款); only of claw-backs.';
comment on column settlement.money_taken.row_no is 'As of the row.';
comment on column settlement.money_taken.lane is 'As of the row.';
comment on column settlement.money_taken.psn_no is 'As of the row.';

create function settlement.money_commitment(p_lane smallint, p_entry bigint) returns bytea
language sql stable as $$
    -- What an entry of money in commits to: its rows with what they came to, in the order of the
    -- file, as settlement/books/money_in.py computes; null where no row names the entry.
    select sha256('\x11'::bytea || convert_to('[' || string_agg('[' || concat_ws(',',
        r.lane, r.entry_id, r.file_no, r.row_no, '"' || r.month || '"', r.source,
        settlement.json_text(r.psn_no), settlement.json_text(r.scheme),
        settlement.json_text(r.fund), settlement.json_text(r.reference), r.account, r.amount_fen,
        coalesce(t.taken_fen, r.amount_fen), coalesce(t.owed_fen, 0)
    ) || ']', ',' order by r.row_no) || ']', 'UTF8'))
    from settlement.money_row r
    left join settlement.money_taken t
        on t.lane = p_lane and t.entry_id = r.entry_id and t.row_no = r.row_no
    where r.lane = p_lane and r.entry_id = p_entry;
$$;
comment on function settlement.money_commitment(smallint, bigint)
    is 'What an entry that books rows of money in commits to.';
