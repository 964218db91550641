"""An institution's software as its makers write it: one message out, one answer back, over HTTP.

For stories and tests, where reading well counts more than speed; the load generator has its own
(loadtest/desk.py). A message is made once and may be sent again, unchanged, after a lost answer.
It knows the envelope and the signature; what goes into `input` is `loadtest/institution_inputs.py`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import msgspec
from msgspec import Struct

from loadtest.desk import MessageNumbers, spoken_time
from loadtest.world import WorldInstitution
from protocol.nhsa.signing import tif_signature
from protocol.scan import ScanReply

ANSWER_SECONDS_MAX = 30.0
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode

Input = Mapping[str, object]
"""`input` of a message: nodes by name; amounts are Decimal yuan."""


class ClientError(Exception):
    """There was no answer, or none of the interface: the text gives what came back."""


class Message(Struct, frozen=True, kw_only=True):
    """A request (请求报文) ready to be sent, as often as it takes."""

    infno: str
    msgid: str
    body: bytes


class Reply(Struct, frozen=True, kw_only=True):
    """An answer (响应报文). Numbers with a decimal point are Decimal."""

    infcode: int
    inf_refmsgid: str = ""
    err_msg: str = ""
    err_code: str = ""
    err_field: str = ""
    retry: str = ""
    warn_msg: str = ""
    output: dict[str, object] | list[object] | None = None

    @property
    def is_done(self) -> bool:
        """True unless the server refused."""
        return self.infcode == 0

    def node(self, name: str) -> dict[str, object]:
        """A node of the output, such as `setlinfo`. Raises ClientError where it is not there."""
        found = self.output.get(name) if isinstance(self.output, dict) else None
        if not isinstance(found, dict):
            raise ClientError(f"no {name} in the answer: {self.err_code} {self.err_msg}")
        return found


_DECODER = msgspec.json.Decoder(Reply, float_hook=Decimal)
_DECODE_SCAN = msgspec.json.Decoder(ScanReply).decode


class InstitutionClient:
    """One institution towards one server."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        institution: WorldInstitution,
        *,
        region: str,
        read_seconds: Callable[[], float] = time.time,
    ) -> None:
        self.institution = institution
        self._session = session
        self._url = url.rstrip("/")
        self._region = region
        self._read_seconds = read_seconds
        self._numbers = MessageNumbers(institution.code, int(read_seconds()))

    def now(self) -> str:
        """The present second as the wire writes it."""
        return spoken_time(int(self._read_seconds())).decode()

    def message(self, infno: str, content: Input, *, insured_in: str = "") -> Message:
        """A message with an id of its own. Nothing is sent yet. `insured_in` is the region of
        insurance of somebody who comes from another one."""
        msgid = self._numbers.next().decode()
        envelope = {
            "infno": infno,
            "msgid": msgid,
            "mdtrtarea_admvs": self._region,
            "insuplc_admdvs": insured_in or self._region,
            "recer_sys_code": "MBS_LOCAL",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "0001",
            "opter_name": "测试收费员",
            "inf_time": self.now(),
            "fixmedins_code": self.institution.code,
            "fixmedins_name": self.institution.name,
            "input": content,
        }
        return Message(infno=infno, msgid=msgid, body=_ENCODE(envelope))

    async def send(self, message: Message) -> Reply:
        """Send it and wait for the answer. Sent again, it is the same message.

        A refusal is an answer. Raises ClientError where there was none, or no NHSA answer.
        """
        headers = self._headers(message.msgid) | {"Content-Type": "application/json"}
        url = f"{self._url}/hsa/hgs/{message.infno}"
        try:
            async with self._session.post(url, data=message.body, headers=headers) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClientError(f"{message.infno}: no answer: {error!r}") from error
        if response.status != 200:
            raise ClientError(f"{message.infno}: HTTP {response.status}: {_head(body)}")
        try:
            return _DECODER.decode(body)
        except msgspec.DecodeError as error:
            raise ClientError(f"{message.infno}: {error}: {_head(body)}") from error

    async def ask(self, infno: str, content: Input, *, insured_in: str = "") -> Reply:
        """A new message, sent once."""
        return await self.send(self.message(infno, content, insured_in=insured_in))

    async def explanation(self, setl_id: str) -> dict[str, object]:
        """How a settlement of this institution came about. Raises ClientError."""
        return await self.look(f"/settlements/{setl_id}/explanation")

    async def look(self, path: str) -> dict[str, object]:
        """What stands at an address that changes nothing. Raises ClientError."""
        headers = self._headers(f"look {self._numbers.next().decode()}")
        try:
            async with self._session.get(f"{self._url}{path}", headers=headers) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClientError(f"{path}: no answer: {error!r}") from error
        if response.status != 200:
            raise ClientError(f"{path}: HTTP {response.status}: {_head(body)}")
        return msgspec.json.decode(body, type=dict[str, object])

    async def pay(self, method: str, path: str, body: Input | None) -> ScanReply:
        """Scan-to-pay and what belongs to it; a refusal is an answer. Raises ClientError."""
        headers = self._headers(f"pay {self._numbers.next().decode()}")
        data = None if body is None else _ENCODE(body)
        url = f"{self._url}{path}"
        try:
            async with self._session.request(
                method, url, data=data, headers=headers | {"Content-Type": "application/json"}
            ) as response:
                came = await response.read()
            return _DECODE_SCAN(came)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClientError(f"{path}: no answer: {error!r}") from error
        except msgspec.DecodeError as error:
            raise ClientError(f"{path}: HTTP {response.status}: {_head(came)}") from error

    def _headers(self, nonce: str) -> dict[str, str]:
        """x-tif (1.5 a). The message id is the nonce: a resend repeats both."""
        timestamp = str(int(self._read_seconds()))
        return {
            "x-tif-paasid": self.institution.paasid,
            "x-tif-timestamp": timestamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": tif_signature(timestamp, self.institution.secret, nonce),
        }


class Clients:
    """The clients of several institutions of one world, on shared connections."""

    def __init__(self, session: aiohttp.ClientSession, url: str, region: str) -> None:
        self._session = session
        self._url = url
        self._region = region
        self._of: dict[str, InstitutionClient] = {}

    def of(self, institution: WorldInstitution) -> InstitutionClient:
        """The client of an institution: always the same, so that no message id comes twice."""
        found = self._of.get(institution.code)
        if found is None:
            found = InstitutionClient(self._session, self._url, institution, region=self._region)
            self._of[institution.code] = found
        return found


@asynccontextmanager
async def open_clients(
    url: str, region: str, *, answer_seconds: float = ANSWER_SECONDS_MAX
) -> AsyncIterator[Clients]:
    """Clients towards one server, until left."""
    timeout = aiohttp.ClientTimeout(total=answer_seconds)
    connector = aiohttp.TCPConnector(limit=0)  # who waits for an answer keeps nobody else waiting
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        yield Clients(session, url, region)


def _head(body: bytes) -> str:
    return body[:300].decode("utf-8", "replace")
