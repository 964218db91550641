"""A region's end of the wire for several questions at once (bundle.py); `post.py` is for one.

What is not right with one of them is not right with the message: nothing of it has an effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct, structs

from protocol.hub.bundle import ITEMS_MAX, VERSION, Bundle, Item, read_bundle
from protocol.hub.envelope import Clear, Says, clear_of_question
from protocol.hub.messages import QUESTION_OF, TOLD_OF, Kind, Question, Refused, Told
from protocol.hub.post import (
    Fault,
    Post,
    Unwritable,
    Worthless,
    clear_of,
    digest_of,
    taken_apart,
    worthless,
)

Said = Told | Refused
_Content = TypeVar("_Content")


class WrittenBundle(Struct, frozen=True, kw_only=True):
    """Questions as they are sent."""

    message: bytes
    bundle: Bundle
    digest: str


class OpenedBundle(Struct, frozen=True, kw_only=True):
    """Questions that are proved in every way, in the order of the items."""

    bundle: Bundle
    questions: tuple[Question, ...]
    digest: str


def reads_bundles(post: Post, to: str, at: datetime) -> bool:
    """Whether several questions to a region may travel in one message: by its certificate and ours
    both regions read them, and the hub carries them."""
    pair = post.pair(to, at)
    return not isinstance(pair, Unwritable) and all(one.message_version >= VERSION for one in pair)


def ask_all(
    post: Post, questions: Mapping[str, Question], *, to: str, kind: Kind, at: datetime
) -> WrittenBundle | Unwritable:
    """Questions of one kind by their correlation numbers, 1 to ITEMS_MAX of them."""
    pair = post.pair(to, at)
    if isinstance(pair, Unwritable):
        return pair
    if not 0 < len(questions) <= ITEMS_MAX:
        return Unwritable(f"{len(questions)} questions in one message")
    own, peer = pair
    bundle = Bundle(
        version=VERSION, kind=kind, says=Says.ASKED, origin=post.region, to=to, sent_at=at,
        answers="", certificate=own.serial, sealed_for=peer.serial, body="",
        items=tuple(
            _item(Says.ASKED, number, clear_of_question(kind, question))
            for number, question in questions.items()
        ),
    )  # fmt: skip
    message = post.written(bundle, msgspec.json.encode(list(questions.values())))
    large = post.too_large(message)
    if large:
        return Unwritable(large)
    return WrittenBundle(message=message, bundle=bundle, digest=digest_of(message))


def read_questions(post: Post, message: bytes, *, at: datetime) -> OpenedBundle | Worthless:
    """What another region asks, or why it is worth nothing."""
    parts = taken_apart(message, read_bundle, post.too_large(message))
    if isinstance(parts, Worthless):
        return parts
    bundle = parts.bundle
    objection = post.objection(bundle, parts, at)
    if objection is not None:
        return objection
    if bundle.says is not Says.ASKED:
        return worthless(Fault.NO_QUESTION, bundle)
    forms: list[type[Question]] = [QUESTION_OF[bundle.kind]] * len(bundle.items)
    questions = _inside(post, bundle, forms, as_of=bundle.sent_at)
    if isinstance(questions, Worthless):
        return questions
    for item, question in zip(bundle.items, questions, strict=True):
        if clear_of_question(bundle.kind, question) != item.clear:
            return worthless(Fault.CLEAR_DIFFERS, bundle)
    return OpenedBundle(bundle=bundle, questions=tuple(questions), digest=digest_of(message))


def answer_all(
    post: Post, opened: OpenedBundle, said: Mapping[str, Said], *, at: datetime
) -> bytes | Unwritable:
    """What is said of the questions, by their numbers, at least of one. The certificates are those
    of the questions."""
    asked = opened.bundle
    items, contents = [], []
    for item in asked.items:
        answer = said.get(item.correlation)
        if answer is None:
            continue
        says = Says.REFUSED if isinstance(answer, Refused) else Says.TOLD
        items.append(_item(says, item.correlation, clear_of(asked.kind, item.case, answer)))
        contents.append(answer)
    bundle = structs.replace(
        asked, says=Says.TOLD, origin=post.region, to=asked.origin, sent_at=at,
        answers=opened.digest, certificate=asked.sealed_for, sealed_for=asked.certificate,
        items=tuple(items), body="",
    )  # fmt: skip
    message = post.written(bundle, msgspec.json.encode(contents))
    large = post.too_large(message)
    return Unwritable(large) if large else message


def read_answers(
    post: Post, message: bytes, asked: WrittenBundle, *, at: datetime
) -> dict[str, Said] | Worthless:
    """What another region says of these questions, by their numbers, or why that is worth nothing.
    A question that is left out is not answered."""
    question = asked.bundle
    parts = taken_apart(message, read_bundle, post.too_large(message))
    if isinstance(parts, Worthless):
        return parts
    bundle = parts.bundle
    objection = post.objection(bundle, parts, at, as_of=question.sent_at)
    if objection is not None:
        return objection
    cases = {item.correlation: item.case for item in question.items}
    if not (
        bundle.says is Says.TOLD
        and bundle.answers == asked.digest
        and bundle.origin == question.to
        and bundle.kind is question.kind
        and all(item.correlation in cases for item in bundle.items)
    ):
        return worthless(Fault.NEVER_ASKED, bundle)
    told = TOLD_OF[bundle.kind]
    forms: list[type[Said]] = [
        told if item.says is Says.TOLD else Refused for item in bundle.items
    ]
    answers = _inside(post, bundle, forms, as_of=question.sent_at)
    if isinstance(answers, Worthless):
        return answers
    for item, answer in zip(bundle.items, answers, strict=True):
        clear = clear_of(bundle.kind, cases[item.correlation], answer)
        if clear != item.clear or clear.case != cases[item.correlation]:
            return worthless(Fault.CLEAR_DIFFERS, bundle)
    return {
        item.correlation: answer for item, answer in zip(bundle.items, answers, strict=True)
    }  # fmt: skip


def _item(says: Says, correlation: str, clear: Clear) -> Item:
    return Item(says=says, correlation=correlation, case=clear.case, amounts=clear.amounts)


def _inside(
    post: Post, bundle: Bundle, forms: Sequence[type[_Content]], *, as_of: datetime
) -> list[_Content] | Worthless:
    """The contents, each of its form."""
    plaintext = post.inside(bundle, as_of=as_of)
    if isinstance(plaintext, Worthless):
        return plaintext
    try:
        parts = _DECODE_PARTS(plaintext)
        if len(parts) == len(forms):
            return [msgspec.json.decode(p, type=f) for p, f in zip(parts, forms, strict=True)]
    except (msgspec.DecodeError, ValueError):
        pass  # What the decoder says may repeat what is inside.
    return worthless(Fault.CONTENT_MALFORMED, bundle)


_DECODE_PARTS = msgspec.json.Decoder(list[Raw]).decode
