"""What is asked beside the queues: sign-ins, mappings, pages of the catalogue."""

from __future__ import annotations

import asyncio
from datetime import datetime

from protocol.nhsa.messages import catalogue, session
from protocol.nhsa.times import format_datetime, parse_moment
from settlement import numbers
from settlement.clock import CHINA
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.institution import Institution
from settlement.lanes import lane_of
from settlement.numbers import NumberSource
from settlement.refusal import Refusal
from settlement.storage.connect import Reconnecting
from settlement.storage.lookups import record_sign_in, record_sign_out
from settlement.storage.mappings import Sought as MappingsSought
from settlement.storage.mappings import mapping_page
from settlement.translate import lists, mappings

_BEFORE_ALL = datetime(2000, 1, 1)


class Sessions:
    """Sign-ins of operators, and pages of lists."""

    def __init__(
        self, *, side: Reconnecting, desk: DecisionDesk, lanes: int, next_number: NumberSource
    ) -> None:
        self._side = side
        self._desk = desk
        self._lanes = lanes
        self._next_number = next_number

    async def sign_in(self, request: session.SignIn, institution: Institution) -> Answer:
        """9001: a sign-in number for the day."""
        node = request.input.signIn
        now = self._desk.now()
        lane = lane_of(institution.code, self._lanes)
        sign_no = self._next_number(lane, now.business_day)
        async with self._side.use() as connection:
            await record_sign_in(
                connection, lane=lane, sign_no=sign_no, at=now.at, institution=institution.code,
                operator=node.opter_no, address=f"{node.ip} {node.mac}",
            )  # fmt: skip
        output = session.SignInReply(
            signinoutb=session.SignedIn(sign_time=format_datetime(now.local), sign_no=str(sign_no))
        )
        return Answer(output=output)

    async def sign_out(
        self, request: session.SignOut, institution: Institution
    ) -> Answer | Refusal:
        """9002: ends the operator's own sign-in."""
        node = request.input.signOut
        now = self._desk.now()
        number = numbers.parse(node.sign_no)
        if number is not None:
            async with self._side.use() as connection:
                ended = await record_sign_out(
                    connection, lane=lane_of(institution.code, self._lanes), sign_no=number,
                    institution=institution.code, operator=node.opter_no, at=now.at,
                )  # fmt: skip
            if ended:
                signed_out = session.SignedOut(sign_time=format_datetime(now.local))
                output = session.SignOutReply(sign_time=signed_out, signoutoutb=signed_out)
                return Answer(output=output)
        return Refusal(code="SIGN_IN_UNKNOWN", field="sign_no", params={"value": node.sign_no})

    async def mapping_page(
        self, request: catalogue.MappingQuery, institution: Institution
    ) -> Answer | Refusal:
        """1317: an institution's own mappings only; another's code finds nothing."""
        data = request.input.data
        page = lists.page_of(data)
        if isinstance(page, Refusal):
            return page
        if data.fixmedins_code not in (None, "", institution.code):
            return Answer(output=lists.ListRows(()))
        sought = MappingsSought(
            lane=lane_of(institution.code, self._lanes),
            institution=institution.code,
            changed_since=max(parse_moment(data.updt_time), _BEFORE_ALL).replace(tzinfo=CHINA),
            own_code=data.medins_list_codg or "",
            item_code=data.med_list_codg or "",
            list_type=data.list_type or "",
            on=parse_moment(data.query_date).date() if data.query_date else None,
            standing=data.vali_flag or "",
        )
        async with self._side.use() as connection:
            found = await mapping_page(connection, sought, page)
        region = self._desk.world.region
        return Answer(output=lists.ListRows(mappings.shown(found, institution.code, region)))

    async def match_page(
        self, request: catalogue.MatchQuery, institution: Institution
    ) -> Answer | Refusal:
        """1316: of all items, or of those that the institution has mapped an own code to."""
        own = request.input.data.medins_list_codg
        codes: set[str] | None = None
        if own:
            sought = MappingsSought(
                lane=lane_of(institution.code, self._lanes), institution=institution.code,
                changed_since=_BEFORE_ALL.replace(tzinfo=CHINA), own_code=own, item_code="",
                list_type="", on=None, standing="1",
            )  # fmt: skip
            async with self._side.use() as connection:
                found = await mapping_page(connection, sought, slice(0, lists.PAGE_ROWS_MAX))
            codes = {row.item_code for row in found}
        return await self.catalogue_page(request, codes)

    async def catalogue_page(
        self, request: lists.Page, codes: set[str] | None = None
    ) -> Answer | Refusal:
        """1304, 1312, 1316, 1318 and 1319; other requests have the loop in between."""
        today = self._desk.now().local.date()
        for step in lists.page_steps(request, self._desk.world, today, codes=codes):
            if step is not None:
                return step
            await asyncio.sleep(0)
        raise AssertionError("the steps of a page end with its answer")
