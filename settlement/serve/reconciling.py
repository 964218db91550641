"""Reconciliation, clearing and files (3201–3204, 3260–3262, 9101, 9102, 1301 and its like): beside
the settle path, never on it.

Each has a connection of its own, so that a long sum delays neither a sign-in nor a stop switch.
Unpacking and comparing happen in a thread. What writes and loses its connection says that nobody
knows; the same message finds out.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta

from msgspec import Raw, Struct

from protocol.nhsa import textfile
from protocol.nhsa.messages import catalogue, clearing, files, reconciliation
from protocol.nhsa.textfile import FileError
from settlement.books import statement
from settlement.books.clearing import Applicant, Claimed, is_over, last_day
from settlement.books.statement import Scope, TheirLine
from settlement.clock import CHINA, Moment
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.institution import Institution
from settlement.lanes import lane_of
from settlement.limits import Limits
from settlement.numbers import NumberSource
from settlement.refusal import Refusal
from settlement.serve.cross_city import CrossCity, NextReference
from settlement.serve.kept_files import KeptFiles, NewFile
from settlement.serve.list_files import CodeListFiles, CodeLists, ListFiles
from settlement.serve.outcomes import known_or_not
from settlement.storage import clearings
from settlement.storage.connect import Reconnecting
from settlement.storage.files import FileMessage
from settlement.storage.lease import PlainConnection
from settlement.storage.statements import read_figures, read_lines
from settlement.translate import reconciliation as words
from settlement.translate.list_files import LIST_TYPE_OF_FILE

Request = (
    reconciliation.TotalsCheck
    | reconciliation.DetailCheck
    | clearing.ClearingApply
    | clearing.ClearingCancel
    | clearing.CrossCityExtract
    | clearing.CrossCityConfirm
    | clearing.CrossCityRollback
    | files.FileUpload
    | files.FileDownload
    | catalogue.CatalogueFile
)


class Download(Struct, frozen=True):
    """The bytes of a file: they leave as they are, without an envelope."""

    content: bytes


class Reconciling:
    """The transactions of one process by which institutions reconcile."""

    def __init__(
        self, *, dsn: str, desk: DecisionDesk, lanes: int, limits: Limits,
        next_number: NumberSource, next_reference: NextReference, list_files: ListFiles,
    ) -> None:  # fmt: skip
        self._reading = Reconnecting(dsn, "settlement-statements")
        self._writing = Reconnecting(dsn, "settlement-files")
        self._desk = desk
        self._lanes = lanes
        self._limits = limits
        self._next_number = next_number
        self._list_files = list_files
        self._listing = Reconnecting(dsn, "settlement-lists")
        self._code_lists = CodeListFiles(
            self._listing, lambda: CodeLists(desk.world.profile.list_layouts, desk.world.region)
        )
        self._files = KeptFiles(
            reading=self._reading, writing=self._writing, desk=desk, lanes=lanes, limits=limits,
            next_number=next_number,
        )  # fmt: skip
        self._cross_city = CrossCity(
            reading=self._reading, writing=self._writing, desk=desk, lanes=lanes,
            next_reference=next_reference,
        )  # fmt: skip

    async def answer(
        self, request: Request, institution: Institution
    ) -> Answer | Refusal | Download:
        """Carry one out. Raises StorageError where nothing was written, Unavailable where nobody
        knows."""
        match request:
            case reconciliation.TotalsCheck():
                return await self._check_totals(request, institution)
            case reconciliation.DetailCheck():
                return await self._check_details(request, institution)
            case clearing.ClearingApply():
                return await self._apply(request, institution)
            case clearing.ClearingCancel():
                return await self._cancel(request, institution)
            case (
                clearing.CrossCityExtract()
                | clearing.CrossCityConfirm()
                | clearing.CrossCityRollback()
            ):
                return await self._cross_city.answer(request, institution)
            case files.FileUpload():
                return await self._upload(request, institution)
            case files.FileDownload():
                return await self._download(request, institution)
            case catalogue.CatalogueFile():
                return await self._list_file(request, institution)

    def close(self) -> None:
        """Drop the connections."""
        self._reading.close()
        self._writing.close()
        self._listing.close()

    async def _check_totals(
        self, request: reconciliation.TotalsCheck, institution: Institution
    ) -> Answer | Refusal:
        """3201."""
        data = request.input.data
        scope = self._scope(data, institution)
        if isinstance(scope, Refusal):
            return scope
        async with self._reading.use() as connection:
            ours = await read_figures(connection, scope)
        return Answer(output=words.totals_reply(data, ours, self._desk.world.profile))

    async def _check_details(
        self, request: reconciliation.DetailCheck, institution: Institution
    ) -> Answer | Refusal:
        """3202: the file that 9101 took against what is booked; the result is a file too."""
        data = request.input.data
        scope = self._scope(data, institution)
        if isinstance(scope, Refusal):
            return scope
        message = FileMessage(
            infno=request.infno, msgid=request.msgid, fingerprint=words.said_by(data, scope)
        )
        told = await self._files.once(
            message, institution, lambda: self._compared(data, scope, institution)
        )
        if isinstance(told, Refusal):
            return told
        output = reconciliation.DetailCheckReply(
            fileinfo=reconciliation.DetailChecked(
                file_qury_no=told.number, filename=told.name, dld_endtime=told.until
            )
        )
        return Answer(output=output, replayed=told.replayed)

    async def _compared(
        self, data: reconciliation.DetailCheckData, scope: Scope, institution: Institution
    ) -> NewFile | Refusal:
        """The lines of their file against ours."""
        content = await self._files.content(data.file_qury_no, institution)
        if isinstance(content, Refusal):
            return content
        theirs = await asyncio.to_thread(_lines_in, content, self._limits)
        refused = theirs if isinstance(theirs, Refusal) else _refused_lines(data, theirs)
        if refused is not None or isinstance(theirs, Refusal):
            return refused or Refusal(code="INTERNAL")
        rows_max = self._limits.file_rows_max
        async with self._reading.use() as connection:
            ours = await read_lines(connection, scope, rows_max=rows_max)
        if len(ours) > rows_max:
            return Refusal(
                code="FILE_ROWS_TOO_MANY", field="begin_on",
                params={"found": len(ours), "limit": rows_max},
            )  # fmt: skip
        profile = self._desk.world.profile
        result = await asyncio.to_thread(words.result_file, theirs, ours, profile)
        return NewFile("reconciliation-result.zip", result)

    async def _upload(
        self, request: files.FileUpload, institution: Institution
    ) -> Answer | Refusal:
        """9101: only what can be read is kept."""
        node = request.input.fsUploadIn
        if node.fixmedins_code != institution.code:
            return Refusal(
                code="FILE_OF_OTHER_INSTITUTION", field="institution_of_file",
                params={"value": node.fixmedins_code},
            )  # fmt: skip
        content = await asyncio.to_thread(_readable, node, self._limits)
        if isinstance(content, Refusal):
            return content
        file = NewFile(node.filename, content)
        message = FileMessage(
            infno=request.infno, msgid=request.msgid,
            fingerprint=words.sent_as(file.name, file.content),
        )  # fmt: skip

        async def as_sent() -> NewFile:
            return file

        told = await self._files.once(message, institution, as_sent)
        if isinstance(told, Refusal):
            return told
        output = files.FileUploadReply(
            file_qury_no=told.number, filename=told.name, fixmedins_code=institution.code,
            dld_endtime=told.until,
        )  # fmt: skip
        return Answer(output=output, replayed=told.replayed)

    async def _download(
        self, request: files.FileDownload, institution: Institution
    ) -> Download | Refusal:
        """9102: an institution's own file, whatever name it says."""
        content = await self._files.content(request.input.fsDownloadIn.file_qury_no, institution)
        return content if isinstance(content, Refusal) else Download(content)

    async def _list_file(
        self, request: catalogue.CatalogueFile, institution: Institution
    ) -> Answer | Refusal:
        """1301 and its like. The file stays until the day that is told is over."""
        lists = self._list_files if request.infno in LIST_TYPE_OF_FILE else self._code_lists
        made = await lists.file(request.infno, request.input.data.ver)
        if isinstance(made, Refusal):
            return made
        size, limit = len(made.content), self._limits.list_file_bytes_max
        if size > limit:
            return Refusal(code="LIST_FILE_TOO_LARGE", params={"bytes": size, "limit": limit})
        days = timedelta(days=self._limits.list_file_days_max)
        last_on = self._desk.now().local.date() + days
        after = datetime.combine(last_on + timedelta(days=1), time(), CHINA)
        file = NewFile(made.name, made.content, after)
        # The same file of a day is kept once, however often a HIS synchronises.
        given = FileMessage(
            infno=request.infno, msgid=words.given_out_as(file.content, last_on),
            fingerprint=words.sent_as(file.name, file.content),
        )  # fmt: skip

        async def as_made() -> NewFile:
            return file

        told = await self._files.once(given, institution, as_made)
        if isinstance(told, Refusal):
            return told
        output = catalogue.CatalogueFileReply(
            file_qury_no=told.number, filename=told.name, dld_end_time=last_on.isoformat(),
            data_cnt=Raw(str(made.row_count).encode()),
        )  # fmt: skip
        return Answer(output=output)

    async def _apply(
        self, request: clearing.ClearingApply, institution: Institution
    ) -> Answer | Refusal:
        """3203. Of two at once one is kept, and the other is told of it on its second look."""
        claimed = words.claimed_of(request.input.data)
        if isinstance(claimed, Refusal):
            return claimed
        now = self._desk.now()
        applicant = self._applicant(request, institution, now)
        async with known_or_not(self._writing) as connection:
            said = await self._decide(connection, applicant, claimed, now)
            if said is None:
                said = await self._decide(connection, applicant, claimed, now)
        return said or Refusal(code="INTERNAL")

    async def _decide(
        self, connection: PlainConnection, applicant: Applicant, claimed: Claimed, now: Moment
    ) -> Answer | Refusal | None:
        """None: another was written meanwhile."""
        before = await clearings.of_message(connection, applicant)
        if before is not None:
            if before.claimed != claimed:
                return Refusal(code="MESSAGE_CONFLICT", field="msgid", params={"part": "totals"})
            return _applied(before.application_no, replayed=True)
        if not is_over(claimed.month, now.local):
            month = f"{claimed.month:%Y%m}"
            return Refusal(code="CLEARING_MONTH_OPEN", field="month", params={"month": month})
        standing = await clearings.standing(connection, applicant, claimed)
        if standing is not None:
            return _stands(standing)
        scope = Scope(
            institution=applicant.institution, begin_on=claimed.month,
            end_on=last_day(claimed.month), clearing_type=claimed.clearing_type,
        )  # fmt: skip
        found = words.claim_differences(claimed, await read_figures(connection, scope))
        if found:
            return Refusal(
                code="CLEARING_TOTALS_DIFFER", params={"differences": words.in_short(found)}
            )
        number = self._next_number(applicant.lane, now.business_day)
        if await clearings.apply(connection, applicant, claimed, application_no=number):
            return _applied(number)
        return None

    async def _cancel(
        self, request: clearing.ClearingCancel, institution: Institution
    ) -> Answer | Refusal:
        """3204. The message that cancelled it may come again; another one is refused."""
        text = request.input.data.clr_appy_evt_id
        applicant = self._applicant(request, institution, self._desk.now())
        number = self._files.own_number(text, institution)
        cancelled_by = None
        if number is not None:
            async with known_or_not(self._writing) as connection:
                cancelled_by = await clearings.cancel(connection, applicant, number)
        if cancelled_by is None:
            return Refusal(
                code="CLEARING_APPLICATION_UNKNOWN", field="application_no",
                params={"value": text},
            )  # fmt: skip
        if cancelled_by != applicant.msgid:
            return Refusal(
                code="CLEARING_APPLICATION_CANCELLED", field="application_no",
                params={"value": text},
            )  # fmt: skip
        return Answer(output=None)

    def _scope(self, data: words.Check, institution: Institution) -> Scope | Refusal:
        return words.scope_of(
            data, institution, office=self._desk.world.region, days_max=self._limits.period_days_max
        )

    def _applicant(
        self, request: clearing.ClearingApply | clearing.ClearingCancel, institution: Institution,
        now: Moment,
    ) -> Applicant:  # fmt: skip
        return Applicant(
            lane=lane_of(institution.code, self._lanes),
            institution=institution.code,
            clearing_office=self._desk.world.region,
            operator=request.opter,
            operator_name=request.opter_name,
            msgid=request.msgid,
            at=now.at,
        )


def _readable(node: files.FileUploadData, limits: Limits) -> bytes | Refusal:
    """The bytes of an upload, once they are known to be a zip with one UTF-8 text."""
    try:
        content = textfile.bytes_of(node.in_)
        textfile.unpack(content, bytes_max=limits.file_text_bytes_max)
    except FileError as error:
        return _of_file(error, "content")
    return content


def _lines_in(content: bytes, limits: Limits) -> list[TheirLine] | Refusal:
    """The lines of a kept file, by the layout of 3202."""
    try:
        text = textfile.unpack(content, bytes_max=limits.file_text_bytes_max)
        return words.their_lines(textfile.detail_rows(text, rows_max=limits.file_rows_max))
    except FileError as error:
        return _of_file(error, "file_no")


def _refused_lines(
    data: reconciliation.DetailCheckData, lines: list[TheirLine]
) -> Refusal | None:
    """A settlement named twice, or totals that are not those of the file."""
    twice = statement.repeated(lines)
    if twice is not None:
        place, earlier = twice
        return Refusal(
            code="FILE_ROW_REPEATED", field="file_no",
            params={"row": place + 1, "earlier": earlier + 1, "setl_id": lines[place].setl_id},
        )  # fmt: skip
    found = words.header_differences(data, lines)
    if found:
        return Refusal(
            code="FILE_TOTALS_DIFFER", field="file_no",
            params={"differences": words.in_short(found, between=words.MESSAGE_AND_FILE)},
        )  # fmt: skip
    return None


def _of_file(error: FileError, field: str) -> Refusal:
    return Refusal(code=error.fault.value, field=field, params=error.params)


def _applied(number: int, *, replayed: bool = False) -> Answer:
    output = clearing.ClearingApplyReply(
        result=clearing.ClearingApplied(clr_appy_evt_id=str(number))
    )
    return Answer(output=output, replayed=replayed)


def _stands(number: int) -> Refusal:
    return Refusal(
        code="CLEARING_ALREADY_APPLIED", field="month", params={"application": str(number)}
    )
