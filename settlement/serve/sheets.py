"""`settlement statement`, `sheet` and `sheet-check`: each one short session with the database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path

from ledger.postgres.schema import installed_shape
from settlement.books.monthly_statement import StatementAsked
from settlement.books.settlement_sheet import is_code_of
from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.finance.case_sheet import Keys, read_sheet, sheet_pdf, undone_words
from settlement.finance.statement_files import Kind, write_files
from settlement.finance.statement_pdf import thousands
from settlement.finance.statement_xlsx import TooLongError
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.statement_sheets import Print, add_print
from settlement.telemetry.logs import mask_number

PLACE = "command"
Act = Callable[[PlainConnection, Path], Coroutine[None, None, Said]]


def statement(data_dir: Path, asked: StatementAsked, kind: str, out: Path, *, by: str) -> Said:
    """Write a month of an institution into a folder."""

    async def act(connection: PlainConnection, _secrets: Path) -> Said:
        try:
            paths = await write_files(
                connection, asked, Kind(kind), out, by=by, at=system_clock()
            )
        except TooLongError as exc:
            return Said(1, f"Excel 放不下，请用 csv | Excel cannot hold it, take csv: {exc}")
        except OSError as exc:
            return Said(1, f"{out} 写不进 | cannot be written: {exc.strerror}")
        if paths is None:
            return Said(1, f"没有机构 {asked.institution} | there is no such institution")
        return Said(0, "\n".join(map(str, paths)))

    return _run(data_dir, act)


def sheet(data_dir: Path, setl_id: int, out: Path, *, by: str) -> Said:
    """Count a print of a settlement's sheet and write it."""

    async def act(connection: PlainConnection, secrets: Path) -> Said:
        found = await read_sheet(connection, None, setl_id, await _keys(connection, secrets))
        if found is None:
            return _no_settlement(setl_id)
        at = system_clock()
        number = await add_print(connection, None, setl_id, by=by, place=PLACE, at=at)
        if number is None:
            return _no_settlement(setl_id)
        printed = Print(print_no=number, printed_at=at, printed_by=by, place=PLACE)
        try:
            await asyncio.to_thread(out.write_bytes, sheet_pdf(found, printed))
        except OSError as exc:
            return Said(1, f"{out} 写不进 | cannot be written: {exc.strerror}")
        return Said(0, f"{out}\n第 {number} 次打印 | print {number}\n验证码 | code {found.code}")

    return _run(data_dir, act)


def sheet_check(data_dir: Path, setl_id: int, code: str) -> Said:
    """Whether a code is that of the settlement, and what its sheet must say."""

    async def act(connection: PlainConnection, secrets: Path) -> Said:
        keys = await _keys(connection, secrets)
        found = await read_sheet(connection, None, setl_id, keys)
        if found is None or not is_code_of(keys.keyring.sheet_key, found.row, code):
            return Said(1, f"不符：{setl_id} 的结算单没有这个验证码 | not the code of this sheet")
        row = found.row
        lines = [
            "相符：验证码属于这张结算单 | the code is that of this sheet",
            " | ".join(undone_words(found) or ("结算有效", "the settlement stands")),
            f"{row.institution} {found.institution_name}　{mask_number(row.psn_no)} "
            f"{found.person_name}",
            f"医疗费总额 {thousands(row.total_fen)}　基金 {thousands(row.fund_fen)}　"
            f"个人账户 {thousands(row.account_fen)}　现金 {thousands(row.cash_fen)}",
        ]
        return Said(0, "\n".join(lines))

    return _run(data_dir, act)


def asked_for(institution: str, month: date) -> StatementAsked:
    """An operator sees every institution."""
    return StatementAsked(scope=None, institution=institution, month=month)


def _no_settlement(setl_id: int) -> Said:
    return Said(1, f"没有结算 {setl_id} | there is no such settlement")


async def _keys(connection: PlainConnection, secrets: Path) -> Keys:
    """What sheets are opened with."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    return Keys(
        keyring=load_keyring(key_file(secrets, os.environ)),
        policies=await load_policy_set(connection),
        shape=await installed_shape(connection),
        lanes=installed.lanes,
    )


def _run(data_dir: Path, act: Act) -> Said:
    """One act on the database of a data directory."""
    try:
        return asyncio.run(_with_database(data_dir, act))
    except (ServiceError, StorageError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _with_database(data_dir: Path, act: Act) -> Said:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            return await act(connection, data_dir / "secrets")
        finally:
            await connection.close()
