-- The ledger: double entry, append-only, chained.
--
-- An *entry* (记账凭证) is what is booked or refused as a whole: a handful of transfers, each one
-- debit account, one credit account and an amount in fen. The transfers of an entry share its row
-- as three parallel arrays: one row for an entry costs a fifth of one row for each transfer, and
-- nothing ever reads half an entry. The view `ledger.transfer` shows each transfer as a row.
--
-- A *lane* is where an entry lives (it leads every key); a *journal* is where entries are ordered.
-- All entries that one commit adds to a journal are a *block*, and each block's hash covers the one
-- before it. Only `ledger.write_block` writes, and whoever calls it has locked the journal's head
-- (`ledger.lock_head`): that single lock is the whole lock order.
--
-- Rights (`ledger.grant_rights`): the application inserts and reads. It owns nothing, deletes
-- nothing and updates nothing but the balances of guarded accounts. Journals and lanes are the
-- owner's.
--
-- Nothing here is ever updated but `ledger.balance` (the guarded accounts, which may not go below
-- zero). Every other account's balance is a sum over entries, folded in the background
-- (`ledger.fold`), so that no fund and no institution is ever a hot row.
--
-- As it stands this is the schema for one machine. On a cluster each journal has one lane, and the
-- marks `lanes`, `lane` and `cluster` are expanded as ledger/postgres/shape.py says.
--
-- Refusals use SQLSTATEs of class ML; ledger/postgres/errors.py maps them:
--   ML001 the journal takes no blocks       ML002 the business day is closed
--   ML003 does not fit its pending entry    ML004 a guarded account does not exist
--   ML005 a lane belongs to another journal

create schema ledger;
comment on schema ledger is 'Double entry: lanes, journals, entries, chain. Knows no medicine.';

create table ledger.journal (
    journal         smallint    not null,
    /*cluster lane            smallint    not null,*/
    opened_at       timestamptz not null,
    closed_at       timestamptz,
    opening_hash    bytea       not null,
    cites           text        not null default '',
    constraint journal_pkey primary key (/*cluster lane,*/ journal),
    constraint journal_opening_hash_is_sha256 check (octet_length(opening_hash) = 32)
);
comment on table ledger.journal is
    'An ordered chain of blocks. Never reopened; changing their number opens new ones.';
comment on column ledger.journal.journal is 'Number of the journal; never used twice.';
comment on column ledger.journal.opened_at is 'When the chain begins.';
comment on column ledger.journal.closed_at is
    'When the chain ended; a closed journal takes no block.';
comment on column ledger.journal.opening_hash is
    'Previous hash of block 1: covers the last blocks of the chains it follows.';
comment on column ledger.journal.cites is 'The chains it follows, as journal:block pairs.';
/*cluster comment on column ledger.journal.lane is 'The one lane that it orders.';*/

create table ledger.lane (
    lane            smallint    not null,
    journal         smallint    not null,
    constraint lane_pkey primary key (lane, journal)
);
comment on table ledger.lane is 'Which journal orders a lane; one open journal a lane.';
comment on column ledger.lane.lane is 'The lane.';
comment on column ledger.lane.journal is 'The journal, open or closed.';

create table ledger.account (
    account         bigint      not null,
    owner           text        not null,
    code            text        not null,
    name            text        not null,
    debit_normal    boolean     not null,
    constraint account_pkey primary key (account),
    constraint account_is_not_guarded check (account > 0 and account < 1000000000000)
);
comment on table ledger.account is
    'Accounts that belong to no person: funds, payables, institutions. Striped: every lane '
    'books to them.';
comment on column ledger.account.account is
    'Number, below 10^12; personal accounts are numbered from there.';
comment on column ledger.account.owner is
    'Whose book it is in: agency, institution, region. One trial balance an owner.';
comment on column ledger.account.code is 'Code in the chart of accounts.';
comment on column ledger.account.name is 'Name a person reads.';
comment on column ledger.account.debit_normal is 'True where the balance is normally a debit.';

create table ledger.balance (
    account         bigint      not null,
    debits          bigint      not null default 0,
    credits         bigint      not null default 0,
    debits_pending  bigint      not null default 0,
    credits_pending bigint      not null default 0,
    lane            smallint    not null,
    constraint balance_pkey primary key (lane, account),
    constraint balance_is_guarded check (account >= 1000000000000),
    constraint balance_never_negative check (credits - debits - debits_pending >= 0),
    constraint balance_counters_never_negative check
        (debits >= 0 and credits >= 0 and debits_pending >= 0 and credits_pending >= 0)
) with (
    fillfactor = 70, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0.2,
    autovacuum_analyze_threshold = 50000, autovacuum_analyze_scale_factor = 0.5
);
create index balance_with_pending on ledger.balance (lane, account) where debits_pending > 0;
comment on table ledger.balance is
    'Guarded accounts (personal accounts): credit-normal, live in one lane, never below zero.';
comment on column ledger.balance.account is 'Number, from 10^12.';
comment on column ledger.balance.debits is 'Sum of posted debits, fen.';
comment on column ledger.balance.credits is 'Sum of posted credits, fen.';
comment on column ledger.balance.debits_pending is
    'Sum of pending debits, fen: held, not spendable.';
comment on column ledger.balance.credits_pending is
    'Sum of pending credits, fen: not spendable yet.';
comment on column ledger.balance.lane is 'The lane of the person.';

create table ledger.block (
    block_no        bigint      not null,
    booked_at       timestamptz not null,
    business_day    date        not null,
    /*cluster lane            smallint    not null,*/
    journal         smallint    not null,
    format          smallint    not null,
    entry_count     integer     not null,
    block_hash      bytea       not null,
    constraint block_pkey primary key (/*cluster lane,*/ journal, block_no),
    constraint block_hash_is_sha256 check (octet_length(block_hash) = 32)
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
comment on table ledger.block is 'What one commit added to a journal; hash-chained.';
comment on column ledger.block.block_no is 'Gapless from 1 within the journal.';
comment on column ledger.block.booked_at is 'When it was booked (the caller''s clock).';
comment on column ledger.block.business_day is 'The business day of all its entries.';
comment on column ledger.block.journal is 'The journal.';
comment on column ledger.block.format is
    'Version of the leaf and block encoding (ledger/chain.py).';
comment on column ledger.block.entry_count is 'Number of entries; 0 in a boundary block.';
comment on column ledger.block.block_hash is 'sha256 over header, previous hash and leaves.';
/*cluster comment on column ledger.block.lane is 'The one lane of the journal.';*/

create table ledger.entry (
    entry_id        bigint      not null,
    block_no        bigint      not null,
    pending_id      bigint,
    lane            smallint    not null,
    journal         smallint    not null,
    ordinal         smallint    not null,
    kind            smallint    not null,
    code            smallint    not null,
    debits          bigint[]    not null,
    credits         bigint[]    not null,
    amounts         bigint[]    not null,
    commitment      bytea       not null,
    leaf            bytea       not null,
    constraint entry_pkey primary key (lane, entry_id),
    constraint entry_id_positive check (entry_id > 0),
    constraint entry_kind_known check (kind between 1 and 4),
    constraint entry_resolves_a_pending check ((kind in (3, 4)) = (pending_id is not null)),
    constraint entry_legs_match check (
        cardinality(debits) = cardinality(amounts) and cardinality(credits) = cardinality(amounts)
    ),
    constraint entry_amounts_positive check (0 < all (amounts)),
    constraint entry_hashes_are_sha256 check (
        octet_length(commitment) = 32 and octet_length(leaf) = 32
    )
) with (
    autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 100000, autovacuum_analyze_scale_factor = 0.3
);
create index entry_by_block on ledger.entry (journal, block_no);
create unique index entry_resolves_once on ledger.entry (lane, pending_id)
where pending_id is not null;
comment on table ledger.entry is 'An entry (记账凭证): its transfers as parallel arrays. Append-only.';
comment on column ledger.entry.entry_id is 'Given by the caller; the same id is the same entry.';
comment on column ledger.entry.block_no is 'Block within the journal.';
comment on column ledger.entry.pending_id is 'The pending entry that this one posts or voids.';
comment on column ledger.entry.lane is 'The lane.';
comment on column ledger.entry.journal is 'The journal that ordered it.';
comment on column ledger.entry.ordinal is 'Place in the block, from 0.';
comment on column ledger.entry.kind is '1 single, 2 pending, 3 post, 4 void.';
comment on column ledger.entry.code is 'What for; the owner of the ledger gives it a meaning.';
comment on column ledger.entry.debits is 'Debit account of each transfer.';
comment on column ledger.entry.credits is 'Credit account of each transfer.';
comment on column ledger.entry.amounts is 'Amount of each transfer, fen, positive.';
comment on column ledger.entry.commitment is
    'Salted commitment to what the entry stands for, kept elsewhere and erasable there.';
comment on column ledger.entry.leaf is 'sha256 leaf over the fields above but block and ordinal.';

create view ledger.transfer as
select e.lane, e.entry_id, e.journal, e.block_no, e.ordinal, t.leg, e.kind, e.code, e.pending_id,
       t.debit, t.credit, t.amount_fen
from ledger.entry e
cross join lateral unnest(e.debits, e.credits, e.amounts)
    with ordinality as t (debit, credit, amount_fen, leg);
comment on view ledger.transfer is 'Every transfer, one a row.';

create view ledger.movement as
select e.journal, e.block_no, e.lane, e.entry_id, a.account,
       case when e.kind in (1, 3) then a.debit else 0 end as debits,
       case when e.kind in (1, 3) then a.credit else 0 end as credits,
       case when e.kind = 2 then a.debit else 0 end as debits_pending,
       case when e.kind = 2 then a.credit else 0 end as credits_pending
from ledger.entry e
cross join lateral unnest(e.debits, e.credits, e.amounts) as t (debit, credit, amount)
cross join lateral (values (t.debit, t.amount, 0::bigint), (t.credit, 0::bigint, t.amount))
    as a (account, debit, credit)
where e.kind <> 4
union all
select e.journal, e.block_no, e.lane, e.entry_id, a.account, 0, 0, - a.debit, - a.credit
from ledger.entry e
join ledger.entry p on p.lane = e.lane and p.entry_id = e.pending_id
cross join lateral unnest(p.debits, p.credits, p.amounts) as t (debit, credit, amount)
cross join lateral (values (t.debit, t.amount, 0::bigint), (t.credit, 0::bigint, t.amount))
    as a (account, debit, credit)
where e.kind in (3, 4);
comment on view ledger.movement is
    'What each entry does to each account, one leg a row; a post or void gives back what was '
    'held.';

create table ledger.fold (
    account         bigint      not null,
    through_block   bigint      not null,
    debits          bigint      not null,
    credits         bigint      not null,
    debits_pending  bigint      not null,
    credits_pending bigint      not null,
    journal         smallint    not null,
    constraint fold_pkey primary key (journal, through_block, account)
) with (
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5
);
comment on table ledger.fold is
    'Sums of a journal by account from its first block to one, written in the background; '
    'insert-only.';
comment on column ledger.fold.account is 'The account; 0 stands for all guarded accounts together.';
comment on column ledger.fold.through_block is 'Includes this block and all before it.';
comment on column ledger.fold.debits is 'Posted debits, fen.';
comment on column ledger.fold.credits is 'Posted credits, fen.';
comment on column ledger.fold.debits_pending is 'Pending debits, fen.';
comment on column ledger.fold.credits_pending is 'Pending credits, fen.';
comment on column ledger.fold.journal is 'The journal.';

create table ledger.closed_day (
    business_day    date        not null,
    closed_at       timestamptz not null,
    constraint closed_day_pkey primary key (business_day)
);
comment on table ledger.closed_day is 'Business days that take no more blocks.';
comment on column ledger.closed_day.business_day is 'The day.';
comment on column ledger.closed_day.closed_at is 'When it was closed.';

create function ledger.lock_head(
    /*cluster p_lane smallint,*/ p_journal smallint
) returns ledger.block
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
-- Locks the journal and returns its last block (block 0 with the opening hash for a new chain).
-- The lock is on the journal's own row, which never changes: no dead row versions, however many
-- batches, and it goes away with the transaction. It runs with its owner's rights because locking a
-- row needs the right to update it, which the application must not have.
declare
    v_opening_hash bytea;
    v_closed_at    timestamptz;
    v_head         ledger.block;
begin
    select j.opening_hash, j.closed_at into v_opening_hash, v_closed_at
    from ledger.journal j
    where /*cluster j.lane = p_lane and*/ j.journal = p_journal
    for no key update;
    if not found or v_closed_at is not null then
        raise exception 'journal % takes no blocks', p_journal using errcode = 'ML001';
    end if;
    select b.block_no, b.block_hash into v_head.block_no, v_head.block_hash
    from ledger.block b
    where /*cluster b.lane = p_lane and*/ b.journal = p_journal
    order by b.block_no desc
    limit 1;
    /*cluster v_head.lane := p_lane;*/
    v_head.journal := p_journal;
    v_head.block_no := coalesce(v_head.block_no, 0);
    v_head.block_hash := coalesce(v_head.block_hash, v_opening_hash);
    return v_head;
end;
$$;
comment on function ledger.lock_head is 'Locks a journal and returns its last block.';

create function ledger.block_hash(
    p_format smallint, p_journal smallint, p_block_no bigint, p_booked_at timestamptz,
    p_business_day date, p_entry_count integer, p_previous bytea, p_leaves bytea
) returns bytea
language sql immutable as $$
    select sha256(
        '\x02'::bytea || int2send(p_format) || int2send(p_journal) || int8send(p_block_no)
        || int8send((extract(epoch from p_booked_at) * 1000000)::bigint)
        || int4send(p_business_day - date '2000-01-01') || int4send(p_entry_count)
        || p_previous || p_leaves
    );
$$;
comment on function ledger.block_hash(
    smallint, smallint, bigint, timestamptz, date, integer, bytea, bytea
)
    is 'Hash of a block; the same as ledger/chain.py computes.';

create function ledger.hash_of_block(
    /*cluster p_lane smallint,*/ p_journal smallint, p_block_no bigint
) returns bytea
language plpgsql volatile as $$
-- Volatile on purpose: it sees the block that append_block wrote in the same statement.
begin
    return (
        select b.block_hash from ledger.block b
        where /*cluster b.lane = p_lane and*/ b.journal = p_journal and b.block_no = p_block_no
    );
end;
$$;
comment on function ledger.hash_of_block is
    'Hash of a block, even one that this statement appended.';

create function ledger.fits_pending(
    p_kind smallint, p_debits bigint[], p_credits bigint[], p_amounts bigint[],
    p_held_debits bigint[], p_held_credits bigint[], p_held_amounts bigint[]
) returns boolean
language sql immutable as $$
    select p_debits = p_held_debits and p_credits = p_held_credits
        and case p_kind
            when 4 then p_amounts = p_held_amounts
            else (select bool_and(t.amount <= t.held)
                  from unnest(p_amounts, p_held_amounts) as t (amount, held))
        end;
$$;
comment on function ledger.fits_pending(
    smallint, bigint[], bigint[], bigint[], bigint[], bigint[], bigint[]
) is
    'True where a post (3) or void (4) has the legs of its pending entry: at most, or exactly, '
    'its amounts.';

create function ledger.write_block(
    p_head ledger.block, p_format smallint, p_business_day date, p_booked_at timestamptz,
    /*lanes*/ p_lanes smallint[], /*cluster p_lane smallint,*/
    p_entries bigint[], p_kinds smallint[], p_codes smallint[],
    p_pending bigint[], p_leg_ends integer[],
    p_debits bigint[], p_credits bigint[], p_amounts bigint[],
    p_commitments bytea, p_leaves bytea,
    /*lanes*/ p_balance_lanes smallint[], p_balance_accounts bigint[],
    p_balance_debits bigint[], p_balance_credits bigint[],
    p_balance_debits_pending bigint[], p_balance_credits_pending bigint[]
) returns bigint
language plpgsql volatile as $$
-- Writes one block behind p_head, which the caller got from ledger.lock_head in this transaction:
-- all of it or nothing. Legs of all entries lie one behind the other in p_debits, p_credits and
-- p_amounts; p_leg_ends holds where each entry's legs end. Hashes lie one behind the other,
-- 32 bytes each. Balance changes of guarded accounts come folded, one a row.
declare
    v_journal constant smallint := p_head.journal;
    v_block   constant bigint := p_head.block_no + 1;
    v_count   constant integer := cardinality(p_entries);
    v_changed integer;
begin

    perform 1 from ledger.closed_day d where d.business_day = p_business_day;
    if found then
        raise exception 'business day % is closed', p_business_day using errcode = 'ML002';
    end if;

    -- An empty array in front makes an array of one lane, too.
    if not ('{}'::smallint[] || /*lane*/ p_lanes) <@ array(
        select l.lane
        from ledger.lane l
        where /*cluster l.lane = p_lane and*/ l.journal = v_journal
    ) then
        raise exception 'a lane belongs to another journal' using errcode = 'ML005';
    end if;

    insert into ledger.entry (
        entry_id, block_no, pending_id, lane, journal, ordinal, kind, code,
        debits, credits, amounts, commitment, leaf
    )
    select p_entries[i], v_block, p_pending[i], /*lane*/ p_lanes[i], v_journal, i - 1,
           p_kinds[i], p_codes[i],
           p_debits[coalesce(p_leg_ends[i - 1], 0) + 1 : p_leg_ends[i]],
           p_credits[coalesce(p_leg_ends[i - 1], 0) + 1 : p_leg_ends[i]],
           p_amounts[coalesce(p_leg_ends[i - 1], 0) + 1 : p_leg_ends[i]],
           substr(p_commitments, 32 * (i - 1) + 1, 32),
           substr(p_leaves, 32 * (i - 1) + 1, 32)
    from generate_series(1, v_count) as i;

    if p_pending is not null then
        -- Each post or void fits an earlier pending entry of its lane, leg by leg (this batch's own
        -- included, so the check comes after the insert); entry_resolves_once forbids a second.
        -- Each pending entry is fetched by its key alone: a plan for all at once, made where the
        -- statistics know of nothing that was held, passed over everything that was ever resolved.
        perform 1
        from generate_series(1, v_count) as i
        left join lateral (
            select e.debits, e.credits, e.amounts
            from ledger.entry e
            where e.lane = /*lane*/ p_lanes[i] and e.entry_id = p_pending[i] and e.kind = 2
                and (e.block_no < v_block or e.ordinal < i - 1 or e.journal <> v_journal)
            offset 0
        ) as p on true
        where p_pending[i] is not null
            and ledger.fits_pending(
                p_kinds[i],
                p_debits[coalesce(p_leg_ends[i - 1], 0) + 1 : p_leg_ends[i]],
                p_credits[coalesce(p_leg_ends[i - 1], 0) + 1 : p_leg_ends[i]],
                p_amounts[coalesce(p_leg_ends[i - 1], 0) + 1 : p_leg_ends[i]],
                p.debits, p.credits, p.amounts
            ) is not true;
        if found then
            raise exception 'an entry does not fit the pending entry it resolves'
                using errcode = 'ML003';
        end if;
    end if;

    if cardinality(p_balance_accounts) > 0 then
        update ledger.balance b
        set debits = b.debits + c.debits,
            credits = b.credits + c.credits,
            debits_pending = b.debits_pending + c.debits_pending,
            credits_pending = b.credits_pending + c.credits_pending
        from unnest(/*lanes*/ p_balance_lanes, p_balance_accounts, p_balance_debits,
                    p_balance_credits, p_balance_debits_pending, p_balance_credits_pending)
            as c (/*lanes*/ lane, account, debits, credits, debits_pending, credits_pending)
        where b.lane = /*lane*/ c.lane and b.account = c.account;
        get diagnostics v_changed = row_count;
        if v_changed <> cardinality(p_balance_accounts) then
            raise exception 'a guarded account does not exist' using errcode = 'ML004';
        end if;
    end if;

    insert into ledger.block (
        block_no, booked_at, business_day, /*cluster lane,*/ journal, format, entry_count,
        block_hash
    )
    values (
        v_block, p_booked_at, p_business_day, /*cluster p_lane,*/ v_journal, p_format, v_count,
        ledger.block_hash(
            p_format, v_journal, v_block, p_booked_at, p_business_day, v_count,
            p_head.block_hash, p_leaves
        )
    );
    return v_block;
end;
$$;
comment on function ledger.write_block is
    'Writes one block of entries behind a locked head, chained, with the balances of guarded '
    'accounts.';

create function ledger.append_block(
    p_journal smallint, p_format smallint, p_business_day date, p_booked_at timestamptz,
    /*lanes*/ p_lanes smallint[], /*cluster p_lane smallint,*/
    p_entries bigint[], p_kinds smallint[], p_codes smallint[],
    p_pending bigint[], p_leg_ends integer[],
    p_debits bigint[], p_credits bigint[], p_amounts bigint[],
    p_commitments bytea, p_leaves bytea,
    /*lanes*/ p_balance_lanes smallint[], p_balance_accounts bigint[],
    p_balance_debits bigint[], p_balance_credits bigint[],
    p_balance_debits_pending bigint[], p_balance_credits_pending bigint[]
) returns bigint
language plpgsql volatile as $$
-- Appends one block to a journal: locks its head, then writes.
begin
    return ledger.write_block(
        ledger.lock_head(/*cluster p_lane,*/ p_journal), p_format, p_business_day, p_booked_at,
        /*lanes*/ p_lanes, /*cluster p_lane,*/ p_entries, p_kinds, p_codes, p_pending, p_leg_ends,
        p_debits, p_credits, p_amounts, p_commitments, p_leaves,
        /*lanes*/ p_balance_lanes, p_balance_accounts, p_balance_debits, p_balance_credits,
        p_balance_debits_pending, p_balance_credits_pending
    );
end;
$$;
comment on function ledger.append_block is
    'Appends one block of entries to a journal: ledger.lock_head, then ledger.write_block.';

create function ledger.grant_rights(p_application name, p_verifier name) returns void
language plpgsql as $$
-- Rights as data in one place. The application's role must own nothing and be no superuser.
begin
    execute format('grant usage on schema ledger to %I, %I', p_application, p_verifier);
    execute format(
        'grant select on all tables in schema ledger to %I, %I', p_application, p_verifier
    );
    execute format(
        'grant insert on ledger.account, ledger.block, ledger.entry, ledger.fold,'
        ' ledger.closed_day to %I', p_application
    );
    -- A guarded account begins empty: the columns that count money have their defaults.
    execute format(
        'grant insert (lane, account),'
        ' update (debits, credits, debits_pending, credits_pending) on ledger.balance to %I',
        p_application
    );
    execute format('grant execute on all functions in schema ledger to %I', p_application);
    execute format(
        'revoke execute on function ledger.grant_rights(name, name) from %I', p_application
    );
    execute format(
        'grant execute on function'
        ' ledger.block_hash(smallint, smallint, bigint, timestamptz, date, integer, bytea, bytea),'
        ' ledger.fits_pending(smallint, bigint[], bigint[], bigint[], bigint[], bigint[], bigint[])'
        ' to %I', p_verifier
    );
end;
$$;
comment on function ledger.grant_rights(name, name) is
    'Gives the application and the verifier their rights; the owner calls it.';

revoke execute on all functions in schema ledger from public;
