"""What a HIS uploads that is only stored: stock, records, invoices, and settlement lists (4101)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from settlement.rows import UploadRow
from settlement.serve.stored import stored_json, stored_table
from settlement.storage.uploads import count_uploads, lists_of_undone
from settlement.usecases.uploads import Kept, open_upload
from tests.kit.counter import ABSENT, Message
from tests.kit.population import CLASS_A, CLASS_B, Citizen, some
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
WARNING = "仅存储：本平台已收存该数据，不作业务处理"
STOCK = {"invinfo": [{"med_list_codg": "X1", "fixmedins_hilist_id": "A1", "inv_cnt": 12.5}]}


def record_of(town: Town, citizen: Citizen, infno: str = "4301") -> Message:
    """A clinical record of a person."""
    content = {
        "mdtrtinfo": {"psn_no": citizen.number, "chfcomp": "头痛三天（测试）", "tmp": 37.5},
        "diseinfo": [{"psn_no": citizen.number, "diag_name": "测试诊断"}],
    }
    return town.hospital.message(infno, content)


def list_of(town: Town, settled: Reply, *, infno: str = "4101", psn_no: str = "") -> Message:
    """The settlement list of a purchase, as a pharmacy's software copies it from the answer."""
    money = settled.money
    info = {
        "setl_id": settled.setl_id,
        "mdtrt_id": settled.mdtrt_id,
        "psn_no": psn_no,
        "psn_name": "测试甲",
        "psn_selfpay": money("psn_part_amt") - money("fulamt_ownpay_amt"),
        "psn_ownpay": money("fulamt_ownpay_amt"),
        "acct_pay": money("acct_pay"),
        "psn_cashpay": money("psn_cash_pay"),
    }
    funds = [
        {name: row[name] for name in ("fund_pay_type", "fund_payamt")}
        for row in settled.rows("setldetail")
    ]
    items = [{"med_chrgitm": "09", "amt": money("medfee_sumamt")}]
    return town.pharmacy.message(infno, {"setlinfo": info, "payinfo": funds, "iteminfo": items})


async def kept(town: Town, message: Message) -> tuple[UploadRow, Kept]:
    """The row of an upload, and what is sealed in it."""
    rows = await town.owner.fetch("select u.* from settlement.upload u order by u.upload_id")
    names = UploadRow.__struct_fields__
    for row in rows:
        found = UploadRow(**{name: row[name] for name in names})
        opened = open_upload(found, town.keyring)
        if opened.msgid == message.msgid:
            return found, opened
    raise AssertionError("it was not kept")


async def test_stock_is_kept_under_the_institution(town: Town) -> None:
    message = town.pharmacy.message("3501", STOCK)
    reply = await town.pharmacy.send(message)
    assert_done(reply)
    assert reply.warn_msg == WARNING
    assert reply.output in (None, {})
    row, opened = await kept(town, message)
    assert (row.infno, row.institution, row.psn_no) == ("3501", town.pharmacy.code, "")
    assert b'"inv_cnt":12.5' in bytes(opened.content)


async def test_record_is_kept_in_the_lane_of_its_person_and_unreadable(town: Town) -> None:
    citizen = town.someone()
    message = record_of(town, citizen)
    assert_done(await town.hospital.send(message))
    row, opened = await kept(town, message)
    home = await town.owner.fetchval(
        "select p.lane from settlement.person p where p.psn_no = $1", citizen.number
    )
    assert (row.psn_no, row.lane) == (citizen.number, home)
    assert "头痛".encode() in bytes(opened.content)
    assert "头痛".encode() not in row.payload
    assert b"psn_no" not in row.payload


async def test_records_of_two_persons_are_kept_under_the_institution(town: Town) -> None:
    one, other = town.strangers()
    message = record_of(town, one, "4402A").edited({"input.diseinfo[0].psn_no": other.number})
    assert_done(await town.hospital.send(message))
    row, _ = await kept(town, message)
    assert row.psn_no == ""


async def test_record_of_somebody_insured_elsewhere_is_kept(town: Town) -> None:
    message = record_of(town, town.borrowed(), "4701")
    message = message.edited(
        {"input.mdtrtinfo.psn_no": "110000990001", "input.diseinfo[0].psn_no": "110000990001"}
    )
    assert_done(await town.hospital.send(message))
    row, _ = await kept(town, message)
    assert row.psn_no == "110000990001"


async def test_upload_does_not_touch_its_person(town: Town) -> None:
    citizen = town.someone()
    ask = "select p.version from settlement.person p where p.psn_no = $1"
    before = await town.owner.fetchval(ask, citizen.number)
    assert_done(await town.hospital.send(record_of(town, citizen)))
    assert await town.owner.fetchval(ask, citizen.number) == before


async def test_resend_is_a_replay_and_other_content_a_conflict(town: Town) -> None:
    message = record_of(town, town.someone())
    first = await town.hospital.send(message)
    again = await town.hospital.send(message)
    assert again.warn_msg == f"重复报文，返回首次处理结果；{WARNING}"
    assert (again.output, first.warn_msg) == (first.output, WARNING)
    other = message.edited({"input.mdtrtinfo.tmp": 39})
    assert_refused(await town.hospital.send(other), "MESSAGE_CONFLICT", field="msgid")
    count = await town.owner.fetchval(
        "select count(*) from settlement.upload u where u.psn_no = $1",
        message.envelope["input"]["mdtrtinfo"]["psn_no"],  # type: ignore[index]
    )
    assert count == 1


@pytest.mark.parametrize("infno", ["4101", "4101A"])
async def test_settlement_list_is_answered_with_a_number(town: Town, infno: str) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A, 2), some(CLASS_B))
    message = list_of(town, settled, infno=infno)
    reply = await town.pharmacy.send(message)
    assert_done(reply)
    assert reply.warn_msg == WARNING
    row, _ = await kept(town, message)
    assert reply.output == {"setl_list_id": str(row.upload_id)}
    assert (row.setl_id, row.psn_no) == (int(settled.setl_id), settled.text("psn_no"))
    again = await town.pharmacy.send(message)
    assert again.output == reply.output


@pytest.mark.parametrize(
    ("path", "field", "name", "declared", "settled"),
    [
        ("iteminfo[0].amt", "iteminfo", "收费项目金额合计", "12.51", "12.50"),
        ("payinfo[0].fund_payamt", "payinfo", "基金支付合计", "0.01", None),
        ("setlinfo.psn_ownpay", "setlinfo.psn_selfpay", "个人自付与个人自费合计", "9.99", None),
        ("setlinfo.acct_pay", "setlinfo.acct_pay", "个人账户支出", "0.01", None),
        ("setlinfo.psn_cashpay", "setlinfo.psn_cashpay", "个人现金支付", "1.23", None),
    ],
)
async def test_list_that_differs_is_refused_with_both_numbers(
    town: Town, path: str, field: str, name: str, declared: str, settled: str | None
) -> None:
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    message = list_of(town, sold).edited({f"input.{path}": Decimal(declared)})
    reply = await town.pharmacy.send(message)
    assert_refused(reply, "LIST_AMOUNT_DIFFERS", field=f"input.{field}", mentions=name)
    assert reply.err_msg.count("元") == 2
    if settled is not None:
        assert f"{declared}元与结算结果{settled}元不一致" in reply.err_msg


async def test_list_must_cite_a_settlement_that_stands_here(town: Town) -> None:
    citizen, other = town.someone(), town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A))
    message = list_of(town, settled)

    async def refused(code: str, changes: dict[str, object], field: str = "setl_id") -> None:
        at = f"input.setlinfo.{field}"
        assert_refused(await town.pharmacy.send(message.edited(changes)), code, field=at)

    await refused("LIST_WITHOUT_SETTLEMENT", {"input.setlinfo.setl_id": ""})
    await refused("LIST_WITHOUT_SETTLEMENT", {"input.setlinfo.setl_id": ABSENT})
    await refused("SETTLEMENT_UNKNOWN", {"input.setlinfo.setl_id": "S1"})
    await refused("SETTLEMENT_UNKNOWN", {"input.setlinfo.setl_id": "9999999999999999999"})
    await refused("SETTLEMENT_UNKNOWN", {"input.setlinfo.mdtrt_id": "V1"})
    await refused("SETTLEMENT_OF_OTHER_PERSON", {"input.setlinfo.psn_no": other.number})
    content = message.envelope["input"]
    assert isinstance(content, dict)
    elsewhere = town.other_pharmacy.message("4101", content)
    assert_refused(
        await town.other_pharmacy.send(elsewhere), "SETTLEMENT_OF_OTHER_INSTITUTION",
        field="input.setlinfo.setl_id",
    )  # fmt: skip
    assert_done(await town.pharmacy.send(message))


async def test_cancel_refuses_new_lists_and_flags_those_that_came(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    listed = await town.pharmacy.send(list_of(town, settled))
    assert isinstance(listed.output, dict)
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    reply = await town.pharmacy.send(list_of(town, settled))
    assert_refused(reply, "LIST_OF_CANCELLED", field="input.setlinfo.setl_id",
                   mentions=cancelled.setl_id)  # fmt: skip
    undone = await lists_of_undone(town.owner, LONG_AGO)
    found = {one.upload_id: one for one in undone}[int(listed.output["setl_list_id"])]
    assert (found.setl_id, found.undone_by) == (int(settled.setl_id), int(cancelled.setl_id))
    counts = await count_uploads(town.owner, LONG_AGO)
    assert str(found.upload_id) in stored_json(counts, undone)
    assert "4101" in stored_table(counts, undone)


async def test_list_of_a_cancel_is_refused(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    message = list_of(town, settled).edited({"input.setlinfo.setl_id": cancelled.setl_id})
    reply = await town.pharmacy.send(message.edited({"input.setlinfo.mdtrt_id": ""}))
    assert_refused(reply, "LIST_OF_CANCELLED", field="input.setlinfo.setl_id")


async def test_the_same_upload_twice_at_once_is_kept_once(town: Town) -> None:
    message = town.pharmacy.message("3505", STOCK)
    one, two = await asyncio.gather(*[town.pharmacy.send(message) for _ in range(2)])
    assert_done(one)
    assert_done(two)
    first, again = sorted((one, two), key=lambda reply: len(reply.warn_msg))
    assert first.warn_msg == WARNING
    assert again.warn_msg != WARNING

