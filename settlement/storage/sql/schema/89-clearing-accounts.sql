-- Clearing accounts of payment channels (渠道清算账户, ADR 0045). One account an institution, channel,
-- custody, merchant and business day: what was booked as due from the channel, what of it no bill
-- and no fund bill has yet, and what the channel kept of it. A row says what a matching changed, so
-- an account is the sum of its rows and how soon it was cleared stays known. What bills and books
-- do not agree on is no part of it: that lies with the differences, which people correct at any
-- time. Rows lie in the lane of the institution's code; what nobody knows whose it is, in that of
-- the merchant number.

create table settlement.channel_clearing_step (
    entry_id        bigint,
    paid_fen        bigint      not null,
    refunded_fen    bigint      not null,
    unbilled_fen    bigint      not null,
    unbilled_volume_fen bigint  not null,
    unfunded_fen    bigint      not null,
    unfunded_volume_fen bigint  not null,
    fee_fen         bigint      not null,
    booked_fee_fen  bigint      not null,
    kept_at         timestamptz not null,
    day             date        not null,
    known_on        date        not null,
    rows            integer     not null,
    step_no         integer     not null,
    lane            smallint    not null,
    institution     text        not null,
    channel         text        not null,
    custody         text        not null,
    merchant        text        not null,
    borne_by        text        not null,
    rule            text        not null,
    constraint channel_clearing_step_pkey
        primary key (lane, institution, channel, custody, merchant, day, step_no),
    constraint channel_clearing_step_books_a_fee
        check ((entry_id is null) = (booked_fee_fen = 0)
               and (entry_id is null) = (rule = '') and (entry_id is null) = (borne_by = ''))
);
create index channel_clearing_step_by_day on settlement.channel_clearing_step (day);
create index channel_clearing_step_open on settlement.channel_clearing_step (day)
    where unbilled_volume_fen <> 0 or unfunded_volume_fen <> 0;
create index channel_clearing_step_by_entry on settlement.channel_clearing_step (lane, entry_id)
    where entry_id is not null;
comment on table settlement.channel_clearing_step is
    'What a matching changed of a clearing account. All amounts are added to those of the rows '
    'before. Append-only.';
comment on column settlement.channel_clearing_step.entry_id is 'The entry that booked a fee.';
comment on column settlement.channel_clearing_step.paid_fen is
    'Payments booked, without those undone.';
comment on column settlement.channel_clearing_step.refunded_fen is 'Refunds booked.';
comment on column settlement.channel_clearing_step.unbilled_fen is
    'Of that, signed: the trade bill of the day is not here.';
comment on column settlement.channel_clearing_step.unbilled_volume_fen is
    'The same with payments and refunds added up.';
comment on column settlement.channel_clearing_step.unfunded_fen is
    'Of that, signed: a trade bill has it, and no fund bill of a merchant that has such.';
comment on column settlement.channel_clearing_step.unfunded_volume_fen is
    'The same with payments and refunds added up.';
comment on column settlement.channel_clearing_step.fee_fen is
    'What the channel kept by its trade bills; negative where it gave a fee back.';
comment on column settlement.channel_clearing_step.booked_fee_fen is 'What was booked of that.';
comment on column settlement.channel_clearing_step.kept_at is 'When.';
comment on column settlement.channel_clearing_step.day is
    'Our business day of the rows; of the bill where we have no such row.';
comment on column settlement.channel_clearing_step.known_on is 'The day of `kept_at` in China.';
comment on column settlement.channel_clearing_step.rows is 'Payments and refunds of ours.';
comment on column settlement.channel_clearing_step.step_no is 'From 1 in each account.';
comment on column settlement.channel_clearing_step.lane is
    'Lane of the institution''s code, or of the merchant number.';
comment on column settlement.channel_clearing_step.institution is
    'Whose; empty where nobody knows.';
comment on column settlement.channel_clearing_step.channel is 'wechat, alipay, unionpay, onecode.';
comment on column settlement.channel_clearing_step.custody is
    'own or agency (DOMAIN 1); empty where nobody knows.';
comment on column settlement.channel_clearing_step.merchant is 'The merchant''s number there.';
comment on column settlement.channel_clearing_step.borne_by is
    'Who bears the fee that was booked: institution or agency; else empty.';
comment on column settlement.channel_clearing_step.rule is
    'The rule that booked a fee without anybody; else empty.';

create table settlement.channel_clearing_total (
    paid_fen        bigint      not null,
    refunded_fen    bigint      not null,
    unbilled_fen    bigint      not null,
    unbilled_volume_fen bigint  not null,
    unfunded_fen    bigint      not null,
    unfunded_volume_fen bigint  not null,
    fee_fen         bigint      not null,
    booked_fee_fen  bigint      not null,
    day             date        not null,
    known_on        date        not null,
    rows            integer     not null,
    step_no         integer     not null,
    lane            smallint    not null,
    channel         text        not null,
    constraint channel_clearing_total_pkey primary key (lane, channel, day, step_no)
);
create index channel_clearing_total_by_day on settlement.channel_clearing_total (day);
comment on table settlement.channel_clearing_total is
    'What the steps of one matching in a lane add up to, by channel and day: what a page over all '
    'institutions reads. Derived from channel_clearing_step, in its transaction. Append-only.';
comment on column settlement.channel_clearing_total.paid_fen is 'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.refunded_fen is 'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.unbilled_fen is 'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.unbilled_volume_fen is
    'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.unfunded_fen is 'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.unfunded_volume_fen is
    'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.fee_fen is 'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.booked_fee_fen is 'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.day is 'The day of the accounts.';
comment on column settlement.channel_clearing_total.known_on is 'When it was found, in China.';
comment on column settlement.channel_clearing_total.rows is 'Sum of the same of steps.';
comment on column settlement.channel_clearing_total.step_no is 'From 1 in each lane and day.';
comment on column settlement.channel_clearing_total.lane is 'Lane of the steps.';
comment on column settlement.channel_clearing_total.channel is 'The channel.';

create index bill_movement_by_day on settlement.bill_movement (lane, bill_day);

create function settlement.channel_fee_commitment(r settlement.channel_clearing_step) returns bytea
language sql stable as $$
    -- What the entry of a fee commits to; as settlement/finance/channel_fees.py computes.
    select sha256('\x14'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.entry_id, settlement.json_text(r.institution), settlement.json_text(r.channel),
        settlement.json_text(r.custody), settlement.json_text(r.merchant),
        settlement.json_text(r.day::text), r.step_no, r.fee_fen, r.booked_fee_fen,
        settlement.json_text(r.borne_by), settlement.json_text(r.rule)
    ) || ']', 'UTF8'));
$$;
comment on function settlement.channel_fee_commitment(settlement.channel_clearing_step)
    is 'What the entry of a channel''s fee commits to.';
