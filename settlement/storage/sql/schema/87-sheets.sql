-- Settlement sheets (结算单): every print is a row, so that a reader sees which one they hold and the
-- office how often one was printed. The sheet itself is made anew from the settlement each time and
-- kept nowhere (ADR 0043). Never on the settle path.

create table settlement.sheet_print (
    setl_id         bigint      not null,
    printed_at      timestamptz not null,
    print_no        integer     not null,
    lane            smallint    not null,
    printed_by      text        not null,
    place           text        not null,
    constraint sheet_print_pkey primary key (lane, setl_id, print_no),
    constraint sheet_print_is_counted_from_one check (print_no >= 1),
    constraint sheet_print_says_who_and_where check (printed_by <> '' and place <> '')
);
comment on table settlement.sheet_print is
    'Prints of settlement sheets (结算单). Append-only; the second and every later one of a '
    'settlement is a reprint (补打).';
comment on column settlement.sheet_print.setl_id is 'The settlement row that the sheet is of.';
comment on column settlement.sheet_print.printed_at is 'When.';
comment on column settlement.sheet_print.print_no is 'Counted from 1 for each settlement row.';
comment on column settlement.sheet_print.lane is 'Its lane.';
comment on column settlement.sheet_print.printed_by is
    'Who: the login name at the console, or who gave the command.';
comment on column settlement.sheet_print.place is
    'Where: the address of the browser or terminal, or `command`.';
