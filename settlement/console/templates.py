"""The console's templates: Jinja2 with everything escaped, and what they may call.

`t(zh, en)` is the one way to write words, so that no page forgets a language. Money, times and
closed sets are written by filters. Styles and scripts are files of ours; their addresses carry
their hash, so that browsers keep them for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from settlement.console import reference_words as reading
from settlement.console import words
from settlement.console.menu import menu_for
from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.elsewhere.places import place_zh
from settlement.telemetry.logs import mask_name, mask_number

HERE = Path(__file__).parent
MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
def _key(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)


def _by_text(table: Mapping[Any, Words]) -> Mapping[str, Words]:
    return {_key(value): told for value, told in table.items()}


_WORDS: Mapping[str, Mapping[str, Words]] = {
    "role": _by_text(words.ROLES),
    "row_kind": _by_text(words.ROW_KINDS),
    "state": _by_text(words.STATES),
    "happening": _by_text(words.HAPPENINGS),
    "channel": _by_text(words.CHANNELS),
    "came": _by_text(words.CAME),
    "entry_code": _by_text(words.ENTRY_CODES),
    "entry_kind": _by_text(words.ENTRY_KINDS),
    "subject": _by_text(words.SUBJECTS),
    "institution_kind": _by_text(words.INSTITUTION_KINDS),
    "transaction": _by_text(words.TRANSACTIONS),
    "action": _by_text({**words.ACTIONS, **reading.READING_ACTIONS}),
    "scheme": _by_text(words.SCHEMES),
    "category": reading.PERSON_CATEGORIES,
    "care": _by_text(words.CARE),
    "difference": _by_text(words.DIFFERENCES),
    "region_difference": _by_text(reading.REGION_DIFFERENCES),
    "region_state": _by_text(reading.REGION_STATES),
    "region_act": _by_text(reading.REGION_ACTS),
    "region_next": _by_text(reading.REGION_NEXT),
    "alarm": _by_text(reading.ALARMS),
    "prepaid_act": _by_text(reading.PREPAID_ACTS),
    "paper_kind": _by_text(reading.PAPER_KINDS),
    "difference_state": _by_text(words.DIFFERENCE_STATES),
    "difference_act": _by_text(words.DIFFERENCE_ACTS),
    "correction": _by_text(words.CORRECTIONS),

    "hospital_level": reading.HOSPITAL_LEVELS,
    "deductible_level": reading.DEDUCTIBLE_LEVELS,
    "ceiling_level": reading.DEDUCTIBLE_LEVELS,
    "item_class": reading.ITEM_CLASSES,
    "charge_kind": reading.CHARGES,
    "list_type": reading.LIST_TYPES,
    "bill_standing": _by_text(reading.BILL_STANDINGS),
    "bill_kind": _by_text(reading.BILL_KINDS),
    "filing_kind": _by_text(reading.FILING_KINDS),
    "filing_state": reading.FILING_STATES,
    "matter_kind": _by_text(reading.MATTER_KINDS),
    "matter_step": _by_text(reading.MATTER_STEPS),
    "notice_kind": _by_text(reading.NOTICE_KINDS),
    "topic": reading.TOPICS,
    "receiver": reading.RECEIVERS,
    "agreement": reading.AGREEMENTS,
    "payout_state": _by_text(words.PAYOUT_STATES),
    "payout_act": _by_text(words.PAYOUT_ACTS),
    "reimbursement_state": _by_text(words.REIMBURSEMENT_STATES),
    "reimbursement_act": _by_text(words.REIMBURSEMENT_ACTS),
    "adjustment": _by_text(words.ADJUSTMENTS),
    "clearing_type": _by_text(words.CLEARING_TYPES),
    "money_state": _by_text(words.MONEY_STATES),
    "money_act": _by_text(words.MONEY_ACTS),
    "month_state": _by_text(words.MONTH_STATES),
    "month_act": _by_text(words.MONTH_ACTS),
}
"""By what is stored, as text."""


class Templates:
    """All of them, compiled once."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        self._environment.filters |= {
            "yuan": words.yuan, "moment": words.moment_text, "mask_name": mask_name,
            "mask_number": mask_number,
        }  # fmt: skip
        self._assets = {
            file.name: (file.read_bytes(), MEDIA[file.suffix])
            for file in sorted((HERE / "assets").iterdir())
            if file.suffix in MEDIA
        }
        self._versions = {
            name: sha256(content).hexdigest()[:12] for name, (content, _) in self._assets.items()
        }

    def render(
        self, template: str, visit: Visit, title: Words, content: Mapping[str, object]
    ) -> bytes:
        """A page."""
        english = visit.language == "en"

        def t(zh: str, en: str) -> str:
            return en if english else zh

        def word(which: str, value: object) -> str:
            found = _WORDS[which].get(_key(value))
            return _key(value) if found is None else found.told(visit.language)

        text = self._environment.get_template(template).render(
            content, t=t, word=word, visit=visit, title=title.told(visit.language),
            menu=menu_for(visit), Right=Right, asset=self._address, hide=_hide,
            quantity=words.quantity, price=words.price, percent=reading.percent,
            place=place_zh,
            either=lambda said: words.both(said).told(visit.language),
            span=lambda since: words.span(visit.at - since, visit.language),
        )  # fmt: skip
        return text.encode()

    def asset(self, name: str) -> tuple[bytes, str] | None:
        """A file with its type."""
        return self._assets.get(name)

    def _address(self, name: str) -> str:
        return f"/console/assets/{name}?v={self._versions[name]}"


def _hide(subject: str) -> str:
    """The subject of an audit row, a person's number masked."""
    kind, _, number = subject.partition(" ")
    return f"{kind} {mask_number(number)}" if kind == "person" else subject
