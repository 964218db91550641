"""What a message type says of itself, and where answers differ from the tables. Not a test file."""

from __future__ import annotations

import typing
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from protocol.nhsa.facts import TABLES
from protocol.nhsa.registry import TYPED

WIDER_OUTPUTS = {
    "hosp_part_amt",
    "psn_cash_pay",
    "pdn_cash_pay",
    *("psn_no", "psn_name", "psn_cert_type", "certno", "gend", "naty", "brdy", "age"),
    *("insutype", "psn_type", "cvlserv_flag", "mdtrt_cert_type", "med_type", "exp_content"),
    *("clr_type", "clr_way", "setl_id", "medins_setl_id", "hifdm_pay"),
}
"""Fields that a shared answer struct has although not every transaction's table prints them."""

LEFT_OUT = {"setl_id", "age"}
"""Printed as never empty, but a quote has no settlement and not everybody a known birth date."""


def output_types(infno: str) -> dict[str, Any]:
    """The output nodes of a transaction with their types; "" or "data" is the output itself."""
    transaction = TYPED[infno]
    tables = TABLES[infno].output
    if "" in tables or transaction.reply_is_array:
        return dict.fromkeys(tables, transaction.reply)
    return hints(transaction.reply)


def hints(struct: type) -> dict[str, Any]:
    return typing.get_type_hints(struct, include_extras=True)


def infos(struct: type) -> dict[str, FieldInfo]:
    return {info.encode_name: info for info in msgspec.structs.fields(struct)}


def row_type(hint: object) -> tuple[type, bool]:
    """The struct of a node and whether the node repeats; a lone row may come as an object."""
    if isinstance(hint, UnionType):
        hint, lone = get_args(hint)
        assert get_args(hint)[0] is lone
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True
    assert isinstance(hint, type)
    return hint, False
