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
    select array[1310101, 1330101, 1000000000000 + n.person, n.base + 4, n.base + 5] as debits,
           array[n.base, n.base, n.base + 1, n.base + 6, n.base + 6] as credits
) as x;

-- name: city_is_loaded
-- What autovacuum would have done during a month.
analyze;
