"""Somebody with all rights in the database changes it behind the ledger's back.

Whatever is done is put right again, so that one town serves many such tests. `tampered` is told
what is done; `Flips` reads tables and columns from the database's own catalogue and changes them
one by one, as little as their type allows (tests/tamper_run.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from asyncpg import Connection, Record
from msgspec import Struct

from ledger.audit import BadEntry
from tests.kit.townhall import Townhall

SCHEMAS = ("ledger", "settlement")


@asynccontextmanager
async def tampered(
    town: Townhall, table: str, statement: str, *arguments: object
) -> AsyncIterator[None]:
    """A table as it is after a statement, for a while."""
    async with all_tampered(town, (table,), ((statement, *arguments),)):
        yield


@asynccontextmanager
async def all_tampered(
    town: Townhall, tables: Sequence[str], statements: Sequence[tuple[object, ...]]
) -> AsyncIterator[None]:
    """Tables as they are after some statements with their arguments, for a while."""
    kept = {
        name: await town.owner.fetch(f"select t.* from {name} t")  # noqa: S608
        for name in tables
    }
    try:
        for statement, *arguments in statements:
            await town.owner.execute(str(statement), *arguments)
        yield
    finally:
        for name, rows in kept.items():
            await town.owner.execute(f"delete from {name}")  # noqa: S608
            schema, table = name.split(".")
            await town.owner.copy_records_to_table(
                table, schema_name=schema, records=[tuple(row) for row in rows]
            )


async def first_bad(town: Townhall) -> BadEntry:
    """What a verification names; there must be something."""
    bad = (await town.verified()).first_bad
    assert bad is not None
    return bad


async def found(town: Townhall) -> str:
    """What a verification says is bad; nothing where everything is right."""
    bad = (await town.verified()).first_bad
    return "" if bad is None else bad.what


class Column(Struct, frozen=True, kw_only=True, order=True):
    """A column of the catalogue."""

    table: str
    name: str
    kind: str
    """its type, as PostgreSQL writes it"""

    @property
    def full(self) -> str:
        """With its table."""
        return f"{self.table}.{self.name}"


class Flip(Struct, frozen=True, kw_only=True):
    """One value that was changed, and how it is put back."""

    column: Column
    ctid: str
    before: str | None
    row: str
    """the whole row as it was, for people"""


class TakenOut(Struct, frozen=True, kw_only=True):
    """A row that was deleted."""

    table: str
    values: tuple[object, ...]
    told: str


_CHANGED = {
    "boolean": "not {c}",
    "smallint": "case when {c} = 32767 then {c} - 1 else {c} + 1 end",
    "integer": "{c} + 1",
    "bigint": "{c} + 1",
    "date": "{c} + 1",
    "timestamp with time zone": "{c} + interval '1 microsecond'",
    "timestamp without time zone": "{c} + interval '1 microsecond'",
    "time without time zone": "{c} + interval '1 microsecond'",
    "text": "case when {c} = '' then 'x' else overlay({c} placing chr(case when"
            " ascii(right({c}, 1)) = 49 then 50 else 49 end) from length({c})) end",
    "bytea": "case when {c} = '' then '\\x00' else set_byte({c}, octet_length({c}) - 1,"
             " get_byte({c}, octet_length({c}) - 1) # 1) end",
    "bigint[]": "case when cardinality({c}) = 0 then array[1::bigint] else array[{c}[1] + 1]"
                " || {c}[2:] end",
    "text[]": "array_append({c}, 'x')",
    "jsonb": "{c} || '{{\"x\": 1}}'",
}
"""The least that a value of a type can be changed by: its last character or byte, or one."""
_SET = {"bigint": "7", "text": "'x'", "date": "'2020-01-01'", "timestamp with time zone": "now()",
        "smallint": "1", "integer": "1", "bytea": "'\\x00'", "bigint[]": "array[7::bigint]",
        "boolean": "true", "timestamp without time zone": "'2020-01-01'"}  # fmt: skip
"""What an empty value becomes."""


class Flips:
    """Changes single values. The connection is a superuser's, or the owner's who dropped what the
    database checks: a rule of the database stops nobody who owns it."""

    def __init__(self, owner: Connection[Record]) -> None:
        self._owner = owner

    async def columns(self) -> list[Column]:
        """Every column of every table of ours, by the catalogue; partitions are of their table."""
        rows = await self._owner.fetch(
            "select n.nspname || '.' || c.relname as table, a.attname as name,"
            " format_type(a.atttypid, null) as kind from pg_attribute a"
            " join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition"
            " and a.attnum > 0 and not a.attisdropped order by 1, a.attnum",
            list(SCHEMAS),
        )  # fmt: skip
        return [Column(**dict(row)) for row in rows]

    async def drop_rules(self) -> None:
        """No check, trigger, numbering or index that reads a value stands in the way."""
        for row in await self._owner.fetch(
            "select distinct tgrelid::regclass::text as table from pg_trigger"
            " join pg_class c on c.oid = tgrelid where not tgisinternal"
            " and c.relnamespace::regnamespace::text = any($1)",
            list(SCHEMAS),
        ):
            await self._owner.execute(f'alter table {row["table"]} disable trigger user')
        for row in await self._owner.fetch(
            "select conrelid::regclass::text as table, conname from pg_constraint"
            " where contype = 'c' and connamespace::regnamespace::text = any($1)",
            list(SCHEMAS),
        ):
            await self._owner.execute(
                f'alter table {row["table"]} drop constraint "{row["conname"]}"'
            )

        for row in await self._owner.fetch(
            "select attrelid::regclass::text as table, attname from pg_attribute"
            " join pg_class c on c.oid = attrelid"
            " where attidentity <> '' and c.relnamespace::regnamespace::text = any($1)",
            list(SCHEMAS),
        ):
            await self._owner.execute(
                f'alter table {row["table"]} alter column "{row["attname"]}" drop identity'
            )

        for row in await self._owner.fetch(
            "select indexrelid::regclass::text as index from pg_index"
            " join pg_class c on c.oid = indrelid where indexprs is not null"
            " and not c.relispartition and c.relnamespace::regnamespace::text = any($1)",
            list(SCHEMAS),
        ):
            await self._owner.execute(f'drop index {row["index"]}')

    async def rows(self, table: str, at_most: int) -> list[str]:
        """Where some rows of a table are: the first and the last, and some between."""
        found = await self._owner.fetch(
            f"select t.ctid::text as at from {table} t order by t.ctid"  # noqa: S608
        )
        places = [str(row["at"]) for row in found]
        if len(places) <= at_most:
            return places
        step = (len(places) - 1) / max(at_most - 1, 1)
        return [places[round(n * step)] for n in range(at_most)]

    async def flip(self, column: Column, at: str) -> Flip | None:
        """Change one value; None where the type or a unique key does not allow it."""
        name = f'"{column.name}"'
        seen = await self._owner.fetchrow(
            f"select t.{name}::text as value, t::text as row from {column.table} t"  # noqa: S608
            " where t.ctid = $1::text::tid",
            at,
        )  # fmt: skip
        rule = _SET.get(column.kind) if seen["value"] is None else _CHANGED.get(column.kind)
        if rule is None:
            return None
        try:
            moved = await self._owner.fetchval(
                f"update {column.table} t set {name} = {rule.format(c='t.' + name)}"  # noqa: S608
                " where t.ctid = $1::text::tid returning t.ctid::text",
                at,
            )  # fmt: skip
        except (asyncpg.UniqueViolationError, asyncpg.NotNullViolationError):
            return None
        return Flip(column=column, ctid=moved, before=seen["value"], row=seen["row"])

    async def put_back(self, flip: Flip) -> str:
        """As it was; where the row is now."""
        where: str = await self._owner.fetchval(
            f'update {flip.column.table} t set "{flip.column.name}" ='  # noqa: S608
            f" $2::text::{flip.column.kind} where t.ctid = $1::text::tid returning t.ctid::text",
            flip.ctid, flip.before,
        )  # fmt: skip
        return where

    async def take_out(self, table: str, at: str) -> TakenOut:
        """Delete one row."""
        row = await self._owner.fetchrow(
            f"delete from {table} t where t.ctid = $1::text::tid returning t.*", at  # noqa: S608
        )
        return TakenOut(table=table, values=tuple(row), told=str(dict(row)))

    async def put_in(self, row: TakenOut) -> None:
        """It is there again."""
        schema, table = row.table.split(".")
        await self._owner.copy_records_to_table(table, schema_name=schema, records=[row.values])
