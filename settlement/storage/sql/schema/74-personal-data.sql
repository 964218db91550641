-- Personal data as a whole (个人信息, ADR 0058): what was erased of whom, and how encrypting anew goes
-- through the places where sealed bytes lie. Only the schema's owner changes anything here: the
-- functions run with the rights of whoever calls them, and the application has none for it.

create table settlement.erasure (
    recorded_at     timestamptz not null,
    before_at       timestamptz not null,
    step_no         integer     not null,
    lane            smallint    not null,
    act             smallint    not null,
    psn_no          text        not null,
    actor           text        not null,
    reason          text        not null,
    result          text        not null,
    constraint erasure_pkey primary key (lane, psn_no, step_no),
    constraint erasure_act_known check (act between 1 and 3)
);
comment on table settlement.erasure is
    'Erasures (删除个人信息): proposed by one person, confirmed by another, done. Append-only.';
comment on column settlement.erasure.recorded_at is 'When.';
comment on column settlement.erasure.before_at is 'What is older is erased.';
comment on column settlement.erasure.step_no is 'From 1 for each person.';
comment on column settlement.erasure.lane is 'Lane of the person.';
comment on column settlement.erasure.act is
    '1 proposed, 2 confirmed, 3 done; whatever is confirmed and not done is done again.';
comment on column settlement.erasure.psn_no is 'Whose data.';
comment on column settlement.erasure.actor is 'Who.';
comment on column settlement.erasure.reason is 'Why, and the document.';
comment on column settlement.erasure.result is 'JSON: what was erased by place; empty until done.';

create table settlement.key_rewriting (
    number          bigint      not null,
    rows_done       bigint      not null,
    part            integer     not null,
    lane            smallint    not null,
    key_version     smallint    not null,
    done            boolean     not null,
    place           text        not null,
    constraint key_rewriting_pkey primary key (lane, place, key_version)
);
comment on table settlement.key_rewriting is
    'How far encrypting anew has come, by place and lane: written with the rows of each step.';
comment on column settlement.key_rewriting.number is 'The last row that was looked at.';
comment on column settlement.key_rewriting.rows_done is 'Rows that were encrypted anew.';
comment on column settlement.key_rewriting.part is 'And its part.';
comment on column settlement.key_rewriting.lane is 'The lane.';
comment on column settlement.key_rewriting.key_version is 'The version that is written.';
comment on column settlement.key_rewriting.done is 'The lane is through.';
comment on column settlement.key_rewriting.place is 'The table.';

create function settlement.sealed_page(
    p_table text, p_column text, p_number text, p_part text, p_version text, p_lane smallint,
    p_after_number bigint, p_after_part integer, p_limit integer
) returns table (number bigint, part integer, key_version integer, sealed bytea)
language plpgsql stable set search_path = pg_catalog as $$
-- Rows of one lane after a place, in order. Of bytes that are led by their version the version is
-- in the first two; 0: empty or erased.
begin
    return query execute format(
        'select t.%1$I, %2$s::integer, %3$s::integer, t.%4$I from settlement.%5$I t'
        ' where t.lane = $1 and (t.%1$I, %2$s) > ($2, $3) order by t.%1$I, %2$s limit $4',
        p_number,
        case when p_part = '' then '0::integer' else format('t.%I', p_part) end,
        case
            when p_version <> '' then format('t.%I', p_version)
            else format(
                'case when octet_length(t.%1$I) < 2 then 0'
                ' else get_byte(t.%1$I, 0) * 256 + get_byte(t.%1$I, 1) end', p_column
            )
        end,
        p_column, p_table
    ) using p_lane, p_after_number, p_after_part, p_limit;
end;
$$;
comment on function settlement.sealed_page is 'A page of a place where sealed bytes lie.';

create function settlement.reseal(
    p_table text, p_column text, p_number text, p_part text, p_version text, p_lane smallint,
    p_numbers bigint[], p_parts integer[], p_old bytea[], p_new bytea[], p_key_version integer
) returns bigint
language plpgsql volatile set search_path = pg_catalog as $$
-- Puts other sealed bytes in the place of those that were read; where somebody else was first the
-- row stays as it is. How many were changed.
declare
    v_changed bigint;
begin
    execute format(
        'update settlement.%1$I as t set %2$I = n.new %3$s'
        ' from unnest($2, $3, $4, $5) as n (number, part, old, new)'
        ' where t.lane = $1 and t.%4$I = n.number and t.%2$I = n.old %5$s',
        p_table, p_column,
        case when p_version = '' then '' else format(', %I = $6', p_version) end,
        p_number,
        case when p_part = '' then '' else format('and t.%I = n.part', p_part) end
    ) using p_lane, p_numbers, p_parts, p_old, p_new, p_key_version;
    get diagnostics v_changed = row_count;
    return v_changed;
end;
$$;
comment on function settlement.reseal is 'Changes sealed bytes that were read before.';
