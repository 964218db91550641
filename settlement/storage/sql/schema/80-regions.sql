-- Clearing between regions (异地清算, ADR 0035). What becomes of a month with a party is a list of
-- steps in the lane of the party's code; its rows are fixed when it is stated, and what is said of
-- single rows are marks. Operators write here as the schema's owner, never the settle path; nothing
-- is ever changed. Of two at once one has the next step number, and the other decides again.

create table settlement.region_clearing_step (
    entry_id        bigint,
    amount_fen      bigint      not null,
    recorded_at     timestamptz not null,
    month           date        not null,
    legs            integer     not null,
    step_no         integer     not null,
    lane            smallint    not null,
    side            smallint    not null,
    act             smallint    not null,
    party           text        not null,
    reference       text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint region_clearing_step_pkey primary key (lane, party, side, month, step_no),
    constraint region_clearing_step_known check (side in (1, 2) and act between 1 and 12),
    constraint region_clearing_step_books_payments_only
        check (entry_id is null or act in (9, 10)),
    constraint region_clearing_step_of_a_month check (month = date_trunc('month', month)::date),
    constraint region_clearing_step_names_a_party check (party ~ '^[0-9]{6}$')
);
create index region_clearing_step_by_entry on settlement.region_clearing_step (lane, entry_id)
    where entry_id is not null;
comment on table settlement.region_clearing_step is
    'What became of a month with another region, step by step (elsewhere/regional_clearing.py). '
    'Append-only.';
comment on column settlement.region_clearing_step.entry_id is
    'What it booked; under net settlement both sides of a month name one entry.';
comment on column settlement.region_clearing_step.amount_fen is 'What the step is about, fen.';
comment on column settlement.region_clearing_step.recorded_at is 'When.';
comment on column settlement.region_clearing_step.month is 'First day of the month.';
comment on column settlement.region_clearing_step.legs is 'How many rows the step is about.';
comment on column settlement.region_clearing_step.step_no is 'From 1 in each period.';
comment on column settlement.region_clearing_step.lane is 'Lane of the party''s code.';
comment on column settlement.region_clearing_step.side is
    '1 we treated and are paid, 2 our people were treated and we pay.';
comment on column settlement.region_clearing_step.act is
    'settlement.regional_clearing.Act: 1 stated to 11 closed, 12 another city states too.';
comment on column settlement.region_clearing_step.party is
    'Another province (xx0000), or a city of our own.';
comment on column settlement.region_clearing_step.reference is
    'Number of the statement, of the notice, or of the bank''s voucher.';
comment on column settlement.region_clearing_step.actor is 'Who.';
comment on column settlement.region_clearing_step.reason is 'Why.';

create table settlement.region_clearing_leg (
    total_fen       bigint      not null,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    setl_id         bigint,
    month           date        not null,
    settled_on      date        not null,
    lane            smallint    not null,
    side            smallint    not null,
    reversal        boolean     not null,
    party           text        not null,
    case_no         text        not null,
    region          text        not null,
    institution     text        not null,
    clearing_type   text        not null,
    scheme          text        not null,
    constraint region_clearing_leg_pkey
        primary key (lane, party, side, case_no, reversal, month),
    constraint region_clearing_leg_names_a_region check (region ~ '^[0-9]{6}$')
);
create index region_clearing_leg_by_period
    on settlement.region_clearing_leg (lane, party, side, month);
comment on table settlement.region_clearing_leg is
    'Rows of a stated month: what is owed for a settlement, or its negative. A row is in one '
    'month; in a later one again only where it was postponed. Append-only.';
comment on column settlement.region_clearing_leg.total_fen is 'Of the bill, fen.';
comment on column settlement.region_clearing_leg.fund_fen is 'What funds of insurance pay.';
comment on column settlement.region_clearing_leg.account_fen is 'What accounts pay.';
comment on column settlement.region_clearing_leg.setl_id is
    'Our settlement row; null where the other region claims what we do not have.';
comment on column settlement.region_clearing_leg.month is 'First day of the month.';
comment on column settlement.region_clearing_leg.settled_on is
    'Day of the settlement in the region of treatment.';
comment on column settlement.region_clearing_leg.lane is 'Lane of the party''s code.';
comment on column settlement.region_clearing_leg.side is 'As of the step.';
comment on column settlement.region_clearing_leg.reversal is 'It takes the case back.';
comment on column settlement.region_clearing_leg.party is 'As of the step.';
comment on column settlement.region_clearing_leg.case_no is
    'Number of the case, as the region of treatment has it.';
comment on column settlement.region_clearing_leg.region is
    'The city on the other side: of insurance, or of treatment.';
comment on column settlement.region_clearing_leg.institution is 'Who treated.';
comment on column settlement.region_clearing_leg.clearing_type is 'clr_type.';
comment on column settlement.region_clearing_leg.scheme is 'insutype.';

create table settlement.region_clearing_mark (
    month           date        not null,
    step_no         integer     not null,
    lane            smallint    not null,
    side            smallint    not null,
    mark            smallint    not null,
    months          smallint    not null,
    reversal        boolean     not null,
    party           text        not null,
    case_no         text        not null,
    reason          text        not null,
    constraint region_clearing_mark_pkey
        primary key (lane, party, side, month, case_no, reversal, step_no),
    constraint region_clearing_mark_known check (mark between 1 and 3),
    constraint region_clearing_mark_postpones check ((mark = 3) = (months > 0))
);
comment on table settlement.region_clearing_mark is
    'What was said of single rows of a month; the last mark of a row holds. Append-only.';
comment on column settlement.region_clearing_mark.month is 'First day of the month.';
comment on column settlement.region_clearing_mark.step_no is 'By which step.';
comment on column settlement.region_clearing_mark.lane is 'Lane of the party''s code.';
comment on column settlement.region_clearing_mark.side is 'As of the step.';
comment on column settlement.region_clearing_mark.mark is
    '1 objected, 2 the objection is withdrawn, 3 postponed.';
comment on column settlement.region_clearing_mark.months is
    'By how many months it is postponed; else 0.';
comment on column settlement.region_clearing_mark.reversal is 'As of the row.';
comment on column settlement.region_clearing_mark.party is 'As of the step.';
comment on column settlement.region_clearing_mark.case_no is 'As of the row.';
comment on column settlement.region_clearing_mark.reason is 'Why.';

create table settlement.region_prepayment (
    entry_id        bigint,
    amount_fen      bigint      not null,
    recorded_at     timestamptz not null,
    step_no         integer     not null,
    lane            smallint    not null,
    side            smallint    not null,
    act             smallint    not null,
    year            smallint    not null,
    party           text        not null,
    reference       text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint region_prepayment_pkey primary key (lane, party, side, step_no),
    constraint region_prepayment_known check (side in (1, 2) and act between 1 and 5),
    constraint region_prepayment_not_negative check (amount_fen >= 0),
    constraint region_prepayment_books_money check ((act in (3, 5)) = (entry_id is not null))
);
create unique index region_prepayment_by_entry on settlement.region_prepayment (lane, entry_id)
    where entry_id is not null;
comment on table settlement.region_prepayment is
    'Money left with another region in advance, or by it with us (预付金), step by step: quotas, '
    'proposals, money in and back (settlement/elsewhere/regional_prepayment.py). Append-only.';
comment on column settlement.region_prepayment.entry_id is 'What it booked.';
comment on column settlement.region_prepayment.amount_fen is 'Quota or money, fen.';
comment on column settlement.region_prepayment.recorded_at is 'When.';
comment on column settlement.region_prepayment.step_no is 'From 1 with each party and side.';
comment on column settlement.region_prepayment.lane is 'Lane of the party''s code.';
comment on column settlement.region_prepayment.side is
    '1 it lies with us (a liability), 2 ours lies there (an asset).';
comment on column settlement.region_prepayment.act is
    '1 quota, 2 money proposed, 3 money in, 4 return proposed, 5 money back.';
comment on column settlement.region_prepayment.year is 'Of the quota; else of the day.';
comment on column settlement.region_prepayment.party is 'As of a clearing.';
comment on column settlement.region_prepayment.reference is 'Number of the bank''s voucher.';
comment on column settlement.region_prepayment.actor is 'Who.';
comment on column settlement.region_prepayment.reason is 'Why.';

-- Comparing days with other regions and with the hub (三方对账): what differed is a worklist in the
-- lane of the other region's code. A difference ends by a row of its own.

create table settlement.region_difference (
    ours_fen        bigint,
    theirs_fen      bigint,
    hub_fen         bigint,
    found_at        timestamptz not null,
    day             date        not null,
    lane            smallint    not null,
    found_no        smallint    not null default 1,
    side            smallint    not null,
    reversal        boolean     not null,
    region          text        not null,
    case_no         text        not null,
    class           text        not null,
    constraint region_difference_pkey
        primary key (lane, region, side, day, case_no, reversal, class, found_no),
    constraint region_difference_side_known check (side in (1, 2))
);
comment on table settlement.region_difference is
    'Rows of a day that two regions and the hub do not agree on. Append-only.';
comment on column settlement.region_difference.ours_fen is
    'Funds and account as we have them, fen; null where we have no row.';
comment on column settlement.region_difference.theirs_fen is 'As the other region has them.';
comment on column settlement.region_difference.hub_fen is
    'As the hub has them, where it was asked.';
comment on column settlement.region_difference.found_at is 'When it was found first.';
comment on column settlement.region_difference.day is 'The day that was compared.';
comment on column settlement.region_difference.lane is 'Lane of the region''s code.';
comment on column settlement.region_difference.found_no is
    'From 1: how often it came, where it had gone by itself before.';
comment on column settlement.region_difference.side is
    '1 we treated, 2 our people were treated there.';
comment on column settlement.region_difference.reversal is 'The row takes the case back.';
comment on column settlement.region_difference.region is 'The other region.';
comment on column settlement.region_difference.case_no is 'The case.';
comment on column settlement.region_difference.class is
    'settlement.regional_matching.Class, as only_ours.';

create table settlement.region_difference_step (
    recorded_at     timestamptz not null,
    day             date        not null,
    lane            smallint    not null,
    found_no        smallint    not null,
    side            smallint    not null,
    step_no         smallint    not null,
    act             smallint    not null,
    reversal        boolean     not null,
    region          text        not null,
    case_no         text        not null,
    class           text        not null,
    actor           text        not null,
    note            text        not null,
    constraint region_difference_step_pkey
        primary key (lane, region, side, day, case_no, reversal, class, found_no, step_no),
    constraint region_difference_step_known check (act in (1, 2))
);
comment on table settlement.region_difference_step is
    'What people said of a difference before it ended: one proposes its end, another ends it or '
    'sends the proposal back. Append-only.';
comment on column settlement.region_difference_step.recorded_at is 'When.';
comment on column settlement.region_difference_step.day is 'As of the difference.';
comment on column settlement.region_difference_step.lane is 'As of the difference.';
comment on column settlement.region_difference_step.found_no is 'As of the difference.';
comment on column settlement.region_difference_step.side is 'As of the difference.';
comment on column settlement.region_difference_step.step_no is 'From 1 with each difference.';
comment on column settlement.region_difference_step.act is
    '1 its end is proposed, 2 the proposal is sent back.';
comment on column settlement.region_difference_step.reversal is 'As of the difference.';
comment on column settlement.region_difference_step.region is 'As of the difference.';
comment on column settlement.region_difference_step.case_no is 'As of the difference.';
comment on column settlement.region_difference_step.class is 'As of the difference.';
comment on column settlement.region_difference_step.actor is 'Who.';
comment on column settlement.region_difference_step.note is 'What was found out, or why not.';
create table settlement.region_difference_end (
    ended_at        timestamptz not null,
    day             date        not null,
    lane            smallint    not null,
    found_no        smallint    not null default 1,
    side            smallint    not null,
    reversal        boolean     not null,
    by_itself       boolean     not null default false,
    region          text        not null,
    case_no         text        not null,
    class           text        not null,
    actor           text        not null,
    note            text        not null,
    constraint region_difference_end_pkey
        primary key (lane, region, side, day, case_no, reversal, class, found_no)
);
comment on table settlement.region_difference_end is
    'How a difference ended: by somebody, or because a later comparison did not find it any more. '
    'Append-only.';
comment on column settlement.region_difference_end.ended_at is 'When.';
comment on column settlement.region_difference_end.day is 'As of the difference.';
comment on column settlement.region_difference_end.lane is 'As of the difference.';
comment on column settlement.region_difference_end.found_no is 'As of the difference.';
comment on column settlement.region_difference_end.by_itself is
    'A later comparison did not find it; else somebody ended it.';
comment on column settlement.region_difference_end.side is 'As of the difference.';
comment on column settlement.region_difference_end.reversal is 'As of the difference.';
comment on column settlement.region_difference_end.region is 'As of the difference.';
comment on column settlement.region_difference_end.case_no is 'As of the difference.';
comment on column settlement.region_difference_end.class is 'As of the difference.';
comment on column settlement.region_difference_end.actor is 'Who ended it.';
comment on column settlement.region_difference_end.note is 'What was found out and done.';

create table settlement.region_comparison (
    compared_at     timestamptz not null,
    day             date        not null,
    ours            integer     not null,
    theirs          integer     not null,
    hub             integer,
    differing       integer     not null,
    lane            smallint    not null,
    side            smallint    not null,
    region          text        not null,
    actor           text        not null,
    constraint region_comparison_pkey primary key (lane, region, side, day, compared_at),
    constraint region_comparison_side_known check (side in (1, 2)),
    constraint region_comparison_counts
        check (ours >= 0 and theirs >= 0 and hub >= 0 and differing >= 0)
);
comment on table settlement.region_comparison is
    'Days that were compared with another region, each time: a day without a row was never '
    'compared. Append-only.';
comment on column settlement.region_comparison.compared_at is 'When.';
comment on column settlement.region_comparison.day is 'Which day.';
comment on column settlement.region_comparison.ours is 'Rows that we have of it.';
comment on column settlement.region_comparison.theirs is 'Rows that the other region has.';
comment on column settlement.region_comparison.hub is
    'Rows that the hub has; null where it did not tell.';
comment on column settlement.region_comparison.differing is 'Rows that went onto the worklist.';
comment on column settlement.region_comparison.lane is 'Lane of the region''s code.';
comment on column settlement.region_comparison.side is 'As of a difference.';
comment on column settlement.region_comparison.region is 'The other region.';
comment on column settlement.region_comparison.actor is 'Who, or the server by itself.';

-- Papers of cleared months that went over the wire: statement, answer, notice (ADR 0072). Each is
-- kept to the byte, in parts; what became of it is a row of its own.

create table settlement.region_paper (
    kept_at         timestamptz not null,
    lane            smallint    not null,
    part            smallint    not null,
    parts           smallint    not null,
    sent            boolean     not null,
    region          text        not null,
    kind            text        not null,
    number          text        not null,
    digest          text        not null,
    content         bytea       not null,
    constraint region_paper_pkey primary key (lane, region, sent, number, digest, part),
    constraint region_paper_part_known check (part between 1 and parts and parts <= 256),
    constraint region_paper_content_size check (octet_length(content) <= 393216)
);
comment on table settlement.region_paper is
    'Parts of papers that another region handed over, or that are handed over to it, as they were '
    'received or made. Append-only.';
comment on column settlement.region_paper.kept_at is 'When.';
comment on column settlement.region_paper.lane is 'Lane of the region''s code.';
comment on column settlement.region_paper.part is 'Which part.';
comment on column settlement.region_paper.parts is 'Of so many.';
comment on column settlement.region_paper.sent is 'Ours; else theirs.';
comment on column settlement.region_paper.region is 'The other region.';
comment on column settlement.region_paper.kind is 'protocol.hub.messages.Kind, as statement.';
comment on column settlement.region_paper.number is 'Its number, of who made it.';
comment on column settlement.region_paper.digest is 'SHA-256 of the whole paper, hexadecimal.';
comment on column settlement.region_paper.content is 'The bytes of this part.';

create table settlement.region_file (
    file_no         bigint      not null,
    received_at     timestamptz not null,
    size_bytes      bigint      not null,
    day             date        not null,
    lane            smallint    not null,
    region          text        not null,
    kind            text        not null,
    told_by         text        not null,
    name            text        not null,
    actor           text        not null,
    sha256          bytea       not null,
    constraint region_file_pkey primary key (lane, file_no),
    constraint region_file_came_once unique (lane, sha256),
    constraint region_file_kind_known check (kind in ('day', 'statement', 'answer', 'notice'))
);
comment on table settlement.region_file is
    'Files that another region or the hub sent and that were taken by hand; their bytes are among '
    'those of bills. Append-only.';
comment on column settlement.region_file.file_no is 'Our number of it.';
comment on column settlement.region_file.received_at is 'When it was taken first.';
comment on column settlement.region_file.size_bytes is 'Length of the file as it came.';
comment on column settlement.region_file.day is 'The day of a list; else the first of the month.';
comment on column settlement.region_file.lane is 'Lane of the other region''s code.';
comment on column settlement.region_file.region is 'The other region.';
comment on column settlement.region_file.kind is
    'day, the list of a day; statement, answer, notice of a month.';
comment on column settlement.region_file.told_by is 'Whose word it is: a region''s code, or hub.';
comment on column settlement.region_file.name is 'The file''s name.';
comment on column settlement.region_file.actor is 'Who had it taken.';
comment on column settlement.region_file.sha256 is 'Hash of the file as it came.';

create table settlement.region_paper_end (
    ended_at        timestamptz not null,
    lane            smallint    not null,
    sent            boolean     not null,
    taken           boolean     not null,
    region          text        not null,
    number          text        not null,
    digest          text        not null,
    said            text        not null,
    constraint region_paper_end_pkey primary key (lane, region, sent, number, digest)
);
comment on table settlement.region_paper_end is
    'What became of a paper: taken, or refused and put aside. Append-only.';
comment on column settlement.region_paper_end.ended_at is 'When it was known here.';
comment on column settlement.region_paper_end.lane is 'As of the paper.';
comment on column settlement.region_paper_end.sent is 'As of the paper.';
comment on column settlement.region_paper_end.taken is 'Else it was refused, and nothing booked.';
comment on column settlement.region_paper_end.region is 'As of the paper.';
comment on column settlement.region_paper_end.number is 'As of the paper.';
comment on column settlement.region_paper_end.digest is 'As of the paper.';
comment on column settlement.region_paper_end.said is 'What the receiver said of it.';

create table settlement.region_paper_mark (
    marked_at       timestamptz not null,
    lane            smallint    not null,
    mark_no         smallint    not null,
    mark            smallint    not null,
    region          text        not null,
    number          text        not null,
    digest          text        not null,
    actor           text        not null,
    said            text        not null,
    constraint region_paper_mark_pkey primary key (lane, region, number, digest, mark_no),
    constraint region_paper_mark_known check (mark in (1, 2))
);
comment on table settlement.region_paper_mark is
    'Papers of ours that the other side''s program does not know, which rest until somebody sends '
    'them again; the last mark of a paper holds. Append-only.';
comment on column settlement.region_paper_mark.marked_at is 'When.';
comment on column settlement.region_paper_mark.lane is 'As of the paper.';
comment on column settlement.region_paper_mark.mark_no is 'From 1 of each paper.';
comment on column settlement.region_paper_mark.mark is '1 it is not known there, 2 sent again.';
comment on column settlement.region_paper_mark.region is 'As of the paper.';
comment on column settlement.region_paper_mark.number is 'As of the paper.';
comment on column settlement.region_paper_mark.digest is 'As of the paper.';
comment on column settlement.region_paper_mark.actor is 'Who sent it again, or the server.';
comment on column settlement.region_paper_mark.said is 'Why it rests, or is sent again.';

create function settlement.clearing_commitment(p_lane smallint, p_entry bigint) returns bytea
language sql stable as $$
    -- What the entry of a cleared month commits to: the steps that it settles, as
    -- settlement/serve/regional_books.py computes; null where no step names the entry.
    select sha256('\x0c'::bytea || convert_to('[' || string_agg('[' || concat_ws(',',
        r.lane, r.entry_id, settlement.json_text(r.party), r.side, '"' || r.month || '"',
        r.step_no, r.act, r.amount_fen, r.legs, settlement.json_text(r.reference),
        settlement.json_text(r.actor)
    ) || ']', ',' order by r.side) || ']', 'UTF8'))
    from settlement.region_clearing_step r
    where r.lane = p_lane and r.entry_id = p_entry;
$$;
comment on function settlement.clearing_commitment(smallint, bigint)
    is 'What the entry of a month cleared with another region commits to.';

create function settlement.prepayment_commitment(r settlement.region_prepayment) returns bytea
language sql stable as $$
    -- What the entry of a prepayment commits to; as settlement/serve/regional_books.py computes.
    select sha256('\x0d'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.entry_id, settlement.json_text(r.party), r.side, r.step_no, r.act, r.year,
        r.amount_fen, settlement.json_text(r.reference), settlement.json_text(r.actor)
    ) || ']', 'UTF8'));
$$;
comment on function settlement.prepayment_commitment(settlement.region_prepayment)
    is 'What the entry of a prepayment commits to.';
