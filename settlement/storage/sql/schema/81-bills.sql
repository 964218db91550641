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
comment on column settlement.bill_row.status is 'What the channel calls its state, as it came.';

create table settlement.bill_file (
    file_no         bigint      not null,
    received_at     timestamptz not null,
    bill_day        date        not null,
    lane            smallint    not null,
    channel         text        not null,
    merchant        text        not null,
    kind            text        not null,
    sha256          bytea       not null,
    constraint bill_file_pkey primary key (lane, file_no),
    constraint bill_file_kind_known check (kind in ('trade', 'funds'))
);
comment on table settlement.bill_file is 'A file of a channel, as it was received. Append-only.';
comment on column settlement.bill_file.file_no is 'Issued by us.';
comment on column settlement.bill_file.received_at is 'When.';
comment on column settlement.bill_file.bill_day is 'Of which day.';
comment on column settlement.bill_file.lane is 'Lane of the merchant number.';
comment on column settlement.bill_file.channel is 'wechat, alipay, unionpay, onecode.';
comment on column settlement.bill_file.merchant is 'Whose, by the channel''s number.';
comment on column settlement.bill_file.kind is 'trade: payments and refunds; funds: its account.';
comment on column settlement.bill_file.sha256 is 'Of the bytes as they came.';

create table settlement.bill_replaced (
    file_no         bigint      not null,
    replaced_by     bigint      not null,
    lane            smallint    not null,
    constraint bill_replaced_pkey primary key (lane, file_no)
);
comment on table settlement.bill_replaced is
    'A file that a later one of the same channel, merchant, kind and day took the place of.';
comment on column settlement.bill_replaced.file_no is 'It does not count any more.';
comment on column settlement.bill_replaced.replaced_by is 'This one does.';
comment on column settlement.bill_replaced.lane is 'Lane of the merchant number.';

create view settlement.bill_row_in_force as
select b.lane, b.file_no, b.row_no, b.bill_day, b.channel, b.merchant, b.kind, b.order_no,
       b.refund_no, b.channel_no, b.channel_refund_no, b.amount_fen, b.fee_fen, b.status, b.at
from settlement.bill_row b
where not exists (
    select 1 from settlement.bill_replaced r where r.file_no = b.file_no
);
comment on view settlement.bill_row_in_force is 'Rows of the files that nothing replaced.';
