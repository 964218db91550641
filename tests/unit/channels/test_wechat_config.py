"""A merchant as an operator writes it: what is wrong is said by its entry, never by a secret."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from settlement.channels.wechat_config import (
    TIMERS,
    MerchantConfigError,
    WechatMerchant,
    load_keys,
    read_merchant,
)
from tests.kit.wechat import known_keys

V3_TABLE = """
mchid = "1900000001"
appid = "wxsim0000000000001"
api = "v3"
merchant_serial = "AB12"
merchant_private_key_file = "merchant.pem"
apiv3_key_file = "apiv3.key"
platform_public_key_id = "PUB_KEY_ID_1"
platform_public_key_file = "platform.pem"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    platform, merchant = known_keys()
    (tmp_path / "merchant.pem").write_bytes(merchant.private_key_pem)
    (tmp_path / "platform.pem").write_bytes(platform.public_key_pem)
    (tmp_path / "apiv3.key").write_text("k" * 32 + "\n")
    (tmp_path / "apiv2.key").write_text("v" * 32)
    return tmp_path


def merchant(**changed: object) -> WechatMerchant:
    return read_merchant(tomllib.loads(V3_TABLE) | changed)


def test_keys_are_read_from_files_beside_the_table(folder: Path) -> None:
    keys = load_keys(merchant(), folder)
    assert keys.signing is not None and keys.apiv3_key == b"k" * 32
    assert list(keys.platform) == ["PUB_KEY_ID_1"] and keys.tls is None


def test_merchant_of_v2_needs_its_key_only(folder: Path) -> None:
    table = {"mchid": "1", "appid": "wx1", "apiv2_key_file": "apiv2.key"}
    one = read_merchant(table)
    assert one.api == "v2" and load_keys(one, folder).apiv2_key == "v" * 32


def test_money_of_a_partners_merchant_is_the_merchants() -> None:
    assert merchant().merchant_no == "1900000001"
    assert merchant(sub_mchid="1900000009").merchant_no == "1900000009"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"api": "v4"}, "api"),
        ({"mchid": 1900000001}, "mchid"),
        ({"mchID": "1"}, "mchID"),
        ({"apiv2_sign_type": "SHA1"}, "apiv2_sign_type"),
    ],
)
def test_table_with_a_wrong_entry_names_it(changed: dict[str, object], said: str) -> None:
    with pytest.raises(MerchantConfigError, match=said):
        merchant(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"merchant_private_key_file": "platform.pem"}, "merchant_private_key_file"),
        ({"merchant_private_key_file": "apiv3.key"}, "merchant_private_key_file"),
        ({"merchant_private_key_file": "nowhere.pem"}, "nowhere.pem: No such file"),
        ({"merchant_private_key_file": ""}, "merchant_private_key_file: api = 'v3' needs it"),
        ({"merchant_serial": ""}, "merchant_serial: api = 'v3' needs it"),
        ({"apiv3_key_file": ""}, "apiv3_key_file: api = 'v3' needs it"),
        ({"apiv3_key_file": "merchant.pem"}, "apiv3_key_file: the key has 32"),
        ({"platform_public_key_file": "apiv3.key"}, "platform key PUB_KEY_ID_1"),
        ({"api": "v2"}, "apiv2_key_file: api = 'v2' needs it"),
        ({"ca_file": "apiv3.key"}, "ca_file"),
        ({"merchant_certificate_file": "platform.pem"}, "merchant_certificate_file"),
    ],
)
def test_file_that_is_not_what_it_should_be_is_named(
    folder: Path, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(MerchantConfigError, match=said) as refused:
        load_keys(merchant(**changed), folder)
    assert "kkkk" not in str(refused.value) and "BEGIN" not in str(refused.value)


def test_times_keep_the_fifteen_seconds_and_the_minute() -> None:
    assert TIMERS.undo_not_before == 15 <= TIMERS.undo_after <= 45
    assert sum(TIMERS.query_after) < TIMERS.undo_after
    assert TIMERS.payer_undo_after <= 60
