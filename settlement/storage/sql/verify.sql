-- Verification of what the settlement schema keeps beside the ledger, for a chunk of blocks.

-- name: codes
-- What the entries of the chunk are for: questions about other ones need not be put. The walk has
-- found before that each entry is as it was booked, its code included.
select distinct e.code
from ledger.entry e
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3;

-- name: settlements
-- Every settlement entry of the chunk with what belongs to it: what is wrong with its row and with
-- its row in the institution's statement (verify_settlements.py has the words), and its detail to
-- be opened. A block that is listed has all its rows in statements, another none: they would be
-- counted twice. The rows of other codes are held against their entries by statements of their own.
-- Not in order: to sort what is sealed costs more than to find the first of a few.
select e.lane, e.entry_id, e.block_no, e.ordinal, t.setl_id, s.setl_id as stated,
       case
           when e.code not in (1, 2, 3) then 0
           when t.setl_id is null then 1
           when settlement.row_commitment(t) <> e.commitment then 2
           when s.setl_id is null and e.block_no <= listed.through_block then 3
           when s.setl_id is not null and e.block_no > listed.through_block then 4
           when s.differs then 5
           when t.undoes_setl_id is not null and not exists (
               select 1 from settlement.settlement o
               where o.lane = t.lane and o.setl_id = t.undoes_setl_id
                   and o.total_fen = -t.total_fen and o.fund_fen = -t.fund_fen
                   and o.account_fen = -t.account_fen and o.cash_fen = -t.cash_fen
           ) then 2
           when t.family_account_fen <> 0 and t.family_account_fen is distinct from (
               select sum(f.amount_fen)
               from settlement.family_share f
               where f.lane = t.lane and f.setl_id = t.setl_id
           ) then 6
           else 0
       end as wrong,
       t.detail_commitment, d.key_version, d.salt, d.payload
from (
    select coalesce(max(l.through_block), 0) as through_block
    from settlement.listing l
    where l.journal = $1
) as listed
cross join ledger.entry e
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
left join lateral (
    select s.setl_id,
           (s.total_fen, s.fund_fen, s.account_fen, s.cash_fen, s.business_day, s.kind, s.scheme,
            s.clearing_type)
               <> (t.total_fen, t.fund_fen, t.account_fen, t.cash_fen, t.business_day, t.kind,
                   t.scheme, t.clearing_type) as differs
    from settlement.statement_row s
    where s.lane = t.lane and s.institution = t.institution
        and s.setl_on = (t.setl_time at time zone interval '+08:00')::date
        and s.setl_id = t.setl_id
    offset 0
) as s on true
left join settlement.settlement_detail d on d.lane = t.lane and d.setl_id = t.setl_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code in (1, 2, 3, 13, 52, 91);

-- name: vanished_details
-- Settlement entries of the chunk whose detail is gone, though the row commits to one, no erasure
-- that was confirmed covers it, and the year of its number was not archived.
select e.lane, e.entry_id, e.block_no, e.ordinal
from ledger.entry e
join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
left join settlement.settlement_detail d on d.lane = t.lane and d.setl_id = t.setl_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
    and e.code in (1, 2, 3, 13, 52, 91)
    and d.setl_id is null and t.detail_commitment <> sha256('\x04'::bytea)
    and not exists (
        select from settlement.erasure x
        where x.lane = t.lane and x.psn_no = t.psn_no and x.act = 2 and x.before_at > t.setl_time
    )
    and not exists (
        select from settlement.archived_year a
        where a.year = 2000 + t.setl_id / 100000000000000000
    )
order by e.block_no, e.ordinal
limit 1;

-- name: bad_carried
-- Entries of the chunk that note a settlement of the system before whose row is missing, is not
-- what was committed, or is not among what was brought along.
select e.lane, e.entry_id, e.block_no, e.ordinal, t.setl_id is null as missing
from ledger.entry e
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
left join settlement.opening_settlement o on o.lane = e.lane and o.setl_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 13
    and (
        t.setl_id is null
        or settlement.row_commitment(t) <> e.commitment
        or o.setl_id is null
        or (o.institution, o.psn_no) <> (t.institution, t.psn_no)
    )
order by e.block_no, e.ordinal
limit 1;

-- name: committed_payloads
-- What entries of the chunk commit to by a commitment alone, beside details: it must open to that.
select e.lane, e.entry_id, e.block_no, e.ordinal, 'payment' as place, 'payment' as what,
       p.pay_no as number, 0 as part, p.plan as payload
from ledger.entry e
join settlement.payment p on p.lane = e.lane and p.pay_no = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
    and ((e.code = 21 and e.kind = 2) or e.code = 23)
union all
select e.lane, e.entry_id, e.block_no, e.ordinal, 'mobile_event',
       'hold for an order of mobile payment', m.order_no, m.event_no, m.payload
from ledger.entry e
join settlement.mobile_event m on m.lane = e.lane and m.order_no = e.entry_id and m.kind = 2
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 29 and e.kind = 2
union all
select e.lane, e.entry_id, e.block_no, e.ordinal, 'remote_case',
       'hold for a case of another region', c.case_no, 0, c.payload
from ledger.entry e
join settlement.remote_case c on c.lane = e.lane and c.hold_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 51 and e.kind = 2
union all
select e.lane, e.entry_id, e.block_no, e.ordinal, 'reimbursement_paper', 'reimbursement',
       p.reimbursement_no, p.paper_no, p.payload
from ledger.entry e
join settlement.reimbursement_step s on s.lane = e.lane and s.entry_id = e.entry_id
join settlement.reimbursement_paper p
    on p.lane = e.lane and p.reimbursement_no = s.reimbursement_no and p.paper_no = s.paper_no
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code between 91 and 94
order by block_no, ordinal;

-- name: bad_home_cases
-- Entries of the chunk for care in another region whose settlement row is missing or is not what
-- was committed, or lies in the statement of an institution of ours; which have no row beside them,
-- or one of another region, case or day; which do not come to the whole bill, or do not take back
-- exactly what they say.
select e.lane, e.entry_id, e.block_no, e.ordinal,
       t.setl_id is null or h.setl_id is null as missing
from ledger.entry e
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
left join settlement.home_case h on h.lane = e.lane and h.setl_id = e.entry_id
left join settlement.settlement o on o.lane = t.lane and o.setl_id = t.undoes_setl_id
left join settlement.statement_row s
    on s.lane = t.lane and s.institution = t.institution and s.setl_id = t.setl_id
    and s.setl_on = (t.setl_time at time zone interval '+08:00')::date
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 52
    and (
        t.setl_id is null
        or settlement.row_commitment(t) <> e.commitment
        or s.setl_id is not null
        or h.setl_id is null
        or (h.treated_region, h.setl_on) <> (t.institution, t.business_day)
        or h.case_no <> coalesce(o.msgid, t.msgid)
        or (select sum(leg.fen) from unnest(e.amounts) as leg (fen)) <> abs(t.total_fen)
        or (t.undoes_setl_id is not null and (
            o.total_fen, o.fund_fen, o.account_fen, o.cash_fen
        ) is distinct from (-t.total_fen, -t.fund_fen, -t.account_fen, -t.cash_fen))
    )
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_settlements
-- A settlement row of one lane that no ledger entry stands behind.
select t.setl_id
from settlement.settlement t
left join ledger.entry e on e.lane = t.lane and e.entry_id = t.setl_id
where t.lane = $1 and e.entry_id is null
order by t.setl_id
limit 1;

-- name: stray_statement_rows
-- A row of one lane in the statement of an institution, or on a day, that its settlement does not
-- have; or of no settlement.
select s.setl_id
from settlement.statement_row s
left join settlement.settlement t
    on t.lane = s.lane and t.setl_id = s.setl_id and t.institution = s.institution
    and (t.setl_time at time zone interval '+08:00')::date = s.setl_on
where s.lane = $1 and t.setl_id is null
order by s.setl_id
limit 1;

-- name: stray_elsewhere
-- What lies beside a settlement of one lane of somebody insured elsewhere, and is not of its
-- institution or day; or is of no settlement.
select e.setl_id
from settlement.insured_elsewhere e
left join settlement.settlement t
    on t.lane = e.lane and t.setl_id = e.setl_id and t.institution = e.institution
    and (t.setl_time at time zone interval '+08:00')::date = e.setl_on
where e.lane = $1 and t.setl_id is null
order by e.setl_id
limit 1;

-- name: stray_home_cases
-- What lies beside a settlement of one lane of somebody treated in another region, and is of no
-- settlement, or not of its region and day.
select h.setl_id
from settlement.home_case h
left join settlement.settlement t
    on t.lane = h.lane and t.setl_id = h.setl_id and t.institution = h.treated_region
    and t.business_day = h.setl_on
where h.lane = $1 and t.setl_id is null
order by h.setl_id
limit 1;

-- name: orphan_openings
-- What was brought along of one lane, by a person or an institution, that no ledger entry booked or
-- noted.
select o.entry_id
from (
    select p.entry_id from settlement.opening p where p.lane = $1 and p.entry_id is not null
    union all
    select i.entry_id
    from settlement.opening_payable i
    where i.lane = $1 and i.entry_id is not null
    union all
    select s.setl_id
    from settlement.opening_settlement s
    where s.lane = $1
) as o
left join ledger.entry e
    on e.lane = $1 and e.entry_id = o.entry_id and e.code in (11, 12, 13)
where e.entry_id is null
order by o.entry_id
limit 1;

-- name: wrong_openings
-- What was brought along of one lane and is not what its entry booked: a person's balance is a leg
-- into the account that the person has; what an institution was owed is in two books.
select o.entry_id
from settlement.opening o
join ledger.entry e on e.lane = $1 and e.entry_id = o.entry_id
left join settlement.person p on p.lane = $1 and p.psn_no = o.psn_no
where o.lane = $1 and not exists (
    select 1
    from unnest(e.credits, e.amounts) as leg (credit, fen)
    where leg.credit = p.account and leg.fen = o.balance_fen
)
union all
select i.entry_id
from settlement.opening_payable i
join ledger.entry e on e.lane = $1 and e.entry_id = i.entry_id
where i.lane = $1
    and 2 * (abs(i.funds_fen) + abs(i.accounts_fen))
        <> (select sum(leg.fen) from unnest(e.amounts) as leg (fen))
limit 1;

-- name: wrong_accumulators
-- A person of one lane whose accumulators are not the sum of what their settlements of the year
-- added and what they brought along, which has in it what old settlements had added. What was added
-- less what is kept is nothing, counter by counter. It is summed and not joined: the planner does
-- not know how little the JSON of a person has in it, and made a join ready for millions of rows.
select m.psn_no
from (
    select t.psn_no, t.year::text as year, i.key as name, i.value::bigint as fen
    from settlement.settlement t
    cross join lateral json_each_text(t.increments::json) as i
    where t.lane = $1 and t.increments <> '{}' and not exists (
        select 1 from settlement.opening_settlement s
        where s.lane = t.lane and s.setl_id = t.setl_id
    )
    union all
    select o.psn_no, o.year::text, i.key, i.value::bigint
    from settlement.opening o
    cross join lateral json_each_text(o.accumulators::json) as i
    where o.lane = $1
    union all
    select s.psn_no, y.key, v.key, - v.value::bigint
    from settlement.person s
    cross join lateral json_each(s.accumulators::json) as y
    cross join lateral json_each_text(y.value -> 0) as v
    where s.lane = $1 and s.accumulators <> '{}'
) as m
where m.year >= $2
group by m.psn_no, m.year, m.name
having sum(m.fen) <> 0
order by m.psn_no
limit 1;

-- name: persons
-- People of one lane after one, as they carry it: whose identity does not open beside these.
select p.psn_no, p.account, p.home_region, p.enrolments, p.family, p.key_version, p.identity
from settlement.person p
where p.lane = $1 and p.psn_no > $2
order by p.psn_no
limit $3;

-- name: filings
-- The filings of one lane, with from when they were taken back, and the list that the person has.
select p.psn_no, p.filings, f.filing_no, f.kind, f.begins_on, f.ends_on,
       w.begins_on as withdrawn_on
from settlement.person p
left join settlement.filing f
    on f.lane = $1 and f.psn_no = p.psn_no and f.withdraws is null
left join settlement.filing w on w.lane = $1 and w.withdraws = f.filing_no
where p.lane = $1 and (p.filings <> '' or f.filing_no is not null)
    and not (p.filings = '' and exists (
        select from settlement.erasure x
        where x.lane = $1 and x.psn_no = p.psn_no and x.act = 3
    ))
order by p.psn_no, f.filing_no;

-- name: bad_moves
-- Entries of the chunk about money for relatives whose row is missing or is not what was committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, m.entry_id is null as missing
from ledger.entry e
left join settlement.family_move m on m.lane = e.lane and m.entry_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code in (4, 5, 6, 7)
    and (m.entry_id is null or settlement.move_commitment(m) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_moves
-- Money of one lane that moved for a relative without an entry.
select m.entry_id
from settlement.family_move m
left join ledger.entry e on e.lane = m.lane and e.entry_id = m.entry_id
where m.lane = $1 and e.entry_id is null
order by m.entry_id
limit 1;

-- name: unmoved_shares
-- What relatives pay of settlements of one lane, or get back, and their accounts do not know of.
-- What was settled after an instant may still be under way. The relative's lane is in the number
-- of the hold (settlement/numbers.py).
select s.setl_id
from settlement.family_share s
join settlement.settlement t on t.lane = s.lane and t.setl_id = s.setl_id
left join settlement.family_move m
    on m.lane = s.hold_id / 100000000000 % 10000 and m.hold_id = s.hold_id
    and m.kind = case when s.amount_fen > 0 then 2 else 4 end
where s.lane = $1 and t.setl_time < $2
    and (
        m.setl_id is distinct from s.setl_id or m.amount_fen <> abs(s.amount_fen)
        or m.psn_no <> s.donor_no
    )
order by s.setl_id
limit 1;

-- name: unshared_moves
-- Accounts of one lane that paid for a relative, or got back, what no settlement says.
select m.entry_id
from settlement.family_move m
left join settlement.family_share s
    on s.lane = m.patient_lane and s.setl_id = m.setl_id and s.hold_id = m.hold_id
where m.lane = $1 and m.kind in (2, 4) and abs(s.amount_fen) is distinct from m.amount_fen
order by m.entry_id
limit 1;

-- name: bad_payments
-- Entries of the chunk that open a payment over a channel whose row is missing or is not what was
-- committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, p.pay_no is null as missing
from ledger.entry e
left join settlement.payment p on p.lane = e.lane and p.pay_no = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
    and ((e.code = 21 and e.kind = 2) or e.code = 23)
    and (p.pay_no is null or settlement.payment_commitment(p) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: bad_payment_ends
-- Entries of the chunk that say what became of a payment, and no step of it does, or another: a
-- channel collected it, it was given back, a return of it was opened, or nothing was collected.
select e.lane, e.entry_id, e.block_no, e.ordinal,
       p.pay_no is null or e.code = 21 as missing
from ledger.entry e
left join settlement.payment_event v on v.lane = e.lane and v.entry_id = e.entry_id
left join settlement.payment p on p.lane = v.lane and p.pay_no = v.pay_no
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
    and (e.code between 23 and 26 or (e.code = 21 and e.kind = 4))
    and case e.code
        when 21 then not exists (
            select from settlement.payment_event g
            where g.lane = e.lane and g.pay_no = e.pending_id and g.kind in (6, 7, 8, 9)
        )
        when 23 then p.pay_no is null or v.kind not in (2, 3, 9, 10, 15) or not exists (
            select from settlement.payment r
            where r.lane = e.lane and r.pay_no = e.entry_id and r.parent = p.pay_no
        )
        else p.pay_no is null
            or v.kind <> case e.code when 24 then 11 when 25 then 2 else 14 end
            or settlement.payment_commitment(p) <> e.commitment
    end
order by e.block_no, e.ordinal
limit 1;

-- name: payment_steps
-- Steps of the payments of one lane after one, as their digests are made; 0 for a payment that has
-- none.
select p.pay_no, coalesce(v.event_no, 0) as event_no, settlement.step_text(v) as told, v.digest
from settlement.payment p
left join settlement.payment_event v on v.lane = p.lane and v.pay_no = p.pay_no
where p.lane = $1 and p.pay_no >= $2 and (p.pay_no > $2 or v.event_no > $3)
order by p.pay_no, v.event_no
limit $4;

-- name: stray_steps
-- A step of one lane that no payment has, or whose entry is not there.
select v.pay_no
from settlement.payment_event v
left join settlement.payment p on p.lane = v.lane and p.pay_no = v.pay_no
left join ledger.entry e
    on e.lane = v.lane and e.entry_id = v.entry_id and e.code between 23 and 26
where v.lane = $1 and (p.pay_no is null or (v.entry_id is not null and e.entry_id is null))
order by v.pay_no
limit 1;

-- name: orphan_payments
-- A payment of one lane that no entry stands behind.
select p.pay_no
from settlement.payment p
left join ledger.entry e on e.lane = p.lane and e.entry_id = p.pay_no
where p.lane = $1 and e.entry_id is null
order by p.pay_no
limit 1;

-- name: unlooked_payments
-- A payment of one lane that holds something, or goes back and has not arrived, and that the
-- resolver does not know of.
select p.pay_no
from settlement.payment p
left join ledger.entry r on r.lane = p.lane and r.pending_id = p.pay_no
left join settlement.payment_due d on d.lane = p.lane and d.pay_no = p.pay_no
where p.lane = $1 and r.entry_id is null and d.pay_no is null
    and (p.kind = 1 or not exists (
        select from settlement.payment_event v
        where v.lane = p.lane and v.pay_no = p.pay_no and v.entry_id is not null
    ))
order by p.pay_no
limit 1;

-- name: bad_holds
-- Entries of the chunk that hold for an order of mobile payment whose event is missing or is not
-- what was committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, m.order_no is null as missing
from ledger.entry e
left join settlement.mobile_event m
    on m.lane = e.lane and m.order_no = e.entry_id and m.kind = 2
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 29 and e.kind = 2
    and (m.order_no is null or settlement.mobile_commitment(m) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_holds
-- A held order of one lane that no entry stands behind.
select m.order_no
from settlement.mobile_event m
left join ledger.entry e on e.lane = m.lane and e.entry_id = m.order_no
where m.lane = $1 and m.kind = 2 and e.entry_id is null
order by m.order_no
limit 1;

-- name: unlooked_orders
-- An order of one lane that holds something, and that never ends by itself.
select m.order_no
from settlement.mobile_event m
left join ledger.entry r on r.lane = m.lane and r.pending_id = m.order_no
left join settlement.mobile_due d on d.lane = m.lane and d.order_no = m.order_no
where m.lane = $1 and m.kind = 2 and r.entry_id is null and d.order_no is null
order by m.order_no
limit 1;

-- name: bad_cases
-- Entries of the chunk that hold for a case of somebody insured elsewhere, which is missing or is
-- not what was committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, c.case_no is null as missing
from ledger.entry e
left join settlement.remote_case c on c.lane = e.lane and c.hold_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 51 and e.kind = 2
    and (c.case_no is null or settlement.case_commitment(c) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_cases
-- A case of one lane that no entry holds for.
select c.case_no
from settlement.remote_case c
left join ledger.entry e
    on e.lane = c.lane and e.entry_id = c.hold_id and e.code = 51 and e.kind = 2
where c.lane = $1 and e.entry_id is null
order by c.case_no
limit 1;

-- name: unlooked_cases
-- A case of one lane that holds something, or is being taken back, and that nobody looks after.
select c.case_no
from settlement.remote_case c
left join ledger.entry r on r.lane = c.lane and r.pending_id = c.hold_id
left join settlement.remote_due d on d.lane = c.lane and d.case_no = c.case_no
left join settlement.person p on p.lane = c.lane and p.undertaking = c.case_no
where c.lane = $1 and d.case_no is null and (r.entry_id is null or p.psn_no is not null)
order by c.case_no
limit 1;

-- name: unsettled_cases
-- A case of one lane that says it was settled, or taken back, and whose settlement row, or the row
-- beside it, is not there.
select e.case_no
from settlement.remote_event e
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.setl_id
left join settlement.insured_elsewhere b
    on b.lane = t.lane and b.institution = t.institution and b.setl_id = t.setl_id
    and b.setl_on = (t.setl_time at time zone interval '+08:00')::date
where e.lane = $1 and e.setl_id is not null and (t.setl_id is null or b.setl_id is null)
order by e.case_no
limit 1;

-- name: unowed_notices
-- A notice of one lane that was never delivered and that nobody tries to deliver.
select o.case_no
from settlement.outbox o
left join settlement.outbox_due d
    on d.lane = o.lane and d.case_no = o.case_no and d.notice_no = o.notice_no
where o.lane = $1 and d.case_no is null and not exists (
    select 1 from settlement.outbox_attempt a
    where a.lane = o.lane and a.case_no = o.case_no and a.notice_no = o.notice_no
        and a.came = 'delivered'
)
order by o.case_no
limit 1;

-- name: bad_deposits
-- A deposit of one lane that no entry stands behind, or that is not what was collected. Of what an
-- institution took itself the entry commits to what the stay says
-- (settlement/usecases/deposit_returns.py).
select d.number
from (
    select e.mdtrt_id, e.head, (e.head::json ->> 0)::bigint as number,
           (e.head::json ->> 4)::bigint as amount_fen
    from settlement.visit_event e
    where e.lane = $1 and e.kind = 12
) as d
left join ledger.entry b on b.lane = $1 and b.entry_id = d.number
left join settlement.payment p on p.lane = $1 and p.pay_no = d.number
where b.entry_id is null
    or p.amount_fen <> d.amount_fen
    or (p.pay_no is null and b.commitment <> sha256('\x07'::bytea || convert_to(
        '[' || concat_ws(',', b.lane, d.mdtrt_id, settlement.json_text(d.head)) || ']', 'UTF8'
    )))
order by d.number
limit 1;

-- name: overdrawn_deposits
-- A deposit of one lane of which more was used or given back than was paid, or that goes back by
-- another payment than its stay says. What a settlement used that was undone does not count.
with told as (
    select e.mdtrt_id, e.event_no, e.kind, e.setl_id, e.head::json as head
    from (
        select distinct d.mdtrt_id
        from settlement.visit_event d
        where d.lane = $1 and d.kind = 12
    ) as stay
    join settlement.visit_event e on e.lane = $1 and e.mdtrt_id = stay.mdtrt_id
    where e.kind in (5, 12, 13)
),
moved as (
    select distinct (t.head ->> 0)::bigint as number, (t.head ->> 4)::bigint as amount_fen,
           0::smallint as event_no
    from told t
    where t.kind = 12
    union all
    select (t.head ->> 0)::bigint, -(t.head ->> 1)::bigint, t.event_no
    from told t
    where t.kind = 13
    union all
    select (a.part ->> 0)::bigint, -(a.part ->> 1)::bigint, t.event_no
    from told t
    cross join lateral json_array_elements(t.head -> 4) as a (part)
    left join settlement.settlement u on u.lane = $1 and u.undoes_setl_id = t.setl_id
    where t.kind = 5 and u.setl_id is null
)
select m.number
from moved m
group by m.number
having sum(m.amount_fen) < 0
union all
select (t.head ->> 0)::bigint
from told t
left join settlement.payment p on p.lane = $1 and p.pay_no = (t.head ->> 3)::bigint
where t.kind = 13 and (t.head ->> 3)::bigint <> 0
    and (p.parent, p.amount_fen) is distinct from ((t.head ->> 0)::bigint, (t.head ->> 1)::bigint)
order by 1
limit 1;

-- name: wrong_uses
-- A settlement of one lane whose entry takes another amount from deposits than its stay says; those
-- accounts are in chart.py (住院预交金).
select t.setl_id
from (
    select e.setl_id, (
        select sum((a.part ->> 1)::bigint)
        from json_array_elements(e.head::json -> 4) as a (part)
    ) as used_fen
    from settlement.visit_event d
    join settlement.visit_event e on e.lane = $1 and e.mdtrt_id = d.mdtrt_id and e.kind = 5
    where d.lane = $1 and d.kind = 12
    group by e.setl_id, e.head
) as t
join ledger.entry b on b.lane = $1 and b.entry_id = t.setl_id
where coalesce(t.used_fen, 0) <> (
    select coalesce(sum(leg.fen), 0)
    from unnest(b.debits, b.amounts) as leg (account, fen)
    where leg.account between 100000000 and 999999999999 and leg.account % 100 in (11, 33)
)
order by t.setl_id
limit 1;

-- name: bad_deposit_entries
-- Entries of the chunk that paid a deposit or gave some back, and of which no stay knows.
select b.lane, b.entry_id, b.block_no, b.ordinal, true as missing
from ledger.entry b
where b.journal = $1 and b.block_no > $2 and b.block_no <= $3
    and (
        b.code in (31, 32)
        or (
            b.code = 23 and b.debits[1] between 100000000 and 999999999999
            and b.debits[1] % 100 in (11, 33)
        )
    )
    and not exists (
        select 1
        from settlement.visit_event e
        where e.lane = b.lane and e.kind = case b.code when 31 then 12 else 13 end
            and e.kind in (12, 13)
            and case b.code
                when 31 then (e.head::json ->> 0)::bigint = coalesce(b.pending_id, b.entry_id)
                when 23 then (e.head::json ->> 3)::bigint = b.entry_id
                else b.commitment = sha256('\x07'::bytea || convert_to(
                    '[' || concat_ws(',', e.lane, e.mdtrt_id, settlement.json_text(e.head)) || ']',
                    'UTF8'
                ))
            end
    )
order by b.block_no, b.ordinal
limit 1;

-- name: bad_matters
-- Entries of the chunk that moved a personal account on moving whose event is missing or is not
-- what was committed; codes 40 to 44 are those of chart.py.
select e.lane, e.entry_id, e.block_no, e.ordinal, m.matter_no is null as missing
from ledger.entry e
left join settlement.matter_event m on m.lane = e.lane and m.entry_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code between 40 and 44
    and (m.matter_no is null or settlement.matter_commitment(m) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_matters
-- A transfer of a personal account of one lane that no entry stands behind, or whose entry moves
-- another amount than its event says.
select m.matter_no
from settlement.matter_event m
left join ledger.entry e on e.lane = m.lane and e.entry_id = m.entry_id
where m.lane = $1 and m.entry_id is not null
    and (e.entry_id is null or e.amounts[1] <> m.amount_fen)
order by m.matter_no
limit 1;

-- name: unfiled_matters
-- An accepted filing of care outside of one lane that is not among the filings, or was taken back
-- there and not here, or the reverse.
select m.matter_no
from settlement.matter m
join settlement.matter_event a on a.lane = $1 and a.matter_no = m.matter_no and a.kind = 2
left join settlement.matter_event g
    on g.lane = $1 and g.matter_no = m.matter_no and g.kind in (4, 5)
left join settlement.filing f on f.lane = $1 and f.filing_no = m.matter_no and f.kind = 4
left join settlement.filing w on w.lane = $1 and w.withdraws = m.matter_no
where m.lane = $1 and m.kind = 1
    and (f.filing_no is null or (g.matter_no is null) <> (w.filing_no is null))
order by m.matter_no
limit 1;

-- name: bad_clearings
-- Entries of the chunk that paid a month with another region whose steps are missing or are not
-- what was committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, c.committed is null as missing
from ledger.entry e
cross join lateral (
    select settlement.clearing_commitment(e.lane, e.entry_id) as committed
) as c
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 53
    and c.committed is distinct from e.commitment
order by e.block_no, e.ordinal
limit 1;

-- name: bad_prepayments
-- Entries of the chunk that left money with another region whose step is missing or is not what was
-- committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, p.entry_id is null as missing
from ledger.entry e
left join settlement.region_prepayment p on p.lane = e.lane and p.entry_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 54
    and (p.entry_id is null or settlement.prepayment_commitment(p) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_clearings
-- What was paid with another region, of one lane, and no entry stands behind.
select c.entry_id
from (
    select s.entry_id
    from settlement.region_clearing_step s
    where s.lane = $1 and s.entry_id is not null
    union all
    select p.entry_id
    from settlement.region_prepayment p
    where p.lane = $1 and p.entry_id is not null
) as c
left join ledger.entry e on e.lane = $1 and e.entry_id = c.entry_id and e.code in (53, 54)
where e.entry_id is null
order by c.entry_id
limit 1;

-- name: wrong_clearings
-- A paid month of one lane that is not what its rows come to, those left out that were postponed;
-- or that paid something without an entry.
select coalesce(s.entry_id, 0)
from settlement.region_clearing_step s
cross join lateral (
    select coalesce(sum(c.fund_fen + c.account_fen), 0) as owed_fen
    from settlement.region_clearing_leg c
    where c.lane = s.lane and c.party = s.party and c.side = s.side and c.month = s.month
        and not exists (
            select 1 from settlement.region_clearing_mark m
            where m.lane = c.lane and m.party = c.party and m.side = c.side
                and m.month = c.month and m.case_no = c.case_no and m.reversal = c.reversal
                and m.mark = 3
        )
) as l
where s.lane = $1 and s.act in (9, 10)
    and (l.owed_fen <> s.amount_fen or (s.amount_fen <> 0 and s.entry_id is null))
order by 1
limit 1;

-- name: bad_corrections
-- Entries of the chunk that correct a difference with a channel whose step is missing or is not
-- what was committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, s.entry_id is null as missing
from ledger.entry e
left join settlement.difference_step s on s.lane = e.lane and s.entry_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code between 61 and 64
    and (s.entry_id is null or settlement.correction_commitment(s) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_corrections
-- A correction of one lane that no entry stands behind.
select s.entry_id
from settlement.difference_step s
left join ledger.entry e
    on e.lane = $1 and e.entry_id = s.entry_id and e.code between 61 and 64
where s.lane = $1 and s.entry_id is not null and e.entry_id is null
order by s.entry_id
limit 1;

-- name: wrong_corrections
-- A correction of one lane that moves another amount than its step says, or that is not what the
-- sides differed by then; or a step that adds up what was corrected otherwise.
select s.difference_no
from settlement.difference_step s
left join ledger.entry e on e.lane = $1 and e.entry_id = s.entry_id
left join settlement.difference_step b
    on b.lane = $1 and b.difference_no = s.difference_no and b.step_no = s.step_no - 1
where s.lane = $1
    and (
        (s.entry_id is not null and abs(s.amount_fen) <> all (e.amounts))
        or (s.entry_id is not null and s.theirs_fen - s.ours_fen <> s.booked_fen)
        or s.booked_fen
            <> coalesce(b.booked_fen, 0) + case s.act when 4 then s.amount_fen else 0 end
    )
order by s.difference_no
limit 1;

-- name: lone_corrections
-- A correction of one lane that nobody but its proposer confirmed.
select s.difference_no
from settlement.difference_step s
where s.lane = $1 and s.act = 4
    and (s.proposer = '' or lower(trim(s.proposer)) = lower(trim(s.actor)))
order by s.difference_no
limit 1;

-- name: bad_fees
-- Entries of the chunk that booked what a channel kept whose step is missing or is not what was
-- committed.
select e.lane, e.entry_id, e.block_no, e.ordinal, k.entry_id is null as missing
from ledger.entry e
left join settlement.channel_clearing_step k on k.lane = e.lane and k.entry_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code in (65, 66)
    and (k.entry_id is null or settlement.channel_fee_commitment(k) <> e.commitment)
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_fees
-- A step of one lane that says it booked a fee, and no entry did.
select k.entry_id
from settlement.channel_clearing_step k
left join ledger.entry e
    on e.lane = $1 and e.entry_id = k.entry_id and e.code in (65, 66)
where k.lane = $1 and k.entry_id is not null and e.entry_id is null
order by k.entry_id
limit 1;

-- name: wrong_fees
-- A fee of one lane that moves another amount than its step says; or after which the account has
-- not all booked that the channel kept by then.
select s.entry_id
from (
    select k.entry_id, k.booked_fee_fen, sum(k.fee_fen) over so_far as fee_fen,
           sum(k.booked_fee_fen) over so_far as booked_fen
    from settlement.channel_clearing_step k
    where k.lane = $1
    window so_far as (
        partition by k.institution, k.channel, k.custody, k.merchant, k.day order by k.step_no
    )
) as s
join ledger.entry e on e.lane = $1 and e.entry_id = s.entry_id
where s.fee_fen <> s.booked_fen or abs(s.booked_fee_fen) <> all (e.amounts)
order by s.entry_id
limit 1;

-- name: wrong_clearing_totals
-- A day of one lane whose clearing accounts do not add up to what is kept of it over all of them.
select 0
from (
    select k.channel, k.day, k.rows, k.paid_fen, k.refunded_fen, k.unbilled_fen,
           k.unbilled_volume_fen, k.unfunded_fen, k.unfunded_volume_fen, k.fee_fen,
           k.booked_fee_fen
    from settlement.channel_clearing_step k
    where k.lane = $1
    union all
    select t.channel, t.day, -t.rows, -t.paid_fen, -t.refunded_fen, -t.unbilled_fen,
           -t.unbilled_volume_fen, -t.unfunded_fen, -t.unfunded_volume_fen, -t.fee_fen,
           -t.booked_fee_fen
    from settlement.channel_clearing_total t
    where t.lane = $1
) as s
group by s.channel, s.day
having (
    sum(s.rows), sum(s.paid_fen), sum(s.refunded_fen), sum(s.unbilled_fen),
    sum(s.unbilled_volume_fen), sum(s.unfunded_fen), sum(s.unfunded_volume_fen), sum(s.fee_fen),
    sum(s.booked_fee_fen)
) <> (0, 0, 0, 0, 0, 0, 0, 0, 0)
limit 1;

-- name: bad_payouts
-- Entries of the chunk that paid an institution, or adjusted what it is paid, whose step or
-- adjustment is missing or is not what was committed, or is about another amount.
select e.lane, e.entry_id, e.block_no, e.ordinal, c.committed is null as missing
from ledger.entry e
cross join lateral (
    select settlement.payout_commitment(e.lane, e.entry_id) as committed
) as c
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code between 71 and 80
    and c.committed is distinct from e.commitment
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_payouts
-- A step or an adjustment of one lane that says it booked something, and no entry of a payout did.
select p.entry_id
from (
    select s.entry_id from settlement.payout_step s where s.lane = $1 and s.entry_id is not null
    union all
    select a.entry_id
    from settlement.payout_adjustment_end a
    where a.lane = $1 and a.entry_id is not null
) as p
left join ledger.entry e
    on e.lane = $1 and e.entry_id = p.entry_id and e.code between 71 and 80
where e.entry_id is null
order by p.entry_id
limit 1;

-- name: wrong_payouts
-- An order of one lane that is not what its rows, the debt of the period before and its adjustments
-- come to; or money that is not that of its order.
select coalesce(s.entry_id, 0)
from settlement.payout_step s
cross join lateral (
    select coalesce(sum(n.fund_fen), 0) as fund_fen, coalesce(sum(n.account_fen), 0) as account_fen
    from settlement.payout_line n
    where n.lane = s.lane and n.institution = s.institution and n.first_on = s.first_on
) as l
cross join lateral (
    select coalesce(sum(
        case when a.kind in (1, 2, 7, 9) then - a.amount_fen
             when a.kind in (3, 5, 8, 10) then a.amount_fen else 0 end
    ), 0) as fund_fen
    from settlement.payout_adjustment_end e
    join settlement.payout_adjustment a
        on a.lane = e.lane and a.institution = e.institution and a.first_on = e.first_on
        and a.adjustment_no = e.adjustment_no
    where e.lane = s.lane and e.institution = s.institution and e.first_on = s.first_on and e.booked
) as d
left join lateral (
    select c.fund_fen, c.account_fen
    from settlement.payout_step c
    where c.lane = s.lane and c.institution = s.institution and c.act = 3
        and c.first_on = (
            select max(b.first_on) from settlement.payout_step b
            where b.lane = s.lane and b.institution = s.institution and b.first_on < s.first_on
        )
        and c.fund_fen + c.account_fen <= 0
) as c on true
where s.lane = $1 and s.act in (3, 5, 6, 7)
    and (s.fund_fen, s.account_fen) is distinct from (
        l.fund_fen + d.fund_fen + coalesce(c.fund_fen, 0),
        l.account_fen + coalesce(c.account_fen, 0)
    )
order by 1
limit 1;

-- name: bad_money
-- Entries of the chunk about money in whose rows are missing or are not what was committed, or that
-- move another sum or are of another code than their rows say.
select e.lane, e.entry_id, e.block_no, e.ordinal, said.committed is null as missing
from ledger.entry e
cross join lateral (
    select settlement.money_commitment(e.lane, e.entry_id) as committed
) as said
cross join lateral (
    select coalesce(sum(
        case when t.row_no is null then abs(r.amount_fen) else t.taken_fen + t.owed_fen end
    ), 0) as fen, bool_or((r.source = 8) <> (e.code = 84)) as of_another
    from settlement.money_row r
    left join settlement.money_taken t
        on t.lane = r.lane and t.entry_id = r.entry_id and t.row_no = r.row_no
    where r.lane = e.lane and r.entry_id = e.entry_id
) as rows
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code in (81, 82, 84)
    and (
        said.committed is distinct from e.commitment
        or rows.fen <> (select coalesce(sum(leg.fen), 0) from unnest(e.amounts) as leg (fen))
        or rows.of_another
    )
order by e.block_no, e.ordinal
limit 1;

-- name: bad_fund_dues
-- Entries of the chunk about what the payer of a fund owes whose due is missing or is not what was
-- committed, or that move another amount or between other accounts than it says.
select e.lane, e.entry_id, e.block_no, e.ordinal, said.committed is null as missing
from ledger.entry e
cross join lateral (
    select settlement.fund_due_commitment(e.lane, e.entry_id) as committed
) as said
left join settlement.fund_due d on d.lane = e.lane and d.entry_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code = 83
    and (
        said.committed is distinct from e.commitment
        or (e.debits, e.credits, e.amounts) is distinct from (
            array[case when d.amount_fen > 0 then 4000000 else 3000000 end + d.ledger_code::bigint],
            array[case when d.amount_fen > 0 then 3000000 else 4000000 end + d.ledger_code::bigint],
            array[abs(d.amount_fen)]
        )
    )
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_fund_dues
-- A due of one lane that says it booked something, and no entry did.
select d.entry_id
from settlement.fund_due d
left join ledger.entry e on e.lane = $1 and e.entry_id = d.entry_id and e.code = 83
where d.lane = $1 and d.entry_id is not null and e.entry_id is null
order by d.entry_id
limit 1;

-- name: orphan_money
-- A row of one lane of a file that is booked to its end which no ledger entry stands behind; or
-- what a row came to that was not booked.
select o.entry_id
from (
    select r.entry_id
    from settlement.money_row r
    where r.lane = $1 and r.file_no in (
        select s.file_no from settlement.money_file_step s where s.act = 5
    )
    union all
    select t.entry_id
    from settlement.money_taken t
    where t.lane = $1
) as o
left join ledger.entry e
    on e.lane = $1 and e.entry_id = o.entry_id and e.code in (81, 82, 84)
where e.entry_id is null
order by o.entry_id
limit 1;

-- name: unsigned_money
-- A file of one lane that was booked, or was to be, without two people: nobody proposed or
-- confirmed it, or one person did both.
select f.file_no
from settlement.money_file f
where f.lane = $1 and exists (
    select 1
    from settlement.money_file_step b
    where b.lane = f.lane and b.file_no = f.file_no and b.act in (3, 5)
) and not exists (
    select 1
    from settlement.money_file_step p
    join settlement.money_file_step c
        on c.lane = p.lane and c.file_no = p.file_no and c.act = 3
        and lower(btrim(c.actor)) <> lower(btrim(p.actor))
    where p.lane = f.lane and p.file_no = f.file_no and p.act = 2
)
order by f.file_no
limit 1;

-- name: unfiled_money
-- A booked row of one lane of a file that nobody knows.
select r.entry_id
from settlement.money_row r
join ledger.entry e on e.lane = r.lane and e.entry_id = r.entry_id
where r.lane = $1 and r.file_no not in (
    select s.file_no from settlement.money_file_step s where s.act = 3
)
order by r.entry_id
limit 1;

-- name: bad_reimbursements
-- Entries of the chunk of a reimbursement whose step, papers or settlement row is missing or is not
-- what was committed; of what was settled or taken back also where it lies in the statement of an
-- institution, does not come to the whole bill or to what its step says, or does not take back
-- exactly what it says; and of money that is not what its step says.
select e.lane, e.entry_id, e.block_no, e.ordinal,
       c.committed is null or (e.code = 91 and t.setl_id is null) as missing
from ledger.entry e
cross join lateral (
    select settlement.reimbursement_commitment(e.lane, e.entry_id) as committed
) as c
left join settlement.reimbursement_step r on r.lane = e.lane and r.entry_id = e.entry_id
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
left join settlement.settlement o on o.lane = t.lane and o.setl_id = t.undoes_setl_id
left join settlement.statement_row s
    on s.lane = t.lane and s.institution = t.institution and s.setl_id = t.setl_id
    and s.setl_on = (t.setl_time at time zone interval '+08:00')::date
cross join lateral (select sum(leg.fen) as fen from unnest(e.amounts) as leg (fen)) as legs
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code between 91 and 94
    and (
        c.committed is distinct from e.commitment
        or s.setl_id is not null
        or (e.code <> 91) <> (t.setl_id is null)
        or (e.code = 91 and (
            t.infno <> 'REIMB'
            or legs.fen <> abs(t.total_fen)
            or (t.fund_fen, t.account_fen, t.cash_fen + t.hospital_fen)
                is distinct from (r.fund_fen, r.account_fen, r.cash_fen)
        ))
        or (e.code <> 91 and legs.fen is distinct from r.fund_fen + r.account_fen)
        or (t.undoes_setl_id is not null and (
            o.total_fen, o.fund_fen, o.account_fen, o.cash_fen
        ) is distinct from (-t.total_fen, -t.fund_fen, -t.account_fen, -t.cash_fen))
    )
order by e.block_no, e.ordinal
limit 1;

-- name: orphan_reimbursements
-- A step of one lane that says it booked something, and no entry of a reimbursement did.
select s.entry_id
from settlement.reimbursement_step s
left join ledger.entry e
    on e.lane = $1 and e.entry_id = s.entry_id and e.code between 91 and 94
where s.lane = $1 and s.entry_id is not null and e.entry_id is null
order by s.entry_id
limit 1;

-- name: wrong_reimbursements
-- An order, a payment, a return or a cancel of one lane about another amount than was confirmed;
-- and what was confirmed by who had entered its papers, or otherwise than it was calculated last.
select coalesce(s.entry_id, 0)
from settlement.reimbursement_step s
left join settlement.reimbursement_step c
    on c.lane = $1 and c.reimbursement_no = s.reimbursement_no and c.act = 4
left join lateral (
    select n.fund_fen, n.account_fen, n.actor
    from settlement.reimbursement_step n
    where n.lane = $1 and n.reimbursement_no = s.reimbursement_no and n.act = 3
        and n.step_no < s.step_no
    order by n.step_no desc
    limit 1
) as n on true
left join settlement.reimbursement_paper p
    on p.lane = $1 and p.reimbursement_no = s.reimbursement_no and p.paper_no = s.paper_no
where s.lane = $1
    and (
        (s.act in (7, 8, 9)
            and (s.fund_fen, s.account_fen) is distinct from (c.fund_fen, c.account_fen))
        or (s.act = 12
            and (s.fund_fen, s.account_fen) is distinct from (-c.fund_fen, -c.account_fen))
        or (s.act = 4 and (
            (s.fund_fen, s.account_fen, s.proposer)
                is distinct from (n.fund_fen, n.account_fen, n.actor)
            or lower(trim(s.actor)) is not distinct from lower(trim(p.actor))
        ))
    )
order by 1
limit 1;

-- name: unheld_invoices
-- A reimbursement of one lane that was booked and stands, and whose invoice somebody else might
-- bring.
select s.reimbursement_no
from settlement.reimbursement_step s
join settlement.reimbursement_paper p
    on p.lane = $1 and p.reimbursement_no = s.reimbursement_no and p.paper_no = s.paper_no
left join lateral (
    select i.taken, i.reimbursement_no
    from (select distinct l.lane from ledger.lane l) as l
    join settlement.reimbursement_invoice i
        on i.lane = l.lane and i.institution = p.institution and i.invoice_no = p.invoice_no
    order by i.turn desc
    limit 1
) as i on true
where s.lane = $1 and s.act = 4
    and not exists (
        select 1 from settlement.reimbursement_step u
        where u.lane = $1 and u.reimbursement_no = s.reimbursement_no and u.act = 12
    )
    and (i.taken, i.reimbursement_no) is distinct from (true, s.reimbursement_no)
order by s.reimbursement_no
limit 1;
