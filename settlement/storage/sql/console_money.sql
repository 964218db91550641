-- What the console's pages of money read (ADR 0047): months, what is still open of them, periods
-- with institutions, files of money in. Never on the settle path: it visits all lanes. Blocks that
-- show what is of one institution take the scope as their first parameter, as in console.sql.

-- name: all_month_steps
-- What became of every month.
select s.month, s.step_no, s.act, s.recorded_at, s.actor, s.reason, s.reference
from settlement.month_step s
order by s.month, s.step_no;

-- name: differences_of_month
-- Differences with channels of a month that nobody has ended: how many, the first day, and what is
-- due of them without their signs.
select count(*) as found, min(s.day) as first,
       coalesce(sum(abs(s.theirs_fen - s.ours_fen - s.booked_fen)), 0)::bigint as due_fen
from settlement.difference d
cross join lateral (
    select s.state, s.day, s.ours_fen, s.theirs_fen, s.booked_fen
    from settlement.difference_step s
    where s.lane = d.lane and s.difference_no = d.difference_no
    order by s.step_no desc
    limit 1
) as s
where s.day between $1 and $2 and s.state = any($3::smallint[]);

-- name: payout_stated_of_month
-- Institutions that a period beginning in a month was stated for.
select distinct s.institution
from settlement.payout_step s
where s.first_on between $1 and $2 and s.act = 1;

-- name: payout_periods_of_month
-- Periods that begin in a month and were stated.
select p.first_on
from settlement.payout_period p
where p.first_on between $1 and $2
order by p.first_on;

-- name: sealed_of
-- What is sealed of a month: of one institution, or of all whose code begins so.
select s.institution, i.name, s.settlements, s.root, s.signature
from settlement.seal s
left join settlement.institution i on i.code = s.institution
where ($1::text is null or s.institution = $1) and s.begins_on = $2 and s.ends_on = $3
    and ($4::text = '' or s.institution like $4 || '%' or i.name like '%' || $4 || '%')
order by s.institution collate "C"
limit $5;
