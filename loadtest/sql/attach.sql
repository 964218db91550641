-- What the bench asks the database, as the schema's owner. Read-only.

-- name: booked
-- The ledger's side of the client's book: settlements that were booked, by institution.
select s.institution, count(*) as settlements, sum(s.total_fen)::bigint as fees_fen
from settlement.settlement s
where s.kind = 1
group by s.institution;

-- name: volume
-- Entries and their transfers, to say what verify read.
select count(*) as entries, coalesce(sum(cardinality(e.amounts)), 0)::bigint as transfers
from ledger.entry e;

-- name: volume_since
-- The same of what was booked since an instant: how many transfers a settlement of a window has.
-- Over the whole ledger opening balances count too, with one transfer each.
select count(*) as entries, coalesce(sum(cardinality(e.amounts)), 0)::bigint as transfers
from ledger.block b
join ledger.entry e on e.journal = b.journal and e.block_no = b.block_no
where b.booked_at >= $1;

-- name: footprint
-- Bytes of our tables with indexes and TOAST, and the position in the write-ahead log.
select
    coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as stored_bytes,
    (select (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint) as wal_bytes
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('ledger', 'settlement')
and c.relkind in ('r', 'm');
