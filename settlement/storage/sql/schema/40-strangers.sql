-- People of other regions who are treated here (异地就医, ADR 0033). A case is what the region of
-- insurance is asked to share; its settlement, once that has answered, is one like any other, with
-- a row of insured_elsewhere beside it.

create table settlement.remote_case (
    case_no         bigint      not null,
    hold_id         bigint      not null,
    mdtrt_id        bigint      not null,
    total_fen       bigint      not null,
    opened_at       timestamptz not null,
    lane            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    insured_region  text        not null,
    infno           text        not null,
    msgid           text        not null,
    payload         bytea       not null,
    constraint remote_case_pkey primary key (lane, case_no),
    constraint remote_case_names_a_region check (insured_region ~ '^[0-9]{6}$'),
    constraint remote_case_costs_something check (total_fen > 0)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
create index remote_case_by_hold on settlement.remote_case (lane, hold_id);
comment on table settlement.remote_case is
    'Cases of people insured in another region, as they were put to it. Append-only; what '
    'happened since is in remote_event. The entry that holds for one commits to every column.';
comment on column settlement.remote_case.case_no is
    'Number of the settlement that it becomes; between regions our region stands before it.';
comment on column settlement.remote_case.hold_id is 'Its pending entry.';
comment on column settlement.remote_case.mdtrt_id is 'The visit; of a sale the case itself.';
comment on column settlement.remote_case.total_fen is 'What the care cost.';
comment on column settlement.remote_case.opened_at is 'When.';
comment on column settlement.remote_case.lane is 'Lane of the person.';
comment on column settlement.remote_case.psn_no is 'The person, by the number they have at home.';
comment on column settlement.remote_case.institution is 'Who treats.';
comment on column settlement.remote_case.insured_region is 'insuplc_admdvs: who is asked.';
comment on column settlement.remote_case.infno is 'By which transaction.';
comment on column settlement.remote_case.msgid is 'And message.';
comment on column settlement.remote_case.payload is
    'The question, and what is booked once it is answered, encrypted '
    '(settlement/usecases/remote_payloads.py).';

create table settlement.remote_event (
    case_no         bigint      not null,
    setl_id         bigint,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    event_no        smallint    not null,
    kind            smallint    not null,
    reference       text        not null,
    payload         bytea       not null,
    constraint remote_event_pkey primary key (lane, case_no, event_no),
    constraint remote_event_kind_known check (kind between 1 and 9)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.remote_event is
    'What happened to a case, in order. Append-only; folded by elsewhere/remote_states.py.';
comment on column settlement.remote_event.case_no is 'The case.';
comment on column settlement.remote_event.setl_id is
    'The settlement that it became, or what took that back.';
comment on column settlement.remote_event.recorded_at is 'When.';
comment on column settlement.remote_event.lane is 'Lane of the case.';
comment on column settlement.remote_event.event_no is 'From 1.';
comment on column settlement.remote_event.kind is
    '1 asked, 2 settled there, 3 refused there, 4 no answer, 5 given up, 6 undone there, 7 cancel '
    'asked, 8 cancelled there, 9 cancel refused there.';
comment on column settlement.remote_event.reference is
    'Number of the settlement or cancel there; of a cancel that is asked our number of it.';
comment on column settlement.remote_event.payload is
    'What was told, or who asked for it, encrypted; empty for neither.';

create table settlement.remote_due (
    case_no         bigint      not null,
    due_at          timestamptz not null,
    lane            smallint    not null,
    constraint remote_due_pkey primary key (lane, case_no)
);
create index remote_due_at on settlement.remote_due (due_at);
comment on table settlement.remote_due is
    'Cases that are not at their end, and when somebody looks next. Derived.';
comment on column settlement.remote_due.case_no is 'The case.';
comment on column settlement.remote_due.due_at is 'When.';
comment on column settlement.remote_due.lane is 'Lane of the case.';
