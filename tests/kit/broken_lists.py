"""Servers that break one promise beside the counter: files, mappings, filings, uploads, books.

As `tests.kit.broken`; what is broken in the same way is one class with a transaction's number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from protocol.nhsa.textfile import pack, unpack
from tests.kit.broken import Answer, HonestServer, message_in, under_new_id

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
Rows = list[list[str]]
BYTES_MAX = 1 << 26
_CRC_AT = 16
"""of an entry in the directory at the end of a zip"""


def _good(output: object) -> Answer:
    reply = {"infcode": 0, "inf_refmsgid": "0", "err_msg": "", "output": output}
    return 200, _ENCODE(reply)


def throws_away(infno: str, output: object = None) -> type[HonestServer]:
    """Answers a transaction and does nothing."""

    class ThrowsAway(HonestServer):
        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            if message_in(body).get("infno") == infno:
                return _good(output or {})
            return await self.forward(path, body, headers)

    return ThrowsAway


def accepts(code: str, output: object = None) -> type[HonestServer]:
    """Answers as if it had not refused, and does nothing."""

    class Accepts(HonestServer):
        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            status, came = await self.forward(path, body, headers)
            if message_in(came).get("err_code") == code:
                return _good(output or {})
            return status, came

    return Accepts


def refuses(code: str, *infnos: str) -> type[HonestServer]:
    """No promise broken: a region that does not take these so."""

    class Refuses(HonestServer):
        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            if message_in(body).get("infno") not in infnos:
                return await self.forward(path, body, headers)
            told = {"infcode": -1, "err_msg": "测试", "err_code": code, "retry": "never"}
            return 200, _ENCODE(told)

    return Refuses


def answers_otherwise(infno: str, change: Callable[[Any], object]) -> type[HonestServer]:
    """Changes the output of a transaction."""

    class AnswersOtherwise(HonestServer):
        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            status, came = await self.forward(path, body, headers)
            told = message_in(came)
            if message_in(body).get("infno") == infno and told.get("infcode") == 0:
                told["output"] = change(told["output"])
                return status, _ENCODE(told)
            return status, came

    return AnswersOtherwise


def asks_otherwise(infno: str, change: Callable[[dict[str, Any]], None]) -> type[HonestServer]:
    """Reads another question than was asked."""

    class AsksOtherwise(HonestServer):
        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            message = message_in(body)
            if message.get("infno") != infno:
                return await self.forward(path, body, headers)
            change(message["input"]["data"])
            return await self.forward_anew(path, _ENCODE(message))

    return AsksOtherwise


def changes_files(change: Callable[[Rows], Rows]) -> type[HonestServer]:
    """9102 gives other rows than the file has."""

    class ChangesFiles(HonestServer):
        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            status, came = await self.forward(path, body, headers)
            if not came.startswith(b"PK"):
                return status, came
            lines = unpack(came, bytes_max=BYTES_MAX).splitlines()
            rows = change([line.split("\t") for line in lines])
            return status, pack("changed.txt", "".join("\t".join(row) + "\n" for row in rows))

    return ChangesFiles


class DamagesFiles(HonestServer):
    """9102 loses a bit on the way."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        status, came = await self.forward(path, body, headers)
        if not came.startswith(b"PK"):
            return status, came
        at = came.rindex(b"PK\x01\x02") + _CRC_AT
        return status, came[:at] + bytes([came[at] ^ 1]) + came[at + 1 :]


def takes_resends_for_new(*infnos: str) -> type[HonestServer]:
    """A message that comes again is another one."""

    class TakesResendsForNew(HonestServer):
        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            message = message_in(body)
            key = (str(message.get("infno")), str(message.get("msgid")))
            if key[0] in infnos and key in self.first:
                return await self.forward_anew(path, under_new_id(message, claim=False))
            status, came = await self.forward(path, body, headers)
            if message_in(came).get("infcode") == 0:
                self.first[key] = came
            return status, came

    return TakesResendsForNew


def never_forgets(infno: str, node: str) -> type[HonestServer]:
    """An enquiry shows what it showed before, whatever was cancelled since."""

    class NeverForgets(HonestServer):
        most: Answer = 0, b""
        rows: tuple[Any, ...] = ()

        async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            status, came = await self.forward(path, body, headers)
            told = message_in(came)
            if message_in(body).get("infno") != infno or told.get("infcode") != 0:
                return status, came
            rows = told["output"][node]
            if self.most[0] and _weight(rows) < _weight(self.rows):
                return self.most
            self.most, self.rows = (status, came), tuple(rows)
            return status, came

    return NeverForgets


def _weight(rows: Sequence[Any]) -> tuple[int, Decimal]:
    return len(rows), sum((Decimal(str(row.get("cum", 0))) for row in rows), Decimal(0))


def without_the_last(rows: Rows) -> Rows:
    """A row is missing."""
    return rows[:-1]


def all_level(rows: Rows) -> Rows:
    """Of a result of 3202: everything agrees."""
    return [[*row[:4], "0", *row[5:]] for row in rows]


def first_differs(rows: Rows) -> Rows:
    """Of a result of 3202: a difference that there is not."""
    return [[*row[:4], "3" if at == 0 else row[4], *row[5:]] for at, row in enumerate(rows)]


def page_one(data: dict[str, Any]) -> None:
    """Every page is the first one."""
    data["page_num"] = 1


def from_the_beginning(data: dict[str, Any]) -> None:
    """Nobody has the newest list."""
    data["ver"] = "v0000"


def every_fund_pays(output: Any) -> object:
    """Of 2001: nothing depends on a filing."""
    rows = [{**row, "trt_enjymnt_flag": "1"} for row in output["trtinfo"]]
    return {**output, "trtinfo": rows}


def always_level(output: Any) -> object:
    """Of 3201: whatever the institution says."""
    return {"stmtinfo": {**output["stmtinfo"], "stmt_rslt": "0"}}


def nameless(output: Any) -> object:
    """Of 1901: values without names."""
    return {"list": [{**row, "label": ""} for row in output["list"]]}


def always_saved(output: Any) -> object:
    """Of 6301: an order never gets on."""
    return {"data": {**output["data"], "ordStas": "0"}}
