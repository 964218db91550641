-- Statements that must visit all lanes. They never run on the settle path, and write nothing but
-- what is derived or has expired.

-- name: messages_in_two_lanes
-- One msgid that named persons of different lanes: the same key stands in both; told to operators.
-- Lane by lane, so that only this piece of the index is read.
select recent.key, array_agg(recent.lane order by recent.lane) as lanes
from ledger.lane l
join ledger.journal j on j.journal = l.journal and j.closed_at is null
cross join lateral (
    select m.key, m.lane
    from settlement.message m
    where m.lane = l.lane and m.key >= $1 and m.key < $2 and m.outcome <> 9
) as recent
group by recent.key
having count(*) > 1
limit 100;

-- name: to_readjudicate
-- Claims to be decided again (待重算): they stand, but an earlier one of the same person and year
-- was undone after them, so they were computed on what no longer counts. From each undoing row the
-- person's rows are walked back to what it undid; a claim booked after the undoing is not on the
-- way. Nothing is stored: a claim leaves the list when it is undone itself.
with recursive walk (lane, undone, year, prior_row) as (
    select u.lane, u.undoes_setl_id, u.year, u.prior_row
    from settlement.settlement u
    where u.undoes_setl_id is not null
    union all
    select w.lane, w.undone, w.year, t.prior_row
    from walk w
    join settlement.settlement t on t.lane = w.lane and t.setl_id = w.prior_row
    where w.prior_row <> w.undone
)
select t.lane, t.setl_id, t.psn_no, t.year, w.undone as undone_setl_id
from walk w
join settlement.settlement t on t.lane = w.lane and t.setl_id = w.prior_row
where t.kind = 1 and t.year = w.year and t.setl_id <> w.undone
    and not exists (
        select 1 from settlement.settlement u
        where u.lane = t.lane and u.undoes_setl_id = t.setl_id
    )
order by t.lane, t.psn_no, t.setl_time, t.setl_id, w.undone;

-- name: decided_on_other_memberships
-- Claims to be decided again (待重算): they stand, and an import changed after them what the person's
-- memberships say of one of their days. From the newest row before each change the person's rows
-- are walked back; an order that waited for its payer then was decided before, too, and its row is
-- newer. Which of a claim's days rules is the region's (profile, by kind of care), so a claim is on
-- the list where any of them is touched, from the visit's first to the settlement's.
with recursive walk (lane, version, changed_at, days, prior_row) as (
    select c.lane, c.version, c.changed_at, c.days, c.through_row
    from settlement.person_change c
    union all
    select w.lane, w.version, w.changed_at, w.days, t.prior_row
    from walk w
    join settlement.settlement t on t.lane = w.lane and t.setl_id = w.prior_row
), decided (lane, version, changed_at, days, setl_id) as (
    select w.lane, w.version, w.changed_at, w.days, w.prior_row
    from walk w
    union all
    select c.lane, c.version, c.changed_at, c.days, p.setl_id
    from settlement.person_change c
    join settlement.payment p on p.lane = c.lane and p.pay_no = c.undertaking
    union all
    select c.lane, c.version, c.changed_at, c.days, e.setl_id
    from settlement.person_change c
    join settlement.mobile_event e
        on e.lane = c.lane and e.order_no = c.undertaking and e.kind = 2
)
select t.lane, t.setl_id, t.psn_no, t.year, d.changed_at,
       array(select concat(lower(r), '/', upper(r) - 1) from unnest(d.days) as r) as days
from decided d
join settlement.settlement t on t.lane = d.lane and t.setl_id = d.setl_id
left join settlement.visit v on v.lane = t.lane and v.mdtrt_id = t.mdtrt_id
where t.kind = 1
    and d.days && daterange(
        least(v.begun_at::date, t.service_at::date, t.business_day),
        greatest(t.service_at::date, t.business_day), '[]'
    )
    and not exists (
        select 1 from settlement.settlement u
        where u.lane = t.lane and u.undoes_setl_id = t.setl_id
    )
order by t.lane, t.psn_no, t.setl_time, t.setl_id, d.version;

-- name: claims_of_lane
-- The settlements of some business days that stand, of one lane, person by person in their order:
-- to compute them again under other rules.
select t.psn_no, t.setl_id, t.increments,
       t.account_fen - t.family_account_fen as own_account_fen, d.key_version, d.payload
from settlement.settlement t
left join settlement.settlement_detail d on d.lane = t.lane and d.setl_id = t.setl_id
where t.lane = $1 and t.kind = 1 and t.business_day between $2 and $3 and t.scheme = $4
    and not exists (
        select 1 from settlement.settlement u
        where u.lane = t.lane and u.undoes_setl_id = t.setl_id
    )
order by t.psn_no, t.setl_time, t.setl_id;

-- name: persons_of_lane
-- Everybody in a lane, to find whom a whole file leaves out.
select p.psn_no, p.account, p.home_region, p.key_version, p.identity, p.enrolments, p.family
from settlement.person p
where p.lane = $1;

-- name: account_last
-- The highest personal account, and whether there is anybody at all: an import numbers new
-- accounts from there, one import at a time.
select max(p.account)
from settlement.person p;

-- name: after_import
-- The planner must not take a city for an empty table.
vacuum (analyze) settlement.person, settlement.lookup, ledger.balance;

-- name: demo_persons
-- Persons of the demonstration world, for its page; guests from other regions are not of it.
select p.lane, p.psn_no, p.account, p.family, p.key_version, p.identity, p.enrolments,
       coalesce(b.credits - b.debits - b.debits_pending, 0) as balance_fen
from settlement.person p
left join ledger.balance b on b.lane = p.lane and b.account = p.account
where p.home_region = ''
order by p.account
limit $1;

-- name: count_uploads
-- What was uploaded that is only stored, by transaction, since an instant.
select u.infno, count(*) as stored, min(u.recorded_at) as first_at, max(u.recorded_at) as last_at
from settlement.upload u
where u.recorded_at >= $1
group by u.infno
order by u.infno;

-- name: lists_of_undone
-- Settlement lists (4101) whose settlement was undone after they came. Nothing is written when it
-- is: a list leaves this one never, and the institution uploads a new one for the new settlement.
select u.upload_id, u.institution, u.setl_id, n.setl_id as undone_by, n.setl_time as undone_at
from settlement.upload u
join settlement.settlement n on n.lane = u.lane and n.undoes_setl_id = u.setl_id
where u.recorded_at >= $1
order by n.setl_time, u.upload_id;

-- name: repeated_traces
-- Boxes that were sold more than once by settlements that stand, whole at least once; told to
-- operators, by the hash of their trace codes.
select t.key, array_agg(t.setl_id order by t.setl_id) as setl_ids
from settlement.drug_trace t
left join settlement.settlement u on u.lane = t.lane and u.undoes_setl_id = t.setl_id
where u.setl_id is null
group by t.key
having count(*) > 1 and bool_or(t.whole)
order by min(t.setl_id);

-- name: journals_to_list
-- Journals that are so many blocks ahead of the institutions' statements, closed ones included.
select j.journal, listed.through_block, written.block_no as last_block
from ledger.journal j
cross join lateral (
    select coalesce(max(l.through_block), 0)::bigint as through_block
    from settlement.listing l
    where l.journal = j.journal
) as listed
cross join lateral (
    select coalesce(max(b.block_no), 0)::bigint as block_no
    from ledger.block b
    where b.journal = j.journal
) as written
where written.block_no >= listed.through_block + $1
order by j.journal;

-- name: list_rows
-- The settlement rows of some blocks of a journal, by institution and day, and those that have an
-- invoice by its number. Nothing is listed where another step began at the same block: it waits for
-- the other to commit, and finds it there.
with step as (
    insert into settlement.listing (journal, after_block, through_block)
    values ($1, $2, $3)
    on conflict (journal, after_block) do nothing
    returning after_block, through_block
), row_to_list as (
    select t.setl_id, t.total_fen, t.fund_fen, t.account_fen, t.cash_fen, t.setl_time,
           t.business_day, t.lane, t.kind, t.institution, t.scheme, t.clearing_type, t.invoice_no
    from step s
    cross join lateral (
        select e.lane, e.entry_id
        from ledger.entry e
        where e.journal = $1 and e.block_no > s.after_block and e.block_no <= s.through_block
            and e.code in (1, 2, 3)
        offset 0
    ) as e
    cross join lateral (
        select t.setl_id, t.total_fen, t.fund_fen, t.account_fen, t.cash_fen, t.setl_time,
               t.business_day, t.lane, t.kind, t.institution, t.scheme, t.clearing_type,
               t.invoice_no
        from settlement.settlement t
        where t.lane = e.lane and t.setl_id = e.entry_id
        offset 0
    ) as t
), invoice as (
    insert into settlement.invoice_row (setl_id, lane, invoice_no)
    select r.setl_id, r.lane, r.invoice_no
    from row_to_list r
    where r.invoice_no <> ''
)
insert into settlement.statement_row (
    setl_id, total_fen, fund_fen, account_fen, cash_fen, setl_on, business_day, lane, kind,
    institution, scheme, clearing_type
)
select r.setl_id, r.total_fen, r.fund_fen, r.account_fen, r.cash_fen,
       (r.setl_time at time zone interval '+08:00')::date, r.business_day, r.lane, r.kind,
       r.institution, r.scheme, r.clearing_type
from row_to_list r;

-- name: statement_sums
-- What an institution's rows of a period come to. What a reversal undid is not there, and the
-- reversal neither; a cancel counts as a row, or without refunds not, and what it cancels neither.
select count(*) as settlement_count,
       coalesce(sum(s.total_fen), 0)::bigint as total_fen,
       coalesce(sum(s.fund_fen), 0)::bigint as fund_fen,
       coalesce(sum(s.account_fen), 0)::bigint as account_fen,
       coalesce(sum(s.cash_fen), 0)::bigint as cash_fen
from settlement.statement s
where s.institution = $1 and s.setl_on between $2 and $3 and s.clearing_type = $4
    and ($5::text is null or s.scheme = $5)
    and s.kind <> 3 and s.undone_kind is distinct from 3
    and ($6::boolean or (s.kind = 1 and s.undone_kind is null));

-- name: statement_lines
-- The rows themselves, and also what was reversed, so that a hospital that missed the reversal is
-- told so.
select s.setl_id, s.kind, s.undone_kind, s.total_fen, s.fund_fen, s.account_fen,
       t.mdtrt_id, t.psn_no, t.msgid
from settlement.statement s
cross join lateral (
    select t.mdtrt_id, t.psn_no, t.msgid
    from settlement.settlement t
    where t.lane = s.lane and t.setl_id = s.setl_id
    offset 0
) as t
where s.institution = $1 and s.setl_on between $2 and $3 and s.clearing_type = $4 and s.kind <> 3
    and (
        $5::boolean or s.undone_kind = 3 or (s.kind = 1 and s.undone_kind is null)
    )
order by s.setl_on, s.setl_id
limit $6;

-- name: cross_city_rows
-- An institution's settlement rows of some days that are cleared between the cities of a province
-- (省内异地清分), some of them by number, page by page. What a reversal undid is not there.
select e.lane, e.setl_id, e.visit_no, e.settlement_no, e.paid_in_advance, e.certificate,
       t.setl_time, t.total_fen, t.fund_fen, t.account_fen
from (select distinct l.lane from ledger.lane l) as l
join settlement.insured_elsewhere e on e.lane = l.lane
join settlement.settlement t on t.lane = e.lane and t.setl_id = e.setl_id and t.kind <> 3
left join settlement.settlement u on u.lane = e.lane and u.undoes_setl_id = e.setl_id
where e.institution = $1 and e.setl_on between $2 and $3
    and left(e.insured_region, 2) = left($4::text, 2)
    and left(e.insured_region, 4) <> left($4::text, 4)
    and ($5::text[] is null or e.settlement_no = any ($5::text[]))
    and u.kind is distinct from 3
order by t.setl_time, e.setl_id
limit $6 offset $7;

-- name: home_rows
-- A page of the rows of a business day that another region treated people of ours for, behind a
-- number, for its own comparison. Rows are never changed, and a cancel is one of its own.
select h.case_no, h.setl_id, t.kind, t.total_fen, t.fund_fen, t.account_fen
from (select distinct l.lane from ledger.lane l) as l
join settlement.home_case h on h.lane = l.lane
join settlement.settlement t on t.lane = h.lane and t.setl_id = h.setl_id
where h.treated_region = $1 and h.setl_on = $2 and h.setl_id > $3
order by h.setl_id
limit $4;

-- name: drop_expired_files
-- Files whose time is over.
delete from settlement.file f where f.expires_at <= $1;

-- name: drop_dead_tokens
-- Tokens that died before a moment.
delete from settlement.token t where t.expires_at <= $1 returning t.key;

-- name: drop_token_lookups
-- The ways from dead tokens to their persons, in the lanes of the keys.
select settlement.drop_token_lookups($1::smallint[], $2::bytea[]);

-- name: open_undertakings
-- What has been under way for longer than a request takes, so that somebody ends it. Persons with
-- something under way have an index of their own, which is empty nearly always.
select u.lane, u.undertaking_id, u.kind, u.psn_no, u.institution, u.infno, u.msgid, u.amount_fen
from settlement.person p
join settlement.undertaking u on u.lane = p.lane and u.undertaking_id = p.undertaking
where p.undertaking is not null and u.opened_at < $1
order by u.opened_at, u.undertaking_id
limit $2;

-- name: open_holds
-- Money of accounts that has been held for a relative for as long: found by the balances, of which
-- nearly none has anything pending.
select m.lane, m.hold_id, m.kind, m.entry_id, m.account, m.psn_no, m.patient_lane, m.patient_no,
       m.undertaking_id, m.setl_id, m.institution, m.amount_fen, m.balance_fen
from ledger.balance b
join settlement.family_move m on m.lane = b.lane and m.account = b.account and m.kind = 1
where b.debits_pending > 0 and m.moved_at < $1
    and not exists (
        select 1 from settlement.family_move r
        where r.lane = m.lane and r.hold_id = m.hold_id and r.kind in (2, 3)
    )
order by m.moved_at, m.hold_id
limit $2;

-- name: family_moves_untold
-- What accounts paid for relatives, or got back, after a place in time, and nobody has been told by
-- a message yet, the oldest first; with the hold of the same account that was told before it, where
-- one was. A notice is numbered as settlement/outbox.py does: ten times the kind.
select m.lane, m.hold_id, m.kind, m.entry_id, m.moved_at, m.psn_no, m.patient_no, m.institution,
       m.setl_id, m.amount_fen, m.balance_fen, b.hold_id as after_hold
from settlement.family_move m
left join lateral (
    select p.hold_id
    from settlement.family_move p
    where p.lane = m.lane and p.psn_no = m.psn_no and m.kind = 2 and p.kind = 2
        and (p.moved_at, p.entry_id) < (m.moved_at, m.entry_id)
    order by p.moved_at desc, p.entry_id desc
    limit 1
) as b on true
where m.kind in (2, 4) and (m.moved_at, m.entry_id) > ($1, $2)
    and not exists (
        select 1 from settlement.outbox o
        where o.lane = m.lane and o.case_no = m.hold_id and o.notice_no = 10 * m.kind
    )
order by m.moved_at, m.entry_id
limit $3;

-- name: payments_open
-- Payments over channels that are not at their end, the oldest first.
select d.pay_no
from settlement.payment_due d
join settlement.payment p on p.lane = d.lane and p.pay_no = d.pay_no
order by p.opened_at
limit $1;

-- name: payments_due
-- Payments over channels that the resolver should have looked at by now, the oldest of each channel
-- first, and of each no more than so many.
select d.pay_no, d.due_at, d.channel
from (
    select pay_no, due_at, channel,
           row_number() over (partition by channel order by due_at) as place
    from settlement.payment_due
    where due_at <= $1
) d
where d.place <= $2
order by d.due_at;

-- name: orders_due
-- Orders of mobile payment that nobody paid in time, the oldest first.
select d.lane, d.order_no, o.psn_no, o.institution, o.mdtrt_id
from settlement.mobile_due d
join settlement.mobile_order o on o.lane = d.lane and o.order_no = d.order_no
where d.due_at <= $1
order by d.due_at
limit $2;

-- name: cases_due
-- Cases of people insured elsewhere that somebody should have looked at by now, the oldest first;
-- of each region no more than so many: one that is silent must not hold up the others.
select q.case_no, q.due_at, q.psn_no, q.institution, q.insured_region
from (
    select d.case_no, d.due_at, c.psn_no, c.institution, c.insured_region,
           row_number() over (partition by c.insured_region order by d.due_at) as place
    from settlement.remote_due d
    join settlement.remote_case c on c.lane = d.lane and c.case_no = d.case_no
    where d.due_at <= $1
) q
where q.place <= $2
order by q.due_at;

-- name: outbox_next
-- The oldest undelivered notice of each case that is due, so many of each institution: one whose
-- receiver is silent holds up nobody else. With where it goes, and what signs it.
select q.lane, q.case_no, q.notice_no, q.attempts, q.kind, q.topic, q.institution, q.told_at,
       q.payload, r.url, c.access_key, c.key_version, c.secret, c.body_keys
from (
    select d.lane, d.case_no, d.notice_no, d.due_at, d.attempts, o.kind, o.topic, o.institution,
           o.told_at, o.payload,
           row_number() over (partition by o.institution order by d.due_at) as place
    from settlement.outbox_due d
    join settlement.outbox o
        on o.lane = d.lane and o.case_no = d.case_no and o.notice_no = d.notice_no
    where d.due_at <= $1
        and not exists (
            select 1 from settlement.outbox_due b
            where b.lane = d.lane
                and (
                    b.case_no = d.case_no and b.notice_no < d.notice_no
                    or b.case_no = d.after_case
                )
        )
) as q
left join settlement.receiver r on r.institution = q.institution and r.kind = q.kind
left join settlement.credential c on c.access_key = r.access_key
where q.place <= $2
order by q.due_at;

-- name: outbox_undelivered
-- What we owe and have not delivered, the oldest first, with what came of the last attempt.
select o.lane, o.case_no, o.notice_no, o.kind, o.topic, o.institution, o.told_at, d.due_at,
       d.attempts, a.began_at, a.http_status, a.came, a.said
from settlement.outbox_due d
join settlement.outbox o
    on o.lane = d.lane and o.case_no = d.case_no and o.notice_no = d.notice_no
left join lateral (
    select l.began_at, l.http_status, l.came, l.said
    from settlement.outbox_attempt l
    where l.lane = d.lane and l.case_no = d.case_no and l.notice_no = d.notice_no
    order by l.attempt_no desc
    limit 1
) as a on true
order by o.told_at, o.case_no, o.notice_no
limit $1;

-- name: outbox_backlog
-- How much is owed, and since when the oldest of it.
select count(*)::integer as notices, min(o.told_at) as oldest_at
from settlement.outbox_due d
join settlement.outbox o
    on o.lane = d.lane and o.case_no = d.case_no and o.notice_no = d.notice_no;

-- name: requests_open
-- Requests of stays that nobody has answered, made in a period: of an institution for its ward, of
-- all to find those whose time is over. The oldest first.
select v.mdtrt_id
from settlement.visit v
where v.kind = 3 and v.begun_at > $1 and v.begun_at <= $2
    and ($3::text is null or v.institution = $3)
    and not exists (
        select 1 from settlement.visit_event e
        where e.lane = v.lane and e.mdtrt_id = v.mdtrt_id and e.kind in (14, 15)
    )
order by v.begun_at, v.mdtrt_id
limit $4;

-- name: matters_of_agent
-- Authorisations that somebody was given, of whoever gave them.
select m.lane, m.psn_no
from settlement.matter m
where m.agent_no = $1 and m.kind = 2
order by m.opened_at, m.matter_no
limit $2;

-- name: matters_open
-- Matters that wait for a clerk or for a bank: applied for, or taken out of the account and not at
-- their end. The oldest first.
select m.lane, m.matter_no, m.opened_at, m.kind, m.psn_no, l.kind as event_kind, l.amount_fen
from settlement.matter m
join lateral (
    select e.kind, e.amount_fen
    from settlement.matter_event e
    where e.lane = m.lane and e.matter_no = m.matter_no
    order by e.event_no desc
    limit 1
) as l on true
where l.kind in (1, 6)
order by m.opened_at, m.matter_no
limit $1;

-- name: legs_here
-- What other regions owe us: settlement rows of their people before a day, whether taken back by a
-- reversal before it, and the case of each, as home_case at the other region has it: our number of
-- it, which is the visit between regions, not theirs of the settlement; not of who paid everything
-- in advance. Some parties by the beginning of their codes.
select e.setl_id, coalesce(o.visit_no, e.visit_no) as case_no, t.kind <> 1 as reversal,
       t.kind = 3 as reverses, u.setl_id is not null as reversed, e.insured_region as region,
       e.institution, e.setl_on as settled_on, t.clearing_type, t.scheme, t.total_fen, t.fund_fen,
       t.account_fen
from (select distinct l.lane from ledger.lane l) as l
join settlement.insured_elsewhere e on e.lane = l.lane
join settlement.settlement t on t.lane = e.lane and t.setl_id = e.setl_id
left join settlement.insured_elsewhere o
    on o.lane = e.lane and o.institution = e.institution and o.setl_id = t.undoes_setl_id
left join settlement.settlement u
    on u.lane = e.lane and u.undoes_setl_id = e.setl_id and u.kind = 3
    and (u.setl_time at time zone interval '+08:00')::date < $2
where e.setl_on >= $1 and e.setl_on < $2 and starts_with(e.insured_region, $3)
    and not e.paid_in_advance
order by e.setl_on, e.setl_id;

-- name: parties_here
-- The regions of insurance that settlement rows before a day are of, and those with an institution
-- that has rows.
select e.insured_region as region, e.institution
from (select distinct l.lane from ledger.lane l) as l
join settlement.insured_elsewhere e on e.lane = l.lane
where e.setl_on < $1 and not e.paid_in_advance
group by e.insured_region, e.institution
order by e.insured_region, e.institution;

-- name: legs_home
-- What we owe another region: settlement rows of our people who were treated there, of some days or
-- of some cases.
select h.setl_id, h.case_no, t.kind <> 1 as reversal, h.setl_on as settled_on, t.total_fen,
       t.fund_fen, t.account_fen
from (select distinct l.lane from ledger.lane l) as l
join settlement.home_case h on h.lane = l.lane
join settlement.settlement t on t.lane = h.lane and t.setl_id = h.setl_id
where h.treated_region = $1 and h.setl_on >= $2 and h.setl_on < $3
    and ($4::text[] is null or h.case_no = any ($4::text[]))
order by h.setl_on, h.setl_id;

-- name: owed_by_rows
-- What a party owes us by all settlement rows (side 1), or we owe it (side 2), less what was paid
-- for its months: what the ledger must have.
select coalesce(sum(r.owed_fen), 0)::bigint
from (
    select t.fund_fen + t.account_fen as owed_fen
    from (select distinct l.lane from ledger.lane l) as l
    join settlement.insured_elsewhere e on e.lane = l.lane
    join settlement.settlement t on t.lane = e.lane and t.setl_id = e.setl_id
    where $1::smallint = 1 and starts_with(e.insured_region, $2) and not e.paid_in_advance
    union all
    select t.fund_fen + t.account_fen
    from (select distinct l.lane from ledger.lane l) as l
    join settlement.home_case h on h.lane = l.lane
    join settlement.settlement t on t.lane = h.lane and t.setl_id = h.setl_id
    where $1::smallint = 2 and starts_with(h.treated_region, $2)
    union all
    select - s.amount_fen
    from (select distinct l.lane from ledger.lane l) as l
    join settlement.region_clearing_step s on s.lane = l.lane
    where s.side = $1::smallint and s.party = $3 and s.act in (9, 10)
) as r;

-- name: confirmed_rows
-- What institutions said of a clearing list, of months up to one: every step.
select c.institution, c.month, c.step_no, c.kind, c.reference, c.withdraws, c.fingerprint,
       c.included, c.left_out
from (select distinct l.lane from ledger.lane l) as l
join settlement.cross_city_step c on c.lane = l.lane
where c.month <= $1
order by c.institution, c.month, c.step_no;

-- name: region_periods
-- The periods of a month, with what their rows come to: all, and what was not postponed.
select s.party, s.side,
       count(c.case_no)::integer as legs,
       coalesce(sum(c.fund_fen + c.account_fen), 0)::bigint as owed_fen,
       (count(c.case_no) filter (where m.mark is distinct from 3))::integer as standing_legs,
       coalesce(sum(c.fund_fen + c.account_fen) filter (where m.mark is distinct from 3), 0)::bigint
           as standing_fen,
       (count(c.case_no) filter (where m.mark = 1))::integer as disputed_legs
from (select distinct l.lane from ledger.lane l) as l
join settlement.region_clearing_step s on s.lane = l.lane and s.step_no = 1
left join settlement.region_clearing_leg c
    on c.lane = s.lane and c.party = s.party and c.side = s.side and c.month = s.month
left join lateral (
    select p.mark
    from settlement.region_clearing_mark p
    where p.lane = c.lane and p.party = c.party and p.side = c.side and p.month = c.month
        and p.case_no = c.case_no and p.reversal = c.reversal
    order by p.step_no desc
    limit 1
) as m on true
where s.month = $1
group by s.party, s.side
order by s.party, s.side;

-- name: prepaid_parties
-- With whom there is anything about a prepayment.
select p.party, p.side
from (select distinct l.lane from ledger.lane l) as l
join settlement.region_prepayment p on p.lane = l.lane and p.step_no = 1
order by p.party, p.side;

-- name: open_differences
-- The worklist: what regions and hub do not agree on and nobody has ended, the oldest first, with
-- what was said of it last.
select d.region, d.side, d.day, d.found_at, d.case_no, d.reversal, d.class, d.ours_fen,
       d.theirs_fen, d.hub_fen, s.act, s.actor
from (select distinct l.lane from ledger.lane l) as l
join settlement.region_difference d on d.lane = l.lane
left join settlement.region_difference_end e
    on e.lane = d.lane and e.region = d.region and e.side = d.side and e.day = d.day
    and e.case_no = d.case_no and e.reversal = d.reversal and e.class = d.class
    and e.found_no = d.found_no
left join lateral (
    select p.act, p.actor
    from settlement.region_difference_step p
    where p.lane = d.lane and p.region = d.region and p.side = d.side and p.day = d.day
        and p.case_no = d.case_no and p.reversal = d.reversal and p.class = d.class
        and p.found_no = d.found_no
    order by p.step_no desc
    limit 1
) as s on true
where e.case_no is null
order by d.day, d.region, d.case_no, d.reversal
limit $1;

-- name: rows_here_up_to
-- How many rows there are of people from elsewhere who settled here before a day, counted up to a
-- bound: whether stating them is short.
select count(*)::integer
from (
    select e.setl_id
    from settlement.insured_elsewhere e
    where e.setl_on < $1
    limit $2
) as few;

-- name: papers_of_statements
-- Papers that went over the wire about these statements: the statement itself, answers to it, and
-- notices. The newest first.
select p.sent, p.kind, p.number, min(p.kept_at) as kept_at, e.taken, e.said
from (select distinct l.lane from ledger.lane l) as l
join settlement.region_paper p on p.lane = l.lane
left join settlement.region_paper_end e
    on e.lane = p.lane and e.region = p.region and e.sent = p.sent and e.number = p.number
    and e.digest = p.digest
where exists (
    select 1 from unnest($1::text[]) as n (number)
    where p.number = n.number or starts_with(p.number, n.number || '-')
)
group by p.lane, p.region, p.sent, p.kind, p.number, p.digest, e.taken, e.said
order by min(p.kept_at) desc, p.number
limit $2;

-- name: region_papers
-- Papers that were sent or received, with what became of them; a paper is whole where all its parts
-- are there. All of them; or ours alone that do not rest, or theirs that are whole, of which
-- nothing became yet. In the order in which they came.
select p.region, p.sent, p.number, p.digest, min(p.kind) as kind, min(p.kept_at) as kept_at,
       count(*) = min(p.parts) as whole, e.ended_at, e.taken, e.said, m.said as rests
from settlement.region_paper p
left join settlement.region_paper_end e
    on e.lane = p.lane and e.region = p.region and e.sent = p.sent and e.number = p.number
    and e.digest = p.digest
left join settlement.region_paper_mark m
    on p.sent and m.mark = 1 and m.lane = p.lane and m.region = p.region and m.number = p.number
    and m.digest = p.digest
    and not exists (
        select 1
        from settlement.region_paper_mark a
        where a.lane = m.lane and a.region = m.region and a.number = m.number
            and a.digest = m.digest and a.mark_no > m.mark_no
    )
where $1::boolean is null or (e.ended_at is null and p.sent = $1 and m.mark is null)
group by p.lane, p.region, p.sent, p.number, p.digest, e.ended_at, e.taken, e.said, m.said
having coalesce($1::boolean, true) or count(*) = min(p.parts)
order by min(p.kept_at), p.region, p.number
limit $2;

-- name: region_files
-- Files of other regions and the hub about some days, or the months that they are in, of all lanes,
-- the newest first; and how many there are.
select f.lane, f.file_no, f.received_at, f.size_bytes, f.day, f.region, f.kind, f.told_by, f.name,
       f.actor, f.sha256, count(*) over () as in_all
from settlement.region_file f
where f.day between $1 and $2
order by f.received_at desc, f.file_no desc
limit $3 offset $4;

-- name: region_comparisons
-- When days from one on were last compared with each region on one side, whether the hub's rows
-- were ever there, and whether something of them differs that nobody has ended.
select c.region, c.day, max(c.compared_at) as compared_at, bool_or(c.hub is not null) as with_hub,
       exists (
           select 1
           from settlement.region_difference d
           left join settlement.region_difference_end e
               on e.lane = d.lane and e.region = d.region and e.side = d.side and e.day = d.day
               and e.case_no = d.case_no and e.reversal = d.reversal and e.class = d.class
               and e.found_no = d.found_no
           where d.lane = c.lane and d.region = c.region and d.side = c.side and d.day = c.day
               and e.case_no is null
       ) as differs
from settlement.region_comparison c
where c.side = $1 and c.day >= $2
group by c.lane, c.region, c.side, c.day;

-- name: money_files
-- The files of money in of a kind, newest first, with what became of them.
select f.lane, f.file_no, f.subject, f.month, f.digest, f.name, f.row_count, f.in_fen, f.out_fen,
       f.totals
from settlement.money_file f
where f.subject = $1
order by f.file_no desc;

-- name: money_income
-- Booked income of a month by scheme, fund and source, and what funds had at the beginning.
select r.scheme, r.fund, r.source, sum(r.amount_fen)::bigint as fen
from settlement.money_row r
join ledger.entry e on e.lane = r.lane and e.entry_id = r.entry_id and e.code = 81
where r.psn_no = '' and r.month = $1
group by r.scheme, r.fund, r.source
order by r.scheme, r.fund, r.source;

-- name: money_allotted
-- Booked rows of a month about personal accounts by source, with what they came to.
select r.source, count(*) as row_count, sum(r.amount_fen)::bigint as amount_fen,
       sum(coalesce(t.taken_fen, r.amount_fen))::bigint as taken_fen,
       sum(coalesce(t.owed_fen, 0))::bigint as owed_fen
from settlement.money_row r
join ledger.entry e on e.lane = r.lane and e.entry_id = r.entry_id and e.code = 82
left join settlement.money_taken t
    on t.lane = r.lane and t.entry_id = r.entry_id and t.row_no = r.row_no
where r.psn_no <> '' and r.month = $1
group by r.source
order by r.source;

-- name: journal_blocks_of_days
-- The first and last block of each journal in these business days.
select b.journal, min(b.block_no) as first_block, max(b.block_no) as last_block
from ledger.block b
where b.business_day between $1 and $2
group by b.journal
order by b.journal;

-- name: fund_movements
-- What accounts between two numbers spent in some blocks of a journal, of these business days.
select m.account, sum(m.debits - m.credits)::bigint as fen
from ledger.movement m
join ledger.block b on b.journal = m.journal and b.block_no = m.block_no
where m.journal = $1 and m.block_no between $2 and $3 and b.business_day between $4 and $5
    and m.account between $6 and $7
group by m.account;

-- name: fund_names
-- The agency's expenditure accounts of funds.
select a.account, a.name
from ledger.account a
where a.account between $1 and $2
order by a.account;

