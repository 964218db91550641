"""Mapping own items to the catalogue (3301, 3302, 1317), and what a region makes of lines then."""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.policy import loader
from settlement.policy.loader import PolicySet, parse_policies
from tests.kit.counter import Counter, Message
from tests.kit.population import CLASS_A, CLASS_B, some
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer, assert_split
from tests.kit.town import Town
from tests.kit.ward import admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

A, B = CLASS_A.item.code, CLASS_B.item.code


def policies(*, mapping_check: str = "off", unmapped_item: str = "accept") -> PolicySet:
    """The shipped policies in a region that looks at mappings."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_text("utf-8") for path in shelf.glob("*.toml")}
    keys = f'mapping_check = "{mapping_check}"\nunmapped_item = "{unmapped_item}"\n'
    files["441900.toml"] = files["441900.toml"].replace("unknown_item = ", f"{keys}unknown_item = ")
    return parse_policies({name: text.encode() for name, text in files.items()})


def row(own: str, code: str, begin: str = "2026-01-01", end: str = "2026-12-31") -> dict[str, str]:
    """A row of 3301."""
    return {
        "fixmedins_hilist_id": own, "fixmedins_hilist_name": "测试项目", "list_type": "101",
        "med_list_codg": code, "begndate": begin, "enddate": end, "spec": "10片",
    }  # fmt: skip


def mapping(counter: Counter, *rows: dict[str, str]) -> Message:
    """3301."""
    return counter.message("3301", {"catalogcompin": list(rows)})


def withdrawal(counter: Counter, own: str, code: str) -> Message:
    """3302."""
    data = {
        "fixmedins_code": counter.code, "fixmedins_hilist_id": own, "list_type": "101",
        "med_list_codg": code,
    }  # fmt: skip
    return counter.message("3302", {"data": data})


async def shown(counter: Counter, own: str, **more: str) -> list[dict[str, object]]:
    """1317, of one own code."""
    data = {"updt_time": "2026-01-01", "page_num": 1, "page_size": 100, "medins_list_codg": own}
    reply = await counter.ask("1317", {"data": {**data, **more}})
    assert isinstance(reply.output, list), reply.err_msg
    return reply.output


def sale(town: Town, own: str, *, infno: str = "2102") -> Message:
    """A sale of one item under an own code."""
    message = town.pharmacy.sale(town.someone(), some(CLASS_A), infno=infno)
    return message.edited({"input.drugdetail[0].medins_list_codg": own})


async def test_mapping_is_shown_until_it_is_withdrawn(town: Town) -> None:
    hospital = town.hospital
    message = mapping(hospital, row("M1", A), row("M2", B))
    assert_done(first := await hospital.send(message))
    assert_same_answer(first, await hospital.send(message))
    [found] = await shown(hospital, "M1")
    assert (found["med_list_codg"], found["vali_flag"], found["spec"]) == (A, "1", "10片")
    assert found["medins_list_name"] == "测试项目"
    assert await shown(town.pharmacy, "M1") == []
    assert await shown(hospital, "M1", fixmedins_code=town.pharmacy.code) == []
    assert_done(await hospital.send(withdrawal(hospital, "M1", A)))
    [found] = await shown(hospital, "M1")
    assert found["vali_flag"] == "0"
    assert await shown(hospital, "M1", vali_flag="1") == []
    assert_refused(
        await hospital.send(withdrawal(hospital, "M1", A)), "MAPPING_UNKNOWN",
        field="input.data.fixmedins_hilist_id", mentions="M1",
    )  # fmt: skip


async def test_other_content_under_the_same_msgid_is_refused(town: Town) -> None:
    message = mapping(town.hospital, row("M3", A))
    assert_done(await town.hospital.send(message))
    other = message.edited({"input.catalogcompin[0].enddate": "2027-12-31"})
    assert_refused(await town.hospital.send(other), "MESSAGE_CONFLICT", field="msgid")


async def test_one_own_code_has_one_catalogue_code_at_a_time(town: Town) -> None:
    hospital = town.hospital
    assert_done(await hospital.send(mapping(hospital, row("M4", A))))
    clash = await hospital.send(mapping(hospital, row("M5", A), row("M4", B)))
    field = "input.catalogcompin[1].fixmedins_hilist_id"
    assert_refused(clash, "MAPPING_OVERLAPS", field=field, mentions=A)
    assert await shown(hospital, "M5") == []
    assert_done(await hospital.send(mapping(hospital, row("M4", A, end="2026-06-30"))))
    assert_done(await hospital.send(mapping(hospital, row("M4", B, begin="2026-07-01"))))
    standing = await shown(hospital, "M4", vali_flag="1")
    assert [(one["med_list_codg"], one["enddate"]) for one in standing] == [
        (A, "2026-06-30"), (B, "2026-12-31"),
    ]  # fmt: skip
    twice = await hospital.send(mapping(hospital, row("M6", A), row("M6", B)))
    assert_refused(twice, "MAPPING_OVERLAPS", field=field, mentions=A)


async def test_rows_that_cannot_be_are_refused(town: Town) -> None:
    reply = await town.hospital.send(mapping(town.hospital, row("M7", A, end="2025-01-01")))
    assert_refused(reply, "MAPPING_DATES_WRONG", field="input.catalogcompin[0].enddate")
    reply = await town.hospital.send(mapping(town.hospital, row("M7", "?")))
    assert_refused(reply, "ITEM_CODE_MALFORMED", field="input.catalogcompin[0].med_list_codg")


async def test_one_row_may_come_as_an_object(town: Town) -> None:
    message = town.hospital.message("3301", {"catalogcompin": row("M8", A)})
    assert_done(await town.hospital.send(message))
    assert len(await shown(town.hospital, "M8")) == 1


async def test_lines_are_not_looked_at_by_default(town: Town) -> None:
    await town.restart()
    pharmacy = town.pharmacy
    assert_done(await pharmacy.send(mapping(pharmacy, row("N0", B))))
    reply = await pharmacy.send(sale(town, "N0"))
    assert_done(reply)
    assert reply.warn_msg == ""


async def test_region_may_warn_of_another_code(town: Town) -> None:
    await town.restart(policies(mapping_check="warn"))
    pharmacy = town.pharmacy
    assert_done(await pharmacy.send(mapping(pharmacy, row("N1", B), row("N2", A))))
    reply = await pharmacy.send(sale(town, "N1"))
    assert_done(reply)
    assert reply.warn_msg == "明细1的目录编码与目录对照不一致"
    assert (await pharmacy.send(sale(town, "N2"))).warn_msg == ""
    assert (await pharmacy.send(sale(town, "nobody mapped it"))).warn_msg == ""


async def test_region_may_refuse_another_code(town: Town) -> None:
    await town.restart(policies(mapping_check="refuse"))
    pharmacy = town.pharmacy
    assert_done(await pharmacy.send(mapping(pharmacy, row("N3", B))))
    field = "input.drugdetail[0].med_list_codg"
    for infno in ("2101", "2102"):
        reply = await pharmacy.send(sale(town, "N3", infno=infno))
        assert_refused(reply, "MAPPING_DIFFERS", field=field, mentions=B)
    assert_done(await pharmacy.send(withdrawal(pharmacy, "N3", B)))
    assert_done(await pharmacy.send(sale(town, "N3")))


async def test_mapping_of_other_days_does_not_count(town: Town) -> None:
    await town.restart(policies(mapping_check="refuse", unmapped_item="refuse"))
    pharmacy = town.pharmacy
    assert_done(await pharmacy.send(mapping(pharmacy, row("N4", A, end="2026-06-30"))))
    reply = await pharmacy.send(sale(town, "N4"))
    field = "input.drugdetail[0].medins_list_codg"
    assert_refused(reply, "ITEM_UNMAPPED", field=field, mentions="N4")


async def test_unmapped_item_may_be_full_self_pay(town: Town) -> None:
    await town.restart(policies(unmapped_item="full_self_pay"))
    reply = await town.pharmacy.send(sale(town, "N5"))
    assert_split(reply, full="12.50", scope="0")
    lines = (await town.pharmacy.fees(reply)).output
    assert isinstance(lines, list)
    assert lines[0]["memo"] == "未对照项目，按全自费处理"
    assert_done(await town.pharmacy.send(mapping(town.pharmacy, row("N5", A))))
    assert_split(await town.pharmacy.send(sale(town, "N5")), scope="12.50")


async def test_lines_of_visits_and_stays_are_held_against_mappings_too(town: Town) -> None:
    await town.restart(policies(mapping_check="refuse", unmapped_item="full_self_pay"))
    hospital, citizen = town.hospital, town.someone()
    assert_done(await hospital.send(mapping(hospital, row("N6", B))))
    visit = await hospital.open_visit(citizen)
    lines = visit.lines(some(CLASS_A), batch="B1")
    wrong = lines.edited({"input.feedetail[0].medins_list_codg": "N6"})
    at = "input.feedetail[0].med_list_codg"
    assert_refused(await hospital.send(wrong), "MAPPING_DIFFERS", field=at)
    assert_done(await hospital.send(lines))
    settled = await visit.settle(some(CLASS_A))
    assert_split(settled, full="12.50", scope="0")
    stay = await admit(hospital, town.someone())
    upload = stay.upload(some(CLASS_A)).edited({"input.feedetail[0].medins_list_codg": "N6"})
    assert_refused(await hospital.send(upload), "MAPPING_DIFFERS", field=at)


async def test_every_test_leaves_the_region_as_it_was(town: Town) -> None:
    await town.restart()
    reply: Reply = await town.pharmacy.send(sale(town, "N3"))
    assert_done(reply)
