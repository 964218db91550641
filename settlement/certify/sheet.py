"""What an examination writes down: checks, their steps, what was sent, expected, and what came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from settlement.certify.exam import Exam


class Group(StrEnum):
    """Chapters of the report, in its order."""

    DOOR = "door"
    TRANSACTIONS = "transactions"
    REFUSALS = "refusals"
    RESEND = "resend"
    REVERSAL = "reversal"
    CATALOGUE = "catalogue"
    FILINGS = "filings"
    UPLOADS = "uploads"
    MOBILE = "mobile"
    DAILY = "daily"
    CLEARING = "clearing"


TITLES = {
    Group.DOOR: ("接入与签名", "Access and signatures"),
    Group.TRANSACTIONS: ("交易逐项", "Each transaction"),
    Group.REFUSALS: ("拒绝逐项", "Each refusal"),
    Group.RESEND: ("重发、冲突与超时", "Resending, conflicts and timeouts"),
    Group.REVERSAL: ("冲正", "Reversal"),
    Group.CATALOGUE: ("目录、字典与对照", "Catalogue, code lists and mappings"),
    Group.FILINGS: ("备案与既往查询", "Filings, and what a person had before"),
    Group.UPLOADS: ("仅存储的上传", "Uploads that are only stored"),
    Group.MOBILE: ("移动支付", "Mobile payment"),
    Group.DAILY: ("日对账", "Daily reconciliation"),
    Group.CLEARING: ("对明细账与清算", "Details and clearing"),
}


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


class Step(Struct, frozen=True, kw_only=True):
    """One thing sent or compared."""

    sent: str
    expected_zh: str
    expected_en: str
    came: str
    passed: bool


class Result(Struct, frozen=True, kw_only=True):
    """A check with its steps."""

    id: str
    group: Group
    chinese: str
    english: str
    verdict: Verdict
    steps: tuple[Step, ...]
    milliseconds: int


class StoppedError(Exception):
    """The check cannot go on; what is wrong has been written down."""


class NotApplicableError(Exception):
    """The check does not apply here; the text says why."""


Run = Callable[["Exam"], Awaitable[None]]


class Check(Struct, frozen=True, kw_only=True):
    """One point of the checklist."""

    id: str
    group: Group
    chinese: str
    english: str
    run: Run
    needs: tuple[str, ...] = ()
    """transactions without which it does not apply"""


def check(
    id: str, group: Group, chinese: str, english: str, *, needs: Sequence[str] = ()
) -> Callable[[Run], Check]:
    """Makes a point of the checklist of the function that examines it."""

    def made(run: Run) -> Check:
        return Check(
            id=id, group=group, chinese=chinese, english=english, run=run, needs=tuple(needs)
        )

    return made
