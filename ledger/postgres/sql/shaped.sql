-- Statements that append and look up, in two shapes: each names its lane or journal.
-- As they stand they are for one machine; ledger/postgres/shape.py tells what the marks `lanes`,
-- `lane` and `cluster` make of them on a cluster. Loaded by ledger/postgres/queries.py.

-- name: append_block
-- One call, one round trip, one flush; the hash comes from a volatile function because the
-- statement's own snapshot does not show the block that it appends.
select n.block_no, ledger.hash_of_block(
    /*cluster p_lane => $5,*/ p_journal => $1, p_block_no => n.block_no
) as block_hash
from (
    select ledger.append_block(
        p_journal => $1, p_format => $2, p_business_day => $3, p_booked_at => $4,
        /*lanes*/ p_lanes => $5, /*cluster p_lane => $5,*/ p_entries => $6, p_kinds => $7,
        p_codes => $8, p_pending => $9, p_leg_ends => $10,
        p_debits => $11, p_credits => $12, p_amounts => $13, p_commitments => $14, p_leaves => $15,
        /*lanes*/ p_balance_lanes => $21, p_balance_accounts => $16, p_balance_debits => $17,
        p_balance_credits => $18, p_balance_debits_pending => $19, p_balance_credits_pending => $20
    ) as block_no
    offset 0
) as n;

-- name: lock_head
-- The only lock of the ledger; taken first by whoever must read before it writes.
select h.block_no, h.block_hash
from ledger.lock_head(/*cluster p_lane => $2,*/ p_journal => $1) as h;

-- name: entries
-- Entries by key: for duplicates and for the pending entries that a batch resolves.
select e.lane, e.entry_id, e.kind, e.code, e.pending_id, e.debits, e.credits, e.amounts,
       e.commitment
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, entry_id)
join ledger.entry e on e.lane = /*lane*/ k.lane and e.entry_id = k.entry_id;

-- name: resolutions
-- Which pending entries are resolved already, and how.
select e.lane, e.pending_id, e.kind
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, pending_id)
join ledger.entry e on e.lane = /*lane*/ k.lane and e.pending_id = k.pending_id;

-- name: spendable
-- What guarded accounts may still pay; read under the head's lock it cannot change.
select b.lane, b.account, b.credits - b.debits - b.debits_pending as spendable_fen
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, account)
join ledger.balance b on b.lane = /*lane*/ k.lane and b.account = k.account;
