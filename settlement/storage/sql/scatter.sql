-- Statements that must visit all lanes. They only read, and never run on the settle path.

-- name: messages_in_two_lanes
-- One msgid that named persons of different lanes: the same key stands in both; told to operators.
select m.key, array_agg(m.lane order by m.lane) as lanes
from settlement.message m
where m.key >= $1 and m.outcome <> 9
group by m.key
having count(*) > 1
limit 100;

-- name: count_settlements
-- How many settlement rows there are, and what they add up to, for audits from outside.
select count(*) as settlements,
       coalesce(sum(t.total_fen), 0)::bigint as total_fen,
       coalesce(sum(t.fund_fen), 0)::bigint as fund_fen,
       coalesce(sum(t.account_fen), 0)::bigint as account_fen,
       coalesce(sum(t.cash_fen), 0)::bigint as cash_fen
from settlement.settlement t;

-- name: demo_persons
-- Persons of the demonstration world, for its page.
select p.lane, p.psn_no, p.key_version, p.identity, p.enrolments,
       coalesce(b.credits - b.debits - b.debits_pending, 0) as balance_fen
from settlement.person p
left join ledger.balance b on b.lane = p.lane and b.account = p.account
order by p.account
limit $1;
