"""A worked request and answer for each transaction, as they were sent and came.

Numbers, times and ages of one run are told apart from what every run has: they are replaced, so
that two runs can be compared and a page can show them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from protocol.nhsa.registry import TRANSACTIONS
from settlement.web.samples import sample_request
from tests.kit.broken import Answer, HonestServer, message_in

Tree = Any
_REPLAY = "重复报文"
_REFERENCE, _MESSAGE_ID = re.compile(r"441900\d{24}"), re.compile(r"([HP]\d{11})\d{14}.{4}")
_NUMBER, _TOKEN = re.compile(r"\d{19}"), re.compile(r"E\d+")
_TIME, _DAY = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), re.compile(r"\d{4}-\d\d-\d\d")
_SERIAL = re.compile(r"([A-Z]*)\d{18}(\d{4})")
_ORDER, _PAY_TOKEN = re.compile(r"ORD\d{25}"), re.compile(r"[0-9a-f]{40}")
_COMPACT = re.compile(r"20\d{6}(\d{6})?")
_OURS_TO_CHANGE = timedelta(days=800)
_SAID = {
    "refmsg_time": "20261123100000000", "respond_time": "20261123100000001",
    "age": Decimal("40.0"),
    "setlym": "202611", "cum_ym": "202611", "year": "2026", "trt_year": "2026", "trt_month": "10",
    "hiTrnsTime": "100000",
    "createDate": "2026-11-23",
    "begndate": "2026-11-01", "stmt_begndate": "2026-11-01",
    "enddate": "2026-11-30", "stmt_enddate": "2026-11-30",
}  # fmt: skip
_DATES = {"begndate", "stmt_begndate", "enddate", "stmt_enddate"}


class Notes(HonestServer):
    """Passes everything on, and keeps the first of each transaction that was carried out."""

    def __init__(self, upstream: str, *, paasid: str, secret: str) -> None:
        super().__init__(upstream, paasid=paasid, secret=secret)
        self.kept: dict[str, tuple[Tree, Tree]] = {}

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        status, came = await self.forward(path, body, headers)
        if status == 200:
            told = {"zip": len(came)} if came.startswith(b"PK") else message_in(came)
            if told.get("infcode", 0) == 0 and _REPLAY not in told.get("warn_msg", ""):
                message = message_in(body)
                self.kept.setdefault(message["infno"], (message, told))
        return status, came


def worked(infno: str, message: Tree, told: Tree) -> Tree:
    """An exchange as the page shows it."""
    plain = Plain(date.today())
    if infno == "9101":
        sample = sample_request(TRANSACTIONS[infno])["input"]
        assert isinstance(sample, dict) and isinstance(sample["fsUploadIn"], dict)
        message = {**message, "input": {"fsUploadIn": {
            **message["input"]["fsUploadIn"], "in": sample["fsUploadIn"]["in"],
        }}}  # fmt: skip
    asked = plain.tree(message)
    answer = None if "zip" in told else plain.tree(told)
    return {"request": asked, "answer": answer}


class Plain:
    """Replaces what differs from run to run, alike wherever it stands in one exchange."""

    def __init__(self, today: date) -> None:
        self._today = today
        self._numbers: dict[str, str] = {}

    def tree(self, value: Tree, name: str = "") -> Tree:
        """The same tree."""
        match value:
            case dict():
                return {key: self.tree(each, key) for key, each in value.items()}
            case list():
                return [self.tree(each, name) for each in value]
            case str():
                return self._text(value, name)
        return _SAID.get(name, value)

    def _text(self, value: str, name: str) -> str:
        if name in _SAID and name not in _DATES and value:
            return str(_SAID[name])
        if _REFERENCE.fullmatch(value):
            return "441900202611231000000000000001"
        if known := _MESSAGE_ID.fullmatch(value):
            return f"{known[1]}202611231000000001"
        if _NUMBER.fullmatch(value):
            return self._numbers.setdefault(value, f"26112300000000{len(self._numbers) + 1:05d}")
        if _TOKEN.fullmatch(value):
            return "E1"
        if _ORDER.fullmatch(value):
            return "ORD4419002611230000000000001"
        if _PAY_TOKEN.fullmatch(value):
            return f"{1:040x}"
        if known := _SERIAL.fullmatch(value):
            return f"{known[1]}100000{known[2]}"
        if _COMPACT.fullmatch(value):
            return "20261123100000"[: len(value)]
        if _TIME.fullmatch(value):
            return "2026-11-23 10:00:00" if self._is_of_now(value) else value
        if _DAY.fullmatch(value) and self._is_of_now(value):
            return str(_SAID.get(name, "2026-11-23"))
        return value

    def _is_of_now(self, value: str) -> bool:
        return abs(date.fromisoformat(value[:10]) - self._today) < _OURS_TO_CHANGE


def written(examples: Mapping[str, Tree]) -> bytes:
    """As the file has them."""
    ordered = {infno: examples[infno] for infno in TRANSACTIONS if infno in examples}
    raw = msgspec.json.Encoder(decimal_format="number").encode(ordered)
    return msgspec.json.format(raw, indent=1) + b"\n"
