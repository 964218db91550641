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
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
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
    business_day    date        not null,
    lane            smallint    not null,
    kind            smallint    not null,
    institution     text        not null,
    scheme          text        not null,
    clearing_type   text        not null,
    constraint statement_row_pkey primary key (lane, institution, setl_on, setl_id)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
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
comment on column settlement.statement_row.business_day is
    'Its business day: which rows no closed day has is told without looking them up.';
comment on column settlement.statement_row.lane is 'Lane of the person.';
comment on column settlement.statement_row.kind is '1 settlement, 2 cancel, 3 reversal.';
comment on column settlement.statement_row.institution is 'fixmedins_code.';
comment on column settlement.statement_row.scheme is 'insutype.';
comment on column settlement.statement_row.clearing_type is 'clr_type.';

create view settlement.statement_booked as
select s.institution, s.setl_on, s.business_day, s.scheme, s.clearing_type, s.kind, s.lane,
       s.setl_id, s.total_fen, s.fund_fen, s.account_fen, s.cash_fen
from (select distinct l.lane from ledger.lane l) as l
join settlement.statement_row s on s.lane = l.lane
union all
select t.institution, (t.setl_time at time zone interval '+08:00')::date, t.business_day, t.scheme,
       t.clearing_type, t.kind, t.lane, t.setl_id, t.total_fen, t.fund_fen, t.account_fen,
       t.cash_fen
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
    select t.institution, t.setl_time, t.business_day, t.scheme, t.clearing_type, t.kind, t.lane,
           t.setl_id, t.total_fen, t.fund_fen, t.account_fen, t.cash_fen
    from settlement.settlement t
    where t.lane = e.lane and t.setl_id = e.entry_id
    offset 0
) as t;
comment on view settlement.statement_booked is
    'Every settlement row by institution and day, listed or not. Exact in any snapshot. Visits all '
    'lanes.';

create view settlement.statement as
select r.institution, r.setl_on, r.scheme, r.clearing_type, r.kind, r.lane, r.setl_id,
       r.total_fen, r.fund_fen, r.account_fen, r.cash_fen, u.kind as undone_kind
from settlement.statement_booked r
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
