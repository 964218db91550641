-- Closing of days and months, seals, and balances as they once were. Run by the background process
-- and by operators, never on the settle path; what looks for rows visits every lane.

-- name: first_day
-- The first business day that anything was booked on, by the first block of each journal.
select min(b.business_day)
from ledger.journal j
join ledger.block b on b.journal = j.journal and b.block_no = 1;

-- name: block_count
-- How many blocks there are, of which a verification says how far it is.
select coalesce(sum(m.block_no), 0)::bigint
from ledger.journal j
cross join lateral (
    select max(b.block_no) as block_no from ledger.block b where b.journal = j.journal
) as m;

-- name: days_without_end
-- Days that are closed and of which it is not said yet where their blocks lie.
select c.business_day
from ledger.closed_day c
where not exists (select 1 from settlement.day_end d where d.business_day = c.business_day)
order by c.business_day;

-- name: keep_day_end
-- Where the blocks of a closed day lie. A journal that has none of them gets no row; it was closed
-- before, or opened later. The boundary, which may come much later, is not when it was booked.
insert into settlement.day_end (
    journal, business_day, after_block, through_block, last_block, booked_from, booked_through
)
select j.journal, $1, p.through_block, t.through_block,
       greatest(o.last_block, p.through_block),
       coalesce(o.booked_from, timestamptz 'infinity'),
       coalesce(greatest(p.booked_through, o.booked_through), timestamptz '-infinity')
from ledger.journal j
cross join lateral (
    select coalesce(max(d.through_block), 0) as through_block,
           max(d.booked_through) as booked_through
    from settlement.day_end d
    where d.journal = j.journal and d.business_day < $1
) as p
cross join lateral (
    select coalesce(
        (
            select b.block_no - 1
            from ledger.block b
            where b.journal = j.journal and b.block_no > p.through_block and b.business_day > $1
            order by b.block_no
            limit 1
        ),
        (select max(b.block_no) from ledger.block b where b.journal = j.journal)
    ) as through_block
) as t
cross join lateral (
    select max(b.block_no) filter (where b.business_day = $1 and b.entry_count > 0) as last_block,
           min(b.booked_at) filter (where b.business_day = $1 and b.entry_count > 0)
               as booked_from,
           max(b.booked_at) filter (where b.block_no <= t.through_block and b.entry_count > 0)
               as booked_through,
           count(*) filter (where b.business_day = $1) as blocks
    from ledger.block b
    where b.journal = j.journal and b.block_no > p.through_block
) as o
where o.blocks > 0
on conflict do nothing
returning journal, through_block;

-- name: pieces_of_day
-- The blocks among which those of a day are, by journal; of an open day all since the last closed
-- one.
select j.journal, coalesce(d.after_block, e.through_block, 0) as after_block,
       coalesce(d.last_block, 9223372036854775807) as last_block
from ledger.journal j
left join settlement.day_end d on d.journal = j.journal and d.business_day = $1
left join lateral (
    select max(x.through_block) as through_block
    from settlement.day_end x
    where x.journal = j.journal and x.business_day < $1
) as e on true
order by j.journal;

-- name: sums_at
-- Sums of striped accounts as they were: booked by an instant ($1), or on business days up to one
-- ($2); of one account ($3), or all. The last fold at the end of a day before that, and what was
-- booked since. Pieces of days overlap around midnight, so each block's own day decides.
with base as (
    select j.journal, coalesce(d.through_block, 0) as through_block
    from ledger.journal j
    left join lateral (
        select d.through_block
        from settlement.day_end d
        where d.journal = j.journal
            and ($1::timestamptz is null or d.booked_through <= $1)
            and ($2::date is null or d.business_day <= $2)
        order by d.business_day desc
        limit 1
    ) as d on true
), piece as (
    select b.journal, greatest(b.through_block, d.after_block) as after_block, d.last_block,
           d.business_day as first_day, d.business_day as last_day
    from base b
    join settlement.day_end d on d.journal = b.journal and d.last_block > b.through_block
    where ($1::timestamptz is null or d.booked_from <= $1)
        and ($2::date is null or d.business_day <= $2)
    union all
    select b.journal, greatest(b.through_block, coalesce(e.through_block, 0)),
           9223372036854775807, coalesce(e.business_day + 1, date '-infinity'), date 'infinity'
    from base b
    left join lateral (
        select d.through_block, d.business_day
        from settlement.day_end d
        where d.journal = b.journal
        order by d.business_day desc
        limit 1
    ) as e on true
)
select s.account, sum(s.debits)::bigint as debits, sum(s.credits)::bigint as credits,
       sum(s.debits_pending)::bigint as debits_pending,
       sum(s.credits_pending)::bigint as credits_pending
from (
    select f.account, f.debits, f.credits, f.debits_pending, f.credits_pending
    from base b
    join ledger.fold f on f.journal = b.journal and f.through_block = b.through_block
    where $3::bigint is null or f.account = $3
    union all
    select case when m.account < 1000000000000 then m.account else 0 end,
           m.debits, m.credits, m.debits_pending, m.credits_pending
    from piece p
    cross join lateral (
        select b.block_no
        from ledger.block b
        where b.journal = p.journal and b.block_no > p.after_block and b.block_no <= p.last_block
            and b.business_day between p.first_day and p.last_day
            and ($1::timestamptz is null or b.booked_at <= $1)
            and ($2::date is null or b.business_day <= $2)
        offset 0
    ) as b
    cross join lateral (
        select m.account, m.debits, m.credits, m.debits_pending, m.credits_pending
        from ledger.movement m
        where m.journal = p.journal and m.block_no = b.block_no
            and ($3::bigint is null or m.account = $3)
        offset 0
    ) as m
) as s
group by s.account
order by s.account;

-- name: entries_of_day
-- What was booked to a striped account on a day, in some blocks of a journal, entry by entry.
select b.booked_at, b.business_day, e.lane, e.entry_id, e.code, e.kind, b.block_no, e.ordinal,
       coalesce(t.institution, '') as institution, sum(m.debits)::bigint as debits,
       sum(m.credits)::bigint as credits, sum(m.debits_pending)::bigint as debits_pending,
       sum(m.credits_pending)::bigint as credits_pending
from ledger.block b
join ledger.entry e on e.journal = b.journal and e.block_no = b.block_no
cross join lateral (
    select m.debits, m.credits, m.debits_pending, m.credits_pending
    from ledger.movement m
    where m.lane = e.lane and m.entry_id = e.entry_id and m.account = $5
    offset 0
) as m
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
where b.journal = $1 and b.block_no > $2 and b.block_no <= $3 and b.business_day = $4
    and ($5 = any (e.debits) or $5 = any (e.credits))
group by b.booked_at, b.business_day, e.lane, e.entry_id, e.code, e.kind, b.block_no, e.ordinal,
         t.institution;

-- name: personal_balance
-- What a personal account has now; its history is taken from there backwards.
select b.debits, b.credits, b.debits_pending, b.credits_pending
from ledger.balance b
where b.lane = $1 and b.account = $2;

-- name: personal_entries
-- What was booked to a personal account since a number of an entry: the number says its month, so
-- that only as much of the lane is read as was booked since.
with touched as materialized (
    select e.lane, e.entry_id, e.journal, e.block_no, e.ordinal, e.code, e.kind
    from ledger.entry e
    where e.lane = $1 and e.entry_id >= $3 and ($2 = any (e.debits) or $2 = any (e.credits))
)
select b.booked_at, b.business_day, n.lane, n.entry_id, n.code, n.kind, n.block_no, n.ordinal,
       coalesce(t.institution, f.institution, '') as institution, sum(m.debits)::bigint as debits,
       sum(m.credits)::bigint as credits, sum(m.debits_pending)::bigint as debits_pending,
       sum(m.credits_pending)::bigint as credits_pending
from touched n
join ledger.block b on b.journal = n.journal and b.block_no = n.block_no
cross join lateral (
    select m.debits, m.credits, m.debits_pending, m.credits_pending
    from ledger.movement m
    where m.lane = n.lane and m.entry_id = n.entry_id and m.account = $2
    offset 0
) as m
left join settlement.settlement t on t.lane = n.lane and t.setl_id = n.entry_id
left join settlement.family_move f on f.lane = n.lane and f.entry_id = n.entry_id
group by b.booked_at, b.business_day, n.lane, n.entry_id, n.code, n.kind, n.block_no, n.ordinal,
         t.institution, f.institution;

-- name: account_of_person
-- The personal account of a person.
select p.account
from settlement.person p
where p.lane = $1 and p.psn_no = $2;

-- name: lane_of_account
-- Where a personal account lives, by its number; every lane is asked.
select b.lane
from ledger.lane l
join ledger.balance b on b.lane = l.lane and b.account = $1
limit 1;

-- name: striped_account
-- What an account is called and how it is read.
select a.owner, a.code, a.name, a.debit_normal
from ledger.account a
where a.account = $1;

-- name: owners_and_names
-- Whose book every account is in, and its place in the chart.
select a.account, a.owner, a.code, a.name
from ledger.account a;

-- name: ends_of_month
-- The last block of each journal up to the end of a day, with its hash: what a report is made of.
select d.journal, d.last_block as block_no, b.block_hash
from ledger.journal j
cross join lateral (
    select d.journal, d.last_block
    from settlement.day_end d
    where d.journal = j.journal and d.business_day <= $1
    order by d.business_day desc
    limit 1
) as d
join ledger.block b on b.journal = d.journal and b.block_no = d.last_block
order by d.journal;

-- name: days_closed
-- The days among some that are closed with all that belongs to it: they are sealed last.
select c.business_day
from ledger.closed_day c
join settlement.seal_list l on l.begins_on = c.business_day and l.ends_on = c.business_day
where c.business_day between $1 and $2
order by c.business_day;

-- name: unlisted
-- Blocks of closed days up to one that are not in institutions' statements yet.
select coalesce(sum(greatest(m.last_block - l.through_block, 0)), 0)::bigint
from (
    select d.journal, max(d.last_block) as last_block
    from settlement.day_end d
    where d.business_day <= $1
    group by d.journal
) as m
cross join lateral (
    select coalesce(max(g.through_block), 0) as through_block
    from settlement.listing g
    where g.journal = m.journal
) as l;

-- name: in_doubt
-- What is not at its end, of numbers before one: payments over channels, orders of mobile payment,
-- cases of other regions, and what is under way between relatives. How many, and the first.
select w.what, count(*) as found, min(w.number) as first
from (
    select 'payment' as what, d.pay_no as number
    from settlement.payment_due d
    union all
    select 'mobile', m.order_no
    from settlement.mobile_due m
    union all
    select 'remote', r.case_no
    from settlement.remote_due r
    union all
    select 'family', p.undertaking
    from settlement.person p
    where p.undertaking is not null
) as w
where w.number < $1
group by w.what
order by w.what;

-- name: month_steps
-- What became of a month so far.
select s.step_no, s.act, s.recorded_at, s.actor, s.reason, s.reference
from settlement.month_step s
where s.lane = $1 and s.month = $2
order by s.step_no;

-- name: closed_months
-- Months that people closed.
select distinct s.month
from settlement.month_step s
where s.lane = $1 and s.act = $2
order by s.month;

-- name: keep_month_step
-- The next step of a month; no row where somebody took the number.
insert into settlement.month_step (
    lane, month, step_no, act, recorded_at, actor, reason, reference
)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing
returning step_no;

-- name: keep_seal_list
-- A day or month is sealed, once.
insert into settlement.seal_list (
    lane, begins_on, ends_on, sealed_at, institutions, settlements, algorithm, public_key, digest
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
returning begins_on;

-- name: keep_seals
-- The seals of a list.
insert into settlement.seal (
    begins_on, ends_on, lane, institution, settlements, root, signature
)
select $1, $2, n.lane, n.institution, n.settlements, n.root, n.signature
from unnest($3::smallint[], $4::text[], $5::integer[], $6::bytea[], $7::bytea[])
    as n (lane, institution, settlements, root, signature);

-- name: seal_lists
-- What was sealed, in order; a month comes after its days.
select l.begins_on, l.ends_on, l.sealed_at, l.institutions, l.settlements, l.algorithm,
       l.public_key, l.digest
from settlement.seal_list l
order by l.ends_on, l.begins_on desc;

-- name: seal_of_no_list
-- A seal whose list is gone, as if nothing had been sealed then; both are written together.
select s.begins_on, s.ends_on
from settlement.seal s
where not exists (
    select 1 from settlement.seal_list l
    where l.begins_on = s.begins_on and l.ends_on = s.ends_on
)
order by s.ends_on, s.begins_on
limit 1;

-- name: days_to_seal
-- Closed days that are not sealed yet.
select c.business_day
from ledger.closed_day c
where not exists (
    select 1 from settlement.seal_list l
    where l.begins_on = c.business_day and l.ends_on = c.business_day
)
order by c.business_day;

-- name: seals
-- All seals of a day or month, or that of one institution.
select s.institution, s.settlements, s.root, s.signature
from settlement.seal s
where s.begins_on = $1 and s.ends_on = $2 and ($3::text is null or s.institution = $3)
order by s.institution collate "C";

-- name: leaves_of_institution
-- What an institution settled on some business days, as booked, by settlement number. Its statement
-- says where to look; a day that was closed early lies a little beside it.
select e.lane, e.entry_id, e.kind, e.code, e.pending_id, e.debits, e.credits, e.amounts,
       e.commitment, e.leaf
from (select distinct l.lane from ledger.lane l) as l
cross join lateral (
    select s.setl_id
    from settlement.statement_row s
    where s.lane = l.lane and s.institution = $1
        and s.setl_on between $2::date - 7 and $3::date + 7
    offset 0
) as s
join settlement.settlement t on t.lane = l.lane and t.setl_id = s.setl_id
join ledger.entry e on e.lane = l.lane and e.entry_id = s.setl_id
where t.business_day between $2::date and $3::date and e.code in (1, 2, 3)
order by e.entry_id;

-- name: wrong_day_end
-- A row that says otherwise where the blocks of its day lie, or when they were booked, than the
-- blocks do.
with found as (
    select b.journal, b.business_day, min(b.block_no) as first_block,
           max(b.block_no) filter (where b.entry_count > 0) as last_block,
           min(b.booked_at) filter (where b.entry_count > 0) as booked_from
    from ledger.block b
    group by b.journal, b.business_day
), told as (
    select d.journal, d.business_day, d.after_block, d.through_block, d.last_block, d.booked_from,
           d.booked_through,
           lag(d.through_block, 1, 0::bigint) over w as before_block,
           lag(d.booked_through, 1, timestamptz '-infinity') over w as booked_before
    from settlement.day_end d
    window w as (partition by d.journal order by d.business_day)
)
select d.journal, d.business_day
from told d
where not exists (
        select 1 from found f
        where f.journal = d.journal and f.business_day = d.business_day
            and f.first_block > d.after_block
            and coalesce(f.last_block, d.last_block) <= d.last_block
            and d.booked_from = coalesce(f.booked_from, timestamptz 'infinity')
    )
    or exists (
        select 1 from found f
        where f.journal = d.journal and f.business_day > d.business_day
            and f.first_block <= d.through_block
    )
    or d.booked_through <> greatest(
        d.booked_before,
        (
            select max(b.booked_at)
            from ledger.block b
            where b.journal = d.journal and b.block_no > d.before_block
                and b.block_no <= d.through_block and b.entry_count > 0
        )
    )
order by d.journal, d.business_day
limit 1;
