"""What a person is told of papers that they told in advance (短信通知): refused at the counter,
paid by the bank, or sent back by it. In the commit of the step; nobody waits for the gateway.

The person gave the telephone with what they told. Who brought papers without that gave none.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.money import yuan_text
from settlement.books.reimbursement import Act, Filed, Step
from settlement.finance.payout_books import PayoutBooks
from settlement.outbox import notice_no
from settlement.storage import reimbursements as store
from settlement.storage.policies import load_policy_set
from settlement.usecases.matter_messages import message, tail_of
from settlement.usecases.matter_payloads import open_papers_told

TEXTS: Mapping[Act, str] = {
    Act.REFUSE: "您的医疗费报销（尾号{tail}）未通过，请登录查看或联系经办窗口。",
    Act.PAY: "您的医疗费报销（尾号{tail}）已付款{yuan}元。",
    Act.RETURN: "您的医疗费报销（尾号{tail}）被银行退回{yuan}元，请联系经办窗口核对收款账户。",
}  # fmt: skip
_AFTER_EVENTS = 100
"""Notices of the matter's own events come before; it has a handful."""


async def tell(books: PayoutBooks, filed: Filed, step: Step) -> None:
    """Owe the person the message of a step, where there is one; in the caller's transaction."""
    text = TEXTS.get(step.act)
    if text is None or not filed.matter_no or not await store.has_gateway(books.connection):
        return
    matter = await store.matter_of(books.connection, filed.lane, filed.matter_no)
    if matter is None or not matter.payload:  # it was erased: who it was is not known any more
        return
    phone = open_papers_told(matter, books.keyring).phone
    if not phone:
        return
    profile = (await load_policy_set(books.connection)).region(books.region)
    words = text.format(
        tail=tail_of(filed.matter_no), yuan=yuan_text(step.amounts.total_fen)
    )
    await store.owe_message(books.connection, message(
        words, phone, region_name="" if profile is None else profile.name,
        keyring=books.keyring, lane=filed.lane, case_no=filed.matter_no,
        number=notice_no(_AFTER_EVENTS + step.step_no),
        topic=f"reimbursement.{step.act.name.lower()}", at=step.at,
    ))  # fmt: skip
