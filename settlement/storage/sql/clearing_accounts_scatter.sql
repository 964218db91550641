-- Clearing accounts of payment channels: what must visit all lanes. Operators' commands and the
-- console run these, beside the settle path; $1 is whose accounts somebody may see, null for all.

-- name: lock_clearing
-- One matching at a time keeps clearing accounts; the session holds it.
select pg_advisory_lock($1, 0);

-- name: unlock_clearing
-- The next one may.
select pg_advisory_unlock($1, 0);

-- name: merchants_with_fund_bills
-- Whose fund bills of some days say what came into their account.
select distinct f.channel, f.merchant
from settlement.bill_file f
where f.kind = 'funds' and f.in_fen > 0 and f.bill_day between $1 and $2
    and not exists (select 1 from settlement.bill_replaced r where r.file_no = f.file_no);

-- name: clearing_totals
-- A period over all institutions by channel and day: what is kept, and how much of it was cleared
-- in time. $4 is today: a day counts for a time once that is over.
select k.channel, k.day, sum(k.rows)::bigint as rows, sum(k.paid_fen)::bigint as paid_fen,
       sum(k.refunded_fen)::bigint as refunded_fen, sum(k.unbilled_fen)::bigint as unbilled_fen,
       sum(k.unbilled_volume_fen)::bigint as unbilled_volume_fen,
       sum(k.unfunded_fen)::bigint as unfunded_fen,
       sum(k.unfunded_volume_fen)::bigint as unfunded_volume_fen, sum(k.fee_fen)::bigint as fee_fen,
       sum(k.booked_fee_fen)::bigint as booked_fee_fen,
       array[
           coalesce(sum(k.paid_fen + k.refunded_fen) filter (where k.day < $4::date - 1), 0),
           coalesce(sum(k.paid_fen + k.refunded_fen) filter (where k.day < $4::date - 3), 0),
           coalesce(sum(k.paid_fen + k.refunded_fen) filter (where k.day < $4::date - 30), 0)
       ]::bigint[] as old_fen,
       array[
           coalesce(sum(c.fen) filter (where k.day < $4::date - 1 and k.known_on <= k.day + 1), 0),
           coalesce(sum(c.fen) filter (where k.day < $4::date - 3 and k.known_on <= k.day + 3), 0),
           coalesce(
               sum(c.fen) filter (where k.day < $4::date - 30 and k.known_on <= k.day + 30), 0
           )
       ]::bigint[] as cleared_fen
from settlement.channel_clearing_total k
cross join lateral (
    select k.paid_fen + k.refunded_fen - k.unbilled_volume_fen - k.unfunded_volume_fen as fen
) as c
where ($1::text is null or k.channel = $1) and k.day between $2 and $3
group by k.channel, k.day;

-- name: clearing_of_institutions
-- The same of some institutions ($1 and $2, with their lanes), of each over the period, and of all
-- of them by channel and day.
select k.institution, k.channel, k.day, sum(k.rows)::bigint as rows,
       sum(k.paid_fen)::bigint as paid_fen,
       sum(k.refunded_fen)::bigint as refunded_fen, sum(k.unbilled_fen)::bigint as unbilled_fen,
       sum(k.unbilled_volume_fen)::bigint as unbilled_volume_fen,
       sum(k.unfunded_fen)::bigint as unfunded_fen,
       sum(k.unfunded_volume_fen)::bigint as unfunded_volume_fen, sum(k.fee_fen)::bigint as fee_fen,
       sum(k.booked_fee_fen)::bigint as booked_fee_fen,
       array[
           coalesce(sum(k.paid_fen + k.refunded_fen) filter (where k.day < $6::date - 1), 0),
           coalesce(sum(k.paid_fen + k.refunded_fen) filter (where k.day < $6::date - 3), 0),
           coalesce(sum(k.paid_fen + k.refunded_fen) filter (where k.day < $6::date - 30), 0)
       ]::bigint[] as old_fen,
       array[
           coalesce(sum(c.fen) filter (where k.day < $6::date - 1 and k.known_on <= k.day + 1), 0),
           coalesce(sum(c.fen) filter (where k.day < $6::date - 3 and k.known_on <= k.day + 3), 0),
           coalesce(
               sum(c.fen) filter (where k.day < $6::date - 30 and k.known_on <= k.day + 30), 0
           )
       ]::bigint[] as cleared_fen
from unnest($1::smallint[], $2::text[]) as n (lane, institution)
join settlement.channel_clearing_step k on k.lane = n.lane and k.institution = n.institution
cross join lateral (
    select k.paid_fen + k.refunded_fen - k.unbilled_volume_fen - k.unfunded_volume_fen as fen
) as c
where ($3::text is null or k.channel = $3) and k.day between $4 and $5
group by grouping sets ((k.institution), (k.channel, k.day));

-- name: clearing_waiting
-- Of which institutions something in a period has no bill yet, and how much.
select k.institution, sum(k.unbilled_volume_fen + k.unfunded_volume_fen)::bigint as fen
from settlement.channel_clearing_step k
where (k.unbilled_volume_fen <> 0 or k.unfunded_volume_fen <> 0)
    and ($1::text is null or k.channel = $1) and k.day between $2 and $3
group by k.institution
having sum(k.unbilled_volume_fen + k.unfunded_volume_fen) <> 0;

-- name: clearing_open
-- What is open by channel and day, of whatever day since one: what no bill has yet, and what is due
-- of differences; payments and refunds added up. What institutions claim otherwise lies at no
-- channel.
select o.channel, o.day, sum(o.fen)::bigint as fen
from (
    select k.channel, k.day, sum(k.unbilled_volume_fen + k.unfunded_volume_fen) as fen
    from settlement.channel_clearing_step k
    where (k.unbilled_volume_fen <> 0 or k.unfunded_volume_fen <> 0)
        and ($1::text is null or k.institution = $1) and ($2::text is null or k.channel = $2)
        and k.day >= $3
    group by k.channel, k.day
    union all
    select d.channel, s.day, sum(abs(s.due_fen)) as fen
    from settlement.difference d
    cross join lateral (
        select s.theirs_fen - s.ours_fen - s.booked_fen as due_fen, s.day, s.institution
        from settlement.difference_step s
        where s.lane = d.lane and s.difference_no = d.difference_no
        order by s.step_no desc
        limit 1
    ) as s
    where s.due_fen <> 0 and s.day >= $3 and d.found_at >= $3::date - 31
        and d.channel <> 'institution'
        and ($1::text is null or s.institution = $1) and ($2::text is null or d.channel = $2)
    group by d.channel, s.day
) as o
group by o.channel, o.day
having sum(o.fen) <> 0
order by o.day, o.channel;

-- name: clearing_differences
-- Differences of a period with channels as clearing accounts see them: figures, when they were
-- found, and when their figures changed last.
select d.difference_no, d.channel, d.kind, d.order_no, d.refund_no, d.channel_no, d.found_at,
       s.class, s.state, s.ours_fen, s.theirs_fen, s.booked_fen, s.day, s.institution, c.changed_at
from settlement.difference d
cross join lateral (
    select s.class, s.state, s.ours_fen, s.theirs_fen, s.booked_fen, s.day, s.institution
    from settlement.difference_step s
    where s.lane = d.lane and s.difference_no = d.difference_no
    order by s.step_no desc
    limit 1
) as s
cross join lateral (
    select max(a.recorded_at) as changed_at
    from settlement.difference_step a
    where a.lane = d.lane and a.difference_no = d.difference_no and a.act in (1, 4, 7, 8)
) as c
where s.day between $3 and $4 and d.found_at >= $3::date - 31 and d.channel <> 'institution'
    and ($1::text is null or s.institution = $1) and ($2::text is null or d.channel = $2)
order by s.day, d.difference_no;

-- name: clearing_accounts_of_day
-- The accounts of a day, those first in which most is open.
select k.institution, k.channel, k.custody, k.merchant, k.day, sum(k.rows)::integer as rows,
       sum(k.paid_fen)::bigint as paid_fen, sum(k.refunded_fen)::bigint as refunded_fen,
       sum(k.unbilled_fen)::bigint as unbilled_fen,
       sum(k.unbilled_volume_fen)::bigint as unbilled_volume_fen,
       sum(k.unfunded_fen)::bigint as unfunded_fen,
       sum(k.unfunded_volume_fen)::bigint as unfunded_volume_fen, sum(k.fee_fen)::bigint as fee_fen,
       sum(k.booked_fee_fen)::bigint as booked_fee_fen, max(k.step_no) as step_no,
       coalesce(max(k.borne_by), '') as borne_by,
       array_remove(array_agg(k.entry_id order by k.step_no), null) as entries
from settlement.channel_clearing_step k
where ($1::text is null or k.institution = $1) and ($2::text is null or k.channel = $2)
    and k.day = $3
group by k.institution, k.channel, k.custody, k.merchant, k.day
order by sum(k.unbilled_volume_fen + k.unfunded_volume_fen) desc,
    sum(k.paid_fen + k.refunded_fen) desc, k.institution, k.channel
limit $4;

-- name: clearing_rows
-- Our payments and refunds of a day of one institution, with what bills say under their numbers.
select o.order_no, o.refund_no, o.kind, o.channel, o.merchant, o.amount_fen, o.at, o.pay_no,
       b.bill_day, b.fee_fen, b.billed_fen
from (
    select c.lane, c.order_no, c.refund_no, c.kind, c.channel, c.merchant, c.amount_fen, c.at,
           c.pay_no
    from (select distinct l.lane from ledger.lane l) as l
    join settlement.channel_row c on c.lane = l.lane
    where c.institution = $1 and ($2::text is null or c.channel = $2) and c.business_day = $3
    order by c.at, c.order_no, c.kind
    limit $4
) as o
left join lateral (
    select min(b.bill_day) as bill_day, sum(b.fee_fen)::bigint as fee_fen,
           sum(b.amount_fen)::bigint as billed_fen
    from settlement.bill_row b
    where b.lane = o.lane and b.order_no = o.order_no and b.refund_no = o.refund_no
        and b.kind = o.kind and b.bill_day between $3::date - 1 and $3::date + 1
        and not exists (
            select 1 from settlement.bill_replaced r where r.file_no = b.file_no
        )
) as b on true
order by o.at, o.order_no, o.kind;
