-- A month of payments over channels, as payments and imports would have written it. Only the drill
-- loads this, into a database of its own.

-- name: month_of_payments
-- Payments of one day with the events that they were sent and paid: $1 the day, $2 and $3 their
-- serials, $4 lanes, $5 the first number of lane 0, $6 what the attempt is, $7 what was learnt.
with one as (
    select i, $5::bigint + (i % $4) * 100000000000 + i as no, (i % $4)::smallint as lane,
           500 + (i * 7919) % 99500 as fen,
           $1::timestamptz + (i - $2) * interval '86000 seconds' / ($3 - $2 + 1) as at
    from generate_series($2::bigint, $3::bigint) as i
), opened as (
    insert into settlement.payment (
        lane, pay_no, kind, opened_at, psn_no, institution, order_no, amount_fen, plan
    )
    select one.lane, one.no, 1, one.at, '', 'P' || lpad((one.i % 2000)::text, 11, '9'),
           'T' || one.i, one.fen, '\x00'
    from one
)
insert into settlement.payment_event (
    lane, pay_no, event_no, kind, attempt, recorded_at, order_no, content, digest, exchange
)
select one.lane, one.no, k.kind, k.kind, 1, one.at + (k.kind - 1) * interval '1 second',
       case k.kind when 1 then one.no::text end,
       replace(replace(case k.kind when 1 then $6::text else $7::text end, 'ORDER', one.no::text),
               '"FEN"', one.fen::text),
       decode(md5(one.i::text), 'hex'), decode(repeat(md5(one.i::text), 16), 'hex')
from one
cross join (values (1::smallint), (2::smallint)) as k (kind);

-- name: month_of_bill_rows
-- The bill of one day: the same payments, as a channel has them.
insert into settlement.bill_row (
    lane, file_no, row_no, bill_day, at, kind, channel, merchant, order_no, refund_no, channel_no,
    channel_refund_no, amount_fen, fee_fen, status
)
select (i % $4)::smallint, $6, i::integer, $1::date, $1::date + interval '12 hours', 1, 'wechat',
       $7, ($5::bigint + (i % $4) * 100000000000 + i)::text, '',
       'w' || ($5::bigint + (i % $4) * 100000000000 + i), '', 500 + (i * 7919) % 99500,
       ((500 + (i * 7919) % 99500) * 60 + 5000) / 10000, 'SUCCESS'
from generate_series($2::bigint, $3::bigint) as i;

-- name: month_is_loaded
-- As a database that has been running for a while.
vacuum (analyze) settlement.payment, settlement.payment_event, settlement.bill_row,
    settlement.channel_row;

-- name: month_is_kept
-- The same of what a matching has kept.
vacuum (analyze) settlement.channel_clearing_step, settlement.channel_clearing_total,
    settlement.difference, settlement.difference_step;
