-- Matching with payment channels (渠道对账, ADR 0039). Our side is made listable first: what moved
-- at a channel, by order number and day, derived from payment events. What the sides do not agree
-- on is a difference, and what became of it a list of steps, each with all that stands after it;
-- the last one holds. All lies in the lane of our order number, or of what the bill has instead.
-- Nothing is ever changed; of two people at once one has the next step number, and the other is
-- told.

create index payment_event_by_time on settlement.payment_event
    using brin (recorded_at) with (pages_per_range = 32, autosummarize = on);

create table settlement.channel_row (
    pay_no          bigint      not null,
    amount_fen      bigint      not null,
    at              timestamptz not null,
    business_day    date        not null,
    paid_day        date,
    lane            smallint    not null,
    attempt         smallint    not null,
    kind            smallint    not null,
    channel         text        not null,
    merchant        text        not null,
    institution     text        not null,
    custody         text        not null,
    order_no        text        not null,
    refund_no       text        not null,
    channel_no      text        not null,
    constraint channel_row_pkey primary key (lane, order_no, refund_no, kind),
    constraint channel_row_kind_known check (kind between 1 and 3)
) with (
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
create index channel_row_by_day on settlement.channel_row (lane, business_day);
comment on table settlement.channel_row is
    'What moved at payment channels by our own books. Append-only; derived: it can be made again '
    'from payment events.';
comment on column settlement.channel_row.pay_no is 'The payment, or the return.';
comment on column settlement.channel_row.amount_fen is 'As the channel told, fen.';
comment on column settlement.channel_row.at is 'When we learnt it.';
comment on column settlement.channel_row.business_day is 'The day of that, in China.';
comment on column settlement.channel_row.paid_day is 'Of a refund: when the payment was sent.';
comment on column settlement.channel_row.lane is 'Lane of the payment, and of its order number.';
comment on column settlement.channel_row.attempt is 'Which attempt of it.';
comment on column settlement.channel_row.kind is
    '1 payment, 2 refund, 3 a payment was undone at the channel.';
comment on column settlement.channel_row.channel is 'wechat, alipay, unionpay, onecode.';
comment on column settlement.channel_row.merchant is 'Which merchant collected.';
comment on column settlement.channel_row.institution is 'Whose sale.';
comment on column settlement.channel_row.custody is 'own or agency (DOMAIN 1).';
comment on column settlement.channel_row.order_no is 'Our number of the payment at the channel.';
comment on column settlement.channel_row.refund_no is 'Our number of the refund; else empty.';
comment on column settlement.channel_row.channel_no is 'The channel''s number.';

create index bill_row_by_day on settlement.bill_row (lane, bill_day);

create table settlement.channel_day (
    listed_at       timestamptz not null,
    day             date        not null,
    constraint channel_day_pkey primary key (day)
);
comment on table settlement.channel_day is
    'Days whose channel rows are listed for good, in all lanes: they were over when it was done.';
comment on column settlement.channel_day.listed_at is 'When.';
comment on column settlement.channel_day.day is 'The day.';

create table settlement.matched_day (
    matched_at      timestamptz not null,
    files           bigint      not null,
    day             date        not null,
    constraint matched_day_pkey primary key (day, matched_at)
);
comment on table settlement.matched_day is
    'Days that were matched. A bill that comes later, for a day or a neighbour of it, makes the day'
    ' one to be matched again. Append-only.';
comment on column settlement.matched_day.matched_at is 'When.';
comment on column settlement.matched_day.files is
    'How many files of bills there were then, of the day and of its neighbours.';
comment on column settlement.matched_day.day is 'The day.';

create table settlement.merchant_fee (
    set_at          timestamptz not null,
    since           date        not null,
    rate_bp         integer     not null,
    tolerance_fen   integer     not null,
    channel         text        not null,
    merchant        text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint merchant_fee_pkey primary key (channel, merchant, since, set_at),
    constraint merchant_fee_in_range
        check (rate_bp between 0 and 10000 and tolerance_fen between 0 and 100)
);
comment on table settlement.merchant_fee is
    'What channels keep of payments (手续费率), as agreed; of one day the last row holds.';
comment on column settlement.merchant_fee.set_at is 'When it was told.';
comment on column settlement.merchant_fee.since is 'From which day of bills.';
comment on column settlement.merchant_fee.rate_bp is 'In basis points: 60 is 0.60 %.';
comment on column settlement.merchant_fee.tolerance_fen is 'How far a fee may be off, fen.';
comment on column settlement.merchant_fee.channel is 'The channel.';
comment on column settlement.merchant_fee.merchant is 'The merchant''s number there.';
comment on column settlement.merchant_fee.actor is 'Who told it.';
comment on column settlement.merchant_fee.reason is 'Why.';

create table settlement.difference (
    difference_no   bigint      not null,
    found_at        timestamptz not null,
    lane            smallint    not null,
    kind            smallint    not null,
    nth             smallint    not null,
    order_no        text        not null,
    refund_no       text        not null,
    channel_no      text        not null,
    channel         text        not null,
    constraint difference_pkey primary key (lane, difference_no),
    constraint difference_once
        unique (lane, order_no, refund_no, channel_no, kind, nth, channel),
    constraint difference_kind_known check (kind in (1, 2))
);
comment on table settlement.difference is
    'Something that we and a channel do not agree on, by what it is known by. Append-only.';
comment on column settlement.difference.difference_no is 'Issued by us.';
comment on column settlement.difference.found_at is 'When it was found first.';
comment on column settlement.difference.lane is 'Lane of the rows.';
comment on column settlement.difference.kind is '1 payment, 2 refund.';
comment on column settlement.difference.nth is
    '0, or which one too many of the channel''s rows it is.';
comment on column settlement.difference.order_no is 'Our number of the payment; empty where none.';
comment on column settlement.difference.refund_no is 'Our number of the refund; else empty.';
comment on column settlement.difference.channel_no is
    'The channel''s number, where there is no number of ours.';
comment on column settlement.difference.channel is 'The channel.';

create table settlement.difference_step (
    difference_no   bigint      not null,
    entry_id        bigint,
    pay_no          bigint,
    ours_fen        bigint      not null,
    theirs_fen      bigint      not null,
    fee_fen         bigint      not null,
    booked_fen      bigint      not null,
    amount_fen      bigint      not null,
    recorded_at     timestamptz not null,
    day             date        not null,
    their_day       date,
    step_no         integer     not null,
    lane            smallint    not null,
    act             smallint    not null,
    state           smallint    not null,
    correction      smallint    not null,
    class           text        not null,
    institution     text        not null,
    custody         text        not null,
    merchant        text        not null,
    their_merchant  text        not null,
    owner           text        not null,
    proposer        text        not null,
    rule            text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint difference_step_pkey primary key (lane, difference_no, step_no),
    constraint difference_step_known
        check (act between 1 and 8 and state between 1 and 4 and correction between 0 and 5),
    constraint difference_step_books_what_it_corrects
        check ((entry_id is null) = (act <> 4 or amount_fen = 0))
);
create index difference_step_by_entry on settlement.difference_step (lane, entry_id)
    where entry_id is not null;
comment on table settlement.difference_step is
    'What became of a difference, step by step (books/difference_states.py): each row says '
    'all that stands after it. Append-only.';
comment on column settlement.difference_step.difference_no is 'The difference.';
comment on column settlement.difference_step.entry_id is 'The entry that a correction booked.';
comment on column settlement.difference_step.pay_no is 'Our payment or return, where there is one.';
comment on column settlement.difference_step.ours_fen is 'What we have of it, signed.';
comment on column settlement.difference_step.theirs_fen is 'What the channel has of it, signed.';
comment on column settlement.difference_step.fee_fen is 'What the channel kept of it.';
comment on column settlement.difference_step.booked_fen is
    'What corrections have added so far to what we have of it.';
comment on column settlement.difference_step.amount_fen is
    'Of a proposal or its confirmation: what is added; else 0.';
comment on column settlement.difference_step.recorded_at is 'When.';
comment on column settlement.difference_step.day is 'Our day of it, or theirs where we have none.';
comment on column settlement.difference_step.their_day is 'Of which day''s bill it is.';
comment on column settlement.difference_step.step_no is 'From 1.';
comment on column settlement.difference_step.lane is 'Lane of the difference.';
comment on column settlement.difference_step.act is
    '1 found, 2 assigned, 3 proposed, 4 confirmed, 5 rejected, 6 noted, 7 closed by a rule, 8 '
    'found again.';
comment on column settlement.difference_step.state is
    'After it: 1 open, 2 proposed, 3 corrected, 4 closed by a rule.';
comment on column settlement.difference_step.correction is
    '0 none, 1 make-up, 2 refund, 3 void, 4 write-off, 5 note.';
comment on column settlement.difference_step.class is 'settlement.channel_matching.Class.';
comment on column settlement.difference_step.institution is 'Whose; empty where nobody knows.';
comment on column settlement.difference_step.custody is 'own or agency; empty where unknown.';
comment on column settlement.difference_step.merchant is 'Where we have it; empty where we do not.';
comment on column settlement.difference_step.their_merchant is 'Whose bill has it.';
comment on column settlement.difference_step.owner is 'Who looks after it.';
comment on column settlement.difference_step.proposer is 'Who proposed the correction.';
comment on column settlement.difference_step.rule is 'The rule that closed it.';
comment on column settlement.difference_step.actor is 'Who; empty for the matching itself.';
comment on column settlement.difference_step.reason is 'Why.';

create function settlement.correction_commitment(r settlement.difference_step) returns bytea
language sql stable as $$
    -- What the entry of a correction commits to; as settlement/finance/books.py computes.
    select sha256('\x0e'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.entry_id, r.difference_no, r.step_no, r.correction, r.amount_fen, r.ours_fen,
        r.theirs_fen, settlement.json_text(r.class), settlement.json_text(r.institution),
        settlement.json_text(r.proposer), settlement.json_text(r.actor)
    ) || ']', 'UTF8'));
$$;
comment on function settlement.correction_commitment(settlement.difference_step)
    is 'What the entry of a correction commits to.';
