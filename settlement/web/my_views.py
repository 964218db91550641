"""What the phone page at `/my/` shows of what a person may see (protocol/my.py), as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from html import escape

from protocol.my import (
    AccountReply,
    AuthorisationsReply,
    MatterReply,
    MattersReply,
    Movement,
    Settled,
    SettlementReply,
    SettlementsReply,
    StatusReply,
    Step,
)
from settlement.off_site import KIND_ZH, LONG_TERM, OffSiteKind
from settlement.places import PROVINCES
from settlement.web.my_html import (
    Frame,
    card,
    choice,
    fault,
    field,
    form,
    link,
    mark,
    page,
    pairs,
    radios,
    split_bar,
    words,
)

_GOOD, _WAIT, _OVER = "good", "wait", "over"
_KIND_OF = {
    "accepted": _GOOD, "done": _GOOD, "normal": _GOOD, "applied": _WAIT, "under_way": _WAIT,
    "suspended": _WAIT,
}  # fmt: skip
_BY_ZH = {"self": "本人", "agent": "代办人", "agency": "经办机构"}
_MORE = {
    OffSiteKind.RETIRED: "退休后在外地定居，户籍已迁入",
    OffSiteKind.RESIDENT: "在外地居住生活",
    OffSiteKind.POSTED: "由单位派驻外地工作",
    OffSiteKind.REFERRAL: "由参保地医院转往外地就医",
    OffSiteKind.EMERGENCY: "在外地急诊、抢救，可事后补办",
    OffSiteKind.OTHER: "出差、探亲、旅游等期间就医",
}
Form = Mapping[str, str]


def home(frame: Frame, status: StatusReply) -> bytes:
    """Who the person is, the balance, and where to go from here."""
    memberships = "".join(
        f"<li><div><b>{_text(one.scheme_zh)}</b>"
        f"{mark(one.state_zh, _KIND_OF.get(one.state, _OVER))}</div>"
        f"<small>{_text(one.category_zh)}，{one.enrolled_on} 参保，"
        f"{one.benefit_from} 起享受待遇</small></li>"
        for one in status.memberships
    )
    more = [
        ("住院", "目前在院" if status.in_hospital else ""),
        ("异地备案", f"{status.filings_in_force} 项生效中" if status.filings_in_force else ""),
        ("转入缴费年限", _years(status.transferred_coverage_months)),
    ]
    ways = (
        (frame.to("/my/filings/new"), "申请异地就医备案"),
        (frame.to("/my/settlements"), "查看每笔费用怎么算"),
        (frame.to("/my/people"), "代办授权"),
    )
    shown = "".join(f"<li>{link(path, name, kind='way')}</li>" for path, name in ways)
    return page(
        frame, "我的医保",
        card(
            f'<p class="who">{_text(status.name)}<small>个人编号 …{_text(status.person_no[-4:])}'
            "</small></p>",
            '<p class="sum"><small>个人账户余额（元）</small>'
            f"<b>{status.balance}</b></p>",
            kind="hero",
        ),
        card(f'<ul class="rows">{memberships}</ul>', pairs(more), title="参保状态"),
        card(
            f'<ul class="ways">{shown}</ul>',
            title="常用服务",
        ),
        tab="/my/",
    )  # fmt: skip


def filings(frame: Frame, found: MattersReply) -> bytes:
    """The filings and how far they are."""
    shown = [_filing_row(frame, one) for one in found.matters]
    listed = f'<ul class="rows">{"".join(shown)}</ul>' if shown else words(
        "还没有备案。到外地居住或就医前办理备案，就可以在外地直接结算。", "empty"
    )  # fmt: skip
    return page(
        frame, "异地就医备案", link(frame.to("/my/filings/new"), "申请备案"),
        card(listed, title="我的备案"), tab="/my/filings",
    )  # fmt: skip


def _filing_row(frame: Frame, one: MatterReply) -> str:
    path = frame.to(f"/my/matters/{one.matter_no}")
    until = one.ends_on or "长期"
    return (
        f'<li><a href="{_text(path)}"><div><b>{_text(one.what_zh or one.kind_zh)}</b>'
        f"{mark(one.state_zh, _state_kind(one))}</div>"
        f"<small>{_text(one.place_zh)} · {one.begins_on} 至 {until}</small></a></li>"
    )


def _state_kind(one: MatterReply) -> str:
    if one.state == "accepted" and not one.in_force:
        return _OVER
    return _KIND_OF.get(one.state, _OVER)


def filing_form(frame: Frame, request_no: str, given: Form, why: str = "") -> bytes:
    """Apply for a filing; what was written stays when it is refused."""
    kinds = {long: [k for k in OffSiteKind if (k in LONG_TERM) is long] for long in (True, False)}
    titles = {True: "长期备案（变更前一直有效）", False: "临时备案（有期限）"}
    boxes = "".join(
        radios(
            "kind", titles[long], [(k.value, KIND_ZH[k], _MORE[k]) for k in kinds[long]],
            given.get("kind", ""),
        )
        for long in (True, False)
    )  # fmt: skip
    places = [("", "请选择"), *((f"{code}0000", name) for code, name in PROVINCES.items())]
    return page(
        frame, "申请异地就医备案", fault(why) if why else "",
        card(
            form(
                frame, "/my/filings", request_no, "提交申请", boxes,
                choice("province", "就医地", places, given.get("province", "")),
                field(
                    "city", "市、区县代码", given.get("city", ""),
                    hint="选填，6位数字。不填则全省可用；本省内异地就医须填",
                    more=' inputmode="numeric" pattern="[1-9][0-9]{5}" maxlength="6"',
                ),
                field("begins_on", "开始日期", given.get("begins_on", ""), kind="date",
                      hint="不填则当日生效；住院期间补办的，当日办理即可"),
                field("ends_on", "结束日期", given.get("ends_on", ""), kind="date",
                      hint="临时备案选填，长期备案不填"),
                field("reason", "事由", given.get("reason", ""), more=' maxlength="200"'),
                field("phone", "接收短信的手机号", given.get("phone", ""), kind="tel",
                      hint="选填。办结后短信通知",
                      more=' maxlength="20" autocomplete="tel"'),
            ),
        ),
        tab="/my/filings",
    )  # fmt: skip


def matter(
    frame: Frame, one: MatterReply, request_no: str, why: str = ""
) -> bytes:
    """A matter with its progress, and how to take it back."""
    steps = "".join(f"<li>{_step(step)}</li>" for step in one.steps)
    until = "" if one.kind.startswith("transfer") else f"{one.begins_on} 至 {one.ends_on or '长期'}"
    about = [
        ("类型", one.what_zh), ("就医地" if one.kind == "off_site" else "地区", one.place_zh),
        ("有效期", until), ("代办人", _ending(one.agent_no)), ("事由", one.reason),
        ("办件编号", one.matter_no),
    ]  # fmt: skip
    if one.can_cancel:
        end = form(
            frame, f"/my/matters/{one.matter_no}/cancel", request_no, "撤销",
            field("note", "撤销原因", "", hint="选填", more=' maxlength="200"'),
        )  # fmt: skip
        end = f'<details><summary>撤销这项办件</summary>{end}</details>'
    elif one.locked_until:
        end = words(f"长期备案在 {one.locked_until} 之前不能自行撤销。", "hint")
    else:
        end = ""
    return page(
        frame, one.kind_zh, fault(why) if why else "",
        card(
            f'<p class="state">{mark(one.state_zh, _state_kind(one))}</p>', pairs(about),
        ),
        card(f'<ol class="steps">{steps}</ol>', title="办理进度"), end and card(end),
        tab="/my/filings" if one.kind == "off_site" else "",
    )  # fmt: skip


def _step(step: Step) -> str:
    by = _BY_ZH[step.by] + (f" …{step.by_no[-4:]}" if step.by_no else "")
    more = "，".join(
        part
        for part in (
            step.note, f"{step.amount} 元" if step.amount else "",
            f"凭证 {step.reference}" if step.reference else "",
            f"缴费年限 {_years(step.coverage_months)}" if step.coverage_months else "",
        )
        if part
    )  # fmt: skip
    return f"<b>{_text(step.what_zh)}</b><small>{step.at} · {_text(by)}</small>" + (
        words(more) if more else ""
    )


def settlements(frame: Frame, found: SettlementsReply) -> bytes:
    """The list of settlements."""
    rows = "".join(_settled_row(frame, one) for one in found.settlements)
    listed = f'<ul class="rows">{rows}</ul>' if rows else words("还没有结算记录。", "empty")
    more = words("只显示最近的记录。", "hint") if found.more else ""
    return page(frame, "结算记录", card(listed, more), tab="/my/settlements")


def _settled_row(frame: Frame, one: Settled) -> str:
    path = frame.to(f"/my/settlements/{one.settlement_id}")
    gone = mark("已撤销", _OVER) if one.cancelled else ""
    return (
        f'<li><a href="{_text(path)}"><div><b>{_text(one.institution_zh)}</b>{gone}'
        f'<span class="amount">{one.total}</span></div>'
        f"<small>{one.on} · {_text(one.care_type_zh)} · 自己付现金 {one.cash}</small></a></li>"
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
    whole = f"{' + '.join(_yuan(fen) for _, _, fen in parts if fen)} = {one.total} 元"
    reasons = "".join(
        f"<li><p>{_text(each.text)}</p>"
        + (f"<small>依据：{_text(each.source)}</small>" if each.source else "")
        + "</li>"
        for each in found.reasons
    )
    same = {
        "same": "按保存的依据重新计算，每一分钱都一致。",
        "differs": "重新计算的结果与结算不一致，请联系经办机构。",
    }.get(found.recomputed, "")
    note = "" if found.policy_verified else "（演示政策，未经核实）"
    return page(
        frame, "这笔费用怎么算",
        card(
            f'<p class="sum"><small>{_text(one.institution_zh)} · {one.on}</small>'
            f"<b>{one.total}</b></p>",
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
        f"<li><div><b>{_text(each.name)}</b><span class=\"amount\">{each.amount}</span></div>"
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
    listed = "".join(_filing_row_of_transfer(frame, one) for one in transfers.matters)
    places = [("", "请选择"), *((f"{code}0000", name) for code, name in PROVINCES.items())]
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
            f"<b>{found.balance}</b></p>", words(held, "hint") if held else "", kind="hero",
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
        f'<div><b>{_text(one.what_zh)}</b><span class="amount">{_signed(one.amount)}</span></div>'
        f"<small>{one.at or '此前'} · 余额 {one.balance}</small>"
    )
    if one.settlement_id:
        path = frame.to(f"/my/settlements/{one.settlement_id}")
    elif one.matter_no:
        path = frame.to(f"/my/matters/{one.matter_no}")
    else:
        return told
    return f'<a href="{_text(path)}">{told}</a>'


def _filing_row_of_transfer(frame: Frame, one: MatterReply) -> str:
    path = frame.to(f"/my/matters/{one.matter_no}")
    return (
        f'<li><a href="{_text(path)}"><div><b>{_text(one.kind_zh)}</b>'
        f"{mark(one.state_zh, _state_kind(one))}</div>"
        f"<small>{_text(one.place_zh)} · {one.opened_at} 申请</small></a></li>"
    )


def people(
    frame: Frame, found: AuthorisationsReply, request_no: str, given: Form, why: str = ""
) -> bytes:
    """Who may act for whom."""
    acts = "".join(
        f'<li><a href="/my/?for={_text(one.person_no)}"><div><b>{_text(one.name)}</b>'
        f"{mark(one.relation_zh, _GOOD)}</div>"
        f"<small>授权至 {one.ends_on} · 点此代办</small></a></li>"
        for one in found.may_act_for
    )
    mine = "".join(
        f'<li><a href="{_text(frame.to(f"/my/matters/{one.matter_no}"))}">'
        f"<div><b>代办人 {_text(_ending(one.agent_no))}</b>"
        f"{mark(one.state_zh, _state_kind(one))}</div>"
        f"<small>{_text(one.what_zh)} · {one.begins_on} 至 {one.ends_on}</small></a></li>"
        for one in found.given
    )
    asked = form(
        frame, "/my/authorisations", request_no, "提交",
        radios(
            "relation", "关系",
            [("relative", "授权亲属为我代办", "填写亲属的个人编号，立即生效"),
             ("ward", "我为被监护人代办", "填写被监护人的个人编号，经办机构审核后生效")],
            given.get("relation", ""),
        ),
        field("agent_no", "对方个人编号", given.get("agent_no", ""),
              more=' required maxlength="30" pattern="[0-9A-Za-z]+"'),
        field("ends_on", "授权截止日期", given.get("ends_on", ""), kind="date",
              more=" required"),
        field("phone", "接收短信的手机号", given.get("phone", ""), kind="tel", hint="选填",
              more=' maxlength="20" autocomplete="tel"'),
    )  # fmt: skip
    return page(
        frame, "代办授权", fault(why) if why else "",
        card(f'<ul class="rows">{acts}</ul>' if acts else words("没有可以代办的人。", "empty"),
             title="我可以为谁代办"),
        card(f'<ul class="rows">{mine}</ul>' if mine else words("没有授权过别人。", "empty"),
             title="谁可以为我代办"),
        "" if frame.about else card(asked, title="新增授权"),
    )  # fmt: skip


def _years(months: int) -> str:
    years, rest = divmod(months, 12)
    return "".join(
        part for part in (f"{years}年" if years else "", f"{rest}个月" if rest else "") if part
    )


def _ending(number: str) -> str:
    return f"…{number[-4:]}" if number else ""


def _fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _signed(amount: str) -> str:
    return f"−{amount[1:]}" if amount.startswith("-") else f"+{amount}"


def _text(text: str) -> str:
    return escape(text)
