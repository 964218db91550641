"""An institution's accountant: adds up what was answered at the counter, and holds it against ours.

Knows only replies, as a hospital does.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from tests.kit.counter import Counter, Message
from tests.kit.population import REGION
from tests.kit.reply import Reply, assert_done

ROW = tuple[str, ...]


class Totals(NamedTuple):
    """What the clerk has in the books."""

    total: Decimal
    fund: Decimal
    account: Decimal
    cash: Decimal
    count: int


class Clerk:
    """Reconciles for one institution, over the days given."""

    def __init__(
        self, counter: Counter, *, begin: str, end: str, scheme: str = "310",
        clearing_type: str = "41",
    ) -> None:  # fmt: skip
        self.counter = counter
        self.begin = begin
        self.end = end
        self.scheme = scheme
        self.clearing_type = clearing_type

    def totals(self, held: Totals, **changes: object) -> Message:
        """3201."""
        data = {
            "insutype": self.scheme,
            **self._scope(held),
            "acct_pay": held.account,
            **changes,
        }
        return self.counter.message("3201", {"data": data})

    def details(self, file_no: str, held: Totals, **changes: object) -> Message:
        """3202."""
        data = {
            "file_qury_no": file_no, **self._scope(held), "cash_payamt": held.cash, **changes,
        }  # fmt: skip
        return self.counter.message("3202", {"data": data})

    def application(self, month: str, last: str, held: Totals, **changes: object) -> Message:
        """3203 for a month, `202611`, whose last day is `last`."""
        data = {
            "clr_type": self.clearing_type,
            "setlym": month,
            "psntime": held.count,
            "medfee_sumamt": held.total,
            "med_sumfee": held.total,
            "fund_appy_sum": held.fund,
            "cash_payamt": held.cash,
            "acct_pay": held.account,
            "begndate": f"{month[:4]}-{month[4:]}-01",
            "enddate": f"{month[:4]}-{month[4:]}-{last}",
            **changes,
        }
        return self.counter.message("3203", {"data": data})

    def withdrawal(self, application: str) -> Message:
        """3204."""
        return self.counter.message("3204", {"data": {"clr_appy_evt_id": application}})

    async def upload(self, content: bytes, *, of: str | None = None) -> Reply:
        """9101, sent."""
        return await self.counter.send(self.file(content, of=of))

    def file(self, content: bytes, *, of: str | None = None) -> Message:
        """9101."""
        node = {
            "in": base64.b64encode(content).decode(), "filename": "detail.zip",
            "fixmedins_code": of or self.counter.code,
        }  # fmt: skip
        return self.counter.message("9101", {"fsUploadIn": node})

    def download(self, file_no: str) -> Message:
        """9102."""
        node = {
            "file_qury_no": file_no, "filename": "result.zip", "fixmedins_code": self.counter.code,
        }  # fmt: skip
        return self.counter.message("9102", {"fsDownloadIn": node})

    async def fetch(self, file_no: str) -> bytes:
        """9102, the bytes themselves."""
        message = self.download(file_no)
        return await self.counter.service.answer(message.infno, message.body, message.caller)

    async def compare(self, rows: Sequence[ROW], held: Totals, **changes: object) -> list[ROW]:
        """9101, 3202, 9102: what the result file says, row by row."""
        uploaded = await self.upload(zipped(rows))
        assert_done(uploaded)
        assert isinstance(uploaded.output, dict)
        number = uploaded.output["file_qury_no"]
        compared = await self.counter.send(self.details(number, held, **changes))
        result = await self.fetch(compared.text("file_qury_no", "fileinfo"))
        return unzipped(result)

    def _scope(self, held: Totals) -> dict[str, object]:
        return {
            "clr_type": self.clearing_type,
            "setl_optins": REGION,
            "stmt_begndate": self.begin,
            "stmt_enddate": self.end,
            "medfee_sumamt": held.total,
            "fund_pay_sumamt": held.fund,
            "fixmedins_setl_cnt": held.count,
        }


def added(replies: Sequence[Reply]) -> Totals:
    """The sums of what 2102, 2207, 2304 and their cancels answered."""
    return Totals(
        *(
            sum((reply.money(name) for reply in replies), Decimal("0.00"))
            for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")
        ),
        len(replies),
    )


def row_of(reply: Reply) -> ROW:
    """The line of 3202 for a settlement or a cancel that was answered."""
    total = reply.money("medfee_sumamt")
    return (
        reply.setl_id, reply.mdtrt_id, reply.text("psn_no"), str(total),
        str(reply.money("fund_pay_sumamt")), str(reply.money("acct_pay")),
        "1" if total < 0 else "0",
    )  # fmt: skip


def zipped(rows: Sequence[ROW], name: str = "detail.txt") -> bytes:
    """A file as 9101 takes it."""
    return packed({name: "".join("\t".join(row) + "\r\n" for row in rows).encode()})


def packed(files: dict[str, bytes]) -> bytes:
    """A zip of some files; the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return content.getvalue()


def unzipped(content: bytes) -> list[ROW]:
    """The rows of a result file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [name] = archive.namelist()
        text = archive.read(name).decode()
    return [tuple(line.split("\t")) for line in text.splitlines()]


def result(reply: Reply) -> tuple[str, str]:
    """What 3201 said: stmt_rslt and its description."""
    return reply.text("stmt_rslt", "stmtinfo"), reply.text("stmt_rslt_dscr", "stmtinfo")


