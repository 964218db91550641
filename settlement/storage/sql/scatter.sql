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

-- name: demo_persons
-- Persons of the demonstration world, for its page.
select p.lane, p.psn_no, p.key_version, p.identity, p.enrolments,
       coalesce(b.credits - b.debits - b.debits_pending, 0) as balance_fen
from settlement.person p
left join ledger.balance b on b.lane = p.lane and b.account = p.account
order by p.account
limit $1;
