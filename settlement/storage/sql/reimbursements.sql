-- Manual reimbursement. Operators' commands run these beside a server, never the settle path; those
-- without a lane visit all of them.

-- name: keep_reimbursement
-- One that was accepted.
insert into settlement.reimbursement (lane, reimbursement_no, matter_no, recorded_at, psn_no)
values ($1, $2, $3, $4, $5);

-- name: keep_paper
-- Papers as they were entered. Nothing comes back where somebody was first.
insert into settlement.reimbursement_paper (
    lane, reimbursement_no, paper_no, recorded_at, total_fen, begins_on, ends_on, institution,
    invoice_no, actor, payload
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict do nothing
returning paper_no;

-- name: keep_reimbursement_step
-- One act. Nothing comes back where somebody was first.
insert into settlement.reimbursement_step (
    lane, reimbursement_no, step_no, act, recorded_at, booked_on, paper_no, fund_fen, account_fen,
    cash_fen, actor, proposer, reference, reason, entry_id
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict do nothing
returning step_no;

-- name: reimbursement_steps
-- Steps of some reimbursements of one lane, in their order.
select s.reimbursement_no, s.step_no, s.act, s.recorded_at, s.booked_on, s.paper_no, s.fund_fen,
       s.account_fen, s.cash_fen, s.actor, s.proposer, s.reference, s.reason, s.entry_id
from settlement.reimbursement_step s
where s.lane = $1 and s.reimbursement_no = any ($2::bigint[])
order by s.reimbursement_no, s.step_no;

-- name: reimbursement_papers
-- Some reimbursements of one lane with their newest papers.
select r.reimbursement_no, r.psn_no, r.matter_no, p.paper_no, p.total_fen, p.begins_on, p.ends_on,
       p.institution, p.invoice_no, p.actor, p.payload
from settlement.reimbursement r
cross join lateral (
    select n.paper_no, n.total_fen, n.begins_on, n.ends_on, n.institution, n.invoice_no, n.actor,
           n.payload
    from settlement.reimbursement_paper n
    where n.lane = $1 and n.reimbursement_no = r.reimbursement_no
    order by n.paper_no desc
    limit 1
) as p
where r.lane = $1 and r.reimbursement_no = any ($2::bigint[])
order by r.reimbursement_no;

-- name: reimbursements_of
-- Reimbursements of one lane that something is waited for, and all that came since a moment. Whose
-- last act was 5, 8 or 12 has ended.
select r.reimbursement_no
from settlement.reimbursement r
where r.lane = $1
    and (
        r.recorded_at >= $2
        or (
            select s.act
            from settlement.reimbursement_step s
            where s.lane = $1 and s.reimbursement_no = r.reimbursement_no
            order by s.step_no desc
            limit 1
        ) not in (5, 8, 12)
    )
order by r.reimbursement_no;

-- name: reimbursements_of_person
-- All of one person's.
select r.reimbursement_no
from settlement.reimbursement r
where r.lane = $1 and r.psn_no = $2
order by r.reimbursement_no;

-- name: reimbursement_of_matter
-- Which reimbursement came of papers that were told in advance.
select r.reimbursement_no
from settlement.reimbursement r
where r.lane = $1 and r.matter_no = $2;

-- name: matter_of_reimbursement
-- What was told in advance of papers that the counter has now.
select m.lane, m.matter_no, m.opened_at, m.kind, m.psn_no, m.agent_no, m.payload
from settlement.matter m
where m.lane = $1 and m.matter_no = $2;

-- name: message_gateway
-- Whether persons are told by messages at all.
select exists (
    select 1 from settlement.receiver r where r.institution = $1 and r.kind = $2
);

-- name: owe_message
-- A message to a person that the commit makes us owe.
with owed as (
    insert into settlement.outbox (
        lane, case_no, notice_no, told_at, kind, topic, institution, payload
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    returning lane, case_no, notice_no, told_at
)
insert into settlement.outbox_due (lane, case_no, notice_no, due_at)
select o.lane, o.case_no, o.notice_no, o.told_at from owed o;

-- name: reimbursement_invoice
-- The last turn of an invoice: whose it is, or was.
select i.turn, i.taken, i.reimbursement_no
from settlement.reimbursement_invoice i
where i.lane = $1 and i.institution = $2 and i.invoice_no = $3
order by i.turn desc
limit 1;

-- name: keep_reimbursement_invoice
-- Take an invoice, or free it. Nothing comes back where somebody has this turn.
insert into settlement.reimbursement_invoice (
    lane, institution, invoice_no, turn, taken, reimbursement_no, recorded_at
)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
returning turn;

-- name: reimbursed_twice
-- Invoices brought since a moment that a reimbursement stands for and that an institution settled
-- as well: both stand. Who looks at them decides which one is taken back.
select i.institution, i.invoice_no, i.reimbursement_no, t.setl_id
from settlement.reimbursement_invoice i
cross join (select distinct l.lane from ledger.lane l) as l
join settlement.invoice_row v on v.lane = l.lane and v.invoice_no = i.invoice_no
join settlement.settlement t
    on t.lane = v.lane and t.setl_id = v.setl_id and t.institution = i.institution and t.kind = 1
where i.taken and i.recorded_at >= $1
    and not exists (
        select 1 from settlement.reimbursement_invoice n
        where n.lane = i.lane and n.institution = i.institution and n.invoice_no = i.invoice_no
            and n.turn > i.turn
    )
    and not exists (
        select 1 from settlement.settlement u where u.lane = t.lane and u.undoes_setl_id = t.setl_id
    )
order by i.institution, i.invoice_no;
