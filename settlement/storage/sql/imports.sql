-- Statements of imports, in the two shapes of shaped.sql (ledger/postgres/shape.py): beside the
-- settle path, on its tables, so each names its lane as those do. Run as the schema's owner.

-- name: read_for_import
-- What is known of the persons of a file, to compare it with what the file says.
select p.psn_no, p.key_version, p.identity, p.enrolments, p.family
from unnest(/*lanes*/ $1::smallint[], $2::text[]) as k (/*lanes*/ lane, psn_no)
join settlement.person p on p.lane = /*lane*/ k.lane and p.psn_no = k.psn_no;

-- name: change_persons
-- An import changes persons of one journal, under its head.
select settlement.change_persons(
    p_journal => $1, /*lanes*/ p_lanes => $2, /*cluster p_lane => $2,*/ p_persons => $3,
    p_key_versions => $4, p_identities => $5, p_enrolments => $6, p_families => $7
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
