-- Paying institutions. Operators' commands run these beside a server, never the settle path; those
-- without a lane visit all of them.

-- name: payout_lanes
-- Lanes that settlements lie in.
select distinct l.lane
from ledger.lane l
order by l.lane;

-- name: payout_sums
-- What the settlement rows of one lane and of some business days come to. The number of a row
-- carries the month of its business day and its lane (settlement/numbers.py), so that a month is a
-- range of the key. What was only noted at the cut-over owes nobody anything here.
select t.institution, t.clearing_type, t.scheme, t.category,
       count(*) filter (where t.kind = 1)::integer as settled,
       count(*) filter (where t.kind = 2)::integer as cancelled,
       count(*) filter (where t.kind = 3)::integer as reversed,
       sum(t.total_fen)::bigint as total_fen, sum(t.fund_fen)::bigint as fund_fen,
       sum(t.account_fen)::bigint as account_fen
from settlement.settlement t
join settlement.institution i on i.code = t.institution
where t.lane = $1 and t.setl_id between $2 and $3 and t.business_day between $4 and $5
    and not exists (
        select 1 from settlement.opening_settlement o
        where o.lane = t.lane and o.setl_id = t.setl_id
    )
group by t.institution, t.clearing_type, t.scheme, t.category;

-- name: payout_carried
-- Unpaid balances of the cut-over that were booked by a day and are in no period yet.
select o.institution, o.funds_fen, o.accounts_fen
from settlement.opening_payable o
join ledger.entry e on e.lane = o.lane and e.entry_id = o.entry_id
join ledger.block b on b.journal = e.journal and b.block_no = e.block_no
where b.business_day <= $1
    and not exists (
        select 1 from settlement.payout_line n
        where n.lane = o.lane and n.institution = o.institution and n.clearing_type = ''
    );

-- name: payout_ledger
-- What the ledger has on the agency's accounts of each institution at the end of a business day:
-- the last fold of each journal that has nothing later in it, and what came since up to that day.
-- Materialized, or the planner looks for the last block again for every row of the folds.
with safe as materialized (
    select j.journal,
           coalesce(
               (select min(b.block_no) - 1 from ledger.block b
                where b.journal = j.journal and b.business_day > $1),
               (select max(b.block_no) from ledger.block b where b.journal = j.journal),
               0
           ) as through_block
    from ledger.journal j
),
folded as (
    select s.journal, coalesce(l.through_block, 0) as through_block
    from safe s
    left join lateral (
        select f.through_block
        from ledger.fold f
        where f.journal = s.journal and f.through_block <= s.through_block
        order by f.through_block desc
        limit 1
    ) as l on true
),
sums as (
    select m.account, sum(m.credits - m.debits) as credit_fen
    from (
        select f.account, f.debits, f.credits
        from folded d
        join ledger.fold f on f.journal = d.journal and f.through_block = d.through_block
        union all
        select m.account, m.debits, m.credits
        from folded d
        cross join lateral (
            select b.block_no
            from ledger.block b
            where b.journal = d.journal and b.block_no > d.through_block and b.business_day <= $1
            offset 0
        ) as b
        cross join lateral (
            select m.account, m.debits, m.credits
            from ledger.movement m
            where m.journal = d.journal and m.block_no = b.block_no
            offset 0
        ) as m
    ) as m
    group by m.account
)
select i.code, coalesce(f.credit_fen, 0)::bigint as fund_fen,
       coalesce(a.credit_fen, 0)::bigint as account_fen,
       coalesce(q.credit_fen, 0)::bigint as deposit_fen,
       coalesce(- p.credit_fen, 0)::bigint as prepaid_fen
from settlement.institution i
left join sums f on f.account = i.account_base
left join sums a on a.account = i.account_base + 1
left join sums q on q.account = i.account_base + 2
left join sums p on p.account = i.account_base + 3;

-- name: payout_pool
-- What is in the pool of deposits that were not given back, by the adjustments that were booked.
select coalesce(sum(case a.kind when 4 then a.amount_fen else - a.amount_fen end), 0)::bigint
from settlement.payout_adjustment_end e
join settlement.payout_adjustment a
    on a.lane = e.lane and a.institution = e.institution and a.first_on = e.first_on
    and a.adjustment_no = e.adjustment_no
where e.booked and a.kind in (4, 5);

-- name: payout_expected
-- What the ledger must have as payable to each institution at the end of a day: all stated periods
-- that ended by then, what adjustments did, and what was ordered and came back.
select q.institution, sum(q.fund_fen)::bigint as fund_fen,
       sum(q.account_fen)::bigint as account_fen
from (
    select n.institution, n.fund_fen, n.account_fen
    from settlement.payout_line n
    where n.last_on <= $1
    union all
    select s.institution, case s.act when 7 then s.fund_fen else - s.fund_fen end,
           case s.act when 7 then s.account_fen else - s.account_fen end
    from settlement.payout_step s
    where s.act in (5, 7) and s.booked_on <= $1
    union all
    select e.institution,
           case when a.kind in (1, 2, 7, 9) then - a.amount_fen
                when a.kind in (3, 5, 8, 10) then a.amount_fen else 0 end,
           0
    from settlement.payout_adjustment_end e
    join settlement.payout_adjustment a
        on a.lane = e.lane and a.institution = e.institution and a.first_on = e.first_on
        and a.adjustment_no = e.adjustment_no
    where e.booked and e.booked_on <= $1
) as q
group by q.institution;

-- name: payout_periods
-- The periods that were stated, the newest first.
select p.first_on, p.last_on
from settlement.payout_period p
order by p.first_on desc
limit $1;

-- name: keep_payout_period
-- A period is stated, for whomever; once.
insert into settlement.payout_period (lane, first_on, last_on, recorded_at, actor, reason)
values ($1, $2, $3, $4, $5, $6)
on conflict do nothing;

-- name: first_business_day
-- The first business day that anything was booked on.
select min(b.business_day)
from ledger.block b
where b.entry_count > 0;

-- name: payout_steps
-- Steps of institutions of one lane in a period.
select s.institution, s.last_on, s.step_no, s.act, s.recorded_at, s.booked_on, s.actor, s.fund_fen,
       s.account_fen, s.reference, s.reason, s.bank_account, s.entry_id
from settlement.payout_step s
where s.lane = $1 and s.institution = any ($2::text[]) and s.first_on = $3
order by s.institution, s.step_no;

-- name: payout_steps_before
-- Steps of the period before, of institutions of one lane.
select s.institution, s.last_on, s.step_no, s.act, s.recorded_at, s.booked_on, s.actor, s.fund_fen,
       s.account_fen, s.reference, s.reason, s.bank_account, s.entry_id
from settlement.payout_step s
where s.lane = $1 and s.institution = any ($2::text[]) and s.first_on = (
    select max(b.first_on) from settlement.payout_step b
    where b.lane = $1 and b.institution = s.institution and b.first_on < $3
)
order by s.institution, s.step_no;

-- name: payout_institutions
-- Whom a period was stated for, of one lane.
select s.institution
from settlement.payout_step s
where s.lane = $1 and s.first_on = $2 and s.act = 1
order by s.institution;

-- name: payout_lines
-- What periods of institutions of one lane owe, by clearing type, scheme and person type.
select n.institution, n.clearing_type, n.scheme, n.category, n.settled, n.cancelled, n.reversed,
       n.total_fen, n.fund_fen, n.account_fen
from settlement.payout_line n
where n.lane = $1 and n.institution = any ($2::text[]) and n.first_on = $3
order by n.institution, n.clearing_type, n.scheme, n.category;

-- name: payout_adjustments
-- Adjustments of periods of institutions of one lane, with how they ended.
select a.institution, a.adjustment_no, a.kind, a.amount_fen, a.source, a.note, a.batch, a.actor,
       a.setl_id, e.actor as ended_by, e.booked, e.entry_id
from settlement.payout_adjustment a
left join settlement.payout_adjustment_end e
    on e.lane = a.lane and e.institution = a.institution and e.first_on = a.first_on
    and e.adjustment_no = a.adjustment_no
where a.lane = $1 and a.institution = any ($2::text[]) and a.first_on = $3
order by a.institution, a.adjustment_no;

-- name: payout_cases
-- Settlements that adjustments are about: whose each is, and whether it stands.
select t.setl_id, t.institution, t.kind, n.setl_id is not null as is_undone
from unnest($1::smallint[], $2::bigint[]) as k (lane, setl_id)
join settlement.settlement t on t.lane = k.lane and t.setl_id = k.setl_id
left join settlement.settlement n on n.lane = t.lane and n.undoes_setl_id = t.setl_id;

-- name: payout_cases_named
-- Which settlements adjustments of one lane are about that nobody withdrew, and whose each is said
-- to be; in order, after one.
select distinct a.setl_id, a.institution
from settlement.payout_adjustment a
left join settlement.payout_adjustment_end e
    on e.lane = a.lane and e.institution = a.institution and e.first_on = a.first_on
    and e.adjustment_no = a.adjustment_no
where a.lane = $1 and a.setl_id >= $2 and (a.setl_id, a.institution) > ($2, $3)
    and e.booked is distinct from false
order by a.setl_id, a.institution
limit $4;

-- name: keep_payout_steps
-- Next steps of periods of one lane; only those come back whose number was free.
insert into settlement.payout_step (
    lane, institution, first_on, last_on, step_no, act, recorded_at, booked_on, actor, fund_fen,
    account_fen, reference, reason, bank_account, entry_id
)
select $1, n.institution, $2, $3, n.step_no, $4, $5, $6, $7, n.fund_fen, n.account_fen,
       n.reference, $8, n.bank_account, n.entry_id
from unnest($9::text[], $10::integer[], $11::bigint[], $12::bigint[], $13::text[],
            $14::integer[], $15::bigint[])
    as n (institution, step_no, fund_fen, account_fen, reference, bank_account, entry_id)
on conflict do nothing
returning institution;

-- name: keep_payout_lines
-- What stated periods of one lane owe.
insert into settlement.payout_line (
    lane, first_on, last_on, institution, clearing_type, scheme, category, settled, cancelled,
    reversed, total_fen, fund_fen, account_fen
)
select $1, $2, $3, n.institution, n.clearing_type, n.scheme, n.category, n.settled, n.cancelled,
       n.reversed, n.total_fen, n.fund_fen, n.account_fen
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::integer[],
            $10::integer[], $11::bigint[], $12::bigint[], $13::bigint[])
    as n (institution, clearing_type, scheme, category, settled, cancelled, reversed, total_fen,
          fund_fen, account_fen);

-- name: keep_payout_adjustments
-- What one person proposes for institutions of one lane.
insert into settlement.payout_adjustment (
    lane, first_on, proposed_at, actor, batch, institution, adjustment_no, kind, amount_fen, source,
    note, setl_id
)
select $1, $2, $3, $4, $5, n.institution, n.adjustment_no, n.kind, n.amount_fen, n.source, n.note,
       n.setl_id
from unnest($6::text[], $7::integer[], $8::smallint[], $9::bigint[], $10::text[], $11::text[],
            $12::bigint[])
    as n (institution, adjustment_no, kind, amount_fen, source, note, setl_id)
on conflict do nothing
returning institution;

-- name: end_payout_adjustments
-- Adjustments of one lane end.
insert into settlement.payout_adjustment_end (
    lane, first_on, recorded_at, booked_on, booked, actor, reason, institution, adjustment_no,
    entry_id
)
select $1, $2, $3, $4, $5, $6, $7, n.institution, n.adjustment_no, n.entry_id
from unnest($8::text[], $9::integer[], $10::bigint[])
    as n (institution, adjustment_no, entry_id)
on conflict do nothing
returning institution;

-- name: payout_batch
-- The institutions that a batch of adjustments is about, in a period, whatever lane they lie in,
-- and how many of its rows nobody has ended. What was withdrawn does not count.
select a.institution, a.actor,
       (count(*) filter (where e.institution is null))::integer as open_rows
from settlement.payout_adjustment a
left join settlement.payout_adjustment_end e
    on e.lane = a.lane and e.institution = a.institution and e.first_on = a.first_on
    and e.adjustment_no = a.adjustment_no
where a.first_on = $1 and a.batch = $2 and e.booked is distinct from false
group by a.institution, a.actor;

-- name: payout_accounts
-- Steps of bank accounts of institutions of one lane.
select a.institution, a.step_no, a.confirms, a.key_version, a.payload, a.actor, a.reason,
       a.recorded_at
from settlement.payout_account a
where a.lane = $1 and a.institution = any ($2::text[])
order by a.institution, a.step_no;

-- name: keep_payout_account
-- The next step of an institution's bank account; no row where somebody took the number.
insert into settlement.payout_account (
    lane, institution, step_no, confirms, key_version, payload, recorded_at, actor, reason
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
returning step_no;

-- name: payout_file
-- What was done with a bank statement.
select f.act, f.actor, f.recorded_at, f.row_count, f.sum_fen
from settlement.payout_file f
where f.lane = $1 and f.digest = $2
order by f.act;

-- name: keep_payout_file
-- A bank statement was read, or booked.
insert into settlement.payout_file (
    lane, digest, act, name, row_count, sum_fen, recorded_at, actor, reason
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
returning act;

-- name: voucher_days
-- The blocks of a journal on some business days, in pieces, for vouchers of their entries.
select b.journal, b.business_day, min(b.block_no) as first_block, max(b.block_no) as last_block
from ledger.block b
where b.business_day between $1 and $2 and b.entry_count > 0
group by b.journal, b.business_day
order by b.business_day, b.journal;

-- name: voucher_sums
-- What the entries of some blocks of one business day move in the agency's book, by what they are
-- for and by account code. Personal accounts are the agency's, and are one code; memoranda (备查)
-- are in no balance sheet.
select q.code, q.account_code, min(q.name) as name, sum(q.debits)::bigint as debits,
       sum(q.credits)::bigint as credits
from (
    select e.code,
           case when m.account >= 1000000000000 then '2203.21' else a.code end as account_code,
           case when m.account >= 1000000000000 then '个人账户' else split_part(a.name, ' ', 1) end
               as name,
           m.debit as debits, m.credit as credits
    from ledger.block b
    join ledger.entry e on e.journal = b.journal and e.block_no = b.block_no and e.kind in (1, 3)
    cross join lateral unnest(e.debits, e.credits, e.amounts) as t (debit, credit, amount)
    cross join lateral (values (t.debit, t.amount, 0::bigint), (t.credit, 0::bigint, t.amount))
        as m (account, debit, credit)
    left join ledger.account a on a.account = m.account
    where b.journal = $1 and b.block_no between $2 and $3 and b.business_day = $4
        and (m.account >= 1000000000000 or (a.owner = 'agency' and a.code not like '9%'))
) as q
group by q.code, q.account_code
order by q.code, q.account_code;

-- name: bad_payout_lines
-- A stated period that owes an institution another amount than its settlement rows of those
-- business days come to. The number of a row carries its month, and old settlements are noted only.
select n.institution, n.first_on
from (
    select n.institution, n.first_on, n.last_on, sum(n.fund_fen) as fund_fen,
           sum(n.account_fen) as account_fen, sum(n.total_fen) as total_fen
    from settlement.payout_line n
    where n.clearing_type <> ''
    group by n.institution, n.first_on, n.last_on
) as n
left join (
    select t.institution, p.first_on, sum(t.fund_fen) as fund_fen,
           sum(t.account_fen) as account_fen, sum(t.total_fen) as total_fen
    from (
        select distinct s.first_on, s.last_on from settlement.payout_step s where s.act = 1
    ) as p
    join settlement.settlement t on t.business_day between p.first_on and p.last_on
    where not exists (
        select 1 from settlement.opening_settlement o
        where o.lane = t.lane and o.setl_id = t.setl_id
    )
    group by t.institution, p.first_on
) as r on r.institution = n.institution and r.first_on = n.first_on
where (r.fund_fen, r.account_fen, r.total_fen)
    is distinct from (n.fund_fen, n.account_fen, n.total_fen)
order by n.first_on, n.institution
limit 1;

-- name: lock_institutions
-- Acts about institutions of a lane come one after the other; the lock ends with the transaction.
select pg_advisory_xact_lock($1::integer, k.lane) from (values ($2::integer)) as k (lane);
