-- Mobile payment (移动支付, ADR 0032): an order as it was uploaded, what happened to it, and when it
-- ends by itself if nobody pays. Its visit, lines and settlement are where those of others are.

create table settlement.mobile_order (
    order_no        bigint      not null,
    mdtrt_id        bigint      not null,
    total_fen       bigint      not null,
    opened_at       timestamptz not null,
    lane            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    institution_order_no text   not null,
    batch_no        text        not null,
    payload         bytea       not null,
    constraint mobile_order_pkey primary key (lane, order_no)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.mobile_order is
    'Orders of mobile payment (移动支付订单) as uploaded. Append-only.';
comment on column settlement.mobile_order.order_no is 'Issued by us; ends payOrdId.';
comment on column settlement.mobile_order.mdtrt_id is 'The visit that it is.';
comment on column settlement.mobile_order.total_fen is 'medfeeSumamt, fen.';
comment on column settlement.mobile_order.opened_at is 'When.';
comment on column settlement.mobile_order.lane is 'Lane of the person.';
comment on column settlement.mobile_order.psn_no is 'The person.';
comment on column settlement.mobile_order.institution is 'Whose order.';
comment on column settlement.mobile_order.institution_order_no is 'medOrgOrd.';
comment on column settlement.mobile_order.batch_no is 'The charge batch of the visit.';
comment on column settlement.mobile_order.payload is
    'What it is decided on, encrypted (settlement/usecases/mobile_payloads.py).';

create table settlement.mobile_event (
    order_no        bigint      not null,
    setl_id         bigint,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    event_no        smallint    not null,
    kind            smallint    not null,
    content         text        not null,
    payload         bytea       not null,
    constraint mobile_event_pkey primary key (lane, order_no, event_no),
    constraint mobile_event_kind_known check (kind between 1 and 9)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.mobile_event is
    'What happened to an order, in order. Append-only; folded by payments/mobile_states.py. The '
    'entry that holds what it will pay commits to every column of the event.';
comment on column settlement.mobile_event.order_no is 'The order.';
comment on column settlement.mobile_event.setl_id is
    'The settlement that is held, that paid, or that took it back.';
comment on column settlement.mobile_event.recorded_at is 'When.';
comment on column settlement.mobile_event.lane is 'Lane of the order.';
comment on column settlement.mobile_event.event_no is 'From 1.';
comment on column settlement.mobile_event.kind is
    '1 uploaded, 2 held, 3 insurance paid, 4 and nothing left to collect, 5 withdrawn, 6 expired, '
    '7 all refunded, 8 insurance refunded, 9 own part refunded.';
comment on column settlement.mobile_event.content is
    'JSON: numbers of others and of ours, and who collects.';
comment on column settlement.mobile_event.payload is
    'Of a hold what is booked once it is confirmed, encrypted; else empty.';

create table settlement.mobile_due (
    order_no        bigint      not null,
    due_at          timestamptz not null,
    lane            smallint    not null,
    constraint mobile_due_pkey primary key (lane, order_no)
);
create index mobile_due_at on settlement.mobile_due (due_at);
comment on table settlement.mobile_due is
    'Orders that are not paid and have not ended, and when they end by themselves. Derived.';
comment on column settlement.mobile_due.order_no is 'The order.';
comment on column settlement.mobile_due.due_at is 'When.';
comment on column settlement.mobile_due.lane is 'Lane of the order.';
