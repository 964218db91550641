-- Statements of imports, in the two shapes of shaped.sql (ledger/postgres/shape.py): beside the
-- settle path, on its tables, so each names its lane as those do. Run as the schema's owner.

-- name: read_for_import
-- What is known of the persons of a file, to compare it with what the file says.
select p.psn_no, p.account, p.home_region, p.key_version, p.identity, p.enrolments, p.family
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no;

-- name: change_persons
-- An import changes persons of one journal, under its head.
select settlement.change_persons(
    p_journal => $1, /*lanes*/ p_lanes => $2, /*cluster p_lane => $2,*/ p_persons => $3,
    p_key_versions => $4, p_identities => $5, p_enrolments => $6, p_families => $7,
    p_changed_days => $8, p_changed_at => $9
);

-- name: keep_keys
-- Keys under which a person is found; one that is there already stays whose it is.
insert into settlement.lookup (psn_lane, lane, kind, key, psn_no)
select k.psn_lane, /*lane*/ k.lane, k.kind, k.key, k.psn_no
from unnest(/*lanes*/ $1::smallint[], $2::smallint[], $3::smallint[], $4::bytea[], $5::text[])
    as k (/*lanes*/ lane, psn_lane, kind, key, psn_no)
on conflict (lane, kind, key) do nothing;

-- name: drop_keys
-- Keys that a person no longer has: an exchanged card, a corrected certificate.
delete from settlement.lookup l
using unnest(/*lanes*/ $1::smallint[], $2::smallint[], $3::bytea[], $4::text[])
    as k (/*lanes*/ lane, kind, key, psn_no)
where l.lane = /*lane*/ k.lane and l.kind = k.kind and l.key = k.key and l.psn_no = k.psn_no;

-- name: read_openings
-- What persons brought along already.
select o.psn_no, o.year, o.balance_fen, o.accumulators
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::smallint[])
    as k (/*lanes*/ lane, psn_no, year)
join settlement.opening o on o.lane = /*lane*/ k.lane and o.psn_no = k.psn_no and o.year = k.year;

-- name: read_for_opening
-- Accounts and accumulators of persons, read under the head.
select p.psn_no, p.account, p.accumulators
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no;

-- name: open_balances
-- Personal accounts that money comes into for the first time.
insert into ledger.balance (account, lane)
select k.account, /*lane*/ k.lane
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, account)
on conflict (lane, account) do nothing;

-- name: keep_openings
-- What persons bring along, once a person and year.
insert into settlement.opening (
    entry_id, balance_fen, lane, year, psn_no, accumulators, source
)
select k.entry_id, k.balance_fen, /*lane*/ k.lane, k.year, k.psn_no, k.accumulators, k.source
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::smallint[], $4::bigint[], $5::bigint[],
            $6::text[], $7::text[])
    as k (/*lanes*/ lane, psn_no, year, balance_fen, entry_id, accumulators, source);

-- name: set_accumulators
-- The accumulators with what was brought along, under the head.
update settlement.person p
set version = p.version + 1,
    accumulators = n.accumulators
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::text[])
    as n (/*lanes*/ lane, psn_no, accumulators)
where p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no;

-- name: read_payables
-- What was booked as owed to institutions already.
select o.institution, o.funds_fen, o.accounts_fen
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, institution)
join settlement.opening_payable o on o.lane = /*lane*/ k.lane and o.institution = k.institution;

-- name: keep_payables
-- What institutions were owed at the cut-over, once each.
insert into settlement.opening_payable (
    entry_id, funds_fen, accounts_fen, lane, institution, source
)
select k.entry_id, k.funds_fen, k.accounts_fen, /*lane*/ k.lane, k.institution, k.source
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
            $6::text[])
    as k (/*lanes*/ lane, institution, funds_fen, accounts_fen, entry_id, source);

-- name: read_for_stays
-- Where persons are now, and their memberships.
select p.psn_no, p.latest_visit, p.open_stay, p.enrolments
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no;

-- name: read_opening_stays
-- Stays that were brought along already, by what they were called before.
select o.institution, o.earlier_no, o.psn_no, o.mdtrt_id, o.fingerprint
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::text[])
    as k (/*lanes*/ lane, institution, earlier_no)
join settlement.opening_stay o
    on o.lane = /*lane*/ k.lane and o.institution = k.institution and o.earlier_no = k.earlier_no;

-- name: keep_opening_stays
-- Stays that are brought along, once each.
insert into settlement.opening_stay (
    mdtrt_id, lane, psn_no, institution, earlier_no, fingerprint, source
)
select k.mdtrt_id, /*lane*/ k.lane, k.psn_no, k.institution, k.earlier_no, k.fingerprint, k.source
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bigint[], $4::text[], $5::text[],
            $6::bytea[], $7::text[])
    as k (/*lanes*/ lane, psn_no, mdtrt_id, institution, earlier_no, fingerprint, source);

-- name: open_stays
-- Stays as an admission would have opened them.
insert into settlement.visit (
    mdtrt_id, prior_visit, begun_at, registered_at, lane, psn_no, institution, scheme, payload,
    kind
)
select k.mdtrt_id, k.prior_visit, k.begun_at, k.registered_at, /*lane*/ k.lane, k.psn_no,
       k.institution, k.scheme, k.payload, 2
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamp[],
            $6::timestamptz[], $7::text[], $8::text[], $9::bytea[])
    as k (/*lanes*/ lane, psn_no, mdtrt_id, prior_visit, begun_at, registered_at, institution,
          scheme, payload);

-- name: carry_segments
-- What earlier segments of stays bore of the deductible, as a settlement of a segment would say it.
insert into settlement.visit_event (
    mdtrt_id, recorded_at, lane, event_no, kind, batch_no, payload, head
)
select k.mdtrt_id, k.recorded_at, /*lane*/ k.lane, 1, 5, '1', ''::bytea, k.head
from unnest(/*lanes*/ $1::smallint[], $2::bigint[], $3::timestamptz[], $4::text[])
    as k (/*lanes*/ lane, mdtrt_id, recorded_at, head);

-- name: set_open_stays
-- The persons are in hospital from now on, under the head.
update settlement.person p
set version = p.version + 1,
    latest_visit = n.mdtrt_id,
    open_stay = n.mdtrt_id
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bigint[])
    as n (/*lanes*/ lane, psn_no, mdtrt_id)
where p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no;

-- name: read_for_settlements
-- What persons have settled and accumulated here, and their accounts.
select p.psn_no, p.account, p.latest_row, p.accumulators
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no;

-- name: read_opening_settlements
-- Old settlements that were brought along already, by what they were called before.
select o.institution, o.earlier_no, o.psn_no, o.setl_id, o.fingerprint
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::text[])
    as k (/*lanes*/ lane, institution, earlier_no)
join settlement.opening_settlement o
    on o.lane = /*lane*/ k.lane and o.institution = k.institution and o.earlier_no = k.earlier_no;

-- name: keep_opening_settlements
-- Old settlements that are brought along, once each.
insert into settlement.opening_settlement (
    setl_id, lane, psn_no, institution, earlier_no, fingerprint, source
)
select k.setl_id, /*lane*/ k.lane, k.psn_no, k.institution, k.earlier_no, k.fingerprint, k.source
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bigint[], $4::text[], $5::text[],
            $6::bytea[], $7::text[])
    as k (/*lanes*/ lane, psn_no, setl_id, institution, earlier_no, fingerprint, source);

-- name: carry_settlements
-- Their rows, each as JSON by the names of the columns.
insert into settlement.settlement (
    lane, setl_id, mdtrt_id, prior_row, prior_active, kind, setl_time, service_at, business_day,
    year, psn_no, institution, infno, msgid, scheme, category, care_type, clearing_type,
    credential_type, civil_servant, invoice_no, policy, operator, total_fen, full_self_pay_fen,
    over_ceiling_fen, pre_self_pay_fen, in_scope_fen, deductible_fen, hifp_fen, cvlserv_fen,
    hifes_fen, hifmi_fen, hifob_fen, maf_fen, oth_fen, hifdm_fen, fund_fen, hospital_fen,
    personal_fen, account_fen, family_account_fen, cash_fen, balance_fen, pool_ratio_bp, shares,
    increments, explanation, business_key, detail_commitment
)
select /*lane*/ k.lane, r.setl_id, r.mdtrt_id, r.prior_row, r.prior_active, r.kind, r.setl_time,
       r.service_at, r.business_day, r.year, r.psn_no, r.institution, r.infno, r.msgid, r.scheme,
       r.category, r.care_type, r.clearing_type, r.credential_type, r.civil_servant, r.invoice_no,
       r.policy, r.operator, r.total_fen, r.full_self_pay_fen, r.over_ceiling_fen,
       r.pre_self_pay_fen, r.in_scope_fen, r.deductible_fen, r.hifp_fen, r.cvlserv_fen,
       r.hifes_fen, r.hifmi_fen, r.hifob_fen, r.maf_fen, r.oth_fen, r.hifdm_fen, r.fund_fen,
       r.hospital_fen, r.personal_fen, r.account_fen, r.family_account_fen, r.cash_fen,
       r.balance_fen, r.pool_ratio_bp, r.shares, r.increments, r.explanation,
       decode(r.business_key, 'base64'), decode(r.detail_commitment, 'base64')
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, content)
cross join lateral json_to_record(k.content::json) as r (
    setl_id bigint, mdtrt_id bigint, prior_row bigint, prior_active bigint, kind smallint,
    setl_time timestamptz, service_at timestamp, business_day date, year smallint, psn_no text,
    institution text, infno text, msgid text, scheme text, category text, care_type text,
    clearing_type text, credential_type text, civil_servant boolean, invoice_no text, policy text,
    operator text, total_fen bigint, full_self_pay_fen bigint, over_ceiling_fen bigint,
    pre_self_pay_fen bigint, in_scope_fen bigint, deductible_fen bigint, hifp_fen bigint,
    cvlserv_fen bigint, hifes_fen bigint, hifmi_fen bigint, hifob_fen bigint, maf_fen bigint,
    oth_fen bigint, hifdm_fen bigint, fund_fen bigint, hospital_fen bigint, personal_fen bigint,
    account_fen bigint, family_account_fen bigint, cash_fen bigint, balance_fen bigint,
    pool_ratio_bp integer, shares text, increments text, explanation text, business_key text,
    detail_commitment text
);

-- name: carry_messages
-- The messages that made them, so that none acts here.
insert into settlement.message (ref, recorded_at, lane, outcome, key, fingerprint)
select k.ref, k.recorded_at, /*lane*/ k.lane, 8, k.key, ''::bytea
from unnest(/*lanes*/ $1::smallint[], $2::bytea[], $3::bigint[], $4::timestamptz[])
    as k (/*lanes*/ lane, key, ref, recorded_at);

-- name: set_latest_rows
-- What persons settled last, under the head.
update settlement.person p
set version = p.version + 1,
    latest_row = n.latest_row,
    accumulators = n.accumulators
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bigint[], $4::text[])
    as n (/*lanes*/ lane, psn_no, latest_row, accumulators)
where p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no;
