"""Files of the interface: what is packed is unpacked, and what is wrong is named with its place."""

from __future__ import annotations

import io
import random
import zipfile

import pytest

from protocol.nhsa.textfile import (
    DETAIL_COLUMNS,
    RESULT_COLUMNS,
    FileError,
    FileFault,
    Packing,
    bytes_of,
    detail_rows,
    pack,
    rows_of,
    text_of,
    unpack,
)

MANY = 1_000
COLUMNS = tuple(DETAIL_COLUMNS)


def packed(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of entries."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return content.getvalue()


def fault(content: bytes, *, bytes_max: int = MANY) -> FileFault | None:
    """What is wrong with a zip."""
    try:
        unpack(content, bytes_max=bytes_max)
    except FileError as error:
        return error.fault
    return None


def test_rows_come_back_as_they_were_packed(rng: random.Random) -> None:
    letters = "012 9.-ab甲乙，\u3000"
    for _ in range(200):
        rows = [
            ["".join(rng.choices(letters, k=rng.randrange(6))) for _ in RESULT_COLUMNS]
            for _ in range(rng.randrange(5))
        ]
        content = pack("result.txt", text_of(rows))
        text = unpack(content, bytes_max=100_000)
        assert rows_of(text, RESULT_COLUMNS, rows_max=MANY) == rows


def test_pieces_give_the_text_that_they_are() -> None:
    packing = Packing("a.txt")
    for piece in ("甲\t", "", "乙\n" * 3):
        packing.add(piece)
    assert unpack(packing.done(), bytes_max=MANY) == "甲\t" + "乙\n" * 3


def test_same_text_gives_the_same_bytes() -> None:
    assert pack("a.txt", "甲\t乙\n") == pack("a.txt", "甲\t乙\n")


def test_what_would_break_a_row_is_written_as_a_blank() -> None:
    assert text_of([["a\tb", "c\r\nd\u2028", ""]]) == "a b\tc  d \tnull\n"


def test_mark_line_ends_and_last_line_are_as_editors_leave_them() -> None:
    for text in ("a\tb\nc\td\n", "a\tb\r\nc\td\r\n", "a\tb\nc\td"):
        content = packed(("a.txt", b"\xef\xbb\xbf" + text.encode()))
        got = rows_of(unpack(content, bytes_max=MANY), ("x", "y"), rows_max=MANY)
        assert got == [["a", "b"], ["c", "d"]]
    assert rows_of("", ("x",), rows_max=MANY) == []
    assert rows_of("null\t1\n", ("x", "y"), rows_max=MANY) == [["", "1"]]


GOOD = packed(("a.txt", b"a\tb\n"))
ENCRYPTED = GOOD[:6] + bytes([GOOD[6] | 1]) + GOOD[7:]
ZIPS = [
    # content,                                                    fault
    (GOOD,                                                        None),
    (packed(("d/", b""), ("d/a.txt", b"a")),                      None),
    (packed(("a.txt", b"a"), method=zipfile.ZIP_STORED),          None),
    (b"",                                                         FileFault.NOT_ZIP),
    (b"PK\x03\x04",                                               FileFault.NOT_ZIP),
    (GOOD[:-1],                                                   FileFault.NOT_ZIP),
    (GOOD.replace(b"a.txt", b"b.txt", 1),                         FileFault.NOT_ZIP),
    (packed(("a.txt", b"a" * 99), method=zipfile.ZIP_LZMA),       FileFault.NOT_ZIP),
    (packed(),                                                    FileFault.NOT_ONE),
    (packed(("d/", b"")),                                         FileFault.NOT_ONE),
    (packed(("a.txt", b""), ("b.txt", b"")),                      FileFault.NOT_ONE),
    (packed(("a.txt", b"a" * 1_000)),                             None),
    (packed(("a.txt", b"a" * 1_001)),                             FileFault.TOO_LARGE),
    (packed(("a.txt", b"a" * 50_000_000)),                        FileFault.TOO_LARGE),
    (packed(("a.txt", b"\xb1\xb1")),                              FileFault.NOT_UTF8),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), ZIPS)
def test_zip_that_is_not_one_text_is_refused(content: bytes, expected: FileFault | None) -> None:
    assert fault(content) == expected


def test_zip_that_lies_about_its_length_is_still_read_only_so_far() -> None:
    honest = packed(("a.txt", b"0" * 5_000))
    lying = honest.replace((5_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    assert fault(lying) in (FileFault.NOT_ZIP, FileFault.TOO_LARGE)


def test_broken_bytes_are_refused_and_nothing_else(rng: random.Random) -> None:
    good = pack("a.txt", text_of([["1"] * 7] * 20))
    for _ in range(3_000):
        content = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        fault(bytes(content[: rng.randint(1, len(content))]), bytes_max=100)


def test_bytes_come_in_base64_or_as_numbers() -> None:
    assert bytes_of("UEsF\r\nBg==") == b"PK\x05\x06"
    assert bytes_of((80, 75, -1, 255, -128)) == b"PK\xff\xff\x80"
    for text in ("UEsFBg=", "UEs*", "好"):
        with pytest.raises(FileError):
            bytes_of(text)


def test_row_of_a_detail_file_is_read_in_fen() -> None:
    [row] = detail_rows("S1\tM1\tP1\t-12.5\t3\t0.07\t1\n", rows_max=MANY)
    assert (row.setl_id, row.mdtrt_id, row.psn_no) == ("S1", "M1", "P1")
    assert (row.total_fen, row.fund_fen, row.account_fen, row.refund) == (-1250, 300, 7, True)


BAD = [
    # column, value,               place
    ("setl_id", "",                1),
    ("setl_id", "null",            1),
    ("setl_id", "x" * 31,          1),
    ("mdtrt_id", "a\x0bb",         2),
    ("psn_no", "a\x00",            3),
    ("medfee_sumamt", "1,000.00",  4),
    ("medfee_sumamt", "0.005",     4),
    ("medfee_sumamt", "1e3",       4),
    ("medfee_sumamt", "NaN",       4),
    ("medfee_sumamt", "１",        4),
    ("medfee_sumamt", " 1",        4),
    ("fund_pay_sumamt", "1" * 15,  5),
    ("acct_pay", "+1",             6),
    ("refd_setl_flag", "",         7),
    ("refd_setl_flag", "是",       7),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value", "place"), BAD)
def test_value_that_cannot_be_read_is_named(column: str, value: str, place: int) -> None:
    good = dict(zip(COLUMNS, ("S", "M", "P", "1.00", "1.00", "0.00", "0"), strict=True))
    text = text_of([list(good.values())]) + "\t".join((good | {column: value}).values())
    with pytest.raises(FileError) as caught:
        detail_rows(text, rows_max=MANY)
    assert caught.value.fault is FileFault.VALUE
    assert (caught.value.params["row"], caught.value.params["column"]) == (2, place)
    assert caught.value.params["name_zh"] == DETAIL_COLUMNS[column]


def test_number_of_rows_and_columns_is_counted() -> None:
    with pytest.raises(FileError) as caught:
        rows_of("1\n" * 3, ("x",), rows_max=2)
    assert caught.value.params == {"found": 3, "limit": 2}
    with pytest.raises(FileError) as caught:
        rows_of("1\t2\n1\t2\t3\n", ("x", "y"), rows_max=2)
    assert caught.value.params == {"row": 2, "found": 3, "expected": 2}
