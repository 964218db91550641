-- Matching with payment channels, lane by lane. Operators' commands run these.

-- name: match_lane
-- Both sides of a period in one lane: sums by channel, and every row that does not agree in each
-- respect with exactly one of the other side. What agrees stays here. A payment that was undone is
-- none, unless its channel collected it after that all the same. $4 are files that count no
-- more, $5 states that say done, $6 states that take back, $7 channels whose bills tell states;
-- $8 to $10 the channel, merchant and day of our rows without a bill.
with rate as materialized (
    select r.channel, r.merchant, r.since, r.rate_bp, r.tolerance_fen,
           coalesce(
               lead(r.since) over (partition by r.channel, r.merchant order by r.since),
               'infinity'::date
           ) as until
    from unnest($11::text[], $12::text[], $13::date[], $14::integer[], $15::integer[])
        as r (channel, merchant, since, rate_bp, tolerance_fen)
), undone as materialized (
    select c.order_no
    from settlement.channel_row c
    where c.lane = $1 and c.kind = 3 and (
        select max(v.event_no) filter (where v.kind in (2, 3, 10))
                   > max(v.event_no) filter (where v.kind in (6, 8))
        from settlement.payment_event v
        where v.lane = $1 and v.pay_no = c.pay_no and v.attempt = c.attempt
    ) is not true
), unbilled as materialized (
    select u.channel, u.merchant, u.day
    from unnest($8::text[], $9::text[], $10::date[]) as u (channel, merchant, day)
), ours as materialized (
    select c.order_no, c.refund_no, c.kind, c.channel, c.merchant, c.amount_fen,
           c.business_day as day, c.pay_no, c.channel_no, c.institution, c.custody, c.paid_day,
           c.kind = 1 and u.order_no is not null as reversed
    from settlement.channel_row c
    left join undone u on u.order_no = c.order_no
    where c.lane = $1 and c.business_day between $2 and $3 and c.kind < 3
), theirs as materialized (
    select b.order_no, b.refund_no, b.kind, b.channel, b.merchant, b.amount_fen, b.bill_day as day,
           b.file_no, b.row_no, b.fee_fen, b.status,
           case when b.kind = 1 then b.channel_no else b.channel_refund_no end as channel_no,
           case
               when b.channel <> all($7::text[]) then 1
               when b.channel || ' ' || b.kind || ' ' || b.status = any($5::text[]) then 1
               when b.channel || ' ' || b.kind || ' ' || b.status = any($6::text[]) then 2
               else 3
           end as said
    from settlement.bill_row b
    where b.lane = $1 and b.bill_day between $2 and $3 and b.file_no <> all($4::bigint[])
), several as materialized (
    select t.order_no, t.refund_no, t.kind
    from theirs t
    group by t.order_no, t.refund_no, t.kind
    having count(*) > 1
), agreed as materialized (
    select o.order_no, o.refund_no, o.kind, o.channel,
           case o.kind when 1 then o.amount_fen else -o.amount_fen end as fen
    from ours o
    join theirs t
        on t.order_no = o.order_no and t.refund_no = o.refund_no and t.kind = o.kind
        and t.channel = o.channel and t.merchant = o.merchant
        and t.amount_fen = o.amount_fen and t.day = o.day and t.said = 1
    left join rate r
        on r.channel = t.channel and r.merchant = t.merchant and t.day >= r.since
        and t.day < r.until
    where not o.reversed and o.order_no <> ''
        and (
            r.rate_bp is null
            or abs(
                t.fee_fen - (case t.kind when 1 then 1 else -1 end)
                * ((t.amount_fen * r.rate_bp + 5000) / 10000)
            ) <= r.tolerance_fen
        )
        and not exists (
            select 1 from several s
            where s.order_no = o.order_no and s.refund_no = o.refund_no and s.kind = o.kind
        )
)
select 'ours' as side, o.channel, count(*) as n,
       coalesce(sum(case when o.reversed then 0 when o.kind = 1 then o.amount_fen
                    else -o.amount_fen end), 0)::bigint as fen,
       null::text as order_no, null::text as refund_no, null::smallint as kind,
       null::text as merchant, null::bigint as amount_fen, null::date as day,
       null::bigint as pay_no,
       null::text as channel_no, null::text as institution, null::text as custody,
       null::date as paid_day, null::boolean as reversed, null::bigint as file_no,
       null::integer as row_no, null::bigint as fee_fen, null::text as status
from ours o
group by o.channel
union all
select 'theirs', t.channel, count(*),
       coalesce(sum(case when t.said = 3 then 0 when t.said = 1 and t.kind = 1 then t.amount_fen
                    else -t.amount_fen end), 0)::bigint,
       null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
       null
from theirs t
group by t.channel
union all
select 'agreed', a.channel, count(*), sum(a.fen)::bigint, null, null, null, null, null, null, null,
       null, null, null, null, null, null, null, null, null
from agreed a
group by a.channel
union all
select 'unbilled', o.channel, count(*),
       coalesce(sum(case when o.reversed then 0 when o.kind = 1 then o.amount_fen
                    else -o.amount_fen end), 0)::bigint,
       null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
       null
from ours o
join unbilled u on u.channel = o.channel and u.merchant = o.merchant and u.day = o.day
where not exists (
    select 1 from theirs t
    where t.order_no = o.order_no and t.refund_no = o.refund_no and t.kind = o.kind
)
group by o.channel
union all
select 'our row', o.channel, 0, 0, o.order_no, o.refund_no, o.kind, o.merchant, o.amount_fen, o.day,
       o.pay_no, o.channel_no, o.institution, o.custody, o.paid_day, o.reversed, null, null, null,
       null
from ours o
where not exists (
        select 1 from agreed a
        where a.order_no = o.order_no and a.refund_no = o.refund_no and a.kind = o.kind
    )
    and (
        not exists (
            select 1 from unbilled u
            where u.channel = o.channel and u.merchant = o.merchant and u.day = o.day
        )
        or exists (
            select 1 from theirs t
            where t.order_no = o.order_no and t.refund_no = o.refund_no and t.kind = o.kind
        )
    )
union all
select 'their row', t.channel, 0, 0, t.order_no, t.refund_no, t.kind, t.merchant, t.amount_fen,
       t.day, null, t.channel_no, null, null, null, null, t.file_no, t.row_no, t.fee_fen, t.status
from theirs t
where not exists (
    select 1 from agreed a
    where a.order_no = t.order_no and a.refund_no = t.refund_no and a.kind = t.kind
);

-- name: payments_around
-- Payments of some days, $2, in one lane that the other side has not once, done and with the same
-- amount: at the channels and merchants of $4 and $5, or with one of the channel's numbers in $6.
-- $3 are these days and those next to them, $7 files that count no more, $8 states that say done,
-- $9 channels whose bills tell states.
with place as materialized (
    select p.channel, p.merchant from unnest($4::text[], $5::text[]) as p (channel, merchant)
), bill as materialized (
    select b.channel, b.merchant, b.order_no, b.amount_fen, b.bill_day as day, b.channel_no,
           b.file_no, b.row_no, b.fee_fen, b.status,
           count(*) over (partition by b.order_no) as times,
           b.channel <> all($9::text[])
               or b.channel || ' 1 ' || b.status = any($8::text[]) as done,
           b.channel_no = any($6::text[])
               or (b.channel, b.merchant) in (select p.channel, p.merchant from place p) as asked
    from settlement.bill_row b
    where b.lane = $1 and b.kind = 1 and b.bill_day = any($3::date[])
        and b.file_no <> all($7::bigint[])
), ours as materialized (
    select c.channel, c.merchant, c.order_no, c.amount_fen, c.business_day as day, c.pay_no,
           c.channel_no, c.institution, c.custody,
           c.channel_no = any($6::text[])
               or (c.channel, c.merchant) in (select p.channel, p.merchant from place p) as asked
    from settlement.channel_row c
    where c.lane = $1 and c.kind = 1 and c.business_day = any($3::date[])
), agreed as materialized (
    select o.order_no
    from ours o
    join bill b
        on b.order_no = o.order_no and b.merchant = o.merchant and b.amount_fen = o.amount_fen
    where b.done and b.times = 1 and not exists (
        select 1 from settlement.channel_row u
        where u.lane = $1 and u.order_no = o.order_no and u.refund_no = '' and u.kind = 3
    )
)
select 'our row' as side, o.channel, o.order_no, ''::text as refund_no, 1::smallint as kind,
       o.merchant, o.amount_fen, o.day, o.pay_no, o.channel_no, o.institution, o.custody,
       null::date as paid_day, false as reversed, null::bigint as file_no,
       null::integer as row_no, null::bigint as fee_fen, null::text as status
from ours o
where o.asked and o.day = any($2::date[])
    and o.order_no not in (select a.order_no from agreed a)
union all
select 'their row', b.channel, b.order_no, '', 1, b.merchant, b.amount_fen, b.day, null,
       b.channel_no, null, null, null, null, b.file_no, b.row_no, b.fee_fen, b.status
from bill b
where b.asked and b.day = any($2::date[])
    and b.order_no not in (select a.order_no from agreed a);

-- name: channel_rows_of
-- What we have of some order numbers, of whatever day.
select c.channel, c.order_no, c.refund_no, c.kind, c.merchant, c.amount_fen, c.business_day as day,
       c.pay_no, c.channel_no, c.institution, c.custody, c.paid_day,
       c.kind = 1 and exists (
           select 1 from settlement.channel_row u
           where u.lane = $1 and u.order_no = c.order_no and u.refund_no = '' and u.kind = 3
               and (
                   select max(v.event_no) filter (where v.kind in (2, 3, 10))
                              > max(v.event_no) filter (where v.kind in (6, 8))
                   from settlement.payment_event v
                   where v.lane = $1 and v.pay_no = u.pay_no and v.attempt = u.attempt
               ) is not true
       ) as reversed
from settlement.channel_row c
where c.lane = $1 and c.order_no = any($2::text[]) and c.kind < 3;

-- name: bill_rows_of
-- What the bills of some days have of some order numbers; $5 are files that count no more.
select b.channel, b.order_no, b.refund_no, b.kind, b.merchant, b.amount_fen, b.bill_day as day,
       case when b.kind = 1 then b.channel_no else b.channel_refund_no end as channel_no,
       b.file_no, b.row_no, b.fee_fen, b.status
from settlement.bill_row b
where b.lane = $1 and b.bill_day between $2 and $3 and b.order_no = any($4::text[])
    and b.file_no <> all($5::bigint[]);

-- name: sent_to_channels
-- Those of some numbers that we sent to a channel, with whose they are.
select e.order_no, e.pay_no, p.institution, e.content::jsonb -> 0 ->> 'merchant_no' as merchant,
       e.content::jsonb -> 0 ->> 'custody' as custody
from settlement.payment_event e
join settlement.payment p on p.lane = e.lane and p.pay_no = e.pay_no
where e.lane = $1 and p.lane = $1 and e.order_no is not null and e.order_no = any($2::text[]);

-- name: differences_known
-- The differences of some order numbers, or of rows without one by the channel's number, and those
-- of the period that are under way; each with its last step.
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
    where s.lane = $1 and s.difference_no = d.difference_no
    order by s.step_no desc
    limit 1
) as s
where d.lane = $1
    and (
        d.order_no = any($2::text[])
        or (d.order_no = '' and d.channel_no = any($3::text[]))
        or (s.state <> 4 and (s.day between $4 and $5 or s.their_day between $4 and $5))
    );

-- name: keep_new_differences
-- Differences that were found for the first time.
insert into settlement.difference (
    lane, difference_no, channel, kind, order_no, refund_no, channel_no, nth, found_at
)
select $1, n.difference_no, n.channel, n.kind, n.order_no, n.refund_no, n.channel_no, n.nth, $2
from unnest($3::bigint[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[],
            $9::smallint[])
    as n (difference_no, channel, kind, order_no, refund_no, channel_no, nth);

-- name: keep_difference_step
-- The next step of a difference; no row where somebody took the number.
insert into settlement.difference_step (
    lane, difference_no, step_no, act, state, recorded_at, actor, reason, class, ours_fen,
    theirs_fen, fee_fen, day, their_day, pay_no, institution, custody, merchant, their_merchant,
    owner, correction, proposer, amount_fen, booked_fen, entry_id, rule
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23, $24, $25, $26)
on conflict do nothing
returning step_no;

-- name: difference_named
-- What a difference is known by.
select d.lane, d.difference_no, d.channel, d.kind, d.order_no, d.refund_no, d.channel_no, d.nth
from settlement.difference d
where d.lane = $1 and d.difference_no = $2;

-- name: difference_steps
-- What became of a difference, in order.
select s.step_no, s.act, s.state, s.recorded_at, s.actor, s.reason, s.class, s.ours_fen,
       s.theirs_fen, s.fee_fen, s.day, s.their_day, s.pay_no, s.institution, s.custody, s.merchant,
       s.their_merchant, s.owner, s.correction, s.proposer, s.amount_fen, s.booked_fen, s.entry_id,
       s.rule
from settlement.difference_step s
where s.lane = $1 and s.difference_no = $2
order by s.step_no;

-- name: payment_standing
-- Whether a payment is not at its end, so that its channel is still being asked, and whether it may
-- be a deposit of a stay.
select p.mdtrt_id is not null as of_visit, exists (
    select 1 from settlement.payment_due d
    where d.lane = $1 and d.pay_no = $2
) as is_under_way
from settlement.payment p
where p.lane = $1 and p.pay_no = $2;

-- name: lock_differences
-- Acts about differences of a lane come one after the other; the lock ends with the transaction.
select pg_advisory_xact_lock($1::integer, k.lane) from (values ($2::integer)) as k (lane);
