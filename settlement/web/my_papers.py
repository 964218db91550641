"""手工报销 on the phone page at `/my/`: what the counter has, and telling in advance what will be
brought (protocol/my.py)."""

from __future__ import annotations

import re
from html import escape

from protocol.my import MatterReply, Reimbursement, ReimbursementsReply
from settlement.web.my_html import (
    Form,
    Frame,
    card,
    fault,
    field,
    form,
    mark,
    page,
    standing,
    words,
)

_WHOLE = re.compile(r"[0-9]{1,10}(\.[0-9])?", re.ASCII)
_STANDING = {"paid": "accepted", "refused": "refused", "cancelled": "cancelled"}


def reimbursements(
    frame: Frame, found: ReimbursementsReply, request_no: str, given: Form, why: str = ""
) -> bytes:
    """What was told, how far the counter is, and the form."""
    known = {one.matter_no for one in found.reimbursements}
    told = "".join(_told_row(frame, one) for one in found.told if one.matter_no not in known)
    papers = "".join(_paper_row(frame, one) for one in found.reimbursements)
    asked = form(
        frame, "/my/reimbursements", request_no, "提交预受理",
        field("institution", "医疗机构编码", given.get("institution", ""),
              hint="1个字母加11位数字，票据或费用清单上有",
              more=' required maxlength="12" pattern="[A-Z][0-9]{11}"'),
        field("invoice_no", "票据号码", given.get("invoice_no", ""),
              more=' required maxlength="40" pattern="[0-9A-Z\\-]+"'),
        field("total", "票据总金额（元）", given.get("total", ""),
              more=' required inputmode="decimal" pattern="[0-9]{1,10}(\\.[0-9]{1,2})?"'),
        field("begins_on", "就医或入院日期", given.get("begins_on", ""), kind="date",
              more=" required"),
        field("ends_on", "结束或出院日期", given.get("ends_on", ""), kind="date",
              more=" required"),
        field("reason", "未能直接结算的原因", given.get("reason", ""), more=' maxlength="200"'),
        field("phone", "接收短信的手机号", given.get("phone", ""), kind="tel",
              hint="选填。受理、付款或退汇时短信通知", more=' maxlength="20" autocomplete="tel"'),
    )  # fmt: skip
    opened = " open" if why else ""
    return page(
        frame, "手工报销", fault(why) if why else "",
        card(f'<ul class="rows">{papers}</ul>' if papers else words("还没有报销。", "empty"),
             title="报销进度"),
        card(f'<ul class="rows">{told}</ul>', title="已预受理，请携带材料到窗口") if told else "",
        card(
            f"<details{opened}><summary>预先告知要报销的票据</summary>{asked}</details>",
            words("预受理不计算金额，以窗口受理和核算为准。", "hint"), title="线上预受理",
        ),
    )  # fmt: skip


def total_of(text: str) -> str:
    """Yuan as people write them, with both decimals; anything else as it is, to be refused."""
    if _WHOLE.fullmatch(text) is None:
        return text
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<2}"


def _told_row(frame: Frame, one: MatterReply) -> str:
    path = frame.to(f"/my/matters/{one.matter_no}")
    return (
        f'<li><a href="{escape(path)}"><div><b>预受理编号 …{one.matter_no[-6:]}</b>'
        f"{mark(one.state_zh, standing(one.state))}</div>"
        f"<small>{one.begins_on} 至 {one.ends_on} · {one.opened_at} 提交</small></a></li>"
    )


def _paper_row(frame: Frame, one: Reimbursement) -> str:
    """With the way to why, once it is decided."""
    paid = f'<span class="amount">{one.paid}</span>' if one.paid else ""
    told = (
        f"<div><b>{escape(one.institution_zh or one.institution)}</b>"
        f"{mark(one.state_zh, standing(_STANDING.get(one.state, 'applied')))}{paid}</div>"
        f"<small>票据 {escape(one.invoice_no)} · {one.total} 元 · {one.begins_on} 至 "
        f"{one.ends_on} · {one.updated_at}</small>"
    )
    if not one.settlement_id:
        return f"<li>{told}</li>"
    path = frame.to(f"/my/settlements/{one.settlement_id}")
    return f'<li><a href="{escape(path)}">{told}</a></li>'
