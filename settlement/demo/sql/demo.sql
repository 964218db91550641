-- Statements of the demonstration world: made once, then shown. Nothing here is on the settle path.

-- name: is_loaded
-- The world is loaded in one transaction, institutions included: all of it is there, or nothing.
select exists (select 1 from settlement.institution i) as is_loaded;

-- name: after_load
-- The planner must not take a hundred thousand persons for an empty table.
vacuum (analyze) ledger.account, ledger.balance, ledger.block, ledger.entry, ledger.fold,
    settlement.institution, settlement.credential, settlement.catalogue_item, settlement.person,
    settlement.lookup;

-- name: accounts
-- Titles of the striped accounts of some owners, for a trial balance that a person reads.
select a.account, a.owner, a.code, a.name, a.debit_normal
from ledger.account a
where a.owner = any ($1::text[])
order by a.account;
