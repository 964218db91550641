-- The settlement schema: people, institutions, visits, settlements, and the keys that make a
-- message count once.
--
-- Everything about a person lives in the person's lane, and `lane` leads every key. A batch of
-- one journal is the only writer of a lane; it comes in through `settlement.write_batch`, which
-- locks the journal's head before anything else and then compares one `version` a person.
-- Settlements, visits, events, filings and messages are only ever inserted: a cancel is a second
-- row, an upload withdrawn is a second event. Of what concerns money, only the front of `person`
-- (what changes with every settlement) is updated in place.
--
-- Personal data (names, certificates, what was bought, what was filed) is ciphertext in
-- `person.identity`, `person.filings`, `settlement_detail.payload`, `visit.payload`,
-- `visit_event.payload`, `filing.payload` and `upload.payload`. The ledger's chain covers only
-- salted commitments to it, so these rows can be erased without breaking a proof.
--
-- As it stands this is the schema for one machine; what the marks `lanes`, `lane` and `cluster`
-- make of it on a cluster, ledger/postgres/shape.py tells.
--
-- No foreign keys where the settle path writes: `write_batch` checks, `verify` checks again.
-- What the database refuses, settlement/storage/errors.py translates.

create schema settlement;
comment on schema settlement is
    'Medical settlement: people, institutions, visits, settlements, message keys.';

create table settlement.installation (
    schema_version  integer     not null,
    lanes           smallint    not null,
    region          text        not null,
    demo_seed       bigint,
    installed_at    timestamptz not null,
    constraint installation_pkey primary key (region)
);
comment on table settlement.installation is 'What this database is: one row.';
comment on column settlement.installation.schema_version is 'Version of this schema.';
comment on column settlement.installation.lanes is 'Number of lanes; fixed for ever.';
comment on column settlement.installation.region is 'The pooling area (统筹区).';
comment on column settlement.installation.demo_seed is
    'Seed of the demonstration world; null in a real database.';
comment on column settlement.installation.installed_at is 'When it was made.';

create sequence settlement.number_block as bigint minvalue 1 maxvalue 99999 cycle;
comment on sequence settlement.number_block is
    'Blocks of a million identifiers, one a process at a time (settlement/numbers.py).';

create table settlement.institution (
    code            text        not null,
    account_base    bigint      not null,
    agreement_from  date        not null,
    agreement_to    date        not null,
    suspended       boolean     not null default false,
    name            text        not null,
    kind            text        not null,
    region          text        not null,
    hospital_level  text        not null,
    deductible_level text       not null,
    ceiling_level   text        not null,
    care_types      text[]      not null,
    constraint institution_pkey primary key (code),
    constraint institution_account_base_key unique (account_base),
    constraint institution_kind_known check (kind in ('hospital', 'pharmacy'))
);
comment on table settlement.institution is
    'Designated institutions (定点医药机构); small, held in memory by every process.';
comment on column settlement.institution.code is 'fixmedins_code.';
comment on column settlement.institution.account_base is
    'First of its ten ledger accounts (settlement/chart.py).';
comment on column settlement.institution.agreement_from is 'First day of the agreement.';
comment on column settlement.institution.agreement_to is 'Last day of the agreement.';
comment on column settlement.institution.suspended is
    'True while the agency has suspended it (中止).';
comment on column settlement.institution.name is 'Name.';
comment on column settlement.institution.kind is 'hospital or pharmacy.';
comment on column settlement.institution.region is 'Region code.';
comment on column settlement.institution.hospital_level is 'hosp_lv.';
comment on column settlement.institution.deductible_level is 'dedc_hosp_lv.';
comment on column settlement.institution.ceiling_level is 'lmtpric_hosp_lv.';
comment on column settlement.institution.care_types is 'med_type codes it is approved for.';

create table settlement.counterpart (
    region          text        not null,
    account_base    bigint      not null,
    active          boolean     not null default true,
    name            text        not null,
    route           text        not null default '',
    constraint counterpart_pkey primary key (region),
    constraint counterpart_account_base_key unique (account_base),
    constraint counterpart_is_a_region check (region ~ '^[0-9]{6}$')
);
comment on table settlement.counterpart is
    'Other regions that people come from or go to (对方统筹区); small, held in memory.';
comment on column settlement.counterpart.region is 'Its code, six digits.';
comment on column settlement.counterpart.account_base is
    'First of its ten ledger accounts (settlement/chart.py).';
comment on column settlement.counterpart.active is
    'False: it is asked nothing, and answered only about what is under way.';
comment on column settlement.counterpart.name is 'Name.';
comment on column settlement.counterpart.route is
    'Address of the hub that leads to it; empty for the one that is configured.';

create table settlement.hub_certificate (
    not_before      timestamptz not null,
    not_after       timestamptz not null,
    serial          text        not null,
    region          text        not null,
    content         text        not null,
    constraint hub_certificate_pkey primary key (serial)
);
comment on table settlement.hub_certificate is
    'Certificates of other regions (docs/reference/hub.md), which their messages are proved with. '
    'Append-only; two of a region may hold at the same time.';
comment on column settlement.hub_certificate.not_before is 'First moment of its validity.';
comment on column settlement.hub_certificate.not_after is 'First moment after it.';
comment on column settlement.hub_certificate.serial is 'Its number, given by the authority.';
comment on column settlement.hub_certificate.region is 'Whose it is.';
comment on column settlement.hub_certificate.content is 'As the authority signed it.';

create table settlement.hub_withdrawal (
    withdrawn_at    timestamptz not null,
    serial          text        not null,
    reason          text        not null,
    content         text        not null default '',
    constraint hub_withdrawal_pkey primary key (serial)
);
comment on table settlement.hub_withdrawal is
    'Certificates that are good for nothing any more, whosever they are. Append-only.';
comment on column settlement.hub_withdrawal.withdrawn_at is 'When it was taken back.';
comment on column settlement.hub_withdrawal.serial is 'The certificate; it need not be known here.';
comment on column settlement.hub_withdrawal.reason is 'Why.';
comment on column settlement.hub_withdrawal.content is
    'The withdrawal as the authority signed it; empty where an operator of ours withdrew it.';

create table settlement.hub_identity (
    made_at         timestamptz not null,
    key_version     smallint    not null,
    signing_key     bytea       not null,
    secret          bytea       not null,
    content         text        not null default '',
    constraint hub_identity_pkey primary key (signing_key)
);
comment on table settlement.hub_identity is
    'Keys that we speak to other regions with. While one is followed by another both are here.';
comment on column settlement.hub_identity.made_at is 'When they were made.';
comment on column settlement.hub_identity.key_version is
    'Version of the key that the secret is encrypted with.';
comment on column settlement.hub_identity.signing_key is 'The public key that others check with.';
comment on column settlement.hub_identity.secret is 'The private keys, encrypted.';
comment on column settlement.hub_identity.content is
    'Their certificate; empty while the authority has not issued it.';

create table settlement.credential (
    access_key      text        not null,
    institution     text        not null,
    key_version     smallint    not null,
    secret          bytea       not null,
    body_keys       bytea,
    constraint credential_pkey primary key (access_key)
);
comment on table settlement.credential is
    'What an institution signs its requests with; the secret is ciphertext.';
comment on column settlement.credential.access_key is 'x-tif-paasid or _api_access_key.';
comment on column settlement.credential.institution is 'The institution it belongs to.';
comment on column settlement.credential.key_version is
    'Version of the key that encrypts the secret and the body keys.';
comment on column settlement.credential.secret is 'The secret, encrypted.';
comment on column settlement.credential.body_keys is
    'Keys for signed and encrypted bodies (settlement/seals.py), encrypted; null for most.';

create table settlement.staff (
    effective_from  date        not null,
    effective_to    date        not null,
    institution     text        not null,
    code            text        not null,
    kind            text        not null,
    name            text        not null,
    constraint staff_pkey primary key (institution, code, effective_from),
    constraint staff_kind_known check (kind in ('doctor', 'pharmacist', 'nurse'))
);
comment on table settlement.staff is
    'Terms of the staff of institutions (医护人员); held in memory by the processes of a region that '
    'looks at doctors.';
comment on column settlement.staff.effective_from is 'First day.';
comment on column settlement.staff.effective_to is 'Last day.';
comment on column settlement.staff.institution is 'fixmedins_code.';
comment on column settlement.staff.code is 'As bilg_dr_codg and atddr_no say it.';
comment on column settlement.staff.kind is 'doctor, pharmacist or nurse.';
comment on column settlement.staff.name is 'Name.';

create table settlement.catalogue_item (
    code            text        not null,
    effective_from  date        not null,
    effective_to    date        not null,
    name            text        not null,
    list_type       text        not null,
    item_class      text        not null,
    charge_kind     text        not null,
    self_pay_bp     integer     not null,
    ceilings        text        not null,
    scheme_ratios   text        not null default '{}',
    demo_price_e6   bigint,
    constraint catalogue_item_pkey primary key (code, effective_from),
    constraint catalogue_item_self_pay_is_a_ratio check (self_pay_bp between 0 and 10000)
);
comment on table settlement.catalogue_item is
    'Catalogue items by code and date; held in memory by every process.';
comment on column settlement.catalogue_item.code is 'med_list_codg.';
comment on column settlement.catalogue_item.effective_from is 'First day.';
comment on column settlement.catalogue_item.effective_to is 'Last day.';
comment on column settlement.catalogue_item.name is 'Name.';
comment on column settlement.catalogue_item.list_type is 'list_type.';
comment on column settlement.catalogue_item.item_class is 'chrgitm_lv: 01 甲, 02 乙, 03 丙.';
comment on column settlement.catalogue_item.charge_kind is 'med_chrgitm_type.';
comment on column settlement.catalogue_item.self_pay_bp is 'Pre-self-pay ratio, basis points.';
comment on column settlement.catalogue_item.ceilings is
    'JSON: ceiling_level to millionths of a yuan; a level that is not named has none.';
comment on column settlement.catalogue_item.scheme_ratios is
    'JSON: insutype to its ratio, where it differs from self_pay_bp.';
comment on column settlement.catalogue_item.demo_price_e6 is
    'Price in the demonstration world, millionths of a yuan.';

create table settlement.list_entry (
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    valid           boolean     not null,
    list_no         text        not null,
    key             text        not null,
    columns         text        not null,
    constraint list_entry_pkey primary key (list_no, key)
);
comment on table settlement.list_entry is
    'Lists of codes (编码目录: diagnoses, operations, diseases …) that institutions download; nothing '
    'is settled by them.';
comment on column settlement.list_entry.created_at is 'When the row was first imported.';
comment on column settlement.list_entry.updated_at is 'When it was last changed.';
comment on column settlement.list_entry.valid is 'vali_flag.';
comment on column settlement.list_entry.list_no is 'infno of the download, as 1307.';
comment on column settlement.list_entry.key is 'What tells the rows of a list apart.';
comment on column settlement.list_entry.columns is 'JSON: column to value.';

create table settlement.suspension (
    subject_kind    text        not null,
    subject         text        not null,
    since           timestamptz not null,
    reason          text        not null,
    constraint suspension_pkey primary key (subject_kind, subject),
    constraint suspension_kind_known check
        (subject_kind in ('person', 'institution', 'channel', 'fund', 'credential'))
);
comment on table settlement.suspension is
    'Operators'' stop switches; in force in every process within a second.';
comment on column settlement.suspension.subject_kind is
    'person, institution, channel, fund or credential.';
comment on column settlement.suspension.subject is 'Which one.';
comment on column settlement.suspension.since is 'From when.';
comment on column settlement.suspension.reason is
    'Why, for the audit and for the text the caller reads.';

create table settlement.reference_version (
    topic           text        not null,
    version         bigint      not null,
    constraint reference_version_pkey primary key (topic)
);
comment on table settlement.reference_version is
    'Bumped with every change of reference data; processes poll it and load anew.';
comment on column settlement.reference_version.topic is
    'institutions (receivers among them), staff, catalogue, lists, suspensions, '
    'cancel_approvals or policies.';
comment on column settlement.reference_version.version is 'Counts up.';

create table settlement.audit (
    audit_id        bigint      generated always as identity,
    at              timestamptz not null,
    actor           text        not null,
    action          text        not null,
    subject         text        not null,
    note            text        not null,
    origin          text        not null default '',
    constraint audit_pkey primary key (audit_id)
);
create index audit_by_time on settlement.audit (at, audit_id);
create index audit_by_actor on settlement.audit (actor, audit_id);
create index audit_by_subject on settlement.audit (subject text_pattern_ops, audit_id);
comment on table settlement.audit is
    'What operators did, and in the console also what they saw. Append-only; chained by '
    'settlement.audit_link.';
comment on column settlement.audit.audit_id is 'Counts up.';
comment on column settlement.audit.at is 'When.';
comment on column settlement.audit.actor is 'Who.';
comment on column settlement.audit.action is 'What.';
comment on column settlement.audit.subject is 'To what.';
comment on column settlement.audit.note is 'Why.';
comment on column settlement.audit.origin is
    'From which address, where it was the console; empty otherwise.';

create table settlement.sign_in (
    sign_no         bigint      not null,
    signed_in_at    timestamptz not null,
    signed_out_at   timestamptz,
    lane            smallint    not null,
    institution     text        not null,
    operator        text        not null,
    address         text        not null,
    constraint sign_in_pkey primary key (lane, sign_no)
);
comment on table settlement.sign_in is
    'Sign-ins (签到) of institutions'' operators, in the lane of the institution.';
comment on column settlement.sign_in.sign_no is 'Sign-in number.';
comment on column settlement.sign_in.signed_in_at is 'When signed in.';
comment on column settlement.sign_in.signed_out_at is 'When signed out.';
comment on column settlement.sign_in.lane is 'Lane of the institution code.';
comment on column settlement.sign_in.institution is 'The institution.';
comment on column settlement.sign_in.operator is 'opter_no.';
comment on column settlement.sign_in.address is 'IP and MAC as sent.';

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
    'The filings (备案) that stand (settlement/filing.py), encrypted, in base64; empty for most.';
comment on column settlement.person.family is
    'JSON: relatives whose accounts may pay (settlement/person.py, FamilyLink).';
comment on column settlement.person.home_region is
    'Of somebody insured in another region (异地参保人): which; empty for our own people.';

create index person_with_undertaking on settlement.person (lane, undertaking)
    where undertaking is not null;

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
comment on column settlement.lookup.lane is 'Hash of the key.';
comment on column settlement.lookup.kind is '1 certificate, 2 card, 3 e-credential token.';
comment on column settlement.lookup.key is 'Keyed hash; the key has a version.';
comment on column settlement.lookup.psn_no is 'The person.';

create table settlement.token (
    expires_at      timestamptz not null,
    lane            smallint    not null,
    psn_no          text        not null,
    key             bytea       not null,
    institution     text        not null,
    constraint token_pkey primary key (lane, psn_no, key)
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
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
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
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
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

create table settlement.settlement (
    setl_id         bigint      not null,
    mdtrt_id        bigint      not null,
    undoes_setl_id  bigint,
    prior_row       bigint,
    prior_active    bigint,
    setl_time       timestamptz not null,
    service_at      timestamp   not null,
    total_fen       bigint      not null,
    full_self_pay_fen bigint    not null,
    over_ceiling_fen bigint     not null,
    pre_self_pay_fen bigint     not null,
    in_scope_fen    bigint      not null,
    deductible_fen  bigint      not null,
    hifp_fen        bigint      not null,
    cvlserv_fen     bigint      not null,
    hifes_fen       bigint      not null,
    hifmi_fen       bigint      not null,
    hifob_fen       bigint      not null,
    maf_fen         bigint      not null,
    oth_fen         bigint      not null,
    hifdm_fen       bigint      not null,
    fund_fen        bigint      not null,
    hospital_fen    bigint      not null,
    personal_fen    bigint      not null,
    account_fen     bigint      not null,
    family_account_fen bigint   not null,
    cash_fen        bigint      not null,
    balance_fen     bigint      not null,
    business_day    date        not null,
    pool_ratio_bp   integer     not null,
    lane            smallint    not null,
    kind            smallint    not null,
    year            smallint    not null,
    civil_servant   boolean     not null,
    psn_no          text        not null,
    institution     text        not null,
    infno           text        not null,
    msgid           text        not null,
    scheme          text        not null,
    category        text        not null,
    care_type       text        not null,
    clearing_type   text        not null,
    credential_type text        not null,
    invoice_no      text        not null,
    policy          text        not null,
    operator        text        not null,
    shares          text        not null,
    increments      text        not null,
    explanation     text        not null,
    business_key    bytea       not null,
    detail_commitment bytea     not null,
    constraint settlement_pkey primary key (lane, setl_id),
    constraint settlement_kind_known check (kind in (1, 2, 3)),
    constraint settlement_undoes_or_settles check ((kind = 1) = (undoes_setl_id is null)),
    constraint settlement_lines_add_up check
        (total_fen = full_self_pay_fen + over_ceiling_fen + pre_self_pay_fen + in_scope_fen),
    constraint settlement_payers_add_up check (total_fen = fund_fen + personal_fen + hospital_fen),
    constraint settlement_person_adds_up check (personal_fen = account_fen + cash_fen),
    constraint settlement_funds_add_up check (
        fund_fen = hifp_fen + cvlserv_fen + hifes_fen + hifmi_fen + hifob_fen + maf_fen + oth_fen
            + hifdm_fen
    ),
    constraint settlement_family_inside_account check (abs(family_account_fen) <= abs(account_fen)),
    constraint settlement_hashes_have_their_length check (
        octet_length(detail_commitment) = 32 and octet_length(business_key) = 16
    )
) with (
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
create unique index settlement_undone_once on settlement.settlement (lane, undoes_setl_id)
    where undoes_setl_id is not null;
create index settlement_by_business_key on settlement.settlement (lane, business_key)
    where kind = 1;
comment on table settlement.settlement is
    'Settlements (结算), cancels (撤销) and reversals (冲正); one row each, exact negatives. '
    'Append-only. Its ledger entry has the same lane and number.';
comment on column settlement.settlement.setl_id is 'Settlement number, issued by us.';
comment on column settlement.settlement.mdtrt_id is
    'The visit; the settlement''s own number for a pharmacy sale, and if it was brought along.';
comment on column settlement.settlement.undoes_setl_id is 'The settlement that this row undoes.';
comment on column settlement.settlement.prior_row is 'The person''s row before this one.';
comment on column settlement.settlement.prior_active is
    'The person''s newest standing settlement of the same year before this one.';
comment on column settlement.settlement.setl_time is
    'When settled; what was brought along: in the system before.';
comment on column settlement.settlement.service_at is
    'begntime of the purchase or visit, local time.';
comment on column settlement.settlement.total_fen is 'medfee_sumamt, fen; so are all amounts.';
comment on column settlement.settlement.full_self_pay_fen is 'fulamt_ownpay_amt.';
comment on column settlement.settlement.over_ceiling_fen is 'overlmt_selfpay.';
comment on column settlement.settlement.pre_self_pay_fen is 'preselfpay_amt.';
comment on column settlement.settlement.in_scope_fen is 'inscp_scp_amt.';
comment on column settlement.settlement.deductible_fen is 'act_pay_dedc.';
comment on column settlement.settlement.hifp_fen is 'hifp_pay.';
comment on column settlement.settlement.cvlserv_fen is 'cvlserv_pay.';
comment on column settlement.settlement.hifes_fen is 'hifes_pay.';
comment on column settlement.settlement.hifmi_fen is 'hifmi_pay.';
comment on column settlement.settlement.hifob_fen is 'hifob_pay.';
comment on column settlement.settlement.maf_fen is 'maf_pay.';
comment on column settlement.settlement.oth_fen is 'oth_pay.';
comment on column settlement.settlement.hifdm_fen is 'hifdm_pay.';
comment on column settlement.settlement.fund_fen is 'fund_pay_sumamt.';
comment on column settlement.settlement.hospital_fen is 'hosp_part_amt.';
comment on column settlement.settlement.personal_fen is 'psn_part_amt.';
comment on column settlement.settlement.account_fen is 'acct_pay, with the family part.';
comment on column settlement.settlement.family_account_fen is 'acct_mulaid_pay.';
comment on column settlement.settlement.cash_fen is 'psn_cash_pay.';
comment on column settlement.settlement.balance_fen is 'balc: the personal account afterwards.';
comment on column settlement.settlement.business_day is
    'Business day of its block; of what was brought along: the day on which it was settled.';
comment on column settlement.settlement.pool_ratio_bp is 'pool_prop_selfpay, basis points.';
comment on column settlement.settlement.lane is 'Lane of the person.';
comment on column settlement.settlement.kind is '1 settlement, 2 cancel, 3 reversal.';
comment on column settlement.settlement.year is 'Fiscal year whose accumulators it counts in.';
comment on column settlement.settlement.civil_servant is 'cvlserv_flag.';
comment on column settlement.settlement.psn_no is 'The person.';
comment on column settlement.settlement.institution is 'fixmedins_code.';
comment on column settlement.settlement.infno is 'The transaction that made the row.';
comment on column settlement.settlement.msgid is 'Its message id; medins_setl_id of the answer.';
comment on column settlement.settlement.scheme is 'insutype.';
comment on column settlement.settlement.category is 'psn_type.';
comment on column settlement.settlement.care_type is 'med_type.';
comment on column settlement.settlement.clearing_type is 'clr_type.';
comment on column settlement.settlement.credential_type is 'mdtrt_cert_type.';
comment on column settlement.settlement.invoice_no is 'invono; empty where none.';
comment on column settlement.settlement.policy is 'Policy version that decided.';
comment on column settlement.settlement.operator is 'opter.';
comment on column settlement.settlement.shares is 'JSON: what each fund paid (setldetail).';
comment on column settlement.settlement.increments is
    'JSON: what it adds to the accumulators of its year.';
comment on column settlement.settlement.explanation is
    'JSON: which rule gave which fen (settlement/explanation.py).';
comment on column settlement.settlement.business_key is
    'Digest of what the claim is about; unique among those that stand.';
comment on column settlement.settlement.detail_commitment is
    'Salted commitment to settlement_detail.';

create table settlement.settlement_detail (
    setl_id         bigint      not null,
    lane            smallint    not null,
    key_version     smallint    not null,
    salt            bytea       not null,
    payload         bytea       not null,
    constraint settlement_detail_pkey primary key (lane, setl_id)
) with (
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
comment on table settlement.settlement_detail is
    'What was bought or done, line by line: encrypted, erasable without breaking the chain.';
comment on column settlement.settlement_detail.setl_id is 'The settlement.';
comment on column settlement.settlement_detail.lane is 'Its lane.';
comment on column settlement.settlement_detail.key_version is 'Version of the key.';
comment on column settlement.settlement_detail.salt is 'Salt of the commitment.';
comment on column settlement.settlement_detail.payload is
    'Lines with their split, encrypted (settlement/rows.py, Detail).';

create table settlement.message (
    ref             bigint      not null,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    outcome         smallint    not null,
    key             bytea       not null,
    fingerprint     bytea       not null,
    constraint message_pkey primary key (lane, key)
) with (
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
comment on table settlement.message is
    'Messages that had an effect, and tombstones of messages that may not have one any more. '
    'Append-only.';
comment on column settlement.message.ref is
    'Settlement, visit, filing or upload number it made; 0 where none.';
comment on column settlement.message.recorded_at is 'When.';
comment on column settlement.message.lane is 'Lane of the person named.';
comment on column settlement.message.outcome is
    '1 settlement row, 2 visit, 3 visit event (ref is the visit; the event''s payload names '
    'the message), 4 nothing to show, 5 filing, 6 upload that is only stored, '
    '7 payment over a channel, 8 settlement that was brought along, 9 tombstone, '
    '10 order of mobile payment, 11 settlement row of somebody treated in another region, '
    '14 matter of a person. Of a tombstone that another region set, ref says when: microseconds '
    'since 1970.';
comment on column settlement.message.key is
    'Digest of institution, infno and msgid, led by the time in the msgid '
    '(settlement/keys.py).';
comment on column settlement.message.fingerprint is
    'Short hashes of the parts of its input (protocol/nhsa/canonical.py).';

create table settlement.undertaking (
    undertaking_id  bigint      not null,
    amount_fen      bigint      not null,
    opened_at       timestamptz not null,
    lane            smallint    not null,
    kind            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    infno           text        not null,
    msgid           text        not null,
    constraint undertaking_pkey primary key (lane, undertaking_id),
    constraint undertaking_kind_known check (kind in (1, 2))
);
comment on table settlement.undertaking is
    'What took more than one commit (未完结业务). Append-only; open while the person names it.';
comment on column settlement.undertaking.undertaking_id is
    'Issued by us; of a return, the row that undid the settlement.';
comment on column settlement.undertaking.amount_fen is 'What relatives are to pay, or get back.';
comment on column settlement.undertaking.opened_at is 'Since when.';
comment on column settlement.undertaking.lane is 'Lane of the person.';
comment on column settlement.undertaking.kind is
    '1 relatives are asked to pay (家庭共济), 2 relatives get back what they paid.';
comment on column settlement.undertaking.psn_no is 'The patient.';
comment on column settlement.undertaking.institution is 'Who asked.';
comment on column settlement.undertaking.infno is 'By which transaction.';
comment on column settlement.undertaking.msgid is 'And message.';

create table settlement.family_share (
    setl_id         bigint      not null,
    hold_id         bigint      not null,
    amount_fen      bigint      not null,
    lane            smallint    not null,
    donor_no        text        not null,
    constraint family_share_pkey primary key (lane, setl_id, hold_id),
    constraint family_share_not_zero check (amount_fen <> 0)
);
create unique index family_share_pays_once on settlement.family_share (lane, hold_id)
    where amount_fen > 0;
create unique index family_share_returns_once on settlement.family_share (lane, hold_id)
    where amount_fen < 0;
comment on table settlement.family_share is
    'What a relative''s account pays of a settlement (家庭共济). Append-only. It decides what becomes '
    'of the hold in the relative''s lane (settlement.family_move).';
comment on column settlement.family_share.setl_id is
    'The settlement, or what undid it: then negative.';
comment on column settlement.family_share.hold_id is
    'The hold; its lane is that of the relative.';
comment on column settlement.family_share.amount_fen is 'How much, fen.';
comment on column settlement.family_share.lane is 'Lane of the patient.';
comment on column settlement.family_share.donor_no is 'The relative.';

create table settlement.family_move (
    hold_id         bigint      not null,
    entry_id        bigint      not null,
    account         bigint      not null,
    undertaking_id  bigint      not null,
    setl_id         bigint,
    amount_fen      bigint      not null,
    balance_fen     bigint      not null,
    moved_at        timestamptz not null,
    lane            smallint    not null,
    kind            smallint    not null,
    patient_lane    smallint    not null,
    psn_no          text        not null,
    patient_no      text        not null,
    institution     text        not null,
    constraint family_move_pkey primary key (lane, hold_id, kind),
    constraint family_move_kind_known check (kind between 1 and 4),
    constraint family_move_positive check (amount_fen > 0 and balance_fen >= 0),
    constraint family_move_held_for_nothing_yet check ((kind in (2, 4)) = (setl_id is not null))
);
create unique index family_move_by_entry on settlement.family_move (lane, entry_id);
create index family_move_by_account on settlement.family_move (lane, account)
    where kind = 1;
create index family_move_by_person on settlement.family_move (lane, psn_no, moved_at);
comment on table settlement.family_move is
    'What becomes of money of somebody''s account that is for a relative: held, then paid or '
    'released, perhaps returned. Append-only; what is paid and returned is told to whose account '
    'it is. Its ledger entry has the same lane, and the number in entry_id.';
comment on column settlement.family_move.hold_id is 'Ties together what becomes of one hold.';
comment on column settlement.family_move.entry_id is 'The ledger entry.';
comment on column settlement.family_move.account is 'The personal account.';
comment on column settlement.family_move.undertaking_id is 'What it was held for.';
comment on column settlement.family_move.setl_id is
    'The settlement that it paid for, or what took that back.';
comment on column settlement.family_move.amount_fen is 'How much, fen.';
comment on column settlement.family_move.balance_fen is
    'What the account may still pay afterwards.';
comment on column settlement.family_move.moved_at is 'When.';
comment on column settlement.family_move.lane is 'Lane of whose account it is.';
comment on column settlement.family_move.kind is '1 held, 2 paid, 3 released, 4 returned.';
comment on column settlement.family_move.patient_lane is 'Lane of the patient.';
comment on column settlement.family_move.psn_no is 'Whose account it is.';
comment on column settlement.family_move.patient_no is 'The patient.';
comment on column settlement.family_move.institution is 'Where the patient was.';

create table settlement.pay_order (
    psn_lane        smallint    not null,
    lane            smallint    not null,
    key             bytea       not null,
    psn_no          text        not null,
    constraint pay_order_pkey primary key (lane, key)
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
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    event_no        smallint    not null,
    kind            smallint    not null,
    attempt         smallint    not null,
    order_no        text,
    content         text        not null,
    exchange        bytea       not null,
    constraint payment_event_pkey primary key (lane, pay_no, event_no)
);
create unique index payment_event_order on settlement.payment_event (lane, order_no)
    where order_no is not null;
create index payment_event_reference on settlement.payment_event
    (lane, ((content::jsonb -> 1) ->> 'reference')) where kind in (2, 3, 10, 11);
comment on table settlement.payment_event is
    'What happened to a payment, in order. Append-only; folded by settlement/payment_states.py.';
comment on column settlement.payment_event.pay_no is 'The payment.';
comment on column settlement.payment_event.recorded_at is 'When.';
comment on column settlement.payment_event.lane is 'Lane of the payment.';
comment on column settlement.payment_event.event_no is 'From 1.';
comment on column settlement.payment_event.kind is
    'Happening of settlement/payment_states.py: 1 attempted, 2 paid …';
comment on column settlement.payment_event.attempt is 'Which attempt, from 1; 0 for none.';
comment on column settlement.payment_event.order_no is
    'Of an attempt that begins: our number at the channel, committed before the first byte leaves.';
comment on column settlement.payment_event.content is
    'JSON: the attempt that begins, and what was learnt.';
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
);
comment on table settlement.mobile_event is
    'What happened to an order, in order. Append-only; folded by settlement/mobile_states.py. The '
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
);
comment on table settlement.remote_event is
    'What happened to a case, in order. Append-only; folded by settlement/remote_states.py.';
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
    constraint matter_kind_known check (kind between 1 and 4),
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
    '4 account in (个账转入).';
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
    'What happened to a matter, in order. Append-only; folded by settlement/matter_states.py. The '
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

create function settlement.json_text(p_text text) returns text
language sql stable as $$
    -- Text as settlement/rows.py writes it in JSON. Stable, as what it calls: else the planner
    -- could not inline it, and a verification would start an executor for every value.
    select to_json(p_text)::text;
$$;
comment on function settlement.json_text(text) is 'Text as JSON.';

create function settlement.json_time(p_at timestamp) returns text
language sql stable as $$
    -- Time as settlement/rows.py writes it in JSON: microseconds only where there are any.
    select '"' || to_char(p_at, 'YYYY-MM-DD"T"HH24:MI:SS')
        || case
            when p_at = date_trunc('second', p_at) then ''
            else to_char(p_at, '.US')
        end;
$$;
comment on function settlement.json_time(timestamp) is 'Time as JSON, without the closing quote.';

create function settlement.row_commitment(r settlement.settlement) returns bytea
language sql stable as $$
    -- What the row's ledger entry commits to; the same as settlement/rows.py computes.
    select sha256('\x03'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.setl_id, r.mdtrt_id, coalesce(r.undoes_setl_id::text, 'null'),
        coalesce(r.prior_row::text, 'null'), coalesce(r.prior_active::text, 'null'), r.kind,
        settlement.json_time(r.setl_time at time zone 'UTC') || 'Z"',
        settlement.json_time(r.service_at) || '"',
        '"' || to_char(r.business_day, 'YYYY-MM-DD') || '"', r.year,
        settlement.json_text(r.psn_no), settlement.json_text(r.institution),
        settlement.json_text(r.infno), settlement.json_text(r.msgid),
        settlement.json_text(r.scheme), settlement.json_text(r.category),
        settlement.json_text(r.care_type), settlement.json_text(r.clearing_type),
        settlement.json_text(r.credential_type),
        case when r.civil_servant then 'true' else 'false' end,
        settlement.json_text(r.invoice_no), settlement.json_text(r.policy),
        settlement.json_text(r.operator),
        r.total_fen, r.full_self_pay_fen, r.over_ceiling_fen, r.pre_self_pay_fen,
        r.in_scope_fen, r.deductible_fen, r.hifp_fen, r.cvlserv_fen, r.hifes_fen,
        r.hifmi_fen, r.hifob_fen, r.maf_fen, r.oth_fen, r.hifdm_fen, r.fund_fen,
        r.hospital_fen, r.personal_fen, r.account_fen, r.family_account_fen, r.cash_fen,
        r.balance_fen, r.pool_ratio_bp,
        settlement.json_text(r.shares), settlement.json_text(r.increments),
        settlement.json_text(r.explanation),
        '"' || encode(r.business_key, 'base64') || '"',
        '"' || encode(r.detail_commitment, 'base64') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.row_commitment(settlement.settlement)
    is 'What the ledger entry of a settlement commits to.';

create function settlement.move_commitment(r settlement.family_move) returns bytea
language sql stable as $$
    -- What the ledger entry of a move commits to; the same as settlement/rows.py computes.
    select sha256('\x05'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.hold_id, r.kind, r.entry_id, r.account, settlement.json_text(r.psn_no),
        r.patient_lane, settlement.json_text(r.patient_no), r.undertaking_id,
        coalesce(r.setl_id::text, 'null'), settlement.json_text(r.institution),
        r.amount_fen, r.balance_fen
    ) || ']', 'UTF8'));
$$;
comment on function settlement.move_commitment(settlement.family_move)
    is 'What the ledger entry of a move commits to.';

create function settlement.payment_commitment(r settlement.payment) returns bytea
language sql stable as $$
    -- What the entry that opens a payment commits to; as settlement/payment_rows.py computes.
    select sha256('\x06'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.pay_no, r.kind, settlement.json_time(r.opened_at at time zone 'UTC') || 'Z"',
        coalesce(r.setl_id::text, 'null'), coalesce(r.parent::text, 'null'),
        coalesce(r.mdtrt_id::text, 'null'), settlement.json_text(r.psn_no),
        settlement.json_text(r.institution), settlement.json_text(r.order_no), r.amount_fen,
        '"' || replace(encode(r.plan, 'base64'), E'\n', '') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.payment_commitment(settlement.payment)
    is 'What the entry that opens a payment commits to.';

create function settlement.mobile_commitment(r settlement.mobile_event) returns bytea
language sql stable as $$
    -- What the entry that holds for an order commits to; as settlement/mobile_rows.py computes.
    select sha256('\x08'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.order_no, r.event_no, r.kind,
        settlement.json_time(r.recorded_at at time zone 'UTC') || 'Z"',
        coalesce(r.setl_id::text, 'null'), settlement.json_text(r.content),
        '"' || replace(encode(r.payload, 'base64'), E'\n', '') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.mobile_commitment(settlement.mobile_event)
    is 'What the entry that holds for an order of mobile payment commits to.';

create function settlement.matter_commitment(r settlement.matter_event) returns bytea
language sql stable as $$
    -- What the entry of a transfer commits to; as settlement/matter_rows.py computes.
    select sha256('\x09'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.matter_no, r.event_no, r.kind,
        settlement.json_time(r.recorded_at at time zone 'UTC') || 'Z"',
        '"' || to_char(r.business_day, 'YYYY-MM-DD') || '"',
        coalesce(r.entry_id::text, 'null'), r.amount_fen, settlement.json_text(r.actor),
        settlement.json_text(r.through), settlement.json_text(r.reference), r.coverage_months,
        settlement.json_text(r.note)
    ) || ']', 'UTF8'));
$$;
comment on function settlement.matter_commitment(settlement.matter_event)
    is 'What the entry of a transfer of a personal account commits to.';

create function settlement.case_commitment(r settlement.remote_case) returns bytea
language sql stable as $$
    -- What the entry that holds for a case commits to; as settlement/remote_rows.py computes it.
    select sha256('\x0b'::bytea || convert_to('[' || concat_ws(',',
        r.lane, r.case_no, r.hold_id,
        settlement.json_time(r.opened_at at time zone 'UTC') || 'Z"',
        settlement.json_text(r.psn_no), settlement.json_text(r.institution),
        settlement.json_text(r.insured_region), settlement.json_text(r.infno),
        settlement.json_text(r.msgid), r.mdtrt_id, r.total_fen,
        '"' || replace(encode(r.payload, 'base64'), E'\n', '') || '"'
    ) || ']', 'UTF8'));
$$;
comment on function settlement.case_commitment(settlement.remote_case)
    is 'What the entry that holds for a case of another region''s person commits to.';

create function settlement.keep_strangers(/*cluster p_lane smallint,*/ p_strangers json)
returns void
language plpgsql volatile security definer set search_path = pg_catalog as $$
-- People of other regions (异地参保人), as their region tells of them: made, or told anew. The
-- application may write no identities; it comes in here, and never at our own people.
begin
    insert into settlement.person (
        account, lane, key_version, psn_no, identity, enrolments, home_region
    )
    select 0, /*lane*/ n.lane, n.key_version, n.psn_no, decode(n.identity, 'base64'),
           n.enrolments, n.home_region
    from json_to_recordset(p_strangers) as n (
        /*lanes*/ lane smallint, key_version smallint, psn_no text, identity text,
        enrolments text, home_region text
    )
    where n.home_region <> ''
    on conflict (lane, psn_no) do update
        set key_version = excluded.key_version,
            identity = excluded.identity,
            enrolments = excluded.enrolments
        where person.home_region = excluded.home_region;
end;
$$;
comment on function settlement.keep_strangers is
    'Makes or changes the rows of people insured in another region.';

create function settlement.slice(p_bytes bytea, p_ends integer[], p_number integer) returns bytea
language sql immutable as $$
    -- The bytes of one among many that lie one behind the other.
    select substr(
        p_bytes, coalesce(p_ends[p_number - 1], 0) + 1,
        p_ends[p_number] - coalesce(p_ends[p_number - 1], 0)
    );
$$;
comment on function settlement.slice(bytea, integer[], integer) is
    'The bytes of one among many that lie one behind the other.';

create function settlement.write_batch(
    -- the block: as ledger.append_block
    p_journal smallint, p_format smallint, p_business_day date, p_booked_at timestamptz,
    /*lanes*/ p_entry_lanes smallint[], /*cluster p_lane smallint,*/
    p_entries bigint[], p_entry_kinds smallint[], p_entry_codes smallint[],
    p_pending bigint[], p_leg_ends integer[],
    p_debits bigint[], p_credits bigint[], p_amounts bigint[],
    p_commitments bytea, p_leaves bytea,
    /*lanes*/ p_balance_lanes smallint[], p_balance_accounts bigint[],
    p_balance_debits bigint[], p_balance_credits bigint[],
    p_balance_debits_pending bigint[], p_balance_credits_pending bigint[],
    -- persons: what they were when read, and what they become
    /*lanes*/ p_person_lanes smallint[], p_persons text[], p_versions bigint[],
    p_accumulators text[], p_latest_rows bigint[], p_latest_visits bigint[],
    p_open_stays bigint[], p_standing_filings text[], p_undertakings bigint[],
    -- settlements: p_money holds 21 amounts a row, in column order; bytes of one length lie one
    -- behind the other, of many lengths too, with where each ends
    /*lanes*/ p_lanes smallint[], p_setl_ids bigint[], p_mdtrt_ids bigint[], p_undoes bigint[],
    p_prior_rows bigint[], p_prior_active bigint[], p_kinds smallint[], p_service_at timestamp[],
    p_years smallint[], p_person_nos text[], p_institutions text[], p_infnos text[],
    p_msgids text[],
    p_schemes text[], p_categories text[], p_care_types text[], p_clearing_types text[],
    p_credential_types text[], p_civil_servants boolean[], p_invoice_nos text[], p_policies text[],
    p_operators text[], p_money bigint[], p_pool_ratios integer[],
    p_shares text[], p_increments text[], p_explanations text[], p_business_keys bytea,
    p_detail_commitments bytea,
    -- details
    p_key_versions smallint[], p_salts bytea, p_payloads bytea, p_payload_ends integer[],
    -- messages
    /*lanes*/ p_message_lanes smallint[], p_message_keys bytea, p_message_outcomes smallint[],
    p_message_refs bigint[], p_fingerprints bytea, p_fingerprint_ends integer[],
    -- visits and what happened to them, filings: JSON, null where there are none
    p_visits json, p_events json, p_filings json,
    -- uploads that are only stored, mappings of items, drug trace codes: JSON, null where none
    p_uploads json, p_mappings json, p_traces json,
    -- undertakings, what relatives pay, and what becomes of their money: JSON, null where none
    p_opened json, p_family_shares json, p_family_moves json,
    -- payments over channels, what happened to them, when to look next: JSON, null where none
    p_payments json, p_payment_events json, p_payment_due json,
    -- orders of mobile payment, what happened to them, when they end; what is owed to others
    p_mobile_orders json, p_mobile_events json, p_mobile_due json, p_outbox json,
    -- what persons have done for them, and what happened to it: JSON, null where none
    p_matters json, p_matter_events json,
    -- what lies beside settlements of people of ours who were treated elsewhere
    p_home_cases json,
    -- people insured elsewhere: who they are, their cases, what happened to these, when to look
    -- next, and what lies beside their settlements; JSON, null where none
    p_strangers json, p_remote_cases json, p_remote_events json, p_remote_due json,
    p_elsewhere json
) returns void
language plpgsql volatile as $$
-- Writes one batch of one journal: everything, or nothing where a person changed since they were
-- read (MS001). Read committed: the statements after the lock see what the last batch committed.
declare
    v_head    ledger.block;
    v_changed integer;
begin
    v_head := ledger.lock_head(/*cluster p_lane,*/ p_journal);

    if p_strangers is not null then
        perform settlement.keep_strangers(/*cluster p_lane,*/ p_strangers);
    end if;

    update settlement.person p
    set version = p.version + 1,
        accumulators = n.accumulators,
        latest_row = n.latest_row,
        latest_visit = n.latest_visit,
        open_stay = n.open_stay,
        filings = n.filings,
        undertaking = n.undertaking
    from unnest(/*lanes*/ p_person_lanes, p_persons, p_versions, p_accumulators, p_latest_rows,
                p_latest_visits, p_open_stays, p_standing_filings, p_undertakings)
        as n (
            /*lanes*/ lane, psn_no, version, accumulators, latest_row, latest_visit, open_stay,
            filings, undertaking
        )
    where p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no and p.version = n.version;
    get diagnostics v_changed = row_count;
    if v_changed <> cardinality(p_persons) then
        raise exception 'persons of the batch have changed' using errcode = 'MS001';
    end if;

    if cardinality(p_setl_ids) > 0 then
        insert into settlement.settlement (
            lane, setl_id, mdtrt_id, undoes_setl_id, prior_row, prior_active, kind, setl_time,
            service_at, business_day, year, psn_no, institution, infno, msgid, scheme, category,
            care_type, clearing_type, credential_type, civil_servant, invoice_no, policy, operator,
            total_fen, full_self_pay_fen, over_ceiling_fen, pre_self_pay_fen, in_scope_fen,
            deductible_fen, hifp_fen, cvlserv_fen, hifes_fen, hifmi_fen, hifob_fen, maf_fen,
            oth_fen, hifdm_fen, fund_fen, hospital_fen, personal_fen, account_fen,
            family_account_fen, cash_fen, balance_fen, pool_ratio_bp, shares, increments,
            explanation, business_key, detail_commitment
        )
        select /*lane*/ n.lane, n.setl_id, n.mdtrt_id, n.undoes, n.prior_row, n.prior_active,
               n.kind, p_booked_at, n.service_at, p_business_day, n.year, n.psn_no, n.institution,
               n.infno, n.msgid, n.scheme, n.category, n.care_type, n.clearing_type,
               n.credential_type, n.civil_servant, n.invoice_no, n.policy, n.operator,
               p_money[o + 1], p_money[o + 2], p_money[o + 3], p_money[o + 4], p_money[o + 5],
               p_money[o + 6], p_money[o + 7], p_money[o + 8], p_money[o + 9], p_money[o + 10],
               p_money[o + 11], p_money[o + 12], p_money[o + 13], p_money[o + 14],
               p_money[o + 15], p_money[o + 16], p_money[o + 17], p_money[o + 18],
               p_money[o + 19], p_money[o + 20], p_money[o + 21],
               n.pool_ratio, n.shares, n.increments, n.explanation,
               substr(p_business_keys, 16 * m.z + 1, 16),
               substr(p_detail_commitments, 32 * m.z + 1, 32)
        from unnest(/*lanes*/ p_lanes, p_setl_ids, p_mdtrt_ids, p_undoes, p_prior_rows,
                    p_prior_active, p_kinds, p_service_at, p_years, p_person_nos, p_institutions,
                    p_infnos, p_msgids, p_schemes, p_categories, p_care_types, p_clearing_types,
                    p_credential_types, p_civil_servants, p_invoice_nos, p_policies, p_operators,
                    p_pool_ratios, p_shares, p_increments, p_explanations)
            with ordinality as n (
                /*lanes*/ lane, setl_id, mdtrt_id, undoes, prior_row, prior_active, kind,
                service_at, year, psn_no, institution, infno, msgid, scheme, category, care_type,
                clearing_type, credential_type, civil_servant, invoice_no, policy, operator,
                pool_ratio, shares, increments, explanation, i
            )
        cross join lateral (values (21 * (n.i::integer - 1), n.i::integer - 1)) as m (o, z);

        insert into settlement.settlement_detail (setl_id, lane, key_version, salt, payload)
        select p_setl_ids[i], /*lane*/ p_lanes[i], p_key_versions[i],
               substr(p_salts, 16 * (i - 1) + 1, 16),
               settlement.slice(p_payloads, p_payload_ends, i)
        from generate_series(1, cardinality(p_setl_ids)) as i;
    end if;

    if cardinality(p_entries) > 0 then
        perform ledger.write_block(
            v_head, p_format, p_business_day, p_booked_at,
            /*lanes*/ p_entry_lanes, /*cluster p_lane,*/ p_entries, p_entry_kinds, p_entry_codes,
            p_pending, p_leg_ends, p_debits, p_credits, p_amounts, p_commitments, p_leaves,
            /*lanes*/ p_balance_lanes, p_balance_accounts, p_balance_debits, p_balance_credits,
            p_balance_debits_pending, p_balance_credits_pending
        );
    end if;

    if p_visits is not null then
        insert into settlement.visit (
            mdtrt_id, prior_visit, begun_at, registered_at, lane, psn_no, institution, scheme,
            payload, kind
        )
        select n.mdtrt_id, n.prior_visit, n.begun_at, p_booked_at, /*lane*/ n.lane, n.psn_no,
               n.institution, n.scheme, decode(n.payload, 'base64'), n.kind
        from json_to_recordset(p_visits) as n (
            mdtrt_id bigint, prior_visit bigint, begun_at timestamp, /*lanes*/ lane smallint,
            psn_no text, institution text, scheme text, payload text, kind smallint
        );
    end if;

    if p_events is not null then
        insert into settlement.visit_event (
            mdtrt_id, setl_id, recorded_at, lane, event_no, kind, batch_no, payload, head
        )
        select n.mdtrt_id, n.setl_id, p_booked_at, /*lane*/ n.lane, n.event_no, n.kind, n.batch_no,
               decode(n.payload, 'base64'), n.head
        from json_to_recordset(p_events) as n (
            mdtrt_id bigint, setl_id bigint, /*lanes*/ lane smallint, event_no smallint,
            kind smallint, batch_no text, payload text, head text
        );
    end if;

    if p_filings is not null then
        insert into settlement.filing (
            filing_no, withdraws, recorded_at, begins_on, ends_on, lane, kind, psn_no,
            institution, payload
        )
        select n.filing_no, n.withdraws, p_booked_at, n.begins_on, n.ends_on, /*lane*/ n.lane,
               n.kind, n.psn_no, n.institution, decode(n.payload, 'base64')
        from json_to_recordset(p_filings) as n (
            filing_no bigint, withdraws bigint, begins_on date, ends_on date,
            /*lanes*/ lane smallint, kind smallint, psn_no text, institution text, payload text
        );
    end if;

    if p_uploads is not null then
        insert into settlement.upload (
            upload_id, setl_id, recorded_at, lane, institution, infno, psn_no, payload
        )
        select n.upload_id, n.setl_id, p_booked_at, /*lane*/ n.lane, n.institution, n.infno,
               n.psn_no, decode(n.payload, 'base64')
        from json_to_recordset(p_uploads) as n (
            upload_id bigint, setl_id bigint, /*lanes*/ lane smallint, institution text,
            infno text, psn_no text, payload text
        );
    end if;

    if p_mappings is not null then
        insert into settlement.item_mapping (
            mapping_id, recorded_at, begins_on, ends_on, lane, kind, institution, own_code,
            list_type, item_code, content
        )
        select n.mapping_id, n.recorded_at, n.begins_on, n.ends_on, /*lane*/ n.lane, n.kind,
               n.institution, n.own_code, n.list_type, n.item_code, n.content
        from json_to_recordset(p_mappings) as n (
            mapping_id bigint, recorded_at timestamptz, begins_on date, ends_on date,
            /*lanes*/ lane smallint, kind smallint, institution text, own_code text,
            list_type text, item_code text, content text
        );
    end if;

    if p_traces is not null then
        insert into settlement.drug_trace (setl_id, lane, whole, key)
        select n.setl_id, /*lane*/ n.lane, n.whole, decode(n.key, 'base64')
        from json_to_recordset(p_traces) as n (
            setl_id bigint, /*lanes*/ lane smallint, whole boolean, key text
        );
    end if;

    if p_opened is not null then
        insert into settlement.undertaking (
            undertaking_id, amount_fen, opened_at, lane, kind, psn_no, institution, infno, msgid
        )
        select n.undertaking_id, n.amount_fen, p_booked_at, /*lane*/ n.lane, n.kind, n.psn_no,
               n.institution, n.infno, n.msgid
        from json_to_recordset(p_opened) as n (
            undertaking_id bigint, amount_fen bigint, /*lanes*/ lane smallint, kind smallint,
            psn_no text, institution text, infno text, msgid text
        );
    end if;

    if p_family_shares is not null then
        insert into settlement.family_share (setl_id, hold_id, amount_fen, lane, donor_no)
        select n.setl_id, n.hold_id, n.amount_fen, /*lane*/ n.lane, n.donor_no
        from json_to_recordset(p_family_shares) as n (
            setl_id bigint, hold_id bigint, amount_fen bigint, /*lanes*/ lane smallint,
            donor_no text
        );
    end if;

    if p_family_moves is not null then
        insert into settlement.family_move (
            hold_id, entry_id, account, undertaking_id, setl_id, amount_fen, balance_fen, moved_at,
            lane, kind, patient_lane, psn_no, patient_no, institution
        )
        select n.hold_id, n.entry_id, n.account, n.undertaking_id, n.setl_id, n.amount_fen,
               n.balance_fen, p_booked_at, /*lane*/ n.lane, n.kind, n.patient_lane, n.psn_no,
               n.patient_no, n.institution
        from json_to_recordset(p_family_moves) as n (
            hold_id bigint, entry_id bigint, account bigint, undertaking_id bigint, setl_id bigint,
            amount_fen bigint, balance_fen bigint, /*lanes*/ lane smallint, kind smallint,
            patient_lane smallint, psn_no text, patient_no text, institution text
        );
    end if;

    if p_payments is not null then
        insert into settlement.payment (
            pay_no, setl_id, parent, mdtrt_id, amount_fen, opened_at, lane, kind, psn_no,
            institution, order_no, plan
        )
        select n.pay_no, n.setl_id, n.parent, n.mdtrt_id, n.amount_fen, n.opened_at,
               /*lane*/ n.lane, n.kind, n.psn_no, n.institution, n.order_no,
               decode(n.plan, 'base64')
        from json_to_recordset(p_payments) as n (
            pay_no bigint, setl_id bigint, parent bigint, mdtrt_id bigint, amount_fen bigint,
            opened_at timestamptz, /*lanes*/ lane smallint, kind smallint, psn_no text,
            institution text, order_no text, plan text
        );
    end if;

    if p_payment_events is not null then
        insert into settlement.payment_event (
            pay_no, recorded_at, lane, event_no, kind, attempt, order_no, content, exchange
        )
        select n.pay_no, n.recorded_at, /*lane*/ n.lane, n.event_no, n.kind, n.attempt, n.order_no,
               n.content, decode(n.exchange, 'base64')
        from json_to_recordset(p_payment_events) as n (
            pay_no bigint, recorded_at timestamptz, /*lanes*/ lane smallint, event_no smallint,
            kind smallint, attempt smallint, order_no text, content text, exchange text
        );
    end if;

    if p_payment_due is not null then
        insert into settlement.payment_due (pay_no, due_at, lane, channel)
        select n.pay_no, n.due_at, /*lane*/ n.lane, n.channel
        from json_to_recordset(p_payment_due) as n (
            pay_no bigint, /*lanes*/ lane smallint, due_at timestamptz, channel text
        )
        where n.due_at is not null
        on conflict (lane, pay_no) do update
            set due_at = excluded.due_at, channel = excluded.channel;

        delete from settlement.payment_due d
        using json_to_recordset(p_payment_due) as n (
            pay_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where d.lane = /*lane*/ n.lane and d.pay_no = n.pay_no and n.due_at is null;
    end if;

    if p_mobile_orders is not null then
        insert into settlement.mobile_order (
            order_no, mdtrt_id, total_fen, opened_at, lane, psn_no, institution,
            institution_order_no, batch_no, payload
        )
        select n.order_no, n.mdtrt_id, n.total_fen, n.opened_at, /*lane*/ n.lane, n.psn_no,
               n.institution, n.institution_order_no, n.batch_no, decode(n.payload, 'base64')
        from json_to_recordset(p_mobile_orders) as n (
            order_no bigint, mdtrt_id bigint, total_fen bigint, opened_at timestamptz,
            /*lanes*/ lane smallint, psn_no text, institution text, institution_order_no text,
            batch_no text, payload text
        );
    end if;

    if p_mobile_events is not null then
        insert into settlement.mobile_event (
            order_no, setl_id, recorded_at, lane, event_no, kind, content, payload
        )
        select n.order_no, n.setl_id, n.recorded_at, /*lane*/ n.lane, n.event_no, n.kind,
               n.content, decode(n.payload, 'base64')
        from json_to_recordset(p_mobile_events) as n (
            order_no bigint, setl_id bigint, recorded_at timestamptz, /*lanes*/ lane smallint,
            event_no smallint, kind smallint, content text, payload text
        );
    end if;

    if p_mobile_due is not null then
        insert into settlement.mobile_due (order_no, due_at, lane)
        select n.order_no, n.due_at, /*lane*/ n.lane
        from json_to_recordset(p_mobile_due) as n (
            order_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where n.due_at is not null
        on conflict (lane, order_no) do update set due_at = excluded.due_at;

        delete from settlement.mobile_due d
        using json_to_recordset(p_mobile_due) as n (
            order_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where d.lane = /*lane*/ n.lane and d.order_no = n.order_no and n.due_at is null;
    end if;

    if p_outbox is not null then
        insert into settlement.outbox (
            case_no, notice_no, told_at, lane, kind, topic, institution, payload
        )
        select n.case_no, n.notice_no, n.told_at, /*lane*/ n.lane, n.kind, n.topic,
               n.institution, decode(n.payload, 'base64')
        from json_to_recordset(p_outbox) as n (
            case_no bigint, notice_no integer, told_at timestamptz, /*lanes*/ lane smallint,
            kind text, topic text, institution text, payload text
        );

        insert into settlement.outbox_due (case_no, notice_no, after_case, due_at, lane)
        select n.case_no, n.notice_no, n.after_case, n.told_at, /*lane*/ n.lane
        from json_to_recordset(p_outbox) as n (
            case_no bigint, notice_no integer, after_case bigint, /*lanes*/ lane smallint,
            told_at timestamptz
        );
    end if;

    if p_matters is not null then
        insert into settlement.matter (
            matter_no, opened_at, lane, kind, psn_no, agent_no, payload
        )
        select n.matter_no, n.opened_at, /*lane*/ n.lane, n.kind, n.psn_no, n.agent_no,
               decode(n.payload, 'base64')
        from json_to_recordset(p_matters) as n (
            matter_no bigint, opened_at timestamptz, /*lanes*/ lane smallint, kind smallint,
            psn_no text, agent_no text, payload text
        );
    end if;

    if p_matter_events is not null then
        insert into settlement.matter_event (
            matter_no, entry_id, amount_fen, recorded_at, business_day, coverage_months, lane,
            event_no, kind, actor, through, reference, note
        )
        select n.matter_no, n.entry_id, n.amount_fen, n.recorded_at, n.business_day,
               n.coverage_months, /*lane*/ n.lane, n.event_no, n.kind, n.actor, n.through,
               n.reference, n.note
        from json_to_recordset(p_matter_events) as n (
            matter_no bigint, entry_id bigint, amount_fen bigint, recorded_at timestamptz,
            business_day date, coverage_months integer, /*lanes*/ lane smallint,
            event_no smallint, kind smallint, actor text, through text, reference text, note text
        );
    end if;

    if p_home_cases is not null then
        insert into settlement.home_case (
            setl_id, setl_on, lane, treated_region, case_no, institution, institution_name,
            visit_no, filing
        )
        select n.setl_id, n.setl_on, /*lane*/ n.lane, n.treated_region, n.case_no, n.institution,
               n.institution_name, n.visit_no, n.filing
        from json_to_recordset(p_home_cases) as n (
            setl_id bigint, setl_on date, /*lanes*/ lane smallint, treated_region text,
            case_no text, institution text, institution_name text, visit_no text, filing text
        );
    end if;

    if p_remote_cases is not null then
        insert into settlement.remote_case (
            case_no, hold_id, mdtrt_id, total_fen, opened_at, lane, psn_no, institution,
            insured_region, infno, msgid, payload
        )
        select n.case_no, n.hold_id, n.mdtrt_id, n.total_fen, n.opened_at, /*lane*/ n.lane,
               n.psn_no, n.institution, n.insured_region, n.infno, n.msgid,
               decode(n.payload, 'base64')
        from json_to_recordset(p_remote_cases) as n (
            case_no bigint, hold_id bigint, mdtrt_id bigint, total_fen bigint,
            opened_at timestamptz, /*lanes*/ lane smallint, psn_no text, institution text,
            insured_region text, infno text, msgid text, payload text
        );
    end if;

    if p_remote_events is not null then
        insert into settlement.remote_event (
            case_no, setl_id, recorded_at, lane, event_no, kind, reference, payload
        )
        select n.case_no, n.setl_id, n.recorded_at, /*lane*/ n.lane, n.event_no, n.kind,
               n.reference, decode(n.payload, 'base64')
        from json_to_recordset(p_remote_events) as n (
            case_no bigint, setl_id bigint, recorded_at timestamptz, /*lanes*/ lane smallint,
            event_no smallint, kind smallint, reference text, payload text
        );
    end if;

    if p_remote_due is not null then
        insert into settlement.remote_due (case_no, due_at, lane)
        select n.case_no, n.due_at, /*lane*/ n.lane
        from json_to_recordset(p_remote_due) as n (
            case_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where n.due_at is not null
        on conflict (lane, case_no) do update set due_at = excluded.due_at;

        delete from settlement.remote_due d
        using json_to_recordset(p_remote_due) as n (
            case_no bigint, /*lanes*/ lane smallint, due_at timestamptz
        )
        where d.lane = /*lane*/ n.lane and d.case_no = n.case_no and n.due_at is null;
    end if;

    if p_elsewhere is not null then
        insert into settlement.insured_elsewhere (
            setl_id, setl_on, lane, paid_in_advance, institution, insured_region, visit_no,
            settlement_no, certificate
        )
        select n.setl_id, n.setl_on, /*lane*/ n.lane, n.paid_in_advance, n.institution,
               n.insured_region, n.visit_no, n.settlement_no, decode(n.certificate, 'base64')
        from json_to_recordset(p_elsewhere) as n (
            setl_id bigint, setl_on date, /*lanes*/ lane smallint, paid_in_advance boolean,
            institution text, insured_region text, visit_no text, settlement_no text,
            certificate text
        );
    end if;

    insert into settlement.message (ref, recorded_at, lane, outcome, key, fingerprint)
    select p_message_refs[i], p_booked_at, /*lane*/ p_message_lanes[i], p_message_outcomes[i],
           substr(p_message_keys, 16 * (i - 1) + 1, 16),
           settlement.slice(p_fingerprints, p_fingerprint_ends, i)
    from generate_series(1, cardinality(p_message_refs)) as i;
end;
$$;
comment on function settlement.write_batch is
    'Writes one batch of one journal, all or nothing; MS001 where a person is stale.';

create function settlement.drop_token_lookups(p_lanes smallint[], p_keys bytea[]) returns void
language sql volatile security definer set search_path = pg_catalog as $$
    -- The ways from dead tokens to their persons. The application may take back no other key that
    -- leads to a person: it comes in here, and never at certificates and cards.
    delete from settlement.lookup l
    using unnest(p_lanes, p_keys) as d (lane, key)
    where l.lane = d.lane and l.kind = 3 and l.key = d.key;
$$;
comment on function settlement.drop_token_lookups is
    'Takes back the ways from tokens of e-credentials to persons.';

create function settlement.change_persons(
    p_journal smallint, /*lanes*/ p_lanes smallint[], /*cluster p_lane smallint,*/
    p_persons text[], p_key_versions smallint[], p_identities bytea[], p_enrolments text[],
    p_families text[]
) returns integer
language plpgsql volatile as $$
-- Changes what an agency says of persons of one journal (import): how many were changed. It takes
-- the head first, as every batch does, so it waits for the batch that is being written and the next
-- one waits for it; a batch that has read these persons already finds another version, and is
-- decided again. Null leaves identity or family as they are.
declare
    v_changed integer;
begin
    perform ledger.lock_head(/*cluster p_lane,*/ p_journal);
    update settlement.person p
    set version = p.version + 1,
        key_version = case when n.identity is null then p.key_version else n.key_version end,
        identity = coalesce(n.identity, p.identity),
        enrolments = n.enrolments,
        family = coalesce(n.family, p.family)
    from unnest(/*lanes*/ p_lanes, p_persons, p_key_versions, p_identities, p_enrolments,
                p_families)
        as n (/*lanes*/ lane, psn_no, key_version, identity, enrolments, family)
    where p.lane = /*lane*/ n.lane and p.psn_no = n.psn_no;
    get diagnostics v_changed = row_count;
    return v_changed;
end;
$$;
comment on function settlement.change_persons is
    'Changes identity, memberships and relatives of persons of one journal, under its head.';

create function settlement.grant_rights(p_application name) returns void
language plpgsql as $$
-- The application owns nothing, deletes nothing but stop switches, sessions and files that have
-- expired, and never edits what was booked.
begin
    execute format('grant usage on schema settlement to %I', p_application);
    execute format('grant select on all tables in schema settlement to %I', p_application);
    execute format(
        'grant insert on settlement.settlement, settlement.settlement_detail, settlement.message,'
        ' settlement.visit, settlement.visit_event, settlement.filing, settlement.upload,'
        ' settlement.item_mapping, settlement.drug_trace, settlement.audit, settlement.sign_in,'
        ' settlement.token, settlement.listing, settlement.statement_row, settlement.file,'
        ' settlement.clearing_application, settlement.clearing_cancel, settlement.undertaking,'
        ' settlement.family_share, settlement.family_move, settlement.pay_order,'
        ' settlement.payment, settlement.payment_event, settlement.payment_due,'
        ' settlement.mobile_order, settlement.mobile_event, settlement.mobile_due,'
        ' settlement.outbox, settlement.outbox_due, settlement.outbox_attempt,'
        ' settlement.remote_case, settlement.remote_event, settlement.remote_due,'
        ' settlement.insured_elsewhere, settlement.home_case, settlement.cross_city_step,'
        ' settlement.import_job, settlement.matter, settlement.matter_event,'
        ' settlement.invoice_row, settlement.console_user, settlement.console_attempt,'
        ' settlement.console_session to %I',
        p_application
    );
    execute format(
        'grant delete on settlement.file, settlement.token,'
        ' settlement.payment_due, settlement.mobile_due, settlement.remote_due,'
        ' settlement.outbox_due, settlement.console_attempt, settlement.console_session to %I',
        p_application
    );
    execute format(
        'grant update on settlement.console_user, settlement.console_attempt,'
        ' settlement.console_session to %I', p_application
    );
    execute format(
        'grant update (due_at, attempts) on settlement.outbox_due to %I', p_application
    );
    execute format('grant update (due_at) on settlement.mobile_due to %I', p_application);
    execute format('grant update (due_at) on settlement.remote_due to %I', p_application);
    execute format('grant update (due_at, channel) on settlement.payment_due to %I', p_application);
    execute format(
        'grant update (version, accumulators, latest_row, latest_visit, open_stay, filings,'
        ' undertaking) on settlement.person to %I', p_application
    );
    execute format('grant update (signed_out_at) on settlement.sign_in to %I', p_application);
    execute format(
        'grant insert, delete, update (reason) on settlement.suspension to %I', p_application
    );
    execute format(
        'grant insert, update (version) on settlement.reference_version to %I', p_application
    );
    execute format(
        'grant usage on sequence settlement.number_block, settlement.import_job_no to %I',
        p_application
    );
    execute format(
        'grant execute on all functions in schema settlement to %I', p_application
    );
    execute format(
        'revoke execute on function settlement.change_persons from public, %I', p_application
    );
end;
$$;
comment on function settlement.grant_rights(name) is 'The application''s rights on this schema.';

-- Approvals of cancels (退费备案): reference data, held in memory by every process of a region whose
-- cancel_window is `approval`. Written by operators as the schema's owner, never on the settle
-- path; an approval that was used is never deleted.

create table settlement.cancel_approval (
    setl_id         bigint      not null,
    approved_at     timestamptz not null,
    lane            smallint    not null,
    actor           text        not null,
    reason          text        not null,
    constraint cancel_approval_pkey primary key (lane, setl_id)
);
comment on table settlement.cancel_approval is
    'Settlements that may be cancelled with an approval (退费备案).';
comment on column settlement.cancel_approval.setl_id is 'The settlement.';
comment on column settlement.cancel_approval.approved_at is 'When it was approved.';
comment on column settlement.cancel_approval.lane is 'Lane of the settlement.';
comment on column settlement.cancel_approval.actor is 'Who approved.';
comment on column settlement.cancel_approval.reason is 'Why, and the number of the file.';

-- Policy files that operators loaded, beside those shipped with the program: reference data, read
-- by every process. A file of a name replaces the one before; no row is ever changed, because
-- settled cases are explained and computed again with the version that they were settled by.

create table settlement.policy_file (
    file_no         bigint      generated always as identity,
    loaded_at       timestamptz not null,
    name            text        not null,
    content         text        not null,
    actor           text        not null,
    reason          text        not null,
    constraint policy_file_pkey primary key (file_no)
);
comment on table settlement.policy_file is 'Policy files that operators loaded. Append-only.';
comment on column settlement.policy_file.file_no is 'Counts up: the latest of a name is in force.';
comment on column settlement.policy_file.loaded_at is 'When it was loaded.';
comment on column settlement.policy_file.name is 'File name, with suffix.';
comment on column settlement.policy_file.content is 'The file, as it was checked.';
comment on column settlement.policy_file.actor is 'Who loaded it.';
comment on column settlement.policy_file.reason is 'Why, and the number of the document.';

-- Uploads that are only stored (35xx, 41xx, 43xx to 49xx): nothing is decided on them. That the
-- settlement of a settlement list was undone since is derived, not written. Append-only.

create table settlement.upload (
    upload_id       bigint      not null,
    setl_id         bigint,
    recorded_at     timestamptz not null,
    lane            smallint    not null,
    institution     text        not null,
    infno           text        not null,
    psn_no          text        not null,
    payload         bytea       not null,
    constraint upload_pkey primary key (lane, upload_id)
) with (
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
comment on table settlement.upload is 'Uploads that are only stored (只存储的上传). Append-only.';
comment on column settlement.upload.upload_id is 'Issued by us; setl_list_id of 4101.';
comment on column settlement.upload.setl_id is 'The settlement that a settlement list cites.';
comment on column settlement.upload.recorded_at is 'When it reached us.';
comment on column settlement.upload.lane is
    'Lane of the person named, of the settlement cited, or of the institution.';
comment on column settlement.upload.institution is 'Who sent it.';
comment on column settlement.upload.infno is 'The transaction.';
comment on column settlement.upload.psn_no is
    'The one person it names; empty where there is none, or more than one.';
comment on column settlement.upload.payload is 'Input as sent, compressed and encrypted.';

-- Mappings of institutions' own items to the catalogue (目录对照), in the lane of the institution.
-- Nothing is edited: for each pair of codes the newest row holds (settlement/usecases/mappings.py).
-- Lines are held against them only where the region's profile says so.

create table settlement.item_mapping (
    mapping_id      bigint      not null,
    recorded_at     timestamptz not null,
    begins_on       date        not null,
    ends_on         date        not null,
    lane            smallint    not null,
    kind            smallint    not null,
    institution     text        not null,
    own_code        text        not null,
    list_type       text        not null,
    item_code       text        not null,
    content         text        not null,
    constraint item_mapping_pkey primary key (lane, institution, own_code, mapping_id),
    constraint item_mapping_kind_known check (kind between 1 and 2),
    constraint item_mapping_has_days check (begins_on <= ends_on)
);
comment on table settlement.item_mapping is
    'Mappings of own items to the catalogue (目录对照). Append-only.';
comment on column settlement.item_mapping.mapping_id is 'Issued by us.';
comment on column settlement.item_mapping.recorded_at is 'When it was decided.';
comment on column settlement.item_mapping.begins_on is 'First day.';
comment on column settlement.item_mapping.ends_on is 'Last day.';
comment on column settlement.item_mapping.lane is 'Lane of the institution.';
comment on column settlement.item_mapping.kind is '1 mapped, 2 withdrawn.';
comment on column settlement.item_mapping.institution is 'Whose items.';
comment on column settlement.item_mapping.own_code is 'fixmedins_hilist_id, medins_list_codg.';
comment on column settlement.item_mapping.list_type is 'list_type.';
comment on column settlement.item_mapping.item_code is 'med_list_codg.';
comment on column settlement.item_mapping.content is
    'JSON: the name of the item and what else was said of it.';

-- Drug trace codes (药品追溯码) of sales, in the lane of the person, where the region's profile looks
-- at them. A code is a keyed hash. A box was sold as long as the settlement stands: a cancel frees
-- it, and nothing is edited.

create table settlement.drug_trace (
    setl_id         bigint      not null,
    lane            smallint    not null,
    whole           boolean     not null,
    key             bytea       not null,
    constraint drug_trace_pkey primary key (lane, key, setl_id)
);
comment on table settlement.drug_trace is 'Boxes of drugs that were sold (药品追溯码). Append-only.';
comment on column settlement.drug_trace.setl_id is 'The sale.';
comment on column settlement.drug_trace.lane is 'Its lane.';
comment on column settlement.drug_trace.whole is 'False: sold from a box that was split (拆零).';
comment on column settlement.drug_trace.key is 'Keyed hash of drug_trac_codg.';

-- Statements of institutions (对账): which settlement rows are whose, on which day. Settlement rows
-- are keyed by lane and number, and the settle path pays for no further index (ADR 0021). Behind
-- it a background loop lists them by institution, block by block of a journal; what it has not
-- reached is read from the blocks themselves. Whoever asks reads the view, never the tables.

create table settlement.listing (
    after_block     bigint      not null,
    through_block   bigint      not null,
    journal         smallint    not null,
    constraint listing_pkey primary key (journal, after_block),
    constraint listing_goes_on check (through_block > after_block)
);
comment on table settlement.listing is
    'How far the rows of a journal are listed: one row a step, inserted in the same statement as '
    'what it lists. A step begins where the last one ended, so that two at once cannot both list.';
comment on column settlement.listing.after_block is 'The step begins behind this block.';
comment on column settlement.listing.through_block is 'Includes this block and all before it.';
comment on column settlement.listing.journal is 'The journal.';

create table settlement.statement_row (
    setl_id         bigint      not null,
    total_fen       bigint      not null,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    cash_fen        bigint      not null,
    setl_on         date        not null,
    lane            smallint    not null,
    kind            smallint    not null,
    institution     text        not null,
    scheme          text        not null,
    clearing_type   text        not null,
    constraint statement_row_pkey primary key (lane, institution, setl_on, setl_id)
) with (
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
comment on table settlement.statement_row is
    'Settlement rows by institution and day, as far as they are listed. Append-only; derived: it '
    'can be made again from the blocks.';
comment on column settlement.statement_row.setl_id is 'The settlement row.';
comment on column settlement.statement_row.total_fen is
    'Its medfee_sumamt, fen; so are the others.';
comment on column settlement.statement_row.fund_fen is 'Its fund_pay_sumamt.';
comment on column settlement.statement_row.account_fen is 'Its acct_pay.';
comment on column settlement.statement_row.cash_fen is 'Its psn_cash_pay.';
comment on column settlement.statement_row.setl_on is 'Local day of its setl_time.';
comment on column settlement.statement_row.lane is 'Lane of the person.';
comment on column settlement.statement_row.kind is '1 settlement, 2 cancel, 3 reversal.';
comment on column settlement.statement_row.institution is 'fixmedins_code.';
comment on column settlement.statement_row.scheme is 'insutype.';
comment on column settlement.statement_row.clearing_type is 'clr_type.';

create view settlement.statement as
select r.institution, r.setl_on, r.scheme, r.clearing_type, r.kind, r.lane, r.setl_id,
       r.total_fen, r.fund_fen, r.account_fen, r.cash_fen, u.kind as undone_kind
from (
    select s.institution, s.setl_on, s.scheme, s.clearing_type, s.kind, s.lane, s.setl_id,
           s.total_fen, s.fund_fen, s.account_fen, s.cash_fen
    from (select distinct l.lane from ledger.lane l) as l
    join settlement.statement_row s on s.lane = l.lane
    union all
    select t.institution, (t.setl_time at time zone interval '+08:00')::date, t.scheme,
           t.clearing_type, t.kind, t.lane, t.setl_id,
           t.total_fen, t.fund_fen, t.account_fen, t.cash_fen
    from ledger.journal j
    cross join lateral (
        select coalesce(max(l.through_block), 0) as through_block
        from settlement.listing l
        where l.journal = j.journal
    ) as listed
    cross join lateral (
        select e.lane, e.entry_id
        from ledger.entry e
        where e.journal = j.journal and e.block_no > listed.through_block and e.code in (1, 2, 3)
        offset 0
    ) as e
    cross join lateral (
        select t.institution, t.setl_time, t.scheme, t.clearing_type, t.kind, t.lane, t.setl_id,
               t.total_fen, t.fund_fen, t.account_fen, t.cash_fen
        from settlement.settlement t
        where t.lane = e.lane and t.setl_id = e.entry_id
        offset 0
    ) as t
) as r
left join lateral (
    select u.kind
    from settlement.settlement u
    where u.lane = r.lane and u.undoes_setl_id = r.setl_id
    offset 0
) as u on true;
comment on view settlement.statement is
    'Every settlement row by institution and day, listed or not, with the kind of what undid it. '
    'Exact in any snapshot. Visits all lanes. `offset 0` keeps to single look-ups: the planner '
    'cannot know how few blocks are not listed.';

-- Files (9101, 9102): what institutions send for reconciliation and what they are answered, for
-- some days. They lie in the lane of the institution and are no books: the only rows beside stop
-- switches that the application may delete.

create table settlement.file (
    file_no         bigint      not null,
    stored_at       timestamptz not null,
    expires_at      timestamptz not null,
    size_bytes      integer     not null,
    lane            smallint    not null,
    institution     text        not null,
    name            text        not null,
    infno           text,
    msgid           text,
    fingerprint     bytea,
    content         bytea       not null,
    constraint file_pkey primary key (lane, file_no),
    constraint file_made_once unique (lane, institution, infno, msgid),
    constraint file_has_all_of_its_message check (
        num_nulls(infno, msgid, fingerprint) in (0, 3)
    ),
    constraint file_is_small check (size_bytes = octet_length(content) and size_bytes <= 33554432)
);
alter table settlement.file alter column content set storage external;
comment on table settlement.file is 'Files of institutions, and result files for them, for a time.';
comment on column settlement.file.file_no is 'file_qury_no, issued by us.';
comment on column settlement.file.stored_at is 'When it came.';
comment on column settlement.file.expires_at is 'Not there any more from then on.';
comment on column settlement.file.size_bytes is 'Length of the content.';
comment on column settlement.file.lane is 'Lane of the institution code.';
comment on column settlement.file.institution is 'Whose it is; nobody else gets it.';
comment on column settlement.file.name is 'File name.';
comment on column settlement.file.infno is
    'Of the message that made it (9101, 3202); null where the same message may make another.';
comment on column settlement.file.msgid is 'The message.';
comment on column settlement.file.fingerprint is
    'Short hashes of what the message said (protocol/nhsa/canonical.py).';
comment on column settlement.file.content is 'A zip, so it is not compressed again.';

-- Clearing (清算): what institutions apply for by month. Append-only; a cancel is a row of its own,
-- and what happens to settlements later changes neither.

create table settlement.clearing_application (
    application_no  bigint      not null,
    total_fen       bigint      not null,
    recognised_fen  bigint      not null,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    cash_fen        bigint      not null,
    applied_at      timestamptz not null,
    month           date        not null,
    settlement_count integer    not null,
    lane            smallint    not null,
    attempt         smallint    not null,
    institution     text        not null,
    clearing_type   text        not null,
    clearing_office text        not null,
    clearing_way    text        not null,
    operator        text        not null,
    operator_name   text        not null,
    msgid           text        not null,
    constraint clearing_application_pkey primary key (lane, application_no),
    constraint clearing_application_once unique (lane, institution, month,
        clearing_type, clearing_office, attempt),
    constraint clearing_application_message unique (lane, institution, msgid),
    constraint clearing_application_adds_up check (
        month = date_trunc('month', month)::date and settlement_count >= 0
    )
);
comment on table settlement.clearing_application is
    'Clearing applications (清算申请). The next attempt for the same month, type and office begins '
    'where all earlier ones are cancelled.';
comment on column settlement.clearing_application.application_no is 'clr_appy_evt_id.';
comment on column settlement.clearing_application.total_fen is
    'medfee_sumamt, fen; so are the others.';
comment on column settlement.clearing_application.recognised_fen is 'med_sumfee.';
comment on column settlement.clearing_application.fund_fen is 'fund_appy_sum.';
comment on column settlement.clearing_application.account_fen is 'acct_pay.';
comment on column settlement.clearing_application.cash_fen is 'cash_payamt.';
comment on column settlement.clearing_application.applied_at is 'When.';
comment on column settlement.clearing_application.month is 'First day of the month, setlym.';
comment on column settlement.clearing_application.settlement_count is 'psntime.';
comment on column settlement.clearing_application.lane is 'Lane of the institution code.';
comment on column settlement.clearing_application.attempt is 'From 1.';
comment on column settlement.clearing_application.institution is 'The institution.';
comment on column settlement.clearing_application.clearing_type is 'clr_type.';
comment on column settlement.clearing_application.clearing_office is 'clr_optins.';
comment on column settlement.clearing_application.clearing_way is 'clr_way as sent.';
comment on column settlement.clearing_application.operator is 'opter.';
comment on column settlement.clearing_application.operator_name is 'opter_name.';
comment on column settlement.clearing_application.msgid is 'The message that made it.';

create table settlement.clearing_cancel (
    application_no  bigint      not null,
    cancelled_at    timestamptz not null,
    lane            smallint    not null,
    operator        text        not null,
    operator_name   text        not null,
    msgid           text        not null,
    constraint clearing_cancel_pkey primary key (lane, application_no)
);
comment on table settlement.clearing_cancel is 'Cancels of clearing applications (清算申请撤销).';
comment on column settlement.clearing_cancel.application_no is 'The application.';
comment on column settlement.clearing_cancel.cancelled_at is 'When.';
comment on column settlement.clearing_cancel.lane is 'Lane of the institution code.';
comment on column settlement.clearing_cancel.operator is 'opter.';
comment on column settlement.clearing_cancel.operator_name is 'opter_name.';
comment on column settlement.clearing_cancel.msgid is 'The message that made it.';

-- Clearing between the cities of a province (省内异地清分). A settlement of somebody who is insured
-- in another region has a row beside it, written in the same commit; so have cancels and reversals.
-- Its figures and what undid it are in the settlement rows, and not here once more.

create table settlement.insured_elsewhere (
    setl_id         bigint      not null,
    setl_on         date        not null,
    lane            smallint    not null,
    paid_in_advance boolean     not null,
    institution     text        not null,
    insured_region  text        not null,
    visit_no        text        not null,
    settlement_no   text        not null,
    certificate     bytea       not null,
    constraint insured_elsewhere_pkey primary key (lane, institution, setl_on, setl_id),
    constraint insured_elsewhere_names_a_region check (insured_region ~ '^[0-9]{6}$')
);
comment on table settlement.insured_elsewhere is
    'Settlement rows of people who are insured in another region (异地就医). Append-only.';
comment on column settlement.insured_elsewhere.setl_id is 'The settlement row.';
comment on column settlement.insured_elsewhere.setl_on is 'Local day of its setl_time.';
comment on column settlement.insured_elsewhere.lane is 'Its lane.';
comment on column settlement.insured_elsewhere.paid_in_advance is
    'fulamt_advpay_flag: the person paid everything and is reimbursed at home.';
comment on column settlement.insured_elsewhere.institution is 'fixmedins_code, medins_no.';
comment on column settlement.insured_elsewhere.insured_region is 'insuplc_admdvs.';
comment on column settlement.insured_elsewhere.visit_no is
    'The visit between regions (就诊登记号), as the province numbers it.';
comment on column settlement.insured_elsewhere.settlement_no is
    'The settlement between regions (结算流水号), as the province numbers it.';
comment on column settlement.insured_elsewhere.certificate is
    'certno, encrypted; the first two bytes are the version of the key.';

-- People of ours who were treated in another region. A settlement that we shared for its case has a
-- row beside it, written in the same commit; so have cancels and reversals.
create table settlement.home_case (
    setl_id         bigint      not null,
    setl_on         date        not null,
    lane            smallint    not null,
    treated_region  text        not null,
    case_no         text        not null,
    institution     text        not null,
    institution_name text       not null,
    visit_no        text        not null,
    filing          text        not null,
    constraint home_case_pkey primary key (lane, treated_region, setl_on, setl_id),
    constraint home_case_names_a_region check (treated_region ~ '^[0-9]{6}$')
);
create unique index home_case_by_number on settlement.home_case (lane, setl_id);
create index home_case_by_case on settlement.home_case (lane, treated_region, case_no);
comment on table settlement.home_case is
    'Settlement rows of our people who were treated in another region (异地就医). Append-only.';
comment on column settlement.home_case.setl_id is 'The settlement row.';
comment on column settlement.home_case.setl_on is 'Its business day.';
comment on column settlement.home_case.lane is 'Its lane.';
comment on column settlement.home_case.treated_region is 'mdtrtarea_admvs: who pays the hospital.';
comment on column settlement.home_case.case_no is
    'Number of the case at the region of treatment; of a cancel that of what it takes back.';
comment on column settlement.home_case.institution is 'Who treated, by its code there.';
comment on column settlement.home_case.institution_name is 'And its name.';
comment on column settlement.home_case.visit_no is 'The visit, as the region of treatment has it.';
comment on column settlement.home_case.filing is
    'The kind of filing by which it was shared (settlement/policy/table.py, FILINGS).';

create table settlement.cross_city_step (
    recorded_at     timestamptz not null,
    month           date        not null,
    lane            smallint    not null,
    step_no         integer     not null,
    kind            smallint    not null,
    institution     text        not null,
    reference       text        not null,
    withdraws       text        not null,
    operator        text        not null,
    operator_name   text        not null,
    msgid           text        not null,
    fingerprint     bytea       not null,
    included        bigint[]    not null,
    left_out        bigint[]    not null,
    constraint cross_city_step_pkey primary key (lane, institution, month, step_no),
    constraint cross_city_step_message unique (lane, institution, msgid, kind),
    constraint cross_city_step_confirms_or_withdraws check (
        kind in (1, 2) and (kind = 2) = (withdraws <> '')
            and (kind = 1) = (cardinality(included) + cardinality(left_out) > 0)
    ),
    constraint cross_city_step_of_a_month check (month = date_trunc('month', month)::date)
);
comment on table settlement.cross_city_step is
    'What an institution said of the clearing list of a month, step by step: confirmations '
    '(清分结果确认) and their withdrawals (回退). Append-only; of two at once one has the next '
    'number, and the other decides again.';
comment on column settlement.cross_city_step.recorded_at is 'When.';
comment on column settlement.cross_city_step.month is 'First day of the month.';
comment on column settlement.cross_city_step.lane is 'Lane of the institution code.';
comment on column settlement.cross_city_step.step_no is 'From 1 in each month.';
comment on column settlement.cross_city_step.kind is '1 confirmed, 2 withdrawn.';
comment on column settlement.cross_city_step.institution is 'The institution.';
comment on column settlement.cross_city_step.reference is
    'inf_refmsgid of the answer: what a withdrawal names.';
comment on column settlement.cross_city_step.withdraws is
    'otransid: the reference of a confirmation, or 0 for all of the month; else empty.';
comment on column settlement.cross_city_step.operator is 'opter.';
comment on column settlement.cross_city_step.operator_name is 'opter_name.';
comment on column settlement.cross_city_step.msgid is 'The message that made it.';
comment on column settlement.cross_city_step.fingerprint is
    'Keyed hashes of its month, count and rows.';
comment on column settlement.cross_city_step.included is 'Settlement rows for this clearing.';
comment on column settlement.cross_city_step.left_out is 'Settlement rows not for this clearing.';

-- What persons bring along at the cut-over (期初), once a person and year: accumulators of a year
-- that others began, and what is in the personal account. `verify` adds the accumulators to what
-- settlements added; the money is in the ledger, in the entry named.

create table settlement.opening (
    entry_id        bigint,
    balance_fen     bigint      not null,
    lane            smallint    not null,
    year            smallint    not null,
    psn_no          text        not null,
    accumulators    text        not null,
    source          text        not null,
    constraint opening_pkey primary key (lane, psn_no, year),
    constraint opening_books_what_it_brings check ((balance_fen > 0) = (entry_id is not null)),
    constraint opening_not_negative check (balance_fen >= 0)
);
comment on table settlement.opening is 'What persons brought along at the cut-over. Append-only.';
comment on column settlement.opening.entry_id is
    'Entry that booked the balance; null where there was none. Its commitment names the file.';
comment on column settlement.opening.balance_fen is 'Into the personal account, fen.';
comment on column settlement.opening.lane is 'Lane of the person.';
comment on column settlement.opening.year is 'Fiscal year of the accumulators.';
comment on column settlement.opening.psn_no is 'The person.';
comment on column settlement.opening.accumulators is 'JSON: what counted so far, by name.';
comment on column settlement.opening.source is 'Where it comes from, as the file says.';

create table settlement.opening_payable (
    entry_id        bigint,
    funds_fen       bigint      not null,
    accounts_fen    bigint      not null,
    lane            smallint    not null,
    institution     text        not null,
    source          text        not null,
    constraint opening_payable_pkey primary key (lane, institution),
    constraint opening_payable_books_what_it_brings
        check ((funds_fen <> 0 or accounts_fen <> 0) = (entry_id is not null))
);
comment on table settlement.opening_payable is
    'What the agency owed institutions at the cut-over (应付定点机构期初); negative: what they owed. '
    'Append-only.';
comment on column settlement.opening_payable.entry_id is
    'Entry that booked it; null where nothing was owed. Its commitment names the file.';
comment on column settlement.opening_payable.funds_fen is 'By funds, fen.';
comment on column settlement.opening_payable.accounts_fen is 'By personal accounts, fen.';
comment on column settlement.opening_payable.lane is 'Lane of the institution code.';
comment on column settlement.opening_payable.institution is 'fixmedins_code.';
comment on column settlement.opening_payable.source is 'Where it comes from, as the file says.';

create table settlement.opening_stay (
    mdtrt_id        bigint      not null,
    lane            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    earlier_no      text        not null,
    fingerprint     bytea       not null,
    source          text        not null,
    constraint opening_stay_pkey primary key (lane, institution, earlier_no)
);
comment on table settlement.opening_stay is
    'Stays that were open at the cut-over (在院期初), with what they are called here. Append-only.';
comment on column settlement.opening_stay.mdtrt_id is 'The stay here.';
comment on column settlement.opening_stay.lane is 'Lane of the person.';
comment on column settlement.opening_stay.psn_no is 'The person.';
comment on column settlement.opening_stay.institution is 'fixmedins_code.';
comment on column settlement.opening_stay.earlier_no is 'mdtrt_id of the system before.';
comment on column settlement.opening_stay.fingerprint is 'Digest of what the file said of it.';
comment on column settlement.opening_stay.source is 'Where it comes from, as the file says.';

create table settlement.opening_settlement (
    setl_id         bigint      not null,
    lane            smallint    not null,
    psn_no          text        not null,
    institution     text        not null,
    earlier_no      text        not null,
    fingerprint     bytea       not null,
    source          text        not null,
    constraint opening_settlement_pkey primary key (lane, institution, earlier_no)
);
create unique index opening_settlement_by_number
    on settlement.opening_settlement (lane, setl_id);
comment on table settlement.opening_settlement is
    'Settlements of the system before that can be cancelled here (期初可撤销结算), with what they '
    'are called here. Their rows are in settlement.settlement, their entries note them and move '
    'nothing, and what they added is in the opening accumulators. Append-only.';
comment on column settlement.opening_settlement.setl_id is 'The settlement row here.';
comment on column settlement.opening_settlement.lane is 'Lane of the person.';
comment on column settlement.opening_settlement.psn_no is 'The person.';
comment on column settlement.opening_settlement.institution is 'fixmedins_code.';
comment on column settlement.opening_settlement.earlier_no is 'setl_id of the system before.';
comment on column settlement.opening_settlement.fingerprint is
    'Digest of what the file said of it.';
comment on column settlement.opening_settlement.source is
    'Where it comes from, as the file says.';

-- Files of the cut-over are proposed by one person and confirmed by another; nothing is booked in
-- between.

create table settlement.cutover_file (
    proposed_at     timestamptz not null,
    confirmed_at    timestamptz,
    kind            text        not null,
    digest          text        not null,
    totals          text        not null,
    proposed_by     text        not null,
    confirmed_by    text,
    constraint cutover_file_pkey primary key (kind, digest),
    constraint cutover_file_has_two_people check (confirmed_by <> proposed_by),
    constraint cutover_file_confirmed_by_somebody
        check ((confirmed_at is null) = (confirmed_by is null))
);
comment on table settlement.cutover_file is 'Files of the cut-over, and who answers for them.';
comment on column settlement.cutover_file.proposed_at is 'When it was proposed.';
comment on column settlement.cutover_file.confirmed_at is 'When it was confirmed; null until then.';
comment on column settlement.cutover_file.kind is 'openings, payables, stays or settlements.';
comment on column settlement.cutover_file.digest is 'SHA-256 of the file, hexadecimal.';
comment on column settlement.cutover_file.totals is 'The totals that both people saw.';
comment on column settlement.cutover_file.proposed_by is 'Who proposed it.';
comment on column settlement.cutover_file.confirmed_by is 'Who confirmed it: somebody else.';

-- Imports over HTTP (ADR 0025): who may send files, and what became of each. A file itself waits
-- sealed in the data directory of the machine that received it; the importer there runs the job as
-- the schema's owner. The application only receives: it adds jobs and changes none.

create table settlement.import_key (
    issued_at       timestamptz not null,
    access_key      text        not null,
    operator        text        not null,
    kinds           text[]      not null,
    key_version     smallint    not null,
    secret          bytea       not null,
    constraint import_key_pkey primary key (access_key)
);
comment on table settlement.import_key is
    'What an operator of the agency signs imports with; no institution''s credential.';
comment on column settlement.import_key.issued_at is 'When it was issued.';
comment on column settlement.import_key.access_key is 'x-import-key.';
comment on column settlement.import_key.operator is 'Whose it is; the actor of the audit.';
comment on column settlement.import_key.kinds is 'What may be imported with it.';
comment on column settlement.import_key.key_version is 'Version of the key that encrypts it.';
comment on column settlement.import_key.secret is 'The secret, encrypted.';

create sequence settlement.import_job_no as bigint;
comment on sequence settlement.import_job_no is 'Numbers of jobs, drawn before the file arrives.';

create table settlement.import_job (
    job_no          bigint      not null,
    size_bytes      bigint      not null,
    rows_done       bigint      not null default 0,
    received_at     timestamptz not null,
    started_at      timestamptz,
    ended_at        timestamptz,
    ends_on         date        not null,
    attempts        smallint    not null default 0,
    preview         boolean     not null,
    whole           boolean     not null,
    skip_bad        boolean     not null,
    state           text        not null default 'waiting',
    kind            text        not null,
    digest          text        not null,
    file_name       text        not null,
    format          text        not null,
    confirms        text        not null default '',
    operator        text        not null,
    access_key      text        not null,
    reason          text        not null,
    result          text        not null default '',
    constraint import_job_pkey primary key (job_no),
    constraint import_job_state_known check
        (state in ('waiting', 'running', 'done', 'refused', 'failed'))
);
create unique index import_job_once on settlement.import_job (
    kind, digest, preview, whole, skip_bad, ends_on, operator, confirms
) where state in ('waiting', 'running');
comment on table settlement.import_job is
    'Files that were sent for import over HTTP. A file that waits or is being imported is one job, '
    'however often it is sent.';
comment on column settlement.import_job.job_no is 'Number of the job.';
comment on column settlement.import_job.size_bytes is 'Size of the file.';
comment on column settlement.import_job.rows_done is 'Rows read, then rows written.';
comment on column settlement.import_job.received_at is 'When the file was complete.';
comment on column settlement.import_job.started_at is 'When its import began, the last time.';
comment on column settlement.import_job.ended_at is 'When it ended.';
comment on column settlement.import_job.ends_on is
    'From which day what a whole file leaves out is no more.';
comment on column settlement.import_job.attempts is 'How often its import was begun.';
comment on column settlement.import_job.preview is 'Says what would change; writes nothing.';
comment on column settlement.import_job.whole is 'The file says everything.';
comment on column settlement.import_job.skip_bad is 'Rows at fault are left out.';
comment on column settlement.import_job.state is
    'waiting, running, done, refused (the file is at fault) or failed (we are).';
comment on column settlement.import_job.kind is 'persons, institutions, items and so on.';
comment on column settlement.import_job.digest is 'SHA-256 of the file, hexadecimal.';
comment on column settlement.import_job.file_name is 'As the sender calls it.';
comment on column settlement.import_job.format is 'csv, ndjson or xlsx.';
comment on column settlement.import_job.confirms is
    'Digest that a second person confirms; empty for all that needs none.';
comment on column settlement.import_job.operator is 'Who sent it.';
comment on column settlement.import_job.access_key is 'With which key.';
comment on column settlement.import_job.reason is 'Why, and the document.';
comment on column settlement.import_job.result is
    'JSON: counts, samples, faults by row (settlement/import_job.py, Result); empty until it ends.';

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
    'What became of a month with another region, step by step (settlement/regional_clearing.py). '
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
    'proposals, money in and back (settlement/regional_prepayment.py). Append-only.';
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
    side            smallint    not null,
    reversal        boolean     not null,
    region          text        not null,
    case_no         text        not null,
    class           text        not null,
    constraint region_difference_pkey
        primary key (lane, region, side, day, case_no, reversal, class),
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
comment on column settlement.region_difference.side is
    '1 we treated, 2 our people were treated there.';
comment on column settlement.region_difference.reversal is 'The row takes the case back.';
comment on column settlement.region_difference.region is 'The other region.';
comment on column settlement.region_difference.case_no is 'The case.';
comment on column settlement.region_difference.class is
    'settlement.regional_matching.Class, as only_ours.';

create table settlement.region_difference_end (
    ended_at        timestamptz not null,
    day             date        not null,
    lane            smallint    not null,
    side            smallint    not null,
    reversal        boolean     not null,
    region          text        not null,
    case_no         text        not null,
    class           text        not null,
    actor           text        not null,
    note            text        not null,
    constraint region_difference_end_pkey
        primary key (lane, region, side, day, case_no, reversal, class)
);
comment on table settlement.region_difference_end is
    'How a difference ended: by somebody, or because a later comparison did not find it any more. '
    'Append-only.';
comment on column settlement.region_difference_end.ended_at is 'When.';
comment on column settlement.region_difference_end.day is 'As of the difference.';
comment on column settlement.region_difference_end.lane is 'As of the difference.';
comment on column settlement.region_difference_end.side is 'As of the difference.';
comment on column settlement.region_difference_end.reversal is 'As of the difference.';
comment on column settlement.region_difference_end.region is 'As of the difference.';
comment on column settlement.region_difference_end.case_no is 'As of the difference.';
comment on column settlement.region_difference_end.class is 'As of the difference.';
comment on column settlement.region_difference_end.actor is 'Who ended it.';
comment on column settlement.region_difference_end.note is 'What was found out and done.';

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

-- Invoice numbers, for whoever looks for a settlement by one: written by the loop that lists
-- statements, in the same statement, so that the settle path pays for no index.

create table settlement.invoice_row (
    setl_id         bigint      not null,
    lane            smallint    not null,
    invoice_no      text        not null,
    constraint invoice_row_pkey primary key (lane, invoice_no, setl_id)
);
comment on table settlement.invoice_row is
    'Settlement rows by invoice number, as far as they are listed. Append-only; derived.';
comment on column settlement.invoice_row.setl_id is 'The settlement row.';
comment on column settlement.invoice_row.lane is 'Lane of the person.';
comment on column settlement.invoice_row.invoice_no is 'invono.';

-- The console (ADR 0037): who may sign in, who is signed in, whose password was tried in vain.
-- Nothing here is on the settle path. Passwords are argon2id; the key of the second factor is
-- ciphertext; of a session only the hash of its token is kept.

create table settlement.console_user (
    created_at      timestamptz not null,
    password_at     timestamptz not null,
    totp_step       bigint      not null default 0,
    totp_key_version smallint   not null default 0,
    must_change     boolean     not null,
    locked          boolean     not null default false,
    name            text        not null,
    display_name    text        not null,
    role            text        not null,
    institution     text,
    password_hash   text        not null,
    totp_key        bytea,
    constraint console_user_pkey primary key (name),
    constraint console_user_name_is_plain check (name ~ '^[a-z][a-z0-9._-]{1,31}$'),
    constraint console_user_role_known check
        (role in ('clerk', 'supervisor', 'auditor', 'operator', 'institution')),
    constraint console_user_institution_has_one check
        ((role = 'institution') = (institution is not null))
);
comment on table settlement.console_user is
    'Who may sign in at the console. Never deleted, only locked.';
comment on column settlement.console_user.created_at is 'Since when.';
comment on column settlement.console_user.password_at is 'When the password was set.';
comment on column settlement.console_user.totp_step is
    'The newest time step whose code was used: a code counts once.';
comment on column settlement.console_user.totp_key_version is
    'Version of the key that encrypts totp_key.';
comment on column settlement.console_user.must_change is
    'True until the user has chosen a password of their own.';
comment on column settlement.console_user.locked is 'True while nobody may sign in with it.';
comment on column settlement.console_user.name is 'Login name; the actor of the audit.';
comment on column settlement.console_user.display_name is 'As colleagues know them.';
comment on column settlement.console_user.role is
    'clerk, supervisor, auditor, operator or institution.';
comment on column settlement.console_user.institution is
    'The one institution whose cases an institution''s finance sees; null for all others.';
comment on column settlement.console_user.password_hash is 'argon2id, with its parameters.';
comment on column settlement.console_user.totp_key is
    'Key of the second factor, encrypted; null where there is none.';

create table settlement.console_attempt (
    blocked_until   timestamptz not null,
    failures        integer     not null,
    key             bytea       not null,
    constraint console_attempt_pkey primary key (key)
);
comment on table settlement.console_attempt is
    'Failed sign-ins by name, whether or not there is such a user. Gone with a success, or a day '
    'later.';
comment on column settlement.console_attempt.blocked_until is 'No attempt counts before.';
comment on column settlement.console_attempt.failures is 'In a row.';
comment on column settlement.console_attempt.key is 'Hash of the name that was typed.';

create table settlement.console_session (
    started_at      timestamptz not null,
    seen_at         timestamptz not null,
    draft_version   smallint    not null default 0,
    token_hash      bytea       not null,
    user_name       text        not null,
    address         text        not null,
    draft           bytea,
    constraint console_session_pkey primary key (token_hash)
);
create index console_session_by_user on settlement.console_session (user_name);
comment on table settlement.console_session is 'Who is signed in.';
comment on column settlement.console_session.started_at is 'When.';
comment on column settlement.console_session.seen_at is
    'When last heard of, to half a minute.';
comment on column settlement.console_session.draft_version is
    'Version of the key that encrypts the draft.';
comment on column settlement.console_session.token_hash is 'SHA-256 of what the cookie holds.';
comment on column settlement.console_session.user_name is 'Who.';
comment on column settlement.console_session.address is 'From where.';
comment on column settlement.console_session.draft is
    'What was typed into a form when the session before this one ended, encrypted.';

-- The audit's chain. A deferred trigger links a row when its transaction commits: the lock that
-- orders the chain is always the last one that a transaction takes, so it takes part in no deadlock
-- and is held for as long as a commit takes.

create table settlement.audit_link (
    link_no         bigint      not null,
    audit_id        bigint      not null,
    hash            bytea       not null,
    constraint audit_link_pkey primary key (link_no),
    constraint audit_link_once unique (audit_id),
    constraint audit_link_hash_is_sha256 check (octet_length(hash) = 32)
);
comment on table settlement.audit_link is
    'The chain over settlement.audit, in the order of the commits. Append-only; written by a '
    'trigger alone.';
comment on column settlement.audit_link.link_no is 'Gapless from 1.';
comment on column settlement.audit_link.audit_id is 'The row.';
comment on column settlement.audit_link.hash is 'sha256 over the hash before and the row.';

create function settlement.audit_hash(p_previous bytea, a settlement.audit) returns bytea
language sql stable parallel safe as $$
    -- 0x10 keeps a link apart from everything else that is hashed here (ledger/chain.py).
    select sha256(
        '\x10'::bytea || p_previous || convert_to(
            jsonb_build_array(
                a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.actor, a.action,
                a.subject, a.note, a.origin
            )::text,
            'UTF8'
        )
    )
$$;
comment on function settlement.audit_hash is 'The hash of a link: 32 bytes.';

create function settlement.link_audit() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
-- Raises a unique violation where the transaction reads an old snapshot: then it is tried again.
declare
    v_last settlement.audit_link;
begin
    perform pg_advisory_xact_lock(6190878, 10);
    select l.link_no, l.audit_id, l.hash
    into v_last
    from settlement.audit_link l
    order by l.link_no desc
    limit 1;
    insert into settlement.audit_link (link_no, audit_id, hash)
    values (
        coalesce(v_last.link_no, 0) + 1, new.audit_id,
        settlement.audit_hash(coalesce(v_last.hash, sha256(''::bytea)), new)
    );
    return null;
end;
$$;
comment on function settlement.link_audit() is 'Adds a row of the audit to its chain, at commit.';

create constraint trigger audit_is_linked after insert on settlement.audit
    deferrable initially deferred
    for each row execute function settlement.link_audit();
