"""Guests of a two-region story who scan to pay in a pharmacy (ADR 0075), whatever the hub, their
wallet and the processes do. What is checked in the end is what the till reads of each order, and
that the channel's own book says the same as ours.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import UNSET, Struct

from ledger.postgres.fold import balance
from protocol.scan import ScanReply
from settlement.chart import ChannelAccount, channel_account
from tests.kit.pair import OTHER, OURS, Pair
from tests.kit.population import CLASS_B, DEAR, Citizen
from tests.kit.scanner import Scanner
from tests.kit.till import OTHER_WALLET, WALLET, Play, ScriptedChannel

AT, HOME = OTHER, OURS
"""Where it is sold, and where the buyer is insured: its policy pays for what pharmacies sell."""
PLAYS = (Play.PAID, Play.PAID, Play.POOR, Play.CONFIRM, Play.LOST_BEFORE, Play.LOST_AFTER)
_OPEN = frozenset({"unknown", "payer_action", "refunding"})


class Scan(Struct, kw_only=True, eq=False):
    """An order that a till has sent."""

    number: str
    order: dict[str, object]
    refunds: list[str] = []


class RegionScans:
    """See the module. `tell` adds to the story."""

    def __init__(self, rng: Random, pair: Pair, tell: Callable[[str, str], None]) -> None:
        self._rng = rng
        self._pair = pair
        self._tell = tell
        self.sent: list[Scan] = []

    async def scan(self, who: Citizen) -> None:
        """A new order; its wallet does something."""
        rng = self._rng
        scanner = self._scanner()
        pay_code = rng.choice((WALLET, WALLET, OTHER_WALLET, ""))
        order = scanner.order(
            None, rng.choice((CLASS_B, DEAR)), rng.randint(1, 9), pay_code=pay_code,
            person_code=who.patient.person.certno, insuplc_admdvs=HOME,
            acct_used_flag=rng.choice("01"), allow_second_code=rng.random() < 0.5,
        )  # fmt: skip
        self._wallet().plays.append(rng.choice(PLAYS))
        one = Scan(number=str(order["order_no"]), order=order)
        self.sent.append(one)
        self._said(one, "scan", await scanner.scan(order))

    async def again(self) -> None:
        """A till sends an order again, perhaps with another code."""
        if self.sent:
            one = self._rng.choice(self.sent)
            order = {**one.order, "pay_code": self._rng.choice((WALLET, OTHER_WALLET))}
            self._said(one, "scan again", await self._scanner().scan(order))

    async def cancel(self) -> None:
        """A till gives an order up."""
        if self.sent:
            one = self._rng.choice(self.sent[-4:])
            self._said(one, "cancel", await self._scanner().cancel(one.number))

    async def refund(self) -> None:
        """A buyer brings it back, perhaps the same refund once more."""
        if not self.sent:
            return
        one = self._rng.choice(self.sent)
        number = f"B{len(one.refunds)}-{one.number}"
        if one.refunds and self._rng.random() < 0.5:
            number = one.refunds[-1]
        else:
            one.refunds.append(number)
        self._said(one, "refund", await self._scanner().refund(one.number, number))

    async def confirm(self) -> None:
        """A payer confirms on the phone what waits there."""
        wallet, book = self._wallet(), self._wallet().book
        waiting = [n for n in book.asked if n not in book.dead and n not in book.paid]
        if waiting:
            wallet.confirm(self._rng.choice(waiting))
            self._tell(HOME, "a payer confirms")

    async def check_end(self) -> None:
        """Every order is at its end, and stands or does not as the till reads it; the channels'
        books say what ours say."""
        scanner, town = self._scanner(), self._pair.towns[AT]
        for one in self.sent:
            told = await scanner.find(one.number)
            assert told.status not in _OPEN, (one.number, told)
            standing = await town.owner.fetchval(
                "select count(*) from settlement.settlement t where t.infno = 'SCAN'"
                " and t.msgid = $1 and t.kind = 1 and not exists (select 1 from"
                " settlement.settlement u where u.lane = t.lane and u.undoes_setl_id = t.setl_id)",
                one.number,
            )
            assert standing == (told.status == "settled"), (one.number, told)
        base = town.place.institutions[0].account_base
        for channel in (town.channels.wechat, town.channels.alipay):
            number = channel_account(base, ChannelAccount.CLEARING, channel.name)
            ours = await balance(town.owner, number)
            assert ours.debits_fen - ours.credits_fen == channel.book.balance_fen, channel.name

    def _said(self, one: Scan, what: str, reply: ScanReply) -> None:
        code = "" if reply.err_code is UNSET else reply.err_code
        self._tell(HOME, f"{what} {one.number} {reply.status} {code}")

    def _wallet(self) -> ScriptedChannel:
        return self._pair.towns[AT].channels.wechat

    def _scanner(self) -> Scanner:
        """The till of the process that stands now."""
        town = self._pair.towns[AT]
        return Scanner(town.place.institutions[0], town.service)
