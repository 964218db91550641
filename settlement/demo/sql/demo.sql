-- Statements of the demonstration world: made once, then shown. Nothing here is on the settle path.

-- name: is_loaded
-- The world is loaded in one transaction, institutions included: all of it is there, or nothing.
select exists (select 1 from settlement.institution i) as is_loaded;

-- name: after_load
-- The planner must not take a hundred thousand persons for an empty table.
vacuum (analyze) ledger.account, ledger.balance, ledger.block, ledger.entry, ledger.fold,
    settlement.institution, settlement.credential, settlement.catalogue_item, settlement.person,
    settlement.person_state, settlement.lookup;

-- name: persons
-- Persons in the order of their numbers, with what is in their account; the page shows the first.
select p.lane, p.psn_no, p.key_version, p.identity, p.enrolments,
       coalesce(b.credits - b.debits - b.debits_pending, 0) as balance_fen
from settlement.person p
left join ledger.balance b on b.lane = p.lane and b.account = p.account
where p.psn_no > $1
order by p.psn_no
limit $2;

-- name: accounts
-- Titles of the striped accounts of some owners, for a trial balance that a person reads.
select a.account, a.owner, a.code, a.name, a.debit_normal
from ledger.account a
where a.owner = any ($1::text[])
order by a.account;
