"""Mobile payment to commands: 6201 as the messages of a visit that say the same, the others by the
number in `payOrdId`.

What is uploaded is made into 2201, 2203, 2204 and 2206, and translated as those are; so an order
means what a visit means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from protocol.nhsa.fields import Numbers
from protocol.nhsa.messages import mobile, outpatient, outpatient_settle
from settlement import keys, numbers
from settlement.commands import Asked, Credential
from settlement.lanes import lane_of
from settlement.numbers import lane_in
from settlement.payments.mobile_commands import (
    CloseOrder,
    FindMobileOrder,
    PlaceOrder,
    RefundMobileOrder,
    UploadOrder,
)
from settlement.payments.mobile_states import Happening
from settlement.translate.mobile_answers import PAY_ORDER_PREFIX
from settlement.translate.pieces import UNKNOWN_NUMBER, Sender, number_of
from settlement.translate.requests import Translator

UPLOAD, PLACE, REFUND, FIND, WITHDRAW = "6201", "6202", "6203", "6301", "6401"
_TOKEN = "01"  # noqa: S105 - mdtrt_cert_type
_REGION_LENGTH = 6
_REFUNDS = {
    "ALL": Happening.ALL_BACK, "HI": Happening.INSURANCE_BACK, "CASH": Happening.CASH_BACK,
}  # fmt: skip
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
NOT_SAID = "-"
"""What an order does not say, and a visit has to."""


def order_number(text: str) -> int:
    """The order that a payOrdId names; text that cannot be one names none."""
    if not text.startswith(PAY_ORDER_PREFIX):
        return UNKNOWN_NUMBER
    return numbers.parse(text[len(PAY_ORDER_PREFIX) + _REGION_LENGTH :]) or UNKNOWN_NUMBER


def upload(translator: Translator, request: mobile.FeesUpload, sender: Sender) -> UploadOrder:
    """6201."""
    data = request.input.data
    asked = _asked(translator, request, sender, data.psnNo, key=data.medOrgOrd)
    visit_no = data.mdtrtId or ""
    as_said = replace(sender, numbers=_numbers_of(sender.numbers))
    register = None
    if not visit_no:
        register = replace(
            translator.register(_registration(request), as_said), asked=asked
        )
    lines = replace(translator.upload(_lines(request, visit_no), as_said), asked=asked)
    quote = translator.settle_visit(_quote(request, visit_no), as_said)
    return UploadOrder(
        asked=asked,
        token_key=quote.token_key,
        visit_ids=() if register is not None else quote.visit_ids,
        mapping_keys=lines.mapping_keys,
        order_no=data.medOrgOrd,
        register=register,
        describe=replace(
            translator.describe(_description(request, visit_no), as_said), asked=asked
        ),
        upload=lines,
        quote=replace(quote, asked=asked, invoice_no=data.invono or ""),
        same_order=data.orgCodg == sender.institution.code
        and all(
            (row.psnNo, row.chrgBchno, row.medType) == (data.psnNo, data.chrgBchno, data.medType)
            and (not visit_no or row.mdtrtId == visit_no)
            for row in data.feedetailList
        ),
    )


def place(translator: Translator, request: mobile.PayOrder, sender: Sender) -> PlaceOrder:
    """6202. Whose order it is is found by its number."""
    data = request.input.data
    by_voucher = data.ecAuthCode and data.ecChnlAppId and data.ecChnlUserId
    token = data.payAuthNo or (data.ecAuthCode if by_voucher else None) or ""
    credential = _credential(token)
    order_no = order_number(data.payOrdId)
    authorisation = keys.message_key("", "payAuthNo", translator.token_key(credential).hex(), 0)
    lane = lane_in(order_no)
    return PlaceOrder(
        asked=_asked_of_order(translator, request, sender, data.payOrdId),
        token_key=translator.token_key(credential),
        other_keys=((lane, authorisation),),
        mobile_nos=(order_no,),
        order_no=order_no,
        pay_token=data.payToken,
        credential=credential,
        authorisation_key=authorisation,
        mdtrt_id=number_of(data.mdtrtId),
        batch_no=data.chrgBchno or "",
        wallet=_wallet(data.extData),
    )


def find(
    translator: Translator, request: mobile.OrderEnquiry, sender: Sender
) -> FindMobileOrder:
    """6301."""
    data = request.input.data
    order_no = order_number(data.payOrdId)
    return FindMobileOrder(
        asked=_asked_of_order(translator, request, sender, data.payOrdId),
        mobile_nos=(order_no,), order_no=order_no, pay_token=data.payToken,
        identity=(data.idType, data.idNo, data.userName),
    )  # fmt: skip


def withdraw(translator: Translator, request: mobile.Withdraw, sender: Sender) -> CloseOrder:
    """6401."""
    data = request.input.data
    order_no = order_number(data.payOrdId)
    return CloseOrder(
        asked=_asked_of_order(translator, request, sender, data.payOrdId),
        mobile_nos=(order_no,), order_no=order_no, pay_token=data.payToken,
        happening=Happening.WITHDRAWN, identity=(data.idType, data.idNo, data.userName),
    )  # fmt: skip


def refund(
    translator: Translator, request: mobile.Refund, sender: Sender
) -> RefundMobileOrder:
    """6203."""
    data = request.input.data
    order_no = order_number(data.payOrdId)
    said = {name: sender.numbers["data", name][0] for name in _AMOUNTS}
    return RefundMobileOrder(
        asked=replace(
            _asked_of_order(translator, request, sender, f"{data.payOrdId}/{data.appRefdSn}"),
            lane=lane_in(order_no), msgid=data.appRefdSn,
        ),
        token_key=translator.token_key(_credential(data.ecToken)),
        mobile_nos=(order_no,), order_no=order_no,
        pay_token="",  # nosec B106 - a refund names none
        refund_no=data.appRefdSn, happening=_REFUNDS[data.refdType],
        amounts_fen=(
            said["totlRefdAmt"],
            None if data.psnAcctRefdAmt is None else said["psnAcctRefdAmt"],
            None if data.fundRefdAmt is None else said["fundRefdAmt"],
            said["cashRefdAmt"],
        ),
        token=data.ecToken,
    )  # fmt: skip


_AMOUNTS = ("totlRefdAmt", "psnAcctRefdAmt", "fundRefdAmt", "cashRefdAmt")


def _wallet(extra: object) -> str:
    """thdPayType of `extData`, which is an object or the text of one; empty where it has none."""
    if isinstance(extra, str):
        try:
            extra = msgspec.json.decode(extra)
        except msgspec.DecodeError:
            return ""
    named = extra.get("thdPayType") if isinstance(extra, Mapping) else None
    return named.upper() if isinstance(named, str) else ""


def _credential(token: str) -> Credential:
    return Credential(kind=_TOKEN, number=token, card_serial=None, certificate_no=None, name=None)


def _asked(
    translator: Translator, request: Any, sender: Sender, person_no: str, *, key: str
) -> Asked:
    """Who asks; the message counts under the order's number, whatever its msgid."""
    return replace(
        translator.asked(request, sender, person_no), msgid=key,
        message_key=keys.message_key(sender.institution.code, request.infno, key, 0),
        lane=lane_of(person_no, translator.lanes),
    )  # fmt: skip


def _asked_of_order(
    translator: Translator, request: Any, sender: Sender, key: str
) -> Asked:
    """The person is not known yet; the lane is in the order's number."""
    asked = _asked(translator, request, sender, "", key=key)
    lane = lane_in(order_number(key.partition("/")[0]))
    return replace(asked, lane=lane if lane < translator.lanes else 0)


def _numbers_of(said: Numbers) -> Numbers:
    """The numbers of an order under the names that they have in the messages of a visit."""
    made: Numbers = {}
    for (node, name), values in said.items():
        if node == "feedetailList":
            made["feedetail", snake(name)] = values
        elif node == "data":
            made["data", snake(name)] = values
    return made


@cache
def snake(name: str) -> str:
    """medListCodg is med_list_codg there."""
    return _HUMP.sub(r"_\1", name).lower()


def _said(row: Struct, into: type[Struct], **known: object) -> dict[str, Any]:
    """What a row says of the fields that another type has."""
    wanted = set(into.__struct_fields__)
    said = {
        snake(name): getattr(row, name)
        for name in row.__struct_fields__
        if snake(name) in wanted
    }
    return {**said, **known}


def _envelope(request: mobile.FeesUpload, infno: str) -> dict[str, Any]:
    names = (n for n in mobile.FeesUpload.__struct_fields__ if n not in ("input", "infno"))
    return {"infno": infno, **{name: getattr(request, name) for name in names}}


def _identity(data: mobile.FeesData) -> dict[str, object]:
    return {
        "mdtrt_cert_type": _TOKEN, "mdtrt_cert_no": data.ecToken, "certno": data.idNo,
        "psn_cert_type": data.idType, "psn_name": data.userName,
    }  # fmt: skip


def _registration(request: mobile.FeesUpload) -> outpatient.Register:
    data = request.input.data
    fields = _said(
        data, outpatient.RegisterData, dept_code=data.deptCode or NOT_SAID, **_identity(data)
    )
    return outpatient.Register(
        **_envelope(request, "2201"),
        input=outpatient.RegisterInput(data=outpatient.RegisterData(**fields)),
    )


def _description(request: mobile.FeesUpload, visit_no: str) -> outpatient.VisitUpload:
    data = request.input.data
    fields = _said(
        data, outpatient.VisitInfo, mdtrt_id=visit_no, dise_name=data.diseName or NOT_SAID
    )
    diagnoses = tuple(
        outpatient.Diagnosis(**_said(row, outpatient.Diagnosis)) for row in data.diseinfoList
    )
    return outpatient.VisitUpload(
        **_envelope(request, "2203"),
        input=outpatient.VisitUploadInput(
            mdtrtinfo=outpatient.VisitInfo(**fields), diseinfo=diagnoses
        ),
    )


def _lines(request: mobile.FeesUpload, visit_no: str) -> outpatient.FeeUpload:
    rows = tuple(
        outpatient.FeeDetail(**_said(row, outpatient.FeeDetail, mdtrt_id=visit_no))
        for row in request.input.data.feedetailList
    )
    return outpatient.FeeUpload(
        **_envelope(request, "2204"), input=outpatient.FeeUploadInput(feedetail=rows)
    )


def _quote(request: mobile.FeesUpload, visit_no: str) -> outpatient_settle.OutpatientQuote:
    data = request.input.data
    kind = outpatient_settle.OutpatientQuoteData
    fields = _said(data, kind, mdtrt_id=visit_no, **_identity(data))
    return outpatient_settle.OutpatientQuote(
        **_envelope(request, "2206"),
        input=outpatient_settle.OutpatientQuoteInput(data=kind(**fields)),
    )
