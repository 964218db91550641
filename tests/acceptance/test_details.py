"""The accountant sends the lines, and gets back which agree and which do not (9101, 3202, 9102)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.kit.clerk import (
    ROW,
    Clerk,
    Totals,
    added,
    packed,
    row_of,
    unzipped,
    zipped,
)
from tests.kit.population import CLASS_A, CLASS_B, some
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town, small_limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGREES, ONLY_HERE, ONLY_THERE, DIFFERS = "0", "1", "2", "3"


def next_day(town: Town) -> Clerk:
    """The pharmacy's accountant, for a day on which nobody has settled yet."""
    town.clock.pass_by(timedelta(days=1))
    day = f"{town.clock.local:%Y-%m-%d}"
    return Clerk(town.pharmacy, begin=day, end=day)


def told(rows: list[ROW]) -> dict[str, tuple[str, str]]:
    """Of a result file: verdict and remark, by setl_id."""
    return {row[2]: (row[4], row[6]) for row in rows}


async def test_row_of_what_was_cancelled_may_be_marked_as_a_refund(town: Town) -> None:
    clerk = next_day(town)
    first = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(first))
    settled = [first, cancelled]
    marked = [(*row_of(one)[:-1], "1") for one in settled]
    rows = await clerk.compare(marked, added(settled))
    assert told(rows) == {one.setl_id: (AGREES, "null") for one in settled}
    standing = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    rows = await clerk.compare([(*row_of(standing)[:-1], "1")], added([standing]))
    assert [row[4] for row in rows] == [DIFFERS, ONLY_HERE, ONLY_HERE]
    assert [row[5] for row in rows] == ["1", "1", "1"]
    assert rows[0][6] == "退费标志：机构1、中心0"


async def uploaded(clerk: Clerk, content: bytes) -> str:
    """9101: the number of the file."""
    reply = await clerk.upload(content)
    assert_done(reply)
    assert isinstance(reply.output, dict)
    return str(reply.output["file_qury_no"])


async def test_lines_that_agree_are_said_to_agree(town: Town) -> None:
    clerk = next_day(town)
    first = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    second = await town.pharmacy.sell(town.someone(), some(CLASS_B, 2))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(first))
    settled = [first, second, cancelled]
    rows = await clerk.compare([row_of(one) for one in settled], added(settled))
    assert told(rows) == {one.setl_id: (AGREES, "null") for one in settled}
    assert rows[0] == (
        first.text("psn_no"), first.mdtrt_id, first.setl_id, first.text("medins_setl_id"), "0",
        "0", "null", "12.50", str(first.money("fund_pay_sumamt")), str(first.money("acct_pay")),
    )  # fmt: skip
    assert [row[5] for row in rows] == ["0", "0", "1"]


async def test_amount_that_differs_is_named_with_both_numbers(town: Town) -> None:
    clerk = next_day(town)
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    row = list(row_of(sold))
    row[3] = "12.60"
    held = added([sold])._replace(total=Decimal("12.60"))
    [found] = await clerk.compare([tuple(row)], held)
    assert found[4] == DIFFERS
    assert found[6] == "医疗费总额：机构12.60、中心12.50"
    assert found[7] == "12.50"


async def test_what_only_we_have_names_the_message_that_made_it(town: Town) -> None:
    clerk = next_day(town)
    known = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    citizen = town.someone()
    lost = town.pharmacy.sale(citizen, some(CLASS_B))
    await town.pharmacy.send(lost)
    rows = await clerk.compare([row_of(known)], added([known]))
    assert [row[4] for row in rows] == [AGREES, ONLY_HERE]
    assert rows[1][:4] == (citizen.number, "null", "null", lost.msgid)
    assert rows[1][7] == "10.00"
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(lost, citizen)))
    assert len(await clerk.compare([row_of(known)], added([known]))) == 1


async def test_what_only_they_have_is_said(town: Town) -> None:
    clerk = next_day(town)
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    sold = await town.pharmacy.send(message)
    never = (f"9{sold.setl_id[1:]}", sold.mdtrt_id, citizen.number, "1.00", "0.00", "0.00", "0")
    held = added([sold])
    held = held._replace(total=held.total + 1, count=2)
    assert told(await clerk.compare([row_of(sold), never], held)) == {
        sold.setl_id: (AGREES, "null"),
        never[0]: (ONLY_THERE, "中心在对账范围内无此结算"),
    }
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    [found] = await clerk.compare([row_of(sold)], added([sold]))
    assert (found[4], found[6]) == (ONLY_THERE, "该结算已被冲正，中心不计")


async def test_without_refunds_only_what_stands_is_compared(town: Town) -> None:
    clerk = next_day(town)
    standing = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    gone = await town.pharmacy.sell(town.someone(), some(CLASS_B))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(gone))
    rows = await clerk.compare([row_of(standing)], added([standing]), refd_setl_flag="0")
    assert told(rows) == {standing.setl_id: (AGREES, "null")}
    rows = await clerk.compare([row_of(standing)], added([standing]))
    assert [row[4] for row in rows] == [AGREES, ONLY_HERE, ONLY_HERE]
    assert {row[3] for row in rows[1:]} == {
        gone.text("medins_setl_id"), cancelled.text("medins_setl_id"),
    }  # fmt: skip


async def test_same_message_again_is_told_of_the_first_result(town: Town) -> None:
    clerk = next_day(town)
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    number = await uploaded(clerk, zipped([row_of(sold)]))
    message = clerk.details(number, added([sold]))
    first = await town.pharmacy.send(message)
    result = await clerk.fetch(first.text("file_qury_no", "fileinfo"))
    later = await town.pharmacy.sell(town.someone(), some(CLASS_B))
    again = await town.pharmacy.send(message)
    assert_same_answer(first, again)
    same = message.edited({"input.data.medfee_sumamt": f"{sold.money('medfee_sumamt')}0"})
    assert_same_answer(first, await town.pharmacy.send(same))
    assert await clerk.fetch(again.text("file_qury_no", "fileinfo")) == result
    anew = await town.pharmacy.send(clerk.details(number, added([sold])))
    assert anew.text("file_qury_no", "fileinfo") != first.text("file_qury_no", "fileinfo")
    [_, found] = unzipped(await clerk.fetch(anew.text("file_qury_no", "fileinfo")))
    assert found[3] == later.text("medins_setl_id")
    for path, value, part in (
        ("fixmedins_setl_cnt", 2, "合计金额"), ("cash_payamt", "0.01", "合计金额"),
        ("clr_type", "11", "单据信息"),
    ):  # fmt: skip
        other = message.edited({f"input.data.{path}": value})
        reply = await town.pharmacy.send(other)
        assert_refused(reply, "MESSAGE_CONFLICT", field="msgid", mentions=part)


async def test_same_upload_again_is_told_of_the_first_file(town: Town) -> None:
    clerk = next_day(town)
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    message = clerk.file(zipped([row_of(sold)]))
    first = await town.pharmacy.send(message)
    assert_same_answer(first, await town.pharmacy.send(message))
    changed = clerk.file(zipped([row_of(sold)] * 2)).envelope["input"]
    other = message.edited({"input": changed})
    assert_refused(await town.pharmacy.send(other), "MESSAGE_CONFLICT", field="msgid")
    town.clock.pass_by(timedelta(days=7, seconds=1))
    again = await town.pharmacy.send(message)
    assert_done(again)
    assert again.output != first.output
    assert not again.warn_msg


async def test_of_the_same_message_sent_at_once_one_makes_a_file(town: Town) -> None:
    clerk = next_day(town)
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    number = await uploaded(clerk, zipped([row_of(sold)]))
    services = [town.service, await town.start_service(), await town.start_service()]
    for _ in range(5):
        message = clerk.details(number, added([sold]))
        replies = await asyncio.gather(*[message.to(one) for one in services * 2])
        assert len({reply.text("file_qury_no", "fileinfo") for reply in replies}) == 1
        assert sum(not reply.warn_msg for reply in replies) == 1
    for service in services[1:]:
        await town.stop_service(service)


async def test_listed_rows_give_the_same_result(town: Town) -> None:
    clerk = next_day(town)
    sold = [await town.pharmacy.sell(town.someone(), some(CLASS_A)) for _ in range(3)]
    rows = [row_of(one) for one in sold[:2]]
    before = await clerk.compare(rows, added(sold[:2]))
    await town.list_statements()
    assert await clerk.compare(rows, added(sold[:2])) == before


async def test_nobody_gets_the_file_of_another_institution(town: Town) -> None:
    clerk = next_day(town)
    number = await uploaded(clerk, zipped([]))
    stranger = Clerk(town.other_pharmacy, begin=clerk.begin, end=clerk.end)
    for message in (
        stranger.download(number),
        stranger.details(number, Totals(Decimal(0), Decimal(0), Decimal(0), Decimal(0), 0)),
    ):
        reply = await town.other_pharmacy.send(message)
        node = "fsDownloadIn" if message.infno == "9102" else "data"
        assert_refused(
            reply, "FILE_UNKNOWN", field=f"input.{node}.file_qury_no", mentions=number
        )
    assert_refused(
        await stranger.upload(zipped([]), of=town.pharmacy.code), "FILE_OF_OTHER_INSTITUTION",
        field="input.fsUploadIn.fixmedins_code", mentions=town.pharmacy.code,
    )  # fmt: skip


async def test_file_is_there_for_a_week(town: Town) -> None:
    clerk = next_day(town)
    content = zipped([])
    number = await uploaded(clerk, content)
    town.clock.pass_by(timedelta(days=6, hours=23))
    assert await clerk.fetch(number) == content
    town.clock.pass_by(timedelta(hours=2))
    assert_refused(
        await town.pharmacy.send(clerk.download(number)), "FILE_UNKNOWN",
        field="input.fsDownloadIn.file_qury_no",
    )  # fmt: skip
    assert await town.drop_files() >= 1
    assert await town.drop_files() == 0


GOOD = ("2702000000001999999", "1", "P", "1.00", "0.00", "0.00", "0")
ONE = Totals(Decimal("1.00"), Decimal("0.00"), Decimal("0.00"), Decimal("1.00"), 1)


def text(*rows: str) -> bytes:
    """A zip of a text with these rows."""
    return packed({"a.txt": "\n".join(rows).encode()})


def but(**values: str) -> bytes:
    """A file whose second row has other values."""
    names = ("setl", "mdtrt", "psn", "total", "fund", "account", "refund")
    row = dict(zip(names, GOOD, strict=True)) | {"setl": "2"} | values
    return text("\t".join(GOOD), "\t".join(row.values()))


BOMB = packed({"a.txt": b"0" * (17 * 1024 * 1024)})
UPLOADS = [
    # content,                                             code,             says
    (b"setl_id\tmdtrt_id",                                 "FILE_NOT_ZIP",   ""),
    (zipped([GOOD])[:-8],                                  "FILE_NOT_ZIP",   ""),
    (zipped([GOOD]).replace(GOOD[0].encode(), b"broken"),  None,             ""),
    (packed({}),                                           "FILE_NOT_ONE",   "实有0个"),
    (packed({"a.txt": b"", "b.txt": b""}),                 "FILE_NOT_ONE",   "实有2个"),
    (BOMB,                                                 "FILE_TOO_LARGE", "16777216"),
    (packed({"a.txt": "好\n好".encode("gb18030")}),        "FILE_NOT_UTF8",  "第1行"),
    (packed({"a.txt": b"1\n2\n\xff\n"}),                   "FILE_NOT_UTF8",  "第3行"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "says"), UPLOADS)
async def test_file_that_cannot_be_read_is_refused_when_it_comes(
    town: Town, content: bytes, code: str | None, says: str
) -> None:
    reply = await Clerk(town.pharmacy, begin="2027-01-01", end="2027-01-01").upload(content)
    if code is None:
        assert_done(reply)
    else:
        assert_refused(reply, code, field="input.fsUploadIn.in", mentions=says)


ROWS = [
    # content,                                          code,                 says
    (text("\t".join(GOOD), "\t".join(GOOD[:6])),        "FILE_COLUMNS_WRONG", "第2行有6列"),
    (text("\t".join((*GOOD[:2], "a\tb", *GOOD[3:]))),   "FILE_COLUMNS_WRONG", "第1行有8列"),
    (text("\t".join(GOOD), "", "\t".join(GOOD)),        "FILE_COLUMNS_WRONG", "第2行有1列"),
    (but(total="1,00"),                                 "FILE_VALUE_WRONG",   "第2行第4列"),
    (but(total="1.001"),                                "FILE_VALUE_WRONG",   "医疗费总额"),
    (but(fund="1E+2"),                                  "FILE_VALUE_WRONG",   "第2行第5列"),
    (but(account=""),                                   "FILE_VALUE_WRONG",   "第2行第6列"),
    (but(account="null"),                               "FILE_VALUE_WRONG",   "第2行第6列"),
    (but(refund="2"),                                   "FILE_VALUE_WRONG",   "第2行第7列"),
    (but(setl="x" * 31),                                "FILE_VALUE_WRONG",   "第2行第1列"),
    (but(psn="a\x00b"),                                 "FILE_VALUE_WRONG",   "第2行第3列"),
    (but(setl=GOOD[0]),                                 "FILE_ROW_REPEATED",  "第2行"),
    (but(),                                             "FILE_TOTALS_DIFFER",
     "医疗费总额：报文1.00、文件2.00；结算笔数：报文1、文件2"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "says"), ROWS)
async def test_row_that_cannot_be_compared_is_refused_with_its_place(
    town: Town, content: bytes, code: str, says: str
) -> None:
    clerk = Clerk(town.pharmacy, begin="2027-01-01", end="2027-01-01")
    number = await uploaded(clerk, content)
    reply = await town.pharmacy.send(clerk.details(number, ONE))
    assert_refused(reply, code, field="input.data.file_qury_no", mentions=says)


async def test_bytes_may_come_as_an_array_of_signed_numbers(town: Town) -> None:
    content = zipped([GOOD])
    signed = [byte - 256 if byte > 127 else byte for byte in content]
    node = {"in": signed, "filename": "a.zip", "fixmedins_code": town.pharmacy.code}
    reply: Reply = await town.pharmacy.ask("9101", {"fsUploadIn": node})
    assert_done(reply)
    assert isinstance(reply.output, dict)
    clerk = Clerk(town.pharmacy, begin="2027-01-01", end="2027-01-01")
    assert unzipped(await clerk.fetch(reply.output["file_qury_no"])) == [GOOD]


async def test_institution_with_too_many_files_is_told_to_wait(town: Town) -> None:
    service = await town.start_service(small_limits(files_kept_max=2))
    town.clock.pass_by(timedelta(days=8))
    clerk = Clerk(town.hospital, begin="2027-01-01", end="2027-01-01")
    for _ in range(2):
        assert_done(await clerk.upload(zipped([])))
    message = clerk.file(zipped([]))
    assert_refused(await message.to(service), "FILES_TOO_MANY", retry="later", mentions="上限2个")
    await town.stop_service(service)


async def test_more_rows_than_are_compared_at_once_are_refused(town: Town) -> None:
    service = await town.start_service(small_limits(file_rows_max=1))
    clerk = next_day(town)
    sold = [await town.pharmacy.sell(town.someone(), some(CLASS_A)) for _ in range(2)]
    two = await uploaded(clerk, zipped([row_of(one) for one in sold]))
    reply = await clerk.details(two, added(sold)).to(service)
    assert_refused(
        reply, "FILE_ROWS_TOO_MANY", field="input.data.file_qury_no", mentions="共2行"
    )
    one = await uploaded(clerk, zipped([row_of(sold[0])]))
    reply = await clerk.details(one, added(sold[:1])).to(service)
    assert_refused(reply, "FILE_ROWS_TOO_MANY", field="input.data.stmt_begndate")
    await town.stop_service(service)
