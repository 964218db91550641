"""What a HIS synchronises: the dictionary (1901) and the catalogue's pages (1304 to 1319)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from protocol.nhsa.codes import CODE_LISTS
from tests.kit.population import CAPPED_B, CLASS_B, REGION
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def dictionary(town: Town, name: str, **more: str) -> Reply:
    """1901."""
    data = {"type": name, "admdvs": REGION, "date": "2026-11-23", **more}
    return await town.hospital.ask("1901", {"data": data})


async def page(town: Town, infno: str, number: int, size: int, **more: str) -> Reply:
    """1304, 1312, 1316, 1318 or 1319."""
    data = {"updt_time": "2026-01-01 00:00:00", "page_num": number, "page_size": size, **more}
    return await town.hospital.ask(infno, {"data": data})


def rows(reply: Reply) -> list[dict[str, object]]:
    """A bare array."""
    assert isinstance(reply.output, list), reply.err_msg
    return reply.output


@pytest.mark.parametrize("name", sorted(CODE_LISTS))
async def test_dictionary_answers_what_requests_are_checked_against(town: Town, name: str) -> None:
    found = (await dictionary(town, name.upper())).rows("list")
    assert {row["value"] for row in found} == CODE_LISTS[name]
    assert all(row["label"] for row in found)
    assert [row["sort"] for row in found] == list(range(1, len(found) + 1))


async def test_dictionary_names_values(town: Town) -> None:
    listed = (await dictionary(town, "insutype")).rows("list")
    found = {row["value"]: row["label"] for row in listed}
    assert found["310"] == "职工基本医疗保险"
    assert (await dictionary(town, "insutype", parent_value="3")).rows("list") == []
    assert (await dictionary(town, "insutype", Vali_Flag="0")).rows("list") == []


async def test_unknown_dictionary_is_refused(town: Town) -> None:
    reply = await dictionary(town, "favourite_colour")
    assert_refused(reply, "DICTIONARY_UNKNOWN", field="input.data.type")


async def test_ratios_come_in_pages_of_one_order(town: Town) -> None:
    whole = rows(await page(town, "1319", 1, 1000))
    assert len(whole) >= 5
    codes = [str(row["hilist_code"]) for row in whole]
    pieces = [rows(await page(town, "1319", number, 2)) for number in range(1, len(whole) // 2 + 3)]
    assert [row["hilist_code"] for piece in pieces for row in piece] == codes
    assert pieces[-1] == []


async def test_one_item_is_found_by_its_code(town: Town) -> None:
    [ratio] = rows(await page(town, "1319", 1, 10, hilist_code=CLASS_B.item.code))
    assert ratio["selfpay_prop"] == Decimal(CLASS_B.item.self_pay_bp) / 10_000
    ceilings = rows(await page(town, "1318", 1, 10, hilist_code=CAPPED_B.item.code))
    given = CAPPED_B.item.ceiling_e6
    assert given is not None
    assert {row["hilist_lmtpric_type"]: row["hilist_pric_uplmt_amt"] for row in ceilings} == {
        level: Decimal(ceiling_e6) / 10**6 for level, ceiling_e6 in given.items()
    }


async def test_items_are_found_by_what_the_catalogue_holds_of_them(town: Town) -> None:
    item = CLASS_B.item
    [found] = rows(await page(town, "1312", 1, 10, hilist_code=item.code))
    assert (found["hilist_name"], found["list_type"]) == (item.name, item.list_type)
    assert (found["chrgitm_lv"], found["med_chrgitm_type"]) == ("02", "09")
    assert (found["begndate"], found["vali_flag"]) == ("2020-01-01", "1")
    assert rows(await page(town, "1312", 1, 10, hilist_name=item.name)) == [found]
    second = rows(await page(town, "1312", 1, 100, chrgitm_lv="02"))
    assert found in second and all(row["chrgitm_lv"] == "02" for row in second)
    for nothing in ({"list_type": "301"}, {"med_chrgitm_type": "14"}, {"hilist_name": "无此项目"}):
        assert rows(await page(town, "1312", 1, 10, **nothing)) == [], nothing


async def test_matches_are_of_all_items_or_of_what_an_own_code_was_mapped_to(town: Town) -> None:
    everything = rows(await page(town, "1316", 1, 1000))
    assert len(everything) == len(rows(await page(town, "1312", 1, 1000))) > 50
    assert all(row["med_list_codg"] == row["hilist_code"] for row in everything)
    assert rows(await page(town, "1316", 1, 10, medins_list_codg="OWN-1316")) == []
    mapped = {
        "fixmedins_hilist_id": "OWN-1316", "fixmedins_hilist_name": "测试", "list_type": "101",
        "med_list_codg": CLASS_B.item.code, "begndate": "2026-01-01", "enddate": "2099-12-31",
    }  # fmt: skip
    assert_done(await town.hospital.ask("3301", {"catalogcompin": [mapped]}))
    [row] = rows(await page(town, "1316", 1, 10, medins_list_codg="OWN-1316"))
    assert row["hilist_code"] == CLASS_B.item.code
    assert rows(await page(town, "1316", 1, 10, medins_list_codg="OWN-1316", list_type="301")) == []


async def test_only_what_is_in_force_is_found_for_a_day(town: Town) -> None:
    for infno in ("1312", "1316", "1318", "1319"):
        assert rows(await page(town, infno, 1, 100, query_date="1999-01-01")) == []
        assert rows(await page(town, infno, 1, 100, query_date="2026-11-23"))
    ended = rows(await page(town, "1319", 1, 100, vali_flag="0"))
    assert all(str(row["enddate"]) < "2026-11-23" for row in ended)
    assert rows(await page(town, "1304", 1, 100)) == []


@pytest.mark.parametrize(("number", "size", "field"), [(0, 10, "page_num"), (1, 0, "page_size"),
                                                       (1, 1001, "page_size")])  # fmt: skip
async def test_page_that_cannot_be_is_refused(
    town: Town, number: int, size: int, field: str
) -> None:
    reply = await page(town, "1319", number, size)
    assert_refused(reply, "PAGE_WRONG", field=f"input.data.{field}")
