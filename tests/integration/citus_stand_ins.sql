-- Stand-ins of the functions of Citus that deploy/citus/distribute.sql calls. They
-- do nothing but check what Citus would check first: that the table or function is there, that it
-- has the column or argument, and that every unique key contains the distribution column.

create table public.called (
    what    text not null,
    subject text not null
);

create function public.create_distributed_table(
    p_table regclass, p_column text, colocate_with text default 'default',
    shard_count integer default 32
) returns void
language plpgsql as $$
begin
    if colocate_with <> 'none' then
        perform colocate_with::regclass;
    end if;
    perform 1
    from pg_attribute a
    where a.attrelid = p_table and a.attname = p_column and a.attnotnull
        and a.atttypid = 'smallint'::regtype;
    if not found then
        raise exception '% has no column % to go by', p_table, p_column;
    end if;
    perform 1
    from pg_index i
    where i.indrelid = p_table and i.indisunique and not exists (
        select 1
        from pg_attribute a
        where a.attrelid = p_table and a.attname = p_column and a.attnum = any (i.indkey)
    );
    if found then
        raise exception 'a unique key of % lacks %', p_table, p_column;
    end if;
    insert into public.called (what, subject) values ('distributed', p_table::text);
end;
$$;

create function public.create_reference_table(p_table regclass) returns void
language plpgsql as $$
begin
    insert into public.called (what, subject) values ('reference', p_table::text);
end;
$$;

create function public.create_distributed_function(
    p_function regprocedure, p_argument text default null, colocate_with text default 'default'
) returns void
language plpgsql as $$
begin
    perform 1
    from pg_proc p
    where p.oid = p_function and (p_argument is null or p_argument = any (p.proargnames));
    if not found then
        raise exception '% has no argument %', p_function, p_argument;
    end if;
    insert into public.called (what, subject) values ('function', p_function::text);
end;
$$;
