"""A merchant's file: what it may say, what it must not, and the files that it names."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from loadtest.simulators.unionpay_keys import (
    OWNER,
    Keys,
    certificate_pem,
    make_keys,
    make_signing_key,
    merchant_name,
    unionpay_name,
)
from settlement.channels.unionpay_config import (
    UnionPayConfigError,
    UnionPayKeys,
    UnionPayMerchant,
    load_keys,
    read_merchant,
)
from tests.tidy.tree import ROOT

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
MERCHANT = """
mer_id = "999290058110097"
base_url = "https://gateway.example"
file_url = "https://files.example/"
key_file = "merchant.pfx"
key_password_file = "merchant.password"
trusted_file = "unionpay.pem"
"""


@pytest.fixture(scope="module")
def keys() -> Keys:
    return make_keys(NOW)


@pytest.fixture
def folder(tmp_path: Path, keys: Keys) -> Path:
    signer = keys.stranger
    packed = serialize_key_and_certificates(
        b"merchant", signer.key, signer.certificate, None, BestAvailableEncryption(b"000000")
    )
    (tmp_path / "merchant.pfx").write_bytes(packed)
    (tmp_path / "merchant.password").write_text("000000\n")
    pem = keys.unionpay.certificate.public_bytes(Encoding.PEM)
    (tmp_path / "unionpay.pem").write_bytes(pem)
    return tmp_path


def loaded(folder: Path, text: str) -> tuple[UnionPayMerchant, UnionPayKeys]:
    merchant = read_merchant(tomllib.loads(text))
    return merchant, load_keys(merchant, folder)


def test_a_merchant_is_read_with_its_files(folder: Path, keys: Keys) -> None:
    merchant, loaded_keys = loaded(folder, MERCHANT)
    assert loaded_keys.signing.cert_id == keys.stranger.cert_id
    assert loaded_keys.trust.key_of(certificate_pem(keys.unionpay), NOW) is not None
    assert loaded_keys.trust.key_of(certificate_pem(keys.stranger), NOW) is None
    assert not merchant.pay_accepted_is_final and merchant.void_within_day
    assert merchant.statement_separator == " "


def test_a_reversal_leaves_within_45_seconds(folder: Path) -> None:
    """Our rule: also when a query was begun just before."""
    merchant, _ = loaded(folder, MERCHANT)
    timers = merchant.timers
    assert timers.undo_after + merchant.connect_seconds + merchant.query_seconds < 45
    assert timers.payer_undo_after == timers.undo_after
    assert timers.query_after[:5] == (1, 2, 4, 8, 16)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('colour = "red"', "colour"),
        ("pay_accepted_is_final = 1", "pay_accepted_is_final"),
        ("undo_after = 39.5", "undo_after"),
        ("undo_after = 0", "undo_after"),
        ("query_after = []", "query_after"),
        ("query_after = [1.0, 0.0]", "query_after"),
        ('statement_separator = "||"', "statement_separator"),
        ('statement_separator = "　"', "statement_separator"),
        ('intermediate_file = "nowhere.pem"', "nowhere.pem"),
    ],
)
def test_what_a_file_must_not_say_is_named(folder: Path, line: str, said: str) -> None:
    with pytest.raises(UnionPayConfigError, match=said):
        loaded(folder, MERCHANT + line)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('mer_id = "999290058110097"', 'mer_id = "9992"', "mer_id: 15"),
        ("merchant.pfx", "unionpay.pem", "key_file: unionpay.pem"),
        ("merchant.password", "unionpay.pem", "password is wrong"),
        ("unionpay.pem", "merchant.pfx", "trusted_file: merchant.pfx: no certificate"),
        ("key_file", "# key_file", "key_file"),
        ("merchant.pfx", "none.pfx", "key_file: none.pfx"),
    ],
)
def test_what_a_file_must_say_is_named(folder: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(UnionPayConfigError, match=said):
        loaded(folder, MERCHANT.replace(before, after))


def test_root_is_trusted_only_for_an_owner(folder: Path) -> None:
    root = make_signing_key("测试根", at=NOW, is_authority=True)
    (folder / "root.pem").write_text(certificate_pem(root))
    text = MERCHANT.replace("unionpay.pem", "root.pem")
    with pytest.raises(UnionPayConfigError, match="trusted_owner"):
        loaded(folder, text)
    _, loaded_keys = loaded(folder, text + f'trusted_owner = "{OWNER}"')
    issued = make_signing_key(unionpay_name(), at=NOW, issuer=root)
    other = make_signing_key(merchant_name("999290058110097"), at=NOW, issuer=root)
    assert loaded_keys.trust.key_of(certificate_pem(issued), NOW) is not None
    assert loaded_keys.trust.key_of(certificate_pem(other), NOW) is None


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/reference/channels/unionpay.md").read_text("utf-8")
    documented = set(re.findall(r"`([a-z_]+)`", page))
    assert set(UnionPayMerchant.__struct_fields__) <= documented
