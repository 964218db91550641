"""Who decodes codes of persons, from a file; and which of them is asked about a code."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.simulators import voucher_codes
from protocol import evoucher, paycode
from settlement.region.config import DecoderConfigError, read_decoders
from settlement.region.decoder import Decoders
from settlement.region.evoucher import HttpDecoder

TWO = """
notify_base = ""

[[decoder]]
kind = "voucher"
base_url = "http://guangdong.example.org"
provinces = ["44"]

[[decoder]]
kind = "voucher"
base_url = "https://nation.example.org"

[[decoder]]
kind = "social_card"
prefix = "SIMSSC"
base_url = "https://cards.example.org"
path = "/decode"
"""


def written(folder: Path, text: str) -> Path:
    """A file with this in it."""
    file = folder / "channels.toml"
    file.write_text(text, "utf-8")
    return file


def test_decoders_are_read_in_their_order(tmp_path: Path) -> None:
    found = read_decoders(written(tmp_path, TWO))
    assert [one.base_url.split("//")[1] for one in found] == [
        "guangdong.example.org", "nation.example.org", "cards.example.org",
    ]  # fmt: skip
    assert (found[0].path, found[2].path) == (evoucher.PATH, "/decode")


@pytest.mark.parametrize(
    ("prefix", "province", "asked"),
    [
        ("424",    "44", 0),
        ("424",    "13", 1),
        ("opc",    "44", 1),
        ("ano",    "44", 1),
        ("SIMSSC", "44", 2),
    ],
)  # fmt: skip
def test_shape_and_province_say_who_is_asked(
    tmp_path: Path, prefix: str, province: str, asked: int
) -> None:
    doors = [HttpDecoder(one) for one in read_decoders(written(tmp_path, TWO))]
    code = voucher_codes.test_code(1, province=province, prefix=prefix)
    assert Decoders(doors).of(paycode.read(code)) is doors[asked]


@pytest.mark.parametrize(
    "code", ["134567890123456789", "288186539097317031", "6212345678901234567", "T99000000001", ""]
)
def test_other_codes_are_nobody_s(tmp_path: Path, code: str) -> None:
    doors = [HttpDecoder(one) for one in read_decoders(written(tmp_path, TWO))]
    assert Decoders(doors).of(paycode.read(code)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[decoder]]\nkind = "voucher"', "base_url"),
        ('[[decoder]]\nkind = "palm"\nbase_url = "http://x"', "palm"),
        ('[[decoder]]\nkind = "voucher"\nbase_url = "x"', "decoder 1: base_url"),
        ('[[decoder]]\nkind = "social_card"\nbase_url = "http://x"', "decoder 1: social_card"),
        ('[[decoder]]\nkind = "voucher"\nbase_url = "http://x"\nprovinces = ["4"]', "provinces"),
        ('[[decoder]]\nkind = "voucher"\nbase_url = "http://x"\nsecret = "1"', "secret"),
        ("[[decoder", "channels.toml"),
    ],
)
def test_fault_in_a_file_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DecoderConfigError, match=said.replace("[", r"\[")):
        read_decoders(written(tmp_path, text))


def test_file_without_decoders_has_none(tmp_path: Path) -> None:
    assert read_decoders(written(tmp_path, 'notify_base = ""')) == ()
