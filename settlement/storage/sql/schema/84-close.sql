-- Closing (月结, ADR 0041). A closed business day has a row a journal that says where its blocks lie
-- (`day_end`), so that sums as they were at any moment are a fold and a few blocks. Seals (封存)
-- are Merkle roots of what an institution settled in a day or month; what becomes of a month is a
-- list of steps. What a day came to is kept with its seals (ADR 0049), so that a month is summed
-- from its days. Nothing is ever changed. Days are closed by the background process, months by
-- people.

create table settlement.day_end (
    after_block     bigint      not null,
    through_block   bigint      not null,
    last_block      bigint      not null,
    booked_from     timestamptz not null,
    booked_through  timestamptz not null,
    business_day    date        not null,
    journal         smallint    not null,
    constraint day_end_pkey primary key (journal, business_day),
    constraint day_end_in_order check (after_block <= through_block and after_block <= last_block)
);
comment on table settlement.day_end is
    'Where the blocks of a closed business day lie in a journal: behind `after_block`, up to '
    '`last_block`. Around midnight two days may take turns, so a block also says its day itself.';
comment on column settlement.day_end.after_block is
    'All blocks up to this one are of earlier days.';
comment on column settlement.day_end.through_block is
    'The last block before the first of a later day: all up to it are of this day or before. Sums '
    'are folded here.';
comment on column settlement.day_end.last_block is 'The last block of the day with an entry.';
comment on column settlement.day_end.booked_from is
    'When its first entry was booked; infinity where it has none.';
comment on column settlement.day_end.booked_through is
    'When the newest of all entries up to `through_block` was booked.';
comment on column settlement.day_end.business_day is 'The business day.';
comment on column settlement.day_end.journal is 'The journal.';

create table settlement.day_total (
    row_count       bigint      not null,
    total_fen       bigint      not null,
    full_self_pay_fen bigint not null,
    over_ceiling_fen bigint not null,
    pre_self_pay_fen bigint not null,
    in_scope_fen    bigint      not null,
    deductible_fen  bigint      not null,
    hifp_fen        bigint      not null,
    cvlserv_fen     bigint      not null,
    hifes_fen       bigint      not null,
    hifmi_fen       bigint      not null,
    hifob_fen       bigint      not null,
    maf_fen         bigint      not null,
    hifdm_fen       bigint      not null,
    oth_fen         bigint      not null,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    family_account_fen bigint not null,
    cash_fen        bigint      not null,
    hospital_fen    bigint      not null,
    business_day    date        not null,
    setl_on         date        not null,
    lane            smallint    not null,
    kind            smallint    not null,
    institution     text        not null,
    scheme          text        not null,
    clearing_type   text        not null,
    category        text        not null,
    care_type       text        not null,
    persons         bigint[]    not null,
    constraint day_total_pkey primary key (lane, institution, setl_on, business_day, kind, scheme,
        clearing_type, category, care_type),
    constraint day_total_counts_persons check (row_count = cardinality(persons))
);
create index day_total_by_day on settlement.day_total (business_day);
comment on table settlement.day_total is
    'What an institution settled on a business day, by what its rows have in common (日汇总). Kept '
    'with the seals of the day; append-only. Derived: `verify` holds it against the settlements.';
comment on column settlement.day_total.row_count is 'How many rows.';
comment on column settlement.day_total.total_fen is 'Sum of medfee_sumamt, fen; so are the others.';
comment on column settlement.day_total.full_self_pay_fen is 'Sum of fulamt_ownpay_amt.';
comment on column settlement.day_total.over_ceiling_fen is 'Sum of overlmt_selfpay.';
comment on column settlement.day_total.pre_self_pay_fen is 'Sum of preselfpay_amt.';
comment on column settlement.day_total.in_scope_fen is 'Sum of inscp_scp_amt.';
comment on column settlement.day_total.deductible_fen is 'Sum of act_pay_dedc.';
comment on column settlement.day_total.hifp_fen is 'Sum of hifp_pay.';
comment on column settlement.day_total.cvlserv_fen is 'Sum of cvlserv_pay.';
comment on column settlement.day_total.hifes_fen is 'Sum of hifes_pay.';
comment on column settlement.day_total.hifmi_fen is 'Sum of hifmi_pay.';
comment on column settlement.day_total.hifob_fen is 'Sum of hifob_pay.';
comment on column settlement.day_total.maf_fen is 'Sum of maf_pay.';
comment on column settlement.day_total.hifdm_fen is 'Sum of hifdm_pay.';
comment on column settlement.day_total.oth_fen is 'Sum of oth_pay.';
comment on column settlement.day_total.fund_fen is 'Sum of fund_pay_sumamt.';
comment on column settlement.day_total.account_fen is 'Sum of acct_pay, with the family part.';
comment on column settlement.day_total.family_account_fen is 'Sum of acct_mulaid_pay.';
comment on column settlement.day_total.cash_fen is 'Sum of psn_cash_pay.';
comment on column settlement.day_total.hospital_fen is 'Sum of hosp_part_amt.';
comment on column settlement.day_total.business_day is 'The business day that was closed.';
comment on column settlement.day_total.setl_on is
    'Local day of setl_time; of a reversal, that of what it takes back.';
comment on column settlement.day_total.lane is 'Lane of the institution''s code.';
comment on column settlement.day_total.kind is '1 settlement, 2 cancel, 3 reversal.';
comment on column settlement.day_total.institution is 'fixmedins_code.';
comment on column settlement.day_total.scheme is 'insutype.';
comment on column settlement.day_total.clearing_type is 'clr_type.';
comment on column settlement.day_total.category is 'psn_type.';
comment on column settlement.day_total.care_type is 'med_type.';
comment on column settlement.day_total.persons is
    'Of each row, by number: settlement.person_hash, so that persons are counted once a month.';

create table settlement.day_leaves (
    business_day    date        not null,
    lane            smallint    not null,
    institution     text        not null,
    numbers         bigint[]    not null,
    leaves          bytea       not null,
    constraint day_leaves_pkey primary key (lane, institution, business_day),
    constraint day_leaves_are_sha256 check (octet_length(leaves) = 32 * cardinality(numbers))
);
alter table settlement.day_leaves alter column leaves set storage external;
create index day_leaves_by_day on settlement.day_leaves (business_day);
comment on table settlement.day_leaves is
    'The leaves under the seal of a day, so that a month is sealed without reading it again: they '
    'are held against the roots of the days. Append-only.';
comment on column settlement.day_leaves.business_day is 'The business day.';
comment on column settlement.day_leaves.lane is 'Lane of the institution''s code.';
comment on column settlement.day_leaves.institution is 'fixmedins_code.';
comment on column settlement.day_leaves.numbers is 'Settlement numbers, in order.';
comment on column settlement.day_leaves.leaves is 'Their leaves, one behind the other.';

create function settlement.person_hash(p_psn_no text) returns bigint
language sql immutable strict as $$
    -- Eight bytes that stand for a person where persons are counted: the first of the sha256.
    select (
        'x' || encode(substr(sha256(convert_to(p_psn_no, 'UTF8')), 1, 8), 'hex')
    )::bit(64)::bigint
$$;
comment on function settlement.person_hash(text) is 'What stands for a person in day totals.';

create table settlement.seal (
    settlements     integer     not null,
    begins_on       date        not null,
    ends_on         date        not null,
    lane            smallint    not null,
    institution     text        not null,
    root            bytea       not null,
    signature       bytea       not null,
    constraint seal_pkey primary key (lane, institution, begins_on, ends_on),
    constraint seal_root_is_sha256 check (octet_length(root) = 32),
    constraint seal_of_something check (settlements > 0 and ends_on >= begins_on)
);
comment on table settlement.seal is
    'Seals (封存): the Merkle root of what an institution settled in a day or month. Append-only.';
comment on column settlement.seal.settlements is 'How many rows are under the root.';
comment on column settlement.seal.begins_on is 'First business day.';
comment on column settlement.seal.ends_on is 'Last business day.';
comment on column settlement.seal.lane is 'Lane of the institution''s code.';
comment on column settlement.seal.institution is 'The institution.';
comment on column settlement.seal.root is 'RFC 6962 root over the leaves, by settlement number.';
comment on column settlement.seal.signature is
    'Signature of the seal (settlement/books/sealing.py); empty where there was no key.';

create table settlement.seal_list (
    sealed_at       timestamptz not null,
    begins_on       date        not null,
    ends_on         date        not null,
    institutions    integer     not null,
    settlements     integer     not null,
    lane            smallint    not null,
    algorithm       text        not null,
    public_key      text        not null,
    digest          bytea       not null,
    constraint seal_list_pkey primary key (lane, begins_on, ends_on),
    constraint seal_list_digest_is_sha256 check (octet_length(digest) = 32)
);
comment on table settlement.seal_list is
    'All seals of a day or month together: none can be left out or added later. Append-only.';
comment on column settlement.seal_list.sealed_at is 'When they were made.';
comment on column settlement.seal_list.begins_on is 'First business day.';
comment on column settlement.seal_list.ends_on is 'Last business day.';
comment on column settlement.seal_list.institutions is 'How many seals there are.';
comment on column settlement.seal_list.settlements is 'How many rows are under them.';
comment on column settlement.seal_list.lane is 'Lane of the region''s code.';
comment on column settlement.seal_list.algorithm is
    'ed25519 or sm2; empty where they are not signed.';
comment on column settlement.seal_list.public_key is 'Of who signed, hex; empty where nobody did.';
comment on column settlement.seal_list.digest is
    'sha256 over all seals, by code of the institution.';

create table settlement.month_step (
    recorded_at     timestamptz not null,
    month           date        not null,
    step_no         integer     not null,
    lane            smallint    not null,
    act             smallint    not null,
    actor           text        not null,
    reason          text        not null,
    reference       text        not null,
    constraint month_step_pkey primary key (lane, month, step_no),
    constraint month_step_known check (act between 1 and 5),
    constraint month_step_of_a_month check (month = date_trunc('month', month)::date)
);
comment on table settlement.month_step is
    'What became of a month, step by step (settlement/books/month_states.py). Append-only.';
comment on column settlement.month_step.recorded_at is 'When.';
comment on column settlement.month_step.month is 'First day of the month.';
comment on column settlement.month_step.step_no is 'From 1 in each month.';
comment on column settlement.month_step.lane is 'Lane of the region''s code.';
comment on column settlement.month_step.act is
    'settlement.month_states.Act: 1 begun, 2 verified, 3 proposed, 4 closed, 5 sealed.';
comment on column settlement.month_step.actor is 'Who.';
comment on column settlement.month_step.reason is 'Why.';
comment on column settlement.month_step.reference is
    'sha256 of the closing report (3, 4), of the list of seals (5); how much was verified (2).';
