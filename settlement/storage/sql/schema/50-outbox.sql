-- What we owe others (待发通知): rows of the commit that they tell of. Nobody is told of what was not
-- booked, and who was not told yet is on the worklist, however long it takes.

create table settlement.outbox (
    case_no         bigint      not null,
    notice_no       integer     not null,
    told_at         timestamptz not null,
    lane            smallint    not null,
    kind            text        not null,
    topic           text        not null,
    institution     text        not null,
    payload         bytea       not null,
    constraint outbox_pkey primary key (lane, case_no, notice_no),
    constraint outbox_kind_known check (kind in ('mobile', 'webhook', 'sms'))
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.outbox is 'What we owe others (待发通知). Append-only.';
comment on column settlement.outbox.case_no is 'The order, payment or matter that it tells of.';
comment on column settlement.outbox.notice_no is
    'Orders the notices of a case: by the event that it tells of, whoever wrote it.';
comment on column settlement.outbox.told_at is 'Since when it is owed.';
comment on column settlement.outbox.lane is 'Lane of the case.';
comment on column settlement.outbox.kind is
    'mobile: in the envelope of mobile payment; webhook: a result of scan-to-pay; sms: a message '
    'to a person.';
comment on column settlement.outbox.topic is '6204, 6302, or what the webhook is about.';
comment on column settlement.outbox.institution is 'To whom; of a message to a person, SMS.';
comment on column settlement.outbox.payload is 'What it says, encrypted; signed when it leaves.';

create table settlement.outbox_due (
    case_no         bigint      not null,
    notice_no       integer     not null,
    after_case      bigint,
    due_at          timestamptz not null,
    lane            smallint    not null,
    attempts        integer     not null default 0,
    constraint outbox_due_pkey primary key (lane, case_no, notice_no)
);
create index outbox_due_at on settlement.outbox_due (due_at);
comment on table settlement.outbox_due is
    'Notices that are not delivered, and when they are tried next. Derived.';
comment on column settlement.outbox_due.case_no is 'The case.';
comment on column settlement.outbox_due.notice_no is 'The notice.';
comment on column settlement.outbox_due.after_case is
    'A case of the same lane that is told first, as the payment before its refund; null for most.';
comment on column settlement.outbox_due.due_at is 'When to try next.';
comment on column settlement.outbox_due.lane is 'Lane of the case.';
comment on column settlement.outbox_due.attempts is 'How often it was tried in vain.';

create table settlement.outbox_attempt (
    case_no         bigint      not null,
    notice_no       integer     not null,
    began_at        timestamptz not null,
    took_ms         integer     not null,
    http_status     integer,
    lane            smallint    not null,
    attempt_no      integer     not null,
    came            text        not null,
    said            text        not null,
    constraint outbox_attempt_pkey primary key (lane, case_no, notice_no, attempt_no)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.outbox_attempt is
    'The delivery log: every attempt to tell somebody, and what came of it. Append-only.';
comment on column settlement.outbox_attempt.case_no is 'The case.';
comment on column settlement.outbox_attempt.notice_no is 'The notice.';
comment on column settlement.outbox_attempt.began_at is 'When.';
comment on column settlement.outbox_attempt.took_ms is 'How long, milliseconds.';
comment on column settlement.outbox_attempt.http_status is 'Null where no answer came.';
comment on column settlement.outbox_attempt.lane is 'Lane of the case.';
comment on column settlement.outbox_attempt.attempt_no is 'From 1.';
comment on column settlement.outbox_attempt.came is
    'delivered, refused, strange, silent or nobody (settlement/outbox.py).';
comment on column settlement.outbox_attempt.said is 'What the receiver said, or what broke.';

create table settlement.receiver (
    since           timestamptz not null,
    institution     text        not null,
    kind            text        not null,
    url             text        not null,
    access_key      text        not null,
    constraint receiver_pkey primary key (institution, kind),
    constraint receiver_kind_known check (kind in ('mobile', 'webhook', 'sms'))
);
comment on table settlement.receiver is
    'Where institutions want to be told (回调地址): reference data, written by operators.';
comment on column settlement.receiver.since is 'Since when.';
comment on column settlement.receiver.institution is 'fixmedins_code.';
comment on column settlement.receiver.kind is 'mobile, webhook or sms.';
comment on column settlement.receiver.url is 'The address.';
comment on column settlement.receiver.access_key is
    'The credential whose secret signs, and whose SM2 key checks answers.';
