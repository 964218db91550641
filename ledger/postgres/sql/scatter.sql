-- Statements of `verify`: they read every lane, never on the settle path, and recompute everything
-- from the rows. Loaded by ledger/postgres/verify.py.

-- name: session
-- The walk's statements differ from the settle path's: each range is planned for itself, and
-- caching what a lateral returns would cost more than it saves, because no two entries are equal.
select set_config('plan_cache_mode', 'force_custom_plan', false),
       set_config('enable_memoize', 'off', false),
       set_config('jit', 'off', false);

-- name: journals
-- Where the walk ends: blocks that come later are for the next verification.
select j.journal, j.opened_at, j.opening_hash, j.cites, coalesce(b.block_no, 0) as last_block
from ledger.journal j
left join lateral (
    select b.block_no
    from ledger.block b
    where b.journal = j.journal
    order by b.block_no desc
    limit 1
) as b on true
order by j.journal;

-- name: blocks_appended
-- How many blocks all journals have; the difference of two readings says how busy the ledger is.
select coalesce(sum(b.block_no), 0)::bigint
from ledger.journal j
cross join lateral (
    select b.block_no
    from ledger.block b
    where b.journal = j.journal
    order by b.block_no desc
    limit 1
) as b;

-- name: lane_count
-- Part of every opening hash.
select count(distinct l.lane)::integer
from ledger.lane l;

-- name: chain_end
-- The last block of a chain that another one cites.
select b.block_no, b.block_hash
from ledger.block b
where b.journal = $1
order by b.block_no desc
limit 1;

-- name: chunk_end
-- As many blocks as hold about $4 entries, at least one: equal work, whatever the batches.
select coalesce(max(s.block_no) filter (where s.entries <= $4), min(s.block_no))
from (
    select b.block_no, sum(b.entry_count) over (order by b.block_no) as entries
    from (
        select b.block_no, b.entry_count
        from ledger.block b
        where b.journal = $1 and b.block_no > $2 and b.block_no <= $3
        order by b.block_no
        limit 4096
    ) as b
) as s;

-- name: chunk
-- Recomputes every leaf from its row and every block hash from the leaves and the hash before, and
-- says which block is the first that does not fit; ledger/audit.py then names the entry. On the
-- way it sums the fingerprint of the guarded accounts: amount × hash of account under
-- seed + 4 × lane + counter. An entry may have no legs: a bill of nothing moves nothing.
-- `resolutions` are posts and voids: where there are none, nobody asks what they resolve.
with line as (
    select e.block_no, e.ordinal, e.leaf, cardinality(e.amounts) as transfers, l.fingerprint,
           e.pending_id,
           row_number() over (partition by e.block_no order by e.ordinal) - 1 as place,
           e.leaf = sha256(
               '\x00'::bytea || int2send(e.lane) || int8send(e.entry_id) || int2send(e.kind)
               || int2send(e.code) || int8send(coalesce(e.pending_id, 0))
               || int4send(cardinality(e.amounts)) || l.legs || e.commitment
           ) as is_right
    from ledger.entry e
    cross join lateral (
        select coalesce(
                   string_agg(
                       int8send(t.debit) || int8send(t.credit) || int8send(t.amount), ''::bytea
                   ), ''::bytea
               ) as legs,
               coalesce(
                   sum(
                       t.amount::numeric * hashint8extended(
                           t.debit, $4::bigint + 4 * e.lane + case e.kind when 2 then 2 else 0 end
                       )
                   ) filter (where t.debit >= 1000000000000 and e.kind < 4), 0
               ) + coalesce(
                   sum(
                       t.amount::numeric * hashint8extended(
                           t.credit, $4::bigint + 4 * e.lane + case e.kind when 2 then 3 else 1 end
                       )
                   ) filter (where t.credit >= 1000000000000 and e.kind < 4), 0
               ) as fingerprint
        from unnest(e.debits, e.credits, e.amounts) as t (debit, credit, amount)
    ) as l
    where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
),
content as (
    select l.block_no, count(*) as entries, sum(l.transfers) as transfers,
           count(l.pending_id) as resolutions, sum(l.fingerprint) as fingerprint,
           string_agg(l.leaf, ''::bytea order by l.ordinal) as leaves,
           bool_and(coalesce(l.is_right, false) and l.ordinal = l.place) as is_right
    from line l
    group by l.block_no
),
chain as (
    select b.block_no, b.booked_at, b.business_day, b.journal, b.format, b.entry_count,
           b.block_hash,
           lag(b.block_no, 1, $2) over (order by b.block_no) as previous_no,
           lag(b.block_hash, 1, $5) over (order by b.block_no) as previous_hash
    from ledger.block b
    where b.journal = $1 and b.block_no > $2 and b.block_no <= $3
)
select count(*) as blocks, coalesce(sum(c.entries), 0)::bigint as entries,
       coalesce(sum(c.transfers), 0)::bigint as transfers,
       coalesce(sum(c.resolutions), 0)::bigint as resolutions,
       coalesce(sum(c.fingerprint), 0)::text as fingerprint,
       min(b.block_no) filter (
           where b.block_no <> b.previous_no + 1
               or b.format <> $6
               or b.entry_count <> coalesce(c.entries, 0)
               or c.is_right is false
               or b.block_hash <> ledger.block_hash(
                   b.format, b.journal, b.block_no, b.booked_at, b.business_day, b.entry_count,
                   b.previous_hash, coalesce(c.leaves, ''::bytea)
               )
       ) as bad_block
from chain b
left join content c on c.block_no = b.block_no;

-- name: hash_before
-- The stored hash that a chunk continues; the chunk before it verifies it.
select b.block_hash
from ledger.block b
where b.journal = $1 and b.block_no = $2;

-- name: block_before
-- The block that the first bad one should follow.
select b.block_no, b.block_hash
from ledger.block b
where b.journal = $1 and b.block_no < $2
order by b.block_no desc
limit 1;

-- name: block
-- The header of one block, for the second look in Python.
select b.journal, b.block_no, b.business_day, b.booked_at, b.format, b.entry_count, b.block_hash
from ledger.block b
where b.journal = $1 and b.block_no = $2;

-- name: block_entries
-- The entries of one block, for the second look in Python.
select e.lane, e.entry_id, e.kind, e.code, e.pending_id, e.debits, e.credits, e.amounts,
       e.commitment, e.ordinal, e.leaf
from ledger.entry e
where e.journal = $1 and e.block_no = $2
order by e.ordinal, e.lane, e.entry_id;

-- name: has_misplaced
-- Whether a chunk has a transfer across two books or an entry of another journal's lane. Few pairs
-- of accounts recur all the time, so they are told apart before their owners are looked up.
select exists (
    select 1
    from (
        select distinct least(t.debit, 1000000000000) as debit,
               least(t.credit, 1000000000000) as credit
        from ledger.entry e
        cross join lateral unnest(e.debits, e.credits) as t (debit, credit)
        where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
    ) as pair
    left join ledger.account d on d.account = pair.debit
    left join ledger.account c on c.account = pair.credit
    where coalesce(d.owner, case when pair.debit = 1000000000000 then $4::text end)
        = coalesce(c.owner, case when pair.credit = 1000000000000 then $4::text end)
        is not true
) or exists (
    select 1
    from (
        select distinct e.lane
        from ledger.entry e
        where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
    ) as used
    left join ledger.lane l on l.lane = used.lane and l.journal = $1
    where l.lane is null
);

-- name: misplaced
-- Only when there is one: the first such transfer of a chunk, and what is wrong with it.
select e.block_no, e.lane, e.entry_id,
       case
           when l.lane is null then 'its lane does not belong to the journal'
           when d.account is null and t.debit < 1000000000000
               then format('debit account %s does not exist', t.debit)
           when c.account is null and t.credit < 1000000000000
               then format('credit account %s does not exist', t.credit)
           else format('accounts %s and %s belong to different owners', t.debit, t.credit)
       end as what
from ledger.entry e
cross join lateral unnest(e.debits, e.credits) as t (debit, credit)
left join ledger.lane l on l.lane = e.lane and l.journal = e.journal
left join ledger.account d on d.account = t.debit
left join ledger.account c on c.account = t.credit
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3
    and (
        l.lane is null
        or coalesce(d.owner, case when t.debit >= 1000000000000 then $4::text end)
            = coalesce(c.owner, case when t.credit >= 1000000000000 then $4::text end)
            is not true
    )
order by e.block_no, e.ordinal
limit 1;

-- name: unfit_resolution
-- The first post or void of a chunk that does not fit an earlier pending entry.
select e.block_no, e.lane, e.entry_id, 'it does not fit the pending entry it resolves' as what
from ledger.entry e
left join ledger.entry p
    on p.lane = e.lane and p.entry_id = e.pending_id and p.kind = 2
    and (p.journal <> e.journal or (p.block_no, p.ordinal) < (e.block_no, e.ordinal))
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.pending_id is not null
    and ledger.fits_pending(
        e.kind, e.debits, e.credits, e.amounts, p.debits, p.credits, p.amounts
    ) is not true
order by e.block_no, e.ordinal
limit 1;

-- name: released
-- What the posts and voids of a chunk give back, as part of the fingerprint.
select coalesce(
    sum(
        m.debits_pending::numeric * hashint8extended(m.account, k.seed + 2)
        + m.credits_pending::numeric * hashint8extended(m.account, k.seed + 3)
    ), 0
)::text
from (
    select e.lane, a.account, a.debits_pending, a.credits_pending
    from ledger.entry e
    join ledger.entry p on p.lane = e.lane and p.entry_id = e.pending_id
    cross join lateral unnest(p.debits, p.credits, p.amounts) as t (debit, credit, amount)
    cross join lateral (
        values (t.debit, - t.amount, 0::bigint), (t.credit, 0::bigint, - t.amount)
    ) as a (account, debits_pending, credits_pending)
    where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.pending_id is not null
) as m
cross join lateral (values ($4::bigint + 4 * m.lane)) as k (seed)
where m.account >= 1000000000000;

-- name: orphan
-- The first entry of a journal whose block does not exist. Blocks and entries are compared in one
-- snapshot, because both grow while this runs.
select e.block_no, e.lane, e.entry_id, 'its block does not exist' as what
from ledger.entry e
where e.journal = $1 and (e.block_no > $2 or e.block_no < 1)
    and not exists (
        select 1 from ledger.block b where b.journal = e.journal and b.block_no = e.block_no
    )
order by e.block_no, e.ordinal
limit 1;

-- name: stray
-- An entry whose journal does not exist: hops from journal to journal along the index.
with recursive hop as (
    select min(e.journal) as journal from ledger.entry e
    union all
    select (select min(e.journal) from ledger.entry e where e.journal > h.journal)
    from hop h
    where h.journal is not null
)
select h.journal, e.block_no, e.lane, e.entry_id, 'its journal does not exist' as what
from hop h
cross join lateral (
    select e.block_no, e.lane, e.entry_id
    from ledger.entry e
    where e.journal = h.journal
    order by e.block_no, e.ordinal
    limit 1
) as e
where not exists (select 1 from ledger.journal j where j.journal = h.journal)
order by h.journal
limit 1;

-- name: balances_differ
-- The balances of all guarded accounts against the fingerprint walked so far and the entries since,
-- in one snapshot: constant memory, whatever the number of persons. `offset 0` keeps the planner
-- from reading all entries to find the few that came since.
select
    (
        select coalesce(
            sum(
                b.debits::numeric * hashint8extended(b.account, k.seed)
                + b.credits::numeric * hashint8extended(b.account, k.seed + 1)
                + b.debits_pending::numeric * hashint8extended(b.account, k.seed + 2)
                + b.credits_pending::numeric * hashint8extended(b.account, k.seed + 3)
            ), 0
        )
        from ledger.balance b
        cross join lateral (values ($4::bigint + 4 * b.lane)) as k (seed)
    ) <> $3::text::numeric + (
        select coalesce(
            sum(
                m.debits::numeric * hashint8extended(m.account, k.seed)
                + m.credits::numeric * hashint8extended(m.account, k.seed + 1)
                + m.debits_pending::numeric * hashint8extended(m.account, k.seed + 2)
                + m.credits_pending::numeric * hashint8extended(m.account, k.seed + 3)
            ), 0
        )
        from unnest($1::smallint[], $2::bigint[]) as h (journal, last_block)
        cross join lateral (
            select m.lane, m.account, m.debits, m.credits, m.debits_pending, m.credits_pending
            from ledger.movement m
            where m.journal = h.journal and m.block_no > h.last_block
                and m.account >= 1000000000000
            offset 0
        ) as m
        cross join lateral (values ($4::bigint + 4 * m.lane)) as k (seed)
    );

-- name: lane_journals
-- Only when the balances differ: the search goes lane by lane.
select l.lane, max(l.journal) as journal
from ledger.lane l
group by l.lane
order by l.lane;

-- name: wrong_balance
-- The first guarded account of a lane whose row is not the sum of its entries.
select coalesce(b.account, s.account) as account
from (
    select b.account, b.debits, b.credits, b.debits_pending, b.credits_pending
    from ledger.balance b
    where b.lane = $1
) as b
full join (
    select m.account, sum(m.debits) as debits, sum(m.credits) as credits,
           sum(m.debits_pending) as debits_pending, sum(m.credits_pending) as credits_pending
    from ledger.movement m
    where m.lane = $1 and m.account >= 1000000000000
    group by m.account
) as s on s.account = b.account
where (b.debits, b.credits, b.debits_pending, b.credits_pending) is distinct from (
    coalesce(s.debits, 0), coalesce(s.credits, 0),
    coalesce(s.debits_pending, 0), coalesce(s.credits_pending, 0)
)
order by account
limit 1;
