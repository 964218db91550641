"""`/imports`: files of the agency's systems, received as a stream; what became of them, on demand.

    POST /imports/{kind}?reason=…&preview=1     the file as body; 202 with its job, 200 if known
    GET  /imports/{job}                         state, progress, counts, faults by row

A request is signed with an import key, not with an institution's credential: HMAC-SHA256 over
method, target, timestamp and the SHA-256 of the body, a line each. The signature is checked before
the body is read, so a stranger's bytes go nowhere; a captured request can only repeat itself, and a
file that is sent again is one job (ADR 0025). What is here is seldom asked and never on the settle
path.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import date
from hashlib import sha256

from aiohttp import web
from msgspec import Struct, json

from settlement.clock import Clock, local_time, system_clock
from settlement.gateway import CredentialFact, Unavailable
from settlement.import_job import (
    Accepted,
    Admitted,
    DigestDiffers,
    ImportKey,
    ImportOffice,
    ImportRequest,
    TooManyWaiting,
)
from settlement.intake.order import CUT_OVER, KINDS
from settlement.limits import Limits
from settlement.web.arriving import ask_for_body
from settlement.web.import_documents import FORMAT_OF_TYPE, PARAMETERS
from settlement.web.reply import HttpReply, problem

_FORMULA = "HMAC-SHA256的十六进制，原文四行：方法、路径和参数、时间戳、报文体的SHA-256"
HEADERS = ("x-import-key", "x-import-timestamp", "x-import-sha256", "x-import-signature")
EMPTY_SHA256 = sha256(b"").hexdigest()
_ADDRESS = re.compile(r"/imports/([a-z]+|\d{1,18})", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[\w.\-]{1,80}")
_REASON_LENGTH_MAX = 200


class Announced(Struct, frozen=True):
    """Who asks, as the signature proves; and the digest of the body that was signed."""

    key: ImportKey
    digest: str


class Imports:
    """Answers `/imports` in one process."""

    def __init__(
        self, office: ImportOffice, credential: Callable[[str], CredentialFact | None],
        limits: Limits, clock: Clock = system_clock,
    ) -> None:  # fmt: skip
        self._office = office
        self._credential = credential
        self._limits = limits
        self._clock = clock
        self._arriving = 0

    async def answer(self, request: web.BaseRequest) -> HttpReply:
        """The reply to any request below /imports."""
        place = _ADDRESS.fullmatch(request.path)
        if place is None:
            return problem("NOT_FOUND")
        wanted = "GET" if place[1].isdigit() else "POST"
        if request.method != wanted:
            return problem("METHOD_NOT_ALLOWED", params={"allow": wanted})
        try:
            announced = await self._announced(request)
            if isinstance(announced, HttpReply):
                return announced
            if wanted == "GET":
                return await self._report(place[1])
            return await self._receive(place[1], request, announced)
        except Unavailable as exc:
            return problem("UNAVAILABLE", seconds=exc.seconds)

    async def _announced(self, request: web.BaseRequest) -> Announced | HttpReply:
        """Who signed the request, or why it is refused. Cheap checks first."""
        told = {name: request.headers.get(name, "") for name in HEADERS}
        refused = self._unacceptable(request.headers, told)
        if refused is not None:
            return refused
        key = await self._office.key(told["x-import-key"])
        if key is None:
            return problem("IMPORT_KEY_UNKNOWN")
        wanted = signature(
            key.secret, method=request.method, target=request.raw_path,
            timestamp=told["x-import-timestamp"], digest=told["x-import-sha256"],
        )  # fmt: skip
        if not hmac.compare_digest(wanted, told["x-import-signature"]):
            return problem(
                "SIGNATURE_WRONG", params={"header": "x-import-signature", "formula": _FORMULA}
            )
        if key.suspended:
            return problem("CREDENTIAL_SUSPENDED")
        return Announced(key, told["x-import-sha256"])

    def _unacceptable(
        self, headers: Mapping[str, str], told: Mapping[str, str]
    ) -> HttpReply | None:
        """What is wrong with the headers before anybody is asked."""
        access_key = told["x-import-key"]
        theirs = access_key or headers.get("x-tif-paasid") or headers.get("_api_access_key")
        if theirs and self._credential(theirs) is not None:
            return problem("IMPORT_NOT_FOR_INSTITUTIONS")
        missing = [name for name in HEADERS if not told[name] or not told[name].isascii()]
        if not missing and not _DIGEST.fullmatch(told["x-import-sha256"]):
            missing = ["x-import-sha256"]
        if missing:
            return problem("IMPORT_HEADERS_MISSING", params={"header": "、".join(missing)})
        timestamp, window = told["x-import-timestamp"], self._limits.tif_window_seconds
        known = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
        now = int(self._clock().timestamp())
        if not known or abs(int(timestamp) - now) > window:
            return problem(
                "TIMESTAMP_REFUSED", params={"window": window, "now": now, "unit": "秒"}
            )
        return None

    async def _report(self, job: str) -> HttpReply:
        found = await self._office.report(int(job))
        if found is None:
            return problem("IMPORT_JOB_UNKNOWN", params={"value": job})
        return HttpReply(200, found)

    async def _receive(
        self, kind: str, request: web.BaseRequest, announced: Announced
    ) -> HttpReply:
        if kind not in KINDS:
            return problem("NOT_FOUND")
        if kind not in announced.key.kinds:
            return problem("IMPORT_KIND_NOT_ALLOWED", params={"kind": kind})
        file_format = FORMAT_OF_TYPE.get(request.content_type)
        if file_format is None:
            return problem("IMPORT_FORMAT_UNKNOWN", params={"found": request.content_type[:40]})
        ordered = ordered_by(
            request.query, kind, file_format, announced, today=local_time(self._clock()).date()
        )
        if isinstance(ordered, HttpReply):
            return ordered
        if (request.content_length or 0) > self._limit(file_format):
            return self._too_large(file_format)
        known = await self._office.known(ordered)
        if known is not None:
            return _admitted(known)
        if self._arriving >= self._limits.imports_arriving_max:
            return self._too_many(self._limits.imports_arriving_max)
        self._arriving += 1
        try:
            return await self._stream(request, ordered)
        finally:
            self._arriving -= 1

    async def _stream(self, request: web.BaseRequest, ordered: ImportRequest) -> HttpReply:
        """The body, to the disk as it comes; the sender is read no faster than that."""
        try:
            arrival = await self._office.expect(ordered)
        except TooManyWaiting:
            return self._too_many(self._limits.imports_waiting_max)
        ask_for_body(request)
        limit, size = self._limit(ordered.format), 0
        try:
            async with asyncio.timeout(self._limits.import_arrival_seconds_max):
                async for piece in request.content.iter_any():
                    size += len(piece)
                    if size > limit:
                        return self._too_large(ordered.format)
                    await arrival.take(piece)
            return _admitted(await arrival.complete())
        except DigestDiffers:
            return problem("IMPORT_DIGEST_DIFFERS")
        except (TimeoutError, ConnectionError):  # too slow, or gone: nothing was admitted
            return problem("UNAVAILABLE", seconds=self._limits.retry_after_seconds)
        finally:
            arrival.abandon()

    def _limit(self, file_format: str) -> int:
        limits = self._limits
        workbook = file_format == "xlsx"
        return limits.import_workbook_bytes_max if workbook else limits.import_bytes_max

    def _too_large(self, file_format: str) -> HttpReply:
        return problem("IMPORT_TOO_LARGE", params={"limit": self._limit(file_format)})

    def _too_many(self, limit: int) -> HttpReply:
        return problem(
            "IMPORTS_TOO_MANY", params={"limit": limit},
            seconds=self._limits.retry_after_seconds,
        )  # fmt: skip


def signature(secret: str, *, method: str, target: str, timestamp: str, digest: str) -> str:
    """What x-import-signature must say; `target` is path and query as they are sent."""
    told = "\n".join((method, target, timestamp, digest))
    return hmac.new(secret.encode(), told.encode(), sha256).hexdigest()


def ordered_by(
    query: Mapping[str, str], kind: str, file_format: str, announced: Announced, *, today: date
) -> ImportRequest | HttpReply:
    """What the address orders, or which part of it cannot be meant."""
    unknown = sorted(query.keys() - PARAMETERS.keys())
    if unknown:
        return _wrong(unknown[0][:40], "、".join(PARAMETERS))
    flags = {name: query.get(name, "0") for name in ("preview", "whole", "skip_bad")}
    for name, value in flags.items():
        if value not in ("0", "1"):
            return _wrong(name, "0、1")
    reason = query.get("reason", "").strip()
    if not reason or len(reason) > _REASON_LENGTH_MAX or not reason.isprintable():
        return _wrong("reason", f"1至{_REASON_LENGTH_MAX}字")
    if flags["whole"] == "1" and flags["skip_bad"] == "1":
        return _wrong("skip_bad", "whole=0")
    name = query.get("name", "") or f"{kind}.{file_format}"
    if not _NAME.fullmatch(name) or set(name) == {"."}:
        return _wrong("name", "至多80个字母、数字或._-")
    confirms = query.get("confirm", "")
    if confirms and not (kind in CUT_OVER and _DIGEST.fullmatch(confirms)):
        return _wrong("confirm", "SHA-256")
    if flags["whole"] == "1" and kind in CUT_OVER:
        return _wrong("whole", "0")
    try:
        told = query.get("ends_on")
        ends_on = date.fromisoformat(told) if told else today
    except ValueError:
        return _wrong("ends_on", "2026-12-01")
    return ImportRequest(
        kind=kind, digest=announced.digest, format=file_format, file_name=name,
        preview=flags["preview"] == "1", whole=flags["whole"] == "1",
        skip_bad=flags["skip_bad"] == "1", ends_on=ends_on, confirms=confirms, reason=reason,
        operator=announced.key.operator, access_key=announced.key.access_key,
    )  # fmt: skip


def _wrong(name: str, expected: str) -> HttpReply:
    return problem("IMPORT_OPTION_WRONG", params={"name": name, "expected": expected})


def _admitted(admitted: Admitted) -> HttpReply:
    """202 for a new job, 200 for one that there was."""
    told = Accepted(job=str(admitted.job_no), state=admitted.state, again=admitted.again)
    return HttpReply(200 if admitted.again else 202, json.encode(told))
