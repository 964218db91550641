"""停用开关: the switches that stop somebody or something in every process within a second. A switch
is turned in two steps: what would happen is shown first.
"""

from __future__ import annotations

import secrets

from msgspec import Struct

from settlement.chart import fund_account
from settlement.console.asking import Answer
from settlement.console.visits import Visit
from settlement.console.words import CHANNELS, SUBJECTS, Words
from settlement.lanes import lane_of
from settlement.payments.payment import ChannelName
from settlement.storage import console_cases
from settlement.storage.switches import switch

SWITCHES = Words("停用开关", "Stop switches")
NO_REASON = Words("请填写事由。", "Please say why.")
NO_SUBJECT = Words("没有这个对象，请核对类别和编号。", "There is nothing of this kind and number.")
NOT_ON = Words("该开关并未停用。", "That switch is not on.")
STOPPED = Words("已停用，一秒内在所有进程生效。", "Stopped, in every process within a second.")
RESUMED = Words("已恢复，一秒内在所有进程生效。", "Resumed, in every process within a second.")
CHANGED = Words("内容与上一步不一致，请重新核对。", "It differs from the step before.")
TEXT_MAX, REASON_MAX = 64, 200


class Intent(Struct, frozen=True, kw_only=True):
    """What somebody wants to turn."""

    kind: str
    subject: str
    on: bool
    reason: str
    name: str

    @property
    def seal_text(self) -> bytes:
        """What the second step must repeat to the letter."""
        return "\n".join((self.kind, self.subject, str(self.on), self.reason)).encode()


async def switches(visit: Visit, intent: Intent | None = None) -> Answer:
    """What is stopped, since when and why, and the form."""
    async with visit.desk.reading() as connection:
        rows = await console_cases.switches(connection)
    sealed = "" if intent is None else visit.seal(intent.seal_text, _purpose(visit))
    return visit.page(
        "switches.html", SWITCHES, rows=rows, kinds=SUBJECTS, intent=intent, sealed=sealed
    )


async def turn(visit: Visit) -> Answer:
    """First step: say what would happen. Second step, with the same words again: do it."""
    form = visit.asked.form
    kind, subject = form.get("kind", ""), form.get("subject", "").strip()[:TEXT_MAX]
    reason, on = form.get("reason", "").strip()[:REASON_MAX], form.get("on") != "no"
    if not reason:
        return await switches(visit.again(NO_REASON))
    name = await _name(visit, kind, subject) if on else ""
    if name is None or kind not in SUBJECTS:
        return await switches(visit.again(NO_SUBJECT))
    intent = Intent(kind=kind, subject=subject, on=on, reason=reason, name=name)
    if "sealed" not in form:
        return await switches(visit, intent)
    confirmed = visit.unseal(form["sealed"], _purpose(visit)) or b""
    if not secrets.compare_digest(confirmed, intent.seal_text):
        return await switches(visit.again(CHANGED))
    async with visit.desk.writing() as connection:
        done = await switch(
            connection, kind=kind, subject=subject, reason=reason, actor=visit.who.name,
            suspended=on, at=visit.at,
        )  # fmt: skip
    if not done:
        return await switches(visit.again(NOT_ON))
    return visit.go("/console/switches", STOPPED if on else RESUMED)


async def _name(visit: Visit, kind: str, subject: str) -> str | None:
    """What people call it; None where there is nothing to stop."""
    if kind == "channel":
        return visit.told(CHANNELS[subject]) if subject in list(ChannelName) else None
    account = fund_account(int(subject)) if subject.isascii() and subject.isdigit() else 0
    async with visit.desk.reading() as connection:
        return await console_cases.subject_name(
            connection, kind, subject, account=account if account < 2_000_000 else 0,
            lane=lane_of(subject, visit.desk.lanes),
        )  # fmt: skip


def _purpose(visit: Visit) -> bytes:
    return b"switch by " + visit.who.name.encode()
