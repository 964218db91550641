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
    off_site        boolean     not null default true,
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
comment on column settlement.institution.off_site is
    'Whether it is approved for people insured in other regions (异地就医直接结算).';
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
