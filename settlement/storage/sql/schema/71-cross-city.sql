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
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
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
