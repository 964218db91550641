"""What a use case decides: an answer, and the effects to write before it may leave."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw, Struct

from settlement.person import FamilyLink
from settlement.refusal import Refusal
from settlement.rows import ShareRow
from settlement.view import Effects


class Answer:
    """A successful outcome: `output` is the wire's output node, None where there is none.

    Answers of settling come as JSON text already (settlement/translate/answers.py). Writing that
    text may wait until the database is busy with the batch: `later` is how, and it happens when
    `output` is asked for, at the latest when the answer leaves. A `warning` is for the reader of
    what was done all the same. `returns` is what relatives get back now that a settlement
    was undone. A `reference` is the message id that the reply must have, where one was kept.
    """

    __slots__ = ("_later", "_output", "reference", "replayed", "returns", "warning")

    def __init__(
        self,
        *,
        output: Struct | Raw | None = None,
        later: Callable[[], Raw] | None = None,
        replayed: bool = False,
        warning: str = "",
        returns: tuple[ShareRow, ...] = (),
        reference: str = "",
    ) -> None:
        self._output = output
        self._later = later
        self.replayed = replayed
        self.warning = warning
        self.returns = returns
        self.reference = reference

    @property
    def output(self) -> Struct | Raw | None:
        """The output node, written by now."""
        if self._later is not None:
            self._output, self._later = self._later(), None
        return self._output


class Wanted(Answer):
    """An answer to ourselves: relatives are to pay so much, these in this order, before the claim
    can be settled (usecases/family.py)."""

    __slots__ = ("donors", "fen")

    def __init__(self, fen: int, donors: tuple[FamilyLink, ...]) -> None:
        super().__init__()
        self.fen = fen
        self.donors = donors


class Held(Answer):
    """An answer to ourselves: so much of a relative's account is held."""

    __slots__ = ("fen",)

    def __init__(self, fen: int) -> None:
        super().__init__()
        self.fen = fen


class Decision(Struct, frozen=True, gc=False):
    """`effects` None: nothing to write, the answer may leave at once."""

    reply: Answer | Refusal
    effects: Effects | None = None
