-- What the console's pages of money read (ADR 0047): months, what is still open of them, periods
-- with institutions, files of money in. Never on the settle path: it visits all lanes. Blocks that
-- show what is of one institution take the scope as their first parameter, as in console.sql.

-- name: all_month_steps
-- What became of every month.
select s.month, s.step_no, s.act, s.recorded_at, s.actor, s.reason, s.reference
from settlement.month_step s
order by s.month, s.step_no;

-- name: differences_of_month
-- Differences of a month that nobody has ended: how many, the first day, and what is due of those
-- with channels without their signs; those with institutions move nothing.
select count(*) as found, min(s.day) as first,
       coalesce(
           sum(abs(s.theirs_fen - s.ours_fen - s.booked_fen))
               filter (where d.channel <> 'institution'),
           0
       )::bigint as due_fen
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

-- name: payout_periods_listed
-- Periods with institutions, the newest first: for how many they were stated, and how many of these
-- are closed, and nothing came back since; of one institution alone where the scope says so.
select p.first_on, p.last_on, p.recorded_at, p.actor, p.reason, coalesce(s.stated, 0) as stated,
       coalesce(s.closed, 0) as closed
from settlement.payout_period p
left join (
    select s.first_on, count(*) filter (where s.act = 1) as stated,
           count(*) filter (where s.act = 8 and not exists (
               select 1
               from settlement.payout_step n
               where n.lane = s.lane and n.institution = s.institution
                   and n.first_on = s.first_on and n.step_no > s.step_no
           )) as closed
    from settlement.payout_step s
    where ($1::text is null or s.institution = $1) and s.act in (1, 8)
    group by s.first_on
) as s on s.first_on = p.first_on
where $1::text is null or s.stated > 0
order by p.first_on desc
limit $2;

-- name: payout_period_acts
-- What became of a period, institution by institution: as little as its state, its sums and who
-- proposed need, because there are thousands.
select s.institution, i.name, array_agg(s.act order by s.step_no) as acts,
       array_agg(s.actor order by s.step_no) as actors,
       array_agg(s.fund_fen order by s.step_no) as funds,
       array_agg(s.account_fen order by s.step_no) as accounts
from settlement.payout_step s
left join settlement.institution i on i.code = s.institution
where s.first_on = $1
group by s.institution, i.name
order by s.institution;

-- name: payout_period_steps
-- What became of a period with some institutions.
select s.institution, s.last_on, s.step_no, s.act, s.recorded_at, s.booked_on, s.actor, s.fund_fen,
       s.account_fen, s.reference, s.reason, s.bank_account, s.entry_id
from settlement.payout_step s
where s.first_on = $1 and s.institution = any ($2::text[])
order by s.institution, s.step_no;

-- name: payout_period_owed
-- What institutions are owed by a period's rows.
select n.institution, sum(n.fund_fen)::bigint as fund_fen, sum(n.account_fen)::bigint as account_fen
from settlement.payout_line n
where n.first_on = $1
group by n.institution;

-- name: payout_period_before
-- What was confirmed of the period before, where it came to nothing or to less: a debt is carried.
select s.institution, s.fund_fen, s.account_fen
from settlement.payout_step s
where s.act = 3 and s.fund_fen + s.account_fen <= 0
    and s.first_on = (
        select max(b.first_on)
        from settlement.payout_step b
        where b.lane = s.lane and b.institution = s.institution and b.first_on < $1
    );

-- name: payout_period_adjusted
-- Adjustments of a period that are proposed or booked, by institution, kind and batch.
select a.institution, a.kind, a.batch, a.actor, e.booked is null as is_open, count(*) as rows,
       sum(a.amount_fen)::bigint as amount_fen
from settlement.payout_adjustment a
left join settlement.payout_adjustment_end e
    on e.lane = a.lane and e.institution = a.institution and e.first_on = a.first_on
    and e.adjustment_no = a.adjustment_no
where a.first_on = $1 and e.booked is distinct from false
group by a.institution, a.kind, a.batch, a.actor, e.booked is null;

-- name: case_adjusted
-- Adjustments of payouts that are about a settlement, proposed or booked, in the lane of its
-- institution.
select a.first_on, a.kind, a.amount_fen, a.source, a.note, e.booked is null as is_open
from settlement.payout_adjustment a
left join settlement.payout_adjustment_end e
    on e.lane = a.lane and e.institution = a.institution and e.first_on = a.first_on
    and e.adjustment_no = a.adjustment_no
where a.lane = $1 and a.setl_id = $2 and e.booked is distinct from false
order by a.first_on, a.adjustment_no;

-- name: bank_statements
-- Bank statements that were read in, the newest first, and who confirmed them.
select r.digest, r.name, r.row_count, r.sum_fen, r.actor as reader, r.recorded_at as read_at,
       coalesce(b.actor, '') as booker
from settlement.payout_file r
left join settlement.payout_file b on b.lane = r.lane and b.digest = r.digest and b.act = 2
where r.act = 1
order by r.recorded_at desc
limit $1;

-- name: reimbursements_waiting
-- Reimbursements that something is waited for, and all that came since a moment, with the last act
-- that moved each: 6, 10 and 11 leave it where it is, after 5, 8 or 12 it has ended. Those that
-- ended and never came back (9) are passed over at once; they become the most by far.
with candidate as (
    select r.lane, r.reimbursement_no
    from settlement.reimbursement r
    where r.recorded_at >= $2
    union
    select r.lane, r.reimbursement_no
    from settlement.reimbursement r
    where not exists (
        select 1 from settlement.reimbursement_step n
        where n.lane = r.lane and n.reimbursement_no = r.reimbursement_no and n.act in (5, 8, 12)
    )
    union
    select n.lane, n.reimbursement_no from settlement.reimbursement_step n where n.act = 9
)
select r.lane, r.reimbursement_no, r.recorded_at, s.act
from candidate c
join settlement.reimbursement r
    on r.lane = c.lane and r.reimbursement_no = c.reimbursement_no
cross join lateral (
    select n.act
    from settlement.reimbursement_step n
    where n.lane = r.lane and n.reimbursement_no = r.reimbursement_no and n.act not in (6, 10, 11)
    order by n.step_no desc
    limit 1
) as s
where (r.recorded_at >= $2 or s.act not in (5, 8, 12))
    and ($1::text is null or exists (
        select 1 from settlement.reimbursement_paper n
        where n.lane = r.lane and n.reimbursement_no = r.reimbursement_no and n.institution = $1
    ))
order by r.recorded_at desc, r.reimbursement_no desc;

-- name: reimbursements_listed
-- Some reimbursements with their newest papers, the newest first.
select r.lane, r.reimbursement_no, r.recorded_at, r.psn_no, p.institution, p.invoice_no,
       p.total_fen
from settlement.reimbursement r
cross join lateral (
    select n.institution, n.invoice_no, n.total_fen
    from settlement.reimbursement_paper n
    where n.lane = r.lane and n.reimbursement_no = r.reimbursement_no
    order by n.paper_no desc
    limit 1
) as p
where r.lane = any ($1::smallint[]) and r.reimbursement_no = any ($2::bigint[])
order by r.recorded_at desc, r.reimbursement_no desc;

-- name: reimbursements_listed_of_person
-- All of one person's, the newest first.
select r.lane, r.reimbursement_no, r.recorded_at, r.psn_no, p.institution, p.invoice_no,
       p.total_fen
from settlement.reimbursement r
cross join lateral (
    select n.institution, n.invoice_no, n.total_fen
    from settlement.reimbursement_paper n
    where n.lane = r.lane and n.reimbursement_no = r.reimbursement_no
    order by n.paper_no desc
    limit 1
) as p
where ($1::text is null or p.institution = $1) and r.lane = $2 and r.psn_no = $3
order by r.recorded_at desc, r.reimbursement_no desc
limit $4;

-- name: reimbursements_listed_steps
-- Steps of some reimbursements, in their order.
select s.reimbursement_no, s.step_no, s.act, s.recorded_at, s.booked_on, s.paper_no, s.fund_fen,
       s.account_fen, s.cash_fen, s.actor, s.proposer, s.reference, s.reason, s.entry_id
from settlement.reimbursement_step s
where s.lane = any ($1::smallint[]) and s.reimbursement_no = any ($2::bigint[])
order by s.reimbursement_no, s.step_no;

-- name: reimbursement_in_scope
-- Whether there is a reimbursement of this number, and who is signed in may see it.
select exists (
    select 1
    from settlement.reimbursement_paper p
    where ($1::text is null or p.institution = $1) and p.lane = $2 and p.reimbursement_no = $3
) as may_see;
