"""From the wire's requests about item mappings (3301, 3302) to commands, and from rows to 1317."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from protocol.nhsa.fields import rows_of
from protocol.nhsa.messages import mapping
from protocol.nhsa.messages.catalogue import MappingRow as Shown
from protocol.nhsa.times import format_datetime, parse_date
from settlement.clock import local_time
from settlement.commands import MapItems, UnmapItem
from settlement.rows import MappingKind, MappingRow, MappingShown
from settlement.translate.pieces import Sender, kept_of
from settlement.translate.requests import Translator

NAME = "fixmedins_hilist_name"
_USED = frozenset({"fixmedins_hilist_id", "list_type", "med_list_codg", "begndate", "enddate"})
_NUMBER_TO_COME = 0
_TIME_TO_COME = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(dict[str, str]).decode


def map_items(translator: Translator, request: mapping.MappingUpload, sender: Sender) -> MapItems:
    """3301, in the lane of the institution."""
    code = sender.institution.code
    asked = translator.asked(request, sender, code)
    rows = tuple(
        MappingRow(
            lane=asked.lane,
            mapping_id=_NUMBER_TO_COME,
            kind=MappingKind.MAPPED,
            recorded_at=_TIME_TO_COME,
            begins_on=parse_date(row.begndate),
            ends_on=parse_date(row.enddate),
            institution=code,
            own_code=row.fixmedins_hilist_id,
            list_type=row.list_type,
            item_code=row.med_list_codg,
            content=_ENCODE(kept_of(row, _USED)).decode(),
        )
        for row in rows_of(request.input.catalogcompin)
        if isinstance(row, mapping.MappingUploadRow)
    )
    keys = tuple((asked.lane, row.own_code) for row in rows)
    return MapItems(asked=asked, mapping_keys=keys, rows=rows)


def unmap_item(
    translator: Translator, request: mapping.MappingCancel, sender: Sender
) -> UnmapItem:
    """3302."""
    data = request.input.data
    asked = translator.asked(request, sender, sender.institution.code)
    return UnmapItem(
        asked=asked,
        mapping_keys=((asked.lane, data.fixmedins_hilist_id),),
        institution_code=data.fixmedins_code,
        own_code=data.fixmedins_hilist_id,
        list_type=data.list_type,
        item_code=data.med_list_codg,
    )


def shown(
    found: Iterable[MappingShown], institution: str, region: str
) -> tuple[Shown, ...]:
    """The rows of 1317."""
    return tuple(_shown(row, institution, region) for row in found)


def _shown(row: MappingShown, institution: str, region: str) -> Shown:
    said = _DECODE(row.content)
    return Shown(
        fixmedins_code=institution,
        medins_list_codg=row.own_code,
        medins_list_name=said.pop(NAME, ""),
        insu_admdvs=region,
        list_type=row.list_type,
        med_list_codg=row.item_code,
        begndate=row.begins_on.isoformat(),
        enddate=row.ends_on.isoformat(),
        vali_flag="1" if row.ended_at is None else "0",
        rid=str(row.mapping_id),
        updt_time=format_datetime(local_time(row.ended_at or row.recorded_at)),
        crte_time=format_datetime(local_time(row.recorded_at)),
        poolarea_no=region,
        **said,
    )
