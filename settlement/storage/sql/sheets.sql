-- Statements and settlement sheets of institutions (ADR 0043). Never on the settle path: what goes
-- by month visits all lanes.
--
-- Blocks that show cases take the scope as their first parameter, as in console.sql: the
-- institution whose cases alone may be seen, or null for all.

-- name: statement_institution
-- Whose statement it is; nothing outside the scope.
select i.code, i.name, i.region
from settlement.institution i
where ($1::text is null or i.code = $1) and i.code = $2;

-- name: statement_groups
-- What an institution's rows of some days come to, in one snapshot: by clearing type, scheme and
-- person type (the summary), by scheme, care type and person type (发生数), and all together.
-- Persons are counted once in each group, so their numbers do not add up.
select s.clearing_type, s.scheme, t.category, t.care_type,
       count(*) as row_count,
       count(*) filter (where s.kind = 2) as cancel_count,
       count(distinct t.psn_no) as person_count,
       coalesce(sum(t.total_fen), 0)::bigint as total_fen,
       coalesce(sum(t.full_self_pay_fen), 0)::bigint as full_self_pay_fen,
       coalesce(sum(t.over_ceiling_fen), 0)::bigint as over_ceiling_fen,
       coalesce(sum(t.pre_self_pay_fen), 0)::bigint as pre_self_pay_fen,
       coalesce(sum(t.in_scope_fen), 0)::bigint as in_scope_fen,
       coalesce(sum(t.deductible_fen), 0)::bigint as deductible_fen,
       coalesce(sum(t.hifp_fen), 0)::bigint as hifp_fen,
       coalesce(sum(t.cvlserv_fen), 0)::bigint as cvlserv_fen,
       coalesce(sum(t.hifes_fen), 0)::bigint as hifes_fen,
       coalesce(sum(t.hifmi_fen), 0)::bigint as hifmi_fen,
       coalesce(sum(t.hifob_fen), 0)::bigint as hifob_fen,
       coalesce(sum(t.maf_fen), 0)::bigint as maf_fen,
       coalesce(sum(t.hifdm_fen), 0)::bigint as hifdm_fen,
       coalesce(sum(t.oth_fen), 0)::bigint as oth_fen,
       coalesce(sum(t.fund_fen), 0)::bigint as fund_fen,
       coalesce(sum(t.account_fen), 0)::bigint as account_fen,
       coalesce(sum(t.family_account_fen), 0)::bigint as family_account_fen,
       coalesce(sum(t.cash_fen), 0)::bigint as cash_fen,
       coalesce(sum(t.hospital_fen), 0)::bigint as hospital_fen
from settlement.statement s
cross join lateral (
    select t.category, t.care_type, t.psn_no, t.total_fen, t.full_self_pay_fen,
           t.over_ceiling_fen, t.pre_self_pay_fen, t.in_scope_fen, t.deductible_fen, t.hifp_fen,
           t.cvlserv_fen, t.hifes_fen, t.hifmi_fen, t.hifob_fen, t.maf_fen, t.hifdm_fen,
           t.oth_fen, t.fund_fen, t.account_fen, t.family_account_fen, t.cash_fen, t.hospital_fen
    from settlement.settlement t
    where t.lane = s.lane and t.setl_id = s.setl_id
    offset 0
) as t
where ($1::text is null or s.institution = $1) and s.institution = $2
    and s.setl_on between $3 and $4
    and s.kind <> 3 and s.undone_kind is distinct from 3
group by grouping sets (
    (s.clearing_type, s.scheme, t.category), (s.scheme, t.care_type, t.category), ()
)
order by s.clearing_type, s.scheme, t.care_type, t.category;

-- name: statement_details
-- The rows of one day, some at a time, by the time at which they were settled. A reversal and what
-- it undid are left out; a cancel is a row with negative amounts, and what it cancels stays.
select s.setl_on, t.setl_time, s.setl_id, t.mdtrt_id, s.kind, t.undoes_setl_id, t.psn_no,
       s.clearing_type, s.scheme, t.category, t.care_type, t.invoice_no, t.infno, t.msgid,
       t.total_fen, t.full_self_pay_fen, t.over_ceiling_fen, t.pre_self_pay_fen, t.in_scope_fen,
       t.deductible_fen, t.hifp_fen, t.cvlserv_fen, t.hifes_fen, t.hifmi_fen, t.hifob_fen,
       t.maf_fen, t.hifdm_fen, t.oth_fen, t.fund_fen, t.account_fen, t.family_account_fen,
       t.cash_fen, t.hospital_fen
from settlement.statement s
cross join lateral (
    select t.setl_time, t.mdtrt_id, t.undoes_setl_id, t.psn_no, t.category, t.care_type,
           t.invoice_no, t.infno, t.msgid, t.total_fen, t.full_self_pay_fen, t.over_ceiling_fen,
           t.pre_self_pay_fen, t.in_scope_fen, t.deductible_fen, t.hifp_fen, t.cvlserv_fen,
           t.hifes_fen, t.hifmi_fen, t.hifob_fen, t.maf_fen, t.hifdm_fen, t.oth_fen, t.fund_fen,
           t.account_fen, t.family_account_fen, t.cash_fen, t.hospital_fen
    from settlement.settlement t
    where t.lane = s.lane and t.setl_id = s.setl_id
    offset 0
) as t
where ($1::text is null or s.institution = $1) and s.institution = $2
    and s.setl_on = $3
    and s.kind <> 3 and s.undone_kind is distinct from 3
    and (t.setl_time, s.setl_id) > ($4::timestamptz, $5::bigint)
order by t.setl_time, s.setl_id
limit $6;

-- name: add_sheet_print
-- The next print of a sheet, within the scope; nothing where there is no such settlement, or where
-- somebody else printed at the same moment and it is to be tried again.
insert into settlement.sheet_print (setl_id, printed_at, print_no, lane, printed_by, place)
select t.setl_id, $4,
       (
           select coalesce(max(p.print_no), 0) + 1
           from settlement.sheet_print p
           where p.lane = t.lane and p.setl_id = t.setl_id
       ),
       t.lane, $5, $6
from settlement.settlement t
where ($1::text is null or t.institution = $1) and t.lane = $2 and t.setl_id = $3
on conflict (lane, setl_id, print_no) do nothing
returning print_no;

-- name: sheet_prints
-- The prints of a sheet, the newest first.
select p.print_no, p.printed_at, p.printed_by, p.place
from settlement.sheet_print p
where p.lane = $1 and p.setl_id = $2
order by p.print_no desc;

-- name: sheet_settlement
-- Whether there is such a settlement row within the scope.
select t.institution, i.name as institution_name
from settlement.settlement t
left join settlement.institution i on i.code = t.institution
where ($1::text is null or t.institution = $1) and t.lane = $2 and t.setl_id = $3;
