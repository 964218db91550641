"""Drug trace codes of a pharmacy's sales, as a region may look at them."""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.policy import loader
from settlement.policy.loader import PolicySet, parse_policies
from settlement.serve.traces import traces_json, traces_table
from settlement.storage.traces import repeated_traces
from tests.kit import population
from tests.kit.cashier import Cashier
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, CLASS_B, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET
from tests.kit.town import Town
from tests.kit.ward import admit, cost

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = "input.drugdetail[0].durg_trac_info"


def policies(*lines: str) -> PolicySet:
    """The shipped policies in a region that looks at trace codes."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_text("utf-8") for path in shelf.glob("*.toml")}
    files["441900.toml"] += "\n[drug_trace]\n" + "\n".join(lines) + "\n"
    return parse_policies({name: text.encode() for name, text in files.items()})


def traced(town: Town, *codes: str, split: bool = False, infno: str = "2102") -> Message:
    """A sale of one item with these codes."""
    message = town.pharmacy.sale(town.someone(), some(CLASS_A), infno=infno)
    nodes = [
        {"feedetl_sn": "1", "drug_trac_codg": code, "trdn_flag": "1" if split else "0"}
        for code in codes
    ]
    return message.edited({AT: nodes})


async def test_by_default_codes_are_only_kept(town: Town) -> None:
    await town.restart()
    for _ in range(2):
        reply = await town.pharmacy.send(traced(town, "T0"))
        assert_done(reply)
        assert reply.warn_msg == ""
    assert "T0" in await town.detail_of(reply)
    assert await town.owner.fetchval("select count(*) from settlement.drug_trace") == 0


async def test_code_may_be_required(town: Town) -> None:
    await town.restart(policies('trace_required = "refuse"'))
    for infno in ("2101", "2102"):
        bare = town.pharmacy.sale(town.someone(), some(CLASS_A), infno=infno)
        reply = await town.pharmacy.send(bare)
        assert_refused(reply, "TRACE_MISSING", field=AT, mentions="明细1")
    assert_done(await town.pharmacy.send(traced(town, "T1")))
    assert_done(await town.pharmacy.send(traced(town, "T1")))


async def test_missing_code_may_be_warned_of(town: Town) -> None:
    await town.restart(policies('trace_required = "warn"'))
    message = town.pharmacy.sale(town.someone(), some(CLASS_A), some(CLASS_B))
    reply = await town.pharmacy.send(message)
    assert_done(reply)
    assert reply.warn_msg == "明细1、2缺少药品追溯码"


async def test_items_may_be_exempt(town: Town) -> None:
    code = CLASS_A.item.code
    await town.restart(policies('trace_required = "refuse"', f'exempt = ["{code}"]'))
    assert_done(await town.pharmacy.send(town.pharmacy.sale(town.someone(), some(CLASS_A))))
    other = town.pharmacy.sale(town.someone(), some(CLASS_B))
    assert_refused(await town.pharmacy.send(other), "TRACE_MISSING", field=AT)
    await town.restart(policies('trace_required = "refuse"', 'list_types = ["102"]'))
    assert_done(await town.pharmacy.send(town.pharmacy.sale(town.someone(), some(CLASS_A))))


async def test_box_is_sold_once_and_freed_by_a_cancel(town: Town) -> None:
    await town.restart(policies('trace_repeated = "refuse"'))
    pharmacy = town.pharmacy
    first = await pharmacy.send(traced(town, "T2"))
    assert_done(first)
    for infno in ("2101", "2102"):
        again = await pharmacy.send(traced(town, "T2", infno=infno))
        assert_refused(again, "TRACE_SOLD_BEFORE", field=AT)
    split = await pharmacy.send(traced(town, "T2", split=True))
    assert_refused(split, "TRACE_SOLD_BEFORE", field=AT)
    assert_done(await pharmacy.send(pharmacy.cancel(first)))
    assert_done(await pharmacy.send(traced(town, "T2")))
    twice = await pharmacy.send(traced(town, "T3", "T3"))
    assert_refused(twice, "TRACE_SOLD_BEFORE", field=AT)


async def test_split_box_is_sold_from_again_and_again_but_not_whole(town: Town) -> None:
    await town.restart(policies('trace_repeated = "refuse"'))
    for _ in range(3):
        assert_done(await town.pharmacy.send(traced(town, "T4", split=True)))
    whole = await town.pharmacy.send(traced(town, "T4"))
    assert_refused(whole, "TRACE_SOLD_BEFORE", field=AT)


async def test_resend_is_no_second_sale(town: Town) -> None:
    await town.restart(policies('trace_repeated = "refuse"'))
    message = traced(town, "T5")
    first = await town.pharmacy.send(message)
    again = await town.pharmacy.send(message)
    assert again.output == first.output


async def test_repeated_sale_may_be_warned_of_and_is_listed(town: Town) -> None:
    await town.restart(policies('trace_repeated = "warn"'))
    first = await town.pharmacy.send(traced(town, "T6"))
    second = await town.pharmacy.send(traced(town, "T6"))
    assert_done(second)
    assert (first.warn_msg, second.warn_msg) == ("", "明细1的药品追溯码已售出")
    both = sorted((int(first.setl_id), int(second.setl_id)))
    found = await repeated_traces(town.owner)
    assert both in [sorted(one.setl_ids) for one in found]
    assert second.setl_id in traces_table(found)
    assert second.setl_id in traces_json(found)
    assert "T6" not in traces_json(found)
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(second)))
    found = await repeated_traces(town.owner)
    assert both not in [sorted(one.setl_ids) for one in found]
    await town.restart()


LINE = "input.feedetail[0].durg_trac_info"


def with_code(upload: Message, code: str, *, split: bool = False, at: str = LINE) -> Message:
    """An upload of lines whose first one is of this box."""
    node = {"feedetl_sn": "1", "drug_trac_codg": code, "trdn_flag": "1" if split else "0"}
    return upload.edited({at: [node]})


async def test_code_may_be_required_of_lines_of_visits_and_stays(town: Town) -> None:
    await town.restart(policies('trace_required = "refuse"'))
    visit = await town.hospital.open_visit(town.someone())
    stay = await admit(town.hospital, town.someone())
    for upload in (visit.lines(some(CLASS_A)), stay.upload(some(CLASS_A))):
        reply = await town.hospital.send(upload)
        assert_refused(reply, "TRACE_MISSING", field=LINE, mentions="药品追溯码")
    assert_done(await town.hospital.send(with_code(visit.lines(some(CLASS_A)), "T10")))
    assert_done(await town.hospital.send(with_code(stay.upload(some(CLASS_A)), "T10")))


async def test_box_of_a_visit_is_sold_by_its_settlement_and_freed_by_a_cancel(town: Town) -> None:
    await town.restart(policies('trace_repeated = "refuse"'))
    hospital = town.hospital
    visit = await hospital.open_visit(town.someone())
    upload = with_code(visit.lines(some(CLASS_A)), "T11")
    assert_done(await hospital.send(upload))
    assert_done(await hospital.send(upload))
    within = with_code(visit.lines(some(CLASS_A), batch="B2", first=1), "T11")
    assert_refused(await hospital.send(within), "TRACE_SOLD_BEFORE", field=LINE)
    settled = await visit.settle(some(CLASS_A))
    assert_done(settled)
    assert_refused(await town.pharmacy.send(traced(town, "T11")), "TRACE_SOLD_BEFORE", field=AT)
    other = await hospital.open_visit(town.someone())
    again = with_code(other.lines(some(CLASS_A)), "T11")
    assert_refused(await hospital.send(again), "TRACE_SOLD_BEFORE", field=LINE)
    assert_done(await hospital.send(hospital.cancel(settled)))
    assert_done(await hospital.send(again))


async def test_withdrawn_lines_of_a_visit_sell_nothing(town: Town) -> None:
    await town.restart(policies('trace_repeated = "refuse"'))
    visit = await town.hospital.open_visit(town.someone())
    assert_done(await town.hospital.send(with_code(visit.lines(some(CLASS_A)), "T12")))
    assert_done(await town.hospital.send(visit.withdrawal_of_lines()))
    assert_done(await town.hospital.send(visit.lines(some(CLASS_A))))
    assert_done(await visit.settle(some(CLASS_A)))
    assert_done(await town.pharmacy.send(traced(town, "T12")))


async def test_box_of_a_stay_is_sold_by_its_settlement_and_freed_by_a_cancel(town: Town) -> None:
    await town.restart(policies('trace_repeated = "refuse"'))
    hospital = town.hospital
    stay = await admit(hospital, town.someone())
    assert_done(await hospital.send(with_code(stay.upload(some(CLASS_A)), "T13")))
    twice = with_code(stay.upload(some(CLASS_A)), "T13")
    assert_refused(await hospital.send(twice), "TRACE_SOLD_BEFORE", field=LINE)
    for _ in range(2):
        part = with_code(stay.upload(some(CLASS_A)), "T14", split=True)
        assert_done(await hospital.send(part))
    settled = await stay.settle(cost(*[some(CLASS_A)] * 3), mid_stay=True)
    assert_done(settled)
    for code in ("T13", "T14"):
        sale = await town.pharmacy.send(traced(town, code))
        assert_refused(sale, "TRACE_SOLD_BEFORE", field=AT)
    assert_done(await hospital.send(stay.cancel(settled)))
    assert_done(await town.pharmacy.send(traced(town, "T13")))


async def test_line_that_takes_another_back_frees_the_box_that_it_names(town: Town) -> None:
    await town.restart(policies('trace_repeated = "refuse"', 'trace_required = "refuse"'))
    hospital = town.hospital
    stay = await admit(hospital, town.someone())
    for code in ("T15", "T16"):
        assert_done(await hospital.send(with_code(stay.upload(some(CLASS_A)), code)))
    back = with_code(stay.upload(some(CLASS_A, -1), originals={3: "1"}), "T15")
    assert_done(await hospital.send(back))
    assert_done(await stay.settle(cost(some(CLASS_A)), mid_stay=True))
    assert_done(await town.pharmacy.send(traced(town, "T15")))
    sale = await town.pharmacy.send(traced(town, "T16"))
    assert_refused(sale, "TRACE_SOLD_BEFORE", field=AT)


async def test_what_stays_sold_of_an_order_keeps_its_boxes_and_what_came_back_is_free(
    town: Town,
) -> None:
    await town.restart(policies('trace_repeated = "refuse"'))
    scanner = Scanner(population.PHARMACY, town.service)
    order = scanner.order(town.someone(), CLASS_A, 2, pay_code=WALLET, acct_used_flag="0")
    [one] = order["lines"]  # type: ignore[misc]
    order["lines"] = [
        {
            **one, "cnt": quantity, "feedetl_sn": serial,
            "durg_trac_info": [{"feedetl_sn": serial, "drug_trac_codg": code, "trdn_flag": "0"}],
        }
        for serial, quantity, code in (("1", 2, "T18"), ("2", 1, "T19"))
    ]
    assert (await scanner.scan(order)).status == "settled"
    visit = await town.hospital.open_visit(town.someone())
    for code, first in (("T20", 1), ("T21", 2)):
        upload = with_code(visit.lines(some(CLASS_A, 2), first=first), code)
        assert_done(await town.hospital.send(upload))
    quoted = visit.quote(some(CLASS_A, 2), some(CLASS_A, 2))
    quoted = quoted.edited({"input.data.acct_used_flag": "0"})
    settlement = visit.settlement(quoted, await town.hospital.send(quoted))
    cashier = Cashier(town.service)
    paid = cashier.visit_order(settlement, pay_code=WALLET)
    assert (await cashier.visit(paid)).status == "settled"
    back = [{"feedetl_sn": "1", "cnt": 1}, {"feedetl_sn": "2", "cnt": 1}]
    assert (await scanner.refund(order["order_no"], "T1", lines=back)).status == "refunded"
    back = [{"feedetl_sn": "B1-201", "cnt": 2}]
    assert (await cashier.refund(paid["order_no"], "T2", lines=back)).status == "refunded"
    for code in ("T19", "T21"):
        assert_done(await town.pharmacy.send(traced(town, code)))
    for code in ("T18", "T20"):
        sale = await town.pharmacy.send(traced(town, code))
        assert_refused(sale, "TRACE_SOLD_BEFORE", field=AT)


async def test_region_may_call_the_node_otherwise(town: Town) -> None:
    await town.restart(policies('trace_repeated = "warn"', 'line_node = "drug_trace_list"'))
    hospital = town.hospital
    there = LINE.replace("durg_trac_info", "drug_trace_list")
    stay = await admit(hospital, town.someone())
    assert_done(await hospital.send(with_code(stay.upload(some(CLASS_A)), "T17", at=there)))
    warned = await hospital.send(with_code(stay.upload(some(CLASS_A)), "T17", at=there))
    assert warned.warn_msg == "明细2的药品追溯码已售出"
    broken = stay.upload(some(CLASS_A)).edited({there: [{"feedetl_sn": "1"}]})
    reply = await hospital.send(broken)
    assert_refused(reply, "FIELD_MISSING", field=f"{there}[0].drug_trac_codg")
    assert "drug_trace_list" in reply.err_msg
    await town.restart()
