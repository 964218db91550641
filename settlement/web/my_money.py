"""Money on the phone page at `/my/` (protocol/my.py): settlements with their reasons, and the
personal account with its transfer."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from protocol.my import (
    AccountReply,
    MatterReply,
    MattersReply,
    Movement,
    Settled,
    SettlementReply,
    SettlementsReply,
)
from settlement.web.my_html import (
    OVER,
    Form,
    Frame,
    card,
    choice,
    fault,
    field,
    form,
    mark,
    money,
    page,
    pairs,
    provinces,
    radios,
    split_bar,
    standing,
    words,
)


def settlements(frame: Frame, found: SettlementsReply) -> bytes:
    """The list of settlements."""
    rows = "".join(_settled_row(frame, one) for one in found.settlements)
    listed = f'<ul class="rows">{rows}</ul>' if rows else words("还没有结算记录。", "empty")
    more = words("只显示最近的记录。", "hint") if found.more else ""
    return page(frame, "结算记录", card(listed, more), tab="/my/settlements")


def _settled_row(frame: Frame, one: Settled) -> str:
    path = frame.to(f"/my/settlements/{one.settlement_id}")
    gone = mark("已撤销", OVER) if one.cancelled else ""
    return (
        f'<li><a href="{escape(path)}"><div><b>{escape(one.institution_zh)}</b>{gone}'
        f'<span class="amount">{money(one.total)}</span></div>'
        f"<small>{one.on} · {escape(one.care_type_zh)} · 现金 {money(one.cash)}</small></a></li>"
    )


def settlement(frame: Frame, found: SettlementReply) -> bytes:
    """How every fen of one came about."""
    one = found.settlement
    parts = [
        ("funds", "医保基金支付", _fen(one.funds)), ("own", "个人账户支付", _fen(one.account)),
        ("cash", "个人现金支付", _fen(one.cash)), ("borne", "医院负担", _fen(one.hospital_borne)),
    ]  # fmt: skip
    legend = "".join(
        f'<li><i class="{kind}"></i>{name}<b>{_yuan(fen)}</b></li>'
        for kind, name, fen in parts
        if fen or kind != "borne"
    )
    whole = f"{' + '.join(_yuan(fen) for _, _, fen in parts if fen)} = {money(one.total)} 元"
    reasons = "".join(
        f"<li><p>{escape(each.text)}</p>"
        + (f"<small>依据：{escape(each.source)}</small>" if each.source else "")
        + "</li>"
        for each in found.reasons
    )
    same = {
        "same": "按保存的依据重新计算，每一分钱都一致。",
        "differs": "重新计算的结果与结算不一致，请联系经办机构。",
        "told_elsewhere": "由参保地按其政策计算。",
    }.get(found.recomputed, "")
    note = "" if found.policy_verified else "（演示政策，未经核实）"
    return page(
        frame, "这笔费用怎么算",
        card(
            f'<p class="sum"><small>{escape(one.institution_zh)} · {one.on}</small>'
            f"<b>{money(one.total)} <small>元</small></b></p>",
            words("已撤销：资金已按原路退回。", "hint") if one.cancelled else "",
            split_bar(parts), f'<ul class="legend">{legend}</ul>', f'<p class="whole">{whole}</p>',
        ),
        card(f'<ol class="reasons">{reasons}</ol>', words(same, "hint"), title="计算步骤"),
        _items(found),
        card(
            pairs(
                [("医疗类别", one.care_type_zh), ("结算号", one.settlement_id),
                 ("适用政策", found.policy_zh + note)]
            )
        ),
        tab="/my/settlements",
    )  # fmt: skip


def _items(found: SettlementReply) -> str:
    if not found.items:
        return ""
    rows = "".join(
        f'<li><div><b>{escape(each.name)}</b><span class="amount">{money(each.amount)}</span></div>'
        f"<small>数量 {each.quantity} · 医保范围内 {each.in_scope}"
        + (f" · 先自付 {each.pre_self_pay}" if _fen(each.pre_self_pay) else "")
        + (f" · 全自费 {each.full_self_pay}" if _fen(each.full_self_pay) else "")
        + (f" · 超限价 {each.over_ceiling}" if _fen(each.over_ceiling) else "")
        + "</small></li>"
        for each in found.items
    )
    return card(f'<ul class="rows">{rows}</ul>', title=f"费用明细（{len(found.items)} 项）")


def account(
    frame: Frame, found: AccountReply, transfers: MattersReply, request_no: str,
    given: Form, why: str = "",
) -> bytes:  # fmt: skip
    """Balance, movements, and the account's transfer."""
    rows = "".join(f"<li>{_movement(frame, one)}</li>" for one in found.movements)
    held = f"另有 {found.held} 元因支付处理中暂时冻结" if _fen(found.held) else ""
    listed = "".join(_transfer_row(frame, one) for one in transfers.matters)
    places = provinces()
    asked = form(
        frame, "/my/transfers", request_no, "提交转移申请",
        radios(
            "direction", "方向",
            [("out", "转出", "参保关系转到外地，账户余额随转"),
             ("in", "转入", "从外地转到本地")],
            given.get("direction", ""),
        ),
        choice("province", "对方地区", places, given.get("province", "")),
        field("city", "市、区县代码", given.get("city", ""), hint="选填，6位数字",
              more=' inputmode="numeric" pattern="[1-9][0-9]{5}" maxlength="6"'),
        field("phone", "接收短信的手机号", given.get("phone", ""), kind="tel", hint="选填",
              more=' maxlength="20" autocomplete="tel"'),
    )  # fmt: skip
    opened = " open" if why else ""
    return page(
        frame, "个人账户", fault(why) if why else "",
        card(
            '<p class="sum"><small>可用余额（元）</small>'
            f"<b>{money(found.balance)}</b></p>", words(held, "hint") if held else "", kind="hero",
        ),
        card(f'<ul class="rows">{rows}</ul>' if rows else words("还没有收支。", "empty"),
             title="账户收支"),
        card(
            f'<ul class="rows">{listed}</ul>' if listed else "",
            f"<details{opened}><summary>申请个人账户转移</summary>{asked}</details>",
            title="医保关系转移",
        ),
        tab="/my/account",
    )  # fmt: skip


def _movement(frame: Frame, one: Movement) -> str:
    """With the way to what it was for, where there is one."""
    told = (
        f'<div><b>{escape(one.what_zh)}</b><span class="amount">{_signed(one.amount)}</span></div>'
        f"<small>{one.at or '此前'} · 余额 {money(one.balance)}</small>"
    )
    if one.settlement_id:
        path = frame.to(f"/my/settlements/{one.settlement_id}")
    elif one.matter_no:
        path = frame.to(f"/my/matters/{one.matter_no}")
    else:
        return told
    return f'<a href="{escape(path)}">{told}</a>'


def _transfer_row(frame: Frame, one: MatterReply) -> str:
    path = frame.to(f"/my/matters/{one.matter_no}")
    return (
        f'<li><a href="{escape(path)}"><div><b>{escape(one.kind_zh)}</b>'
        f"{mark(one.state_zh, standing(one.state, one.in_force))}</div>"
        f"<small>{escape(one.place_zh)} · {one.opened_at} 申请</small></a></li>"
    )


def _fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _signed(amount: str) -> str:
    return f"−{money(amount[1:])}" if amount.startswith("-") else f"+{money(amount)}"
