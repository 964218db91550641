-- Matching with payment channels: what must visit all lanes, or joins with what lies elsewhere.
-- Operators' commands run these, beside the settle path.

-- name: days_not_listed
-- Days of a period whose channel rows are not listed for good.
select d.day::date as day
from generate_series($1::date, $2::date, interval '1 day') as d (day)
where not exists (select 1 from settlement.channel_day c where c.day = d.day)
order by d.day;

-- name: list_channel_rows
-- What moved at channels between two instants in some lanes, by our payment events: found by time,
-- whose index costs the settle path nothing, and each put beside the attempt that it is about. What
-- an event says is read once; of several that say the same the first counts, and where a channel
-- said another amount and then the one that was asked, the latter. A payment that is dead after its
-- money came was undone, also where the answer that said so was lost.
insert into settlement.channel_row (
    lane, order_no, refund_no, kind, pay_no, attempt, amount_fen, at, business_day, paid_day,
    channel, merchant, institution, custody, channel_no
)
select distinct on (e.lane, e.pay_no, e.attempt, k.kind)
       e.lane,
       case k.kind when 2 then b.began -> 'refunds' ->> 'order_no' else b.order_no end,
       case k.kind when 2 then b.order_no else '' end,
       k.kind, e.pay_no, e.attempt,
       coalesce((c.learnt ->> 'amount_fen')::bigint, (b.began ->> 'amount_fen')::bigint),
       e.recorded_at,
       (e.recorded_at at time zone interval '+08:00')::date,
       case k.kind when 2 then
           ((b.began -> 'refunds' ->> 'sent_at')::timestamptz at time zone interval '+08:00')::date
       end,
       b.began ->> 'channel', b.began ->> 'merchant_no', p.institution, b.began ->> 'custody',
       coalesce(c.learnt ->> 'reference', '')
from settlement.payment_event e
cross join lateral (
    select case when e.kind in (6, 8) then 3 when e.kind = 11 then 2 else 1 end::smallint as kind
) as k
cross join lateral (select e.content::jsonb -> 1 as learnt offset 0) as c
cross join lateral (
    select a.order_no, a.content::jsonb -> 0 as began
    from settlement.payment_event a
    where a.lane = e.lane and a.pay_no = e.pay_no and a.attempt = e.attempt and a.kind = 1
    offset 0
) as b
cross join lateral (
    select p.institution
    from settlement.payment p
    where p.lane = e.lane and p.pay_no = e.pay_no
    offset 0
) as p
where e.recorded_at >= $1 and e.recorded_at < $2 and e.lane = any($3::smallint[])
    and (
        e.kind in (2, 3, 8, 10, 11)
        or (e.kind = 6 and exists (
            select 1 from settlement.payment_event m
            where m.lane = e.lane and m.pay_no = e.pay_no and m.attempt = e.attempt
                and m.kind in (2, 3, 10) and m.event_no < e.event_no
        ))
    )
order by e.lane, e.pay_no, e.attempt, k.kind, e.kind = 3, e.event_no
on conflict (lane, order_no, refund_no, kind) do nothing;

-- name: keep_channel_day
-- A day was over when it was listed.
insert into settlement.channel_day (day, listed_at)
values ($1, $2)
on conflict (day) do nothing;

-- name: plan_for_many_rows
-- Until the transaction ends: a lane of a month is joined as a whole. The planner knows nothing of
-- what a lane was narrowed to, takes it for a few rows, and would look up each among all others.
select set_config('enable_nestloop', 'off', true),
       set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: files_replaced
-- Files of bills that count no more, and those that are not there as a whole (yet).
select r.file_no
from settlement.bill_replaced r
union all
select b.file_no
from settlement.bill_begun b
where not exists (
    select 1 from settlement.bill_file f where f.lane = b.lane and f.file_no = b.file_no
);

-- name: bills_here
-- Of which days there are bills in force, by channel and merchant.
select distinct f.channel, f.merchant, f.bill_day
from settlement.bill_file f
where f.kind = 'trade' and f.bill_day between $1 and $2
    and not exists (select 1 from settlement.bill_replaced r where r.file_no = f.file_no);

-- name: files_counted
-- How many bills of payments there are of each day, replaced ones among them: a number that rises
-- with every bill that comes.
select f.bill_day, count(*) as n
from settlement.bill_file f
where f.kind = 'trade' and f.bill_day between $1 and $2
group by f.bill_day;

-- name: days_matched
-- How many files the last matching of each day had seen.
select distinct on (m.day) m.day, m.files
from settlement.matched_day m
where m.day between $1 and $2
order by m.day, m.matched_at desc;

-- name: keep_matched_days
-- Days were matched.
insert into settlement.matched_day (day, matched_at, files)
select m.day, $1, m.files
from unnest($2::date[], $3::bigint[]) as m (day, files)
on conflict do nothing;

-- name: days_of_ours
-- On which days we have rows, by channel and merchant.
select r.channel, r.merchant, r.business_day as day, sum(r.n)::bigint as n,
       sum(r.fen)::bigint as fen
from (select distinct l.lane from ledger.lane l) as l
cross join lateral (
    select c.channel, c.merchant, c.business_day, count(*) as n,
           sum(case c.kind when 1 then c.amount_fen when 2 then -c.amount_fen else 0 end) as fen
    from settlement.channel_row c
    where c.lane = l.lane and c.business_day between $1 and $2
    group by c.channel, c.merchant, c.business_day
) as r
group by r.channel, r.merchant, r.business_day;

-- name: moved_between
-- Whether we have rows of a channel and merchant that we learnt of between two instants, which lie
-- on these days.
select exists (
    select 1
    from (select distinct l.lane from ledger.lane l) as l
    cross join lateral (
        select 1
        from settlement.channel_row c
        where c.lane = l.lane and c.business_day between $3 and $4 and c.at >= $5 and c.at < $6
            and c.channel = $1 and c.merchant = $2
        limit 1
    ) as r
);

-- name: fee_rates
-- What was agreed on with channels, the latest first.
select distinct on (f.channel, f.merchant, f.since)
       f.channel, f.merchant, f.since, f.rate_bp, f.tolerance_fen
from settlement.merchant_fee f
order by f.channel, f.merchant, f.since desc, f.set_at desc;

-- name: keep_fee_rate
-- What was agreed on with a channel.
insert into settlement.merchant_fee (
    channel, merchant, since, rate_bp, tolerance_fen, set_at, actor, reason
)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: differences_listed
-- The worklist, the oldest first: what is under way, or has all that is asked for.
select d.lane, d.difference_no, d.channel, d.kind, d.order_no, d.refund_no, d.channel_no, d.nth,
       d.found_at, s.step_no, s.act, s.state, s.recorded_at, s.actor, s.reason, s.class,
       s.ours_fen, s.theirs_fen, s.fee_fen, s.day, s.their_day, s.pay_no, s.institution,
       s.custody, s.merchant, s.their_merchant, s.owner, s.correction, s.proposer, s.amount_fen,
       s.booked_fen, s.entry_id, s.rule
from settlement.difference d
cross join lateral (
    select s.step_no, s.act, s.state, s.recorded_at, s.actor, s.reason, s.class, s.ours_fen,
           s.theirs_fen, s.fee_fen, s.day, s.their_day, s.pay_no, s.institution, s.custody,
           s.merchant, s.their_merchant, s.owner, s.correction, s.proposer, s.amount_fen,
           s.booked_fen, s.entry_id, s.rule
    from settlement.difference_step s
    where s.lane = d.lane and s.difference_no = d.difference_no
    order by s.step_no desc
    limit 1
) as s
where s.state = any($1::smallint[])
    and ($2::text is null or s.class = $2)
    and ($3::text is null or d.channel = $3)
    and ($4::text is null or s.institution = $4)
    and ($5::date is null or s.day <= $5)
    and ($6::text is null or s.owner = $6)
order by s.day, d.difference_no
limit $7;

-- name: differences_counted
-- How many differences are in which class and state, and what they come to.
select s.class, s.state, count(*) as n, sum(s.theirs_fen - s.ours_fen - s.booked_fen)::bigint as fen
from settlement.difference d
cross join lateral (
    select s.class, s.state, s.ours_fen, s.theirs_fen, s.booked_fen, s.institution
    from settlement.difference_step s
    where s.lane = d.lane and s.difference_no = d.difference_no
    order by s.step_no desc
    limit 1
) as s
where ($1::text is null or s.institution = $1)
group by s.class, s.state
order by s.class, s.state;
