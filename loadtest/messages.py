"""The `input` of each transaction that the load generator sends, in the wire's own names.

Written from the field tables alone, without the server's own message types, so that a mistake in
those cannot cancel itself out. Amounts are integer fen until they are printed as yuan.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Struct

from loadtest.world import WorldItem, WorldPerson


class Basket(Struct, frozen=True, kw_only=True):
    """Items with quantities whose fee lines are written out, but for serial number and time."""

    total_fen: int
    lines: tuple[bytes, ...]
    """each line's members after its serial number and time"""
    sale: bytes
    """2102 from begntime on, with places (%b) for that time and each line's serial and time"""


def basket_of(picks: list[tuple[WorldItem, int]]) -> Basket:
    """Fee lines for items and whole quantities; each line is rounded half up to the fen."""
    lines: list[bytes] = []
    total_fen = 0
    for item, quantity in picks:
        line_fen = fen_half_up(item.price * quantity)
        total_fen += line_fen
        line = (
            f'","med_list_codg":{_text(item.med_list_codg)}'
            f',"medins_list_codg":{_text(item.medins_list_codg)}'
            f',"det_item_fee_sumamt":{yuan(line_fen)},"cnt":{quantity},"pric":{item.price}'
        )
        lines.append(line.encode())
    return Basket(total_fen=total_fen, lines=tuple(lines), sale=_sale(total_fen, lines))


class PersonParts(Struct, frozen=True, kw_only=True, gc=False):
    """What a message says about its person, written out once."""

    number: bytes
    """members naming the person: psn_no and credential"""
    identity: bytes
    """members with certificate and name"""
    category: bytes
    """psn_type"""
    scheme: bytes
    """insutype"""
    whole: bytes
    """all of the above"""


def parts_of(person: WorldPerson) -> PersonParts:
    """Write out the members that never change."""
    number = (
        f'"psn_no":{_text(person.psn_no)},"mdtrt_cert_type":{_text(person.mdtrt_cert_type)}'
        f',"mdtrt_cert_no":{_text(person.mdtrt_cert_no)}'
    ).encode()
    identity = (
        f',"psn_cert_type":{_text(person.psn_cert_type)},"certno":{_text(person.certno)}'
        f',"psn_name":{_text(person.psn_name)}'
    ).encode()
    category = f',"psn_type":{_text(person.psn_type)}'.encode()
    scheme = f',"insutype":{_text(person.insutype)}'.encode()
    return PersonParts(
        number=number,
        identity=identity,
        category=category,
        scheme=scheme,
        whole=number + identity + category + scheme,
    )


def pharmacy_sale(person: PersonParts, basket: Basket, *, serial: bytes, at: bytes) -> bytes:
    """2102: one shot, lines included. `serial` starts the line serials, `at` is the purchase."""
    return b"".join(
        (
            b'{"druginfo":{',
            person.whole,
            basket.sale % (at, *(serial, at) * len(basket.lines)),
        )
    )


def person_lookup(person: PersonParts) -> bytes:
    """1101: who is it, and is the person insured."""
    credential = person.number[person.number.index(b'"mdtrt_cert_type"') :]
    return b'{"data":{' + credential + person.identity + b"}}"


def registration(person: PersonParts, *, visit_no: bytes, at: bytes) -> bytes:
    """2201: opens the visit; the reply carries mdtrt_id."""
    return b"".join(
        (
            b'{"data":{',
            person.whole,
            b',"begntime":"',
            at,
            b'","ipt_otp_no":"',
            visit_no,
            '","atddr_no":"D0001","dr_name":"测试医师","dept_code":"0300",'
            '"dept_name":"内科","caty":"A03"}}'.encode(),
        )
    )


def visit_data(person: PersonParts, *, visit_id: bytes, at: bytes) -> bytes:
    """2203: what the visit was for, with one diagnosis."""
    return b"".join(
        (
            b'{"mdtrtinfo":{"mdtrt_id":"',
            visit_id,
            b'",',
            _number_only(person),
            b',"med_type":"11","begntime":"',
            at,
            '","main_cond_dscr":"","dise_type_code":"","dise_codg":"J06.900",'
            '"dise_name":"急性上呼吸道感染"},"diseinfo":[{"diag_type":"1","diag_srt_no":1,'
            '"diag_code":"J06.900","diag_name":"急性上呼吸道感染","diag_dept":"0300",'
            '"dise_dor_no":"D0001","dise_dor_name":"测试医师","diag_time":"'.encode(),
            at,
            b'","vali_flag":"1"}]}',
        )
    )


def fee_lines(
    person: PersonParts, basket: Basket, *, visit_id: bytes, charge_no: bytes, at: bytes
) -> bytes:
    """2204: the lines of one charge batch."""
    shared = b"".join(
        (
            b'","mdtrt_id":"',
            visit_id,
            b'",',
            _number_only(person),
            b',"chrg_bchno":"',
            charge_no,
            b'","rx_circ_flag":"0","fee_ocur_time":"',
            at,
        )
    )
    orderer = (
        ',"bilg_dept_codg":"0300","bilg_dept_name":"内科","bilg_dr_codg":"D0001",'
        '"bilg_dr_name":"测试医师","hosp_appr_flag":"1"}'
    ).encode()
    lines = (
        b'{"feedetl_sn":"%s%02d' % (charge_no, number) + shared + line + orderer
        for number, line in enumerate(basket.lines, start=1)
    )
    return b'{"feedetail":[' + b",".join(lines) + b"]}"


def quote(person: PersonParts, basket: Basket, *, visit_id: bytes, charge_no: bytes) -> bytes:
    """2206: what would be paid by whom; no effect."""
    totals = _totals(basket, visit_id=visit_id, charge_no=charge_no)
    return b"".join((b'{"data":{', person.whole, totals, b"}}"))


def settlement(
    person: PersonParts, basket: Basket, *, visit_id: bytes, charge_no: bytes, splits: bytes
) -> bytes:
    """2207: the same again for good, citing the four parts (`splits`) that the quote answered."""
    totals = _totals(basket, visit_id=visit_id, charge_no=charge_no)
    return b"".join(
        (b'{"data":{', person.number, person.identity, person.scheme, totals, splits, b"}}")
    )


SPLIT_FIELDS = (b"fulamt_ownpay_amt", b"overlmt_selfpay", b"preselfpay_amt", b"inscp_scp_amt")


def splits_in(quote_reply: bytes) -> bytes | None:
    """The four parts of the fee, copied from a 2206 reply as members; None where one is missing."""
    start = quote_reply.find(b'"setlinfo"')
    members = []
    for name in SPLIT_FIELDS:
        value = value_in(quote_reply, name, start=max(start, 0))
        if value is None:
            return None
        members.append(b',"%s":%s' % (name, value))
    return b"".join(members)


def value_in(reply: bytes, name: bytes, *, start: int = 0) -> bytes | None:
    """The raw JSON scalar after the first `"name":` from `start`; no escapes are expected in it."""
    key = b'"%s":' % name
    at = reply.find(key, start)
    if at < 0:
        return None
    at += len(key)
    if reply[at : at + 1] == b'"':
        return reply[at : reply.index(b'"', at + 1) + 1]
    ends = [end for end in (reply.find(b",", at), reply.find(b"}", at)) if end >= 0]
    return reply[at : min(ends)] if ends else None


def yuan(fen: int) -> str:
    """1234 → `12.34`."""
    return f"{fen // 100}.{fen % 100:02d}"


def fen_half_up(amount_yuan: Decimal) -> int:
    """Round half up to the fen; amounts are not negative here."""
    return int(amount_yuan * 100 + Decimal("0.5"))


def _sale(total_fen: int, lines: list[bytes]) -> bytes:
    head = (
        b',"begntime":"%%b","medfee_sumamt":%b,"acct_used_flag":"1","med_type":"41"}'
        b',"drugdetail":[' % yuan(total_fen).encode()
    )
    written = (
        b'{"feedetl_sn":"%%b%02d","rx_circ_flag":"0","fee_ocur_time":"%%b' % number
        + line.replace(b"%", b"%%")
        + b"}"
        for number, line in enumerate(lines, start=1)
    )
    return head + b",".join(written) + b"]}"


def _totals(basket: Basket, *, visit_id: bytes, charge_no: bytes) -> bytes:
    return (
        b',"med_type":"11","medfee_sumamt":%s,"psn_setlway":"01","mdtrt_id":"%s"'
        b',"chrg_bchno":"%s","acct_used_flag":"1"'
        % (yuan(basket.total_fen).encode(), visit_id, charge_no)
    )


def _number_only(person: PersonParts) -> bytes:
    return person.number[: person.number.index(b',"mdtrt_cert_type"')]


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()
