-- Statements that are not on the settle path: the chart, journals, days, folds.
-- Loaded by ledger/postgres/queries.py.

-- name: open_journals
-- Ascending, because whoever locks several heads locks them in this order.
select /*cluster j.lane,*/ j.journal
from ledger.journal j
where j.closed_at is null
order by j.journal;

-- name: takes_one_lane
-- Which shape the ledger was installed in: its functions say so themselves, and cannot be wrong.
select 'p_lane' = any (p.proargnames)
from pg_proc p
where p.oid = 'ledger.append_block'::regproc;

-- name: day_is_closed
-- Read again under the head's lock, where it can no longer change.
select 1
from ledger.closed_day d
where d.business_day = $1;

-- name: lanes
-- The open journal of every lane, kept by the store until a refusal says it is out of date.
select l.lane, l.journal
from ledger.lane l
join ledger.journal j on j.journal = l.journal
where j.closed_at is null;

-- name: owners
-- The owner of every striped account; accounts are never deleted, so the store may keep them.
select a.account, a.owner
from ledger.account a;

-- name: open_account
-- Opening twice is harmless and visible: no row comes back.
insert into ledger.account (account, owner, code, name, debit_normal)
values ($1, $2, $3, $4, $5)
on conflict (account) do nothing
returning account;

-- name: close_business_day
-- Inserted while all heads are locked, so no block of that day can be under way.
insert into ledger.closed_day (business_day, closed_at)
values ($1, $2);

-- name: open_journal
-- A chain begins: its opening hash covers the ends of the chains it cites.
insert into ledger.journal (/*cluster lane,*/ journal, opened_at, opening_hash, cites)
values (/*cluster $5,*/ $1, $2, $3, $4);

-- name: close_journal
-- A chain ends; done by the owner while it holds the head.
update ledger.journal
set closed_at = $2
where journal = $1;

-- name: last_journal
-- Numbers of journals are never used twice.
select coalesce(max(j.journal), 0)::smallint
from ledger.journal j;

-- name: map_lane
-- The lane's new journal; older rows stay, they say which journal ordered its older entries.
insert into ledger.lane (lane, journal)
values ($1, $2);

-- name: grant_rights
-- Rights live in one function of the schema, so that they can be read in one place.
select ledger.grant_rights($1, $2);

-- name: last_fold
-- Where the next fold of a journal begins.
select coalesce(max(f.through_block), 0)::bigint
from ledger.fold f
where f.journal = $1;

-- name: fold_before
-- The last fold of a journal up to a block, whatever was folded since.
select coalesce(max(f.through_block), 0)::bigint
from ledger.fold f
where f.journal = $1 and f.through_block <= $2;

-- name: last_block
-- How far a fold may reach.
select coalesce(max(b.block_no), 0)::bigint
from ledger.block b
where b.journal = $1;

-- name: fold
-- The sums through a block: the last row set plus the entries since. Guarded accounts count
-- together, as account 0. A post or void gives back all that its pending entry held.
insert into ledger.fold (
    journal, through_block, account, debits, credits, debits_pending, credits_pending
)
select $1, $3, s.account, sum(s.debits), sum(s.credits),
       sum(s.debits_pending), sum(s.credits_pending)
from (
    select f.account, f.debits, f.credits, f.debits_pending, f.credits_pending
    from ledger.fold f
    where f.journal = $1 and f.through_block = $2
    union all
    select case when m.account < 1000000000000 then m.account else 0 end,
           m.debits, m.credits, m.debits_pending, m.credits_pending
    from ledger.movement m
    where m.journal = $1 and m.block_no > $2 and m.block_no <= $3
) as s
group by s.account
on conflict (journal, through_block, account) do nothing;

-- name: sums
-- Every account's sums: the last fold of each journal plus the entries since, in one snapshot.
-- `offset 0` keeps the planner from reading all entries to find the few that came since.
with folded as (
    select j.journal, coalesce(l.through_block, 0) as through_block
    from ledger.journal j
    left join lateral (
        select f.through_block
        from ledger.fold f
        where f.journal = j.journal
        order by f.through_block desc
        limit 1
    ) as l on true
)
select s.account, sum(s.debits)::bigint as debits, sum(s.credits)::bigint as credits,
       sum(s.debits_pending)::bigint as debits_pending,
       sum(s.credits_pending)::bigint as credits_pending
from (
    select f.account, f.debits, f.credits, f.debits_pending, f.credits_pending
    from folded d
    join ledger.fold f on f.journal = d.journal and f.through_block = d.through_block
    union all
    select case when m.account < 1000000000000 then m.account else 0 end,
           m.debits, m.credits, m.debits_pending, m.credits_pending
    from folded d
    cross join lateral (
        select m.account, m.debits, m.credits, m.debits_pending, m.credits_pending
        from ledger.movement m
        where m.journal = d.journal and m.block_no > d.through_block
        offset 0
    ) as m
) as s
left join ledger.account a on a.account = s.account
where ($1::bigint is null or s.account = $1)
    and ($2::text is null or coalesce(a.owner, $3) = $2)
group by s.account
order by s.account;
