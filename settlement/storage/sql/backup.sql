-- What a backup notes of the books, and what a restored database is asked.

-- name: origin
-- Which installation it is; beside it what belongs to PostgreSQL itself.
select i.region, i.installed_at, current_database() as database, i.schema_version,
       current_setting('server_version_num')::integer as postgres_version, current_user as role
from settlement.installation i;

-- name: heads
-- The end of every chain; a journal without a block has none.
select j.journal, m.block_no, m.block_hash, m.booked_at
from ledger.journal j
cross join lateral (
    select b.block_no, b.block_hash, b.booked_at
    from ledger.block b
    where b.journal = j.journal
    order by b.block_no desc
    limit 1
) as m
order by j.journal;

-- name: entries_between
-- What was booked behind some blocks and up to others, with the institution where it is about one:
-- what somebody who restores must be able to name.
select b.journal, b.block_no, b.booked_at, e.lane, e.entry_id, e.code,
       coalesce(t.institution, '') as institution
from unnest($1::smallint[], $2::bigint[], $3::bigint[])
    as w (journal, after_block, through_block)
join ledger.block b on b.journal = w.journal
    and b.block_no > w.after_block and b.block_no <= w.through_block
left join ledger.entry e on e.journal = b.journal and e.block_no = b.block_no
left join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
order by b.journal, b.block_no, e.ordinal;

-- name: block_hashes
-- The hashes of some blocks, to be held against those that are known from elsewhere.
select b.journal, b.block_no, b.block_hash
from unnest($1::smallint[], $2::bigint[]) as w (journal, block_no)
join ledger.block b on b.journal = w.journal and b.block_no = w.block_no;

-- name: skip_number_blocks
-- A restored database forgot which blocks of numbers were drawn in what it lacks. Settlements of
-- those numbers are on paper, so they are never given out again: more are skipped than processes
-- draw in a year.
select setval('settlement.number_block', (s.last_value + 999) % 99999 + 1)
from settlement.number_block s;
