"""Commands of a counter that scans, on the world of tests/unit/usecases/builders.py."""

from __future__ import annotations

from random import Random

from msgspec import structs

from settlement import keys
from settlement.claim import AccountUse, ClaimLine
from settlement.commands import Asked, Purchase
from settlement.payments.pay_commands import (
    Counter,
    HoldPlainSale,
    HoldSale,
    PayOnPhone,
    PlainLine,
    Report,
    TakeBack,
    Till,
)
from settlement.payments.payment import ChannelName, Custody
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Happening, Learnt, Way
from settlement.payments.payment_timers import TIMERS
from settlement.translate import scans
from settlement.usecases.payment_payloads import Plan
from tests.unit.usecases.builders import ITEMS, LANE, ON, PERSON_NO, PHARMACY, a_purchase

PRICES_FEN = (1_500, 800, 90_000)
FINGERPRINT = b"\x01" + bytes(24)


def a_till(channel: ChannelName, custody: Custody) -> Till:
    """Whoever shows a code of this channel pays here."""
    return Till(
        channel=channel, merchant_no="1", custody=custody, code_shown="13…6789",
        timers=TIMERS[channel],
    )  # fmt: skip


def some_lines(rng: Random) -> tuple[ClaimLine, ...]:
    """One to three lines, some of them dear."""
    lines = []
    for number in range(1, rng.randint(1, 3) + 1):
        price_fen, quantity = rng.choice(PRICES_FEN), rng.randint(1, 3)
        lines.append(
            ClaimLine(
                line_no=str(number), item_code=rng.choice(ITEMS).code,
                institution_item_code="SHOP", quantity_e4=quantity * 10_000,
                price_e6=price_fen * 10_000, amount_fen=price_fen * quantity, occurred_on=ON,
            )
        )  # fmt: skip
    return tuple(lines)


def on_phone(till: Till) -> Till:
    """The same merchant, where the payer pays on their own phone."""
    return structs.replace(till, way=Way.PHONE, code_shown="")


def invited(command: HoldSale | HoldPlainSale) -> HoldSale | HoldPlainSale:
    """The same order, whose payer is asked to pay on their own phone."""
    counter = structs.replace(command.counter, on_phone=True, second_code=True)
    return structs.replace(command, counter=counter, till=None)


def a_tap(fact: PaymentFact, till: Till) -> PayOnPhone:
    """The payer opens the order on their phone."""
    row = fact.row
    place = row.psn_no or f"#{PHARMACY.code}/{row.order_no}"
    return PayOnPhone(
        asked=asked(row.order_no, place), pay_nos=(row.pay_no,), pay_no=row.pay_no,
        till=on_phone(till),
    )  # fmt: skip


def a_sale(rng: Random, nth: int) -> Purchase:
    """A sale to the one person, without scanning."""
    use = rng.choice((AccountUse.OWN, AccountUse.NONE))
    return a_purchase("310", some_lines(rng), use, nth)


def a_scan(rng: Random, nth: int, order_no: str, till: Till) -> HoldSale:
    """The same by a scan that pays with a wallet."""
    sale = structs.asdict(a_sale(rng, nth))
    sale |= {"asked": asked(order_no, PERSON_NO), "counter": a_counter(rng, order_no), "till": till}
    return HoldSale(**sale)


def a_plain_scan(rng: Random, order_no: str, till: Till) -> HoldPlainSale:
    """A sale that the wallet pays alone."""
    lines = tuple(
        PlainLine(line.line_no, line.amount_fen, line.quantity_e4) for line in some_lines(rng)
    )
    return HoldPlainSale(
        asked=asked(order_no, f"#{PHARMACY.code}/{order_no}"),
        counter=a_counter(rng, order_no), till=till,
        total_fen=sum(line.amount_fen for line in lines), lines=lines,
    )  # fmt: skip


def a_counter(rng: Random, order_no: str) -> Counter:
    """What is kept beside the claim."""
    return Counter(
        order_no=order_no, terminal_id="POS01", operator="0001", tender="scan", tender_note="",
        second_code=rng.random() < 0.7,
    )  # fmt: skip


def a_refund(rng: Random, fact: PaymentFact, plan: Plan, refund_no: str) -> TakeBack:
    """All of an order, some lines of it or parts of them, or an amount."""
    row = fact.row
    sold = plan.claim.lines if plan.claim is not None else ()
    quantities = [(line.line_no, line.quantity_e4) for line in sold]
    quantities += [(line.serial, line.quantity_e4) for line in plan.lines]
    lines: tuple[tuple[str, int], ...] = ()
    amount_fen = None
    match rng.randrange(4):
        case 0:
            lines = tuple(rng.sample(quantities, rng.randint(1, len(quantities))))
        case 1:
            lines = ((str(rng.randint(1, 3)), rng.randint(0, 4) * 10_000),)
        case 2 if plan.lines:
            amount_fen = rng.randint(1, row.amount_fen)
    place = row.psn_no or f"#{PHARMACY.code}/{row.order_no}"
    base = asked(row.order_no, place)
    return TakeBack(
        asked=structs.replace(
            base, infno=scans.REFUND, msgid=refund_no,
            message_key=keys.message_key(PHARMACY.code, scans.REFUND, refund_no, 0),
            fingerprint=scans.refund_fingerprint(row.order_no, lines, amount_fen),
        ),
        pay_nos=(row.pay_no,), pay_no=row.pay_no, refund_no=refund_no, operator="0001",
        lines=lines, amount_fen=amount_fen,
    )  # fmt: skip


def a_report(
    fact: PaymentFact, happening: Happening, attempt: int, learnt: Learnt, asked_after: int
) -> Report:
    """What happened to a payment."""
    row = fact.row
    place = row.psn_no or f"#{PHARMACY.code}/{row.order_no}"
    return Report(
        asked=asked(row.order_no, place), pay_nos=(row.pay_no,), pay_no=row.pay_no,
        happening=happening, attempt=attempt, learnt=learnt, asked_after=asked_after,
    )  # fmt: skip


def asked(order_no: str, person_no: str) -> Asked:
    """Who asks about an order."""
    return Asked(
        infno=scans.SCAN, institution=PHARMACY, msgid=order_no, operator="0001", lane=LANE,
        person_no=person_no,
        message_key=keys.message_key(PHARMACY.code, scans.SCAN, order_no, 0),
        fingerprint=FINGERPRINT,
    )  # fmt: skip
