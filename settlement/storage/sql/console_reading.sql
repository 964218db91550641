-- What the console's reading pages ask for: catalogue, institutions, filings, notices. Never on the
-- settle path: it visits all lanes.
--
-- Blocks that show cases, persons or an institution's affairs take the scope as their first
-- parameter, as those of console.sql do: the institution that alone may be seen, or null for all.
-- Lists are read a page at a time, from where the page before ended.

-- name: console_catalogue
-- Catalogue items by the beginning of their code or a part of their name, all versions of each,
-- from after one on; with `$4`, only those in force that day.
select c.code, c.name, c.list_type, c.item_class, c.charge_kind, c.self_pay_bp, c.ceilings,
       c.scheme_ratios, c.effective_from, c.effective_to
from settlement.catalogue_item c
where (starts_with(c.code, $1) or strpos(c.name, $1) > 0)
    and (c.code, c.effective_from) > ($2, $3)
    and ($4::date is null or $4 between c.effective_from and c.effective_to)
order by c.code, c.effective_from
limit $5;

-- name: console_catalogue_names
-- What the items of a case are called, on its day.
select c.code, c.name
from unnest($1::text[]) as k (code)
cross join lateral (
    select c.code, c.name
    from settlement.catalogue_item c
    where c.code = k.code and c.effective_from <= $2
    order by c.effective_from desc
    limit 1
) as c;

-- name: console_institution
-- One institution, with the reason where it is stopped.
select i.code, i.name, i.kind, i.account_base, i.region, i.hospital_level, i.deductible_level,
       i.ceiling_level, i.care_types, i.agreement_from, i.agreement_to, i.suspended, s.since,
       s.reason,
       (select count(*) from settlement.staff f where f.institution = i.code) as staff_count
from settlement.institution i
left join settlement.suspension s on s.subject_kind = 'institution' and s.subject = i.code
where ($1::text is null or i.code = $1) and i.code = $2;

-- name: console_institution_names
-- What institutions are called.
select i.code, i.name
from settlement.institution i;

-- name: console_receivers
-- Where an institution wants to be told; the credential is named by its key, which is no secret.
select r.kind, r.url, r.access_key, r.since
from settlement.receiver r
where ($1::text is null or r.institution = $1) and r.institution = $2
order by r.kind;

-- name: console_institution_accounts
-- What the ledger has on the ten accounts of an institution: the last fold of each journal and the
-- entries since, in one snapshot. `offset 0` as in the sums of the ledger.
with folded as (
    select j.journal, coalesce(l.through_block, 0) as through_block
    from ledger.journal j
    left join lateral (
        select f.through_block
        from ledger.fold f
        where f.journal = j.journal
        order by f.through_block desc
        limit 1
    ) as l on true
), moved as materialized (
    select f.account, f.debits, f.credits
    from folded d
    join ledger.fold f
        on f.journal = d.journal and f.through_block = d.through_block
        and f.account between $1 and $1 + 9
    union all
    select m.account, m.debits, m.credits
    from folded d
    cross join lateral (
        select m.account, m.debits, m.credits
        from ledger.movement m
        where m.journal = d.journal and m.block_no > d.through_block
        offset 0
    ) as m
    where m.account between $1 and $1 + 9
)
select a.account, a.name, a.owner, coalesce(sum(s.debits), 0)::bigint as debits_fen,
       coalesce(sum(s.credits), 0)::bigint as credits_fen
from ledger.account a
left join moved s on s.account = a.account
where a.account between $1 and $1 + 9
group by a.account, a.name, a.owner
order by a.account;

-- name: console_last_settlement
-- The newest settlement row of an institution that is listed: one look-up a lane.
select s.setl_on, s.setl_id, t.setl_time, t.infno, t.total_fen
from (select distinct l.lane from ledger.lane l) as l
cross join lateral (
    select s.lane, s.setl_on, s.setl_id
    from settlement.statement_row s
    where s.lane = l.lane and s.institution = $2
    order by s.setl_on desc, s.setl_id desc
    limit 1
) as s
join settlement.settlement t on t.lane = s.lane and t.setl_id = s.setl_id
where $1::text is null or $1 = $2
order by t.setl_time desc
limit 1;

-- name: console_payout_steps
-- The newest steps of paying an institution.
select s.first_on, s.last_on, s.act, s.recorded_at, s.fund_fen, s.account_fen, s.reference
from settlement.payout_step s
where ($1::text is null or s.institution = $1) and s.lane = $2 and s.institution = $3
order by s.first_on desc, s.step_no desc
limit $4;

-- name: console_filings
-- Filings of some kinds, the newest first, from before one on: all that were made, those that stand
-- on a day, or those that are over by then. What takes one back is told with it. `offset 0` keeps
-- to single look-ups.
select f.lane, f.filing_no, f.recorded_at, f.kind, f.psn_no, f.institution, f.begins_on, f.ends_on,
       f.payload, w.recorded_at as withdrawn_at, w.begins_on as without_from
from unnest($2::smallint[]) as k (kind)
cross join lateral (
    select f.lane, f.filing_no, f.recorded_at, f.kind, f.psn_no, f.institution, f.begins_on,
           f.ends_on, f.payload
    from settlement.filing f
    where f.kind = k.kind and f.withdraws is null
        and ($1::text is null or f.institution = $1)
        and ($3::timestamptz is null or (f.recorded_at, f.filing_no) < ($3, $4))
        and ($5::text <> 'over' or f.ends_on < $6)
        and ($5::text <> 'stands' or (
            (f.ends_on is null or f.ends_on >= $6)
            and not exists (
                select 1 from settlement.filing w
                where w.lane = f.lane and w.withdraws = f.filing_no
                offset 0
            )
        ))
    order by f.recorded_at desc, f.filing_no desc
    limit $7
) as f
left join settlement.filing w on w.lane = f.lane and w.withdraws = f.filing_no
order by f.recorded_at desc, f.filing_no desc
limit $7;

-- name: console_filings_withdrawn
-- Filings of some kinds that were taken back, the last one first, as `console_filings`; where a
-- page begins is the withdrawal.
select f.lane, f.filing_no, f.recorded_at, f.kind, f.psn_no, f.institution, f.begins_on, f.ends_on,
       f.payload, w.recorded_at as withdrawn_at, w.begins_on as without_from
from settlement.filing w
join settlement.filing f on f.lane = w.lane and f.filing_no = w.withdraws
where w.withdraws is not null and w.kind = any ($2::smallint[])
    and ($1::text is null or f.institution = $1)
    and ($3::timestamptz is null or (w.recorded_at, f.filing_no) < ($3, $4))
order by w.recorded_at desc, f.filing_no desc
limit $5;

-- name: console_filing
-- One filing, with what took it back.
select f.lane, f.filing_no, f.recorded_at, f.kind, f.psn_no, f.institution, f.begins_on, f.ends_on,
       f.payload, w.recorded_at as withdrawn_at, w.begins_on as without_from
from settlement.filing f
left join settlement.filing w on w.lane = f.lane and w.withdraws = f.filing_no
where ($1::text is null or f.institution = $1) and f.lane = $2 and f.filing_no = $3
    and f.withdraws is null;

-- name: console_filings_of_person
-- All filings of a person, the newest first; their numbers carry the lane of the person.
select f.lane, f.filing_no, f.recorded_at, f.kind, f.psn_no, f.institution, f.begins_on, f.ends_on,
       f.payload, w.recorded_at as withdrawn_at, w.begins_on as without_from
from settlement.filing f
left join settlement.filing w on w.lane = f.lane and w.withdraws = f.filing_no
where ($1::text is null or f.institution = $1) and f.lane = $2 and f.psn_no = $3
    and f.withdraws is null
order by f.recorded_at desc, f.filing_no desc
limit $4;

-- name: console_notices
-- Notices that we owe and have not delivered, the oldest first, from after one on. What came of the
-- last attempt is looked up for those of the page alone.
select p.case_no, p.notice_no, p.kind, p.topic, p.institution, p.told_at, p.due_at, p.attempts,
       p.after_case, a.http_status, a.came, a.said
from (
    select o.lane, o.case_no, o.notice_no, o.kind, o.topic, o.institution, o.told_at, d.due_at,
           d.attempts, d.after_case
    from settlement.outbox_due d
    join settlement.outbox o
        on o.lane = d.lane and o.case_no = d.case_no and o.notice_no = d.notice_no
    where ($1::text is null or o.institution = $1)
        and ($2::text is null or o.institution = $2)
        and ($3::text is null or o.kind = $3)
        and ($4::timestamptz is null or (o.told_at, o.case_no, o.notice_no) > ($4, $5, $6))
    order by o.told_at, o.case_no, o.notice_no
    limit $7
) as p
left join lateral (
    select l.http_status, l.came, l.said
    from settlement.outbox_attempt l
    where l.lane = p.lane and l.case_no = p.case_no and l.notice_no = p.notice_no
    order by l.attempt_no desc
    limit 1
) as a on true
order by p.told_at, p.case_no, p.notice_no;

-- name: console_notices_counted
-- How many wait for each receiver, since when, and how often in vain.
select o.institution, o.kind, count(*) as owed, min(o.told_at) as oldest_at,
       sum(d.attempts)::bigint as attempts
from settlement.outbox_due d
join settlement.outbox o
    on o.lane = d.lane and o.case_no = d.case_no and o.notice_no = d.notice_no
where $1::text is null or o.institution = $1
group by o.institution, o.kind
order by owed desc, o.institution;

-- name: console_notices_of
-- All notices of a case, delivered or not.
select o.case_no, o.notice_no, o.kind, o.topic, o.institution, o.told_at, d.due_at,
       coalesce(d.attempts, 0) as attempts, d.after_case
from settlement.outbox o
left join settlement.outbox_due d
    on d.lane = o.lane and d.case_no = o.case_no and d.notice_no = o.notice_no
where ($1::text is null or o.institution = $1) and o.lane = $2 and o.case_no = $3
order by o.notice_no;

-- name: console_notice_attempts
-- Every attempt to deliver the notices of a case.
select a.notice_no, a.attempt_no, a.began_at, a.took_ms, a.http_status, a.came, a.said
from settlement.outbox o
join settlement.outbox_attempt a
    on a.lane = o.lane and a.case_no = o.case_no and a.notice_no = o.notice_no
where ($1::text is null or o.institution = $1) and o.lane = $2 and o.case_no = $3
order by a.began_at desc, a.notice_no, a.attempt_no desc
limit $4;

-- name: console_institution_files
-- Files of institutions that say something of some days, the newest first: $2 and $3 the days, $4
-- an institution or null for all, $5 how many, $6 how many to pass over. How many there are in all
-- stands in each row.
select f.lane, f.file_no, f.received_at, f.institution, f.begins_on, f.ends_on, f.sha256,
       f.size_bytes, f.name, f.form, f.actor, f.rows, f.total_fen, f.fund_fen, f.account_fen,
       f.faults, p.replaced_by, count(*) over () as in_all
from settlement.institution_file f
left join settlement.bill_replaced p on p.lane = f.lane and p.file_no = f.file_no
where ($1::text is null or f.institution = $1) and f.begins_on <= $3 and f.ends_on >= $2
    and ($4::text is null or f.institution = $4)
order by f.received_at desc, f.file_no desc
limit $5 offset $6;

-- name: console_institution_file
-- One of them, by its lane and number.
select f.lane, f.file_no, f.received_at, f.institution, f.begins_on, f.ends_on, f.sha256,
       f.size_bytes, f.name, f.form, f.actor, f.rows, f.total_fen, f.fund_fen, f.account_fen,
       f.faults, p.replaced_by
from settlement.institution_file f
left join settlement.bill_replaced p on p.lane = f.lane and p.file_no = f.file_no
where ($1::text is null or f.institution = $1) and f.lane = $2 and f.file_no = $3;
