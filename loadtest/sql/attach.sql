-- What bench and drills ask the database. Nothing here writes.

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
-- The same of what was booked after the given ends of journals: how many transfers a settlement of
-- a window has. Over the whole ledger opening balances count too, with one transfer each.
select count(*) as entries, coalesce(sum(cardinality(e.amounts)), 0)::bigint as transfers
from unnest($1::smallint[], $2::bigint[]) as m (journal, block_no)
join ledger.entry e on e.journal = m.journal and e.block_no > m.block_no;

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

-- name: journal_ends
-- Where each journal ends now: what is booked later has a higher block.
select j.journal, coalesce((select max(b.block_no) from ledger.block b
                            where b.journal = j.journal), 0)::bigint as block_no
from ledger.journal j;

-- name: rows_since
-- Settlement rows that were booked after the given ends of journals, with who pays what.
select s.institution, s.msgid, s.setl_id::text as setl_id, s.kind,
       coalesce(s.undoes_setl_id::text, '') as undoes,
       s.total_fen, s.fund_fen, s.account_fen, s.cash_fen
from unnest($1::smallint[], $2::bigint[]) as m (journal, block_no)
join ledger.entry e on e.journal = m.journal and e.block_no > m.block_no
join settlement.settlement s on s.lane = e.lane and s.setl_id = e.entry_id
where s.institution = any($3);

-- name: every_row
-- All settlement rows with who pays what: of a load that began on an empty ledger.
select s.institution, s.msgid, s.setl_id::text as setl_id, s.kind,
       coalesce(s.undoes_setl_id::text, '') as undoes,
       s.total_fen, s.fund_fen, s.account_fen, s.cash_fen
from settlement.settlement s;

-- name: settled_before
-- Whether anything was settled here before.
select exists (select 1 from settlement.settlement s) as is_dirty;

-- name: table_bytes
-- Bytes of each table with its indexes and TOAST; partitions count for the table they are of.
select coalesce(parent.relname, c.relname)::text as name,
       sum(pg_total_relation_size(c.oid))::bigint as bytes
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_inherits i on i.inhrelid = c.oid
left join pg_class parent on parent.oid = i.inhparent
where n.nspname in ('ledger', 'settlement')
and c.relkind in ('r', 'm')
group by 1
having sum(pg_total_relation_size(c.oid)) > 65536;

-- name: institution_books
-- What the ledger's accounts say of institutions: what the agency owes them for claims, what they
-- say they are owed, and what they collected: from the entries themselves, in one snapshot.
with sums as (
    select m.account, sum(m.debits)::bigint as debits, sum(m.credits)::bigint as credits
    from ledger.movement m
    group by m.account
)
select i.code as institution,
       coalesce(owed_funds.credits - owed_funds.debits, 0) as payable_funds_fen,
       coalesce(owed_accounts.credits - owed_accounts.debits, 0) as payable_accounts_fen,
       coalesce(due_funds.debits - due_funds.credits, 0) as receivable_funds_fen,
       coalesce(due_accounts.debits - due_accounts.credits, 0) as receivable_accounts_fen,
       coalesce(cash.debits - cash.credits, 0) as collected_fen
from settlement.institution i
left join sums owed_funds on owed_funds.account = i.account_base
left join sums owed_accounts on owed_accounts.account = i.account_base + 1
left join sums due_funds on due_funds.account = i.account_base + 4
left join sums due_accounts on due_accounts.account = i.account_base + 5
left join sums cash on cash.account = i.account_base + 6
where i.code = any($1);

-- name: person_balances
-- What is in every personal account, without what is held.
select p.psn_no, b.credits - b.debits as balance_fen
from settlement.person p
join ledger.balance b on b.lane = p.lane and b.account = p.account;

-- name: trial_balance
-- Owners whose debits and credits are not the same, with the difference; guarded accounts belong
-- to the agency's book.
select coalesce(a.owner, 'agency') as owner, sum(m.debits - m.credits)::bigint as difference_fen
from ledger.movement m
left join ledger.account a on a.account = m.account
group by 1
having sum(m.debits - m.credits) <> 0;

-- name: sessions_of
-- Processes of PostgreSQL that work for connections of a name, for a drill that kills one of them.
select a.pid
from pg_stat_activity a
where a.application_name = $1
order by a.pid;

-- name: end_sessions
-- End all sessions of ours, so that whoever had them comes back over the line that a drill harms.
select pg_terminate_backend(a.pid)
from pg_stat_activity a
where a.application_name like 'settlement-%' and a.pid <> pg_backend_pid();
