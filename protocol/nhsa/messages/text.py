"""Text as the wire carries it, with the length the decoder checks: `Need30`, `May30`, serials.

`Need` fields must be there and not be empty; `May` fields may be absent, null or empty. The number
is the longest text that any source accepts; a regional profile may narrow it, never widen it.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

Need1 = Annotated[str, Meta(min_length=1, max_length=1)]
Need2 = Annotated[str, Meta(min_length=1, max_length=2)]
Need3 = Annotated[str, Meta(min_length=1, max_length=3)]
Need4 = Annotated[str, Meta(min_length=1, max_length=4)]
Need6 = Annotated[str, Meta(min_length=1, max_length=6)]
Need10 = Annotated[str, Meta(min_length=1, max_length=10)]
Need12 = Annotated[str, Meta(min_length=1, max_length=12)]
Need18 = Annotated[str, Meta(min_length=1, max_length=18)]
Need20 = Annotated[str, Meta(min_length=1, max_length=20)]
Need30 = Annotated[str, Meta(min_length=1, max_length=30)]
Need40 = Annotated[str, Meta(min_length=1, max_length=40)]
Need50 = Annotated[str, Meta(min_length=1, max_length=50)]
Need64 = Annotated[str, Meta(min_length=1, max_length=64)]
Need100 = Annotated[str, Meta(min_length=1, max_length=100)]
Need150 = Annotated[str, Meta(min_length=1, max_length=150)]
Need200 = Annotated[str, Meta(min_length=1, max_length=200)]
Need300 = Annotated[str, Meta(min_length=1, max_length=300)]
Need500 = Annotated[str, Meta(min_length=1, max_length=500)]

May1 = Annotated[str, Meta(max_length=1)] | None
May3 = Annotated[str, Meta(max_length=3)] | None
May6 = Annotated[str, Meta(max_length=6)] | None
May8 = Annotated[str, Meta(max_length=8)] | None
May10 = Annotated[str, Meta(max_length=10)] | None
May20 = Annotated[str, Meta(max_length=20)] | None
May30 = Annotated[str, Meta(max_length=30)] | None
May32 = Annotated[str, Meta(max_length=32)] | None
May40 = Annotated[str, Meta(max_length=40)] | None
May50 = Annotated[str, Meta(max_length=50)] | None
May64 = Annotated[str, Meta(max_length=64)] | None
May100 = Annotated[str, Meta(max_length=100)] | None
May150 = Annotated[str, Meta(max_length=150)] | None
May200 = Annotated[str, Meta(max_length=200)] | None
May255 = Annotated[str, Meta(max_length=255)] | None
May500 = Annotated[str, Meta(max_length=500)] | None
May1000 = Annotated[str, Meta(max_length=1000)] | None
May1024 = Annotated[str, Meta(max_length=1024)] | None
May2000 = Annotated[str, Meta(max_length=2000)] | None
May4000 = Annotated[str, Meta(max_length=4000)] | None

NeedTime = Annotated[str, Meta(min_length=1, max_length=19)]
"""A date or time as text; `times` parses it, the check refuses another shape."""
MayTime = Annotated[str, Meta(max_length=19)] | None

Serial = Annotated[str, Meta(min_length=1, max_length=30)] | Annotated[int, Meta(ge=0)]
"""A serial number, text in most editions and a JSON number in some."""

Free = Any
"""Whatever the sender likes (扩展字段): looked at only by whoever knows what was agreed."""
