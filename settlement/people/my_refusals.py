"""Why what persons ask for is refused (个人办件): code, what is wrong, what to do.

Rows of the one table (settlement/refusals.py), which would be too long with them.
"""

from __future__ import annotations

# fmt: off
MY_ROWS: tuple[tuple[str, str, str], ...] = (
    ("NOT_AUTHORISED", "您没有为该参保人办理业务的有效授权。",
     "请由参保人本人授权，或由监护人申请并经{agency}审核后再办理。"),
    ("REQUEST_CONFLICT", "该请求号已用于另一项内容不同的申请。",
     "请为新的申请使用新的request_no；重发时请勿改动内容。"),
    ("MATTERS_TOO_MANY", "该参保人的办件过多[（最多{most}件）]。",
     "请先等待已受理的办件办结，或联系{agency}。"),
    ("MATTER_UNKNOWN", "该参保人没有这件办件。", "请核对办件编号。"),
    ("MATTER_OPEN_ALREADY", "同一事项已有办件[{matter_no}]。", "请查看该办件的进度，或先撤销它。"),
    ("MATTER_NOT_OF_THIS_KIND", "这类办件没有此项操作。", "请核对办件编号和操作。"),
    ("MATTER_NOT_ACCEPTED", "该办件尚未办到这一步。", "请查看办件进度，按顺序办理。"),
    ("MATTER_ACCEPTED", "该办件已生效，不能再退回申请。", "如不再需要，请撤销或终止该办件。"),
    ("MATTER_MONEY_MOVED", "该转移的资金已入账，不能撤销。", "如有差错，请联系{agency}处理。"),
    ("MATTER_CLOSED", "该办件已结束。", "如仍需办理，请重新申请。"),
    ("OFF_SITE_PLACE_LOCAL", "就医地[{value}]是参保地或包含参保地，不需要异地备案。",
     "请选择参保地以外的就医地；省内异地就医的，请填写具体城市的代码。"),
    ("OFF_SITE_BEGIN_WRONG", "备案开始日期[{begins_on}]不在可办理的范围[（{first}至{last}）]。",
     "请填写当日或以后的日期；住院期间补办的，填写当日即可。"),
    ("OFF_SITE_END_WRONG", "长期备案不设结束日期。", "请去掉结束日期；不再需要时撤销备案。"),
    ("OFF_SITE_NOT_INSURED", "该参保人当前没有正常的参保关系。", "请先恢复参保，再办理备案。"),
    ("OFF_SITE_OVERLAPS", "与有效的备案[{matter_no}（就医地{place}）]重复。",
     "请先撤销该备案，再办理新的备案。"),
    ("OFF_SITE_LOCKED", "长期备案在[{until}]之前不能撤销。",
     "请到期后办理；情况特殊的，请联系{agency}。"),
    ("AUTHORISATION_OF_ONESELF", "不能授权本人。", "请核对被授权人。"),
    ("AUTHORISATION_NOT_YOURS", "该授权只能由参保人本人设定；为被监护人办理的，由监护人申请。",
     "请由本人登录后办理。"),
    ("AUTHORISATION_DATES_WRONG", "授权期限不正确[，应自{first}起，最长{years}年]。",
     "请更正起止日期。"),
    ("TRANSFER_REGION_OWN", "转移地区[{value}]在本统筹区内，不需要转移。", "请核对地区代码。"),
    ("TRANSFER_EXCEEDS_BALANCE",
     "转出金额[{declared_fen}元]超过个人账户可用余额[{computed_fen}元]。", "请核对金额后再办理。"),
    ("TRANSFER_AMOUNT_DIFFERS",
     "金额[{declared_fen}元]与此前入账的金额[{computed_fen}元]不一致。", "请核对金额后再办理。"),
    ("TRANSFER_BOOKED_OTHERWISE", "这一步已按另一金额或凭证号入账。", "请核对办件记录。"),
    ("MY_REQUEST_UNREADABLE", "请求内容无法解析[：{found}]。",
     "请按接口文档的字段和类型重新发送。"),
)
MY_UNAUTHENTICATED: tuple[tuple[str, str, str], ...] = (
    ("APP_TOKEN_MISSING", "没有登录凭证。", "请从城市应用重新进入。"),
    ("APP_TOKEN_WRONG", "登录凭证无效。", "请从城市应用重新进入。"),
    ("APP_TOKEN_EXPIRED", "登录凭证已过期。", "请从城市应用重新进入。"),
    ("APP_TOKEN_USED", "登录凭证已使用过。", "请为每次请求签发新的凭证。"),
    ("APP_UNKNOWN", "应用未登记或已停用。", "请联系医保经办机构登记。"),
)
# fmt: on
