-- Verification of what the settlement schema keeps beside the ledger, for a chunk of blocks.

-- name: bad_settlements
-- Entries of the chunk whose settlement row is missing or is not what the entry committed to.
select e.lane, e.entry_id, e.block_no, e.ordinal, t.setl_id is null as missing
from ledger.entry e
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code in (1, 2, 3)
    and (
        t.setl_id is null
        or settlement.row_commitment(t) <> e.commitment
        or (t.undoes_setl_id is not null and not exists (
            select 1 from settlement.settlement o
            where o.lane = t.lane and o.setl_id = t.undoes_setl_id
                and o.total_fen = -t.total_fen and o.fund_fen = -t.fund_fen
                and o.account_fen = -t.account_fen and o.cash_fen = -t.cash_fen
        ))
    )
order by e.block_no, e.ordinal
limit 1;

-- name: details
-- The sealed details of the chunk with the commitments they must open to; erased ones are absent.
select e.lane, e.entry_id, e.block_no, e.ordinal, t.detail_commitment, d.key_version, d.salt,
       d.payload
from ledger.entry e
join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
join settlement.settlement_detail d on d.lane = e.lane and d.setl_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code in (1, 2, 3)
order by e.block_no, e.ordinal;

-- name: orphan_settlements
-- A settlement row of one lane that no ledger entry stands behind.
select t.setl_id
from settlement.settlement t
left join ledger.entry e on e.lane = t.lane and e.entry_id = t.setl_id
where t.lane = $1 and e.entry_id is null
order by t.setl_id
limit 1;

-- name: orphan_openings
-- What was brought along of one lane, by a person or an institution, that no ledger entry booked.
select o.entry_id
from (
    select p.entry_id from settlement.opening p where p.lane = $1 and p.entry_id is not null
    union all
    select i.entry_id
    from settlement.opening_payable i
    where i.lane = $1 and i.entry_id is not null
) as o
left join ledger.entry e on e.lane = $1 and e.entry_id = o.entry_id
where e.entry_id is null
order by o.entry_id
limit 1;

-- name: wrong_accumulators
-- A person of one lane whose accumulators are not the sum of what their settlements of the year
-- added and what they brought along.
with one_by_one as (
    select t.psn_no, t.year, i.key as name, i.value::bigint as fen
    from settlement.settlement t
    cross join lateral json_each_text(t.increments::json) as i
    where t.lane = $1
    union all
    select o.psn_no, o.year, i.key, i.value::bigint
    from settlement.opening o
    cross join lateral json_each_text(o.accumulators::json) as i
    where o.lane = $1
),
added as (
    select a.psn_no, a.year::text as year, a.name, sum(a.fen) as fen
    from one_by_one a
    group by a.psn_no, a.year, a.name
),
kept as (
    select s.psn_no, y.key as year, v.key as name, v.value::bigint as fen
    from settlement.person s
    cross join lateral json_each(s.accumulators::json) as y
    cross join lateral json_each_text(y.value -> 0) as v
    where s.lane = $1
)
select coalesce(a.psn_no, k.psn_no) as psn_no
from added a
full join kept k on k.psn_no = a.psn_no and k.year = a.year and k.name = a.name
where coalesce(a.fen, 0) <> coalesce(k.fen, 0)
    and coalesce(k.year, a.year) >= $2
order by 1
limit 1;

-- name: filings
-- The filings of one lane, with from when they were taken back, and the list that the person has.
select p.psn_no, p.filings, f.filing_no, f.kind, f.begins_on, f.ends_on,
       w.begins_on as withdrawn_on
from settlement.person p
left join settlement.filing f
    on f.lane = $1 and f.psn_no = p.psn_no and f.withdraws is null
left join settlement.filing w on w.lane = $1 and w.withdraws = f.filing_no
where p.lane = $1 and (p.filings <> '' or f.filing_no is not null)
order by p.psn_no, f.filing_no;
