create table settlement.pay_order (
    psn_lane        smallint    not null,
    lane            smallint    not null,
    key             bytea       not null,
    psn_no          text        not null,
    constraint pay_order_pkey primary key (lane, key)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.pay_order is
    'Whose the order numbers of scan-to-pay are, and the codes that were decoded for an order; in '
    'the lane of the key itself. Append-only.';
comment on column settlement.pay_order.psn_lane is 'Lane where the order is.';
comment on column settlement.pay_order.lane is 'Hash of the key.';
comment on column settlement.pay_order.key is
    'Digest of institution and order number; of a decoded code the keyed hash that is also the key '
    'of its token.';
comment on column settlement.pay_order.psn_no is
    'The person; of a sale without one # and what stands for it.';

create table settlement.payment (
    pay_no          bigint      not null,
    setl_id         bigint,
    parent          bigint,
    mdtrt_id        bigint,
    amount_fen      bigint      not null,
    opened_at       timestamptz not null,
    lane            smallint    not null,
    kind            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    order_no        text        not null,
    plan            bytea       not null,
    constraint payment_pkey primary key (lane, pay_no),
    constraint payment_kind_known check (kind between 1 and 2),
    constraint payment_collects_something check (amount_fen > 0)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
create index payment_by_order on settlement.payment (lane, order_no);
comment on table settlement.payment is
    'Payments over channels (收款, 退款) as opened. Append-only; what happened since is in '
    'payment_event. The entry that opens one commits to every column.';
comment on column settlement.payment.pay_no is 'Issued by us; also its pending entry.';
comment on column settlement.payment.setl_id is
    'The settlement that it pays, booked once it is paid; null for a sale without insurance.';
comment on column settlement.payment.parent is 'Of a return: the payment whose money goes back.';
comment on column settlement.payment.mdtrt_id is
    'The visit that learns of it: whose settlement it pays, or whose deposit it is; else null.';
comment on column settlement.payment.amount_fen is 'What the channel collects, or gives back.';
comment on column settlement.payment.opened_at is 'When.';
comment on column settlement.payment.lane is 'Lane of the person, or of the order.';
comment on column settlement.payment.kind is '1 collects, 2 gives back.';
comment on column settlement.payment.psn_no is 'The person; empty for a sale without one.';
comment on column settlement.payment.institution is 'Whose sale.';
comment on column settlement.payment.order_no is
    'Order number of the institution, or its refund number.';
comment on column settlement.payment.plan is
    'What is booked once it is paid, encrypted (settlement/usecases/payment_payloads.py).';

create table settlement.payment_event (
    pay_no          bigint      not null,
    entry_id        bigint,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    event_no        smallint    not null,
    kind            smallint    not null,
    attempt         smallint    not null,
    order_no        text,
    content         text        not null,
    digest          bytea       not null,
    exchange        bytea       not null,
    constraint payment_event_pkey primary key (lane, pay_no, event_no)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
create unique index payment_event_order on settlement.payment_event (lane, order_no)
    where order_no is not null;
create unique index payment_event_entry on settlement.payment_event (lane, entry_id)
    where entry_id is not null;
create index payment_event_reference on settlement.payment_event
    (lane, ((content::jsonb -> 1) ->> 'reference')) where kind in (2, 3, 10, 11);
comment on table settlement.payment_event is
    'What happened to a payment, in order. Append-only; folded by payments/payment_states.py.';
comment on column settlement.payment_event.pay_no is 'The payment.';
comment on column settlement.payment_event.entry_id is
    'The entry that was booked with it: what was collected or given back, or is owed back.';
comment on column settlement.payment_event.recorded_at is 'When.';
comment on column settlement.payment_event.lane is 'Lane of the payment.';
comment on column settlement.payment_event.event_no is 'From 1.';
comment on column settlement.payment_event.kind is
    'Happening of settlement/payments/payment_states.py: 1 attempted, 2 paid …';
comment on column settlement.payment_event.attempt is 'Which attempt, from 1; 0 for none.';
comment on column settlement.payment_event.order_no is
    'Of an attempt that begins: our number at the channel, committed before the first byte leaves.';
comment on column settlement.payment_event.content is
    'JSON: the attempt that begins, and what was learnt.';
comment on column settlement.payment_event.digest is
    'Of the row but for the exchange, keyed (payments/payment_rows.py); verify makes it again.';
comment on column settlement.payment_event.exchange is
    'Request and reply, masked and encrypted; empty where there was none.';

create table settlement.payment_due (
    pay_no          bigint      not null,
    due_at          timestamptz not null,
    lane            smallint    not null,
    channel         text        not null,
    constraint payment_due_pkey primary key (lane, pay_no)
);
create index payment_due_at on settlement.payment_due (channel, due_at);
comment on table settlement.payment_due is
    'Payments that are not at their end, and when the resolver looks next. Derived.';
comment on column settlement.payment_due.pay_no is 'The payment.';
comment on column settlement.payment_due.due_at is 'When.';
comment on column settlement.payment_due.lane is 'Lane of the payment.';
comment on column settlement.payment_due.channel is
    'Of the latest attempt: a channel that is silent must not hold up what is due at others.';
