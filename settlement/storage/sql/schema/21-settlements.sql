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
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
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
) partition by range (setl_id);
-- Ciphertext does not get smaller, so nobody tries.
alter table settlement.settlement_detail alter column payload set storage external;
comment on table settlement.settlement_detail is
    'What was bought or done, line by line: encrypted, erasable without breaking the chain. A '
    'partition for each year of the numbers (settlement.keep_partitions); of an archived year '
    'there is none any more.';
comment on column settlement.settlement_detail.setl_id is
    'The settlement; its number begins with the year.';
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
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
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
    'Short hashes of the parts of its input (protocol/nhsa/canonical.py). Of a tombstone that '
    'another region set by what was refused: why, sealed (settlement/usecases/home_tombstones.py).';

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
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
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
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
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
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
create unique index family_move_by_entry on settlement.family_move (lane, entry_id);
create index family_move_by_account on settlement.family_move (lane, account)
    where kind = 1;
create index family_move_by_person on settlement.family_move (lane, psn_no, moved_at);
create index family_move_by_time on settlement.family_move (moved_at) where kind in (2, 4);
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
