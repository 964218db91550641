-- Money in (ADR 0042): files, their rows and how they are booked. Beside the settle path, on its
-- tables; each statement keeps to one lane. Run as the schema's owner.

-- name: money_file
-- The newest file with a digest, of a month: one that was rejected may come again.
select f.file_no, f.subject, f.month, f.digest, f.name, f.row_count, f.in_fen, f.out_fen, f.totals
from settlement.money_file f
where f.lane = $1 and f.subject = $2 and f.month = $3 and f.digest = $4
order by f.file_no desc
limit 1;

-- name: money_steps
-- What became of a file so far.
select s.step_no, s.act, s.recorded_at, s.actor, s.reason
from settlement.money_file_step s
where s.lane = $1 and s.file_no = $2
order by s.step_no;

-- name: keep_money_file
-- A file, before its rows.
insert into settlement.money_file (
    lane, file_no, subject, month, digest, name, row_count, in_fen, out_fen, totals
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: keep_money_step
-- The next step of a file; no row where somebody took the number.
insert into settlement.money_file_step (
    lane, file_no, step_no, act, recorded_at, actor, reason
)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
returning step_no;

-- name: accounts_for_money
-- Personal accounts of persons and what may be spent of them, in the order asked; null where there
-- is no such person or no such balance.
select p.account, b.credits - b.debits - b.debits_pending as spendable_fen
from unnest($2::text::text[]) with ordinality as k (psn_no, place)
left join settlement.person p
    on p.lane = $1 and p.psn_no = k.psn_no and p.account <> 0 and p.home_region = ''
left join ledger.balance b on b.lane = $1 and b.account = p.account
order by k.place;

-- name: open_money_balances
-- Personal accounts that money comes into for the first time.
insert into ledger.balance (account, lane)
select k.account, $1
from unnest($2::text::bigint[]) as k (account)
on conflict (lane, account) do nothing;

-- name: said_before
-- Rows of a month that say the same of the same person or fund, in other files: by place.
select k.place, r.file_no, r.amount_fen
from unnest($3::text::text[], $4::text::smallint[], $5::text::text[], $6::text::text[],
            $7::text::text[]) with ordinality
    as k (psn_no, source, scheme, fund, reference, place)
join settlement.money_row r
    on r.lane = $1 and r.month = $2 and r.psn_no = k.psn_no and r.source = k.source
    and r.scheme = k.scheme and r.fund = k.fund and r.reference = k.reference
order by k.place;

-- name: keep_money_rows
-- Rows of a file that share an entry.
insert into settlement.money_row (
    lane, entry_id, file_no, month, row_no, account, amount_fen, source, psn_no, scheme, fund,
    reference
)
select $1, $2, $3, $4, k.row_no, k.account, k.amount_fen, k.source, k.psn_no, k.scheme, k.fund,
       k.reference
from unnest($5::text::integer[], $6::text::bigint[], $7::text::bigint[], $8::text::smallint[],
            $9::text::text[], $10::text::text[], $11::text::text[], $12::text::text[])
    as k (row_no, account, amount_fen, source, psn_no, scheme, fund, reference);

-- name: drop_money_rows
-- Rows that were being taken in when that was cut short; nothing was ever booked of them.
delete from settlement.money_row r
where r.lane = $1 and r.entry_id between $2 and $3;

-- name: unbooked_money
-- Entries of a file in a lane that are not booked yet.
select r.entry_id
from settlement.money_row r
where r.lane = $1 and r.entry_id between $2 and $3 and not exists (
    select 1 from ledger.entry e where e.lane = $1 and e.entry_id = r.entry_id
)
group by r.entry_id
order by r.entry_id;

-- name: money_rows
-- The rows of an entry, in the order of the file.
select r.file_no, r.row_no, r.month, r.source, r.psn_no, r.scheme, r.fund, r.reference, r.account,
       r.amount_fen
from settlement.money_row r
where r.lane = $1 and r.entry_id = $2
order by r.row_no;

-- name: touch_persons
-- Whoever has read these persons decides again: their accounts are another. Under the head.
update settlement.person p
set version = p.version + 1
where p.lane = $1 and p.psn_no = any($2::text::text[]);

-- name: money_spendable
-- What accounts have; read under the head it cannot change.
select b.account, b.credits - b.debits - b.debits_pending as spendable_fen
from ledger.balance b
where b.lane = $1 and b.account = any($2::text::bigint[]);

-- name: owed_by_persons
-- What persons owe since claw-backs, and have not repaid.
select t.psn_no,
       sum(t.owed_fen - case when r.source = 35 then t.taken_fen else 0 end)::bigint as fen
from settlement.money_taken t
join settlement.money_row r
    on r.lane = $1 and r.entry_id = t.entry_id and r.row_no = t.row_no
where t.lane = $1 and t.psn_no = any($2::text::text[])
group by t.psn_no;

-- name: keep_money_taken
-- What rows that take came to.
insert into settlement.money_taken (lane, entry_id, row_no, psn_no, taken_fen, owed_fen)
select $1, $2, k.row_no, k.psn_no, k.taken_fen, k.owed_fen
from unnest($3::integer[], $4::text[], $5::bigint[], $6::bigint[])
    as k (row_no, psn_no, taken_fen, owed_fen);

-- name: money_left
-- Rows of a file in a lane that found too little, with what they came to.
select r.row_no, r.psn_no, r.source, r.amount_fen, t.taken_fen, t.owed_fen
from settlement.money_taken t
join settlement.money_row r
    on r.lane = $1 and r.entry_id = t.entry_id and r.row_no = t.row_no
where t.lane = $1 and t.entry_id between $2 and $3 and t.taken_fen < r.amount_fen
order by r.row_no;

-- name: money_booked
-- How many rows of a file are booked in a lane.
select count(*)
from settlement.money_row r
join ledger.entry e on e.lane = $1 and e.entry_id = r.entry_id
where r.lane = $1 and r.entry_id between $2 and $3;

-- name: account_days
-- Of each personal account of a lane the sum of its balances at the end of each business day from
-- one day to another: what it had before counts every day, what moved counts from its own day on.
with moved as (
    select m.account, sum(m.credits - m.debits)::bigint as since_fen,
           sum(case
               when b.business_day <= $3 then
                   (m.credits - m.debits) * ($3::date - b.business_day + 1)
               else 0
           end)::bigint as fen_days
    from ledger.movement m
    join ledger.block b on b.journal = m.journal and b.block_no = m.block_no
    where m.lane = $1 and b.business_day >= $2::date and m.account >= 1000000000000
    group by m.account
)
select p.psn_no,
       (b.credits - b.debits - coalesce(m.since_fen, 0)) * ($3::date - $2::date + 1)
           + coalesce(m.fen_days, 0) as fen_days
from settlement.person p
join ledger.balance b on b.lane = $1 and b.account = p.account
left join moved m on m.account = p.account
where p.lane = $1 and p.account <> 0
order by p.psn_no;
