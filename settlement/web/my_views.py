"""What the phone page at `/my/` shows of what a person may see (protocol/my.py), as HTML."""

from __future__ import annotations

from html import escape

from protocol.my import (
    AuthorisationsReply,
    MatterReply,
    MattersReply,
    StatusReply,
    Step,
)
from settlement.elsewhere.off_site import KIND_ZH, LONG_TERM, OffSiteKind
from settlement.web.my_html import (
    GOOD,
    Form,
    Frame,
    card,
    choice,
    fault,
    field,
    form,
    link,
    mark,
    money,
    page,
    pairs,
    provinces,
    radios,
    standing,
    words,
)

_BY_ZH = {"self": "本人", "agent": "代办人", "agency": "经办机构"}
_MORE = {
    OffSiteKind.RETIRED: "退休后在外地定居，户籍已迁入",
    OffSiteKind.RESIDENT: "在外地居住生活",
    OffSiteKind.POSTED: "由单位派驻外地工作",
    OffSiteKind.REFERRAL: "由参保地医院转往外地就医",
    OffSiteKind.EMERGENCY: "在外地急诊、抢救，可事后补办",
    OffSiteKind.OTHER: "出差、探亲、旅游等期间就医",
}


def home(frame: Frame, status: StatusReply) -> bytes:
    """Who the person is, the balance, and where to go from here."""
    memberships = "".join(
        f"<li><div><b>{escape(one.scheme_zh)}</b>"
        f"{mark(one.state_zh, standing(one.state))}</div>"
        f"<small>{escape(one.category_zh)}，{one.enrolled_on} 参保，"
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
        (frame.to("/my/reimbursements"), "手工报销"),
        (frame.to("/my/people"), "代办授权"),
    )
    shown = "".join(f"<li>{link(path, name, kind='way')}</li>" for path, name in ways)
    return page(
        frame, "我的医保",
        card(
            f'<p class="who">{escape(status.name)}<small>个人编号 …{escape(status.person_no[-4:])}'
            "</small></p>",
            '<p class="sum"><small>个人账户余额（元）</small>'
            f"<b>{money(status.balance)}</b></p>",
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
        f'<li><a href="{escape(path)}"><div><b>{escape(one.what_zh or one.kind_zh)}</b>'
        f"{mark(one.state_zh, standing(one.state, one.in_force))}</div>"
        f"<small>{escape(one.place_zh)} · {one.begins_on} 至 {until}</small></a></li>"
    )


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
    places = provinces()
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
    papers = one.kind == "reimbursement"
    about = [
        ("票据" if papers else "类型", one.what_zh),
        ("就医地" if one.kind == "off_site" else "地区", one.place_zh),
        ("就医日期" if papers else "有效期", until), ("代办人", _ending(one.agent_no)),
        ("事由", one.reason), ("办件编号", one.matter_no),
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
            f'<p class="state">{mark(one.state_zh, standing(one.state, one.in_force))}</p>',
            pairs(about),
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
    return f"<b>{escape(step.what_zh)}</b><small>{step.at} · {escape(by)}</small>" + (
        words(more) if more else ""
    )


def people(
    frame: Frame, found: AuthorisationsReply, request_no: str, given: Form, why: str = ""
) -> bytes:
    """Who may act for whom."""
    acts = "".join(
        f'<li><a href="/my/?for={escape(one.person_no)}"><div><b>{escape(one.name)}</b>'
        f"{mark(one.relation_zh, GOOD)}</div>"
        f"<small>授权至 {one.ends_on} · 点此代办</small></a></li>"
        for one in found.may_act_for
    )
    mine = "".join(
        f'<li><a href="{escape(frame.to(f"/my/matters/{one.matter_no}"))}">'
        f"<div><b>代办人 {escape(_ending(one.agent_no))}</b>"
        f"{mark(one.state_zh, standing(one.state, one.in_force))}</div>"
        f"<small>{escape(one.what_zh)} · {one.begins_on} 至 {one.ends_on}</small></a></li>"
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
