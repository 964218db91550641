"""备案: what is filed for persons (转院, 慢特病, 定点, 异地就医) by kind and state, by number, and
of one person by certificate number; what waits for a clerk.

Lists name nobody and no disease: a filing's content is on its own page, and looking is audited. A
certificate number is asked by its exact keyed hash, as in a search for settlements.
"""

from __future__ import annotations

from datetime import UTC, datetime

from settlement.clock import local_time
from settlement.console.asking import Answer, redirect
from settlement.console.people import person_shown
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.keyring import LookupKind, UndecipherableError
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import lane_in, parse
from settlement.people.filing import FilingKind
from settlement.storage import console_reading as store
from settlement.storage.console_reading import FilingQuery, ShownFiling
from settlement.storage.console_search import find_person_no
from settlement.storage.matter_lists import OpenMatter, open_matters
from settlement.translate.field_names import named_fields
from settlement.usecases.filing_payloads import open_filing
from settlement.usecases.off_site_filings import SENT_BY

TITLE = Words("备案", "Filings")
OF_PERSON = Words("个人备案", "Filings of a person")
MISSING = Words("没有这笔备案", "There is no such filing")
NO_NUMBER = Words(
    "没有这个编号的备案；编号须完整。", "No filing has this number; it must be whole."
)
NO_PERSON = Words("没有此证件号码的参保人。", "Nobody has this certificate number.")
STATES = ("any", "stands", "over", "withdrawn")
SHOWN_MAX = 50
OF_PERSON_MAX = 200
WAITING_MAX = 100
TEXT_MAX = 64
OWN = ("", SENT_BY)
"""What stands in the place of an institution where a person filed."""


async def filings(visit: Visit) -> Answer:
    """By kind and state, the newest first; or to the one whose number is given."""
    query = visit.asked.query
    number = query.get("number", "").strip()[:TEXT_MAX]
    if number:
        found = parse(number)
        if found is not None and await _filing(visit, found) is not None:
            return redirect(f"/console/filings/{found}")
        visit = visit.again(NO_NUMBER)
    kind, state = query.get("kind", ""), query.get("state", "any")
    state = state if state in STATES else "any"
    kinds = tuple(one for one in FilingKind if kind in ("", str(int(one))))
    wanted = FilingQuery(kinds=kinds or tuple(FilingKind), state=state, before=_before(visit))
    today = local_time(visit.at).date()
    waiting: list[OpenMatter] = []
    async with visit.desk.reading() as connection:
        rows = await store.filings(
            connection, visit.scope, wanted, on=today, limit=SHOWN_MAX + 1
        )
        if visit.scope is None and wanted.before is None:
            waiting = await open_matters(connection, limit=WAITING_MAX + 1)
    await visit.note("console.list-filings", "filings", f"kind={kind} state={state}")
    return visit.page(
        "filings.html", TITLE, rows=rows[:SHOWN_MAX], kind=kind, state=state, number=number,
        kinds=list(FilingKind), states=STATES, today=today, more=_more(rows, state),
        waiting=waiting[:WAITING_MAX], waiting_cut=len(waiting) > WAITING_MAX,
        sent_by_persons=SENT_BY,
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def find_person(visit: Visit) -> Answer:
    """By certificate number: to the person's filings, or back to the form."""
    text = visit.asked.form.get("certificate", "").strip().upper()[:TEXT_MAX]
    desk = visit.desk
    key = desk.keyring.lookup_key(LookupKind.CERTIFICATE, text)
    async with desk.reading() as connection:
        lane = lane_of_key(key, desk.lanes)
        person_no = await find_person_no(connection, desk.shape, lane, key) if text else None
        known = person_no is not None and await _is_in_scope(visit, person_no)
    found = "found" if known else "not found"
    await visit.note("console.search-filings", f"certificate #{key.hex()[:8]}", found)
    if person_no is None or not known:
        return await filings(visit.again(NO_PERSON))
    sealed = visit.seal(person_no.encode(), _purpose(visit))
    return visit.go(f"/console/filings/of/{sealed}")


async def of_person(visit: Visit) -> Answer:
    """All filings of a person, within the scope."""
    opened = visit.unseal(visit.parts[0], _purpose(visit))
    shown, rows = None, []
    if opened is not None:
        person_no = opened.decode()
        lane = lane_of(person_no, visit.desk.lanes)
        async with visit.desk.reading() as connection:
            shown = await person_shown(connection, visit.desk.keyring, lane, person_no)
            rows = await store.filings_of_person(
                connection, visit.scope, lane, person_no, limit=OF_PERSON_MAX
            )
    if shown is None or (visit.scope is not None and not rows):
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.view-person", f"person {shown.person_no}", "filings")
    return visit.page(
        "filings_of.html", OF_PERSON, shown=shown, rows=rows, today=local_time(visit.at).date(),
        most=OF_PERSON_MAX, sent_by_persons=SENT_BY, names=await visit.desk.institution_names(),
    )  # fmt: skip


async def filing(visit: Visit) -> Answer:
    """One filing with what was sent."""
    found = await _filing(visit, int(visit.parts[0]))
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    row = found.row
    await visit.note("console.view-filing", f"filing {row.filing_no}")
    async with visit.desk.reading() as connection:
        shown = await person_shown(connection, visit.desk.keyring, row.lane, row.psn_no)
    try:
        payload = open_filing(row, visit.desk.keyring)
    except UndecipherableError:
        payload = None
    return visit.page(
        "filing.html", TITLE, filing=found, row=row, shown=shown, payload=payload,
        fields=[] if payload is None else named_fields(row.kind, payload.kept),
        state=found.state_on(local_time(visit.at).date()), own=row.institution in OWN,
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def _filing(visit: Visit, number: int) -> ShownFiling | None:
    if lane_in(number) >= visit.desk.lanes:
        return None
    async with visit.desk.reading() as connection:
        return await store.filing(connection, visit.scope, number)


async def _is_in_scope(visit: Visit, person_no: str) -> bool:
    """Whether an institution's finance ever filed anything for this person."""
    if visit.scope is None:
        return True
    lane = lane_of(person_no, visit.desk.lanes)
    async with visit.desk.reading() as connection:
        return bool(
            await store.filings_of_person(connection, visit.scope, lane, person_no, limit=1)
        )


def _before(visit: Visit) -> tuple[datetime, int] | None:
    """Where the page before ended, by its link."""
    text = visit.asked.query.get("before", "")
    micros, _, number = text.partition("-")
    if not (micros.isascii() and micros.isdecimal() and len(micros) < 18):
        return None
    last = parse(number)
    if last is None:
        return None
    seconds, rest = divmod(int(micros), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), last


def _more(rows: list[ShownFiling], state: str) -> str | None:
    """The link to the next page."""
    if len(rows) <= SHOWN_MAX:
        return None
    last = rows[SHOWN_MAX - 1]
    at = last.withdrawn_at if state == "withdrawn" else last.row.recorded_at
    if at is None:
        return None
    micros = int(at.timestamp()) * 1_000_000 + at.microsecond
    return f"{micros}-{last.row.filing_no}"


def _purpose(visit: Visit) -> bytes:
    return b"filings for " + visit.who.name.encode()
