-- Statements of the settle path in two shapes: for several lanes on one machine, for one on a
-- cluster. As they stand they are for one machine; ledger/postgres/shape.py tells what the marks
-- `lanes`, `lane` and `cluster` make of them on a cluster.

-- name: write_batch
-- Writes a batch of one journal; settlement/storage/writer.py names the other arguments.
select settlement.write_batch(p_journal => $1, :arguments);

-- name: read_persons
-- What a batch needs to know about its persons: identity, enrolments, state, account, balance.
select k.n::integer as n, p.account, p.key_version, p.identity, p.enrolments, p.version,
       p.accumulators, p.latest_row, p.latest_visit, p.open_stay, p.filings,
       p.undertaking,
       b.credits - b.debits - b.debits_pending as balance_fen
from unnest(/*lanes*/ $1::smallint[], $2::text[])
    with ordinality as k (/*lanes*/ lane, psn_no, n)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no
left join ledger.balance b on b.lane = /*lane*/ k.lane and b.account = p.account;

-- name: read_claims
-- The same, with the two keys that make a claim count once: the message and what the claim is
-- about, 16 bytes each, one behind the other; where there is none, 16 zeros, which nobody looks
-- for. Arrays come as literals (ADR 0008).
select k.n::integer as n, p.account, p.key_version, p.identity, p.enrolments, p.version,
       p.accumulators, p.latest_row, p.latest_visit, p.open_stay, p.filings,
       p.undertaking, p.home_region, p.family,
       b.credits - b.debits - b.debits_pending as balance_fen,
       m.outcome, m.ref, m.fingerprint,
       (
           select t.setl_id
           from settlement.settlement t
           where t.lane = /*lane*/ k.lane and t.kind = 1
               and t.business_key = nullif(
                   substr($4::bytea, 16 * k.n::integer - 15, 16),
                   '\x00000000000000000000000000000000'::bytea
               )
               and not exists (
                   select 1 from settlement.settlement u
                   where u.lane = /*lane*/ k.lane and u.undoes_setl_id = t.setl_id
               )
           limit 1
       ) as standing_setl_id
from unnest(/*lanes*/ $1::text::smallint[], $2::text::text[])
    with ordinality as k (/*lanes*/ lane, psn_no, n)
left join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no
left join ledger.balance b on b.lane = /*lane*/ k.lane and b.account = p.account
left join settlement.message m
    on m.lane = /*lane*/ k.lane
    and m.key = nullif(
        substr($3::bytea, 16 * k.n::integer - 15, 16),
        '\x00000000000000000000000000000000'::bytea
    );

-- name: read_messages
-- What became of messages named by others (2601): their rows, tombstones included.
select m.lane, m.key, m.outcome, m.ref, m.fingerprint
from unnest(/*lanes*/ $1::smallint[], $2::bytea[]) as k (/*lanes*/ lane, key)
join settlement.message m on m.lane = /*lane*/ k.lane and m.key = k.key;

-- name: read_settlements
-- Settlement rows by number, with their sealed detail and what undid them.
select t.lane, t.setl_id, t.mdtrt_id, t.undoes_setl_id, t.prior_row, t.prior_active, t.kind,
       t.setl_time, t.service_at, t.business_day, t.year, t.psn_no, t.institution, t.infno,
       t.msgid, t.scheme, t.category, t.care_type, t.clearing_type, t.credential_type,
       t.civil_servant, t.invoice_no, t.policy, t.operator,
       t.total_fen, t.full_self_pay_fen, t.over_ceiling_fen, t.pre_self_pay_fen, t.in_scope_fen,
       t.deductible_fen, t.hifp_fen, t.cvlserv_fen, t.hifes_fen, t.hifmi_fen, t.hifob_fen,
       t.maf_fen, t.oth_fen, t.hifdm_fen, t.fund_fen, t.hospital_fen, t.personal_fen,
       t.account_fen, t.family_account_fen, t.cash_fen, t.balance_fen, t.pool_ratio_bp,
       t.shares, t.increments, t.explanation, t.business_key, t.detail_commitment,
       d.key_version, d.salt, d.payload, u.setl_id as undone_by, u.kind as undone_kind
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, setl_id)
join settlement.settlement t on t.lane = /*lane*/ k.lane and t.setl_id = k.setl_id
left join settlement.settlement_detail d on d.lane = /*lane*/ k.lane and d.setl_id = k.setl_id
left join settlement.settlement u on u.lane = /*lane*/ k.lane and u.undoes_setl_id = k.setl_id;

-- name: read_visits
-- Visits by number with everything that happened to them, in order. Lines of a stay (kind 2, its
-- events 2) stay where they are: their heads are enough for nearly everything.
select v.lane, v.mdtrt_id, v.prior_visit, v.psn_no, v.institution, v.scheme, v.begun_at,
       v.payload, v.kind as visit_kind, e.event_no, e.kind, e.batch_no, e.setl_id, e.head,
       case when v.kind = 2 and e.kind = 2 then ''::bytea else e.payload end as event_payload
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, mdtrt_id)
join settlement.visit v on v.lane = /*lane*/ k.lane and v.mdtrt_id = k.mdtrt_id
left join settlement.visit_event e on e.lane = /*lane*/ k.lane and e.mdtrt_id = k.mdtrt_id
order by v.lane, v.mdtrt_id, e.event_no;

-- name: read_event_payloads
-- The content of some events of stays, where a decision or an answer needs the lines themselves.
select e.mdtrt_id, e.event_no, e.payload
from unnest(/*lanes*/ $1::smallint[], $2::bigint[], $3::smallint[])
    as k (/*lanes*/ lane, mdtrt_id, event_no)
join settlement.visit_event e
    on e.lane = /*lane*/ k.lane and e.mdtrt_id = k.mdtrt_id and e.event_no = k.event_no;

-- name: read_filings
-- Filings by number, and what took them back.
select f.lane, f.filing_no, f.recorded_at, f.kind, f.psn_no, f.institution, f.begins_on,
       f.ends_on, f.payload, w.filing_no as withdrawn_by
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, filing_no)
join settlement.filing f
    on f.lane = /*lane*/ k.lane and f.filing_no = k.filing_no and f.withdraws is null
left join settlement.filing w on w.lane = /*lane*/ k.lane and w.withdraws = k.filing_no;

-- name: read_versions
-- What persons' versions are by now: which of a batch's facts are stale.
select p.psn_no, p.version
from unnest(/*lanes*/ $1::text::smallint[], $2::text::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no;

-- name: read_tokens
-- E-credential tokens that persons of the batch presented.
select t.lane, t.psn_no, t.key, t.institution, t.expires_at
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bytea[]) as k (/*lanes*/ lane, psn_no, key)
join settlement.token t on t.lane = /*lane*/ k.lane and t.psn_no = k.psn_no and t.key = k.key;

-- name: find_by_credential
-- Whom certificates, cards or tokens belong to; the lanes are those of the keys' own hashes.
select l.kind, l.key, l.psn_no, l.psn_lane
from unnest(/*lanes*/ $1::smallint[], $2::smallint[], $3::bytea[])
    as k (/*lanes*/ lane, kind, key)
join settlement.lookup l on l.lane = /*lane*/ k.lane and l.kind = k.kind and l.key = k.key;

-- name: lock_head
-- Takes a journal's head before reading, so that what is read cannot change (the second try).
select (ledger.lock_head(/*cluster p_lane => $2,*/ p_journal => $1)).block_no;

-- name: read_mappings
-- Mappings of own items of institutions, in the lane of the institution, withdrawn ones too.
select m.lane, m.mapping_id, m.kind, m.recorded_at, m.begins_on, m.ends_on, m.institution,
       m.own_code, m.list_type, m.item_code, m.content
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::text[])
    as k (/*lanes*/ lane, institution, own_code)
join settlement.item_mapping m
    on m.lane = /*lane*/ k.lane and m.institution = k.institution and m.own_code = k.own_code;

-- name: read_traces
-- Sales of boxes that stand, by their trace codes: what was undone frees its codes. A box may have
-- been sold to anybody, so every code is looked for in every lane; lanes and codes come apart,
-- because there are many pairs of them.
select t.lane, t.key, t.setl_id, t.whole
from unnest(/*lanes*/ $1::smallint[], array[true]) as l (/*lanes*/ lane, here)
cross join unnest($2::bytea[]) as k (key)
join settlement.drug_trace t on t.lane = /*lane*/ l.lane and t.key = k.key
where not exists (
    select 1 from settlement.settlement u
    where u.lane = /*lane*/ l.lane and u.undoes_setl_id = t.setl_id
);

-- name: read_families
-- Relatives whose accounts may pay for persons of the batch, where their claims ask for it.
select p.psn_no, p.family
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no;

-- name: read_family_moves
-- What became of holds on accounts of persons of the batch, in order.
select m.lane, m.hold_id, m.kind, m.entry_id, m.account, m.psn_no, m.patient_lane, m.patient_no,
       m.undertaking_id, m.setl_id, m.institution, m.amount_fen, m.balance_fen
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, hold_id)
join settlement.family_move m on m.lane = /*lane*/ k.lane and m.hold_id = k.hold_id
order by m.hold_id, m.kind;

-- name: read_family_shares
-- What relatives paid of settlements, so that each gets back what was theirs.
select s.lane, s.setl_id, s.hold_id, s.donor_no, s.amount_fen
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, setl_id)
join settlement.family_share s on s.lane = /*lane*/ k.lane and s.setl_id = k.setl_id
order by s.setl_id, s.hold_id;

-- name: read_family_outcomes
-- What holds are for, by what the patient's lane says: whether the undertaking is still open, and
-- the settlement that a hold pays. In one snapshot: closed and unused means that it never pays.
select k.hold_id, coalesce(p.undertaking = k.undertaking_id, false) as still_open, s.setl_id
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bigint[], $4::bigint[])
    as k (/*lanes*/ lane, psn_no, undertaking_id, hold_id)
left join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no
left join settlement.family_share s
    on s.lane = /*lane*/ k.lane and s.hold_id = k.hold_id and s.amount_fen > 0;

-- name: read_payments
-- Payments over channels by number with everything that happened to them, in order.
select p.lane, p.pay_no, p.kind, p.opened_at, p.setl_id, p.parent, p.mdtrt_id, p.psn_no,
       p.institution, p.order_no, p.amount_fen, p.plan, e.event_no, e.kind as event_kind, e.attempt,
       e.recorded_at, e.content
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, pay_no)
join settlement.payment p on p.lane = /*lane*/ k.lane and p.pay_no = k.pay_no
left join settlement.payment_event e on e.lane = /*lane*/ k.lane and e.pay_no = k.pay_no
order by p.lane, p.pay_no, e.event_no;

-- name: claim_orders
-- Order numbers of scan-to-pay belong to whom they were first used for: those that were new, in one
-- order for everybody, so that two processes that claim the same ones never wait for each other.
insert into settlement.pay_order (lane, key, psn_lane, psn_no)
select /*lane*/ k.lane, k.key, k.psn_lane, k.psn_no
from unnest(/*lanes*/ $1::smallint[], $2::bytea[], $3::smallint[], $4::text[])
    as k (/*lanes*/ lane, key, psn_lane, psn_no)
order by /*lanes*/ k.lane, k.key
on conflict (lane, key) do nothing
returning key, psn_lane, psn_no;

-- name: remember_tokens
-- Tokens of codes that were decoded for orders, in the persons' lanes, in one order for everybody;
-- the same code again is the same token.
insert into settlement.token (lane, psn_no, key, institution, expires_at)
select /*lane*/ k.lane, k.psn_no, k.key, k.institution, k.expires_at
from unnest(/*lanes*/ $1::smallint[], $2::text[], $3::bytea[], $4::text[], $5::timestamptz[])
    as k (/*lanes*/ lane, psn_no, key, institution, expires_at)
order by /*lanes*/ k.lane, k.psn_no, k.key
on conflict (lane, psn_no, key) do nothing;

-- name: find_orders
-- Whose order numbers are.
select o.key, o.psn_lane, o.psn_no
from unnest(/*lanes*/ $1::smallint[], $2::bytea[]) as k (/*lanes*/ lane, key)
join settlement.pay_order o on o.lane = /*lane*/ k.lane and o.key = k.key;

-- name: find_attempts
-- Which attempts have these numbers at a channel; with their payments and everything that happened
-- to those, in order, as `read_payments` has them.
select a.order_no::bigint as number, p.lane, p.pay_no, p.kind, p.opened_at,
       p.setl_id, p.parent, p.mdtrt_id, p.psn_no, p.institution, p.order_no, p.amount_fen, p.plan,
       e.event_no, e.kind as event_kind, e.attempt, e.recorded_at, e.content
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, order_no)
join settlement.payment_event a on a.lane = /*lane*/ k.lane and a.order_no = k.order_no
join settlement.payment p on p.lane = /*lane*/ k.lane and p.pay_no = a.pay_no
join settlement.payment_event e on e.lane = /*lane*/ k.lane and e.pay_no = a.pay_no
order by p.lane, p.pay_no, a.order_no, e.event_no;

-- name: read_remote_cases
-- Cases of people insured elsewhere by number, with everything that happened to them, in order.
select c.lane, c.case_no, c.hold_id, c.opened_at, c.psn_no, c.institution, c.insured_region,
       c.infno, c.msgid, c.mdtrt_id, c.total_fen, c.payload, e.event_no, e.kind, e.recorded_at,
       e.setl_id, e.reference, e.payload as event_payload
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, case_no)
join settlement.remote_case c on c.lane = /*lane*/ k.lane and c.case_no = k.case_no
join settlement.remote_event e on e.lane = /*lane*/ k.lane and e.case_no = k.case_no
order by c.lane, c.case_no, e.event_no;

-- name: read_mobile_orders
-- Orders of mobile payment by number with everything that happened to them, in order.
select o.lane, o.order_no, o.opened_at, o.psn_no, o.institution, o.institution_order_no,
       o.mdtrt_id, o.batch_no, o.total_fen, o.payload, e.event_no, e.kind, e.recorded_at,
       e.setl_id, e.content, e.payload as event_payload
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, order_no)
join settlement.mobile_order o on o.lane = /*lane*/ k.lane and o.order_no = k.order_no
join settlement.mobile_event e on e.lane = /*lane*/ k.lane and e.order_no = k.order_no
order by o.lane, o.order_no, e.event_no;

-- name: read_matters
-- What persons of the batch have done for them, with everything that happened to it, in order.
select m.lane, m.matter_no, m.opened_at, m.kind, m.psn_no, m.agent_no, m.payload, e.event_no,
       e.kind as event_kind, e.recorded_at, e.business_day, e.entry_id, e.amount_fen, e.actor,
       e.through, e.reference, e.coverage_months, e.note
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.matter m on m.lane = /*lane*/ k.lane and m.psn_no = k.psn_no
join settlement.matter_event e on e.lane = /*lane*/ k.lane and e.matter_no = m.matter_no
order by m.opened_at, m.matter_no, e.event_no;

-- name: read_home_cases
-- What lies beside settlement rows of people of ours who were treated in another region.
select h.lane, h.setl_id, h.setl_on, h.treated_region, h.case_no, h.institution,
       h.institution_name, h.visit_no, h.filing
from unnest(/*lanes*/ $1::smallint[], $2::bigint[]) as k (/*lanes*/ lane, setl_id)
join settlement.home_case h on h.lane = /*lane*/ k.lane and h.setl_id = k.setl_id;
