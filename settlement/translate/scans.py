"""Scan-to-pay to commands, and what stands of an order to its answer.

The lines are those of 2102, and they are checked as those are: a request is made into the message
that a pharmacy would have sent, and whatever is wrong with that is told by the names of the scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from hashlib import sha256

from msgspec import UNSET, Struct
from msgspec.structs import replace

from ledger.money import yuan_text
from protocol.nhsa import canonical
from protocol.nhsa.errors import WireError
from protocol.nhsa.fields import Numbers, Profile, check
from protocol.nhsa.messages.pharmacy import DrugDetail, DrugInfo, PharmacyInput, PharmacySettle
from protocol.nhsa.times import format_datetime
from protocol.paycode import Scanned
from protocol.scan import Leg, ScanLine, ScanReply, ScanRequest, Split
from settlement import keys
from settlement.commands import Asked, Credential, Purchase
from settlement.deposit import used_by
from settlement.elsewhere.remote_states import State as CaseState
from settlement.institution import Institution
from settlement.payments.pay_commands import Counter, HoldSale, PlainLine, Shown, Till
from settlement.payments.payment import Advice
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import PaymentKind, Standing, State, phone_until
from settlement.rows import SettlementRow
from settlement.translate.paths import wire_path
from settlement.usecases.payment_payloads import Plan

SCAN, REFUND = "SCAN", "REFUND"
"""Transactions of ours, where the national interface has numbers."""
_CENT, _NOTHING = Decimal("0.01"), Decimal(0)
_IDENTITY_LENGTHS = (15, 18)
_ALWAYS = "2000-01-01 00:00:00"
"""The time in what is compared with a resend: when an order is sent again, it is later."""
_NOBODY = "-"
_ANY_SCHEME = "310"
"""Only so that the check is satisfied: where a scan names no scheme, the region's order decides."""


_PERSON = frozenset({"psn_no", "mdtrt_cert_type", "mdtrt_cert_no", "card_sn", "certno"})
"""What a scan says of the person in one code."""
OF_SCANS = frozenset(
    {
        "", "amount", "lines", "mdtrt_id", "order_no", "pay_code", "pay_on_phone", "person_code",
        "refund_no", "tender",
    }
)


class Read(Struct, frozen=True):
    """A request as the message of a pharmacy, with its numbers and what is compared on a resend."""

    message: PharmacySettle
    numbers: Numbers
    fingerprint: bytes


def read_scan(
    request: ScanRequest, institution: Institution, person_no: str, credential: Credential | None,
    *, profile: Profile, local: datetime, lines_max: int, digest_key: bytes,
) -> Read:  # fmt: skip
    """The message of a pharmacy that says the same. Raises WireError, with a path of the scan."""
    now = format_datetime(local)
    message = _message(request, institution, person_no, credential, now)
    try:
        numbers = check(message, profile, lines_max=lines_max)
    except WireError as exc:
        raise WireError(exc.code, _own_path(exc.field or ""), exc.params) from exc
    compared = _message(request, institution, person_no, None, _ALWAYS)
    parts = canonical.fingerprint(compared, numbers, person_key=digest_key)
    return Read(message, numbers, parts.pack())


def own_path(field: str) -> str:
    """Where a field of ours stands in a scan: lines[0].quantity is lines[0].cnt there. A path of
    a transaction stays one."""
    if field in OF_SCANS or field.startswith("input."):
        return field
    return _own_path(wire_path("2102", field) or "")


def _own_path(path: str) -> str:
    """input.drugdetail[0].cnt is lines[0].cnt; input.druginfo.insutype is insutype."""
    own = path.removeprefix("input.").replace("drugdetail", "lines").removeprefix("druginfo.")
    return "person_code" if own in _PERSON else own


def _message(
    request: ScanRequest, institution: Institution, person_no: str,
    credential: Credential | None, now: str,
) -> PharmacySettle:  # fmt: skip
    lines = tuple(_line(line, n, now) for n, line in enumerate(request.lines, 1))
    head = DrugInfo(
        psn_no=person_no or _NOBODY,
        mdtrt_cert_type="02" if credential is None else credential.kind,
        mdtrt_cert_no=_NOBODY if credential is None else credential.number,
        card_sn=_NOBODY if credential is not None and credential.kind == "03" else None,
        begntime=now,
        medfee_sumamt=_total(lines),
        insutype=request.insutype or _ANY_SCHEME,
        dise_codg=request.dise_codg or None,
        acct_used_flag=request.acct_used_flag,
        med_type=request.med_type,
    )
    return PharmacySettle(
        infno="2102", msgid=request.order_no, mdtrtarea_admvs=institution.region,
        recer_sys_code="SCAN", infver="V1.0", opter_type="1", opter=request.operator,
        opter_name=request.operator, inf_time=now, fixmedins_code=institution.code,
        fixmedins_name=institution.name, input=PharmacyInput(druginfo=head, drugdetail=lines),
    )  # fmt: skip


def _total(lines: Sequence[DrugDetail]) -> Decimal:
    """The sum of the lines; what is no number is left to the check of the lines."""
    amounts = [line.det_item_fee_sumamt for line in lines]
    return sum(amounts, _NOTHING) if all(one.is_finite() for one in amounts) else _NOTHING


def _product(line: ScanLine) -> Decimal:
    """Price times quantity; where one of them is no number, or beyond all, the check says so."""
    try:
        product = (line.cnt * line.pric).quantize(_CENT, ROUND_HALF_UP)
    except InvalidOperation:
        return _NOTHING
    return product if product.is_finite() else _NOTHING


def _line(line: ScanLine, place: int, now: str) -> DrugDetail:
    amount = line.det_item_fee_sumamt
    if amount is None:
        amount = _product(line)
    return DrugDetail(
        feedetl_sn=line.feedetl_sn or str(place), rxno=line.rxno, rx_circ_flag=line.rx_circ_flag,
        fee_ocur_time=line.fee_ocur_time or now, med_list_codg=line.med_list_codg,
        medins_list_codg=line.medins_list_codg, det_item_fee_sumamt=amount, cnt=line.cnt,
        pric=line.pric, bilg_dr_codg=line.bilg_dr_codg, bilg_dr_name=line.bilg_dr_name,
        durg_trac_info=line.durg_trac_info,
    )  # fmt: skip


def identity_credential(scanned: Scanned) -> Credential | None:
    """Of anything as long as an identity number; None for what is not."""
    if scanned.is_voucher or len(scanned.code) not in _IDENTITY_LENGTHS:
        return None
    return Credential(
        kind="02", number=scanned.code, card_serial=None, certificate_no=None, name=None
    )


def decoded_credential(
    scanned: Scanned, *, identity_no: str | None = None, name: str | None = None
) -> Credential:
    """What a decoded code counts as: a 医保码 as an e-credential, anything else as a card. Whom the
    issuer named has to be who is known here."""
    kind = "01" if scanned.is_voucher else "03"
    return Credential(
        kind=kind, number=_NOBODY, card_serial=None, certificate_no=identity_no, name=name
    )


def counter(request: ScanRequest) -> Counter:
    """What is kept of a scan beside the claim."""
    tender = request.tender
    return Counter(
        order_no=request.order_no, terminal_id=request.terminal_id, operator=request.operator,
        tender="scan" if tender is None else tender.kind,
        tender_note="" if tender is None else f"{tender.rrn}/{tender.terminal}/{tender.batch}",
        second_code=request.allow_second_code or request.pay_on_phone,
        on_phone=request.pay_on_phone,
    )  # fmt: skip


class _Told(Struct, frozen=True):
    """How a state is told at a counter."""

    status: str
    message: str
    leg: str
    """status of the channel's leg"""
    poll_after_seconds: int | None = None


_TOLD = {
    State.WAITING: _Told("payer_action", "付款未成功，请出示另一付款码", "failed", 2),
    State.COLLECTING: _Told("unknown", "收款结果待确认，请勿重复收款，稍后查询", "collecting", 3),
    State.CONFIRMING: _Told("payer_action", "请付款人在手机上确认付款", "collecting", 3),
    State.CHANGING: _Told("unknown", "付款人正在更换支付方式，请稍候查询", "undoing", 3),
    State.UNDOING: _Told("unknown", "正在撤销本次收款，请稍候查询", "undoing", 3),
    State.SETTLED: _Told("settled", "结算成功", "paid"),
    State.CLOSED: _Told("refused", "本单已关闭，未收取任何款项", "undone"),
    State.RETURNING: _Told("refunding", "退款处理中", "returning", 5),
    State.REFUND_DUE: _Told("refunding", "渠道未能退款，已转人工退款", "refund_due"),
    State.RETURNED: _Told("refunded", "已退款", "returned"),
}  # fmt: skip
"""For whoever stands at the counter."""
_ON_PHONE = _Told("payer_action", "请患者用手机扫码支付", "", 3)
"""While the payer is asked to pay on their own phone, and no attempt is out."""
_PHONE_AGAIN = "付款未成功，请患者在手机上重新支付，或出示付款码"
BY_HAND = {"cash": "现金", "card_present": "刷卡款"}
"""What an institution took itself, and gives back itself."""
_DEPOSIT = {"结算成功": "预交金已收", "已退款": "预交金已退"}
"""What is said of a deposit instead."""
_HELD = {"settled": "paid", "refused": "undone"}
"""Status of the legs of the insurance, by that of the order; held while it is open."""
_OTHER_REGION = {
    (State.CLOSED, CaseState.UNDOING): _Told(
        "unknown", "未收取任何款项，正在撤回参保地的结算，请稍候查询", "undone", 3
    ),
    (State.CLOSED, CaseState.SETTLED): _Told(
        "settled", "医保结算有效，参保地未同意撤回；个人部分未能扫码收取，请机构自行收取", "undone"
    ),
    (State.CLOSED, CaseState.CANCELLING): _Told(
        "refunding", "参保地尚未答复撤销，请稍候查询", "undone", 5
    ),
    (State.CLOSED, CaseState.CANCELLED): _Told("refunded", "已退款", "undone"),
    (State.SETTLED, CaseState.CANCELLING): _Told(
        "refunding", "参保地尚未答复撤销，答复后自动退款，请稍候查询", "paid", 5
    ),
}  # fmt: skip
"""How an order is told whose settlement another region is being asked to take back."""
_AT_OTHER_REGION = {
    CaseState.UNDOING: "undoing", CaseState.UNDONE: "undone", CaseState.CANCELLING: "returning",
}  # fmt: skip
"""Status of the legs that another region pays; else they are paid."""


def standing(
    fact: PaymentFact, plan: Plan, *, returns: Sequence[PaymentFact] = (), replayed: bool = False,
    case: CaseState | None = None,
) -> ScanReply:  # fmt: skip
    """What stands of an order, with the returns of what was taken back of it; of somebody insured
    elsewhere with what stands of their case."""
    now = fact.standing
    told = _told_of(now.state, case)
    if now.taken_back and not _sold_still(fact, now):
        open_ones = any(one.standing.state is not State.RETURNED for one in returns)
        told = _TOLD[State.RETURNING if open_ones else State.RETURNED]
    attempt = now.attempt
    if now.state is State.WAITING and phone_until(fact.events) is not None:
        told = _ON_PHONE if attempt is None else replace(told, message=_PHONE_AGAIN)
    legs: list[Leg] = []
    row = plan.settlement
    collects = fact.row.kind is PaymentKind.COLLECT
    if row is not None and collects:
        held = _HELD.get(_TOLD[now.state].status, "held")
        if plan.elsewhere:
            held = "paid" if case is None else _AT_OTHER_REGION.get(case, "paid")
        legs += _insurance_legs(row, held) + _deposit_legs(used_by(plan.events), held)
    if attempt is not None:
        legs.append(
            Leg(
                kind=attempt.channel.value, amount=yuan_text(fact.row.amount_fen),
                status=_TOLD[now.state].leg,
                reference=now.paid.reference if now.paid is not None else now.last.reference,
            )
        )  # fmt: skip
    legs += [_return_leg(one) for one in returns]
    settled = now.state is State.SETTLED or not collects
    return ScanReply(
        status=told.status,  # type: ignore[arg-type]  # the table has no other
        order_no=fact.row.order_no if collects else "",
        refund_no=UNSET if collects else fact.row.order_no,
        settlement_id=str(row.setl_id) if row is not None and settled else UNSET,
        split=split_of(row) if row is not None else UNSET,
        legs=legs,
        message=_message_of(now, told, returns, plan),
        poll_after_seconds=told.poll_after_seconds or UNSET,
        replayed=True if replayed else UNSET,
    )


def _told_of(state: State, case: CaseState | None) -> _Told:
    return _TOLD[state] if case is None else _OTHER_REGION.get((state, case), _TOLD[state])


def _sold_still(fact: PaymentFact, now: Standing) -> bool:
    """Whether something of a paid order stands; what funds and account pay alone does, too."""
    if fact.row.setl_id is None:
        return now.taken_back_fen < fact.row.amount_fen
    return now.taken_back[-1].setl_id is not None


def leg_status(fact: PaymentFact) -> str:
    """How far a payment or a return is."""
    return _TOLD[fact.standing.state].leg


def _return_leg(fact: PaymentFact) -> Leg:
    """What goes back, as a negative amount."""
    now = fact.standing
    return Leg(
        kind=now.attempts[-1].channel.value, amount=yuan_text(-fact.row.amount_fen),
        status=_TOLD[now.state].leg, reference=now.last.reference,
    )  # fmt: skip


def _message_of(
    now: Standing, told: _Told, returns: Sequence[PaymentFact], plan: Plan
) -> str:
    """What is said, with the channel's own words where they help; a fault of ours is not the
    payer's, and is not shown as such."""
    if plan.elsewhere and now.state is State.WAITING and not now.attempts and told is not _ON_PHONE:
        return f"医保部分已由参保地结算，{_wanted(_cash_of(plan))}"
    if now.state is State.CLOSED and returns:
        return "本单已关闭，收到的款项自动退回付款人"
    said = now.last
    failed = now.state in (State.WAITING, State.CLOSED)
    if failed and said.advice is Advice.OPERATOR:
        return "收款渠道配置有误，请联系管理员；本单未收款"
    if failed and said.text:
        return f"{said.text}（{told.message}）"
    return _DEPOSIT.get(told.message, told.message) if plan.deposit else told.message


def settled_at_once(
    order_no: str, row: SettlementRow, tender: str, *, replayed: bool, undone: bool = False,
    deposit_fen: int = 0, case: CaseState | None = None,
) -> ScanReply:  # fmt: skip
    """An order that no channel had a part in; `undone` once it was taken back. Deposits of a stay
    paid so much of the cash. Of somebody insured elsewhere `case` is what stands of their case."""
    told = _TOLD[State.RETURNED] if undone else _told_of(State.SETTLED, case)
    legs = _insurance_legs(row, told.leg) + _deposit_legs(deposit_fen, told.leg)
    cash_fen = row.cash_fen - deposit_fen
    if cash_fen:
        kind = "cash" if tender == "scan" else tender
        legs.append(Leg(kind=kind, amount=yuan_text(cash_fen), status=told.leg))
    return ScanReply(
        status=told.status,  # type: ignore[arg-type]  # the table has no other
        order_no=order_no, settlement_id=str(row.setl_id), split=split_of(row),
        legs=legs, message=told.message, replayed=True if replayed else UNSET,
        poll_after_seconds=told.poll_after_seconds or UNSET,
    )  # fmt: skip


def cancelled(
    refund_no: str, row: SettlementRow, tender: str, *, replayed: bool = False,
    deposit_fen: int = 0,
) -> ScanReply:  # fmt: skip
    """An order that no channel had a part in, taken back. Its amounts are negative. So much of the
    cash had been paid by deposits, which are there again."""
    legs = _insurance_legs(row, "returned") + _deposit_legs(-deposit_fen, "returned")
    cash_fen = row.cash_fen + deposit_fen
    if cash_fen:
        kind = "cash" if tender == "scan" else tender
        legs.append(Leg(kind=kind, amount=yuan_text(cash_fen), status="returned"))
    return ScanReply(
        status="refunded", order_no="", refund_no=refund_no, settlement_id=str(row.setl_id),
        split=split_of(row), legs=legs, message=_by_hand(tender, -cash_fen),
        replayed=True if replayed else UNSET,
    )  # fmt: skip


def partly_taken_back(
    refund_no: str, cancelled: SettlementRow, rest: SettlementRow, tender: str, *,
    replayed: bool = False,
) -> ScanReply:  # fmt: skip
    """An order that no channel had a part in, of which some stays sold: who pays that, and as legs
    what funds, account and the institution give back."""
    cash_fen = cancelled.cash_fen + rest.cash_fen
    pairs = zip(_insurance_parts(cancelled), _insurance_parts(rest), strict=True)
    legs = [
        Leg(kind=kind, amount=yuan_text(gone_fen + kept_fen), status="returned")
        for (kind, gone_fen), (_, kept_fen) in pairs
        if gone_fen + kept_fen
    ]
    if cash_fen:
        kind = "cash" if tender == "scan" else tender
        legs.append(Leg(kind=kind, amount=yuan_text(cash_fen), status="returned"))
    return ScanReply(
        status="refunded", order_no="", refund_no=refund_no, settlement_id=str(rest.setl_id),
        split=split_of(rest), legs=legs, message=_by_hand(tender, -cash_fen),
        replayed=True if replayed else UNSET,
    )  # fmt: skip


def _by_hand(tender: str, cash_fen: int) -> str:
    """What the institution gives back itself."""
    what = BY_HAND.get(tender, "现金")
    return f"已退，请机构退还{what}{yuan_text(cash_fen)}元" if cash_fen else "已退"


def code_wanted(order_no: str, row: SettlementRow, *, deposit_fen: int = 0) -> ScanReply:
    """Nothing is held: the payer must show a code for the rest first."""
    return ScanReply(
        status="payer_action", order_no=order_no, split=split_of(row),
        legs=_insurance_legs(row, "quoted") + _deposit_legs(deposit_fen, "quoted"),
        message=_wanted(row.cash_fen - deposit_fen),
    )  # fmt: skip


def _wanted(fen: int) -> str:
    return f"还需支付{yuan_text(fen)}元，请出示付款码"


def _cash_of(plan: Plan) -> int:
    return 0 if plan.settlement is None else plan.settlement.cash_fen


_CASE_TOLD = {
    CaseState.UNDOING: "正在撤回参保地的结算，未收取任何款项，请稍候查询",
    CaseState.CANCELLING: "参保地尚未答复撤销，答复后自动退款，请稍候查询",
}
_CASE_SECONDS = 5


def region_unclear(
    order_no: str, state: CaseState, *, replayed: bool = False, refund_no: str = ""
) -> ScanReply:
    """An order, or its refund, of which nobody knows yet what became of it in another region."""
    said = _CASE_TOLD.get(state, "参保地尚未答复，结果待确认，未收取任何款项，请稍候查询")
    back = state is CaseState.CANCELLING
    return ScanReply(
        status="refunding" if back else "unknown", order_no="" if refund_no else order_no,
        refund_no=refund_no or UNSET, message=said,
        poll_after_seconds=_CASE_SECONDS, replayed=True if replayed else UNSET,
    )  # fmt: skip


def never_settled(order_no: str) -> ScanReply:
    """An order that was given up before another region had settled it; its number is used up."""
    return ScanReply(
        status="refused", order_no=order_no, replayed=True,
        message="参保地未能及时结算，本单已关闭，未收取任何款项",
    )  # fmt: skip


def _deposit_legs(deposit_fen: int, status: str) -> list[Leg]:
    amount = yuan_text(deposit_fen)
    return [Leg(kind="deposit", amount=amount, status=status)] if deposit_fen else []


def _insurance_legs(row: SettlementRow, status: str) -> list[Leg]:
    reference = str(row.setl_id) if status == "paid" else ""
    return [
        Leg(kind=kind, amount=yuan_text(fen), status=status, reference=reference)
        for kind, fen in _insurance_parts(row)
        if fen
    ]


def _insurance_parts(row: SettlementRow) -> tuple[tuple[str, int], ...]:
    own_fen = row.account_fen - row.family_account_fen
    return ("fund", row.fund_fen), ("account", own_fen), ("family", row.family_account_fen)


def split_of(row: SettlementRow) -> Split:
    """Who pays what."""
    return Split(
        medfee_sumamt=yuan_text(row.total_fen), fund_pay_sumamt=yuan_text(row.fund_fen),
        acct_pay=yuan_text(row.account_fen), acct_mulaid_pay=yuan_text(row.family_account_fen),
        hosp_part_amt=yuan_text(row.hospital_fen), psn_cash_pay=yuan_text(row.cash_fen),
    )  # fmt: skip


_FRESH_CODE = frozenset({"PERSON_CODE_USED", "PERSON_CODE_EXPIRED"})
"""Refusals of a code, not of an order: another process may be about to settle the order with it, so
the till goes on under the same number (ADR 0031)."""
_FRESH_CODE_SECONDS = 2
DISEASE = "dise_codg"
"""Kept beside the lines of a scan: what a purchase names, and nothing else of it tells."""


def refused(
    order_no: str, *, code: str, message: str, field: str, retry: str
) -> ScanReply:
    """A refusal, with its row of the catalogue of errors."""
    again = code in _FRESH_CODE
    return ScanReply(
        status="payer_action" if again else "refused", order_no=order_no, message=message,
        err_code=code, err_field=field or UNSET, retry=retry,
        poll_after_seconds=_FRESH_CODE_SECONDS if again else UNSET,
    )  # fmt: skip


def hold_sale(
    sale: Purchase, asked: Asked, counter: Counter, till: Till | None, shown: Shown, *,
    scheme: str, digest_key: bytes,
) -> HoldSale:  # fmt: skip
    """The sale that a scan asks for. Its settlement is told apart by its transaction; a scheme
    that the scan does not name is left to the region's order."""
    kept = {**sale.kept, "tender": counter.tender, "tender_note": counter.tender_note}
    if shown.province:
        kept["code_province"] = shown.province
    if sale.claim.disease:
        kept[DISEASE] = sale.claim.disease
    key = keys.order_key(
        asked.institution.code, counter.order_no, sale.claim.service_at, digest_key
    )
    return HoldSale(
        asked=asked, business_key=key, token_key=shown.token_key,
        mapping_keys=sale.mapping_keys, trace_keys=sale.trace_keys, traces=sale.traces,
        claim=replace(sale.claim, scheme=scheme), credential=shown.credential,
        kept_lines=sale.kept_lines, kept=kept, invoice_no="", quote=False, counter=counter,
        till=till,
    )  # fmt: skip


def lines_of_plain(read: Read) -> tuple[PlainLine, ...]:
    """The lines of a sale without an insurance leg."""
    columns = (read.numbers["drugdetail", name] for name in ("det_item_fee_sumamt", "cnt"))
    rows = read.message.input.drugdetail
    return tuple(
        PlainLine(str(row.feedetl_sn), fen, quantity_e4)
        for row, fen, quantity_e4 in zip(rows, *columns, strict=True)
    )


def refund_fingerprint(
    order_no: str, lines: tuple[tuple[str, int], ...], amount_fen: int | None
) -> bytes:
    """What a refund says, part by part, as canonical fingerprints are."""
    parts = (order_no, str(sorted(lines)), str(amount_fen))
    person, header, totals = (
        sha256(part.encode()).digest()[: canonical.HASH_BYTES] for part in parts
    )
    return canonical.Fingerprint(person=person, header=header, totals=totals, lines=()).pack()
