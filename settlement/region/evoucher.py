"""Decoding over HTTP, as the national `localQrCodeQuery` does it (channels.md 9.2, Way B).

One class for 医保码 and, by other settings, for an electronic social security card (电子社保卡),
whose codes and interface no public text describes: what a card's code looks like is a prefix that
the operator configures, and only a simulator was ever asked about one.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from protocol import evoucher
from protocol.paycode import Scanned
from settlement.channels.line import Line, NoAnswer
from settlement.region.config import DecoderKind, DecoderSettings
from settlement.region.decoder import Asker, Decoded, NotDecoded, Why

logger = logging.getLogger("settlement.decoder")

_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
_WHY = {
    evoucher.NOT_A_VOUCHER: Why.NOT_A_CODE,
    evoucher.EXPIRED: Why.EXPIRED,
    evoucher.USED: Why.USED,
}
"""A code that is not here says nothing."""
_TRANSACTION = {DecoderKind.VOUCHER: evoucher.DECODE, DecoderKind.SOCIAL_CARD: evoucher.DECODE_CARD}


class HttpDecoder:
    """See `decoder.Decoder`."""

    def __init__(self, settings: DecoderSettings) -> None:
        self._settings = settings
        self._line = Line(
            settings.base_url, connect_seconds=settings.connect_seconds,
            answer_seconds=settings.answer_seconds,
        )  # fmt: skip

    async def close(self) -> None:
        """Give back what it holds."""
        await self._line.close()

    def reads(self, scanned: Scanned) -> bool:
        """See the port. The province of a 医保码 is in the code itself, so that codes of some
        provinces may have a decoder of their own."""
        settings = self._settings
        if settings.kind is DecoderKind.SOCIAL_CARD:
            return scanned.code.startswith(settings.prefix)
        if not scanned.is_voucher:
            return False
        return not settings.provinces or scanned.province in settings.provinces

    async def decode(self, scanned: Scanned, asker: Asker) -> Decoded | NotDecoded:
        """See the port."""
        body = evoucher.request_body(
            scanned.code, institution=asker.institution, business=asker.business,
            operator=asker.operator, device=asker.device,
            trans_type=_TRANSACTION[self._settings.kind],
        )  # fmt: skip
        reply = await self._line.ask("POST", self._settings.path, body=body, headers=_HEADERS)
        if isinstance(reply, NoAnswer):
            return _not_decoded(reply.code)
        if reply.status != HTTPStatus.OK:
            return _not_decoded(f"HTTP {reply.status}")
        try:
            said = evoucher.read_reply(reply.body)
        except ValueError:
            return _not_decoded("UNREADABLE")
        holder = said.holder
        if holder is None:
            return _not_decoded(said.number)
        return Decoded(
            identity_no=holder.idNo, name=holder.userName, region=holder.insuOrg,
            token=holder.ecToken, life_seconds=self._settings.token_seconds,
        )  # fmt: skip


def _not_decoded(code: str) -> NotDecoded:
    """The issuer's code, or what broke; never what was scanned."""
    why = _WHY.get(code, Why.UNREACHABLE)
    if why is Why.UNREACHABLE:
        where = {"event": "decoder.unreachable", "reason": code}
        logger.warning("a code could not be decoded", extra=where)
    return NotDecoded(why=why, code=code)
