"""What a use case decides: an answer, and the effects to write before it may leave."""

from __future__ import annotations

from msgspec import Raw, Struct

from settlement.refusal import Refusal
from settlement.view import Effects


class Answer(Struct, frozen=True, kw_only=True, gc=False):
    """A successful outcome: `output` is the wire's output node, None where there is none.

    Answers of settling come as JSON text already (settlement/translate/answers.py).
    """

    output: Struct | Raw | None
    replayed: bool = False


class Decision(Struct, frozen=True, gc=False):
    """`effects` None: nothing to write, the answer may leave at once."""

    reply: Answer | Refusal
    effects: Effects | None = None
