-- Personal data as a whole: what is held about one person, its erasure, and encrypting anew.
-- Operators' commands run these as the schema's owner beside a server, never the settle path.

-- name: held_about
-- Everything that is held about one person, each row whole but for its sealed bytes, which come
-- beside it; a row under way is open. A column that is added later is here by itself.
select 'settlement' as place, t.setl_id as number, 0 as part, t.setl_time as at, false as is_open,
       to_jsonb(t) as told, null::bytea as sealed, 0 as key_version
from settlement.settlement t where t.lane = $1 and t.psn_no = $2
union all
select 'settlement_detail', d.setl_id, 0, t.setl_time, false,
       to_jsonb(d) - array['payload', 'salt'], d.payload, d.key_version
from settlement.settlement t
join settlement.settlement_detail d on d.lane = $1 and d.setl_id = t.setl_id
where t.lane = $1 and t.psn_no = $2
union all
select 'visit', v.mdtrt_id, 0, v.registered_at, p.open_stay is not distinct from v.mdtrt_id,
       to_jsonb(v) - 'payload', v.payload, 0
from settlement.visit v
join settlement.person p on p.lane = $1 and p.psn_no = $2
where v.lane = $1 and v.psn_no = $2
union all
select 'visit_event', e.mdtrt_id, e.event_no, e.recorded_at,
       p.open_stay is not distinct from e.mdtrt_id, to_jsonb(e) - 'payload', e.payload, 0
from settlement.visit v
join settlement.person p on p.lane = $1 and p.psn_no = $2
join settlement.visit_event e on e.lane = $1 and e.mdtrt_id = v.mdtrt_id
where v.lane = $1 and v.psn_no = $2
union all
select 'filing', f.filing_no, 0,
       greatest(f.recorded_at, f.ends_on::timestamp at time zone interval '+08:00'),
       f.ends_on is null and w.filing_no is null, to_jsonb(f) - 'payload', f.payload, 0
from settlement.filing f
left join settlement.filing w on w.lane = $1 and w.withdraws = f.filing_no
where f.lane = $1 and f.psn_no = $2
union all
select 'upload', u.upload_id, 0, u.recorded_at, false, to_jsonb(u) - 'payload', u.payload, 0
from settlement.upload u where u.lane = $1 and u.psn_no = $2
union all
select 'payment', y.pay_no, 0, y.opened_at, d.pay_no is not null, to_jsonb(y) - 'plan', y.plan, 0
from settlement.payment y
left join settlement.payment_due d on d.lane = $1 and d.pay_no = y.pay_no
where y.lane = $1 and y.psn_no = $2
union all
select 'payment_event', e.pay_no, e.event_no, e.recorded_at, d.pay_no is not null,
       to_jsonb(e) - 'exchange', e.exchange, 0
from settlement.payment y
join settlement.payment_event e on e.lane = $1 and e.pay_no = y.pay_no
left join settlement.payment_due d on d.lane = $1 and d.pay_no = y.pay_no
where y.lane = $1 and y.psn_no = $2
union all
select 'mobile_order', o.order_no, 0, o.opened_at, d.order_no is not null,
       to_jsonb(o) - 'payload', o.payload, 0
from settlement.mobile_order o
left join settlement.mobile_due d on d.lane = $1 and d.order_no = o.order_no
where o.lane = $1 and o.psn_no = $2
union all
select 'mobile_event', e.order_no, e.event_no, e.recorded_at, d.order_no is not null,
       to_jsonb(e) - 'payload', e.payload, 0
from settlement.mobile_order o
join settlement.mobile_event e on e.lane = $1 and e.order_no = o.order_no
left join settlement.mobile_due d on d.lane = $1 and d.order_no = o.order_no
where o.lane = $1 and o.psn_no = $2
union all
select 'remote_case', c.case_no, 0, c.opened_at, d.case_no is not null,
       to_jsonb(c) - 'payload', c.payload, 0
from settlement.remote_case c
left join settlement.remote_due d on d.lane = $1 and d.case_no = c.case_no
where c.lane = $1 and c.psn_no = $2
union all
select 'remote_event', e.case_no, e.event_no, e.recorded_at, d.case_no is not null,
       to_jsonb(e) - 'payload', e.payload, 0
from settlement.remote_case c
join settlement.remote_event e on e.lane = $1 and e.case_no = c.case_no
left join settlement.remote_due d on d.lane = $1 and d.case_no = c.case_no
where c.lane = $1 and c.psn_no = $2
union all
select 'outbox', b.case_no, b.notice_no, b.told_at, d.case_no is not null,
       to_jsonb(b) - 'payload', b.payload, 0
from settlement.outbox b
left join settlement.outbox_due d
    on d.lane = $1 and d.case_no = b.case_no and d.notice_no = b.notice_no
where b.lane = $1 and b.case_no in (
    select o.order_no from settlement.mobile_order o where o.lane = $1 and o.psn_no = $2
    union all
    select y.pay_no from settlement.payment y where y.lane = $1 and y.psn_no = $2
    union all
    select m.matter_no from settlement.matter m where m.lane = $1 and m.psn_no = $2
    union all
    select f.hold_id from settlement.family_move f where f.lane = $1 and f.psn_no = $2
)
union all
select 'person_change', c.version, 0, c.changed_at, false, to_jsonb(c), null, 0
from settlement.person_change c where c.lane = $1 and c.psn_no = $2
union all
select 'matter', m.matter_no, 0, m.opened_at,
       not exists (
           select from settlement.matter_event n
           where n.lane = $1 and n.matter_no = m.matter_no and n.kind in (3, 4, 5, 7, 8)
       ), to_jsonb(m) - 'payload', m.payload, 0
from settlement.matter m where m.lane = $1 and m.psn_no = $2
union all
select 'matter_event', e.matter_no, e.event_no, e.recorded_at, false, to_jsonb(e), null, 0
from settlement.matter m
join settlement.matter_event e on e.lane = $1 and e.matter_no = m.matter_no
where m.lane = $1 and m.psn_no = $2
union all
select 'matter_as_agent', m.matter_no, 0, m.opened_at, false,
       jsonb_build_object('matter_no', m.matter_no, 'opened_at', m.opened_at), null, 0
from settlement.matter m where m.agent_no = $2
union all
select 'insured_elsewhere', i.setl_id, 0, t.setl_time, false,
       to_jsonb(i) - 'certificate', i.certificate, 0
from settlement.settlement t
join settlement.insured_elsewhere i on i.lane = $1 and i.setl_id = t.setl_id
where t.lane = $1 and t.psn_no = $2
union all
select 'home_case', h.setl_id, 0, t.setl_time, false, to_jsonb(h), null, 0
from settlement.settlement t
join settlement.home_case h on h.lane = $1 and h.setl_id = t.setl_id
where t.lane = $1 and t.psn_no = $2
union all
select 'reimbursement_paper', a.reimbursement_no, a.paper_no, a.recorded_at,
       not exists (
           select from settlement.reimbursement_step s
           where s.lane = $1 and s.reimbursement_no = r.reimbursement_no and s.act in (5, 8, 12)
       ), to_jsonb(a) - 'payload', a.payload, 0
from settlement.reimbursement r
join settlement.reimbursement_paper a on a.lane = $1 and a.reimbursement_no = r.reimbursement_no
where r.lane = $1 and r.psn_no = $2
union all
select 'reimbursement_step', s.reimbursement_no, s.step_no, s.recorded_at, false, to_jsonb(s),
       null, 0
from settlement.reimbursement r
join settlement.reimbursement_step s on s.lane = $1 and s.reimbursement_no = r.reimbursement_no
where r.lane = $1 and r.psn_no = $2
union all
select 'undertaking', u.undertaking_id, 0, u.opened_at, false, to_jsonb(u), null, 0
from settlement.undertaking u where u.lane = $1 and u.psn_no = $2
union all
select 'family_share', s.setl_id, 0, t.setl_time, false, to_jsonb(s), null, 0
from settlement.settlement t
join settlement.family_share s on s.lane = $1 and s.setl_id = t.setl_id
where t.lane = $1 and t.psn_no = $2
union all
select 'family_move', m.hold_id, m.kind, m.moved_at, false, to_jsonb(m), null, 0
from settlement.family_move m where m.lane = $1 and m.psn_no = $2
union all
select 'token', 0, 0, k.expires_at, false, to_jsonb(k) - 'key', null, 0
from settlement.token k where k.lane = $1 and k.psn_no = $2
union all
select 'lookup', 0, 0, null, false, jsonb_build_object('kind', l.kind), null, 0
from settlement.lookup l where l.psn_lane = $1 and l.psn_no = $2
union all
select 'opening', o.year, 0, null, false, to_jsonb(o), null, 0
from settlement.opening o where o.lane = $1 and o.psn_no = $2
union all
select 'opening_stay', o.mdtrt_id, 0, null, false, to_jsonb(o) - 'fingerprint', null, 0
from settlement.opening_stay o where o.lane = $1 and o.psn_no = $2
union all
select 'opening_settlement', o.setl_id, 0, null, false, to_jsonb(o) - 'fingerprint', null, 0
from settlement.opening_settlement o where o.lane = $1 and o.psn_no = $2
union all
select 'money_row', m.entry_id, m.row_no, null, false, to_jsonb(m), null, 0
from settlement.money_row m where m.lane = $1 and m.psn_no = $2
union all
select 'money_taken', m.entry_id, m.row_no, null, false, to_jsonb(m), null, 0
from settlement.money_taken m where m.lane = $1 and m.psn_no = $2
union all
select 'sheet_print', s.setl_id, s.print_no, s.printed_at, false, to_jsonb(s), null, 0
from settlement.settlement t
join settlement.sheet_print s on s.lane = $1 and s.setl_id = t.setl_id
where t.lane = $1 and t.psn_no = $2
union all
select 'erasure', x.step_no, 0, x.recorded_at, false, to_jsonb(x), null, 0
from settlement.erasure x where x.lane = $1 and x.psn_no = $2
union all
select 'suspension', 0, 0, s.since, true, to_jsonb(s), null, 0
from settlement.suspension s where s.subject_kind = 'person' and s.subject = $2
union all
select 'audit', a.audit_id, 0, a.at, false, to_jsonb(a), null, 0
from settlement.audit a where position($2 in a.subject) > 0 or position($2 in a.note) > 0
order by place, number, part;

-- name: person_held
-- The person's own row, with what is in the personal account.
select p.account, p.home_region, p.key_version, p.identity, p.filings, p.undertaking, p.open_stay,
       p.enrolments, p.family,
       coalesce(b.credits - b.debits - b.debits_pending, 0)::bigint as balance_fen,
       to_jsonb(p) - array['identity', 'filings'] as told
from settlement.person p
left join ledger.balance b on b.lane = p.lane and b.account = p.account
where p.lane = $1 and p.psn_no = $2;

-- name: drop_details
-- Details of settlements go with their salts: what their rows commit to says nothing any more.
delete from settlement.settlement_detail d where d.lane = $1 and d.setl_id = any ($2::bigint[]);

-- name: blank_person
-- Who has nothing left that must be kept is a number without a name, whom nobody finds.
update settlement.person as p
set identity = $3, key_version = $4, enrolments = '[]', family = '[]', filings = '',
    version = p.version + 1
where p.lane = $1 and p.psn_no = $2;

-- name: drop_lookups
-- Nobody is found by certificate, card, name or token any more.
delete from settlement.lookup l where l.psn_lane = $1 and l.psn_no = $2;

-- name: drop_tokens
-- Nor is any token of the person's alive.
delete from settlement.token k where k.lane = $1 and k.psn_no = $2;

-- name: keep_erasure
-- One step of an erasure. Nothing comes back where somebody was first.
insert into settlement.erasure (
    lane, psn_no, step_no, act, recorded_at, before_at, actor, reason, result
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
returning step_no;

-- name: erasures_of
-- Steps of one person's erasures, in their order.
select x.step_no, x.act, x.recorded_at, x.before_at, x.actor, x.reason, x.result
from settlement.erasure x where x.lane = $1 and x.psn_no = $2 order by x.step_no;

-- name: unfinished_erasures
-- Erasures that were confirmed and not done: somebody was interrupted.
select x.lane, x.psn_no, x.step_no, x.before_at, x.actor, x.reason
from settlement.erasure x
where x.act = 2 and not exists (
    select from settlement.erasure y
    where y.lane = x.lane and y.psn_no = x.psn_no and y.act = 3 and y.step_no > x.step_no
)
order by x.lane, x.psn_no, x.step_no;

-- name: erasure_known
-- Whether an erasure was confirmed at a moment, as far as this database knows.
select exists (
    select from settlement.erasure x
    where x.lane = $1 and x.psn_no = $2 and x.act = 2 and x.recorded_at = $3
);

-- name: expired_persons
-- Who has settlements of one lane, older than a moment, whose lines are still there.
select distinct t.psn_no
from settlement.settlement t
join settlement.settlement_detail d on d.lane = $1 and d.setl_id = t.setl_id
where t.lane = $1 and t.setl_time < $2
order by t.psn_no;

-- name: reseal_rows
-- Other sealed bytes in the place of those that were read.
select settlement.reseal(
    p_table => $1, p_column => $2, p_number => $3, p_part => $4, p_version => $5, p_lane => $6,
    p_numbers => $7, p_parts => $8, p_old => $9, p_new => $10, p_key_version => $11
);

-- name: sealed_page
-- The next rows of a place in one lane, with the version of the key of each.
select g.number, g.part, g.key_version, g.sealed
from settlement.sealed_page(
    p_table => $1, p_column => $2, p_number => $3, p_part => $4, p_version => $5, p_lane => $6,
    p_after_number => $7, p_after_part => $8, p_limit => $9
) as g;

-- name: rewriting_of
-- How far encrypting anew for a version has come.
select k.place, k.lane, k.number, k.part, k.rows_done, k.done
from settlement.key_rewriting k where k.key_version = $1;

-- name: keep_rewriting
-- Where encrypting anew goes on; written with the rows of the step.
insert into settlement.key_rewriting (
    lane, place, key_version, number, part, rows_done, done
)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (lane, place, key_version) do update
    set number = excluded.number, part = excluded.part,
        rows_done = key_rewriting.rows_done + excluded.rows_done, done = excluded.done;

-- name: forget_rewriting
-- Everything is looked at once more: while it went on, others wrote with the version before.
delete from settlement.key_rewriting k where k.key_version = $1;

-- name: persons_page
-- Persons of one lane after one, with what is sealed in their rows.
select p.psn_no, p.account, p.home_region, p.enrolments, p.family, p.key_version, p.identity,
       p.filings
from settlement.person p where p.lane = $1 and p.psn_no > $2 order by p.psn_no limit $3;

-- name: reseal_persons
-- Persons of one lane under another key. Whoever holds the head of the journal read them first.
update settlement.person as p
set key_version = $5, identity = n.identity, filings = n.filings
from unnest($2::text[], $3::bytea[], $4::text[]) as n (psn_no, identity, filings)
where p.lane = $1 and p.psn_no = n.psn_no;

-- name: tombstones_page
-- Messages that may have no effect any more, and say why, of one lane.
select m.key, m.fingerprint from settlement.message m
where m.lane = $1 and m.outcome = 9 and octet_length(m.fingerprint) > 30;

-- name: reseal_tombstone
-- The same under another key.
update settlement.message as m set fingerprint = $3 where m.lane = $1 and m.key = $2;

-- name: sealed_secrets
-- Secrets of institutions, importers, operators and of this region, and bank accounts: few rows.
select 'credential' as place, c.access_key as name, 0 as number, c.key_version,
       c.secret as sealed, c.body_keys as second
from settlement.credential c
union all
select 'import_key', i.access_key, 0, i.key_version, i.secret, null
from settlement.import_key i
union all
select 'hub_identity', encode(h.signing_key, 'hex'), 0, h.key_version, h.secret, null
from settlement.hub_identity h
union all
select 'payout_account', a.institution, a.step_no, a.key_version, a.payload, null
from settlement.payout_account a where octet_length(a.payload) > 0
union all
select 'console_user', u.name, 0, u.totp_key_version, u.totp_key, null
from settlement.console_user u where u.totp_key is not null;

-- name: reseal_import_key
-- The same under another key.
update settlement.import_key as i set key_version = $2, secret = $3 where i.access_key = $1;

-- name: reseal_hub_identity
-- The same under another key.
update settlement.hub_identity as h set key_version = $2, secret = $3
where h.signing_key = decode($1, 'hex');

-- name: reseal_payout_account
-- The same under another key.
update settlement.payout_account as a set key_version = $2, payload = $3
where a.institution = $1 and a.step_no = $4;

-- name: reseal_totp
-- The same under another key.
update settlement.console_user as u set totp_key_version = $2, totp_key = $3 where u.name = $1;

-- name: drafts_under
-- What was typed and waits for its user, under keys before a version.
select count(*) from settlement.console_session s
where s.draft is not null and s.draft_version < $1;

-- name: oldest_under_way
-- Since when the oldest case is open whose plan holds rows that were sealed when it began.
select least(
    (select min(y.opened_at) from settlement.payment_due d
     join settlement.payment y on y.lane = d.lane and y.pay_no = d.pay_no),
    (select min(o.opened_at) from settlement.mobile_due d
     join settlement.mobile_order o on o.lane = d.lane and o.order_no = d.order_no),
    (select min(c.opened_at) from settlement.remote_due d
     join settlement.remote_case c on c.lane = d.lane and c.case_no = d.case_no)
);
