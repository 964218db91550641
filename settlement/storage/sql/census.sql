-- What operators see as numbers that only a query can tell. All lanes, now and then, under a lease;
-- nothing is written. What a verification counts of all lanes is here as well.

-- name: in_doubt_now
-- What is not at its end, of each kind how much, and since when the oldest of it. Payments that
-- nobody looks at before `$1` wait for people.
select w.what, count(*) as found, min(w.opened_at) as oldest_at
from (
    select case when d.due_at < $1 then 'payment' else 'by_hand' end as what, p.opened_at
    from settlement.payment_due d
    join settlement.payment p on p.lane = d.lane and p.pay_no = d.pay_no
    union all
    select 'mobile', o.opened_at
    from settlement.mobile_due m
    join settlement.mobile_order o on o.lane = m.lane and o.order_no = m.order_no
    union all
    select 'remote', c.opened_at
    from settlement.remote_due r
    join settlement.remote_case c on c.lane = r.lane and c.case_no = r.case_no
    union all
    select 'family', u.opened_at
    from settlement.person n
    join settlement.undertaking u on u.lane = n.lane and u.undertaking_id = n.undertaking
    where n.undertaking is not null
) as w
group by w.what;

-- name: region_differences_open
-- What regions and hub do not agree on and nobody has ended, by class.
select d.class, count(*) as found
from settlement.region_difference d
left join settlement.region_difference_end e
    on e.lane = d.lane and e.region = d.region and e.side = d.side and e.day = d.day
    and e.case_no = d.case_no and e.reversal = d.reversal and e.class = d.class
    and e.found_no = d.found_no
where e.case_no is null
group by d.class;

-- name: region_differences_proposed
-- How many of them somebody has proposed to end, and nobody has sent back.
select count(*)::integer
from settlement.region_difference d
join settlement.region_difference_step s
    on s.lane = d.lane and s.region = d.region and s.side = d.side and s.day = d.day
    and s.case_no = d.case_no and s.reversal = d.reversal and s.class = d.class
    and s.found_no = d.found_no
left join settlement.region_difference_step n
    on n.lane = d.lane and n.region = d.region and n.side = d.side and n.day = d.day
    and n.case_no = d.case_no and n.reversal = d.reversal and n.class = d.class
    and n.found_no = d.found_no and n.step_no = s.step_no + 1
left join settlement.region_difference_end e
    on e.lane = d.lane and e.region = d.region and e.side = d.side and e.day = d.day
    and e.case_no = d.case_no and e.reversal = d.reversal and e.class = d.class
    and e.found_no = d.found_no
where s.act = 1 and n.step_no is null and e.case_no is null;

-- name: database_used
-- How large the database is, and how many connections its server has and allows.
select pg_database_size(current_database()) as bytes,
       (select sum(d.numbackends) from pg_stat_database d)::integer as connections,
       current_setting('max_connections')::integer as connections_max;

-- name: rows_kept
-- How many settlements there are, and rows in statements: where all were met from their entries,
-- none lies without one, and lanes need not be searched for it.
select (select count(*) from settlement.settlement) as settlements,
       (select count(*) from settlement.statement_row) as stated;
