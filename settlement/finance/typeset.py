"""Pages as PDF: a Typst template of ours, filled with JSON, set in Noto Sans CJK.

The font comes from a pinned package under the SIL Open Font License and is embedded in the file, as
far as the text needs it; fonts of the machine are not looked at, so that a page looks the same
everywhere. What is filled in is text and never markup. The same content at the same instant gives
the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import manimgx_fonts_cjk
import msgspec
import typst

TEMPLATES = Path(__file__).parent / "typst"
_ENCODE = msgspec.json.Encoder().encode


def typeset(template: str, content: Mapping[str, object], *, at: datetime) -> bytes:
    """A template of ours as PDF. Takes some ten milliseconds and holds no lock meanwhile."""
    return typst.compile(
        str(TEMPLATES / f"{template}.typ"), root=str(TEMPLATES), font_paths=_fonts(),
        sys_inputs={"content": _ENCODE(content).decode()}, timestamp=at.replace(microsecond=0),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    folder = Path(manimgx_fonts_cjk.__file__).parent
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)]
    )
