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
