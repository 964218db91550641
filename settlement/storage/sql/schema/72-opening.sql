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
