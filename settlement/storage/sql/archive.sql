-- Partitions by year, and archiving closed years (ADR 0062). Seldom, and never on the settle path.

-- name: keep_partitions
-- Makes the partitions of some years that are missing; how many were made.
select settlement.keep_partitions($1, $2);

-- name: sample_partitions
-- Statistics of the partitioned tables as wholes, which autovacuum does not make.
select settlement.sample_partitions();

-- name: freeze_year
-- Until the transaction ends the details of a year stay as they are; false where there are none.
select settlement.freeze_year($1);

-- name: drop_year
-- The partition of an archived year goes.
select settlement.drop_year($1);

-- name: archived_years
-- What was archived, year by year.
select a.year, a.archived_at, a.settlements, a.details, a.key_versions, a.manifest, a.actor,
       a.reason
from settlement.archived_year a
order by a.year;

-- name: keep_archived_year
-- A year is archived.
insert into settlement.archived_year (
    year, archived_at, settlements, details, key_versions, manifest, actor, reason
)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: archive_page
-- Settlements of one lane with their sealed details, by number, after one and before another.
select t.lane, t.setl_id, t.mdtrt_id, t.undoes_setl_id, t.prior_row, t.prior_active, t.kind,
       t.setl_time, t.service_at, t.business_day, t.year, t.psn_no, t.institution, t.infno,
       t.msgid, t.scheme, t.category, t.care_type, t.clearing_type, t.credential_type,
       t.civil_servant, t.invoice_no, t.policy, t.operator,
       t.total_fen, t.full_self_pay_fen, t.over_ceiling_fen, t.pre_self_pay_fen, t.in_scope_fen,
       t.deductible_fen, t.hifp_fen, t.cvlserv_fen, t.hifes_fen, t.hifmi_fen, t.hifob_fen,
       t.maf_fen, t.oth_fen, t.hifdm_fen, t.fund_fen, t.hospital_fen, t.personal_fen,
       t.account_fen, t.family_account_fen, t.cash_fen, t.balance_fen, t.pool_ratio_bp,
       t.shares, t.increments, t.explanation, t.business_key, t.detail_commitment,
       d.key_version, d.salt, d.payload
from settlement.settlement t
left join settlement.settlement_detail d on d.lane = $1 and d.setl_id = t.setl_id
where t.lane = $1 and t.setl_id > $2 and t.setl_id < $3
order by t.setl_id
limit $4;

-- name: committed_page
-- What settlements of one lane commit to, by number, after one and before another; and whether an
-- erasure that was confirmed covers their details.
select t.setl_id, settlement.row_commitment(t) as committed,
       exists (
           select from settlement.erasure x
           where x.lane = $1 and x.psn_no = t.psn_no and x.act = 2 and x.before_at > t.setl_time
       ) as erased
from settlement.settlement t
where t.lane = $1 and t.setl_id > $2 and t.setl_id < $3
order by t.setl_id
limit $4;

-- name: details_between
-- How many details there are of numbers after one and before another.
select count(*) from settlement.settlement_detail d where d.setl_id > $1 and d.setl_id < $2;

-- name: first_settled_on
-- The first business day of the numbers after one and before another; null where there are none.
select min(m.business_day)
from (select distinct l.lane from ledger.lane l) as l
cross join lateral (
    select min(t.business_day) as business_day
    from settlement.settlement t
    where t.lane = l.lane and t.setl_id > $1 and t.setl_id < $2
) as m;

-- name: approvals_between
-- Approvals to cancel settlements between two numbers which nobody has used.
select count(*)
from settlement.cancel_approval c
where c.setl_id > $1 and c.setl_id < $2 and not exists (
    select from settlement.settlement u where u.lane = c.lane and u.undoes_setl_id = c.setl_id
);

-- name: unaudited_year
-- A year that is said to be archived and of which the audit does not say the same: who, when, why,
-- and the hash of all that was written.
select a.year
from settlement.archived_year a
where not exists (
    select from settlement.audit w
    where w.action = 'archive-year' and w.subject = 'year ' || a.year and w.at = a.archived_at
        and w.actor = a.actor and w.note = concat_ws(
            ' ', a.reason, '|', encode(a.manifest, 'hex'), a.settlements, a.details,
            array_to_string(a.key_versions, ',')
        )
)
order by a.year
limit 1;
