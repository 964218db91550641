-- Partitions by year, and what was archived (ADR 0062). The sealed details of settlements lie in
-- one partition for each year of the numbers that we issue (settlement/numbers.py: year and month
-- lead), because they are what a settlement leaves behind that is large and is not the books. A
-- closed year goes to Parquet files, is read back and held against the rows, and its partition is
-- dropped in the transaction that writes it down here. Entries, settlement rows and every key stay.

create table settlement.archived_year (
    archived_at     timestamptz not null,
    settlements     bigint      not null,
    details         bigint      not null,
    year            smallint    not null,
    key_versions    smallint[]  not null,
    manifest        bytea       not null,
    actor           text        not null,
    reason          text        not null,
    constraint archived_year_pkey primary key (year),
    constraint archived_year_manifest_is_sha256 check (octet_length(manifest) = 32)
);
comment on table settlement.archived_year is
    'Years whose details were archived (归档年度). Append-only, by the owner; each has its row in the '
    'audit, to which `verify` holds it.';
comment on column settlement.archived_year.archived_at is 'When.';
comment on column settlement.archived_year.settlements is 'How many settlement rows it holds.';
comment on column settlement.archived_year.details is
    'How many of them with their detail; of the others it was erased, or there never was any.';
comment on column settlement.archived_year.year is 'The year of the numbers, as 2026.';
comment on column settlement.archived_year.key_versions is
    'Keys that the details are sealed with: whoever wants to read them keeps these.';
comment on column settlement.archived_year.manifest is
    'sha256 of manifest.json, which has the hash of every file.';
comment on column settlement.archived_year.actor is 'Who.';
comment on column settlement.archived_year.reason is 'Why, and the number of the file.';

create function settlement.partition_of(p_year integer) returns text
language sql immutable as $$
    -- The name of the partition that holds the details of a year.
    select 'settlement_detail_' || p_year;
$$;
comment on function settlement.partition_of(integer) is 'Name of a year''s partition.';

create function settlement.keep_partitions(p_first integer, p_last integer) returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
-- Makes the partitions of these years that are missing; how many. It runs with its owner's rights,
-- for the application owns nothing; all it can make are empty partitions. A table is made first and
-- attached then: that lets others write meanwhile, as making a partition at once does not. A number
-- holds two digits of its year and is a bigint, so years end before 2092.
declare
    v_made integer := 0;
begin
    if p_first < 2000 or p_last > 2091 or p_last - p_first > 10 then
        raise exception 'no partitions for the years % to %', p_first, p_last
            using errcode = 'MS002';
    end if;
    for v_year in p_first .. p_last loop
        continue when to_regclass('settlement.' || settlement.partition_of(v_year)) is not null;
        -- One at a time; who waited here looks again.
        lock table only settlement.settlement_detail in share update exclusive mode;
        continue when to_regclass('settlement.' || settlement.partition_of(v_year)) is not null;
        execute format(
            'create table settlement.%I (like settlement.settlement_detail including storage)'
            ' with (autovacuum_vacuum_insert_threshold = 20000,'
            ' autovacuum_vacuum_insert_scale_factor = 0, autovacuum_freeze_min_age = 0,'
            ' autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3)',
            settlement.partition_of(v_year)
        );
        execute format(
            'alter table settlement.settlement_detail attach partition settlement.%I'
            ' for values from (%s) to (%s)',
            settlement.partition_of(v_year),
            (v_year - 2000) * 100000000000000000, (v_year - 1999) * 100000000000000000
        );
        v_made := v_made + 1;
    end loop;
    return v_made;
end;
$$;
comment on function settlement.keep_partitions(integer, integer) is
    'Makes partitions ahead; nothing where they are there.';

create function settlement.sample_partitions() returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
-- Autovacuum looks at partitions and never at what they are partitions of, whose statistics joins
-- are planned by.
begin
    analyze (skip_locked) settlement.settlement_detail;
end;
$$;
comment on function settlement.sample_partitions() is
    'Statistics of partitioned tables as wholes.';

create function settlement.freeze_year(p_year integer) returns boolean
language plpgsql volatile as $$
-- Until the end of the transaction nobody erases a detail of the year or encrypts it anew; whoever
-- reads goes on. False where the year has no partition.
begin
    if to_regclass('settlement.' || settlement.partition_of(p_year)) is null then
        return false;
    end if;
    execute format('lock table settlement.%I in share mode', settlement.partition_of(p_year));
    return true;
end;
$$;
comment on function settlement.freeze_year(integer) is 'Keeps the details of a year as they are.';

create function settlement.drop_year(p_year integer) returns void
language plpgsql volatile as $$
-- The partition of an archived year goes: two entries of the catalogue and a file, whatever the
-- number of rows. Whoever settles waits for it, so it waits for nobody for long.
begin
    set local lock_timeout = '200ms';
    execute format(
        'alter table settlement.settlement_detail detach partition settlement.%I',
        settlement.partition_of(p_year)
    );
    execute format('drop table settlement.%I', settlement.partition_of(p_year));
end;
$$;
comment on function settlement.drop_year(integer) is 'Drops the details of an archived year.';
