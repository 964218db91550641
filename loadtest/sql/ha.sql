-- What a drill of failovers asks the database, as the schema's owner. But for a
-- probe it is read-only.

-- name: booked_messages
-- Every settlement and cancel with the message that made it: the ledger's side of the client's
-- book.
select s.institution, s.msgid, s.setl_id::text as setl_id, s.total_fen,
       coalesce(s.undoes_setl_id::text, '') as undoes
from settlement.settlement s;

-- name: standing
-- Where a node's log ends, and a sum over what it holds: the same on all nodes once they caught up.
select count(*) as settlements, coalesce(sum(s.total_fen), 0)::bigint as total_fen,
       coalesce(max(s.setl_id), 0) as newest
from settlement.settlement s;

-- name: leases
-- Background loops that some session holds: the second half of the keys of our advisory locks.
select l.objid::int as lease
from pg_locks l
where l.locktype = 'advisory' and l.classid = $1::int::oid and l.granted;

-- name: write_probe
-- A commit that waits for the synchronous standby as every other does, and leaves no row: for one
-- who leads no more.
select pg_logical_emit_message(true, 'drill', ''::text);
