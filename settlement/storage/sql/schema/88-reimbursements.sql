-- Manual reimbursement (手工报销, ADR 0044): what persons paid themselves and bring the papers of.
-- Everything lies in the person's lane; what is personal in the papers is sealed. Whose an invoice
-- is, is kept in the lane of the invoice, so that it is reimbursed once whoever brings it.
-- Operators write here as the schema's owner, never the settle path; nothing is ever changed. Of
-- two at once one has the next number, and the other decides again.

create table settlement.reimbursement (
    reimbursement_no bigint     not null,
    matter_no       bigint      not null,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    psn_no          text        not null,
    constraint reimbursement_pkey primary key (lane, reimbursement_no)
);
create index reimbursement_by_person on settlement.reimbursement (lane, psn_no);
create index reimbursement_by_time on settlement.reimbursement (lane, recorded_at);
create unique index reimbursement_by_matter on settlement.reimbursement (lane, matter_no)
    where matter_no <> 0;
comment on table settlement.reimbursement is
    'Reimbursements (手工报销) that were accepted. Append-only.';
comment on column settlement.reimbursement.reimbursement_no is 'Issued by us (受理编号).';
comment on column settlement.reimbursement.matter_no is
    'The online pre-acceptance that it came from (线上预受理); 0 for none.';
comment on column settlement.reimbursement.recorded_at is 'When it was accepted.';
comment on column settlement.reimbursement.lane is 'Lane of the person.';
comment on column settlement.reimbursement.psn_no is 'The person.';

create table settlement.reimbursement_paper (
    reimbursement_no bigint     not null,
    total_fen       bigint      not null,
    recorded_at     timestamptz not null,
    begins_on       date        not null,
    ends_on         date        not null,
    paper_no        integer     not null,
    lane            smallint    not null,
    institution     text        not null,
    invoice_no      text        not null,
    actor           text        not null,
    payload         bytea       not null,
    constraint reimbursement_paper_pkey primary key (lane, reimbursement_no, paper_no),
    constraint reimbursement_paper_ends_after_it_begins check (ends_on >= begins_on),
    constraint reimbursement_paper_not_negative check (total_fen >= 0)
);
comment on table settlement.reimbursement_paper is
    'Papers (报销材料) as they were entered; a correction is a row of its own. Append-only.';
comment on column settlement.reimbursement_paper.reimbursement_no is 'The reimbursement.';
comment on column settlement.reimbursement_paper.total_fen is 'Sum of the invoice, fen.';
comment on column settlement.reimbursement_paper.recorded_at is 'When.';
comment on column settlement.reimbursement_paper.begins_on is 'First day of the care.';
comment on column settlement.reimbursement_paper.ends_on is 'Last day; of a stay the discharge.';
comment on column settlement.reimbursement_paper.paper_no is 'From 1; the newest counts.';
comment on column settlement.reimbursement_paper.lane is 'Lane of the person.';
comment on column settlement.reimbursement_paper.institution is 'Who treated: fixmedins_code.';
comment on column settlement.reimbursement_paper.invoice_no is 'invono.';
comment on column settlement.reimbursement_paper.actor is 'Who entered them.';
comment on column settlement.reimbursement_paper.payload is
    'Lines, names and bank account, encrypted (settlement/books/reimbursement.py, Papers).';

create table settlement.reimbursement_step (
    reimbursement_no bigint     not null,
    entry_id        bigint,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    cash_fen        bigint      not null,
    recorded_at     timestamptz not null,
    booked_on       date        not null,
    step_no         integer     not null,
    paper_no        integer     not null,
    lane            smallint    not null,
    act             smallint    not null,
    reference       text        not null,
    actor           text        not null,
    proposer        text        not null,
    reason          text        not null,
    constraint reimbursement_step_pkey primary key (lane, reimbursement_no, step_no),
    constraint reimbursement_step_known check (act between 1 and 12),
    constraint reimbursement_step_books check
        ((act in (4, 7, 8, 9, 12)) = (entry_id is not null)),
    constraint reimbursement_step_by_two_people check
        (act not in (4, 7, 12) or (proposer <> '' and lower(trim(proposer)) <> lower(trim(actor))))
);
create unique index reimbursement_step_by_entry on settlement.reimbursement_step (lane, entry_id)
    where entry_id is not null;
create unique index reimbursement_step_once on settlement.reimbursement_step
    (lane, reimbursement_no, act, reference) where act in (4, 7, 8, 9, 12);
comment on table settlement.reimbursement_step is
    'What became of a reimbursement, step by step (books/reimbursement.py). Append-only.';
comment on column settlement.reimbursement_step.reimbursement_no is 'The reimbursement.';
comment on column settlement.reimbursement_step.entry_id is
    'What it booked; of a confirmation and of a cancel also the settlement row.';
comment on column settlement.reimbursement_step.fund_fen is 'Of funds, fen.';
comment on column settlement.reimbursement_step.account_fen is 'Of the personal account, fen.';
comment on column settlement.reimbursement_step.cash_fen is
    'What nobody gives back to the person, fen.';
comment on column settlement.reimbursement_step.recorded_at is 'When.';
comment on column settlement.reimbursement_step.booked_on is 'Business day of the step.';
comment on column settlement.reimbursement_step.step_no is 'From 1.';
comment on column settlement.reimbursement_step.paper_no is 'Which papers it is about.';
comment on column settlement.reimbursement_step.lane is 'Lane of the person.';
comment on column settlement.reimbursement_step.act is
    'settlement.reimbursement.Act: 1 accepted, 2 amended, 3 calculated, 4 confirmed and booked, '
    '5 refused, 6 order proposed, 7 ordered, 8 paid, 9 returned, 10 another bank account, 11 asked '
    'to be taken back, 12 taken back.';
comment on column settlement.reimbursement_step.reference is
    'Number of the order; of what the bank says: of the order and, after a blank, of the bank.';
comment on column settlement.reimbursement_step.actor is 'Who.';
comment on column settlement.reimbursement_step.proposer is
    'Of an act of two people who calculated, proposed or asked for it; else empty.';
comment on column settlement.reimbursement_step.reason is 'Why.';

create table settlement.reimbursement_invoice (
    reimbursement_no bigint     not null,
    recorded_at     timestamptz not null,
    turn            integer     not null,
    lane            smallint    not null,
    taken           boolean     not null,
    institution     text        not null,
    invoice_no      text        not null,
    constraint reimbursement_invoice_pkey primary key (lane, institution, invoice_no, turn),
    constraint reimbursement_invoice_takes_and_frees_by_turns check (taken = (turn % 2 = 1))
);
comment on table settlement.reimbursement_invoice is
    'Which reimbursement an invoice belongs to: taken, freed when that is refused, amended or '
    'taken back, then perhaps taken again. Append-only; of two at once one has the turn.';
comment on column settlement.reimbursement_invoice.reimbursement_no is 'By which reimbursement.';
comment on column settlement.reimbursement_invoice.recorded_at is 'When.';
comment on column settlement.reimbursement_invoice.turn is 'From 1; odd: taken, even: freed.';
comment on column settlement.reimbursement_invoice.lane is
    'Lane of institution and invoice number, written H99999999999/12345678.';
comment on column settlement.reimbursement_invoice.taken is 'False: it is free again.';
comment on column settlement.reimbursement_invoice.institution is 'Who issued it.';
comment on column settlement.reimbursement_invoice.invoice_no is 'invono.';

create function settlement.reimbursement_commitment(p_lane smallint, p_entry bigint) returns bytea
language sql stable as $$
    -- What the entry of a reimbursement commits to: its step with the papers, and the settlement
    -- row where it made one, as books/reimbursement.py computes; null where there is no step.
    select sha256('\x13'::bytea || convert_to('[' || concat_ws(',',
        s.lane, s.entry_id, s.reimbursement_no, settlement.json_text(r.psn_no), s.step_no, s.act,
        s.paper_no, s.fund_fen, s.account_fen, s.cash_fen, settlement.json_text(s.reference),
        settlement.json_text(s.proposer), settlement.json_text(s.actor),
        settlement.json_text(p.institution), settlement.json_text(p.invoice_no),
        settlement.json_text(p.actor), '"' || encode(substr(p.payload, 3, 32), 'hex') || '"',
        case when t.setl_id is null then '""'
             else '"' || encode(settlement.row_commitment(t), 'hex') || '"' end
    ) || ']', 'UTF8'))
    from settlement.reimbursement_step s
    join settlement.reimbursement r
        on r.lane = p_lane and r.reimbursement_no = s.reimbursement_no
    join settlement.reimbursement_paper p
        on p.lane = p_lane and p.reimbursement_no = s.reimbursement_no
        and p.paper_no = s.paper_no
    left join settlement.settlement t on t.lane = p_lane and t.setl_id = s.entry_id
    where s.lane = p_lane and s.entry_id = p_entry;
$$;
comment on function settlement.reimbursement_commitment(smallint, bigint)
    is 'What the entry of a reimbursement commits to.';
