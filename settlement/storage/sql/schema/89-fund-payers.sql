-- Funds that somebody else owes (由其他单位承担的基金, ADR 0073), as medical aid. What such a fund
-- paid in a stated period is due from its payer: one row a fund and period, in the lane of the
-- fund's code, with the claims that it is the sum of. What the payer sends comes by files of money
-- in. Operators write here as the schema's owner, never the settle path.

create table settlement.fund_due (
    entry_id        bigint,
    amount_fen      bigint      not null,
    recorded_at     timestamptz not null,
    first_on        date        not null,
    last_on         date        not null,
    booked_on       date        not null,
    ledger_code     integer     not null,
    lane            smallint    not null,
    fund            text        not null,
    payer           text        not null,
    payer_name      text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint fund_due_pkey primary key (lane, fund, first_on),
    constraint fund_due_ends_after_it_begins check (last_on >= first_on),
    constraint fund_due_books_what_it_comes_to check ((amount_fen <> 0) = (entry_id is not null))
);
create unique index fund_due_by_entry on settlement.fund_due (lane, entry_id)
    where entry_id is not null;
comment on table settlement.fund_due is
    'What the payer of a fund owes for a stated period (应收付款单位), once. Append-only; verify '
    'computes it again.';
comment on column settlement.fund_due.entry_id is 'What it booked; null where it is nothing.';
comment on column settlement.fund_due.amount_fen is
    'What the fund paid in the claims of the period, fen; below zero where cancels outweigh them.';
comment on column settlement.fund_due.recorded_at is 'When.';
comment on column settlement.fund_due.first_on is 'First business day of the period.';
comment on column settlement.fund_due.last_on is 'Last business day of the period.';
comment on column settlement.fund_due.booked_on is 'Business day of the entry.';
comment on column settlement.fund_due.ledger_code is 'The fund in the ledger''s accounts.';
comment on column settlement.fund_due.lane is 'Lane of the fund''s code.';
comment on column settlement.fund_due.fund is 'fund_pay_type.';
comment on column settlement.fund_due.payer is 'Who owes it, as the region profile names them.';
comment on column settlement.fund_due.payer_name is 'What the profile called them then.';
comment on column settlement.fund_due.actor is 'Who stated the period.';
comment on column settlement.fund_due.reason is 'Why.';

create table settlement.fund_due_line (
    amount_fen      bigint      not null,
    first_on        date        not null,
    row_count       integer     not null,
    lane            smallint    not null,
    code            smallint    not null,
    fund            text        not null,
    institution     text        not null,
    constraint fund_due_line_pkey primary key (lane, fund, first_on, institution, code),
    constraint fund_due_line_of_claims check (code in (1, 2, 3, 52, 91))
);
comment on table settlement.fund_due_line is
    'The claims of a due, by institution and kind of entry. Append-only.';
comment on column settlement.fund_due_line.amount_fen is
    'What the fund paid, fen; cancels and reversals below zero.';
comment on column settlement.fund_due_line.first_on is 'As of the due.';
comment on column settlement.fund_due_line.row_count is 'How many settlement rows.';
comment on column settlement.fund_due_line.lane is 'As of the due.';
comment on column settlement.fund_due_line.code is
    'settlement.chart.EntryCode: 1 settled, 2 cancelled, 3 reversed, 52 treated in another region, '
    '91 reimbursed to the person.';
comment on column settlement.fund_due_line.fund is 'As of the due.';
comment on column settlement.fund_due_line.institution is 'fixmedins_code.';

create function settlement.fund_due_commitment(p_lane smallint, p_entry bigint) returns bytea
language sql stable as $$
    -- What the entry of a due commits to: the due with its claims in their order, as
    -- settlement/books/fund_payers.py computes; null where no due names the entry.
    select sha256('\x16'::bytea || convert_to('[' || concat_ws(',',
        d.lane, d.entry_id, '"' || d.first_on || '"', '"' || d.last_on || '"',
        settlement.json_text(d.fund), d.ledger_code, settlement.json_text(d.payer),
        settlement.json_text(d.payer_name), d.amount_fen, settlement.json_text(d.actor),
        '[' || coalesce((
            select string_agg('[' || concat_ws(',',
                settlement.json_text(n.institution), n.code, n.row_count, n.amount_fen
            ) || ']', ',' order by n.institution collate "C", n.code)
            from settlement.fund_due_line n
            where n.lane = p_lane and n.fund = d.fund and n.first_on = d.first_on
        ), '') || ']'
    ) || ']', 'UTF8'))
    from settlement.fund_due d
    where d.lane = p_lane and d.entry_id = p_entry;
$$;
comment on function settlement.fund_due_commitment(smallint, bigint)
    is 'What the entry of a due commits to.';
