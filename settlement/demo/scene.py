"""What a scene of the story is made of, and how it reads the server's answers.

Every figure is read from the server's own answers. A scene that does not go as the rules say ends
the story with a StoryError: a demonstration that glosses over is worth less than none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from loadtest.institution_client import InstitutionClient, Reply
from loadtest.institution_inputs import Bought, Patient
from loadtest.population.persons import EMPLOYEE
from settlement.demo.table import money

_CLASSES = {"01": "甲", "02": "乙", "03": "丙"}
ORDERED = ("--reason", "演示", "--actor", "测试操作员")
"""Who orders what an operator types in the story, and why."""
_EMPLOYED = {"11": "在职职工 employee", "12": "退休人员 pensioner"}
"""By psn_type."""
_AMOUNTS = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")


class StoryError(Exception):
    """The server did not do what the story says it does; the text says where."""


class Paid(Struct, frozen=True, kw_only=True):
    """Who paid what, in yuan, as one answer's setlinfo says."""

    setl_id: str
    mdtrt_id: str
    total: Decimal
    fund: Decimal
    account: Decimal
    cash: Decimal
    balance: Decimal


class Scene(Struct, frozen=True, kw_only=True):
    """One scene as it is told: titles, lines of prose, and what was paid where anything was."""

    infno: str
    chinese: str
    english: str
    lines: tuple[str, ...]
    paid: Paid | None = None


def who(patient: Patient, counter: InstitutionClient) -> str:
    """Where, who, and what they show."""
    person = patient.person
    kind = _EMPLOYED.get(person.psn_type, "职工 employee")
    scheme = kind if person.insutype == EMPLOYEE else "居民 resident"
    shown = "凭社保卡 by card" if patient.card else "凭身份证号 by identity number"
    return f"{counter.institution.name} · {person.psn_name}，{scheme}，{shown}"


def bought_lines(basket: Sequence[Bought]) -> list[str]:
    """What was bought, an item a line."""
    return [
        f"{bought.item.name}（{_CLASSES.get(bought.item.chrgitm_lv, '?')}） "
        f"{bought.item.price:f} × {bought.quantity:f} = {money(bought.amount)}"
        for bought in basket
    ]


def done(reply: Reply) -> Reply:
    """The answer, which is no refusal."""
    if not reply.is_done:
        raise StoryError(f"refused: {reply.err_code} {reply.err_msg} {reply.err_field}".rstrip())
    return reply


def refused(reply: Reply) -> Reply:
    """The answer, which is a refusal."""
    if reply.is_done:
        raise StoryError("accepted, though the rules refuse it")
    return reply


def paid_of(reply: Reply) -> Paid:
    """Who paid what, of the `setlinfo` of an answer."""
    info = reply.node("setlinfo")
    total, fund, account, cash = (amount_of(info, name) for name in _AMOUNTS)
    return Paid(
        setl_id=str(info["setl_id"]), mdtrt_id=str(info["mdtrt_id"]), total=total, fund=fund,
        account=account, cash=cash, balance=amount_of(info, "balc"),
    )  # fmt: skip


def amount_of(info: Mapping[str, object], name: str) -> Decimal:
    """A field that is yuan."""
    value = info.get(name)
    if not isinstance(value, Decimal | int):
        raise StoryError(f"{name} is no amount: {value!r}")
    return Decimal(value)
