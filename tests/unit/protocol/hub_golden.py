"""One exchange between two regions, byte by byte, as docs/reference/hub.md shows it.

Keys and certificates are those of tests/kit/hub.py, nonces those of `nonce`; a signature of Ed25519
is the same every time, so the messages are, too.
"""

from __future__ import annotations

from protocol.hub.messages import Kind, StatusAsked
from protocol.hub.post import Opened, Written
from tests.kit.hub import AT, INSURED, TREATED, a_case, papers_of, post_of, shared

ASKING, ANSWERING = papers_of(TREATED), papers_of(INSURED)
CASE = a_case(lines=1)
TOLD = shared(CASE)


def nonce(length: int) -> bytes:
    """What chance gives in the example: 0, 1, 2 …"""
    return bytes(range(length))


T = post_of(ASKING, ANSWERING, chance=nonce)
I = post_of(ANSWERING, ASKING, chance=nonce)  # noqa: E741 - as the page calls it


def question() -> Written:
    """T asks I to settle the case."""
    made = T.ask(CASE, to=INSURED, kind=Kind.SETTLE, correlation=CASE.case_no, at=AT)
    assert isinstance(made, Written)
    return made


def answer() -> bytes:
    """I tells its share."""
    opened = I.read_question(question().message, at=AT)
    assert isinstance(opened, Opened)
    return I.answer(opened, TOLD, at=AT)


def status() -> Written:
    """T asks what became of it."""
    asked = StatusAsked(case_no=CASE.case_no, person_no=CASE.person_no)
    made = T.ask(asked, to=INSURED, kind=Kind.STATUS, correlation="441900-0001", at=AT)
    assert isinstance(made, Written)
    return made
