"""A merchant's configuration: read strictly, keys from files, certificate mode by two files."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.alipay import signing
from settlement.channels.alipay import bill_address
from settlement.channels.alipay_config import (
    PRODUCTION,
    AlipayConfigError,
    load_keys,
    read_merchant,
)
from tests.unit.protocol.alipay import keys

TABLE: dict[str, object] = {
    "app_id": "2026000000000001",
    "seller_id": "2088999999999999",
    "private_key_file": "app.txt",
    "alipay_public_key_file": "alipay.txt",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.txt").write_bytes(keys.bare(keys.private_pem("merchant")))
    (tmp_path / "alipay.txt").write_bytes(keys.public_pem("alipay"))
    (tmp_path / "app.crt").write_bytes(keys.certificate_pem("merchant"))
    (tmp_path / "alipay.crt").write_bytes(keys.certificate_pem("alipay"))
    (tmp_path / "root.crt").write_bytes(keys.certificate_pem("root"))
    (tmp_path / "token").write_text("t0ken\n")
    return tmp_path


def test_four_lines_are_enough(folder: Path) -> None:
    merchant = read_merchant(TABLE)
    assert merchant.base_url == PRODUCTION
    made = load_keys(merchant, folder)
    assert made.private.public.verifies(b"text", made.private.sign(b"text"))
    assert (made.caller.app_id, made.caller.app_cert_sn) == ("2026000000000001", "")


def test_certificates_and_token_come_from_their_files(folder: Path) -> None:
    table = {
        **TABLE, "alipay_public_key_file": "alipay.crt", "app_cert_file": "app.crt",
        "alipay_root_cert_file": "root.crt", "app_auth_token_file": "token",
    }  # fmt: skip
    made = load_keys(read_merchant(table), folder)
    assert "t0ken" not in repr(made)
    caller = made.caller
    assert caller.app_cert_sn == signing.certificate_serial(keys.certificate_pem("merchant"))
    assert caller.alipay_root_cert_sn == signing.root_serial(keys.certificate_pem("root"))
    assert caller.app_auth_token == "t0ken"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"appid": "2026"}, "appid"),
        ({"app_id": 2026}, r"Expected `str`.*app_id"),
        ({"app_cert_file": "app.crt"}, "needs both"),
    ],
)
def test_configuration_that_is_wrong_is_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(AlipayConfigError, match=told):
        read_merchant({**TABLE, **change})


@pytest.mark.parametrize(
    ("over_tls", "host"), [(True, "https://bills.invalid"), (False, "http://bills.invalid")]
)
def test_bill_comes_over_tls_where_it_is_asked_for(over_tls: bool, host: str) -> None:
    link = "http://bills.invalid/file.resource?bizType=trade&fileId=%2F1"
    assert bill_address(link, over_tls=over_tls) == (
        host, "/file.resource?bizType=trade&fileId=%2F1",
    )  # fmt: skip


def test_entry_that_is_missing_is_named() -> None:
    with pytest.raises(AlipayConfigError, match="seller_id"):
        read_merchant({name: value for name, value in TABLE.items() if name != "seller_id"})


@pytest.mark.parametrize(
    ("name", "told"), [("absent.txt", "absent.txt cannot be read"), ("token", "a key of 2026")]
)
def test_key_file_that_is_absent_or_no_key_is_named(folder: Path, name: str, told: str) -> None:
    merchant = read_merchant({**TABLE, "private_key_file": name})
    with pytest.raises(AlipayConfigError, match=told):
        load_keys(merchant, folder)
