-- What the console reads and writes (ADR 0037). Never on the settle path: it visits all lanes.
--
-- Blocks that show cases take the scope as their first parameter: the institution whose cases alone
-- may be seen, or null for all. The page cannot forget it, because the statement has no other form.

-- name: console_user
-- A user by name, to sign in or to be changed.
select u.name, u.display_name, u.role, u.institution, u.password_hash, u.password_at,
       u.must_change, u.locked, u.totp_key, u.totp_key_version, u.totp_step, u.created_at
from settlement.console_user u
where u.name = $1;

-- name: console_users
-- Everybody who may sign in, with how many sessions are open and when one was last heard of.
select u.name, u.display_name, u.role, u.institution, u.password_at, u.must_change, u.locked,
       u.totp_key is not null as has_totp, u.created_at,
       (
           select max(s.seen_at) from settlement.console_session s where s.user_name = u.name
       ) as seen_at
from settlement.console_user u
order by u.role, u.name;

-- name: add_console_user
-- A new user; nothing where the name is taken.
insert into settlement.console_user (
    created_at, password_at, must_change, name, display_name, role, institution, password_hash
)
values ($1, $1, $2, $3, $4, $5, $6, $7)
on conflict (name) do nothing
returning name;

-- name: set_console_password
-- A password, chosen by the user or given by somebody else.
update settlement.console_user
set password_hash = $2, password_at = $3, must_change = $4
where name = $1
returning name;

-- name: set_console_lock
-- Nobody may sign in with it, or somebody may again.
update settlement.console_user
set locked = $2
where name = $1 and locked <> $2
returning name;

-- name: set_console_role
-- What a user may do from now on.
update settlement.console_user
set role = $2, institution = $3
where name = $1
returning name;

-- name: set_console_totp
-- The key of the second factor, or none.
update settlement.console_user
set totp_key = $2, totp_key_version = $3, totp_step = $4
where name = $1
returning name;

-- name: use_console_totp
-- A code counts once: whoever comes second with it, or with an older one, finds it used.
update settlement.console_user
set totp_step = $2
where name = $1 and totp_step < $2
returning name;

-- name: console_attempt
-- How often a name was tried in vain, and until when it is left alone.
select a.failures, a.blocked_until
from settlement.console_attempt a
where a.key = $1;

-- name: count_console_attempt
-- One more attempt, counted before the password is looked at, so that attempts at the same moment
-- are not free. Nothing where another one was counted meanwhile.
insert into settlement.console_attempt as a (key, failures, blocked_until)
values ($1, $2, $3)
on conflict (key) do update
    set failures = excluded.failures, blocked_until = excluded.blocked_until
    where a.failures = $4
returning a.failures;

-- name: forget_console_attempts
-- A name was signed in with, or is given another chance; and what is a day old.
delete from settlement.console_attempt a
where a.key = $1 or a.blocked_until < $2;

-- name: open_console_session
-- Somebody signed in.
insert into settlement.console_session (
    started_at, seen_at, token_hash, user_name, address, draft, draft_version
)
values ($1, $1, $2, $3, $4, $5, $6);

-- name: console_session
-- Whose session it is, as the user is now: a role that was changed is in force at once.
select s.started_at, s.seen_at, s.draft, s.draft_version, u.name, u.display_name, u.role,
       u.institution, u.must_change, u.locked, u.totp_key is not null as has_totp
from settlement.console_session s
join settlement.console_user u on u.name = s.user_name
where s.token_hash = $1;

-- name: touch_console_session
-- It was heard of.
update settlement.console_session
set seen_at = $2
where token_hash = $1;

-- name: drop_console_draft
-- What was kept is in the form again.
update settlement.console_session
set draft = null
where token_hash = $1;

-- name: end_console_session
-- Signed out here.
delete from settlement.console_session s where s.token_hash = $1;

-- name: end_console_sessions
-- Signed out everywhere.
delete from settlement.console_session s where s.user_name = $1;

-- name: drop_console_sessions
-- Sessions whose time is over.
delete from settlement.console_session s where s.started_at < $1 or s.seen_at < $2;

-- name: console_audit
-- What somebody did or saw in the console.
insert into settlement.audit (at, actor, action, subject, note, origin)
values ($1, $2, $3, $4, $5, $6);

-- name: console_audit_page
-- The audit, the newest first, from a row on: by actor, by action, by how the subject begins, by
-- day; null where it is of no account. With its place in the chain.
select a.audit_id, a.at, a.actor, a.action, a.subject, a.note, a.origin, l.link_no
from settlement.audit a
left join settlement.audit_link l on l.audit_id = a.audit_id
where ($1::text is null or a.actor = $1)
    and ($2::text is null or a.action = $2)
    and ($3::text is null or starts_with(a.subject, $3))
    and ($4::timestamptz is null or a.at >= $4)
    and ($5::timestamptz is null or a.at < $5)
    and ($6::bigint is null or a.audit_id < $6)
order by a.audit_id desc
limit $7;

-- name: console_settlements
-- Settlement rows by number, within the scope.
select t.lane, t.setl_id, t.kind, t.setl_time, t.institution, i.name as institution_name, t.psn_no,
       t.infno, t.msgid, t.care_type, t.invoice_no, t.total_fen, t.fund_fen, t.account_fen,
       t.cash_fen, t.hospital_fen, t.undoes_setl_id, n.setl_id as undone_by
from unnest($2::smallint[], $3::bigint[]) as k (lane, setl_id)
join settlement.settlement t on t.lane = k.lane and t.setl_id = k.setl_id
left join settlement.institution i on i.code = t.institution
left join settlement.settlement n on n.lane = t.lane and n.undoes_setl_id = t.setl_id
where $1::text is null or t.institution = $1
order by t.setl_time desc, t.setl_id desc;

-- name: console_settlements_by_key
-- Settlement rows by the keys of their messages, in whatever lane they are.
select m.lane, m.ref as number
from (select distinct l.lane from ledger.lane l) as l
join settlement.message m on m.lane = l.lane and m.key = any ($2::bytea[])
join settlement.settlement t on t.lane = m.lane and t.setl_id = m.ref
where m.outcome = 1 and ($1::text is null or t.institution = $1);

-- name: console_settlements_by_invoice
-- Settlement rows by invoice number: those that are listed, and those of blocks that are not yet.
-- `offset 0` keeps to single look-ups, as in the view `settlement.statement`.
select t.lane, t.setl_id as number
from (select distinct l.lane from ledger.lane l) as l
join settlement.invoice_row r on r.lane = l.lane and r.invoice_no = $2
join settlement.settlement t on t.lane = r.lane and t.setl_id = r.setl_id
where $1::text is null or t.institution = $1
union
select t.lane, t.setl_id
from ledger.journal j
cross join lateral (
    select coalesce(max(l.through_block), 0) as through_block
    from settlement.listing l
    where l.journal = j.journal
) as listed
cross join lateral (
    select e.lane, e.entry_id
    from ledger.entry e
    where e.journal = j.journal and e.block_no > listed.through_block and e.code in (1, 2, 3)
    offset 0
) as e
cross join lateral (
    select s.lane, s.setl_id, s.invoice_no, s.institution
    from settlement.settlement s
    where s.lane = e.lane and s.setl_id = e.entry_id
    offset 0
) as t
where t.invoice_no = $2 and ($1::text is null or t.institution = $1);

-- name: console_payments_by_order
-- Payments by the institution's order or refund number, by our number at the channel, or by the
-- channel's own reference.
select p.lane, p.pay_no as number, p.setl_id
from (select distinct l.lane from ledger.lane l) as l
cross join lateral (
    select o.pay_no from settlement.payment o where o.lane = l.lane and o.order_no = $2
    union
    select e.pay_no from settlement.payment_event e where e.lane = l.lane and e.order_no = $2
    union
    select e.pay_no
    from settlement.payment_event e
    where e.lane = l.lane and e.kind in (2, 3, 10, 11)
        and ((e.content::jsonb -> 1) ->> 'reference') = $2
) as k
join settlement.payment p on p.lane = l.lane and p.pay_no = k.pay_no
where $1::text is null or p.institution = $1
order by p.opened_at desc
limit $3;

-- name: console_payment
-- Whether a payment is within the scope.
select p.pay_no
from settlement.payment p
where p.lane = $2 and p.pay_no = $3 and ($1::text is null or p.institution = $1);

-- name: console_entries
-- Entries of a case by number, or by what they resolve, with their transfers in words.
select t.entry_id, t.leg, t.kind, t.code, t.pending_id, t.debit, t.credit, t.amount_fen,
       b.booked_at, b.business_day, t.journal, t.block_no,
       coalesce(d.name, '') as debit_name, coalesce(d.owner, '') as debit_owner,
       coalesce(c.name, '') as credit_name, coalesce(c.owner, '') as credit_owner
from (
    select e.entry_id from ledger.entry e where e.lane = $1 and e.entry_id = any ($2::bigint[])
    union
    select e.entry_id from ledger.entry e where e.lane = $1 and e.pending_id = any ($2::bigint[])
    union
    select e.pending_id
    from ledger.entry e
    where e.lane = $1 and e.entry_id = any ($2::bigint[]) and e.pending_id is not null
) as k
join ledger.transfer t on t.lane = $1 and t.entry_id = k.entry_id
join ledger.block b on b.journal = t.journal and b.block_no = t.block_no
left join ledger.account d on d.account = t.debit
left join ledger.account c on c.account = t.credit
order by t.block_no, t.ordinal, t.leg;

-- name: console_person_rows
-- The numbers of a person's settlement rows, the newest first, as they are linked; within the
-- scope. The limit keeps each step a look-up by the whole key (list_settlements).
with recursive walk (setl_id, prior_row, institution, place) as (
    select t.setl_id, t.prior_row, t.institution, 1
    from settlement.person p
    join settlement.settlement t on t.lane = p.lane and t.setl_id = p.latest_row
    where p.lane = $2 and p.psn_no = $3
    union all
    select t.setl_id, t.prior_row, t.institution, w.place + 1
    from walk w
    cross join lateral (
        select q.setl_id, q.prior_row, q.institution
        from settlement.settlement q
        where q.lane = $2 and q.setl_id = w.prior_row
        limit 1
    ) t
    where w.place < $4
)
select w.setl_id
from walk w
where $1::text is null or w.institution = $1
order by w.place;

-- name: console_person
-- Who a person is, encrypted.
select p.lane, p.psn_no, p.account, p.home_region, p.family, p.key_version, p.identity,
       p.enrolments,
       coalesce(b.credits - b.debits - b.debits_pending, 0) as balance_fen
from settlement.person p
left join ledger.balance b on b.lane = p.lane and b.account = p.account
where p.lane = $1 and p.psn_no = $2;

-- name: console_persons_named
-- Who has a name: the keys that begin with its keyed hash, in the order of person numbers. A number
-- is UTF-8, which has no byte ff.
select l.psn_lane, l.psn_no
from settlement.lookup l
where l.lane = $1 and l.kind = 4 and l.key > $2::bytea and l.key < $2::bytea || '\xff'::bytea
order by l.key
limit $3;

-- name: console_payments_open
-- Payments that are not at their end, the oldest first, and when the resolver looks next; with
-- `$2`, those after one of them, whether or not it is at its end by now.
select d.lane, d.pay_no, d.due_at, d.channel
from settlement.payment_due d
join settlement.payment p on p.lane = d.lane and p.pay_no = d.pay_no
where ($1::text is null or p.institution = $1)
    and ($2::bigint is null or (p.opened_at, p.pay_no) > (
        select o.opened_at, o.pay_no from settlement.payment o where o.lane = $3 and o.pay_no = $2
    ))
order by p.opened_at, p.pay_no
limit $4;

-- name: console_doubt
-- How much is not at its end, and since when the oldest of it.
select count(*) as payments, coalesce(sum(p.amount_fen), 0)::bigint as amount_fen,
       min(p.opened_at) as oldest_at
from settlement.payment_due d
join settlement.payment p on p.lane = d.lane and p.pay_no = d.pay_no
where $1::text is null or p.institution = $1;

-- name: console_cases_open
-- Cases of people insured elsewhere that are not at their end, the oldest first; when somebody
-- looks next, and what happened to each, in order. With `$3`, those after one of them.
select c.lane, c.case_no, c.opened_at, d.due_at, c.total_fen, c.institution, c.insured_region,
       c.infno, c.msgid, h.kinds, h.recorded
from settlement.remote_due d
join settlement.remote_case c on c.lane = d.lane and c.case_no = d.case_no
cross join lateral (
    select array_agg(e.kind order by e.event_no) as kinds,
           array_agg(e.recorded_at order by e.event_no) as recorded
    from settlement.remote_event e
    where e.lane = c.lane and e.case_no = c.case_no
) h
where ($1::text is null or c.institution = $1)
    and ($2::text is null or c.insured_region = $2)
    and ($3::bigint is null or (c.opened_at, c.case_no) > (
        select o.opened_at, o.case_no
        from settlement.remote_case o
        where o.lane = $4 and o.case_no = $3
    ))
order by c.opened_at, c.case_no
limit $5;

-- name: console_cases_open_counted
-- How many of them there are.
select count(*)
from settlement.remote_due d
join settlement.remote_case c on c.lane = d.lane and c.case_no = d.case_no
where ($1::text is null or c.institution = $1)
    and ($2::text is null or c.insured_region = $2);

-- name: console_remote_case
-- One such case, open or not.
select c.lane, c.case_no, c.opened_at, d.due_at, c.total_fen, c.institution, c.insured_region,
       c.infno, c.msgid, h.kinds, h.recorded
from settlement.remote_case c
left join settlement.remote_due d on d.lane = c.lane and d.case_no = c.case_no
cross join lateral (
    select array_agg(e.kind order by e.event_no) as kinds,
           array_agg(e.recorded_at order by e.event_no) as recorded
    from settlement.remote_event e
    where e.lane = c.lane and e.case_no = c.case_no
) h
where ($1::text is null or c.institution = $1) and c.lane = $2 and c.case_no = $3;

-- name: console_home_case
-- Rows of a case of somebody of ours who was treated in another region, by the number that it has
-- there: the settlement, then what took it back.
select h.lane, h.setl_id, t.kind, h.setl_on, h.treated_region, h.institution, h.institution_name,
       h.filing, t.total_fen, t.fund_fen, t.account_fen
from (select distinct l.lane from ledger.lane l) as l
join settlement.home_case h on h.lane = l.lane
join settlement.settlement t on t.lane = h.lane and t.setl_id = h.setl_id
where ($1::text is null or t.institution = $1) and h.treated_region = $2 and h.case_no = $3
order by h.setl_id;

-- name: console_undelivered
-- Notices that we owe and have not delivered, the oldest first, and how many there are. What came
-- of the last attempt is looked up for those of the page alone.
select p.case_no, p.notice_no, p.topic, p.institution, p.told_at, p.due_at, p.attempts,
       a.http_status, a.came, a.said, p.owed
from (
    select o.lane, o.case_no, o.notice_no, o.topic, o.institution, o.told_at, d.due_at, d.attempts,
           count(*) over () as owed
    from settlement.outbox_due d
    join settlement.outbox o
        on o.lane = d.lane and o.case_no = d.case_no and o.notice_no = d.notice_no
    where $1::text is null or o.institution = $1
    order by o.told_at, o.case_no, o.notice_no
    limit $2
) as p
left join lateral (
    select l.http_status, l.came, l.said
    from settlement.outbox_attempt l
    where l.lane = p.lane and l.case_no = p.case_no and l.notice_no = p.notice_no
    order by l.attempt_no desc
    limit 1
) as a on true
order by p.told_at, p.case_no, p.notice_no;

-- name: console_institutions
-- Designated institutions by a part of their code or name, from after one on, with the reason
-- where one is stopped.
select i.code, i.name, i.kind, i.account_base, i.region, i.hospital_level, i.agreement_from,
       i.agreement_to, i.suspended, s.since, s.reason
from settlement.institution i
left join settlement.suspension s on s.subject_kind = 'institution' and s.subject = i.code
where ($1::text is null or i.code = $1)
    and ($2::text = '' or strpos(i.code, $2) > 0 or strpos(i.name, $2) > 0)
    and i.code > $3
order by i.code
limit $4;

-- name: console_switches
-- Stop switches that are on.
select s.subject_kind, s.subject, s.since, s.reason
from settlement.suspension s
order by s.since desc;

-- name: console_subject
-- Whether there is what a switch would stop, and what people call it; a person is looked up in the
-- lane of its number.
select i.name from settlement.institution i where $1 = 'institution' and i.code = $2
union all
select a.name
from ledger.account a
where $1 = 'fund' and a.account = $3 and a.account between 1000000 and 1999999
union all
select c.institution
from settlement.credential c
where $1 = 'credential' and c.access_key = $2
union all
select '' from settlement.person p where $1 = 'person' and p.lane = $4 and p.psn_no = $2;

-- name: console_day_begins
-- The last block of a journal before a business day, looked for from the newest back.
select coalesce(max(b.block_no), 0)::bigint
from ledger.block b
where b.journal = $1 and b.business_day < $2;

-- name: console_journals
-- The journals that take blocks, and how far they are.
select j.journal, coalesce(b.block_no, 0)::bigint as last_block
from ledger.journal j
left join lateral (
    select k.block_no
    from ledger.block k
    where k.journal = j.journal
    order by k.block_no desc
    limit 1
) as b on true
where j.closed_at is null;

-- name: console_rows_of_blocks
-- What was settled in some blocks of a journal: by institution, transaction, kind and hour.
select t.institution, t.infno, t.kind,
       extract(hour from t.setl_time at time zone interval '+08:00')::integer as hour,
       count(*) as cases, sum(t.total_fen)::bigint as total_fen,
       sum(t.fund_fen)::bigint as fund_fen, sum(t.account_fen)::bigint as account_fen,
       sum(t.cash_fen)::bigint as cash_fen, sum(t.hospital_fen)::bigint as hospital_fen
from ledger.entry e
join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id
where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.code in (1, 2, 3)
group by t.institution, t.infno, t.kind, hour;

-- name: console_money_of_blocks
-- What funds paid and channels collected in some blocks of a journal: by the pair of accounts.
select p.debit, p.credit, sum(p.amount_fen)::bigint as amount_fen
from (
    select x.debit, x.credit, x.amount_fen
    from ledger.entry e
    cross join lateral unnest(e.debits, e.credits, e.amounts) as x (debit, credit, amount_fen)
    where e.journal = $1 and e.block_no > $2 and e.block_no <= $3 and e.kind in (1, 3)
        and e.code not in (11, 12, 13)
) as p
where p.debit between 1000000 and 1999999 or p.credit between 1000000 and 1999999
    or p.debit between 100000000 and 999999999999 or p.credit between 100000000 and 999999999999
group by p.debit, p.credit;

-- name: console_account_names
-- What accounts are called: funds, to say which one paid.
select a.account, a.name
from ledger.account a
where a.account between 1000000 and 1999999
order by a.account;

-- name: bad_audit_link
-- The first link of the audit's chain that is not as it was: its row was changed or is gone, a link
-- before it is gone, or a row has none. The audit is no lane's, and in one place on a cluster too.
select b.audit_id, b.what
from (
    select w.audit_id, w.link_no,
           case
               when w.link_no <> w.place then 'a link of the audit is missing'
               when w.row_id is null then 'a row of the audit is missing'
               when w.hash <> w.computed then 'a row of the audit was changed'
           end as what
    from (
        select l.link_no, l.audit_id, l.hash, a.audit_id as row_id,
               row_number() over (order by l.link_no) as place,
               settlement.audit_hash(
                   coalesce(lag(l.hash) over (order by l.link_no), sha256(''::bytea)), a
               ) as computed
        from settlement.audit_link l
        left join settlement.audit a on a.audit_id = l.audit_id
    ) as w
    union all
    select a.audit_id, null, 'a row of the audit is not linked'
    from settlement.audit a
    left join settlement.audit_link l on l.audit_id = a.audit_id
    where l.audit_id is null
) as b
where b.what is not null
order by b.link_no nulls last, b.audit_id
limit 1;
