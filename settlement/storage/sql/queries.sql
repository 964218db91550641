-- Statements of the settle path. Every one names its lane, as the leading column of every key it
-- uses; those that must visit all lanes are in scatter.sql and never run here.

-- name: write_batch
-- Writes a batch of one journal; settlement/storage/writer.py names the other arguments.
select settlement.write_batch(p_journal => $1, :arguments);

-- name: read_persons
-- What a batch needs to know about its persons: identity, enrolments, state, account, balance.
select k.n::integer as n, p.account, p.key_version, p.identity, p.enrolments, p.version,
       p.accumulators, p.latest_row, p.latest_visit,
       b.credits - b.debits - b.debits_pending as balance_fen
from unnest($1::smallint[], $2::text[]) with ordinality as k (lane, psn_no, n)
join settlement.person p on p.lane = k.lane and p.psn_no = k.psn_no
left join ledger.balance b on b.lane = k.lane and b.account = p.account;

-- name: read_claims
-- The same, with the two keys that make a claim count once: the message and what the claim is
-- about, 16 bytes each, one behind the other. Arrays come as literals (ADR 0008).
select k.n::integer as n, p.account, p.key_version, p.identity, p.enrolments, p.version,
       p.accumulators, p.latest_row, p.latest_visit,
       b.credits - b.debits - b.debits_pending as balance_fen,
       m.outcome, m.ref, m.fingerprint,
       (
           select t.setl_id
           from settlement.settlement t
           where t.lane = k.lane and t.kind = 1
               and t.business_key = substr($4::bytea, 16 * k.n::integer - 15, 16)
               and not exists (
                   select 1 from settlement.settlement u
                   where u.lane = k.lane and u.undoes_setl_id = t.setl_id
               )
           limit 1
       ) as standing_setl_id
from unnest($1::text::smallint[], $2::text::text[]) with ordinality as k (lane, psn_no, n)
left join settlement.person p on p.lane = k.lane and p.psn_no = k.psn_no
left join ledger.balance b on b.lane = k.lane and b.account = p.account
left join settlement.message m
    on m.lane = k.lane and m.key = substr($3::bytea, 16 * k.n::integer - 15, 16);

-- name: read_versions
-- What persons' versions are by now: which of a batch's facts are stale.
select p.psn_no, p.version
from unnest($1::text::smallint[], $2::text::text[]) as k (lane, psn_no)
join settlement.person p on p.lane = k.lane and p.psn_no = k.psn_no;

-- name: read_messages
-- What became of messages named by others (2601): their rows, tombstones included.
select m.lane, m.key, m.outcome, m.ref, m.fingerprint
from unnest($1::smallint[], $2::bytea[]) as k (lane, key)
join settlement.message m on m.lane = k.lane and m.key = k.key;

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
from unnest($1::smallint[], $2::bigint[]) as k (lane, setl_id)
join settlement.settlement t on t.lane = k.lane and t.setl_id = k.setl_id
left join settlement.settlement_detail d on d.lane = k.lane and d.setl_id = k.setl_id
left join settlement.settlement u on u.lane = k.lane and u.undoes_setl_id = k.setl_id;

-- name: read_visits
-- Visits by number with everything that happened to them, in order.
select v.lane, v.mdtrt_id, v.prior_visit, v.psn_no, v.institution, v.scheme, v.begun_at,
       v.payload, e.event_no, e.kind, e.batch_no, e.setl_id, e.payload as event_payload
from unnest($1::smallint[], $2::bigint[]) as k (lane, mdtrt_id)
join settlement.visit v on v.lane = k.lane and v.mdtrt_id = k.mdtrt_id
left join settlement.visit_event e on e.lane = k.lane and e.mdtrt_id = k.mdtrt_id
order by v.lane, v.mdtrt_id, e.event_no;

-- name: read_tokens
-- E-credential tokens that persons of the batch presented.
select t.lane, t.psn_no, t.key, t.institution, t.expires_at
from unnest($1::smallint[], $2::text[], $3::bytea[]) as k (lane, psn_no, key)
join settlement.token t on t.lane = k.lane and t.psn_no = k.psn_no and t.key = k.key;

-- name: find_by_credential
-- Whom certificates, cards or tokens belong to; the lanes are those of the keys' own hashes.
select k.n::integer as n, l.psn_no
from unnest($1::smallint[], $2::smallint[], $3::bytea[]) with ordinality as k (lane, kind, key, n)
join settlement.lookup l on l.lane = k.lane and l.kind = k.kind and l.key = k.key;

-- name: list_settlements
-- A person's settlement rows, newest first, along the chain of their prior rows.
with recursive chain (setl_id, prior_row, depth) as (
    select t.setl_id, t.prior_row, 1
    from settlement.person s
    join settlement.settlement t on t.lane = s.lane and t.setl_id = s.latest_row
    where s.lane = $1 and s.psn_no = $2
    union all
    select t.setl_id, t.prior_row, c.depth + 1
    from chain c
    join settlement.settlement t on t.lane = $1 and t.setl_id = c.prior_row
    where c.depth < $3
)
select c.setl_id from chain c order by c.depth;

-- name: list_visits
-- A person's visits, newest first, along the chain of their prior visits.
with recursive chain (mdtrt_id, prior_visit, depth) as (
    select v.mdtrt_id, v.prior_visit, 1
    from settlement.person s
    join settlement.visit v on v.lane = s.lane and v.mdtrt_id = s.latest_visit
    where s.lane = $1 and s.psn_no = $2
    union all
    select v.mdtrt_id, v.prior_visit, c.depth + 1
    from chain c
    join settlement.visit v on v.lane = $1 and v.mdtrt_id = c.prior_visit
    where c.depth < $3
)
select c.mdtrt_id from chain c order by c.depth;

-- name: lock_head
-- Takes a journal's head before reading, so that what is read cannot change (the second try).
select (ledger.lock_head(p_journal => $1::smallint)).block_no;

-- name: sign_in
-- An operator signs in, in the lane of the institution.
insert into settlement.sign_in (sign_no, signed_in_at, lane, institution, operator, address)
values ($2, $3, $1, $4, $5, $6);

-- name: sign_out
-- The operator's own sign-in of this institution ends; a second time changes nothing.
update settlement.sign_in
set signed_out_at = $5
where lane = $1 and sign_no = $2 and institution = $3 and operator = $4 and signed_out_at is null
returning sign_no;

-- name: keep_token
-- A token issued for a person, in the person's lane.
insert into settlement.token (lane, psn_no, key, institution, expires_at)
values ($1, $2, $3, $4, $5);

-- name: keep_lookup
-- The way from a key that others show to the person, in the lane of the key.
insert into settlement.lookup (lane, kind, key, psn_lane, psn_no)
values ($1, $2, $3, $4, $5);
