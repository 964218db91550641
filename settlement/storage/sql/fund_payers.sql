-- Funds that somebody else owes (ADR 0073): what is due from their payers, and what came. Commands
-- and the console run these beside a server, never the settle path; those without a lane visit all
-- of them.

-- name: fund_claims
-- What funds paid in the claims of one lane, each fund of some business days: by the shares that
-- the settlement rows tell, of those whose entry moved the fund's account. A number carries the
-- month of its business day and its lane (settlement/numbers.py), so that a month is a range of the
-- key; cancels and reversals tell the shares of what they undo.
select d.place, t.institution, e.code, count(*)::integer as row_count,
       sum(case t.kind when 1 then s.fen else - s.fen end)::bigint as amount_fen
from unnest($2::integer[], $3::date[], $4::date[], $5::bigint[], $6::bigint[]) with ordinality
    as d (ledger_code, first_on, last_on, first_no, last_no, place)
join settlement.settlement t
    on t.lane = $1 and t.setl_id between d.first_no and d.last_no
    and t.business_day between d.first_on and d.last_on
    and t.shares like '%,' || d.ledger_code || ',%'
join ledger.entry e
    on e.lane = $1 and e.entry_id = t.setl_id and e.code in (1, 2, 3, 52, 91)
    and (1000000 + d.ledger_code = any (e.debits) or 1000000 + d.ledger_code = any (e.credits))
cross join lateral (
    select sum((x.share ->> 6)::bigint)::bigint as fen
    from json_array_elements(t.shares::json) as x (share)
    where (x.share ->> 2)::integer = d.ledger_code
) as s
where s.fen <> 0
group by d.place, t.institution, e.code;

-- name: fund_dues
-- Every due, by fund and in the order of the periods.
select d.lane, d.first_on, d.last_on, d.fund, d.ledger_code, d.payer, d.payer_name, d.amount_fen,
       d.booked_on, d.actor, d.entry_id
from settlement.fund_due d
order by d.fund, d.first_on;

-- name: fund_due_lines
-- The claims of the dues of a period, or of all.
select n.fund, n.first_on, n.institution, n.code, n.row_count, n.amount_fen
from settlement.fund_due_line n
where $1::date is null or n.first_on = $1
order by n.fund, n.first_on, n.institution collate "C", n.code;

-- name: keep_fund_due
-- A due; no row where the fund's period has one.
insert into settlement.fund_due (
    lane, first_on, last_on, fund, ledger_code, payer, payer_name, amount_fen, booked_on, actor,
    entry_id, recorded_at, reason
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict do nothing
returning fund;

-- name: keep_fund_due_lines
-- The claims of a due, as they were when it was booked.
insert into settlement.fund_due_line (
    lane, first_on, fund, institution, code, row_count, amount_fen
)
select $1, $2, $3, n.institution, n.code, n.row_count, n.amount_fen
from unnest($4::text[], $5::smallint[], $6::integer[], $7::bigint[])
    as n (institution, code, row_count, amount_fen);

-- name: fund_receipts
-- What payers of funds sent, or were sent back, as it was booked.
select r.fund, r.account, r.file_no, r.month, r.reference, r.amount_fen, r.entry_id, b.business_day
from settlement.money_row r
join ledger.entry e on e.lane = r.lane and e.entry_id = r.entry_id and e.code = 84
join ledger.block b on b.journal = e.journal and b.block_no = e.block_no
where r.psn_no = '' and r.source = 8
order by r.fund, b.business_day, r.file_no, r.row_no;

-- name: fund_due_settlements
-- Settlement rows of a due that are of one institution, by number: of its statement, of our people
-- in other regions, and of bills that were reimbursed. A statement's day is that of the message.
select t.setl_id, t.business_day, t.kind, e.code,
       case t.kind when 1 then s.fen else - s.fen end as amount_fen
from (select distinct l.lane from ledger.lane l) as l
cross join lateral (
    select r.setl_id
    from settlement.statement_row r
    where r.lane = l.lane and r.institution = $1
        and r.setl_on between $2::date - 7 and $3::date + 7
    union
    select h.setl_id
    from settlement.home_case h
    where h.lane = l.lane and h.institution = $1 and h.setl_on between $2::date and $3::date
    union
    select p.entry_id
    from settlement.reimbursement_step p
    where p.lane = l.lane and p.entry_id between $4 and $5
) as c
join settlement.settlement t
    on t.lane = l.lane and t.setl_id = c.setl_id and t.institution = $1
    and t.business_day between $2::date and $3::date
    and t.shares like '%,' || $6::integer || ',%'
join ledger.entry e
    on e.lane = t.lane and e.entry_id = t.setl_id and e.code in (1, 2, 3, 52, 91)
    and (1000000 + $6::integer = any (e.debits) or 1000000 + $6::integer = any (e.credits))
cross join lateral (
    select sum((x.share ->> 6)::bigint)::bigint as fen
    from json_array_elements(t.shares::json) as x (share)
    where (x.share ->> 2)::integer = $6::integer
) as s
where s.fen <> 0
order by t.setl_id
limit $7;
