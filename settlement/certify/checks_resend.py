"""Duplicates, conflicts and lost answers: a message acts once, whatever happens on the line."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from settlement.certify.abandon import send_and_hang_up
from settlement.certify.exam import Exam
from settlement.certify.makers import claim_ready
from settlement.certify.sheet import Check, Group, StoppedError, check
from settlement.certify.words import came_of, sent_of
from settlement.client import Done, Message

RACERS = 8


@check("duplicate", Group.RESEND, "同一报文重发：返回首次结果", "The same message again")
async def duplicate(exam: Exam) -> None:
    """The first answer again, marked, and nothing more booked."""
    message = await claim_ready(exam)
    first = await exam.done(message)
    again = await exam.done(message)
    same_answer(exam, first, again)
    await standing_once(exam, first)


@check("duplicate-after-cancel", Group.RESEND, "撤销后重发原报文", "Again, after its cancel")
async def duplicate_after_cancel(exam: Exam) -> None:
    """Still the first answer; it is not settled anew. A resent cancel gets its own answer."""
    message = await claim_ready(exam)
    first = await exam.done(message)
    cancel = exam.cancel_of(exam.booked(first))
    cancelled = await exam.done(cancel)
    same_answer(exam, first, await exam.done(message))
    same_answer(exam, cancelled, await exam.done(cancel))


@check("conflict", Group.RESEND, "同一msgid内容不同：拒绝", "One msgid, other content")
async def conflict(exam: Exam) -> None:
    """Refused, and the first one stands as it is."""
    message = await claim_ready(exam)
    first = await exam.done(message)
    other = _changed(exam, message)
    outcome = await exam.institution.send(other)
    passed = not isinstance(outcome, Done) and getattr(outcome, "code", "") == "MESSAGE_CONFLICT"
    exam.note(
        other, "拒绝：MESSAGE_CONFLICT", "refused: MESSAGE_CONFLICT", outcome, passed
    )
    if isinstance(outcome, Done):
        exam.enter(outcome)
    same_answer(exam, first, await exam.done(message))


@check("claim-twice", Group.RESEND, "同一费用换msgid再结算：拒绝", "The same claim, a new msgid")
async def claim_twice(exam: Exam) -> None:
    """Refused, naming the settlement that stands."""
    message = await claim_ready(exam)
    first = await exam.done(message)
    again = await exam.refused(exam.edited(message, {}), "CLAIM_ALREADY_SETTLED")
    number = first.settlement.setl_id
    exam.expect(
        "CLAIM_ALREADY_SETTLED err_msg", f"含结算ID {number}", f"names setl_id {number}",
        again.text, number in again.text,
    )  # fmt: skip


@check("refused-msgid-free", Group.RESEND, "被拒报文更正后可用原msgid", "Refused, then mended")
async def refused_msgid_free(exam: Exam) -> None:
    """Refused for its total, corrected, accepted as new."""
    message = await claim_ready(exam)
    wrong = _changed(exam, message)
    outcome = await exam.institution.send(wrong)
    exam.note(wrong, "拒绝", "refused", outcome, not isinstance(outcome, Done))
    if isinstance(outcome, Done):
        exam.enter(outcome)
        raise StoppedError
    corrected = await exam.done(message)
    exam.expect(
        "更正后 corrected", "首次受理，非重复", "carried out now, not a replay",
        corrected.warn_msg or "首次 first", not corrected.is_replay,
    )  # fmt: skip


@check("racing-duplicates", Group.RESEND, "同一报文并发多次", "The same message many times at once")
async def racing_duplicates(exam: Exam) -> None:
    """All get one answer, one settlement is booked."""
    message = await claim_ready(exam)
    outcomes = await asyncio.gather(*(exam.institution.send(message) for _ in range(RACERS)))
    done = [one for one in outcomes if isinstance(one, Done)]
    numbers = sorted({one.settlement.setl_id for one in done})
    for one in done:
        exam.answered.add(message.infno)
        exam.enter(one)
    exam.expect(
        f"{sent_of(message)} × {RACERS}", "全部成功，结算ID相同", "all done, one setl_id",
        f"成功 done {len(done)}，结算ID {'、'.join(numbers)}；"
        + "；".join(came_of(one) for one in outcomes if not isinstance(one, Done)),
        len(done) == RACERS and len(numbers) == 1,
    )  # fmt: skip
    fresh = sum(not one.is_replay for one in done)
    exam.expect(
        "首次结果与重复提示 first and replays", "恰有一次非重复", "exactly one is no replay",
        f"{fresh}", fresh == 1,
    )  # fmt: skip
    if done:
        await standing_once(exam, done[0])


@check("answer-lost", Group.RESEND, "应答丢失后重发", "The answer is lost, the message sent again")
async def answer_lost(exam: Exam) -> None:
    """The caller hangs up after sending; the same message gives one settlement."""
    message = await claim_ready(exam)
    await _hang_up(exam, message, whole=True)
    answer = await exam.done(message)
    exam.enter(answer)
    await standing_once(exam, answer)


@check("request-cut", Group.RESEND, "报文中断（未送达）后重发", "Cut off, sent again")
async def request_cut(exam: Exam) -> None:
    """Half a message does nothing; the whole one is carried out for the first time."""
    message = await claim_ready(exam)
    await _hang_up(exam, message, whole=False)
    answer = await exam.done(message)
    exam.expect(
        "重发 sent again", "首次受理，非重复", "carried out now, not a replay",
        answer.warn_msg or "首次 first", not answer.is_replay,
    )  # fmt: skip


@check("resolve-unknown", Group.RESEND, "结果未知时按msgid查询", "Unknown, then resolved")
async def resolve_unknown(exam: Exam) -> None:
    """After a hang-up the client resolves the message: done once, and 5203 agrees."""
    message = await claim_ready(exam)
    await _hang_up(exam, message, whole=True)
    outcome = await exam.institution.resolve(message)
    exam.note(message, "查明：已结算", "resolved: done", outcome, isinstance(outcome, Done))
    if isinstance(outcome, Done):
        exam.enter(outcome)
        await standing_once(exam, outcome)


def same_answer(exam: Exam, first: Done, again: Done) -> None:
    """The first answer again, marked as a replay."""
    same = first.output == again.output
    exam.expect(
        f"{sent_of(again.message)}，重发 again", "应答内容与首次相同，warn_msg 提示重复",
        "the first output again, warn_msg set",
        f"{'相同 same' if same else '不同 other'}；warn_msg {again.warn_msg or '—'}",
        same and again.is_replay,
    )  # fmt: skip


async def standing_once(exam: Exam, settled: Done) -> None:
    """5201 by msgid shows one settlement, this one."""
    message = settled.message
    told = await exam.institution.visits(
        message.psn_no, begin=exam.moment(days=1), end=exam.institution.now(),
        care_type="41" if exam.is_pharmacy else "11", made_by=message.msgid,
    )  # fmt: skip
    rows = told.rows("mdtrtinfo") if isinstance(told, Done) else []
    numbers = [str(row.get("setl_id")) for row in rows]
    exam.expect(
        f"5201，原msgid {message.msgid}", f"仅 {settled.settlement.setl_id}",
        f"only {settled.settlement.setl_id}", "、".join(numbers) or came_of(told),
        numbers == [settled.settlement.setl_id],
    )  # fmt: skip


def _changed(exam: Exam, message: Message) -> Message:
    """Other content under the same msgid: a fen more."""
    head = "druginfo.medfee_sumamt" if exam.is_pharmacy else "data.medfee_sumamt"
    node, name = head.split(".")
    part = message.input[node]
    amount = part[name] if isinstance(part, dict) else 0
    return exam.under_same_id(message, {head: Decimal(str(amount)) + Decimal("0.01")})


async def _hang_up(exam: Exam, message: Message, *, whole: bool) -> None:
    words = "发送后断开 sent, then hung up" if whole else "发送一半断开 cut off in the middle"
    headers = exam.institution.headers(message.nonce)
    try:
        await send_and_hang_up(
            exam.candidate.url, f"/hsa/hgs/{message.infno}", message.body.encode(), headers,
            whole=whole,
        )  # fmt: skip
    except (OSError, TimeoutError) as exc:
        exam.expect(sent_of(message), "可建立连接", "a connection", repr(exc), False)
        raise StoppedError from exc
    exam.expect(f"{sent_of(message)}，{words}", "（无应答）", "(no answer)", "—", True)


CHECKS: tuple[Check, ...] = (
    duplicate, duplicate_after_cancel, conflict, claim_twice, refused_msgid_free,
    racing_duplicates, answer_lost, request_cut, resolve_unknown,
)  # fmt: skip
