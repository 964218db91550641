-- What operators see as numbers that only a query can tell. All lanes, now and then, under a lease;
-- nothing is written.

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

-- name: database_used
-- How large the database is, and how many connections its server has and allows.
select pg_database_size(current_database()) as bytes,
       (select sum(d.numbackends) from pg_stat_database d)::integer as connections,
       current_setting('max_connections')::integer as connections_max;
