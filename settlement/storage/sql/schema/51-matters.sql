-- What persons have done for them (个人办件, ADR 0034): what was applied for, and what happened to it.
-- A filing of care outside that is accepted is also a row of settlement.filing, and in the person's
-- list, with the number of its matter. What moves an account is an entry that commits to the event.

create table settlement.matter (
    matter_no       bigint      not null,
    opened_at       timestamptz not null,
    lane            smallint    not null,
    kind            smallint    not null,
    psn_no          text        not null,
    agent_no        text        not null,
    payload         bytea       not null,
    constraint matter_pkey primary key (lane, matter_no),
    constraint matter_kind_known check (kind between 1 and 5),
    constraint matter_agent_of_an_authorisation check ((kind = 2) = (agent_no <> '')),
    constraint matter_agent_is_somebody_else check (agent_no <> psn_no)
);
create index matter_by_person on settlement.matter (lane, psn_no);
create index matter_by_agent on settlement.matter (agent_no) where kind = 2;
comment on table settlement.matter is
    'What persons applied for (个人办件): filings of care outside, authorisations, transfers of '
    'accounts. Append-only.';
comment on column settlement.matter.matter_no is 'Issued by us; of a filing also its number.';
comment on column settlement.matter.opened_at is 'When.';
comment on column settlement.matter.lane is 'Lane of the person.';
comment on column settlement.matter.kind is
    '1 filing of care outside (异地就医备案), 2 authorisation (代办授权), 3 account out (个账转出), '
    '4 account in (个账转入), 5 papers told in advance (报销预受理).';
comment on column settlement.matter.psn_no is 'Whose it is.';
comment on column settlement.matter.agent_no is
    'Of an authorisation who may act for the person; else empty.';
comment on column settlement.matter.payload is
    'What was applied for, encrypted (settlement/usecases/matter_payloads.py).';

create table settlement.matter_event (
    matter_no       bigint      not null,
    entry_id        bigint,
    amount_fen      bigint      not null,
    recorded_at     timestamptz not null,
    business_day    date        not null,
    coverage_months integer     not null,
    lane            smallint    not null,
    event_no        smallint    not null,
    kind            smallint    not null,
    actor           text        not null,
    through         text        not null,
    reference       text        not null,
    note            text        not null,
    constraint matter_event_pkey primary key (lane, matter_no, event_no),
    constraint matter_event_kind_known check (kind between 1 and 8),
    constraint matter_event_moves_what_it_books
        check ((amount_fen > 0) = (entry_id is not null) and amount_fen >= 0),
    constraint matter_event_coverage_not_negative check (coverage_months >= 0)
);
create unique index matter_event_once on settlement.matter_event (lane, matter_no, kind);
create unique index matter_event_by_entry on settlement.matter_event (lane, entry_id)
    where entry_id is not null;
comment on table settlement.matter_event is
    'What happened to a matter, in order. Append-only; folded by people/matter_states.py. The '
    'entry of one that moves money commits to every column.';
comment on column settlement.matter_event.matter_no is 'The matter.';
comment on column settlement.matter_event.entry_id is
    'The entry that moved money; null where none.';
comment on column settlement.matter_event.amount_fen is 'What it moved, fen; 0 where nothing.';
comment on column settlement.matter_event.recorded_at is 'When.';
comment on column settlement.matter_event.business_day is 'On which business day.';
comment on column settlement.matter_event.coverage_months is
    'Months of coverage (缴费年限) that go with a transfer.';
comment on column settlement.matter_event.lane is 'Lane of the matter.';
comment on column settlement.matter_event.event_no is 'From 1.';
comment on column settlement.matter_event.kind is
    '1 applied, 2 accepted, 3 refused, 4 cancelled by the person, 5 ended by the agency, 6 taken '
    'out of the account, 7 paid out or arrived, 8 returned. Each at most once.';
comment on column settlement.matter_event.actor is
    'Who acted: person: and psn_no, perhaps another''s than whose it is, or staff: and a login.';
comment on column settlement.matter_event.through is 'The app that sent it; empty for staff.';
comment on column settlement.matter_event.reference is
    'Number of the contact letter (联系函) or of the bank''s payment; empty where no money moved.';
comment on column settlement.matter_event.note is 'What whoever acted said about it.';
