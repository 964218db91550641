"""Bytes to a typed, checked request, in one call.

One pass of the decoder reads the envelope and the typed `input`, then the compiled field check
runs. Only a message that fails is read a second time, slowly, to say what is wrong with it. Nothing
a sender can put into the bytes raises anything but `WireError`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from protocol.nhsa.amounts import decimal_of
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.errors import WireError, WireErrorCode
from protocol.nhsa.explain import Tree, blank_numbers_dropped, explain
from protocol.nhsa.fields import Numbers, Profile, check
from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.registry import TRANSACTIONS, TYPED
from protocol.nhsa.stored import unkeepable

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Letter(Struct, frozen=True, gc=False):
    """A message as it came: the transaction that was addressed, and the bytes."""

    infno: str
    body: bytes
    lines_max: int


class Checked(Struct, frozen=True, gc=False):
    """A request that meets the profile, and its numbers."""

    request: Envelope
    numbers: Numbers


def decode_all(letters: Sequence[Letter], profile: Profile) -> list[Checked | WireError]:
    """What `decode` gives or raises for each: first all are read, then all are checked, so that
    the code of a step stays in the processor's caches."""
    read: list[Envelope | WireError] = []
    for letter in letters:
        try:
            read.append(_read(letter.infno, letter.body, profile, letter.lines_max))
        except WireError as error:
            read.append(error)
    return [
        _checked(request, letter, profile)
        for request, letter in zip(read, letters, strict=True)
    ]


def _checked(
    request: Envelope | WireError, letter: Letter, profile: Profile
) -> Checked | WireError:
    if isinstance(request, WireError):
        return request
    try:
        return Checked(request, check(request, profile, lines_max=letter.lines_max))
    except WireError as error:
        return error


def decode(infno: str, body: bytes, profile: Profile, *, lines_max: int) -> Envelope:
    """The request of transaction `infno`, of the type that the registry names; or `WireError`."""
    request = _read(infno, body, profile, lines_max)
    check(request, profile, lines_max=lines_max)
    return request


def decode_typed(infno: str, body: bytes, profile: Profile, *, lines_max: int) -> Envelope:
    """What `decode` does, also for a transaction that has types and is not served yet."""
    decoder = Decoder(TYPED[infno].request)
    request = _read_by(decoder, infno, body, profile, lines_max)
    check(request, profile, lines_max=lines_max)
    return request


def _read(infno: str, body: bytes, profile: Profile, lines_max: int) -> Envelope:
    decoder = _DECODERS.get(infno)
    if decoder is None or infno in profile.absent:
        raise _unknown_transaction(infno)
    return _read_by(decoder, infno, body, profile, lines_max)


def _read_by(
    decoder: Decoder[Envelope], infno: str, body: bytes, profile: Profile, lines_max: int
) -> Envelope:
    try:
        request = decoder.decode(body)
    except (ValueError, ArithmeticError, RecursionError):
        # msgspec's errors and UnicodeDecodeError are ValueErrors; Decimal has errors of its own.
        request = _read_again(infno, body, profile, lines_max)
    if request.infno != infno:
        raise _mismatch(infno, request.infno)
    if isinstance(request, Stored):
        _check_stored(infno, body, profile, lines_max)
    elif b"\\" in body and b"\\u0000" in body:
        _refuse_nul(infno, body, profile, lines_max)
    return request


def peek_infno(body: bytes) -> str:
    """The transaction number inside the body, for the address that serves all transactions."""
    try:
        return _PEEK.decode(body).infno
    except (ValueError, RecursionError):
        infno = _tree(body).get("infno")
    if isinstance(infno, str) and infno:
        return infno
    params = {"name_zh": "交易编号", "expected": "文本，最长6个字符"}
    if infno is None or infno == "":
        raise WireError(WireErrorCode.FIELD_MISSING, "infno", params)
    raise WireError(WireErrorCode.FIELD_TYPE, "infno", params)


class _Peek(Struct, gc=False):
    infno: str


_PEEK = Decoder(_Peek)
_DECODERS: dict[str, Decoder[Envelope]] = {
    infno: Decoder(transaction.request) for infno, transaction in TRANSACTIONS.items()
}
_TREE_DECODER = Decoder(float_hook=decimal_of)


def _read_again(infno: str, body: bytes, profile: Profile, lines_max: int) -> Envelope:
    """Reads the message as a plain tree: raises what is wrong with it, or returns the request
    where only harmless habits of senders (a byte order mark, "" for no number) were in the way."""
    tree = _tree(body)
    named = tree.get("infno")
    if isinstance(named, str) and named and named != infno:
        raise _mismatch(infno, named)
    tree = blank_numbers_dropped(infno, tree)
    error = explain(infno, tree, profile, lines_max=lines_max)
    if error is not None:
        raise error
    request_type = TYPED[infno].request
    try:
        if issubclass(request_type, Stored):
            return Decoder(request_type).decode(body.removeprefix(_BYTE_ORDER_MARK))
        return msgspec.convert(tree, request_type)
    except (msgspec.ValidationError, ValueError, RecursionError) as fault:
        raise WireError(WireErrorCode.FIELD_TYPE, _path(str(fault))) from fault


def _tree(body: bytes) -> Tree:
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        tree = _TREE_DECODER.decode(body)
    except RecursionError as fault:
        raise WireError(WireErrorCode.TOO_DEEP) from fault
    except UnicodeDecodeError as fault:
        raise WireError(WireErrorCode.NOT_UTF8) from fault
    except ValueError as fault:
        raise WireError(_unparsable(body)) from fault
    if not isinstance(tree, dict):
        raise WireError(WireErrorCode.NOT_AN_ENVELOPE)
    return tree


def _unparsable(body: bytes) -> WireErrorCode:
    """Bytes of another encoding often break the JSON before they break the text: say so."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return WireErrorCode.NOT_UTF8
    return WireErrorCode.MALFORMED_JSON


def _refuse_nul(infno: str, body: bytes, profile: Profile, lines_max: int) -> None:
    """No text may hold the NUL character: databases cannot keep it."""
    error = explain(infno, _tree(body), profile, lines_max=lines_max)
    if error is not None:
        raise error


def _check_stored(infno: str, body: bytes, profile: Profile, lines_max: int) -> None:
    """What is kept as sent must be readable when it is read again: the decoder skipped it."""
    tree = _tree(body)
    error = explain(infno, blank_numbers_dropped(infno, tree), profile, lines_max=lines_max)
    if error is not None:
        raise error
    code = unkeepable(tree, look_for_nul=b"\\u0000" in body)
    if code is not None:
        raise WireError(code, "input", {"name_zh": "交易输入"})


def _unknown_transaction(infno: str) -> WireError:
    params = {"name_zh": "交易编号", "expected": "本平台支持的交易", "found": infno[:6]}
    return WireError(WireErrorCode.UNKNOWN_TRANSACTION, "infno", params)


def _mismatch(expected: str, found: str) -> WireError:
    params = {"name_zh": "交易编号", "expected": expected, "found": found[:6]}
    return WireError(WireErrorCode.INFNO_MISMATCH, "infno", params)


def _path(message: str) -> str | None:
    """The path at the end of a decoder's message: `… - at `$.input.data``."""
    _, found, path = message.rpartition("`$.")
    return path.rstrip("`") if found else None
