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
