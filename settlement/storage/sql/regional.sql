-- Clearing and comparing with other regions, all in the lane of the other party's code. Operators'
-- commands run these; what must visit the lanes of persons is in scatter.sql.

-- name: region_steps
-- What became of a period so far.
select s.step_no, s.act, s.recorded_at, s.actor, s.reference, s.amount_fen, s.legs, s.reason,
       s.entry_id
from settlement.region_clearing_step s
where s.lane = $1 and s.party = $2 and s.side = $3 and s.month = $4
order by s.step_no;

-- name: keep_region_step
-- The next step of a period; no row where somebody took the number.
insert into settlement.region_clearing_step (
    lane, party, side, month, step_no, act, recorded_at, actor, reference, amount_fen, legs, reason,
    entry_id
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict do nothing
returning step_no;

-- name: statement_taken
-- Where a statement of this number was taken already: the month.
select s.month
from settlement.region_clearing_step s
where s.lane = $1 and s.party = $2 and s.side = $3 and s.act in (1, 12) and s.reference = $4
limit 1;

-- name: keep_region_legs
-- Rows of a period.
insert into settlement.region_clearing_leg (
    lane, party, side, month, case_no, reversal, region, institution, clearing_type, scheme,
    settled_on, total_fen, fund_fen, account_fen, setl_id
)
select $1, $2, $3, $4, n.case_no, n.reversal, n.region, n.institution, n.clearing_type, n.scheme,
       n.settled_on, n.total_fen, n.fund_fen, n.account_fen, n.setl_id
from unnest($5::text[], $6::boolean[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::date[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
    as n (
        case_no, reversal, region, institution, clearing_type, scheme, settled_on, total_fen,
        fund_fen, account_fen, setl_id
    );

-- name: region_stated
-- Of these rows those that are in a month already, with by how many months they were postponed in
-- all, and whether they are stated for good or wait for a month behind this one.
select c.case_no, c.reversal, coalesce(sum(m.months), 0)::integer as postponed,
       bool_or(
           m.case_no is null
           or (c.month + make_interval(months => m.months::integer))::date > $4
       ) as taken
from settlement.region_clearing_leg c
left join lateral (
    select p.case_no, p.months, p.mark
    from settlement.region_clearing_mark p
    where p.lane = $1 and p.party = c.party and p.side = c.side and p.month = c.month
        and p.case_no = c.case_no and p.reversal = c.reversal
    order by p.step_no desc
    limit 1
) as m on m.mark = 3
where c.lane = $1 and c.party = $2 and c.side = $3 and c.case_no = any ($5::text[])
group by c.case_no, c.reversal;

-- name: keep_region_marks
-- What a step says of single rows.
insert into settlement.region_clearing_mark (
    lane, party, side, month, step_no, mark, months, reason, case_no, reversal
)
select $1, $2, $3, $4, $5, $6, $7, $8, n.case_no, n.reversal
from unnest($9::text[], $10::boolean[]) as n (case_no, reversal);

-- name: region_legs
-- The rows of a period in their order, with the last mark of each; of one institution, some of them
-- by case number.
select c.case_no, c.reversal, c.region, c.institution, c.clearing_type, c.scheme, c.settled_on,
       c.total_fen, c.fund_fen, c.account_fen, c.setl_id, m.mark, m.months, m.reason
from settlement.region_clearing_leg c
left join lateral (
    select p.mark, p.months, p.reason
    from settlement.region_clearing_mark p
    where p.lane = $1 and p.party = $2 and p.side = $3 and p.month = $4
        and p.case_no = c.case_no and p.reversal = c.reversal
    order by p.step_no desc
    limit 1
) as m on true
where c.lane = $1 and c.party = $2 and c.side = $3 and c.month = $4
    and ($5::text is null or c.institution = $5)
    and ($6::text[] is null or c.case_no = any ($6::text[]))
order by c.settled_on, c.case_no, c.reversal;

-- name: region_leg_groups
-- What the rows of a period come to that were not postponed, by region, institution, clearing type
-- and scheme.
select c.region, c.institution, c.clearing_type, c.scheme, count(*)::integer as legs,
       sum(c.total_fen)::bigint as total_fen, sum(c.fund_fen)::bigint as fund_fen,
       sum(c.account_fen)::bigint as account_fen
from settlement.region_clearing_leg c
left join lateral (
    select p.mark
    from settlement.region_clearing_mark p
    where p.lane = $1 and p.party = $2 and p.side = $3 and p.month = $4
        and p.case_no = c.case_no and p.reversal = c.reversal
    order by p.step_no desc
    limit 1
) as m on true
where c.lane = $1 and c.party = $2 and c.side = $3 and c.month = $4
    and m.mark is distinct from 3
group by c.region, c.institution, c.clearing_type, c.scheme
order by c.region, c.institution, c.clearing_type, c.scheme;

-- name: region_marked
-- Cases of a period of whose rows something was said.
select distinct p.case_no
from settlement.region_clearing_mark p
where p.lane = $1 and p.party = $2 and p.side = $3 and p.month = $4
order by p.case_no
limit $5;

-- name: region_legs_of_year
-- What was stated with a party in some months and not postponed, for the quota of its prepayment.
select coalesce(sum(c.fund_fen + c.account_fen), 0)::bigint as owed_fen,
       count(distinct c.month)::integer as months
from settlement.region_clearing_leg c
where c.lane = $1 and c.party = $2 and c.side = $3 and c.month between $4 and $5
    and not exists (
        select 1 from settlement.region_clearing_mark p
        where p.lane = $1 and p.party = c.party and p.side = c.side and p.month = c.month
            and p.case_no = c.case_no and p.reversal = c.reversal and p.mark = 3
    );

-- name: prepayment_steps
-- What was done about a prepayment so far.
select p.step_no, p.act, p.year, p.amount_fen, p.recorded_at, p.actor, p.reference, p.reason,
       p.entry_id
from settlement.region_prepayment p
where p.lane = $1 and p.party = $2 and p.side = $3
order by p.step_no;

-- name: keep_prepayment_step
-- The next of them; no row where somebody took the number.
insert into settlement.region_prepayment (
    lane, party, side, step_no, act, year, amount_fen, recorded_at, actor, reference, reason,
    entry_id
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict do nothing
returning step_no;

-- name: keep_differences
-- Differences of a day; those that are known stay as they were found. One that had gone by itself
-- and is found again is a new one; one that somebody ended is not.
insert into settlement.region_difference (
    lane, region, side, day, found_at, case_no, reversal, class, found_no, ours_fen, theirs_fen,
    hub_fen
)
select $1, $2, $3, $4, $5, n.case_no, n.reversal, n.class, coalesce(k.found_no, 0) + 1,
       n.ours_fen, n.theirs_fen, n.hub_fen
from unnest($6::text[], $7::boolean[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[])
    as n (case_no, reversal, class, ours_fen, theirs_fen, hub_fen)
left join lateral (
    select max(d.found_no) as found_no, bool_and(coalesce(e.by_itself, false)) as gone
    from settlement.region_difference d
    left join settlement.region_difference_end e
        on e.lane = d.lane and e.region = d.region and e.side = d.side and e.day = d.day
        and e.case_no = d.case_no and e.reversal = d.reversal and e.class = d.class
        and e.found_no = d.found_no
    where d.lane = $1 and d.region = $2 and d.side = $3 and d.day = $4
        and d.case_no = n.case_no and d.reversal = n.reversal and d.class = n.class
) as k on true
where coalesce(k.gone, true)
on conflict do nothing;

-- name: end_differences
-- Differences of a day, of some classes, end by themselves: those that were not found again.
insert into settlement.region_difference_end (
    lane, region, side, day, ended_at, case_no, reversal, class, found_no, by_itself, actor, note
)
select d.lane, d.region, d.side, d.day, $5, d.case_no, d.reversal, d.class, d.found_no, true, $6, $7
from settlement.region_difference d
where d.lane = $1 and d.region = $2 and d.side = $3 and d.day = $4 and d.class = any ($11::text[])
    and not exists (
        select 1
        from unnest($8::text[], $9::boolean[], $10::text[]) as f (case_no, reversal, class)
        where f.case_no = d.case_no and f.reversal = d.reversal and f.class = d.class
    )
on conflict do nothing
returning case_no;

-- name: differences_of_day
-- Differences of a day with what was said of each last and how it ended, open ones first; all of
-- them, or those of some cases.
select d.case_no, d.reversal, d.class, d.found_at, d.ours_fen, d.theirs_fen, d.hub_fen, s.step_no,
       s.act, s.recorded_at, s.actor, s.note, e.ended_at, e.actor as ended_by, e.note as end_note,
       d.found_no
from settlement.region_difference d
left join lateral (
    select p.step_no, p.act, p.recorded_at, p.actor, p.note
    from settlement.region_difference_step p
    where p.lane = $1 and p.region = $2 and p.side = $3 and p.day = $4
        and p.case_no = d.case_no and p.reversal = d.reversal and p.class = d.class
        and p.found_no = d.found_no
    order by p.step_no desc
    limit 1
) as s on true
left join settlement.region_difference_end e
    on e.lane = $1 and e.region = $2 and e.side = $3 and e.day = $4
    and e.case_no = d.case_no and e.reversal = d.reversal and e.class = d.class
    and e.found_no = d.found_no
where d.lane = $1 and d.region = $2 and d.side = $3 and d.day = $4
    and ($5::text[] is null or d.case_no = any ($5::text[]))
order by e.ended_at is not null, d.case_no, d.reversal, d.class
limit $6;

-- name: keep_difference_steps
-- What is said next of differences of a day, each with the number of its step.
insert into settlement.region_difference_step (
    lane, region, side, day, act, recorded_at, actor, note, case_no, reversal, class, found_no,
    step_no
)
select $1, $2, $3, $4, $5, $6, $7, $8, n.case_no, n.reversal, n.class, n.found_no, n.step_no
from unnest($9::text[], $10::boolean[], $11::text[], $12::smallint[], $13::smallint[])
    as n (case_no, reversal, class, found_no, step_no);

-- name: end_named_differences
-- People end differences of a day.
insert into settlement.region_difference_end (
    lane, region, side, day, ended_at, actor, note, case_no, reversal, class, found_no
)
select $1, $2, $3, $4, $5, $6, $7, n.case_no, n.reversal, n.class, n.found_no
from unnest($8::text[], $9::boolean[], $10::text[], $11::smallint[])
    as n (case_no, reversal, class, found_no);

-- name: keep_comparison
-- A day was compared.
insert into settlement.region_comparison (
    lane, region, side, day, compared_at, ours, theirs, hub, differing, actor
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict do nothing;

-- name: keep_paper_part
-- A part of a paper; one that is there already stays as it is.
insert into settlement.region_paper (
    lane, region, sent, number, digest, part, parts, kind, content, kept_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict do nothing;

-- name: paper_end
-- What became of a paper.
select e.taken, e.said
from settlement.region_paper_end e
where e.lane = $1 and e.region = $2 and e.sent = $3 and e.number = $4 and e.digest = $5;

-- name: keep_paper_end
-- What became of a paper, once.
insert into settlement.region_paper_end (
    lane, region, sent, number, digest, ended_at, taken, said
)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing;

-- name: keep_paper_mark
-- A paper of ours rests, or is sent again.
insert into settlement.region_paper_mark (
    lane, region, number, digest, mark_no, mark, marked_at, actor, said
)
select $1, $2, $3, $4, coalesce(max(m.mark_no), 0) + 1, $5, $6, $7, $8
from settlement.region_paper_mark m
where m.lane = $1 and m.region = $2 and m.number = $3 and m.digest = $4
on conflict do nothing;

-- name: paper_mark
-- The last mark of a paper of ours.
select m.mark
from settlement.region_paper_mark m
where m.lane = $1 and m.region = $2 and m.number = $3 and m.digest = $4
order by m.mark_no desc
limit 1;

-- name: paper_parts
-- The parts of a paper that are there, in their order.
select p.part, p.parts, p.content
from settlement.region_paper p
where p.lane = $1 and p.region = $2 and p.sent = $3 and p.number = $4 and p.digest = $5
order by p.part;

-- name: keep_region_file
-- A file of another region or the hub; no row where these very bytes came before.
insert into settlement.region_file (
    lane, file_no, received_at, size_bytes, day, region, kind, told_by, name, actor, sha256
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict do nothing
returning file_no;

-- name: region_file
-- A file by its number.
select f.lane, f.file_no, f.received_at, f.size_bytes, f.day, f.region, f.kind, f.told_by, f.name,
       f.actor, f.sha256
from settlement.region_file f
where f.lane = $1 and f.file_no = $2;

-- name: paper_digests
-- What came, or was made, under a number, the first one first.
select p.digest
from settlement.region_paper p
where p.lane = $1 and p.region = $2 and p.sent = $3 and p.number = $4
group by p.digest
order by min(p.kept_at), p.digest;

-- name: lock_party
-- Acts about parties of a lane come one after the other; the lock ends with the transaction.
select pg_advisory_xact_lock($1::integer, k.lane) from (values ($2::integer)) as k (lane);

-- name: region_legs_found
-- Rows of a period for a page, with the last mark of each: all, or those whose case or institution
-- is the one that is looked for, or begins so. The rows are chosen before their marks are read.
select c.case_no, c.reversal, c.region, c.institution, c.clearing_type, c.scheme, c.settled_on,
       c.total_fen, c.fund_fen, c.account_fen, c.setl_id, m.mark, m.months, m.reason
from (
    select l.case_no, l.reversal, l.region, l.institution, l.clearing_type, l.scheme, l.settled_on,
           l.total_fen, l.fund_fen, l.account_fen, l.setl_id
    from settlement.region_clearing_leg l
    where l.lane = $1 and l.party = $2 and l.side = $3 and l.month = $4
        and ($5::text = '' or starts_with(l.case_no, $5) or starts_with(l.institution, $5))
    order by l.settled_on, l.case_no, l.reversal
    limit $6
) as c
left join lateral (
    select p.mark, p.months, p.reason
    from settlement.region_clearing_mark p
    where p.lane = $1 and p.party = $2 and p.side = $3 and p.month = $4
        and p.case_no = c.case_no and p.reversal = c.reversal
    order by p.step_no desc
    limit 1
) as m on true
order by c.settled_on, c.case_no, c.reversal;
