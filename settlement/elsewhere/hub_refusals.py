"""Why a message of another region is worth nothing: code, what is wrong, what to do.

Rows of the one table (settlement/refusals.py), which would be too long with them. They leave
unsigned, for whoever runs the hub or the other region: nobody decides anything by them.
"""

from __future__ import annotations

# fmt: off
HUB_UNREADABLE: tuple[tuple[str, str, str], ...] = (
    ("HUB_VERSION_UNKNOWN", "报文版本不受支持。", "请使用版本1。"),
    ("HUB_MALFORMED", "报文不符合省际平台报文格式。", "请按报文规范生成，签名须为最后一项。"),
    ("HUB_NOT_FOR_US", "报文的接收统筹区不是本统筹区。", "请核对路由。"),
    ("HUB_NO_QUESTION", "该报文不是请求。", "应答应随请求的连接返回，请勿另行发送。"),
    ("HUB_SEALED_FOR_ANOTHER", "报文正文不是为本统筹区的有效证书加密的。",
     "请取得本统筹区的现行证书后重新加密。"),
    ("HUB_UNOPENABLE", "报文正文无法解密。", "请核对密钥派生、附加数据和证书编号。"),
    ("HUB_CONTENT_MALFORMED", "报文正文与报文种类不符。", "请按报文种类的字段生成正文。"),
    ("HUB_CLEAR_DIFFERS", "报文明文中的业务编号或金额与正文不一致。", "请使明文与正文一致。"),
)
HUB_UNPROVED: tuple[tuple[str, str, str], ...] = (
    ("HUB_CERTIFICATE_UNKNOWN", "未登记发送方的证书。", "请先向本统筹区提供证书，生效后再使用。"),
    ("HUB_CERTIFICATE_NOT_THEIRS", "证书不属于报文的发送统筹区。", "请使用本统筹区的证书签名。"),
    ("HUB_CERTIFICATE_WITHDRAWN", "证书已被撤销。", "请更换证书后重新发送。"),
    ("HUB_CERTIFICATE_NOT_VALID", "证书不在有效期内。", "请使用有效期内的证书。"),
    ("HUB_OUTSIDE_WINDOW", "报文时间超出允许范围。", "请校准时钟；旧报文请勿重发，请重新发起。"),
    ("HUB_SIGNATURE_WRONG", "报文签名不正确。", "请核对签名密钥；签名后勿再改动报文。"),
)
HUB_TOO_LARGE = ("HUB_TOO_LARGE", "报文过大。", "请分页或减少明细后重新发送。")
