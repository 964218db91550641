create table settlement.person (
    version         bigint      not null default 0,
    latest_row      bigint,
    latest_visit    bigint,
    open_stay       bigint,
    undertaking     bigint,
    account         bigint      not null,
    lane            smallint    not null,
    key_version     smallint    not null,
    accumulators    text        not null default '{}',
    psn_no          text        not null,
    identity        bytea       not null,
    enrolments      text        not null,
    filings         text        not null default '',
    family          text        not null default '[]',
    home_region     text        not null default '',
    constraint person_pkey primary key (lane, psn_no)
) with (
    fillfactor = 85, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0.2,
    autovacuum_analyze_threshold = 50000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.person is
    'Insured people (参保人). What changes with every settlement comes first, so that the log holds '
    'little more than that; what rarely changes is behind it.';
comment on column settlement.person.version is
    'Bumped by every change of the person, visits, lines or enrolment.';
comment on column settlement.person.latest_row is
    'Newest settlement row; rows of a person are linked newest first.';
comment on column settlement.person.latest_visit is
    'Newest visit; visits are linked newest first.';
comment on column settlement.person.open_stay is
    'The stay that the person is in hospital for (在院); null where in none.';
comment on column settlement.person.undertaking is
    'What is under way (未完结业务), a row of settlement.undertaking; null for nearly everybody.';
comment on column settlement.person.accumulators is
    'JSON: by fiscal year, the accumulators (年度累计) and the newest settlement that stands; '
    'verify rebuilds it.';
comment on column settlement.person.account is
    'Ledger account of the personal account (个人账户); 0 for a stranger, who has none here.';
comment on column settlement.person.lane is 'Hash of psn_no.';
comment on column settlement.person.key_version is 'Version of the key that encrypts identity.';
comment on column settlement.person.psn_no is 'Person number at the insurer.';
comment on column settlement.person.identity is
    'Name, certificate, cards: encrypted (settlement/person.py, Identity).';
comment on column settlement.person.enrolments is
    'JSON: memberships by scheme (settlement/person.py, Enrolment).';
comment on column settlement.person.filings is
    'The filings (备案) that stand (people/filing.py), encrypted, in base64; empty for most.';
comment on column settlement.person.family is
    'JSON: relatives whose accounts may pay (settlement/person.py, FamilyLink).';
comment on column settlement.person.home_region is
    'Of somebody insured in another region (异地参保人): which; empty for our own people.';

create index person_with_undertaking on settlement.person (lane, undertaking)
    where undertaking is not null;

create table settlement.person_change (
    version         bigint      not null,
    through_row     bigint,
    undertaking     bigint,
    changed_at      timestamptz not null,
    days            datemultirange not null,
    lane            smallint    not null,
    psn_no          text        not null,
    constraint person_change_pkey primary key (lane, psn_no, version),
    constraint person_change_of_something check (num_nonnulls(through_row, undertaking) > 0)
);
comment on table settlement.person_change is
    'Changes of memberships (参保变更) that came after the person had settled, or while something '
    'was under way: which days they decide otherwise. What was decided for one of them before is '
    'to be decided again (待重算). Append-only.';
comment on column settlement.person_change.version is 'person.version after the change.';
comment on column settlement.person_change.through_row is
    'Newest settlement row before the change; rows of a person are linked newest first.';
comment on column settlement.person_change.undertaking is
    'What was under way then, as person.undertaking: an order decided before and booked after.';
comment on column settlement.person_change.changed_at is 'When the import was made.';
comment on column settlement.person_change.days is
    'Days for which claims would be decided otherwise.';
comment on column settlement.person_change.lane is 'Lane of the person.';
comment on column settlement.person_change.psn_no is 'The person.';

create table settlement.lookup (
    psn_lane        smallint    not null,
    lane            smallint    not null,
    kind            smallint    not null,
    key             bytea       not null,
    psn_no          text        not null,
    constraint lookup_pkey primary key (lane, kind, key)
);
comment on table settlement.lookup is
    'Keys that others choose, to a person; in the lane of the key itself.';
comment on column settlement.lookup.psn_lane is 'Lane of the person.';
comment on column settlement.lookup.lane is 'Of the hash that the key is, or begins with.';
comment on column settlement.lookup.kind is '1 certificate, 2 card, 3 e-credential token, 4 name.';
comment on column settlement.lookup.key is
    'Keyed hash; the key has a version. Of a name, which is not one person''s alone, with psn_no '
    'behind it.';
comment on column settlement.lookup.psn_no is 'The person.';

create table settlement.token (
    expires_at      timestamptz not null,
    lane            smallint    not null,
    psn_no          text        not null,
    key             bytea       not null,
    institution     text        not null,
    constraint token_pkey primary key (lane, psn_no, key)
) with (
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table settlement.token is
    'E-credential tokens (医保电子凭证) issued for a person to an institution.';
comment on column settlement.token.expires_at is 'Dead from then on.';
comment on column settlement.token.lane is 'Lane of the person.';
comment on column settlement.token.psn_no is 'The person.';
comment on column settlement.token.key is 'Keyed hash of the token.';
comment on column settlement.token.institution is 'Where it may be used.';

create table settlement.visit (
    mdtrt_id        bigint      not null,
    prior_visit     bigint,
    begun_at        timestamp   not null,
    registered_at   timestamptz not null,
    lane            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    scheme          text        not null,
    payload         bytea       not null,
    kind            smallint    not null,
    constraint visit_pkey primary key (lane, mdtrt_id),
    constraint visit_kind_known check (kind between 1 and 3)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
create index visit_requests on settlement.visit (begun_at) where kind = 3;
comment on table settlement.visit is
    'Visits (就诊) as registered. Append-only; what happened since is in visit_event.';
comment on column settlement.visit.mdtrt_id is 'Visit number, issued by us.';
comment on column settlement.visit.prior_visit is 'The person''s visit before this one.';
comment on column settlement.visit.begun_at is 'begntime, local time of the region.';
comment on column settlement.visit.registered_at is 'When it reached us.';
comment on column settlement.visit.lane is 'Lane of the person.';
comment on column settlement.visit.psn_no is 'The person.';
comment on column settlement.visit.institution is 'Where.';
comment on column settlement.visit.scheme is 'insutype.';
comment on column settlement.visit.payload is 'Registration or admission as sent, encrypted.';
comment on column settlement.visit.kind is
    '1 outpatient visit, 2 stay in hospital (住院), 3 request of one (入院登记申请).';

create table settlement.visit_event (
    mdtrt_id        bigint      not null,
    setl_id         bigint,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    event_no        smallint    not null,
    kind            smallint    not null,
    batch_no        text        not null,
    payload         bytea       not null,
    head            text        not null,
    constraint visit_event_pkey primary key (lane, mdtrt_id, event_no),
    constraint visit_event_kind_known check (kind between 1 and 15)
) with (
    toast_tuple_target = 4080,
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
-- Ciphertext does not get smaller, so nobody tries. What half a page has room for stays in its row:
-- the lines of a visit are written once and read twice, and beside it they cost an index and two
-- rows more.
alter table settlement.visit_event alter column payload set storage external;
create index visit_event_deposits on settlement.visit_event (lane, mdtrt_id)
    where kind in (12, 13);
comment on table settlement.visit_event is
    'What happened to a visit, in order. Append-only; folded by settlement/view.py, a stay by '
    'settlement/stay.py.';
comment on column settlement.visit_event.mdtrt_id is 'The visit.';
comment on column settlement.visit_event.setl_id is 'The settlement, for kinds 5, 6 and 10.';
comment on column settlement.visit_event.recorded_at is 'When.';
comment on column settlement.visit_event.lane is 'Lane of the person.';
comment on column settlement.visit_event.event_no is 'From 1.';
comment on column settlement.visit_event.kind is
    '1 diagnosis, 2 lines, 3 lines withdrawn, 4 registration or admission withdrawn, 5 settled, '
    '6 settlement undone, 7 admission changed, 8 discharged, 9 discharge withdrawn, 10 held for '
    'its payer, 11 not held any more, 12 deposit, 13 deposit given back, 14 request admitted, '
    '15 request ended otherwise.';
comment on column settlement.visit_event.batch_no is
    'chrg_bchno, where the event is about one batch; the segment of a stay.';
comment on column settlement.visit_event.head is
    'JSON: what decisions need of an event without opening it (of stays; deposits; trace codes of '
    'lines); else empty.';
comment on column settlement.visit_event.payload is
    'Content, encrypted; empty where there is none.';

create table settlement.filing (
    filing_no       bigint      not null,
    withdraws       bigint,
    recorded_at     timestamptz not null,
    begins_on       date        not null,
    ends_on         date,
    lane            smallint    not null,
    kind            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    payload         bytea       not null,
    constraint filing_pkey primary key (lane, filing_no),
    constraint filing_kind_known check (kind between 1 and 4),
    constraint filing_ends_after_it_begins check (ends_on >= begins_on)
);
create unique index filing_withdrawn_once on settlement.filing (lane, withdraws)
    where withdraws is not null;
create index filing_by_kind on settlement.filing (kind, recorded_at, filing_no)
    where withdraws is null;
create index filing_withdrawn on settlement.filing (recorded_at) where withdraws is not null;
create index filing_by_person on settlement.filing (lane, psn_no);
comment on table settlement.filing is
    'Filings (备案) of diseases, chosen institutions, transfers and care outside, and their '
    'withdrawals. '
    'Append-only; what stands is in person.filings.';
comment on column settlement.filing.filing_no is 'trt_dcla_detl_sn, issued by us.';
comment on column settlement.filing.withdraws is 'The filing that this row takes back.';
comment on column settlement.filing.recorded_at is 'When.';
comment on column settlement.filing.begins_on is
    'First day; of a withdrawal, the first day without the filing.';
comment on column settlement.filing.ends_on is 'Last day; null where open.';
comment on column settlement.filing.lane is 'Lane of the person.';
comment on column settlement.filing.kind is
    '1 transfer (转院), 2 disease (慢特病), 3 chosen institution (定点), 4 care outside (异地就医).';
comment on column settlement.filing.psn_no is 'The person.';
comment on column settlement.filing.institution is 'The institution that sent it.';
comment on column settlement.filing.payload is 'Content as sent, encrypted.';
