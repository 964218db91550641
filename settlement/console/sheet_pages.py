"""结算单: the settlement sheet of one case to look at, to print, and to check a paper against.

What is looked at is a preview and says so when it is printed. A print is counted first and then
shown with its number, as a page and as PDF; the same print may be looked at again.
"""

from __future__ import annotations

import asyncio

from settlement.books.settlement_sheet import is_code_of
from settlement.console.asking import Answer, attachment, redirect
from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.case_sheet import CaseSheet, facts, read_sheet, sheet_pdf, undone_words
from settlement.finance.statement_files import MEDIA, Kind
from settlement.numbers import parse
from settlement.storage.statement_sheets import Print, add_print, prints

TITLE = Words("结算单", "Settlement sheet")
CHECK = Words("结算单核验", "Sheet check")
MISSING = Words("没有这张结算单", "There is no such settlement sheet")
NOT_PRINTED = Words("没有这次打印", "There is no such print")
WRONG = Words(
    "不符：验证码不属于这个结算编号。请核对输入；如确认无误，该结算单不是本系统出具，或内容被改动。",
    "Not the code of this settlement. Check what was typed; if it is right, the paper is not ours "
    "or was changed.",
)
TEXT_MAX = 64


async def sheet(visit: Visit) -> Answer:
    """The sheet: a preview, or one of its prints."""
    number = int(visit.parts[0])
    found, known = await _read(visit, number)
    if found is None:
        return _missing(visit, MISSING)
    wanted = visit.asked.query.get("print", "")
    printed = _print(known, wanted)
    if wanted and printed is None:
        return _missing(visit, NOT_PRINTED)
    await visit.note("console.view-sheet", f"settlement {number}", wanted)
    return visit.page(
        "sheet.html", TITLE, sheet=found, row=found.row, printed=printed, prints=known,
        facts=facts(found), undone=undone_words(found), may_print=visit.may(Right.PRINT),
    )  # fmt: skip


async def print_it(visit: Visit) -> Answer:
    """Count a print, and show it."""
    number = int(visit.parts[0])
    found, _ = await _read(visit, number)
    if found is None:
        return _missing(visit, MISSING)
    place = visit.asked.address or "console"
    async with visit.desk.writing() as connection:
        print_no = await add_print(
            connection, visit.scope, number, by=visit.who.name, place=place, at=visit.at
        )
    if print_no is None:
        return _missing(visit, MISSING)
    await visit.note("console.print-sheet", f"settlement {number}", str(print_no))
    return redirect(f"/console/settlements/{number}/sheet?print={print_no}")


async def pdf(visit: Visit) -> Answer:
    """A print as PDF."""
    number = int(visit.parts[0])
    found, known = await _read(visit, number)
    wanted = visit.asked.query.get("print", "")
    printed = _print(known, wanted)
    if found is None or printed is None:
        return _missing(visit, MISSING if found is None else NOT_PRINTED)
    await visit.note("console.view-sheet", f"settlement {number}", f"{wanted} pdf")
    body = await asyncio.to_thread(sheet_pdf, found, printed)
    name = attachment(f"sheet-{number}-{printed.print_no}.pdf")
    return Answer(body=body, media=MEDIA[Kind.PDF], headers=(name,))


async def check_form(visit: Visit, found: CaseSheet | None = None) -> Answer:
    """What stands on the paper is typed here."""
    return visit.page(
        "sheet_check.html", CHECK, sheet=found,
        undone=None if found is None else undone_words(found),
        number=visit.typed.get("number", ""), mark=visit.typed.get("mark", ""),
    )  # fmt: skip


async def check(visit: Visit) -> Answer:
    """Whether the code is that of the settlement; what its sheet must say, where it is."""
    text, mark = (visit.asked.form.get(name, "").strip()[:TEXT_MAX] for name in ("number", "mark"))
    number = parse(text)
    found = None if number is None else (await _read(visit, number))[0]
    right = found is not None and is_code_of(visit.desk.keyring.sheet_key, found.row, mark)
    told = "right" if right else "wrong"
    await visit.note("console.check-sheet", f"settlement {number or 0}", told)
    if not right:
        return await check_form(visit.again(WRONG))
    visit.typed = {"number": text, "mark": mark}
    return await check_form(visit, found)


async def _read(visit: Visit, number: int) -> tuple[CaseSheet | None, list[Print]]:
    """The sheet and its prints, where it is within the scope."""
    keys = await visit.desk.sheet_keys()
    async with visit.desk.reading() as connection:
        found = await read_sheet(connection, visit.scope, number, keys)
        return found, [] if found is None else await prints(connection, number)


def _print(known: list[Print], wanted: str) -> Print | None:
    return next((one for one in known if str(one.print_no) == wanted), None)


def _missing(visit: Visit, words: Words) -> Answer:
    return visit.page("message.html", words, status=404, words=words)
