-- A month of settlements, as gateways would have booked it. Only the drill loads this, into a
-- database of its own: numbers, sums and places are as they would be, hashes and sealed texts stand
-- for themselves.

-- name: city_institutions
-- So many institutions ($1), each with ten accounts.
with i as (
    select n, 20000000 + 10 * n as base, 'H999999' || lpad(n::text, 5, '0') as code
    from generate_series(0, $1::integer - 1) as n
), registered as (
    insert into settlement.institution (
        code, account_base, agreement_from, agreement_to, suspended, name, kind, region,
        hospital_level, deductible_level, ceiling_level, care_types
    )
    select i.code, i.base, date '2020-01-01', date '2030-12-31', false, '测试机构' || i.n,
           'hospital', '441900', '3', '3', '3', array['11']
    from i
)
insert into ledger.account (account, owner, code, name, debit_normal)
select i.base + k, case when k < 4 then 'agency' else i.code end, '2202.' || k, '测试科目' || k,
       false
from i
cross join generate_series(0, 9) as k;

-- name: city_funds
-- The two funds that pay.
insert into ledger.account (account, owner, code, name, debit_normal)
values (1310101, 'agency', '3101.310101', '测试统筹基金', true),
       (1330101, 'agency', '3101.330101', '测试大额基金', true)
on conflict do nothing;

-- name: city_day
-- What was settled on a day ($1), from its first serial ($2) to its last ($3), by so many persons
-- ($4) at so many institutions ($5), the first of which has every fifteenth row; over so many
-- lanes ($6), three rows a block; numbers begin at $8. Of a thousand rows ten are cancels and one
-- is a reversal of the row so many ($7) before it.
with one as (
    select g, s, sign, kind, (s * 7919) % $4::bigint as person,
           case when s % 15 = 0 then 0 else 1 + (s * 31) % ($5::bigint - 1) end as place
    from (
        select g,
               case when kind = 1 then g when kind = 2 then g - 50 else g - $7::bigint end as s,
               case kind when 1 then 1 else -1 end as sign, kind
        from (
            select g,
                   case when g % 100 = 99 then 2 when g % 1000 = 998 and g > $7::bigint then 3
                       else 1 end as kind
            from generate_series($2::bigint, $3::bigint) as g
        ) as n
    ) as n
), placed as (
    select o.g, o.s, o.sign, o.kind, o.person, o.place, (o.person % $6)::smallint as lane,
           l.journal, 20000000 + 10 * o.place as base,
           1000 + (o.s * 31) % 50000 as fund, 1 + (o.s * 37) % 900 as large,
           1 + (o.s * 17) % 9000 as acct, 1 + (o.s * 13) % 4000 as cash,
           row_number() over (partition by l.journal order by o.g) - 1 as place_in_day
    from one o
    join ledger.lane l on l.lane = o.person % $6
), numbered as (
    select p.g, p.s, p.sign, p.kind, p.person, p.place, p.lane, p.journal, p.base, p.fund, p.large,
           p.acct, p.cash, p.fund + p.large + p.acct + p.cash as total,
           $8::bigint + p.lane * 100000000000 + p.g as number,
           $8::bigint + p.lane * 100000000000 + p.s as source,
           b.last_block + 1 + p.place_in_day / 3 as block_no,
           (p.place_in_day % 3)::smallint as ordinal,
           $1::date + interval '-8 hours 1 second'
               + (p.g - $2) * interval '86000 seconds' / ($3 - $2 + 1) as at
    from placed p
    join (
        select j.journal,
               coalesce((select max(b.block_no) from ledger.block b where b.journal = j.journal), 0)
                   as last_block
        from ledger.journal j
    ) as b on b.journal = p.journal
), blocks as (
    insert into ledger.block (
        block_no, booked_at, business_day, journal, format, entry_count, block_hash
    )
    select n.block_no, max(n.at) at time zone 'UTC', $1, n.journal, 1, count(*),
           sha256(n.block_no::text::bytea)
    from numbered n
    group by n.journal, n.block_no
), settled as (
    insert into settlement.settlement (
        setl_id, mdtrt_id, undoes_setl_id, setl_time, service_at, total_fen, full_self_pay_fen,
        over_ceiling_fen, pre_self_pay_fen, in_scope_fen, deductible_fen, hifp_fen, cvlserv_fen,
        hifes_fen, hifmi_fen, hifob_fen, maf_fen, oth_fen, hifdm_fen, fund_fen, hospital_fen,
        personal_fen, account_fen, family_account_fen, cash_fen, balance_fen, business_day,
        pool_ratio_bp, lane, kind, year, civil_servant, psn_no, institution, infno, msgid, scheme,
        category, care_type, clearing_type, credential_type, invoice_no, policy, operator, shares,
        increments, explanation, business_key, detail_commitment
    )
    select n.number, n.source, case when n.kind > 1 then n.source end, n.at at time zone 'UTC',
           n.at + interval '8 hours', n.sign * n.total, 0, 0, 0, n.sign * n.total, 0,
           n.sign * n.fund, 0, 0, 0, n.sign * n.large, 0, 0, 0, n.sign * (n.fund + n.large), 0,
           n.sign * (n.acct + n.cash), n.sign * n.acct, 0, n.sign * n.cash, 100000, $1, 5000,
           n.lane, n.kind, 2026, false, '9999990000' || lpad(n.person::text, 10, '0'),
           'H999999' || lpad(n.place::text, 5, '0'),
           case n.kind when 1 then '2207' when 2 then '2208' else '2601' end,
           'H9999992026' || lpad(n.g::text, 19, '0'),
           case when n.s % 3 = 0 then '390' else '310' end,
           case when n.s % 5 = 0 then '12' else '11' end,
           case when n.s % 4 = 0 then '21' else '11' end,
           case when n.s % 4 = 0 then '21' else '11' end, '03', '', 'drill', 'drill',
           repeat('s', 150), repeat('i', 80), repeat('x', 400),
           substr(sha256(int8send(n.g)), 1, 16), sha256(int8send(n.g))
    from numbered n
)
insert into ledger.entry (
    entry_id, block_no, lane, journal, ordinal, kind, code, debits, credits, amounts, commitment,
    leaf
)
select n.number, n.block_no, n.lane, n.journal, n.ordinal, 1, n.kind,
       case when n.sign > 0 then x.debits else x.credits end,
       case when n.sign > 0 then x.credits else x.debits end,
       array[n.fund, n.large, n.acct, n.cash, n.fund], sha256(int8send(n.g)),
       sha256(int8send(n.number))
from numbered n
cross join lateral (
    select array[1310101, 1330101, 1000900000000 + n.person, n.base + 4, n.base + 5] as debits,
           array[n.base, n.base, n.base + 1, n.base + 6, n.base + 6] as credits
) as x;

-- name: city_institution_files
-- What institutions say that they settled in the month ($1 to $2): a file each, of numbers $3 and
-- codes $4, in lanes $5; as it lies here, but for every so manieth ($6) settlement that nothing
-- undid, which is left out, has another amount, is marked as a refund, is another institution's,
-- stands there twice, or has a neighbour that we do not have; and for every tenth that was
-- reversed. What is to be found of each: number, nth and class.
with file as materialized (
    select f.no, f.code, f.lane, f.place, lead(f.code, 1, ($4::text[])[1]) over (order by f.place)
               as next_code
    from unnest($3::bigint[], $4::text[], $5::smallint[]) with ordinality as f (
        no, code, lane, place
    )
), own as materialized (
    select s.setl_id, s.institution, s.kind, s.setl_on, s.lane, s.total_fen, s.fund_fen,
           s.account_fen, u.kind as undone
    from settlement.statement_row s
    left join settlement.settlement u on u.lane = s.lane and u.undoes_setl_id = s.setl_id
    where s.kind < 3 and s.setl_on between $1::date and $2::date
        and s.institution like 'H999999%'
), chosen as materialized (
    select p.setl_id, p.n / $6::bigint % 6 as recipe
    from (
        select o.setl_id, row_number() over (order by o.setl_id) as n
        from own o
        where o.kind = 1 and o.undone is null and o.setl_on < $2::date
    ) as p
    where p.n % $6::bigint = 0
), told as materialized (
    select o.setl_id, case c.recipe when 3 then f.next_code else o.institution end as institution,
           o.lane, o.kind = 2 or c.recipe is not distinct from 2 as refund, o.total_fen,
           o.fund_fen + case c.recipe when 1 then 1 else 0 end as fund_fen, o.account_fen
    from own o
    join file f on f.code = o.institution
    left join chosen c on c.setl_id = o.setl_id
    where (o.undone is distinct from 3 or o.setl_id / 1000 % 10 = 0) and c.recipe is distinct from 0
    union all
    select o.setl_id + case c.recipe when 5 then 50000000000 else 0 end, o.institution, o.lane,
           false, o.total_fen, o.fund_fen, o.account_fen
    from own o
    join chosen c on c.setl_id = o.setl_id and c.recipe in (4, 5)
), numbered as materialized (
    select t.setl_id, t.lane, t.refund, t.total_fen, t.fund_fen, t.account_fen, f.no,
           row_number() over (partition by f.no order by t.setl_id)::integer as row_no
    from told t
    join file f on f.code = t.institution
), kept as (
    insert into settlement.institution_row (
        file_no, row_no, lane, setl_id, refund, total_fen, fund_fen, account_fen
    )
    select n.no, n.row_no, n.lane, n.setl_id::text, n.refund, n.total_fen, n.fund_fen, n.account_fen
    from numbered n
), filed as (
    insert into settlement.institution_file (
        lane, file_no, received_at, institution, begins_on, ends_on, sha256, size_bytes, name,
        form, actor, rows, total_fen, fund_fen, account_fen, faults
    )
    select f.lane, f.no, $2::date + interval '1 day 9 hours', f.code, $1, $2,
           sha256(f.code::bytea), n.rows * 60, f.code || '.csv', 'csv', 'drill', n.rows,
           n.total_fen, n.fund_fen, n.account_fen, 0
    from file f
    join (
        select n.no, count(*) as rows, sum(n.total_fen) as total_fen, sum(n.fund_fen) as fund_fen,
               sum(n.account_fen) as account_fen
        from numbered n
        group by n.no
    ) as n on n.no = f.no
)
select case c.recipe when 5 then c.setl_id + 50000000000 else c.setl_id end::text as setl_id,
       e.nth, e.found
from chosen c
join (values
    (0, 0, 'only_ours'), (1, 0, 'amount'), (2, 0, 'status'), (3, 0, 'only_ours'),
    (3, 1, 'custody_mismatch'), (4, 1, 'duplicate'), (5, 0, 'only_theirs')
) as e (recipe, nth, found) on e.recipe = c.recipe
union all
select o.setl_id::text, 0, 'reversed_at_ours_only'
from own o
where o.undone = 3 and o.setl_id / 1000 % 10 = 0;

-- name: city_merchants
-- A trade bill and a fund bill of each day ($1 to $2) of so many merchants ($3), of numbers from
-- $4, over so many lanes ($5): what the calendar of bills lists.
insert into settlement.bill_file (
    lane, file_no, received_at, bill_day, channel, merchant, kind, paid_rows, paid_fen, fee_fen,
    name, fetched, actor, sha256
)
select (m.n % $5)::smallint, $4::bigint + row_number() over (), d.day + interval '1 day 10 hours',
       d.day::date, 'alipay', '2088' || lpad(m.n::text, 12, '0'), k.kind, 100, 123456, 741,
       'bill.zip', true, 'settlement serve',
       sha256((m.n::text || k.kind || d.day::text)::bytea)
from generate_series(1, $3::integer) as m (n)
cross join generate_series($1::date, $2::date, interval '1 day') as d (day)
cross join (values ('trade'), ('funds')) as k (kind);

-- name: city_unlisted
-- Our side of a month as nobody has listed it yet.
with days as (
    delete from settlement.channel_day d where d.day between $1::date - 1 and $2::date + 1
)
delete from settlement.channel_row r
where r.business_day between $1::date - 1 and $2::date + 1
    and exists (
        select from settlement.payment p where p.lane = r.lane and p.pay_no = r.pay_no
    );

-- name: city_case
-- The last settlement that a server booked with all that belongs to it.
select s.setl_id
from settlement.settlement s
join settlement.settlement_detail d on d.lane = s.lane and d.setl_id = s.setl_id
where s.kind = 1 and s.infno = '2102'
order by s.setl_time desc
limit 1;

-- name: city_accounts_hold
-- What all personal accounts have.
select coalesce(sum(b.credits - b.debits), 0)::bigint as fen
from ledger.balance b
where b.account >= 1000000000000;

-- name: city_is_loaded
-- What autovacuum would have done during a month.
analyze;
