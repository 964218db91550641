"""Archives that unpack to more than anybody has memory for, or to archives: refused, wherever one
may be brought, before they are large."""

from __future__ import annotations

import gzip
import io
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from protocol.nhsa import textfile
from settlement.books.bill import BillError
from settlement.finance.bill_sources import Claimed, Received, readings_of
from settlement.intake.faults import FileError
from settlement.intake.workbook import sheet_rows
from tests.kit.memory import MEGABYTE, little_memory

BOMB_BYTES = 96 * MEGABYTE
"""What each bomb unpacks to, from less than half a megabyte."""


def bomb(name: str, *, begins: bytes = b"") -> bytes:
    """A ZIP with one part that unpacks to very much."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w") as part,
    ):
        part.write(begins)
        for _ in range(BOMB_BYTES // MEGABYTE):
            part.write(bytes(MEGABYTE))
    return packed.getvalue()


@pytest.fixture(scope="module")
def zeros() -> bytes:
    """A bomb of zeros, in a file of any name."""
    return bomb("detail.txt")


def zipped(**parts: bytes) -> bytes:
    """A ZIP of some parts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_file_of_an_institution_is_unpacked_only_as_far_as_it_may_be_long(zeros: bytes) -> None:
    with little_memory(), pytest.raises(textfile.FileError) as refused:
        textfile.unpack(zeros, bytes_max=MEGABYTE)
    assert refused.value.fault is textfile.FileFault.TOO_LARGE


def test_archive_in_an_archive_is_no_file_of_an_institution(zeros: bytes) -> None:
    nested = zipped(**{"detail.zip": zipped(**{"detail.zip": zeros})})
    with little_memory(), pytest.raises(textfile.FileError) as refused:
        textfile.unpack(nested, bytes_max=MEGABYTE)
    assert refused.value.fault in (textfile.FileFault.NOT_UTF8, textfile.FileFault.TOO_LARGE)
    several = zipped(**{f"{number}.txt": b"x" for number in range(1_000)})
    with pytest.raises(textfile.FileError) as refused:
        textfile.unpack(several, bytes_max=MEGABYTE)
    assert refused.value.fault is textfile.FileFault.NOT_ONE


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "other"])
def test_workbook_that_is_a_bomb_is_refused_before_it_is_unpacked(
    part: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(bomb(part, begins=b"<sst><si><t>"))
    with little_memory(), pytest.raises(FileError, match="过大"):
        list(sheet_rows(path))


def test_workbook_whose_entities_expand_is_refused(tmp_path: Path) -> None:
    laughs = "".join(
        f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9)
    )  # fmt: skip
    sheet = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><worksheet><c><v>&l9;</v></c></worksheet>'
    outside = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet>&e;</worksheet>'
    for content in (sheet, outside):
        path = tmp_path / "x.xlsx"
        path.write_bytes(zipped(**{"xl/worksheets/sheet1.xml": content.encode()}))
        with little_memory(), pytest.raises(FileError):
            list(sheet_rows(path))


def test_bill_that_is_a_bomb_is_refused_line_by_line(zeros: bytes) -> None:
    packed = gzip.compress(bytes(BOMB_BYTES), 1)
    nested = zipped(**{"bill.zip": zeros})
    for content in (zeros, packed, nested):
        received = Received(name="bill", open=lambda content=content: io.BytesIO(content))
        with little_memory(), ExitStack() as held, pytest.raises(BillError):
            readings_of(received, Claimed(), held)
