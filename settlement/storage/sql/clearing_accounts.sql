-- Clearing accounts of payment channels, lane by lane. Operators' commands run these.

-- name: clearing_of_lane
-- What the rows of a lane come to, account by account: ours of a period with what bills have under
-- the same numbers, and rows of bills of the period that we have no row of, for their fees alone.
-- $4 are files that count no more, $5 states that say done, $6 channels whose bills tell states;
-- $7 to $9 the channel, merchant and day of our rows without a bill; $10 and $11 the merchants that
-- have fund bills; $12 how many days around the period a bill is looked for.
with unbilled as materialized (
    select u.channel, u.merchant, u.day
    from unnest($7::text[], $8::text[], $9::date[]) as u (channel, merchant, day)
), funded as materialized (
    select f.channel, f.merchant
    from unnest($10::text[], $11::text[]) as f (channel, merchant)
), bill as materialized (
    select b.order_no, b.refund_no, b.kind, sum(b.amount_fen) as amount_fen,
           sum(b.fee_fen) as fee_fen,
           bool_and(b.channel <> all($6::text[])
                    or b.channel || ' ' || b.kind || ' ' || b.status = any($5::text[])) as done
    from settlement.bill_row b
    where b.lane = $1 and b.bill_day between $2::date - $12::integer and $3::date + $12::integer
        and b.order_no <> '' and b.file_no <> all($4::bigint[])
    group by b.order_no, b.refund_no, b.kind
), moved as materialized (
    select distinct m.why as kind, m.order_no as number
    from settlement.bill_movement m
    where m.lane = $1 and m.bill_day between $2::date - $12::integer and $3::date + $12::integer
        and m.why in (1, 2) and m.order_no <> '' and m.file_no <> all($4::bigint[])
), undone as materialized (
    select c.order_no
    from settlement.channel_row c
    where c.lane = $1 and c.kind = 3 and (
        select max(v.event_no) filter (where v.kind in (2, 3, 10))
                   > max(v.event_no) filter (where v.kind in (6, 8))
        from settlement.payment_event v
        where v.lane = $1 and v.pay_no = c.pay_no and v.attempt = c.attempt
    ) is not true
), ours as materialized (
    select c.order_no, c.refund_no, c.kind, c.institution, c.channel, c.custody, c.merchant,
           c.business_day as day,
           case when c.kind = 1 and u.order_no is not null then 0 else c.amount_fen end
               as amount_fen
    from settlement.channel_row c
    left join undone u on u.order_no = c.order_no
    where c.lane = $1 and c.business_day between $2 and $3 and c.kind < 3
), said as materialized (
    select o.institution, o.channel, o.custody, o.merchant, o.day, 1 as rows,
           case o.kind when 1 then o.amount_fen else 0 end as paid_fen,
           case o.kind when 2 then o.amount_fen else 0 end as refunded_fen,
           case when b.kind is null and u.day is not null then o.amount_fen else 0 end
               as unbilled_fen,
           case when b.done and b.amount_fen = o.amount_fen and f.merchant is not null
                     and m.kind is null and w.kind is null
                then o.amount_fen else 0 end as unfunded_fen,
           case o.kind when 1 then 1 else -1 end as sign, coalesce(b.fee_fen, 0) as fee_fen
    from ours o
    left join bill b
        on b.order_no = o.order_no and b.refund_no = o.refund_no and b.kind = o.kind
    left join unbilled u
        on u.channel = o.channel and u.merchant = o.merchant and u.day = o.day
    left join funded f on f.channel = o.channel and f.merchant = o.merchant
    left join moved m
        on m.kind = o.kind and m.number = case o.kind when 1 then o.order_no else o.refund_no end
    left join moved w on w.kind = o.kind and o.kind = 2 and w.number = o.order_no
    union all
    select coalesce(p.institution, ''), b.channel, coalesce(p.custody, ''), b.merchant, b.bill_day,
           0, 0, 0, 0, 0, 1, b.fee_fen
    from settlement.bill_row b
    left join lateral (
        select c.institution, c.custody
        from settlement.channel_row c
        where c.lane = $1 and c.order_no = b.order_no
        limit 1
    ) as p on true
    where b.lane = $1 and b.bill_day between $2 and $3 and b.file_no <> all($4::bigint[])
        and b.fee_fen <> 0
        and not exists (
            select 1 from settlement.channel_row c
            where c.lane = $1 and c.order_no = b.order_no and c.refund_no = b.refund_no
                and c.kind = b.kind
        )
)
select s.institution, s.channel, s.custody, s.merchant, s.day, sum(s.rows)::integer as rows,
       sum(s.paid_fen)::bigint as paid_fen, sum(s.refunded_fen)::bigint as refunded_fen,
       sum(s.sign * s.unbilled_fen)::bigint as unbilled_fen,
       sum(s.unbilled_fen)::bigint as unbilled_volume_fen,
       sum(s.sign * s.unfunded_fen)::bigint as unfunded_fen,
       sum(s.unfunded_fen)::bigint as unfunded_volume_fen, sum(s.fee_fen)::bigint as fee_fen
from said s
group by s.institution, s.channel, s.custody, s.merchant, s.day;

-- name: clearing_kept
-- What is kept of the accounts of a period in a lane, with the last step of each and who bore what
-- was booked first.
select k.institution, k.channel, k.custody, k.merchant, k.day, sum(k.rows)::integer as rows,
       sum(k.paid_fen)::bigint as paid_fen, sum(k.refunded_fen)::bigint as refunded_fen,
       sum(k.unbilled_fen)::bigint as unbilled_fen,
       sum(k.unbilled_volume_fen)::bigint as unbilled_volume_fen,
       sum(k.unfunded_fen)::bigint as unfunded_fen,
       sum(k.unfunded_volume_fen)::bigint as unfunded_volume_fen,
       sum(k.fee_fen)::bigint as fee_fen, sum(k.booked_fee_fen)::bigint as booked_fee_fen,
       max(k.step_no) as step_no, coalesce(max(k.borne_by), '') as borne_by
from settlement.channel_clearing_step k
where k.lane = $1 and k.day between $2 and $3
group by k.institution, k.channel, k.custody, k.merchant, k.day;

-- name: keep_clearing_steps
-- What a matching changed of some accounts of a lane, and what that adds up to.
with kept as (
    insert into settlement.channel_clearing_step (
        lane, kept_at, known_on, institution, channel, custody, merchant, day, step_no, rows,
        paid_fen, refunded_fen, unbilled_fen, unbilled_volume_fen, unfunded_fen,
        unfunded_volume_fen, fee_fen, booked_fee_fen, entry_id, borne_by, rule
    )
    select $1, $2, $3, n.institution, n.channel, n.custody, n.merchant, n.day, n.step_no, n.rows,
           n.paid_fen, n.refunded_fen, n.unbilled_fen, n.unbilled_volume_fen, n.unfunded_fen,
           n.unfunded_volume_fen, n.fee_fen, n.booked_fee_fen, n.entry_id, n.borne_by, n.rule
    from unnest(
            $4::text[], $5::text[], $6::text[], $7::text[], $8::date[], $9::integer[],
            $10::integer[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
            $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
            $20::text[], $21::text[]
        ) as n (
            institution, channel, custody, merchant, day, step_no, rows, paid_fen, refunded_fen,
            unbilled_fen, unbilled_volume_fen, unfunded_fen, unfunded_volume_fen, fee_fen,
            booked_fee_fen, entry_id, borne_by, rule
        )
    returning channel, day, rows, paid_fen, refunded_fen, unbilled_fen, unbilled_volume_fen,
              unfunded_fen, unfunded_volume_fen, fee_fen, booked_fee_fen
)
insert into settlement.channel_clearing_total (
    lane, known_on, channel, day, step_no, rows, paid_fen, refunded_fen, unbilled_fen,
    unbilled_volume_fen, unfunded_fen, unfunded_volume_fen, fee_fen, booked_fee_fen
)
select $1, $3, k.channel, k.day,
       1 + (
           select coalesce(max(t.step_no), 0)
           from settlement.channel_clearing_total t
           where t.lane = $1 and t.channel = k.channel and t.day = k.day
       ),
       sum(k.rows), sum(k.paid_fen), sum(k.refunded_fen), sum(k.unbilled_fen),
       sum(k.unbilled_volume_fen), sum(k.unfunded_fen), sum(k.unfunded_volume_fen),
       sum(k.fee_fen), sum(k.booked_fee_fen)
from kept k
group by k.channel, k.day;
