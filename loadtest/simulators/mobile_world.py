"""Mobile payment in a simulated world: a hospital that is told, and a wallet that confirms.

The hospital's receiver listens, and the simulated WeChat asks the server, as the mobile-payment
centre, to settle the insurance part of mixed orders. Nobody is known to the server by that: an
operator registers both, with what stands in `world`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from msgspec import Struct

from loadtest.simulators.receiver import NoticeBook, ReceiverSimulator
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wallet_bureau import WalletBureau, over_http
from loadtest.simulators.wechat import WechatSimulator
from protocol.nhsa.gm import SM2_ORDER, Sm2PrivateKey, Sm2PublicKey
from protocol.nhsa.mobile_envelope import Party
from settlement.clock import local_time

RECEIVER = "receiver"
"""Its name among the simulators. It is told and collects nothing: no channel's `/_sim/times`."""
WALLET = "WECHAT"
"""thdPayType of orders that this wallet confirms"""
WALLET_ACCESS_KEY = "wallet-wechat-0001"
HOSPITAL_MCHID = "1900000209"
"""The hospital's own merchant: what it collects on the phone is in none of the server's bills."""


class Hospital(Struct, frozen=True, kw_only=True):
    """Whose platform is told: its code, its credential, and the key that the centre signs with."""

    code: str
    access_key: str
    secret: str
    centre: Sm2PublicKey


class MobileWorld:
    """Receiver and wallet of one hospital. `world` is what somebody needs to act for both."""

    def __init__(
        self, folder: Path, *, hospital: Hospital, wechat: WechatSimulator, clock: VirtualClock
    ) -> None:
        wechat.add_merchant(HOSPITAL_MCHID)
        self._hospital = hospital
        self._wechat = wechat
        self._clock = clock
        self._key, self._wallet_key = _new_key(), _new_key()
        self._wallet = Party(app_id=WALLET_ACCESS_KEY, secret=secrets.token_hex(32))
        self.receiver = ReceiverSimulator(
            Party(app_id=hospital.access_key, secret=hospital.secret), key=self._key,
            platform=hospital.centre, book=NoticeBook(folder / "notices.jsonl"),
        )  # fmt: skip
        self._session: aiohttp.ClientSession | None = None

    async def start(self, centre_url: str) -> str:
        """Listen, and let WeChat ask the centre at this address; gives the receiver's."""
        self._session = aiohttp.ClientSession()
        self._wechat.mixed.bureau = WalletBureau(
            over_http(self._session, centre_url), self._wallet, key=self._wallet_key,
            centre=self._hospital.centre,
            stamp=lambda: f"{local_time(self._clock()):%Y%m%d%H%M%S}",
        )  # fmt: skip
        return await self.receiver.start()

    async def stop(self) -> None:
        """Nobody is told any more, and nobody asks."""
        if self._session is not None:
            await self._session.close()
        await self.receiver.stop()

    @property
    def world(self) -> Mapping[str, object]:
        """For `/demo/world.json`."""
        return {
            "institution": self._hospital.code, "access_key": self._hospital.access_key,
            "receiver_url": self.receiver.url, "sm2_public": self._key.public.point.hex(),
            "wallet": WALLET, "wallet_access_key": self._wallet.app_id,
            "wallet_secret": self._wallet.secret,
            "wallet_sm2_public": self._wallet_key.public.point.hex(),
            "merchant": self._wechat.credentials(HOSPITAL_MCHID),
        }  # fmt: skip


def _new_key() -> Sm2PrivateKey:
    return Sm2PrivateKey.of_number(1 + secrets.randbelow(SM2_ORDER - 2))
