"""预付金: what lies with other regions in advance and of theirs with us; quotas, money in and back.

Acts are those of `settlement clear … prepay`: one person says that money moved, another says the
same voucher, and it is booked.
"""

from __future__ import annotations

from msgspec import Struct

from settlement.clock import local_time
from settlement.console.asking import Answer
from settlement.console.ordering import Order, have_done, resumed
from settlement.console.payee_pages import fen_of
from settlement.console.regional_act_pages import NO_VOUCHER
from settlement.console.regional_pages import NAMES, books_of, names_of
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.elsewhere.regional_clearing import SIDES, Side, party_of
from settlement.elsewhere.regional_prepayment import Prepaid, PrepaidAct, PrepaidStep, Use
from settlement.finance.errand_tasks import PrepaidOrder, PrepaidTask
from settlement.serve.regional_prepaid import prepaid_parties, standing_of
from settlement.storage.regional_prepaid import prepayment_steps
from settlement.who import Who

TITLE = Words("预付金", "Prepayments")
NO_PARTY = Words("请选择对方和方向。", "Please choose the party, and where the money lies.")
NO_AMOUNT = Words(
    "请填写大于零的金额（元，至多两位小数）。",
    "Please give an amount above zero in yuan (two decimals at most).",
)
NO_YEAR = Words("请填写年度，如 2027。", "Please give a year like 2027.")
TEXT_MAX = 64
ORDERS: dict[str, PrepaidOrder] = {"quota": "quota", "in": "in", "back": "back"}
ACTS: dict[PrepaidOrder, Words] = {
    "quota": Words("核定额度", "fix the quota"), "in": Words("拨付", "money in"),
    "back": Words("退回", "money back"),
}  # fmt: skip


class Shown(Struct, frozen=True, kw_only=True):
    """A prepayment with all that became of it."""

    party: str
    side: Side
    now: Prepaid
    use: Use
    steps: list[PrepaidStep]

    @property
    def waits_as(self) -> str:
        """How a proposal is confirmed."""
        proposal = self.now.proposal
        is_in = proposal is not None and proposal.act is PrepaidAct.PROPOSE_IN
        return "in" if is_in else "back"


async def prepayments(visit: Visit) -> Answer:
    """All of them, with their steps."""
    visit = resumed(visit)
    async with visit.desk.summing() as connection:
        books = await books_of(visit, connection)
        shown = []
        for party, side in await prepaid_parties(books):
            now, use = await standing_of(books, party, side)
            steps = await prepayment_steps(connection, books.lane_of(party), party, side)
            shown.append(Shown(party=party, side=side, now=now, use=use, steps=steps))
    return visit.page(
        "region_prepaid.html", TITLE, shown=shown, party_names=names_of(books), names=NAMES,
        parties=[
            code for code in sorted(books.counterparts)
            if party_of(code, books.region) == code
        ],
        own={
            (one.party, one.side) for one in shown
            if one.now.proposal is not None
            and Who(actor=visit.who.name, reason="").is_also(one.now.proposal.actor)
        },
        year=local_time(visit.at).year, months=books.rules.prepaid.months,
    )  # fmt: skip


async def fix_quota(visit: Visit) -> Answer:
    """The quota of a year, by the year before."""
    return await _quota(visit, keep=True)


async def try_quota(visit: Visit) -> Answer:
    """What it would be; nothing is written."""
    return await _quota(visit, keep=False)


async def propose(visit: Visit) -> Answer:
    """One person says that money was left, or came back."""
    return await _money(visit, confirm=False)


async def confirm(visit: Visit) -> Answer:
    """Another one says the same: it is booked."""
    return await _money(visit, confirm=True)


async def _quota(visit: Visit, *, keep: bool) -> Answer:
    year = visit.asked.form.get("year", "").strip()
    if not (year.isascii() and year.isdecimal() and 2000 < int(year[:9]) < 2100):
        return await prepayments(visit.again(NO_YEAR))
    return await _order(visit, "quota", year=int(year), keep=keep)


async def _money(visit: Visit, *, confirm: bool) -> Answer:
    form = visit.asked.form
    act = ORDERS.get(form.get("act", ""), "in")
    fen = fen_of(form.get("amount", "").strip())
    voucher = form.get("voucher", "").strip()[:TEXT_MAX]
    if not fen or act == "quota":
        return await prepayments(visit.again(NO_AMOUNT))
    if not voucher:
        return await prepayments(visit.again(NO_VOUCHER))
    return await _order(visit, act, amount_fen=fen, reference=voucher, confirm=confirm)


async def _order(
    visit: Visit, act: PrepaidOrder, *, year: int = 0, amount_fen: int = 0, reference: str = "",
    confirm: bool = False, keep: bool = True,
) -> Answer:  # fmt: skip
    form = visit.asked.form
    party, side = form.get("party", ""), SIDES.get(form.get("side", ""))
    if side is None or not (len(party) == 6 and party.isascii() and party.isdecimal()):
        return await prepayments(visit.again(NO_PARTY))
    task = PrepaidTask(
        party=party, side=side, act=act, year=year, amount_fen=amount_fen, reference=reference,
        confirm=confirm, keep=keep,
    )  # fmt: skip
    what = "confirm" if confirm else "propose"
    if act == "quota":
        what = "quota" if keep else "try"
    return await have_done(visit, Order(
        task=task,
        title=Words(f"{party} 预付金 {ACTS[act].zh}", f"{party}, prepayment: {ACTS[act].en}"),
        action=f"console.region-prepaid-{what}", subject=f"prepayment {party} {NAMES[side]}",
        back="/console/regions/prepayments", again=prepayments, is_short=True,
        asks_reason=keep,
    ))  # fmt: skip
