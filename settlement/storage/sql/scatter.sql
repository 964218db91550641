-- Statements that must visit all lanes. They only read, and never run on the settle path.

-- name: messages_in_two_lanes
-- One msgid that named persons of different lanes: the same key stands in both; told to operators.
-- Lane by lane, so that only the newest end of the index is read.
select recent.key, array_agg(recent.lane order by recent.lane) as lanes
from ledger.lane l
join ledger.journal j on j.journal = l.journal and j.closed_at is null
cross join lateral (
    select m.key, m.lane
    from settlement.message m
    where m.lane = l.lane and m.key >= $1 and m.outcome <> 9
) as recent
group by recent.key
having count(*) > 1
limit 100;

-- name: to_readjudicate
-- Claims to be decided again (待重算): they stand, but an earlier one of the same person and year
-- was undone after them, so they were computed on what no longer counts. From each undoing row the
-- person's rows are walked back to what it undid; a claim booked after the undoing is not on the
-- way. Nothing is stored: a claim leaves the list when it is undone itself.
with recursive walk (lane, undone, year, prior_row) as (
    select u.lane, u.undoes_setl_id, u.year, u.prior_row
    from settlement.settlement u
    where u.undoes_setl_id is not null
    union all
    select w.lane, w.undone, w.year, t.prior_row
    from walk w
    join settlement.settlement t on t.lane = w.lane and t.setl_id = w.prior_row
    where w.prior_row <> w.undone
)
select t.lane, t.setl_id, t.psn_no, t.year, w.undone as undone_setl_id
from walk w
join settlement.settlement t on t.lane = w.lane and t.setl_id = w.prior_row
where t.kind = 1 and t.year = w.year and t.setl_id <> w.undone
    and not exists (
        select 1 from settlement.settlement u
        where u.lane = t.lane and u.undoes_setl_id = t.setl_id
    )
order by t.lane, t.psn_no, t.setl_time, t.setl_id, w.undone;

-- name: claims_of_lane
-- The settlements of some business days that stand, of one lane, person by person in their order:
-- to compute them again under other rules.
select t.psn_no, t.setl_id, t.increments, t.account_fen, d.key_version, d.payload
from settlement.settlement t
left join settlement.settlement_detail d on d.lane = t.lane and d.setl_id = t.setl_id
where t.lane = $1 and t.kind = 1 and t.business_day between $2 and $3 and t.scheme = $4
    and not exists (
        select 1 from settlement.settlement u
        where u.lane = t.lane and u.undoes_setl_id = t.setl_id
    )
order by t.psn_no, t.setl_time, t.setl_id;

-- name: persons_of_lane
-- Everybody in a lane, to find whom a whole file leaves out.
select p.psn_no, p.key_version, p.enrolments
from settlement.person p
where p.lane = $1;

-- name: account_last
-- The highest personal account, and whether there is anybody at all: an import numbers new
-- accounts from there, one import at a time.
select max(p.account)
from settlement.person p;

-- name: after_import
-- The planner must not take a city for an empty table.
vacuum (analyze) settlement.person, settlement.lookup, ledger.balance;

-- name: demo_persons
-- Persons of the demonstration world, for its page.
select p.lane, p.psn_no, p.key_version, p.identity, p.enrolments,
       coalesce(b.credits - b.debits - b.debits_pending, 0) as balance_fen
from settlement.person p
left join ledger.balance b on b.lane = p.lane and b.account = p.account
order by p.account
limit $1;
