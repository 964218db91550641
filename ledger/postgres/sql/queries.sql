-- Statements about one guarded account: each names its lane, in either shape.
-- Loaded by ledger/postgres/queries.py.

-- name: guarded_balance
-- One guarded account as the caller's screen shows it.
select b.debits, b.credits, b.debits_pending, b.credits_pending
from ledger.balance b
where b.lane = $1 and b.account = $2;

-- name: open_guarded
-- Opening twice is harmless and visible: no row comes back.
insert into ledger.balance (lane, account)
values ($1, $2)
on conflict (lane, account) do nothing
returning account;
