"""After a load: is the client's book the ledger, and are the simulators' books? Else it is void.

Three books and the chains; five where people of another region came. Every settlement that was
answered is booked once, as it was answered, and nothing else is; the ledger's accounts of each
institution and each person add up to the book; every payment that a channel kept is one that a till
was told of, and the ledger has as much there; what another region owes is the same in the client's
book, both ledgers and at the hub; `settlement verify` recomputes all hash chains.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from loadtest import attach
from loadtest.attach import Clearing
from loadtest.books import Amounts, Row, Sums, compare_sums
from loadtest.drills.audit import Findings, payments_of
from loadtest.drills.hub_director import HubSays
from loadtest.drills.orders import CHANNELS
from loadtest.drills.region_audit import OWED, owed_by_book
from loadtest.drills.simulators import ChannelBooks, read_books
from loadtest.drills.two_regions import OURS, THEIRS
from loadtest.load.book import Line, What, mark_of, read_book
from loadtest.server import Verdict

NAMED_MAX = 20
OPEN_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.5


class Before(Struct, frozen=True, kw_only=True):
    """What the ledger had before the load."""

    balances_fen: Mapping[str, int]
    """of personal accounts"""


class Elsewhere(Struct, frozen=True, kw_only=True):
    """What the region of strangers and the hub have."""

    data_dir: Path
    hub: HubSays
    verdict: Verdict


class Audited(Struct, frozen=True, kw_only=True):
    """What came out."""

    findings: Findings
    verdict: Verdict
    lines: Mapping[str, int]
    """of the client's book, by what they say"""
    acknowledged_fen: int
    paid_by_fen: Mapping[str, int]
    """fund, account, cash and channels, of all that was answered"""
    refusals: Mapping[str, int]

    @property
    def is_clean(self) -> bool:
        """All books say the same, and the chains verify."""
        return self.findings.clean and self.verdict.ok

    @property
    def settled(self) -> int:
        """Settlements that were answered."""
        return self.lines.get(What.SETTLED, 0)


class Told(Struct):
    """The client's book, added up."""

    lines: Counter[str]
    marks: set[int]
    sums: Sums
    kept_fen: dict[tuple[str, str], int]
    """by channel and its reference"""
    refusals: Counter[str]
    paid_by_fen: Counter[str]
    owed_fen: Counter[tuple[str, str]]
    """by region of insurance, `fund` and `account`"""
    acknowledged_fen: int = 0


def unaudited(why: str) -> Audited:
    """No audit was possible, so nothing is known of the run."""
    return Audited(
        findings=Findings(unresolved=[f"the books could not be compared: {why}"]), lines={},
        verdict=Verdict(ok=False, journals=0, entries=0, first_bad="not verified"),
        acknowledged_fen=0, paid_by_fen={}, refusals={},
    )  # fmt: skip


async def remember(data_dir: Path) -> Before:
    """To be called before the load. Raises AttachError."""
    return Before(balances_fen=await attach.read_person_balances(data_dir))


async def audit(
    data_dir: Path, book: Path, before: Before, simulators: Mapping[str, str], verdict: Verdict,
    *, elsewhere: Elsewhere | None = None,
) -> Audited:  # fmt: skip
    """After the load, when nobody sends any more. Raises AttachError."""
    findings = Findings()
    still_open = await _until_nothing_is_open(data_dir)
    if still_open:
        findings.unresolved.append(f"{still_open} payments are open after {OPEN_SECONDS_MAX:.0f} s")
    told = add_up(read_book(book), findings)
    await compare_rows(told.marks, attach.read_every_row(data_dir), book, findings)
    institutions = await attach.read_institution_books(data_dir, sorted(told.sums.funds))
    after = await attach.read_person_balances(data_dir)
    spent = {
        psn_no: balance - after.get(psn_no, 0)
        for psn_no, balance in before.balances_fen.items()
        if balance != after.get(psn_no, 0)
    }
    findings.differences += compare_sums(told.sums, institutions, spent)[:NAMED_MAX]
    unbalanced = await attach.read_trial_balance(data_dir)
    findings.differences += [
        f"the book of {owner} does not balance, by {fen} fen" for owner, fen in unbalanced.items()
    ]
    urls = {name: simulators[name] for name in CHANNELS if name in simulators}
    if urls:
        books = await asyncio.to_thread(read_books, urls)
        compare_channels(told.kept_fen, books, await attach.read_clearing(data_dir), findings)
    if elsewhere is not None:
        findings.differences += await _of_regions(data_dir, told, elsewhere)
    if not verdict.ok:
        findings.differences.append(f"the chains do not verify: {verdict.first_bad}")
    return Audited(
        findings=findings, verdict=verdict, lines=dict(told.lines),
        acknowledged_fen=told.acknowledged_fen, paid_by_fen=dict(told.paid_by_fen),
        refusals=dict(told.refusals),
    )  # fmt: skip


def add_up(lines: Iterable[Line], findings: Findings) -> Told:
    """The book in sums and marks; what is unknown, wrong or twice in it is a finding."""
    told = Told(
        lines=Counter(), marks=set(), sums=Sums(), kept_fen={}, refusals=Counter(),
        paid_by_fen=Counter(), owed_fen=Counter(),
    )  # fmt: skip
    for line in lines:
        told.lines[line.what.value] += 1
        named = f"{line.institution} {line.msgid}"
        match line.what:
            case What.UNKNOWN:
                _add(findings.unresolved, f"{named}: {line.said}")
            case What.WRONG:
                _add(findings.differences, f"{named}: {line.said}")
            case What.REFUSED:
                told.refusals[line.said[:80]] += 1
            case What.SETTLED | What.UNDONE:
                _moved(told, line, named, findings)
    return told


def _moved(told: Told, line: Line, named: str, findings: Findings) -> None:
    if line.mark in told.marks:
        _add(findings.doubled, f"{named}: {line.setl_id or line.undoes} was answered twice")
    told.marks.add(line.mark)
    amounts = Amounts(line.total_fen, line.fund_fen, line.account_fen, line.cash_fen)
    told.sums.add(
        line.institution, "" if line.insured_in else line.psn_no, amounts, channel=line.channel
    )
    if line.insured_in:
        told.owed_fen[line.insured_in, "fund"] += line.fund_fen
        told.owed_fen[line.insured_in, "account"] += line.account_fen
    told.paid_by_fen["fund"] += line.fund_fen
    told.paid_by_fen["account"] += line.account_fen
    told.paid_by_fen[line.channel or "cash"] += line.cash_fen
    if line.what is What.SETTLED:
        told.acknowledged_fen += line.total_fen
    if line.channel:
        key = line.channel, line.reference
        told.kept_fen[key] = told.kept_fen.get(key, 0) + line.cash_fen


async def compare_rows(
    marks: set[int], rows: AsyncIterable[Row], book: Path, findings: Findings
) -> None:
    """Every row is one that was answered, and every answer is a row."""
    missing = set(marks)
    async for row in rows:
        mark = _mark_of_row(row)
        if mark in missing:
            missing.remove(mark)
            continue
        how = "twice" if mark in marks else "though it was never answered so"
        _add(findings.doubled, f"{row.institution} {row.msgid}: {row.setl_id} is booked {how}")
    if not missing:
        return
    for line in read_book(book):  # once more, to name them
        if line.moves and line.mark in missing:
            _add(
                findings.lost,
                f"{line.institution} {line.msgid}: {line.setl_id or line.undoes} was answered, "
                "and is not booked so",
            )
    if len(missing) > NAMED_MAX:
        findings.lost.append(f"{len(missing)} answers are not booked, altogether")


async def _of_regions(data_dir: Path, told: Told, elsewhere: Elsewhere) -> list[str]:
    """What each book has of what a region owes this one."""
    texts = []
    if not elsewhere.verdict.ok:
        texts.append(f"the other region's chains do not verify: {elsewhere.verdict.first_bad}")
    ledgers = {
        OURS: await attach.read_region_balances(data_dir),
        THEIRS: await attach.read_region_balances(elsewhere.data_dir),
    }
    for what in OWED:
        counters = told.owed_fen[THEIRS, what]
        by_book = owed_by_book(what, OURS, THEIRS, counters, elsewhere.hub, ledgers)
        if len(set(by_book.values())) > 1:
            shown = ", ".join(f"{book} {fen}" for book, fen in by_book.items())
            texts.append(f"{what}s that {THEIRS} owes {OURS}, in fen: {shown}")
    return texts


def compare_channels(
    told_fen: Mapping[tuple[str, str], int], books: Mapping[str, ChannelBooks], ledger: Clearing,
    findings: Findings,
) -> None:  # fmt: skip
    """What each channel keeps is what tills were told, payment by payment, and what the ledger has
    there."""
    for name, book in books.items():
        kept_fen = ledger.kept_fen.get(name, 0)
        if kept_fen != book.net_fen:
            findings.differences.append(
                f"{name}: the ledger has {kept_fen} fen, its book {book.net_fen}"
            )
        payments = payments_of(name, book.entries)
        references = {one for channel, one in told_fen if channel == name} | set(payments)
        for reference in sorted(references):
            payment = payments.get(reference)
            theirs = 0 if payment is None else payment.kept_fen
            ours = told_fen.get((name, reference), 0)
            if theirs != ours:
                _add(
                    findings.differences,
                    f"{name} {reference}: it keeps {theirs} fen, the tills know of {ours}",
                )
    if ledger.collecting_fen:
        findings.differences.append(f"{ledger.collecting_fen} fen are still to be collected")


def _mark_of_row(row: Row) -> int:
    one = row.amounts
    amounts = (one.total_fen, one.fund_fen, one.account_fen, one.cash_fen)
    return mark_of(row.institution, row.msgid, row.setl_id, row.undoes, amounts)


def _add(texts: list[str], text: str) -> None:
    """The first few are enough for people; that there is one is enough for the verdict."""
    if len(texts) < NAMED_MAX:
        texts.append(text)


async def _until_nothing_is_open(data_dir: Path) -> int:
    until = time.monotonic() + OPEN_SECONDS_MAX
    while True:
        still_open, _ = await attach.read_open_payments(data_dir)
        if not still_open or time.monotonic() > until:
            return still_open
        await asyncio.sleep(LOOK_SECONDS)
