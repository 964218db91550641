-- Bills of payment channels: keeping them and saying what came. Operators' commands and one
-- background loop run these, never the settle path. A file lies in the lane of its merchant number;
-- its rows lie in the lanes of our order numbers.

-- name: lock_bills
-- One import at a time in the whole system, as long as the session holds it.
select pg_advisory_lock($1, 0);

-- name: unlock_bills
-- The import is over.
select pg_advisory_unlock($1, 0);

-- name: bill_came
-- The file with these very bytes, if it came before.
select f.file_no
from settlement.bill_file f
where f.lane = $1 and f.channel = $2 and f.merchant = $3 and f.kind = $4 and f.bill_day = $5
    and f.sha256 = $6;

-- name: bills_of_day
-- Files that count for a merchant, kind and day: none or one.
select f.file_no
from settlement.bill_file_in_force f
where f.lane = $1 and f.channel = $2 and f.merchant = $3 and f.kind = $4 and f.bill_day = $5;

-- name: bill_leftovers
-- Imports that were cut off, in any lane: nobody imports while this is asked.
select b.lane, b.file_no from settlement.bill_begun b;

-- name: drop_left_rows
-- Rows of a file that never came to count go, in all lanes.
delete from settlement.bill_row r
where r.lane = any($1::smallint[]) and r.file_no = $2;

-- name: drop_left_movements
-- Its movements as well.
delete from settlement.bill_movement m
where m.lane = any($1::smallint[]) and m.file_no = $2;

-- name: drop_left_institution_rows
-- Or its rows of an institution.
delete from settlement.institution_row r
where r.lane = any($1::smallint[]) and r.file_no = $2;

-- name: begin_bill
-- Rows of this file are about to be written.
insert into settlement.bill_begun (lane, file_no, begun_at) values ($1, $2, $3);

-- name: end_bill
-- All of the file is there, or nothing any more.
delete from settlement.bill_begun b where b.lane = $1 and b.file_no = $2;

-- name: keep_bill_piece
-- A piece of the file as it came; one that is there already is the same.
insert into settlement.bill_content (lane, sha256, piece_no, packed, content)
values ($1, $2, $3, $4, $5)
on conflict do nothing;

-- name: bill_pieces
-- The file as it came, in order.
select c.packed, c.content
from settlement.bill_content c
where c.lane = $1 and c.sha256 = $2
order by c.piece_no;

-- name: keep_bill_file
-- The file counts from here on.
insert into settlement.bill_file (
    lane, file_no, received_at, channel, merchant, kind, bill_day, sha256, size_bytes, name,
    fetched, actor, paid_rows, paid_fen, refund_rows, refunded_fen, fee_fen, fee_told, moved_rows,
    in_fen, out_fen, faults
)
values (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22
);

-- name: replace_bill
-- A file stops counting for the sake of another.
insert into settlement.bill_replaced (lane, file_no, replaced_by) values ($1, $2, $3);

-- name: keep_bill_faults
-- Rows that could not be read.
insert into settlement.bill_fault (lane, file_no, fault_no, row_no, place, reason)
select $1, $2, n.fault_no, n.row_no, n.place, n.reason
from unnest($3::integer[], $4::text[], $5::text[])
    with ordinality as n (row_no, place, reason, fault_no);

-- name: bill_faults
-- Rows that could not be read, in order.
select f.row_no, f.place, f.reason
from settlement.bill_fault f
where f.lane = $1 and f.file_no = $2
order by f.fault_no;

-- name: bill_file
-- One file, with what it replaced and what replaced it.
select f.lane, f.file_no, f.received_at, f.channel, f.merchant, f.kind, f.bill_day, f.sha256,
       f.size_bytes, f.name, f.fetched, f.actor, f.paid_rows, f.paid_fen, f.refund_rows,
       f.refunded_fen, f.fee_fen, f.fee_told, f.moved_rows, f.in_fen, f.out_fen, f.faults,
       p.replaced_by,
       array(
           select o.file_no from settlement.bill_replaced o
           where o.lane = $1 and o.replaced_by = f.file_no
           order by o.file_no
       ) as replaces
from settlement.bill_file f
left join settlement.bill_replaced p on p.lane = f.lane and p.file_no = f.file_no
where f.lane = $1 and f.file_no = $2;

-- name: bills_between
-- Every file of some days, of all lanes, as `bill_file`.
select f.lane, f.file_no, f.received_at, f.channel, f.merchant, f.kind, f.bill_day, f.sha256,
       f.size_bytes, f.name, f.fetched, f.actor, f.paid_rows, f.paid_fen, f.refund_rows,
       f.refunded_fen, f.fee_fen, f.fee_told, f.moved_rows, f.in_fen, f.out_fen, f.faults,
       p.replaced_by, array[]::bigint[] as replaces
from settlement.bill_file f
left join settlement.bill_replaced p on p.lane = f.lane and p.file_no = f.file_no
where f.bill_day between $1 and $2
order by f.bill_day, f.channel, f.merchant, f.kind desc, f.file_no;

-- name: bill_days
-- Bills of some days ($1 to $2), counted by day and channel ($3, or null for all), of all lanes: as
-- finance/bill_calendar.py has them one by one. Expected are, beside what came or was asked for,
-- those of merchants ($4 to $6: channel, merchant, kind) of the days from $7 to $8. What was asked
-- for in vain is refused, unless the channel said $9; what is not there may still come for days
-- from $10 on.
with file as materialized (
    select f.channel, f.merchant, f.kind, f.bill_day, f.faults, f.paid_fen, f.refunded_fen,
           f.fee_fen, p.replaced_by is null as counts,
           row_number() over (bill order by p.replaced_by is not null, f.received_at desc) as place,
           count(*) over bill as files, min(f.received_at) over bill as first_at
    from settlement.bill_file f
    left join settlement.bill_replaced p on p.lane = f.lane and p.file_no = f.file_no
    where f.bill_day between $1 and $2 and ($3::text is null or f.channel = $3)
    window bill as (partition by f.channel, f.merchant, f.kind, f.bill_day)
), tried as materialized (
    select distinct on (a.channel, a.merchant, a.kind, a.bill_day)
           a.channel, a.merchant, a.kind, a.bill_day, a.said
    from settlement.bill_asked a
    where a.bill_day between $1 and $2 and ($3::text is null or a.channel = $3)
    order by a.channel, a.merchant, a.kind, a.bill_day, a.asked_at desc
), expected as materialized (
    select m.channel, m.merchant, m.kind, d.day::date as bill_day
    from unnest($4::text[], $5::text[], $6::text[]) as m (channel, merchant, kind)
    cross join generate_series($7::date, $8::date, interval '1 day') as d (day)
    where $3::text is null or m.channel = $3
), bill as (
    select f.channel, f.merchant, f.kind, f.bill_day from file f where f.place = 1
    union
    select t.channel, t.merchant, t.kind, t.bill_day from tried t
    union
    select e.channel, e.merchant, e.kind, e.bill_day from expected e
), standing as (
    select b.channel, b.bill_day, coalesce(f.counts, false) as is_here,
           f.first_at, coalesce(f.files, 0) as files, t.said,
           case when f.counts then f.faults else 0 end as faults,
           case when f.counts then f.paid_fen else 0 end as paid_fen,
           case when f.counts then f.refunded_fen else 0 end as refunded_fen,
           case when f.counts then f.fee_fen else 0 end as fee_fen
    from bill b
    left join file f
        on f.channel = b.channel and f.merchant = b.merchant and f.kind = b.kind
        and f.bill_day = b.bill_day and f.place = 1
    left join tried t
        on t.channel = b.channel and t.merchant = b.merchant and t.kind = b.kind
        and t.bill_day = b.bill_day
)
select s.bill_day as day, s.channel, count(*) as expected,
       count(*) filter (where s.is_here) as received,
       count(*) filter (
           where s.is_here
               and (s.first_at at time zone interval '+08:00')::date > s.bill_day + 1
       ) as late,
       count(*) filter (
           where not s.is_here and (s.said is null or s.said = $9) and s.bill_day < $10::date
       ) as missing,
       count(*) filter (where not s.is_here and s.said <> $9) as refused,
       sum(s.files - s.is_here::integer)::bigint as replaced, sum(s.faults)::bigint as faults,
       sum(s.paid_fen)::bigint as paid_fen, sum(s.refunded_fen)::bigint as refunded_fen,
       sum(s.fee_fen)::bigint as fee_fen
from standing s
group by s.bill_day, s.channel
order by s.bill_day desc, s.channel;

-- name: keep_bill_asked
-- A channel gave no bill.
insert into settlement.bill_asked (lane, channel, merchant, kind, bill_day, asked_at, said)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing;

-- name: bills_asked_between
-- What the last try came to for each merchant, kind and day, of all lanes.
select distinct on (a.lane, a.channel, a.merchant, a.bill_day, a.kind)
       a.lane, a.channel, a.merchant, a.kind, a.bill_day, a.asked_at, a.said
from settlement.bill_asked a
where a.bill_day between $1 and $2
order by a.lane, a.channel, a.merchant, a.bill_day, a.kind, a.asked_at desc;

-- name: bills_there
-- Which merchants have bills in force for some days, of all lanes.
select f.lane, f.channel, f.merchant, f.kind, f.bill_day
from settlement.bill_file_in_force f
where f.bill_day between $1 and $2;

-- name: bill_tries
-- How often each bill of some days was asked for in vain, and when last, of all lanes.
select a.lane, a.channel, a.merchant, a.kind, a.bill_day, count(*) as times,
       max(a.asked_at) as last_at
from settlement.bill_asked a
where a.bill_day between $1 and $2
group by a.lane, a.channel, a.merchant, a.kind, a.bill_day;

-- name: bills_awaited
-- Bills of some days that were asked for and are not there, of all lanes, the oldest day first.
select a.channel, a.merchant, a.kind, a.bill_day, count(*) as times, max(a.asked_at) as last_at
from settlement.bill_asked a
where a.bill_day between $1 and $2
    and not exists (
        select 1 from settlement.bill_file f
        where f.lane = a.lane and f.channel = a.channel and f.merchant = a.merchant
            and f.kind = a.kind and f.bill_day = a.bill_day
    )
group by a.channel, a.merchant, a.kind, a.bill_day
order by a.bill_day, a.channel, a.merchant, a.kind;

-- name: files_by_content
-- Every file with the hash and the length that its bytes must have.
select b.lane, b.file_no, b.sha256, b.size_bytes
from settlement.bill_file b
union all
select i.lane, i.file_no, i.sha256, i.size_bytes
from settlement.institution_file i
union all
select r.lane, r.file_no, r.sha256, r.size_bytes
from settlement.region_file r
order by 1, 2;

-- name: wrong_bill_sums
-- A bill whose rows or movements are others than it had, by their sums and by whose they are. Only
-- what came as a file has a length.
select f.lane, f.file_no
from settlement.bill_file f
left join (
    select r.file_no, count(*) filter (where r.kind = 1) as paid_rows,
           coalesce(sum(r.amount_fen) filter (where r.kind = 1), 0) as paid_fen,
           count(*) filter (where r.kind = 2) as refund_rows,
           coalesce(sum(r.amount_fen) filter (where r.kind = 2), 0) as refunded_fen,
           sum(r.fee_fen) as fee_fen,
           array[min(r.channel), max(r.channel), min(r.merchant), max(r.merchant)] as whose,
           array[min(r.bill_day), max(r.bill_day)] as days
    from settlement.bill_row r
    group by r.file_no
) as r on r.file_no = f.file_no
left join (
    select m.file_no, count(*) as moved_rows,
           coalesce(sum(m.amount_fen) filter (where m.direction = 1), 0) as in_fen,
           coalesce(sum(m.amount_fen) filter (where m.direction = -1), 0) as out_fen,
           array[min(m.channel), max(m.channel), min(m.merchant), max(m.merchant)] as whose,
           array[min(m.bill_day), max(m.bill_day)] as days
    from settlement.bill_movement m
    group by m.file_no
) as m on m.file_no = f.file_no
where f.size_bytes > 0
    and (
        (
            f.paid_rows, f.paid_fen, f.refund_rows, f.refunded_fen, f.fee_fen, f.moved_rows,
            f.in_fen, f.out_fen
        ) <> (
            coalesce(r.paid_rows, 0), coalesce(r.paid_fen, 0), coalesce(r.refund_rows, 0),
            coalesce(r.refunded_fen, 0), coalesce(r.fee_fen, 0), coalesce(m.moved_rows, 0),
            coalesce(m.in_fen, 0), coalesce(m.out_fen, 0)
        )
        or coalesce(r.whose, m.whose)
            <> array[f.channel, f.channel, f.merchant, f.merchant]
        or coalesce(r.days, m.days) <> array[f.bill_day, f.bill_day]
    )
order by f.lane, f.file_no
limit 1;

-- name: stray_bill_rows
-- Rows of a file that is not there, and is not on its way either.
select s.lane, s.file_no
from (
    select r.file_no, min(r.lane) as lane from settlement.bill_row r group by r.file_no
    union all
    select m.file_no, min(m.lane) from settlement.bill_movement m group by m.file_no
    union all
    select i.file_no, min(i.lane) from settlement.institution_row i group by i.file_no
) as s
where not exists (select 1 from settlement.bill_file f where f.file_no = s.file_no)
    and not exists (select 1 from settlement.institution_file f where f.file_no = s.file_no)
    and not exists (select 1 from settlement.bill_begun b where b.file_no = s.file_no)
order by 1, 2
limit 1;

-- name: wrong_institution_sums
-- A file of an institution whose rows are others than it had.
select f.lane, f.file_no
from settlement.institution_file f
left join (
    select r.file_no, count(*) as rows, sum(r.total_fen) as total_fen, sum(r.fund_fen) as fund_fen,
           sum(r.account_fen) as account_fen
    from settlement.institution_row r
    group by r.file_no
) as r on r.file_no = f.file_no
where (f.rows, f.total_fen, f.fund_fen, f.account_fen) <> (
    coalesce(r.rows, 0), coalesce(r.total_fen, 0), coalesce(r.fund_fen, 0),
    coalesce(r.account_fen, 0)
)
order by f.lane, f.file_no
limit 1;
