-- Bills (账单): what payment channels say of a day, row by row, as it came. A row lies in the lane
-- that our order number carries, so that it is held against our own rows without leaving the lane;
-- a row whose order number is none of ours lies in the lane of the merchant number. Nothing is
-- edited: a corrected bill is another file, which replaces the one before.

create table settlement.bill_row (
    file_no         bigint      not null,
    amount_fen      bigint      not null,
    fee_fen         bigint      not null,
    at              timestamp   not null,
    bill_day        date        not null,
    row_no          integer     not null,
    lane            smallint    not null,
    kind            smallint    not null,
    channel         text        not null,
    merchant        text        not null,
    order_no        text        not null,
    refund_no       text        not null,
    channel_no      text        not null,
    channel_refund_no text      not null,
    status          text        not null,
    constraint bill_row_pkey primary key (lane, file_no, row_no),
    constraint bill_row_kind_known check (kind in (1, 2))
);
comment on table settlement.bill_row is
    'A payment or a refund, as a channel''s bill has it. Append-only.';
comment on column settlement.bill_row.file_no is 'The file that it came in.';
comment on column settlement.bill_row.amount_fen is 'What was paid or given back; never negative.';
comment on column settlement.bill_row.fee_fen is
    'What the channel keeps of it; negative where it gives a fee back.';
comment on column settlement.bill_row.at is 'When, by the channel''s clock (China).';
comment on column settlement.bill_row.bill_day is 'Of which day the bill is.';
comment on column settlement.bill_row.row_no is 'Line in the file, from 1.';
comment on column settlement.bill_row.lane is
    'Lane of our order number, or of the merchant number where it is none of ours.';
comment on column settlement.bill_row.kind is '1 payment, 2 refund.';
comment on column settlement.bill_row.channel is 'wechat, alipay, unionpay, onecode.';
comment on column settlement.bill_row.merchant is 'Whose bill it is, by the channel''s number.';
comment on column settlement.bill_row.order_no is 'Our number of the payment; empty where none.';
comment on column settlement.bill_row.refund_no is 'Our number of the refund; empty of a payment.';
comment on column settlement.bill_row.channel_no is 'The channel''s number of the payment.';
comment on column settlement.bill_row.channel_refund_no is
    'The channel''s number of the refund; empty of a payment, or where there is none.';
comment on column settlement.bill_row.status is
    'What the channel calls its state, as it came; at WeChat a refund''s own state behind a slash.';

create table settlement.bill_file (
    file_no         bigint      not null,
    received_at     timestamptz not null,
    size_bytes      bigint      not null default 0,
    paid_fen        bigint      not null default 0,
    refunded_fen    bigint      not null default 0,
    fee_fen         bigint      not null default 0,
    in_fen          bigint      not null default 0,
    out_fen         bigint      not null default 0,
    bill_day        date        not null,
    paid_rows       integer     not null default 0,
    refund_rows     integer     not null default 0,
    moved_rows      integer     not null default 0,
    faults          integer     not null default 0,
    lane            smallint    not null,
    fetched         boolean     not null default false,
    channel         text        not null,
    merchant        text        not null,
    kind            text        not null,
    name            text        not null default '',
    fee_told        text        not null default '',
    actor           text        not null default '',
    sha256          bytea       not null,
    constraint bill_file_pkey primary key (lane, file_no),
    constraint bill_file_came_once unique (lane, channel, merchant, kind, bill_day, sha256),
    constraint bill_file_kind_known check (kind in ('trade', 'funds'))
);
create index bill_file_by_day on settlement.bill_file (bill_day);
comment on table settlement.bill_file is
    'A bill that was received, whole and proven against its own summary. Append-only: written last,'
    ' and rows of a file that is not here are no rows.';
comment on column settlement.bill_file.file_no is 'Our number of it.';
comment on column settlement.bill_file.received_at is 'When it was received.';
comment on column settlement.bill_file.size_bytes is 'Length of the file as it came.';
comment on column settlement.bill_file.paid_fen is 'Sum of its payments.';
comment on column settlement.bill_file.refunded_fen is 'Sum of its refunds.';
comment on column settlement.bill_file.fee_fen is 'Sum of its fees, each in whole fen.';
comment on column settlement.bill_file.in_fen is 'What came into the account at the channel.';
comment on column settlement.bill_file.out_fen is 'What went out of it.';
comment on column settlement.bill_file.bill_day is 'Of which day it is.';
comment on column settlement.bill_file.paid_rows is 'How many payments.';
comment on column settlement.bill_file.refund_rows is 'How many refunds.';
comment on column settlement.bill_file.moved_rows is 'How many movements of the account.';
comment on column settlement.bill_file.faults is 'How many rows could not be read.';
comment on column settlement.bill_file.lane is 'Lane of the merchant number.';
comment on column settlement.bill_file.fetched is 'Fetched from the channel, not given by hand.';
comment on column settlement.bill_file.channel is 'wechat, alipay, unionpay.';
comment on column settlement.bill_file.merchant is 'Whose it is, by the channel''s number.';
comment on column settlement.bill_file.kind is
    'trade: payments and refunds. funds: movements of the account, adjustments.';
comment on column settlement.bill_file.name is 'The file''s name, where it had one.';
comment on column settlement.bill_file.fee_told is
    'The channel''s own sum of fees, as it came: it is rounded in the channel''s way.';
comment on column settlement.bill_file.actor is 'Who ordered it.';
comment on column settlement.bill_file.sha256 is 'Hash of the file as it came.';

create table settlement.bill_replaced (
    file_no         bigint      not null,
    replaced_by     bigint      not null,
    lane            smallint    not null,
    constraint bill_replaced_pkey primary key (lane, file_no)
);
comment on table settlement.bill_replaced is
    'A corrected bill of the same channel, merchant, kind and day took the place of another.';
comment on column settlement.bill_replaced.file_no is 'The file that no longer counts.';
comment on column settlement.bill_replaced.replaced_by is 'The one that counts instead.';
comment on column settlement.bill_replaced.lane is 'Lane of the merchant number.';

create table settlement.bill_content (
    piece_no        integer     not null,
    lane            smallint    not null,
    packed          boolean     not null,
    sha256          bytea       not null,
    content         bytea       not null,
    constraint bill_content_pkey primary key (lane, sha256, piece_no)
);
alter table settlement.bill_content alter column content set storage external;
comment on table settlement.bill_content is
    'The bytes of a bill as they came, in pieces. A ZIP with two files is kept once.';
comment on column settlement.bill_content.piece_no is 'From 0.';
comment on column settlement.bill_content.lane is 'Lane of the merchant number.';
comment on column settlement.bill_content.packed is 'The piece is a zlib stream of its bytes.';
comment on column settlement.bill_content.sha256 is 'Hash of the whole file.';
comment on column settlement.bill_content.content is 'The bytes.';

create table settlement.bill_fault (
    file_no         bigint      not null,
    row_no          integer     not null,
    fault_no        integer     not null,
    lane            smallint    not null,
    place           text        not null,
    reason          text        not null,
    constraint bill_fault_pkey primary key (lane, file_no, fault_no)
);
comment on table settlement.bill_fault is 'A row of a bill that could not be read, and why.';
comment on column settlement.bill_fault.file_no is 'The file.';
comment on column settlement.bill_fault.row_no is 'Line in the file, from 1.';
comment on column settlement.bill_fault.fault_no is 'From 1.';
comment on column settlement.bill_fault.lane is 'Lane of the merchant number.';
comment on column settlement.bill_fault.place is 'The column; empty where it is the whole row.';
comment on column settlement.bill_fault.reason is 'What is wrong with it.';

create table settlement.bill_movement (
    file_no         bigint      not null,
    amount_fen      bigint      not null,
    balance_fen     bigint,
    at              timestamp   not null,
    bill_day        date        not null,
    row_no          integer     not null,
    lane            smallint    not null,
    why             smallint    not null,
    direction       smallint    not null,
    channel         text        not null,
    merchant        text        not null,
    flow_no         text        not null,
    business_no     text        not null,
    order_no        text        not null,
    said            text        not null,
    constraint bill_movement_pkey primary key (lane, file_no, row_no),
    constraint bill_movement_why_known check (why in (1, 2, 3, 4, 5, 9)),
    constraint bill_movement_direction_known check (direction in (-1, 0, 1)),
    constraint bill_movement_is_a_size check (amount_fen >= 0)
);
comment on table settlement.bill_movement is
    'Money that moved on a merchant''s account at its channel, as a fund-flow bill has it, or an'
    ' adjustment of UnionPay (ZME). Append-only.';
comment on column settlement.bill_movement.file_no is 'The file that it came in.';
comment on column settlement.bill_movement.amount_fen is 'How much; never negative.';
comment on column settlement.bill_movement.balance_fen is
    'Of the account afterwards; null where the file does not say.';
comment on column settlement.bill_movement.at is 'When, by the channel''s clock (China).';
comment on column settlement.bill_movement.bill_day is 'Of which day the bill is.';
comment on column settlement.bill_movement.row_no is 'Line in the file, from 1.';
comment on column settlement.bill_movement.lane is
    'Lane of our number, or of the merchant number where it is none of ours.';
comment on column settlement.bill_movement.why is
    '1 payment, 2 refund, 3 fee, 4 to or from the bank, 5 adjustment, 9 other.';
comment on column settlement.bill_movement.direction is
    '1 in, -1 out, 0 where the file does not say (ZME): amount times direction is what moved.';
comment on column settlement.bill_movement.channel is 'wechat, alipay, unionpay.';
comment on column settlement.bill_movement.merchant is 'Whose account, by the channel''s number.';
comment on column settlement.bill_movement.flow_no is 'The channel''s number of the movement.';
comment on column settlement.bill_movement.business_no is
    'The channel''s number of the payment or refund that it belongs to.';
comment on column settlement.bill_movement.order_no is
    'Our number in it, of a payment or of a refund; empty where none.';
comment on column settlement.bill_movement.said is 'The channel''s word for it, as it came.';

create table settlement.bill_begun (
    file_no         bigint      not null,
    begun_at        timestamptz not null,
    lane            smallint    not null,
    constraint bill_begun_pkey primary key (lane, file_no)
);
comment on table settlement.bill_begun is
    'An import under way. What is left here when none is was cut off: the next one removes it.';
comment on column settlement.bill_begun.file_no is 'The file whose rows are being written.';
comment on column settlement.bill_begun.begun_at is 'When.';
comment on column settlement.bill_begun.lane is 'Lane of the merchant number.';

create table settlement.bill_asked (
    asked_at        timestamptz not null,
    bill_day        date        not null,
    lane            smallint    not null,
    channel         text        not null,
    merchant        text        not null,
    kind            text        not null,
    said            text        not null,
    constraint bill_asked_pkey primary key (lane, channel, merchant, bill_day, kind, asked_at)
);
comment on table settlement.bill_asked is
    'A channel was asked for a bill and gave none, or none that could be taken. Append-only.';
comment on column settlement.bill_asked.asked_at is 'When.';
comment on column settlement.bill_asked.bill_day is 'For which day.';
comment on column settlement.bill_asked.lane is 'Lane of the merchant number.';
comment on column settlement.bill_asked.channel is 'Which channel.';
comment on column settlement.bill_asked.merchant is 'For which merchant.';
comment on column settlement.bill_asked.kind is 'trade or funds.';
comment on column settlement.bill_asked.said is 'What came of it.';

create view settlement.bill_file_in_force as
    select f.lane, f.file_no, f.channel, f.merchant, f.kind, f.bill_day
    from settlement.bill_file f
    where not exists (
        select 1 from settlement.bill_replaced p where p.lane = f.lane and p.file_no = f.file_no
    );
comment on view settlement.bill_file_in_force is 'Bills that no corrected one has replaced.';

create view settlement.bill_row_in_force as
    select r.lane, r.file_no, r.row_no, r.bill_day, r.channel, r.merchant, r.kind, r.at,
           r.order_no, r.refund_no, r.channel_no, r.channel_refund_no, r.status, r.amount_fen,
           r.fee_fen
    from settlement.bill_row r
    join settlement.bill_file_in_force f on f.file_no = r.file_no;
comment on view settlement.bill_row_in_force is
    'Payments and refunds of the bills that count. A row lies in another lane than its file.';

create view settlement.bill_movement_in_force as
    select m.lane, m.file_no, m.row_no, m.bill_day, m.channel, m.merchant, m.at, m.why,
           m.direction, m.amount_fen, m.balance_fen, m.flow_no, m.business_no, m.order_no, m.said
    from settlement.bill_movement m
    join settlement.bill_file_in_force f on f.file_no = m.file_no;
comment on view settlement.bill_movement_in_force is 'Movements of the bills that count.';

create table settlement.institution_row (
    file_no         bigint      not null,
    total_fen       bigint      not null,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    row_no          integer     not null,
    lane            smallint    not null,
    refund          boolean     not null,
    setl_id         text        not null,
    constraint institution_row_pkey primary key (lane, file_no, row_no)
);
create index institution_row_by_number on settlement.institution_row (lane, setl_id);
comment on table settlement.institution_row is
    'A settlement or a cancel, as an institution''s own file has it (机构对账文件). Append-only.';
comment on column settlement.institution_row.file_no is 'The file that it came in.';
comment on column settlement.institution_row.total_fen is 'Its medfee_sumamt, fen, signed.';
comment on column settlement.institution_row.fund_fen is 'Its fund_pay_sumamt.';
comment on column settlement.institution_row.account_fen is 'Its acct_pay.';
comment on column settlement.institution_row.row_no is 'Line in the file, from 1.';
comment on column settlement.institution_row.lane is
    'Lane that the number carries, or of the institution where it is none of ours.';
comment on column settlement.institution_row.refund is 'Marked as a refund (refd_setl_flag 1).';
comment on column settlement.institution_row.setl_id is 'The number, as it came.';

create table settlement.institution_file (
    file_no         bigint      not null,
    received_at     timestamptz not null,
    size_bytes      bigint      not null,
    total_fen       bigint      not null,
    fund_fen        bigint      not null,
    account_fen     bigint      not null,
    begins_on       date        not null,
    ends_on         date        not null,
    rows            integer     not null,
    faults          integer     not null,
    lane            smallint    not null,
    institution     text        not null,
    form            text        not null,
    name            text        not null,
    actor           text        not null,
    sha256          bytea       not null,
    constraint institution_file_pkey primary key (lane, file_no),
    constraint institution_file_came_once
        unique (lane, institution, begins_on, ends_on, sha256),
    constraint institution_file_is_a_period check (begins_on <= ends_on)
);
comment on table settlement.institution_file is
    'What an institution says that it settled on some days, whole and proven. Append-only: written'
    ' last, and rows of a file that is not here are no rows. What replaced it, its bytes and its'
    ' faults are those of bills.';
comment on column settlement.institution_file.file_no is 'Our number of it.';
comment on column settlement.institution_file.received_at is 'When it was received.';
comment on column settlement.institution_file.size_bytes is 'Length of the file as it came.';
comment on column settlement.institution_file.total_fen is 'Sum of medfee_sumamt.';
comment on column settlement.institution_file.fund_fen is 'Sum of fund_pay_sumamt.';
comment on column settlement.institution_file.account_fen is 'Sum of acct_pay.';
comment on column settlement.institution_file.begins_on is 'The first day that it is of.';
comment on column settlement.institution_file.ends_on is 'The last one.';
comment on column settlement.institution_file.rows is 'How many rows could be read.';
comment on column settlement.institution_file.faults is 'How many could not.';
comment on column settlement.institution_file.lane is 'Lane of the institution.';
comment on column settlement.institution_file.institution is 'fixmedins_code.';
comment on column settlement.institution_file.form is '3202, csv or xlsx.';
comment on column settlement.institution_file.name is 'The file''s name.';
comment on column settlement.institution_file.actor is 'Who had it taken.';
comment on column settlement.institution_file.sha256 is 'Hash of the file as it came.';
