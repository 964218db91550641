"""Statement files: cut by bytes, read by name, one bad line does not spoil the others."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from base64 import b64encode

import pytest

from protocol.unionpay.archive import (
    ArchiveError,
    StatementKind,
    archive_of,
    content_of,
    statement_name,
    statements,
    zip_of,
)
from protocol.unionpay.layouts import ZM, ZME
from protocol.unionpay.statement import (
    adjustments,
    line_of,
    signed,
    transactions,
    unsigned,
)

MERCHANT = "777290058110097"

# Section 8 of the reference, written down again.
ZM_WIDTHS = (
    "3 11 11 6 10 19 12 4 2 21 2 32 2 6 10 13 13 4 15 2 2 6 2 4 32 1 21 15 1 15 32 13 13 8 32 13"
    " 13 12 2 1 32 98"
)
ZME_WIDTHS = "3 11 11 6 10 19 12 4 2 2 6 10 4 12 13 13 15 15 1 12 2 135"

PAYMENT = {
    "transCode": "S22", "traceNo": "123456", "txnTime": "1123120000", "accNo": "6200********0001",
    "txnAmt": unsigned(4212), "queryId": "742611231200001234560", "orderId": "TEST20261123001",
    "fee": signed(-25), "settleAmt": signed(4187), "txnType": "01", "txnSubType": "06",
    "merId": MERCHANT, "subMerAbbr": "测试大药房002", "termId": "00000001",
}  # fmt: skip


def test_widths_are_those_of_the_interface() -> None:
    assert [column.width for column in ZM.columns] == [int(w) for w in ZM_WIDTHS.split()]
    assert [column.width for column in ZME.columns] == [int(w) for w in ZME_WIDTHS.split()]
    assert (len(ZM.columns), ZM.width) == (42, 607)
    assert (len(ZME.columns), ZME.width) == (22, 339)
    assert len(set(ZM.names)) == 42 and len(set(ZME.names)) == 22


def test_a_line_comes_back_by_column_name() -> None:
    line = line_of(PAYMENT, ZM)
    assert len(line) == 607 + 2
    [row], faults = transactions(line)
    assert not faults
    assert {name: value for name, value in row.values.items() if value} == PAYMENT
    assert (row.amount_fen, row.fee_fen, row.settled_fen) == (4212, -25, 4187)
    assert (row.query_id, row.order_id) == (PAYMENT["queryId"], PAYMENT["orderId"])
    assert row.raw == line.rstrip(b"\r\n") and row.line == 1


def test_columns_stand_where_the_widths_say() -> None:
    """Cut independently: by summing widths, one byte between."""
    line = line_of(PAYMENT, ZM, separator="|")
    begins = [0]
    for width in ZM_WIDTHS.split():
        begins.append(begins[-1] + int(width) + 1)
    assert line[begins[9] : begins[9] + 21] == PAYMENT["queryId"].encode()
    assert line[begins[30] : begins[30] + 32].rstrip() == "测试大药房002".encode("gbk")
    assert all(line[begin - 1 : begin] == b"|" for begin in begins[1:-1])


def test_chinese_characters_may_contain_the_separator() -> None:
    """Second bytes of 晐, 爘 and others are 0x7C: a reader that splits would lose its columns."""
    name = next(c for c in map(chr, range(0x4E00, 0x9FA5)) if _gbk(c)[1:] == b"|")
    line = line_of({**PAYMENT, "subMerAbbr": name * 16}, ZM, separator="|")
    [row], faults = transactions(line, separator="|")
    assert not faults and row.values["subMerAbbr"] == name * 16 and row.values["termId"]


def _gbk(character: str) -> bytes:
    try:
        return character.encode("gbk")
    except UnicodeEncodeError:
        return b""


@pytest.mark.parametrize("separator", [" ", "|", ",", "\t"])
def test_separator_is_a_setting(separator: str) -> None:
    line = line_of(PAYMENT, ZM, separator=separator)
    assert transactions(line, separator=separator)[0]
    assert transactions(line, separator="")[0], "any byte, the same all along"
    other = ";" if separator != ";" else "|"
    rows, [fault] = transactions(line, separator=other)
    assert not rows and fault.column == "transCode" and "instead of" in fault.reason


def test_one_line_with_mixed_separators_is_a_fault() -> None:
    line = bytearray(line_of(PAYMENT, ZM))
    line[3 + 1 + 11] = ord("|")
    _, [fault] = transactions(bytes(line), separator="")
    assert fault.column == "acqInsCode"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("txnAmt", "42.12", "no amount"),
        ("txnAmt", "", "no amount"),
        ("txnAmt", "-00000004212", "no amount"),
        ("fee", "000000000025", "C or D"),
        ("settleAmt", "E000000004187", "C or D"),
        ("queryId", "", "empty"),
    ],
)
def test_bad_line_is_named_and_the_others_are_read(column: str, value: str, reason: str) -> None:
    good = line_of(PAYMENT, ZM)
    rows, [fault] = transactions(good + line_of({**PAYMENT, column: value}, ZM) + good)
    assert [row.line for row in rows] == [1, 3]
    assert (fault.line, fault.column) == (2, column) and reason in fault.reason
    assert len(fault.raw) == ZM.width


def test_cut_file_and_foreign_bytes_are_faults(rng: random.Random) -> None:
    good = line_of(PAYMENT, ZM)
    rows, [fault] = transactions(good + good[: rng.randrange(1, ZM.width)])
    assert len(rows) == 1 and fault.line == 2 and "bytes instead of 607" in fault.reason
    spoilt = bytearray(good)
    spoilt[4] = 0xFF
    _, [fault] = transactions(bytes(spoilt))
    assert (fault.column, fault.reason) == ("acqInsCode", "not GBK")
    assert transactions(b"") == ([], []) and transactions(b"\r\n\r\n") == ([], [])


def test_adjustments_keep_what_is_not_understood() -> None:
    values = {
        "transCode": "E22", "traceNo": "123456", "txnTime": "1123120000", "txnAmt": unsigned(100),
        "field15": "D000000000100", "reserved": "测试",
    }  # fmt: skip
    [row], faults = adjustments(line_of(values, ZME))
    assert not faults and row.amount_fen == 100 and row.trace_no == "123456"
    assert row.values["field15"] == "D000000000100" and len(row.raw) == 339


def test_writer_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="orderId has more than 32 bytes"):
        line_of({"orderId": "T" * 33}, ZM)
    with pytest.raises(ValueError, match="more than 32 bytes"):
        line_of({"subMerAbbr": "测" * 17}, ZM)
    with pytest.raises(ValueError, match="no such column: amount"):
        line_of({"amount": "1"}, ZM)


def packed(**files: bytes) -> bytes:
    return archive_of({f"INN26112388{kind}_{MERCHANT}": data for kind, data in files.items()})


def test_archive_comes_back_as_it_was() -> None:
    zm, zme = line_of(PAYMENT, ZM), line_of({"txnAmt": unsigned(1)}, ZME)
    archive = archive_of(
        {
            statement_name(StatementKind.NORMAL, "261123", MERCHANT): zm,
            statement_name(StatementKind.ADJUSTED, "261123", MERCHANT): zme,
            "说明.txt": "供人阅读".encode("gbk"),
            "INN26112388ZM_777290058110098": b"of another merchant",
        }
    )
    assert zip_of(content_of(archive)) == archive
    assert statements(archive, MERCHANT) == {
        StatementKind.NORMAL: zm, StatementKind.ADJUSTED: zme,
    }  # fmt: skip


def test_content_may_be_broken_into_lines_and_have_a_suffix() -> None:
    archive = archive_of({f"dir/INN26112388ZM_{MERCHANT}.txt": b""})
    text = content_of(archive)
    assert zip_of("\r\n".join((text[:76], text[76:]))) == archive
    assert statements(archive, MERCHANT) == {StatementKind.NORMAL: b""}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("?", "no Base64"),
        (b64encode(b"no zlib").decode(), "no zlib"),
        (b64encode(zlib.compress(bytes(5000))[:-6]).decode(), "cut short"),
        (b64encode(zlib.compress(bytes(20_000))).decode(), "more than 10000 bytes"),
    ],
)
def test_damaged_content_says_what_is_wrong(content: str, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        zip_of(content, bytes_max=10_000)


def test_damaged_zip_says_what_is_wrong() -> None:
    good = packed(ZM=line_of(PAYMENT, ZM) * 20)
    flipped = bytearray(good)
    flipped[60] ^= 0xFF
    bomb = packed(ZM=bytes(20_000))
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        for folder in ("a", "b"):
            archive.writestr(f"{folder}/INN26112388ZM_{MERCHANT}", b"")
    for data, said in (
        (b"no zip", "damaged"),
        (good[:-30], "damaged"),
        (bytes(flipped), "damaged"),
        (packed(ZME=b""), "no ZM file"),
        (bomb, "more than 10000"),
        (twice.getvalue(), "two ZM files"),
    ):
        with pytest.raises(ArchiveError, match=said):
            statements(data, MERCHANT, bytes_max=10_000)
