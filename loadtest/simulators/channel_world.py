"""All simulated payment channels at once, with one merchant each, and how to be that merchant.

`open_channels` starts them and writes into a folder what a server's configuration consists of:
`channels.toml`, the keys beside it, and `world.json` with what anybody else's software needs. Where
it is told who the people are, their 医保码 are decoded and may pay as well (voucher_world.py).
Where it is told of a hospital, that one hears of mobile payments, and WeChat confirms them
(mobile_world.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from loadtest.simulators.alipay import AlipaySimulator, MerchantAccount
from loadtest.simulators.alipay_replies import Merchant
from loadtest.simulators.channel import ChannelSimulator
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.mobile_world import RECEIVER, Hospital, MobileWorld
from loadtest.simulators.unionpay import UnionPaySimulator
from loadtest.simulators.unionpay_checks import FILE_PATH
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_pages import People
from loadtest.simulators.voucher_world import Vouchers
from loadtest.simulators.wechat import WechatSimulator
from loadtest.simulators.wechat_phone import SIGN_IN_PATH
from protocol.alipay.signing import PrivateKey, PublicKey
from protocol.unionpay.certificates import SigningKey

MCHID, APP_ID, SELLER_ID, MER_ID = (
    "1900000109", "2026000000000001", "2088999999999999", "777290058110048",
)  # fmt: skip
WECHAT_APP_FILE = "wechat_app.txt"
KEY_BITS = 2048
PRIVATE = 0o600


class Channels:
    """The simulators while they run: `urls` by channel, `world` for `/demo/world.json`."""

    def __init__(
        self, folder: Path, clock: VirtualClock, vouchers: Vouchers | None = None,
        hospital: Hospital | None = None,
    ) -> None:  # fmt: skip
        self._folder = folder
        self.vouchers = vouchers
        self._app_key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        self._alipay_key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        self.wechat = WechatSimulator(clock=clock, book=ChannelBook(folder / "wechat.jsonl"))
        self.wechat.add_merchant(MCHID)
        self.mobile = None if hospital is None else MobileWorld(
            folder, hospital=hospital, wechat=self.wechat, clock=clock
        )
        self.alipay = AlipaySimulator(
            clock=clock, book=ChannelBook(folder / "alipay.jsonl"),
            key=PrivateKey(self._alipay_key),
            stranger=PrivateKey(
                rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
            ),
            accounts=(
                MerchantAccount(
                    merchant=Merchant(app_id=APP_ID, seller_id=SELLER_ID),
                    public_key=PublicKey(self._app_key.public_key()),
                ),
            ),
        )  # fmt: skip
        self.unionpay = UnionPaySimulator(
            clock=clock, book=ChannelBook(folder / "unionpay.jsonl")
        )
        self._unionpay_signer: SigningKey = self.unionpay.open_merchant(MER_ID)
        self.urls: dict[str, str] = {}
        self.world: dict[str, Mapping[str, object]] = {}

    @property
    def all(self) -> tuple[ChannelSimulator, ...]:
        """One of each."""
        vouchers = () if self.vouchers is None else self.vouchers.all
        return self.wechat, self.alipay, self.unionpay, *vouchers

    async def start(self, *, notify_base: str) -> None:
        """Listen, and write what a server is configured with."""
        for simulator in self.all:
            self.urls[simulator.name] = await simulator.start()
        if self.mobile is not None:
            self.urls[RECEIVER] = await self.mobile.start(notify_base)
        self.world = {
            "wechat": self.wechat.credentials(MCHID),
            "alipay": {
                "gateway_url": f"{self.urls['alipay']}/gateway.do",
                "app_id": APP_ID,
                "seller_id": SELLER_ID,
                "app_private_key_pem": _private_pem(self._app_key).decode(),
                "alipay_public_key_pem": _public_pem(self._alipay_key).decode(),
                "test_auth_codes": self.alipay.codes.test_codes(),
            },
            "unionpay": self.unionpay.credentials(MER_ID, self._unionpay_signer),
            **({} if self.vouchers is None else self.vouchers.world),
            **({} if self.mobile is None else {"mobile": self.mobile.world}),
        }
        await asyncio.to_thread(self._write, notify_base)

    async def stop(self) -> None:
        """No more requests."""
        for simulator in self.all:
            await simulator.stop()
        if self.mobile is not None:
            await self.mobile.stop()

    def _write(self, notify_base: str) -> None:
        wechat, unionpay = self.world["wechat"], self.world["unionpay"]
        files = {
            "wechat_merchant.pem": wechat["merchant_private_key_pem"],
            "wechat_platform.pem": wechat["platform_public_key_pem"],
            "wechat_apiv3.key": wechat["apiv3_key"],
            "wechat_apiv2.key": wechat["apiv2_key"],
            WECHAT_APP_FILE: wechat["app_secret"],
            "alipay_app.pem": _private_pem(self._app_key).decode(),
            "alipay.pem": _public_pem(self._alipay_key).decode(),
            "unionpay_merchant.pem": unionpay["key_pem"],
            "unionpay.pem": unionpay["certificate_pem"],
            **({} if self.vouchers is None else self.vouchers.files),
            "channels.toml": self._toml(notify_base),
            "world.json": msgspec.json.encode({"urls": self.urls, "channels": self.world}).decode(),
        }
        for name, text in files.items():
            place = self._folder / name
            place.touch(mode=PRIVATE)
            place.chmod(PRIVATE)
            place.write_text(str(text), "utf-8")

    def _toml(self, notify_base: str) -> str:
        wechat = self.world["wechat"]
        settings: dict[str, dict[str, object]] = {
            "wechat": {
                "mchid": MCHID, "appid": wechat["appid"], "api": "v3", "backup_url": "",
                "base_url": self.urls["wechat"], "merchant_serial": wechat["merchant_serial"],
                "merchant_private_key_file": "wechat_merchant.pem",
                "apiv3_key_file": "wechat_apiv3.key", "apiv2_key_file": "wechat_apiv2.key",
                "platform_public_key_id": wechat["platform_public_key_id"],
                "platform_public_key_file": "wechat_platform.pem",
                "phone": True,
                "app_secret_file": WECHAT_APP_FILE,
                "sign_in_url": self.urls["wechat"] + SIGN_IN_PATH,
                "open_api_url": self.urls["wechat"],
            },
            "alipay": {
                "app_id": APP_ID, "seller_id": SELLER_ID, "base_url": self.urls["alipay"],
                "private_key_file": "alipay_app.pem", "alipay_public_key_file": "alipay.pem",
                "phone": "precreate",
            },
            "unionpay": {
                "mer_id": MER_ID, "base_url": self.urls["unionpay"],
                "file_url": self.urls["unionpay"] + FILE_PATH,
                "key_file": "unionpay_merchant.pem", "trusted_file": "unionpay.pem",
                "phone": True,
            },
        }  # fmt: skip
        lines = [f'notify_base = "{notify_base}"', f'cashier_base = "{notify_base}"']
        for channel, table in settings.items():
            lines += ["", "[[merchant]]", f'channel = "{channel}"', "", "[merchant.settings]"]
            lines += [f"{name} = {_toml_text(value)}" for name, value in table.items()]
        if self.vouchers is not None:
            lines += self.vouchers.toml_lines
        return "\n".join(lines) + "\n"


@asynccontextmanager
async def open_channels(
    folder: Path, *, notify_base: str, clock: VirtualClock | None = None,
    people: People | None = None, region: str = "", hospital: Hospital | None = None,
) -> AsyncIterator[Channels]:  # fmt: skip
    """The channels, while they run. `people` are those of a region whose codes are decoded; with a
    `hospital`, `notify_base` is also the centre of mobile payment that WeChat asks."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    clock = clock or VirtualClock()
    vouchers = None
    if people is not None:
        vouchers = Vouchers(folder, clock=clock, people=people, region=region)
    channels = await asyncio.to_thread(Channels, folder, clock, vouchers, hospital)
    try:
        await channels.start(notify_base=notify_base)
        yield channels
    finally:
        await channels.stop()


def _toml_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
