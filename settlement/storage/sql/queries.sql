-- Statements of the settle path that are about one lane anyway, the same in either shape. Every
-- one names it, as the leading column of every key it uses. Those of several lanes are in
-- shaped.sql; those that must visit all of them are in scatter.sql and never run here.

-- name: list_settlements
-- A person's settlement rows, newest first, along the chain of their prior rows: of an institution,
-- since a time, or those alone that stand, where that is asked. The limit keeps each step a look-up
-- by the whole key: joined, a young table is read by its lane alone, at every step again.
with recursive chain (setl_id, prior_row, institution, setl_time, kind, depth) as (
    select t.setl_id, t.prior_row, t.institution, t.setl_time, t.kind, 1
    from settlement.person s
    join settlement.settlement t on t.lane = $1 and t.setl_id = s.latest_row
    where s.lane = $1 and s.psn_no = $2
    union all
    select t.setl_id, t.prior_row, t.institution, t.setl_time, t.kind, c.depth + 1
    from chain c
    cross join lateral (
        select p.setl_id, p.prior_row, p.institution, p.setl_time, p.kind
        from settlement.settlement p
        where p.lane = $1 and p.setl_id = c.prior_row
        limit 1
    ) t
    where c.depth < $3
)
select c.setl_id
from chain c
where c.setl_time >= $5 and ($4 = '' or c.institution = $4)
  and (not $6 or c.kind = 1 and not exists (
      select from settlement.settlement u where u.lane = $1 and u.undoes_setl_id = c.setl_id
  ))
order by c.depth;

-- name: list_visits
-- A person's visits, newest first, along the chain of their prior visits: of one institution, or
-- stays alone, where that is asked. The limit as above.
with recursive chain (mdtrt_id, prior_visit, institution, kind, depth) as (
    select v.mdtrt_id, v.prior_visit, v.institution, v.kind, 1
    from settlement.person s
    join settlement.visit v on v.lane = $1 and v.mdtrt_id = s.latest_visit
    where s.lane = $1 and s.psn_no = $2
    union all
    select v.mdtrt_id, v.prior_visit, v.institution, v.kind, c.depth + 1
    from chain c
    cross join lateral (
        select p.mdtrt_id, p.prior_visit, p.institution, p.kind
        from settlement.visit p
        where p.lane = $1 and p.mdtrt_id = c.prior_visit
        limit 1
    ) v
    where c.depth < $3
)
select c.mdtrt_id
from chain c
where ($4 = '' or c.institution = $4) and (not $5 or c.kind = 2)
order by c.depth;

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

-- name: remember_token
-- A token of a code that was decoded for an order, in the person's lane; the same code again is the
-- same token.
insert into settlement.token (lane, psn_no, key, institution, expires_at)
values ($1, $2, $3, $4, $5)
on conflict (lane, psn_no, key) do nothing;

-- name: keep_lookup
-- The way from a key that others show to the person, in the lane of the key.
insert into settlement.lookup (lane, kind, key, psn_lane, psn_no)
values ($1, $2, $3, $4, $5);

-- name: mapping_page
-- A page of an institution's mappings that changed since an instant, by code; each with when it was
-- replaced or withdrawn, null while it stands.
select m.mapping_id, m.recorded_at, m.begins_on, m.ends_on, m.own_code, m.list_type, m.item_code,
       m.content, n.recorded_at as ended_at
from settlement.item_mapping m
left join lateral (
    select l.recorded_at
    from settlement.item_mapping l
    where l.lane = $1 and l.institution = $2 and l.own_code = m.own_code
        and l.item_code = m.item_code and l.list_type = m.list_type
        and (l.recorded_at, l.mapping_id) > (m.recorded_at, m.mapping_id)
    order by l.recorded_at, l.mapping_id
    limit 1
) as n on true
where m.lane = $1 and m.institution = $2 and m.kind = 1
    and coalesce(n.recorded_at, m.recorded_at) >= $3
    and ($4::text = '' or m.own_code = $4) and ($5::text = '' or m.item_code = $5)
    and ($6::text = '' or m.list_type = $6)
    and ($7::date is null or $7 between m.begins_on and m.ends_on)
    and ($8::text = '' or (n.recorded_at is null) = ($8 = '1'))
order by m.own_code, m.recorded_at, m.mapping_id
limit $9 offset $10;

-- name: file_space
-- How many files an institution has, and how large they are together.
select count(*)::integer as file_count, coalesce(sum(f.size_bytes), 0)::bigint as size_bytes
from settlement.file f
where f.lane = $1 and f.institution = $2 and f.expires_at > $3;

-- name: keep_file
-- A file of an institution, in its lane, with the message that makes it.
insert into settlement.file (
    file_no, stored_at, expires_at, size_bytes, lane, institution, name, content, infno, msgid,
    fingerprint
)
values ($2, $3, $4, octet_length($7::bytea), $1, $5, $6, $7::bytea, $8, $9, $10);

-- name: file_of_message
-- The file that a message made before.
select f.file_no, f.name, f.expires_at, f.fingerprint
from settlement.file f
where f.lane = $1 and f.institution = $2 and f.infno = $3 and f.msgid = $4 and f.expires_at > $5;

-- name: drop_own_expired
-- Files of an institution whose time is over: their messages may make others.
delete from settlement.file f where f.lane = $1 and f.institution = $2 and f.expires_at <= $3;

-- name: read_file
-- A file by number, for the institution whose it is.
select f.name, f.content
from settlement.file f
where f.lane = $1 and f.file_no = $2 and f.institution = $3 and f.expires_at > $4;

-- name: clearing_of_message
-- The application that a message made before.
select a.application_no, a.month, a.clearing_type, a.clearing_way, a.settlement_count, a.total_fen,
       a.recognised_fen, a.fund_fen, a.account_fen, a.cash_fen
from settlement.clearing_application a
where a.lane = $1 and a.institution = $2 and a.msgid = $3;

-- name: standing_clearing
-- The application of a month, type and office that was not cancelled.
select a.application_no
from settlement.clearing_application a
where a.lane = $1 and a.institution = $2 and a.month = $3 and a.clearing_type = $4
    and a.clearing_office = $5
    and not exists (
        select 1 from settlement.clearing_cancel c
        where c.lane = $1 and c.application_no = a.application_no
    );

-- name: apply_clearing
-- One more application, where every earlier one is cancelled; else no row. Of two at once the
-- second meets a unique key, that of the attempt or of the message, and waits for the first.
insert into settlement.clearing_application (
    lane, application_no, institution, month, clearing_type, clearing_office, applied_at,
    settlement_count, total_fen, recognised_fen, fund_fen, account_fen, cash_fen, clearing_way,
    operator, operator_name, msgid, attempt
)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, count(*) + 1
from settlement.clearing_application a
left join settlement.clearing_cancel c on c.lane = $1 and c.application_no = a.application_no
where a.lane = $1 and a.institution = $3 and a.month = $4 and a.clearing_type = $5
    and a.clearing_office = $6
having count(*) = count(c.application_no)
on conflict do nothing
returning application_no;

-- name: clearing_by_number
-- An application of an institution, and the message that cancelled it.
select a.application_no, c.msgid as cancelled_by
from settlement.clearing_application a
left join settlement.clearing_cancel c on c.lane = $1 and c.application_no = a.application_no
where a.lane = $1 and a.application_no = $2 and a.institution = $3;

-- name: cancel_clearing
-- An application is cancelled, once.
insert into settlement.clearing_cancel (
    application_no, cancelled_at, lane, operator, operator_name, msgid
)
values ($2, $3, $1, $4, $5, $6)
on conflict (lane, application_no) do nothing;

-- name: find_mobile_order
-- Whose an order of mobile payment is, and who uploaded it.
select o.psn_no, o.institution
from settlement.mobile_order o
where o.lane = $1 and o.order_no = $2;

-- name: outbox_attempted
-- What came of an attempt: the log, and when to try next. No row where somebody else has delivered
-- it meanwhile.
with due as (
    update settlement.outbox_due d
    set attempts = d.attempts + 1, due_at = $5
    where d.lane = $1 and d.case_no = $2 and d.notice_no = $3
    returning d.attempts
)
insert into settlement.outbox_attempt (
    lane, case_no, notice_no, attempt_no, began_at, took_ms, http_status, came, said
)
select $1, $2, $3, (
           select coalesce(max(a.attempt_no), 0) + 1
           from settlement.outbox_attempt a
           where a.lane = $1 and a.case_no = $2 and a.notice_no = $3
       ), $4, $6, $7, $8, $9
from due
returning attempt_no;

-- name: outbox_delivered
-- A notice was taken: the log, and it leaves the worklist.
with gone as (
    delete from settlement.outbox_due d
    where d.lane = $1 and d.case_no = $2 and d.notice_no = $3
    returning d.attempts
)
insert into settlement.outbox_attempt (
    lane, case_no, notice_no, attempt_no, began_at, took_ms, http_status, came, said
)
select $1, $2, $3, (
           select coalesce(max(a.attempt_no), 0) + 1
           from settlement.outbox_attempt a
           where a.lane = $1 and a.case_no = $2 and a.notice_no = $3
       ), $4, $5, $6, $7, $8
from gone
returning attempt_no;

-- name: outbox_resend
-- A notice is to be tried at once, also one that was delivered; its log goes on.
insert into settlement.outbox_due (lane, case_no, notice_no, due_at)
select $1, o.case_no, o.notice_no, $4
from settlement.outbox o
where o.lane = $1 and o.case_no = $2 and ($3::integer is null or o.notice_no = $3)
on conflict (lane, case_no, notice_no) do update set due_at = excluded.due_at
returning notice_no;

-- name: outbox_log
-- Every attempt to tell of a case.
select a.notice_no, a.attempt_no, a.began_at, a.took_ms, a.http_status, a.came, a.said
from settlement.outbox_attempt a
where a.lane = $1 and a.case_no = $2
order by a.notice_no, a.attempt_no;

-- name: payment_exchanges
-- What was said to a channel about a payment and what it said, sealed, by event.
select e.event_no, e.exchange
from settlement.payment_event e
where e.lane = $1 and e.pay_no = $2 and length(e.exchange) > 0
order by e.event_no;

-- name: family_notices
-- What somebody is told of their account: it paid for a relative, or got that back.
select m.entry_id, m.kind, m.moved_at, m.psn_no, m.patient_no, m.institution, m.setl_id,
       m.amount_fen, m.balance_fen
from settlement.family_move m
where m.lane = $1 and m.psn_no = $2 and m.moved_at >= $3 and m.kind in (2, 4)
order by m.moved_at, m.entry_id;

-- name: owe_family_message
-- A message to whose account paid for a relative, or got that back; no row where it is owed
-- already.
with owed as (
    insert into settlement.outbox (
        lane, case_no, notice_no, told_at, kind, topic, institution, payload
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (lane, case_no, notice_no) do nothing
    returning case_no, notice_no, told_at
)
insert into settlement.outbox_due (lane, case_no, notice_no, after_case, due_at)
select $1, o.case_no, o.notice_no, $9, o.told_at from owed o
returning notice_no;

-- name: cross_city_step_of_message
-- The confirmation, or the withdrawal, that a message made before.
select c.month, c.step_no, c.kind, c.reference, c.withdraws, c.fingerprint, c.included, c.left_out
from settlement.cross_city_step c
where c.lane = $1 and c.institution = $2 and c.kind = $3 and c.msgid = $4;

-- name: cross_city_steps
-- What an institution said of a month so far.
select c.month, c.step_no, c.kind, c.reference, c.withdraws, c.fingerprint, c.included, c.left_out
from settlement.cross_city_step c
where c.lane = $1 and c.institution = $2 and c.month = $3
order by c.step_no;

-- name: keep_cross_city_step
-- The next step of a month; no row where somebody took the number, or the message came twice at the
-- same time.
insert into settlement.cross_city_step (
    lane, institution, month, step_no, kind, reference, withdraws, fingerprint, included, left_out,
    recorded_at, operator, operator_name, msgid
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict do nothing
returning step_no;

-- name: account_moves
-- What moved a personal account beside settlements: payments for relatives (2 paid, 4 returned),
-- and what was brought along at the cut-over (0). Those of its settlements that were only noted
-- then, and moved nothing, are told apart (-1). What is held of the account now is that of -2.
select m.kind::integer as kind, m.entry_id, m.moved_at, m.amount_fen
from settlement.family_move m
where m.lane = $1 and m.psn_no = $2 and m.kind in (2, 4)
union all
select 0, o.entry_id, null, o.balance_fen
from settlement.opening o
where o.lane = $1 and o.psn_no = $2 and o.balance_fen > 0
union all
select -1, c.setl_id, null, 0
from settlement.opening_settlement c
where c.lane = $1 and c.setl_id = any ($3::bigint[])
union all
select -2, p.account, null, b.debits_pending
from settlement.person p
join ledger.balance b on b.lane = $1 and b.account = p.account
where p.lane = $1 and p.psn_no = $2;

-- name: find_matter
-- Whose a matter is.
select m.psn_no
from settlement.matter m
where m.lane = $1 and m.matter_no = $2;
