"""A month between two real regions whose papers go over the wire: what is lost is handed over
again, what cannot stand is put aside with the reason, and both books end at zero.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus

import pytest
from msgspec.structs import replace

from loadtest.simulators.hub import Passed, at_door
from loadtest.simulators.hub_faults import Fault, Faults, Rule
from protocol.hub.clearing import ClearingNotice, ClearingRow, ClearingStatement
from protocol.hub.messages import (
    KIND_UNKNOWN,
    PAPERS,
    PART_BYTES_MAX,
    Kind,
    PaperAsked,
    PaperState,
    PaperTold,
    Question,
    Refused,
    Told,
)
from settlement.elsewhere.regional_clearing import Mark, Side, State
from settlement.elsewhere.regional_statements import make_statement
from settlement.embedded.services import Services
from settlement.region.hub import HubDesk
from settlement.said import Said
from settlement.serve import regional_papers as papers
from settlement.serve import regional_paying as paying
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_desk import Named, acting_on
from settlement.serve.regional_marks import mark_cases
from settlement.serve.regional_periods import Found, the_period
from settlement.serve.regional_stating import content_of, state, statement_of
from settlement.serve.regional_taking import Sent, take
from settlement.storage import regional_papers as store
from settlement.storage.errors import DatabaseRefusedError
from settlement.telemetry.metrics import METRICS
from settlement.who import Who
from tests.acceptance.test_clearing_between_two import (
    CHEN,
    LIN,
    MONTH,
    OWED_TO_US,
    WE_OWE,
    books,
    done,
    fen,
    move_to,
    treated,
)
from tests.acceptance.test_regional_round import round_of
from tests.kit.pair import OTHER, OURS, Pair, a_pair

PARTY = {OURS: f"{OURS[:2]}0000", OTHER: f"{OTHER[:2]}0000"}
SIDE = {OURS: Side.TREATMENT, OTHER: Side.INSURANCE}
"""Of the month here: we treated, they insure."""


def named(region: str) -> Named:
    """The month in a region's books."""
    return Named(month=MONTH, party=PARTY[OTHER if region == OURS else OURS], side=SIDE[region])


async def period(pair: Pair, region: str) -> Found:
    """As it stands."""
    which = named(region)
    found = await the_period(await books(pair, region), which.party, MONTH, which.side)
    assert isinstance(found, Found), found
    return found


async def sent(pair: Pair, region: str) -> str:
    """The papers of the month are put into the box."""

    async def act(b: RegionalBooks, f: Found) -> Said:
        return await papers.send(b, f, CHEN)

    said = await acting_on(await books(pair, region), named(region), act)
    done(said)
    return said.text


async def works(pair: Pair, *regions: str) -> None:
    """The loops of these servers go round, one after the other; six minutes pass."""
    for region in regions:
        await round_of(pair, region).step(pair.towns[region].owner)
    await pair.advance(360)


async def marked(pair: Pair, mark: Mark, case_no: str) -> None:
    """The other side says something of a case."""

    async def act(b: RegionalBooks, f: Found) -> Said:
        return await mark_cases(b, f, mark, [case_no], months=0, who=CHEN)

    done(await acting_on(await books(pair, OTHER), named(OTHER), act))


async def paid(pair: Pair, owed_fen: int) -> None:
    """The other side has its notice; then the money moves on both sides."""

    async def confirm(b: RegionalBooks, f: Found) -> Said:
        return await paying.confirm(b, f, CHEN)

    async def notify(b: RegionalBooks, f: Found) -> Said:
        return await paying.notify(b, f, "GJ-1", owed_fen, CHEN)

    async def propose(b: RegionalBooks, f: Found) -> Said:
        return await paying.propose(b, f, "V1", CHEN)

    async def settle(b: RegionalBooks, f: Found) -> Said:
        return await paying.settle(b, f, "V1", LIN)

    async def close(b: RegionalBooks, f: Found) -> Said:
        return await paying.close(b, f, CHEN)

    for act in (confirm, notify):
        done(await acting_on(await books(pair, OTHER), named(OTHER), act))
    assert "notice" in await sent(pair, OTHER)
    # The answer first: the notice is about what it confirmed.
    await works(pair, OTHER, OURS, OTHER, OURS)
    assert (await period(pair, OURS)).now.state is State.NOTIFIED
    for region in (OTHER, OURS):
        for act in (propose, settle, close):
            done(await acting_on(await books(pair, region), named(region), act))


async def handed(pair: Pair, kind: Kind, content: bytes, **changes: object) -> PaperTold:
    """We hand a paper over, whatever it says, in one part."""
    asked = PaperAsked(
        number=f"{OURS}-x", digest=sha256(content).hexdigest(), part=1, parts=1, content=content
    )
    told = await pair.regions[OURS].line.ask(
        OTHER, kind, replace(asked, **changes), correlation=f"t-{pair.clock():%H%M%S%f}",
        seconds=10,
    )  # fmt: skip
    assert isinstance(told, PaperTold), told
    await pair.clock.advance(1)
    return told


async def refusals(pair: Pair) -> dict[str, str]:
    """What the other side put aside, by number."""
    rows = await store.papers(pair.towns[OTHER].owner, limit=100)
    return {
        one.number: one.end.said for one in rows if one.end is not None and not one.end.taken
    }


async def audited(pair: Pair) -> int:
    """How often the other side refused one, by its audit."""
    times: int = await pair.towns[OTHER].owner.fetchval(
        "select count(*) from settlement.audit where action = 'clearing-file-refused'"
    )
    return times


def statement(number: str, **changes: object) -> ClearingStatement:
    """A statement of one row that nobody knows."""
    row = ClearingRow(
        case_no=f"{OURS}-9", reversal=False, insured_region=OTHER, institution="H1",
        clearing_type="9903", scheme="390", settled_on=MONTH, total_fen=100, fund_fen=50,
        account_fen=10,
    )  # fmt: skip
    made = make_statement(
        [row], statement_no=number, month=MONTH, creditor=OURS, debtor=PARTY[OTHER],
        stated_at=datetime.fromisoformat("2026-12-01T09:00:00+08:00"),
    )  # fmt: skip
    return replace(made, **changes)


async def test_a_month_is_cleared_by_papers_that_go_over_the_wire(services: Services) -> None:
    async with a_pair(
        services, begins=datetime(2026, 11, 23, 9), faults=Faults(), ahead_seconds=(20.0, -20.0)
    ) as pair:
        for one in pair.towns[OTHER].people(2):
            await treated(pair, one, OURS)
        await move_to(pair, datetime(2026, 12, 8, 4))
        owed_fen = await fen(pair, OURS, OWED_TO_US)
        done(await state(await books(pair, OURS), MONTH, PARTY[OTHER], CHEN, None))
        number = f"{OURS}-{PARTY[OTHER]}-{MONTH:%Y%m}"
        assert number in await sent(pair, OURS)
        assert "sent before" in await sent(pair, OURS), "sent again it is the same"

        await a_paper_that_is_not_known_there_rests_until_it_is_sent_again(pair)
        pair.hub.take_down(OTHER, 3600)
        await works(pair, OURS, OTHER)
        assert await store.papers(pair.towns[OTHER].owner, limit=9) == []
        pair.hub.take_down(OTHER, 0)
        await works(pair, OURS)
        (kept,) = await store.papers(pair.towns[OTHER].owner, limit=9)
        made = content_of(await statement_of(await books(pair, OURS), await period(pair, OURS)))
        assert (kept.number, kept.digest) == (number, sha256(made).hexdigest())
        assert kept.whole and kept.end is None
        (ours,) = await store.papers(pair.towns[OURS].owner, open_of=True, limit=9)
        assert ours.digest == kept.digest, "it is not known yet what becomes of it"

        await works(pair, OTHER, OURS)
        assert await store.papers(pair.towns[OURS].owner, open_of=True, limit=9) == []
        assert (await period(pair, OTHER)).now.state is State.STATED
        assert await fen(pair, OTHER, WE_OWE) == owed_fen, "taking books nothing"

        row = (await statement_of(await books(pair, OURS), await period(pair, OURS))).rows[0]
        for mark, now in ((Mark.OBJECTED, State.OBJECTED), (Mark.WITHDRAWN, State.STATED)):
            await marked(pair, mark, row.case_no)
            await sent(pair, OTHER)
            await works(pair, OTHER, OURS, OTHER)
            assert (await period(pair, OURS)).now.state is now
        await paid(pair, owed_fen)
        for region in (OURS, OTHER):
            assert await fen(pair, region, OWED_TO_US + WE_OWE) == 0
            assert (await period(pair, region)).now.state is State.CLOSED
        said = (await papers.listed(await books(pair, OURS))).text
        assert said.count("已接收") == len(said.splitlines()) == 5, said  # what rested, too
        await a_paper_that_cannot_stand_is_put_aside(pair, number)


class OlderDesk:
    """Of a program that knows no papers: it answers everything else."""

    def __init__(self, desk: HubDesk) -> None:
        self._desk = desk

    async def answer(self, origin: str, kind: Kind, question: Question) -> Told | Refused:
        """See the port."""
        if kind in PAPERS:
            return Refused(code=KIND_UNKNOWN, text="不受理。")
        return await self._desk.answer(origin, kind, question)


async def a_paper_that_is_not_known_there_rests_until_it_is_sent_again(pair: Pair) -> None:
    """By a signed refusal at once; by what anybody may say only when it is said again and again."""
    theirs, owner = pair.regions[OTHER], pair.towns[OURS].owner
    desk, door = theirs.desk, at_door(theirs.door)
    assert desk is not None
    theirs.desk = OlderDesk(desk)
    before = dict(METRICS.papers_refused)
    await works(pair, OURS, OURS)
    (paper,) = await store.papers(owner, limit=9)
    assert paper.end is None and paper.rests is not None
    assert await store.papers(owner, open_of=True, limit=9) == [], "nobody is asked any more"
    assert METRICS.papers_refused["ours",] == before["ours",] + 1
    said = (await papers.listed(await books(pair, OURS))).text
    assert "未送达：对方程序不识别此类文件" in said and "give it as a file" in said
    theirs.desk = desk

    assert "to be sent again" in await sent(pair, OURS)
    assert "sent before" in await sent(pair, OURS)

    async def takes_none(_message: bytes) -> Passed:
        return Passed(HTTPStatus.BAD_REQUEST)

    pair.hub.connect(OTHER, takes_none)
    loop = round_of(pair, OURS)
    for times in (1, 2, 3):
        (paper,) = await store.papers(owner, open_of=True, limit=9)
        assert paper.rests is None, times
        await loop.step(owner)
        await pair.advance(360)
    (paper,) = await store.papers(owner, limit=9)
    assert "HTTP 400" in (paper.rests or "")
    pair.hub.connect(OTHER, door)
    assert "to be sent again" in await sent(pair, OURS)


async def a_paper_that_cannot_stand_is_put_aside(pair: Pair, number: str) -> None:
    """Refused with the reason, in the audit, and nothing of the month is changed."""
    steps = {region: (await period(pair, region)).steps for region in (OURS, OTHER)}
    closed = statement(f"{OURS}-closed")
    notice = ClearingNotice(
        notice_no="GJ-2", statement_no=number, month=f"{MONTH:%Y-%m}", creditor=OURS,
        debtor=PARTY[OTHER], payer=PARTY[OTHER], amount_fen=1, notified_at=closed.stated_at,
    )  # fmt: skip
    bad: tuple[tuple[str, Kind, bytes, str], ...] = (
        ("sum", Kind.STATEMENT, content_of(statement(f"{OURS}-sum", fund_fen=51)),
         "合计与明细不等"),
        ("closed", Kind.STATEMENT, content_of(closed), "it is closed"),
        ("theirs", Kind.STATEMENT,
         content_of(statement(f"{OTHER}-theirs", creditor=OTHER)), "whose it is not"),
        ("kind", Kind.ANSWER, content_of(closed), "of another kind"),
        ("noise", Kind.STATEMENT, b"{}", "no clearing file"),
        ("huge", Kind.STATEMENT, content_of(statement(f"{OURS}-huge", fund_fen=10**19)),
         "no clearing file"),
        ("nul", Kind.STATEMENT, content_of(statement(f"{OURS}-nul\0")), "NUL"),
        ("notice", Kind.NOTICE, content_of(notice), "another sum than our notice"),
    )  # fmt: skip
    for name, kind, content, _ in bad:
        told = await handed(pair, kind, content, number=f"{OURS}-{name}")
        assert told.state is PaperState.KEPT
    await handed(pair, Kind.STATEMENT, b"[1]", number=number)
    await handed(pair, Kind.STATEMENT, b"[2]", number=f"{OURS}-digest", digest="0" * 64)
    await handed(pair, Kind.STATEMENT, b"1", number=f"{OURS}-half", parts=2)

    refused = METRICS.papers_refused["theirs",]
    await works(pair, OTHER)
    put_aside = await refusals(pair)
    for name, _, _, why in bad:
        assert why in put_aside[f"{OURS}-{name}"], put_aside
    assert "came with other content before" in put_aside[number]
    assert "not those of its digest" in put_aside[f"{OURS}-digest"]
    assert len(put_aside) == len(bad) + 2, "what is not whole waits"
    again = await handed(pair, Kind.STATEMENT, bad[0][2], number=f"{OURS}-sum")
    assert again.state is PaperState.REFUSED
    assert "合计与明细不等" in again.text
    assert await audited(pair) == len(put_aside)
    assert METRICS.papers_refused["theirs",] - refused == len(put_aside)
    assert steps == {region: (await period(pair, region)).steps for region in (OURS, OTHER)}


async def test_whatever_becomes_of_its_messages_a_paper_is_decided_on_once(
    services: Services,
) -> None:
    async with a_pair(
        services, begins=datetime(2026, 12, 8, 4), faults=Faults(), ahead_seconds=(0.0, 0.0)
    ) as pair:
        ours = await books(pair, OURS)
        for fault in Fault:
            number = f"{OURS}-{fault.value.replace('_', '-')}"
            content = content_of(statement(number, fund_fen=51))
            paper = store.Paper(
                lane=ours.lane_of(OTHER), region=OTHER, sent=True, kind=Kind.STATEMENT,
                number=number, digest=sha256(content).hexdigest(),
            )  # fmt: skip
            await store.keep_part(ours.connection, paper, 1, 1, content, pair.clock())
            # The first message of a paper is that which is kept, the second asks.
            pair.hub.faults.add(Rule(fault=fault, kind=Kind.STATEMENT, times=2))
            for _ in range(6):
                await papers.hand_over(ours, pair.regions[OURS].line)
                await pair.clock.advance(120)
                await papers.decide(await books(pair, OTHER))
            end = await store.end_of(ours.connection, paper)
            assert end is not None and "合计与明细不等" in end.said, fault
        assert set(pair.hub.faults.happened) == set(Fault)
        assert len(await refusals(pair)) == await audited(pair) == len(Fault)


async def test_a_paper_at_which_our_program_fails_stops_no_other(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put aside, as one that cannot be read; where the database failed it is taken later."""
    fails = {f"{OURS}-1": ValueError("ours"), f"{OURS}-3": DatabaseRefusedError("theirs")}

    async def taken(b: RegionalBooks, month: date, sent: Sent, who: Who) -> Said:
        if sent.name in fails:
            raise fails[sent.name]
        return await take(b, month, sent, who)

    monkeypatch.setattr(papers, "take", taken)
    async with a_pair(
        services, begins=datetime(2026, 12, 8, 4), faults=Faults(), ahead_seconds=(0.0, 0.0)
    ) as pair:
        for place in range(1, 5):
            number = f"{OURS}-{place}"
            content = content_of(statement(number, fund_fen=51))
            await handed(pair, Kind.STATEMENT, content, number=number)
        failures = METRICS.background_failures
        assert await papers.decide(await books(pair, OTHER)) == 2
        put_aside = await refusals(pair)
        assert "the receiver's program failed at it" in put_aside[f"{OURS}-1"]
        assert "合计与明细不等" in put_aside[f"{OURS}-2"]
        assert len(put_aside) == await audited(pair) == 2, "what comes behind the third waits"
        assert METRICS.background_failures == failures + 1

        fails.clear()
        assert await papers.decide(await books(pair, OTHER)) == 2
        assert len(await refusals(pair)) == await audited(pair) == 4


async def test_a_paper_of_several_parts_is_taken_when_the_last_one_is_there(
    services: Services,
) -> None:
    async with a_pair(
        services, begins=datetime(2026, 12, 8, 4), faults=Faults(), ahead_seconds=(0.0, 0.0)
    ) as pair:
        row = statement("x").rows[0]
        rows = [replace(row, case_no=f"{OURS}-{n:040}") for n in range(2_000)]
        number = f"{OURS}-long"
        long = content_of(
            make_statement(
                rows, statement_no=number, month=MONTH, creditor=OURS, debtor=PARTY[OTHER],
                stated_at=pair.clock() - timedelta(days=1),
            )
        )  # fmt: skip
        parts = [long[at : at + PART_BYTES_MAX] for at in range(0, len(long), PART_BYTES_MAX)]
        assert len(parts) > 1
        digest = sha256(long).hexdigest()
        for place in reversed(range(len(parts))):
            await works(pair, OTHER)
            told = await handed(
                pair, Kind.STATEMENT, parts[place], number=number, digest=digest, part=place + 1,
                parts=len(parts),
            )  # fmt: skip
            assert told.state is PaperState.KEPT
        await works(pair, OTHER)
        told = await handed(
            pair, Kind.STATEMENT, parts[0], number=number, digest=digest, parts=len(parts)
        )
        assert told.state is PaperState.TAKEN
        found = await period(pair, OTHER)
        assert found.now.state is State.OBJECTED, "rows that they do not have are disputed at once"
        assert found.steps[0].legs == 2_000
