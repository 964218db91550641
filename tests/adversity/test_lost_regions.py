"""Another region does not answer, or a process dies while it is asked; what is true comes out.

Whatever happened, the counter that sends the same message again hears what stands, nothing stays
held, nobody is settled twice, and what the region owes us is what its own book says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress

import pytest
import pytest_asyncio

from loadtest.institution_inputs import Patient
from loadtest.simulators.insured_region import Fault, Someone
from protocol.hub.messages import Kind
from settlement.elsewhere.remote_states import REVERSE_SECONDS
from settlement.elsewhere.remote_worklist import waiting
from settlement.gateway import Overloaded, Unavailable
from settlement.serve.region_cases import Listed, cases_json, cases_text
from settlement.storage import console_regions
from settlement.telemetry.metrics import METRICS
from tests.kit.counter import Message
from tests.kit.population import CLASS_B, PLAIN, some
from tests.kit.proxy import DatabaseLine
from tests.kit.proxy import Fault as LineFault
from tests.kit.reply import Reply, assert_done
from tests.kit.strangers import CHANGSHA, Elsewhere, reversal_of
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASKET = (some(PLAIN[5], 10), some(CLASS_B, 10))
UNANSWERED = (Fault.LOST, Fault.ANSWER_LOST, Fault.LATE, Fault.FORGED)
AN_HOUR = 3600


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(town: Town) -> AsyncIterator[Elsewhere]:
    """Another region, with a line to it."""
    there = Elsewhere(town, CHANGSHA)
    await there.open()
    yield there


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def in_the_end(there: Elsewhere) -> AsyncIterator[None]:
    """Once everybody answers again nothing is held, and both books say the same."""
    yield
    there.region.mend()
    await there.resolve(seconds=AN_HOUR)
    await there.resolve(seconds=AN_HOUR)
    assert await there.pending() == 0
    assert await there.owed_fen() == there.region.owes_fen


async def sale(there: Elsewhere) -> tuple[Someone, Patient, Message]:
    """Somebody from there at the pharmacy, with a basket that was not sold yet."""
    one, shown = await there.arrives()
    return one, shown, there.pharmacy.sale(shown, *BASKET)


def unclear(reply: Reply) -> None:
    """Nothing is known, and the same message is to be sent again."""
    assert (reply.err_code, reply.retry) == ("REGION_UNCLEAR", "same_msgid"), reply


@pytest.mark.parametrize("fault", UNANSWERED)
async def test_same_message_again_settles_once(there: Elsewhere, fault: Fault) -> None:
    one, _, message = await sale(there)
    there.region.fail(Kind.SETTLE, fault)
    unclear(await there.pharmacy.send(message))
    settled = await there.pharmacy.send(message)
    assert_done(settled)
    assert settled.warn_msg == ""
    again = await there.pharmacy.send(message)
    assert again.output == settled.output and again.warn_msg
    there.region.deliver_late()
    assert len(await there.rows_of(one)) == 1
    assert len([e for e in there.region.standing if e.person_no == one.person_no]) == 1


async def test_answer_that_was_lost_is_found_by_the_resolver(there: Elsewhere) -> None:
    one, _, message = await sale(there)
    there.region.fail(Kind.SETTLE, Fault.ANSWER_LOST)
    unclear(await there.pharmacy.send(message))
    await there.resolve(seconds=15)
    assert len(await there.rows_of(one)) == 1
    replayed = await there.pharmacy.send(message)
    assert_done(replayed)
    assert replayed.warn_msg


async def test_question_that_was_lost_is_reversed_at_the_deadline(there: Elsewhere) -> None:
    one, shown, message = await sale(there)
    there.region.fail(Kind.SETTLE, Fault.LATE)
    unclear(await there.pharmacy.send(message))
    other = there.pharmacy.sale(shown, some(PLAIN[1]))
    assert (await there.pharmacy.send(other)).err_code == "UNDERTAKING_OPEN"
    quote = await there.pharmacy.send(there.pharmacy.quote(shown, some(PLAIN[1])))
    assert_done(quote)
    assert "未完结" in quote.warn_msg
    await there.resolve(seconds=REVERSE_SECONDS)
    await there.resolve(seconds=REVERSE_SECONDS)
    there.region.deliver_late()  # a tombstone is there: refused, and nothing booked
    assert not await there.rows_of(one) and await there.undertaking(one) is None
    assert not [e for e in there.region.standing if e.person_no == one.person_no]
    assert_done(await there.pharmacy.send(message))
    assert len(await there.case_of(one)) == 2


async def test_answer_that_does_not_add_up_is_reversed_at_once_and_alarmed(
    there: Elsewhere,
) -> None:
    one, _, message = await sale(there)
    before = METRICS.region_alarms
    there.region.fail(Kind.SETTLE, Fault.WRONG_SUMS)
    reply = await there.pharmacy.send(message)
    assert (reply.err_code, reply.retry) == ("REGION_UNDONE", "later")
    assert METRICS.region_alarms == before + 1
    assert not await there.rows_of(one) and await there.undertaking(one) is None


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.NEVER_LEFT, "REGION_UNREACHABLE"), (Fault.REFUSED_LATER, "REGION_REFUSED_LATER")],
)
async def test_what_had_no_effect_may_be_sent_again(
    there: Elsewhere, fault: Fault, code: str
) -> None:
    one, _, message = await sale(there)
    there.region.fail(Kind.SETTLE, fault)
    reply = await there.pharmacy.send(message)
    assert (reply.err_code, reply.retry) == (code, "later")
    assert await there.undertaking(one) is None
    assert_done(await there.pharmacy.send(message))


async def test_region_that_is_down_for_an_hour_keeps_the_person_waiting_and_nobody_else(
    there: Elsewhere,
) -> None:
    one, _, message = await sale(there)
    there.region.down = True
    unclear(await there.pharmacy.send(message))
    for _ in range(4):
        await there.resolve(seconds=900)
    assert await there.undertaking(one) is not None
    assert (await there.pharmacy.send(message)).err_code == "REGION_UNCLEAR"
    ours = there.town.someone()
    assert_done(await there.town.pharmacy.sell(ours, some(PLAIN[2])))
    there.region.down = False
    await there.resolve(seconds=900)
    assert await there.undertaking(one) is None


async def test_reversal_gives_up_what_is_unclear(there: Elsewhere) -> None:
    one, shown, message = await sale(there)
    there.region.fail(Kind.SETTLE, Fault.ANSWER_LOST)
    unclear(await there.pharmacy.send(message))
    reversal = reversal_of(there.pharmacy, message, one)
    assert (await there.pharmacy.send(reversal)).infcode == 0
    assert not await there.rows_of(one) and not there.region.owes_fen - await there.owed_fen()
    assert (await there.pharmacy.send(reversal)).infcode == 0
    assert (await there.pharmacy.send(message)).err_code == "MESSAGE_REVERSED"
    assert_done(await there.pharmacy.sell(shown, some(PLAIN[1])))


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.ANSWER_LOST])
async def test_reversal_without_an_answer_is_repeated_by_the_resolver(
    there: Elsewhere, fault: Fault
) -> None:
    one, _, message = await sale(there)
    assert_done(await there.pharmacy.send(message))
    reversal = reversal_of(there.pharmacy, message, one)
    there.region.fail(Kind.REVERSE, fault)
    unclear(await there.pharmacy.send(reversal))
    await there.resolve(seconds=30)
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 3]
    assert (await there.pharmacy.send(reversal)).infcode == 0


async def test_reversal_that_its_region_refuses_leaves_the_settlement(there: Elsewhere) -> None:
    one, _, message = await sale(there)
    assert_done(await there.pharmacy.send(message))
    there.region.fail(Kind.REVERSE, Fault.REFUSED)
    reply = await there.pharmacy.send(reversal_of(there.pharmacy, message, one))
    assert reply.err_code == "REGION_REFUSED"
    assert len(await there.rows_of(one)) == 1 and await there.undertaking(one) is None


@pytest.mark.parametrize("fault", UNANSWERED)
async def test_cancel_without_an_answer_is_asked_again_under_its_number(
    there: Elsewhere, fault: Fault
) -> None:
    one, _, message = await sale(there)
    sold = await there.pharmacy.send(message)
    cancel = there.pharmacy.cancel(sold)
    there.region.fail(Kind.CANCEL, fault)
    unclear(await there.pharmacy.send(cancel))
    assert (await there.pharmacy.send(there.pharmacy.cancel(sold))).err_code == "UNDERTAKING_OPEN"
    cancelled = await there.pharmacy.send(cancel)
    assert_done(cancelled)
    assert (await there.pharmacy.send(cancel)).output == cancelled.output
    there.region.deliver_late()
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 2]
    numbers = {c for kind, c, q in there.region.asked if kind is Kind.CANCEL and _is_of(q, sold)}
    assert len(numbers) == 1


def _is_of(question: object, sold: Reply) -> bool:
    return str(getattr(question, "case_no", "")).endswith(sold.setl_id)


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.NEVER_LEFT, "REGION_UNREACHABLE"), (Fault.REFUSED, "REGION_REFUSED")],
)
async def test_cancel_that_is_refused_leaves_the_settlement(
    there: Elsewhere, fault: Fault, code: str
) -> None:
    one, _, message = await sale(there)
    sold = await there.pharmacy.send(message)
    there.region.fail(Kind.CANCEL, fault)
    reply = await there.pharmacy.send(there.pharmacy.cancel(sold))
    assert reply.err_code == code
    assert len(await there.rows_of(one)) == 1 and await there.undertaking(one) is None
    assert_done(await there.pharmacy.send(there.pharmacy.cancel(sold)))


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.HANGS_AFTER])
@pytest.mark.parametrize("resent", [True, False])
@pytest.mark.parametrize("kind", [Kind.SETTLE, Kind.CANCEL, Kind.REVERSE])
async def test_process_dies_while_it_waits(
    there: Elsewhere, kind: Kind, fault: Fault, *, resent: bool
) -> None:
    one, _, sold, message = await prepared(there, kind)
    there.region.fail(kind, fault)
    there.region.hanging.clear()
    waiting = asyncio.ensure_future(there.pharmacy.send(message))
    await there.region.hanging.wait()
    await abandoned(there, waiting)
    await went_on(there, one, sold, message, kind, resent=resent)


@pytest.mark.parametrize("fault", list(LineFault))
@pytest.mark.parametrize("batch", [0, 1])
@pytest.mark.parametrize("resent", [True, False])
@pytest.mark.parametrize("kind", [Kind.SETTLE, Kind.CANCEL, Kind.REVERSE])
async def test_process_dies_around_a_commit(
    there: Elsewhere, line: DatabaseLine, kind: Kind, fault: LineFault, batch: int, *,
    resent: bool,
) -> None:  # fmt: skip
    one, _, sold, message = await prepared(there, kind)
    there.stand_at(await there.town.start_service(hub=there.region, dsn=line.dsn))
    line.break_at_next_batch(fault, away=True, after=batch)
    waiting = asyncio.ensure_future(there.pharmacy.send(message))
    await line.broken.wait()
    await abandoned(there, waiting)
    await line.open()
    await went_on(there, one, sold, message, kind, resent=resent)


async def prepared(
    there: Elsewhere, kind: Kind
) -> tuple[Someone, Patient, Reply | None, Message]:
    """What a process is going to die over: a sale, its cancel, or its reversal."""
    one, shown, message = await sale(there)
    if kind is Kind.SETTLE:
        return one, shown, None, message
    sold = await there.pharmacy.send(message)
    assert_done(sold)
    undo = (
        there.pharmacy.cancel(sold)
        if kind is Kind.CANCEL
        else reversal_of(there.pharmacy, message, one)
    )
    return one, shown, sold, undo


async def abandoned(there: Elsewhere, waiting: Awaitable[Reply]) -> None:
    """The process is gone with all that it had under way; another takes its place."""
    await there.restart()
    task = asyncio.ensure_future(waiting)
    task.cancel()
    with suppress(asyncio.CancelledError, Unavailable, Overloaded):
        await task


async def went_on(
    there: Elsewhere, one: Someone, sold: Reply | None, message: Message, kind: Kind, *,
    resent: bool,
) -> None:  # fmt: skip
    """Sent again it is done, once. Left alone it comes to an end that both sides know."""
    if resent:
        reply = await there.pharmacy.send(message)
        assert reply.infcode == 0, reply
    await there.resolve(seconds=AN_HOUR)
    await there.resolve(seconds=AN_HOUR)
    kinds = [row["kind"] for row in await there.rows_of(one)]
    undone = {Kind.CANCEL: [1, 2], Kind.REVERSE: [1, 3]}
    expected = [1] if kind is Kind.SETTLE else undone[kind]
    if resent:
        assert kinds == expected
    else:
        assert kinds in ([], [1], expected)
    assert await there.undertaking(one) is None
    standing = [e for e in there.region.standing if e.person_no == one.person_no]
    assert len(standing) == (kinds == [1])


async def test_an_open_case_is_on_the_operators_list_until_its_end(there: Elsewhere) -> None:
    one, _, message = await sale(there)
    there.region.fail(Kind.SETTLE, Fault.LOST)
    assert (await there.pharmacy.send(message)).err_code == "REGION_UNCLEAR"
    owner, at = there.town.owner, there.town.clock()
    (found,) = await console_regions.cases_open(owner, None, CHANGSHA, limit=9)
    text = cases_text(Listed(cases=[waiting(found, at)], total=1, goes_on=False), at)
    assert "--after" not in text
    cut = Listed(cases=[waiting(found, at)], total=3, goes_on=True)
    assert f"--after {found.case_no}" in cases_text(cut, at)
    assert f'"next_after":"{found.case_no}"' in cases_json(cut)
    assert await console_regions.cases_open_count(owner, None, CHANGSHA) == 1
    rest = await console_regions.cases_open(owner, None, None, after=found.case_no, limit=9)
    assert rest == [], "nothing comes after the last"
    assert found.msgid == message.msgid and str(found.case_no) in text
    assert "参保地未答复，可能已结算" in text and "2601" in text
    assert one.name not in text and one.certificate_no not in text
    assert await console_regions.cases_open(owner, None, "440100", limit=9) == []
    assert await console_regions.cases_open(owner, "H0", None, limit=9) == [], "not theirs"
    there.region.mend()
    await there.resolve(seconds=AN_HOUR)
    await there.resolve(seconds=AN_HOUR)
    assert await console_regions.cases_open(owner, None, None, limit=9) == []
    ended = await console_regions.remote_case(owner, None, found.case_no)
    assert ended is not None and waiting(ended, at).advice is None
