-- What a closed business day came to (ADR 0049), made once when the day is closed and summed ever
-- after: by institution, day of settling, kind, scheme, clearing type, person type and care type,
-- with the leaves of its seals. Run by the background process and by who reads, never on the settle
-- path; what looks for rows visits every lane.
--
-- Blocks that show cases take the scope as their first parameter, as in console.sql.

-- name: rows_of_day
-- What was settled on a day, in some blocks of a journal: sums, persons as hashes, and numbers with
-- leaves, all in the order of numbers. A reversal counts on the day of what it takes back.
select t.institution, (coalesce(o.setl_time, t.setl_time) at time zone interval '+08:00')::date
           as setl_on,
       t.kind, t.scheme, t.clearing_type, t.category, t.care_type, count(*) as row_count,
       sum(t.total_fen)::bigint as total_fen,
       sum(t.full_self_pay_fen)::bigint as full_self_pay_fen,
       sum(t.over_ceiling_fen)::bigint as over_ceiling_fen,
       sum(t.pre_self_pay_fen)::bigint as pre_self_pay_fen,
       sum(t.in_scope_fen)::bigint as in_scope_fen,
       sum(t.deductible_fen)::bigint as deductible_fen,
       sum(t.hifp_fen)::bigint as hifp_fen, sum(t.cvlserv_fen)::bigint as cvlserv_fen,
       sum(t.hifes_fen)::bigint as hifes_fen, sum(t.hifmi_fen)::bigint as hifmi_fen,
       sum(t.hifob_fen)::bigint as hifob_fen, sum(t.maf_fen)::bigint as maf_fen,
       sum(t.hifdm_fen)::bigint as hifdm_fen, sum(t.oth_fen)::bigint as oth_fen,
       sum(t.fund_fen)::bigint as fund_fen, sum(t.account_fen)::bigint as account_fen,
       sum(t.family_account_fen)::bigint as family_account_fen,
       sum(t.cash_fen)::bigint as cash_fen, sum(t.hospital_fen)::bigint as hospital_fen,
       array_agg(settlement.person_hash(t.psn_no) order by e.entry_id) as persons,
       array_agg(e.entry_id order by e.entry_id) as numbers,
       string_agg(e.leaf, ''::bytea order by e.entry_id) as leaves
from ledger.block b
join ledger.entry e on e.journal = b.journal and e.block_no = b.block_no
join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
left join settlement.settlement o
    on t.kind = 3 and o.lane = t.lane and o.setl_id = t.undoes_setl_id
where b.journal = $1 and b.block_no > $2 and b.block_no <= $3 and b.business_day = $4
    and e.code in (1, 2, 3)
group by t.institution, setl_on, t.kind, t.scheme, t.clearing_type, t.category, t.care_type;

-- name: kept_through
-- The last business day whose totals are kept: they come with its seals.
select max(l.ends_on)
from settlement.seal_list l
where l.begins_on = l.ends_on;

-- name: kept_totals
-- What is kept of a day, to be held against what is booked.
select d.institution, d.setl_on, d.kind, d.scheme, d.clearing_type, d.category, d.care_type,
       d.row_count, d.total_fen, d.full_self_pay_fen, d.over_ceiling_fen, d.pre_self_pay_fen,
       d.in_scope_fen, d.deductible_fen, d.hifp_fen, d.cvlserv_fen, d.hifes_fen, d.hifmi_fen,
       d.hifob_fen, d.maf_fen, d.hifdm_fen, d.oth_fen, d.fund_fen, d.account_fen,
       d.family_account_fen, d.cash_fen, d.hospital_fen, d.persons
from settlement.day_total d
where d.business_day = $1;

-- name: kept_leaves
-- The leaves kept of a day, by institution.
select d.institution, d.numbers, d.leaves
from settlement.day_leaves d
where d.business_day = $1;

-- name: settled_between
-- What was settled on some closed days, by scheme, clearing type and kind.
select d.scheme, d.clearing_type, d.kind, sum(d.row_count)::bigint as rows,
       sum(d.total_fen)::bigint as total, sum(d.fund_fen)::bigint as fund,
       sum(d.account_fen)::bigint as account, sum(d.cash_fen)::bigint as cash,
       sum(d.hospital_fen)::bigint as hospital
from settlement.day_total d
where d.business_day between $1 and $2
group by d.scheme, d.clearing_type, d.kind
order by d.scheme, d.clearing_type, d.kind;

-- name: statement_kept
-- An institution's closed days up to one ($5), by day of settling.
select d.institution, d.setl_on, d.kind, d.scheme, d.clearing_type, d.category, d.care_type,
       d.row_count, d.total_fen, d.full_self_pay_fen, d.over_ceiling_fen, d.pre_self_pay_fen,
       d.in_scope_fen, d.deductible_fen, d.hifp_fen, d.cvlserv_fen, d.hifes_fen, d.hifmi_fen,
       d.hifob_fen, d.maf_fen, d.hifdm_fen, d.oth_fen, d.fund_fen, d.account_fen,
       d.family_account_fen, d.cash_fen, d.hospital_fen, d.persons
from (select distinct l.lane from ledger.lane l) as l
join settlement.day_total d on d.lane = l.lane
where ($1::text is null or d.institution = $1) and d.institution = $2
    and d.setl_on between $3 and $4 and d.business_day <= $5::date;

-- name: statement_since
-- Its rows that were booked behind that day ($5), as `statement_kept`. They were settled a few days
-- before it at most ($6); a reversal may be of something older.
select t.institution, t.setl_on, t.kind, t.scheme, t.clearing_type, t.category, t.care_type,
       count(*) as row_count, sum(t.total_fen)::bigint as total_fen,
       sum(t.full_self_pay_fen)::bigint as full_self_pay_fen,
       sum(t.over_ceiling_fen)::bigint as over_ceiling_fen,
       sum(t.pre_self_pay_fen)::bigint as pre_self_pay_fen,
       sum(t.in_scope_fen)::bigint as in_scope_fen,
       sum(t.deductible_fen)::bigint as deductible_fen,
       sum(t.hifp_fen)::bigint as hifp_fen, sum(t.cvlserv_fen)::bigint as cvlserv_fen,
       sum(t.hifes_fen)::bigint as hifes_fen, sum(t.hifmi_fen)::bigint as hifmi_fen,
       sum(t.hifob_fen)::bigint as hifob_fen, sum(t.maf_fen)::bigint as maf_fen,
       sum(t.hifdm_fen)::bigint as hifdm_fen, sum(t.oth_fen)::bigint as oth_fen,
       sum(t.fund_fen)::bigint as fund_fen, sum(t.account_fen)::bigint as account_fen,
       sum(t.family_account_fen)::bigint as family_account_fen,
       sum(t.cash_fen)::bigint as cash_fen, sum(t.hospital_fen)::bigint as hospital_fen,
       array_agg(settlement.person_hash(t.psn_no)) as persons
from (
    select s.lane, s.setl_id
    from settlement.statement_booked s
    where ($1::text is null or s.institution = $1) and s.institution = $2
        and s.business_day > $5::date
        and s.setl_on >= $6::date and (s.kind = 3 or s.setl_on between $3 and $4)
) as s
cross join lateral (
    select r.institution, r.kind, r.scheme, r.clearing_type, r.category, r.care_type, r.psn_no,
           (coalesce(o.setl_time, r.setl_time) at time zone interval '+08:00')::date as setl_on,
           r.total_fen, r.full_self_pay_fen, r.over_ceiling_fen, r.pre_self_pay_fen,
           r.in_scope_fen, r.deductible_fen, r.hifp_fen, r.cvlserv_fen, r.hifes_fen, r.hifmi_fen,
           r.hifob_fen, r.maf_fen, r.hifdm_fen, r.oth_fen, r.fund_fen, r.account_fen,
           r.family_account_fen, r.cash_fen, r.hospital_fen
    from settlement.settlement r
    left join settlement.settlement o
        on r.kind = 3 and o.lane = r.lane and o.setl_id = r.undoes_setl_id
    where r.lane = s.lane and r.setl_id = s.setl_id
    offset 0
) as t
where t.setl_on between $3 and $4
group by t.institution, t.setl_on, t.kind, t.scheme, t.clearing_type, t.category, t.care_type;

-- name: wrong_fold
-- The first account whose sums at the end of a day ($3, the fold there) are not those at the end of
-- the day before ($2) and what was booked between: the day's totals by account.
select coalesce(k.account, m.account) as account
from (
    select f.account, sum(f.debits * f.sign)::bigint as debits,
           sum(f.credits * f.sign)::bigint as credits,
           sum(f.debits_pending * f.sign)::bigint as debits_pending,
           sum(f.credits_pending * f.sign)::bigint as credits_pending
    from (
        select f.account, f.debits, f.credits, f.debits_pending, f.credits_pending,
               (f.through_block = $3)::integer - (f.through_block = $2)::integer as sign
        from ledger.fold f
        where f.journal = $1 and f.through_block in ($2::bigint, $3::bigint)
    ) as f
    group by f.account
) as k
full join (
    select case when m.account < 1000000000000 then m.account else 0 end as account,
           sum(m.debits)::bigint as debits, sum(m.credits)::bigint as credits,
           sum(m.debits_pending)::bigint as debits_pending,
           sum(m.credits_pending)::bigint as credits_pending
    from ledger.movement m
    where m.journal = $1 and m.block_no > $2 and m.block_no <= $3
    group by 1
) as m on m.account = k.account
where (
    coalesce(k.debits, 0), coalesce(k.credits, 0), coalesce(k.debits_pending, 0),
    coalesce(k.credits_pending, 0)
) <> (
    coalesce(m.debits, 0), coalesce(m.credits, 0), coalesce(m.debits_pending, 0),
    coalesce(m.credits_pending, 0)
)
order by 1
limit 1;

-- name: folds_at_ends
-- Where sums are folded at the ends of days, by journal, each with the one before; and the newest
-- fold of each journal, on which everybody's balances stand, of no day: with the end of the last
-- day, or where no day was closed yet with the fold before, so that a ledger is not read twice.
select k.journal, k.business_day,
       coalesce(
           lag(k.through_block) over (
               partition by k.journal order by k.business_day nulls last
           ),
           k.before
       ) as after_block,
       k.through_block
from (
    select d.journal, d.business_day, d.through_block, 0::bigint as before
    from settlement.day_end d
    union all
    select j.journal, null, n.through_block, coalesce((
        select max(f.through_block)
        from ledger.fold f
        where f.journal = j.journal and f.through_block < n.through_block
    ), 0)
    from ledger.journal j
    cross join lateral (
        select f.through_block
        from ledger.fold f
        where f.journal = j.journal
        order by f.through_block desc
        limit 1
    ) as n
    where n.through_block > (
        select coalesce(max(d.through_block), 0)
        from settlement.day_end d
        where d.journal = j.journal
    )
) as k
order by k.journal, k.business_day nulls last;
