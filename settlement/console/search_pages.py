"""结算查询: by any number that is on paper, by certificate number, and by a whole name.

A certificate number or a name is asked by its exact keyed hash, travels in a form and never in an
address, and is in no log: the audit keeps the beginning of its hash. A person's page has an address
that was sealed for it. Several persons may have a name: they are listed, so many of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from settlement.console.asking import Answer
from settlement.console.people import Shown, person_shown
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.keyring import LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import lane_in, parse
from settlement.payments.payment_rows import PaymentFact
from settlement.person_keys import name_hash
from settlement.storage import console_cases, console_regions
from settlement.storage.console_cases import CaseRow
from settlement.storage.console_search import find_person_no, message_keys, persons_named
from settlement.storage.payment_reader import read_payments
from settlement.view import View

if TYPE_CHECKING:
    from settlement.storage.lease import PlainConnection

TITLE = Words("结算查询", "Search")
PERSON = Words("个人结算", "Settlements of a person")
NOTHING = Words("没有找到。", "Nothing was found.")
NO_PERSON = Words("没有此证件号码的参保人。", "Nobody has this certificate number.")
NOBODY_NAMED = Words(
    "没有此姓名的参保人。姓名须完整。", "Nobody has this name. The name must be whole."
)
MISSING = Words("没有这个人", "There is no such person")
BY = {
    "setl_id": Words("结算编号", "settlement number"),
    "msgid": Words("报文编号", "message id"),
    "order_no": Words("订单号或渠道流水号", "order number or channel reference"),
    "invoice_no": Words("发票号", "invoice number"),
    "case_no": Words("异地就医编号", "case number between regions"),
}
TEXT_MAX = 64
FOUND_MAX = 100
LOOKED_AT_MAX = 500
NAMED_MAX = 20
"""Persons of one name that are listed"""
NAMED_LOOKED_AT_MAX = 200
"""Persons of one name that are looked at for those of an institution"""


async def search(visit: Visit) -> Answer:
    """The form, and what was found where something is asked for."""
    by = visit.asked.query.get("by", "setl_id")
    text = visit.asked.query.get("text", "").strip()[:TEXT_MAX]
    institution = visit.asked.query.get("institution", "").strip()[:TEXT_MAX]
    rows: list[CaseRow] = []
    payments: list[PaymentFact] = []
    if text and by in BY:
        await visit.note("console.search", f"{by} {text}", institution)
        async with visit.desk.reading() as connection:
            numbers, pay_nos = await _find(connection, visit, by, text, institution)
            rows = await console_cases.cases(connection, visit.scope, numbers[:FOUND_MAX])
            view = View()
            await read_payments(connection, pay_nos, view, visit.desk.shape)
            payments = [view.payments[one] for one in pay_nos if one in view.payments]
    return visit.page(
        "search.html", TITLE, by=by, ways=BY, text=text, institution=institution, rows=rows,
        payments=payments, asked=bool(text), named=[], more=False,
    )  # fmt: skip


async def find_person(visit: Visit) -> Answer:
    """By certificate number: to the person's page, or back to the form."""
    text = visit.asked.form.get("certificate", "").strip().upper()[:TEXT_MAX]
    desk = visit.desk
    key = desk.keyring.lookup_key(LookupKind.CERTIFICATE, text)
    async with desk.reading() as connection:
        lane = lane_of_key(key, desk.lanes)
        person_no = await find_person_no(connection, desk.shape, lane, key) if text else None
        known = person_no is not None and await _is_in_scope(connection, visit, person_no)
    found = "found" if known else "not found"
    await visit.note("console.search-person", f"certificate #{key.hex()[:8]}", found)
    if person_no is None or not known:
        return await search(visit.again(NO_PERSON))
    return visit.go(f"/console/people/{visit.seal(person_no.encode(), _purpose(visit))}")


async def find_named(visit: Visit) -> Answer:
    """By a whole name: to the page of the only one who has it, or a list of those who have."""
    text = visit.asked.form.get("name", "")[:TEXT_MAX]
    desk = visit.desk
    key = name_hash(desk.keyring, text)
    async with desk.reading() as connection:
        found, more = await _named(connection, visit, key) if key else ([], False)
        told = f"found {len(found)}" if found else "not found"
        await visit.note("console.search-person", f"name #{key.hex()[:8]}", told)
        if not found:
            return await search(visit.again(NOBODY_NAMED))
        if len(found) == 1 and not more:
            return visit.go(f"/console/people/{visit.seal(found[0][1].encode(), _purpose(visit))}")
        persons = [
            (await person_shown(connection, desk.keyring, *one), one[1]) for one in found
        ]
    return visit.page(
        "search.html", TITLE, by="setl_id", ways=BY, text="", institution="", rows=[], payments=[],
        asked=False, more=more,
        named=[
            (shown, visit.seal(number.encode(), _purpose(visit)))
            for shown, number in persons
            if shown is not None
        ],
    )  # fmt: skip


async def person(visit: Visit) -> Answer:
    """A person's settlements, the newest first."""
    opened = visit.unseal(visit.parts[0], _purpose(visit))
    shown: Shown | None = None
    rows: list[CaseRow] = []
    if opened is not None:
        person_no = opened.decode()
        lane = lane_of(person_no, visit.desk.lanes)
        async with visit.desk.reading() as connection:
            shown = await person_shown(connection, visit.desk.keyring, lane, person_no)
            numbers = await console_cases.cases_of_person(
                connection, visit.scope, lane, person_no, limit=LOOKED_AT_MAX
            )
            rows = await console_cases.cases(connection, visit.scope, numbers[:FOUND_MAX])
    if shown is None or (visit.scope is not None and not rows):
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.view-person", f"person {shown.person_no}")
    return visit.page("person.html", PERSON, shown=shown, rows=rows, most=FOUND_MAX)


async def _find(
    connection: PlainConnection, visit: Visit, by: str, text: str, institution: str
) -> tuple[list[int], list[int]]:
    """Numbers of settlement rows, and of payments."""
    scope = visit.scope
    if by == "setl_id":
        number = parse(text)
        lanes = visit.desk.lanes
        return ([number] if number is not None and lane_in(number) < lanes else []), []
    if by == "invoice_no":
        return await console_cases.cases_by_invoice(connection, scope, text), []
    if by == "case_no":
        treated, _, rest = text.partition("-")
        found_there = await console_regions.home_case(connection, scope, treated, text)
        ours = parse(rest) if treated == visit.desk.region else None
        here = [ours] if ours is not None and lane_in(ours) < visit.desk.lanes else []
        return here or [one.setl_id for one in found_there], []
    keys = message_keys(text, institution or scope or "")
    numbers = await console_cases.cases_by_message(connection, scope, keys)
    if by == "msgid":
        return numbers, []
    found = await console_cases.payments_by_number(connection, scope, text, limit=FOUND_MAX)
    paid = [setl_id for _, setl_id in found if setl_id is not None]
    return list(dict.fromkeys([*numbers, *paid])), [pay_no for pay_no, _ in found]


async def _named(
    connection: PlainConnection, visit: Visit, key: bytes
) -> tuple[list[tuple[int, str]], bool]:
    """Lane and number of those who have a name, within the scope; and whether there may be more."""
    most = NAMED_MAX if visit.scope is None else NAMED_LOOKED_AT_MAX
    lane = lane_of_key(key, visit.desk.lanes)
    found = await persons_named(connection, lane, key, limit=most + 1)
    ours = [one for one in found[:most] if await _is_in_scope(connection, visit, one[1])]
    return ours[:NAMED_MAX], len(found) > most or len(ours) > NAMED_MAX


async def _is_in_scope(connection: PlainConnection, visit: Visit, person_no: str) -> bool:
    """Whether an institution's finance ever had to do with this person."""
    if visit.scope is None:
        return True
    lane = lane_of(person_no, visit.desk.lanes)
    return bool(
        await console_cases.cases_of_person(
            connection, visit.scope, lane, person_no, limit=LOOKED_AT_MAX
        )
    )


def _purpose(visit: Visit) -> bytes:
    return b"person for " + visit.who.name.encode()
