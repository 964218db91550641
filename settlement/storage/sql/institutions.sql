-- What institutions say that they settled (机构对账): keeping their files, and matching them with our
-- settlement rows lane by lane. Operators' commands and one background loop run these, never the
-- settle path. A file lies in the lane of the institution, its rows in the lanes of our numbers.

-- name: institution_file_came
-- The file of a period with these very bytes, if it came before.
select f.file_no
from settlement.institution_file f
where f.lane = $1 and f.institution = $2 and f.begins_on = $3 and f.ends_on = $4 and f.sha256 = $5;

-- name: institution_files_around
-- Files in force of an institution that say something of days of a period.
select f.file_no, f.begins_on, f.ends_on
from settlement.institution_file f
where f.lane = $1 and f.institution = $2 and f.begins_on <= $4 and f.ends_on >= $3
    and not exists (
        select 1 from settlement.bill_replaced p where p.lane = $1 and p.file_no = f.file_no
    )
order by f.begins_on, f.file_no;

-- name: keep_institution_file
-- The file counts from here on.
insert into settlement.institution_file (
    lane, file_no, received_at, institution, begins_on, ends_on, sha256, size_bytes, name, form,
    actor, rows, total_fen, fund_fen, account_fen, faults
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: institution_files_between
-- Every file that says something of some days, of all lanes.
select f.lane, f.file_no, f.received_at, f.institution, f.begins_on, f.ends_on, f.sha256,
       f.size_bytes, f.name, f.form, f.actor, f.rows, f.total_fen, f.fund_fen, f.account_fen,
       f.faults, p.replaced_by
from settlement.institution_file f
left join settlement.bill_replaced p on p.lane = f.lane and p.file_no = f.file_no
where f.begins_on <= $2 and f.ends_on >= $1
    and ($3::text is null or f.institution = $3)
order by f.begins_on, f.institution, f.file_no;

-- name: whose_settlements
-- Of which institution and day some numbers are, where they are ours.
select t.institution, (t.setl_time at time zone interval '+08:00')::date as day, count(*) as n
from settlement.settlement t
where t.lane = any($1::smallint[]) and t.setl_id = any($2::bigint[])
group by t.institution, day
order by n desc;

-- name: match_institutions_lane
-- Both sides of the files of a period in one lane: sums by institution, and every row that does not
-- agree with exactly one of the other side. $2 to $5 are the files in force with their institution
-- and days, no two of an institution on one day. What a reversal undid counts on no side, unless
-- theirs has it.
with file as materialized (
    select f.file_no, f.institution, f.begins_on, f.ends_on
    from unnest($2::bigint[], $3::text[], $4::date[], $5::date[])
        as f (file_no, institution, begins_on, ends_on)
), undone as materialized (
    select u.undoes_setl_id, u.setl_id, u.kind
    from settlement.settlement u
    where u.lane = $1 and u.undoes_setl_id is not null
), ours as materialized (
    select s.setl_id::text as setl_id, s.institution, s.kind, s.setl_on, s.total_fen, s.fund_fen,
           s.account_fen, u.kind as undone_kind, u.setl_id::text as undone_by
    from settlement.statement_row s
    join file f on f.institution = s.institution and s.setl_on between f.begins_on and f.ends_on
    left join undone u on u.undoes_setl_id = s.setl_id
    where s.lane = $1 and s.kind < 3
), theirs as materialized (
    select r.setl_id, f.institution, r.refund, r.total_fen, r.fund_fen, r.account_fen, r.file_no,
           r.row_no, f.begins_on, f.ends_on
    from settlement.institution_row r
    join file f on f.file_no = r.file_no
    where r.lane = $1
), several as materialized (
    select t.setl_id
    from theirs t
    group by t.setl_id
    having count(*) > 1
), agreed as materialized (
    select o.setl_id, o.institution, o.fund_fen + o.account_fen as fen
    from ours o
    join theirs t
        on t.setl_id = o.setl_id and t.institution = o.institution and t.total_fen = o.total_fen
        and t.fund_fen = o.fund_fen and t.account_fen = o.account_fen
        and o.setl_on between t.begins_on and t.ends_on
    where o.undone_kind is distinct from 3
        and (t.refund = (o.kind = 2) or o.undone_kind = 2)
        and not exists (select 1 from several s where s.setl_id = o.setl_id)
)
select 'ours' as side, o.institution, count(*) as n,
       sum(case when o.undone_kind = 3 then 0 else o.fund_fen + o.account_fen end)::bigint as fen,
       null::text as setl_id, null::smallint as kind, null::date as setl_on,
       null::bigint as total_fen, null::bigint as fund_fen, null::bigint as account_fen,
       null::smallint as undone_kind, null::text as undone_by, null::boolean as refund,
       null::bigint as file_no, null::integer as row_no, null::date as begins_on,
       null::date as ends_on
from ours o
group by o.institution
union all
select 'theirs', t.institution, count(*), sum(t.fund_fen + t.account_fen)::bigint, null, null, null,
       null, null, null, null, null, null, null, null, null, null
from theirs t
group by t.institution
union all
select 'agreed', a.institution, count(*), sum(a.fen)::bigint, null, null, null, null, null, null,
       null, null, null, null, null, null, null
from agreed a
group by a.institution
union all
select 'our row', o.institution, 0, 0, o.setl_id, o.kind, o.setl_on, o.total_fen, o.fund_fen,
       o.account_fen, o.undone_kind, o.undone_by, null, null, null, null, null
from ours o
where not exists (select 1 from agreed a where a.setl_id = o.setl_id)
union all
select 'their row', t.institution, 0, 0, t.setl_id, null, null, t.total_fen, t.fund_fen,
       t.account_fen, null, null, t.refund, t.file_no, t.row_no, t.begins_on, t.ends_on
from theirs t
where not exists (select 1 from agreed a where a.setl_id = t.setl_id);

-- name: settlement_rows_of
-- What we have of some numbers, of whatever day, and of what was undone by them. `offset 0` keeps
-- to single look-ups.
with wanted as materialized (
    select n.setl_id
    from unnest($2::bigint[]) as n (setl_id)
    union
    select o.undoes_setl_id
    from unnest($2::bigint[]) as n (setl_id)
    cross join lateral (
        select o.undoes_setl_id
        from settlement.settlement o
        where o.lane = $1 and o.setl_id = n.setl_id
        offset 0
    ) as o
    where o.undoes_setl_id is not null
)
select s.setl_id::text as setl_id, s.institution, s.kind,
       (s.setl_time at time zone interval '+08:00')::date as setl_on, s.total_fen, s.fund_fen,
       s.account_fen, u.kind as undone_kind, u.setl_id::text as undone_by
from wanted w
cross join lateral (
    select s.setl_id, s.institution, s.kind, s.setl_time, s.total_fen, s.fund_fen, s.account_fen
    from settlement.settlement s
    where s.lane = $1 and s.setl_id = w.setl_id and s.kind < 3
    offset 0
) as s
left join lateral (
    select u.kind, u.setl_id
    from settlement.settlement u
    where u.lane = $1 and u.undoes_setl_id = s.setl_id
    offset 0
) as u on true;

-- name: institution_rows_of
-- What some files have of some numbers; $3 to $6 are the files with their institution and days.
select r.setl_id, f.institution, r.refund, r.total_fen, r.fund_fen, r.account_fen, r.file_no,
       r.row_no, f.begins_on, f.ends_on
from settlement.institution_row r
join unnest($3::bigint[], $4::text[], $5::date[], $6::date[])
    as f (file_no, institution, begins_on, ends_on)
    on f.file_no = r.file_no
where r.lane = $1 and r.setl_id = any($2::text[]);
