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

-- name: channel_balances
-- What lies at each channel by the ledger (渠道在途), over all institutions and both custodies:
-- from the entries themselves, so that a fold that is wrong cannot hide.
select split_part(a.code, '.', 3) as channel,
       coalesce(sum(m.debits - m.credits), 0)::bigint as kept_fen
from ledger.account a
left join ledger.movement m on m.account = a.account
where a.code like '1012.__.%'
group by 1;

-- name: owed_and_waiting
-- What payments under way are to collect (待收款) and what is owed to payers (待退款).
select coalesce(sum(m.debits + m.debits_pending - m.credits - m.credits_pending)
                filter (where a.code = '1122.04'), 0)::bigint as collecting_fen,
       coalesce(sum(m.credits - m.debits) filter (where a.code like '2241.0_'
                and a.name like '%待退款%'), 0)::bigint as to_return_fen
from ledger.account a
join ledger.movement m on m.account = a.account
where a.code = '1122.04' or a.code like '2241.0_';

-- name: attempts
-- What each order number at a channel stands for: whose order, or whose return.
select e.order_no as channel_order_no, p.institution,
       coalesce(c.order_no, p.order_no) as order_no
from settlement.payment_event e
join settlement.payment p on p.lane = e.lane and p.pay_no = e.pay_no
left join settlement.payment c on c.lane = p.lane and c.pay_no = p.parent
where e.order_no is not null;

-- name: open_payments
-- How many payments are not at their end, and how many of them are the turn of people.
select count(*) as open_count,
       count(*) filter (where d.due_at >= timestamptz '9999-01-01') as peoples_turn
from settlement.payment_due d;

-- name: region_balances
-- What every other region owes us or is owed, by code of the account, and what is held for it: from
-- the entries themselves, so that a fold that is wrong cannot hide.
select a.code,
       coalesce(sum(case when a.debit_normal then m.debits - m.credits
                         else m.credits - m.debits end), 0)::bigint as balance_fen,
       coalesce(sum(m.debits_pending - m.credits_pending), 0)::bigint as held_fen
from ledger.account a
left join ledger.movement m on m.account = a.account
where a.code like '1122.1_.______' or a.code like '2202.1_.______'
group by a.code;

-- name: open_cases
-- Cases with other regions that are not at their end, and persons with something under way.
select (select count(*) from settlement.remote_due) as cases,
       (select count(*) from settlement.person p where p.undertaking is not null) as persons;
