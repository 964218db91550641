"""A payment over a channel (收款, 退款): what may happen to it, what comes next, and when.

Pure. A payment is a row that never changes and events that are appended to it; what stands is
their fold. `COLLECT` takes money in for a sale, and holds funds and account until it is known to be
paid or not. `RETURN` gives money back. The two tables say for every state and every happening what
comes next and what has to be done about it; nothing else in the system decides that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from msgspec import Struct
from msgspec.structs import replace

from settlement.payments.payment import Advice, ChannelName, Custody, Outcome, Timers, Verdict


class PaymentKind(IntEnum):
    """Which way the money goes; also stored."""

    COLLECT = 1
    """收款"""
    RETURN = 2
    """退款, 退回"""


class State(StrEnum):
    """What stands of a payment (状态)."""

    WAITING = "waiting"
    """held, and no attempt is out: a code must be shown (待出示付款码)"""
    COLLECTING = "collecting"
    """an attempt is out, its outcome is not known (收款中)"""
    CONFIRMING = "confirming"
    """the payer must confirm (待付款人确认)"""
    CHANGING = "changing"
    """the payer chose another channel: the attempt on the phone is being made dead
    (更换支付方式)"""
    UNDOING = "undoing"
    """given up, and the attempt is being made dead (撤销中)"""
    SETTLED = "settled"
    """paid and booked (已结算)"""
    CLOSED = "closed"
    """nothing was collected, what was held is free (已关闭)"""
    RETURNING = "returning"
    """a refund is out (退款中)"""
    REFUND_DUE = "refund_due"
    """the channel refused the refund: people must give it back (待退款)"""
    RETURNED = "returned"
    """the payer has it back (已退款)"""


class Happening(IntEnum):
    """What may happen to a payment; also stored as the kind of its events."""

    ATTEMPTED = 1
    """a code was shown, an attempt is committed"""
    PAID = 2
    """the channel has the money of the present attempt, as much as was asked"""
    MISPAID = 3
    """the channel has another amount than was asked"""
    CONFIRM = 4
    """the payer must confirm"""
    UNCLEAR = 5
    """nothing definite"""
    REFUSED = 6
    """the present attempt failed for good"""
    GIVEN_UP = 7
    """the deadline passed, or the cashier cancelled"""
    UNDONE = 8
    """nothing is or stays collected under the present attempt"""
    NOT_UNDONE = 9
    """it was paid and the channel does not undo it any more; of one that the payer left: it stands,
    paid or not"""
    SURPLUS = 10
    """the money of an attempt came that is not the present one"""
    RETURNED = 11
    """the refund went out"""
    RETURN_REFUSED = 12
    """the channel refuses the refund"""
    RETRIED = 13
    """an operator wants the refund tried again"""
    GIVEN_BACK = 14
    """two people gave it back outside the channel (线下退款)"""
    TAKEN_BACK = 15
    """the sale, or a part of it, was taken back: a return of its own gives the money back"""
    INVITED = 16
    """the payer is asked to pay on their own phone; no attempt is out yet"""
    CHANGED = 17
    """the payer chose another channel than that of the present attempt on their phone, or wants
    another order because nobody knows whether that one arrived"""
    SHARED = 18
    """another region has settled what it pays; a code for the rest is waited for (ADR 0075)"""


MONEY_CAME = frozenset({Happening.PAID, Happening.MISPAID})
"""What says that an attempt collected money."""


class Duty(StrEnum):
    """What has to be written together with an event."""

    NOTHING = "nothing"
    BOOK = "book"
    """the settlement and the post of what was held"""
    RELEASE = "release"
    """the void of what was held"""
    GIVE_BACK = "give back"
    """a return of what came and cannot be used"""
    RELEASE_AND_GIVE_BACK = "release and give back"
    CLEAR = "clear"
    """the entry of a refund that went out"""


_GIVES_BACK = frozenset({Duty.GIVE_BACK, Duty.RELEASE_AND_GIVE_BACK})


class Ignored(StrEnum):
    """Why a happening changes nothing."""

    KNOWN = "known"
    """it says what is known already: no event is written"""
    IMPOSSIBLE = "impossible"
    """it contradicts what stands: an alarm, and no event"""


Next = tuple[State, Duty] | Ignored

_W, _C, _P, _G, _U, _S, _X = (
    State.WAITING, State.COLLECTING, State.CONFIRMING, State.CHANGING, State.UNDOING,
    State.SETTLED, State.CLOSED,
)  # fmt: skip
_R, _D, _B = State.RETURNING, State.REFUND_DUE, State.RETURNED


def _stay(state: State) -> Next:
    return state, Duty.NOTHING


w, c, p, g, u, s = map(_stay, (_W, _C, _P, _G, _U, _S))
wb, cb, pb, gb, ub, sb, xb = (
    (state, Duty.GIVE_BACK) for state in (_W, _C, _P, _G, _U, _S, _X)
)
s_, x_, xx = (_S, Duty.BOOK), (_X, Duty.RELEASE), (_X, Duty.RELEASE_AND_GIVE_BACK)
r, d, b_ = _stay(_R), _stay(_D), (_B, Duty.CLEAR)
k, no = Ignored.KNOWN, Ignored.IMPOSSIBLE

COLLECT_STATES = (_W, _C, _P, _G, _U, _S, _X)
_COLLECT_ROWS: tuple[tuple[Happening, tuple[Next, ...]], ...] = (
    # what happened        waiting collecting confirming changing undoing settled closed
    (Happening.INVITED,    (w,     no,        no,        no,      no,     no,     no)),
    (Happening.SHARED,     (w,     no,        no,        no,      no,     no,     no)),
    (Happening.ATTEMPTED,  (c,     no,        no,        no,      no,     no,     no)),
    (Happening.PAID,       (no,    s_,        s_,        u,       u,      k,      xb)),
    (Happening.MISPAID,    (no,    u,         u,         u,       u,      no,     xb)),
    (Happening.CONFIRM,    (k,     p,         p,         g,       u,      k,      k)),
    (Happening.UNCLEAR,    (k,     c,         p,         g,       u,      k,      k)),
    (Happening.REFUSED,    (k,     w,         w,         w,       x_,     no,     k)),
    (Happening.CHANGED,    (k,     g,         g,         k,       k,      k,      k)),
    (Happening.GIVEN_UP,   (x_,    u,         u,         u,       k,      k,      k)),
    (Happening.UNDONE,     (k,     no,        no,        w,       x_,     no,     k)),
    (Happening.NOT_UNDONE, (no,    no,        no,        p,       xx,     k,      k)),
    (Happening.SURPLUS,    (wb,    cb,        pb,        gb,      ub,     sb,     xb)),
    (Happening.TAKEN_BACK, (no,    no,        no,        no,      no,     s,      no)),
)  # fmt: skip

RETURN_STATES = (_R, _D, _B)
_RETURN_ROWS: tuple[tuple[Happening, tuple[Next, ...]], ...] = (
    # what happened            returning refund due returned
    (Happening.ATTEMPTED,      (r,       no,        no)),
    (Happening.RETURNED,       (b_,      b_,        k)),
    (Happening.RETURN_REFUSED, (d,       k,         no)),
    (Happening.CONFIRM,        (r,       k,         k)),
    (Happening.UNCLEAR,        (r,       k,         k)),
    (Happening.RETRIED,        (k,       r,         no)),
    (Happening.GIVEN_BACK,     (no,      b_,        no)),
)  # fmt: skip

ENDED = frozenset({_S, _X, _B})
"""Nothing is left to be done."""
UNCERTAIN = frozenset({_C, _P, _G, _U})
"""Nobody knows where the money is."""


def _table(
    states: Sequence[State], rows: Sequence[tuple[Happening, tuple[Next, ...]]]
) -> Mapping[tuple[State, Happening], Next]:
    return {
        (state, happening): what
        for happening, cells in rows
        for state, what in zip(states, cells, strict=True)
    }


_TABLES = {
    PaymentKind.COLLECT: _table(COLLECT_STATES, _COLLECT_ROWS),
    PaymentKind.RETURN: _table(RETURN_STATES, _RETURN_ROWS),
}


def what_next(kind: PaymentKind, state: State, happening: Happening) -> Next:
    """The state after a happening and what to do about it, or why it changes nothing."""
    return _TABLES[kind].get((state, happening), Ignored.IMPOSSIBLE)


class Way(StrEnum):
    """How the payer pays an attempt."""

    CODE = "code"
    """the payer shows a code that the counter scans (付款码, 被扫)"""
    PHONE = "phone"
    """on the payer's own phone, from a page or a small program (JSAPI支付)"""


class Attempt(Struct, frozen=True, kw_only=True):
    """One try at the channel: a payment, or a refund. Committed before its first byte leaves."""

    number: int
    """from 1"""
    channel: ChannelName
    merchant_no: str
    order_no: str
    """ours, at the channel; of a refund the refund number"""
    amount_fen: int
    sent_at: datetime
    custody: Custody
    timers: Timers
    """of its merchant, when it began"""
    code_shown: str = ""
    """prefix, length and last four of the code: what a log may hold of it"""
    refunds: Attempt | None = None
    """of a refund: the payment that it refunds"""
    refunds_reference: str = ""
    """the channel's number of that"""
    way: Way = Way.CODE


class Learnt(Struct, frozen=True, kw_only=True):
    """What an event says of its attempt; all empty for what the channel has no part in."""

    code: str = ""
    text: str = ""
    advice: Advice = Advice.NONE
    reference: str = ""
    amount_fen: int | None = None
    settled_fen: int | None = None
    operator: str = ""
    """who gave up, tried again or gave back; empty for the deadline"""
    setl_id: int | None = None
    """of a sale that was taken back: the settlement of what is left; None where nothing is"""
    return_no: int | None = None
    """the return that gives money back: of what was taken back, or could not be used"""


_NOTHING_LEARNT = Learnt()


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened, as it was appended."""

    number: int
    happening: Happening
    at: datetime
    attempt: int
    """the attempt it is about; 0 for none"""
    began: Attempt | None = None
    learnt: Learnt = _NOTHING_LEARNT
    opens: str = ""
    """with which address the payer's phone opens the order, where the channel may not give it twice
    """


class Standing(Struct, frozen=True, kw_only=True):
    """What stands of a payment after all its events."""

    state: State
    attempts: tuple[Attempt, ...]
    since: datetime
    """when the state began"""
    since_event: int
    """with which event; 0 for none"""
    events: int
    last: Learnt
    paid: Learnt | None
    """what the channel said of the money of the present attempt, where it came"""
    taken_back: tuple[Learnt, ...]
    """what was taken back of it, in order"""
    given_back: frozenset[int] = frozenset()
    """attempts whose money came and could not be used: a return has it already"""

    @property
    def taken_back_fen(self) -> int:
        """Of what was collected."""
        return sum(one.amount_fen or 0 for one in self.taken_back)

    @property
    def attempt(self) -> Attempt | None:
        """The present one."""
        return self.attempts[-1] if self.attempts else None


FIRST_STATE = {
    PaymentKind.COLLECT: State.WAITING,
    PaymentKind.RETURN: State.RETURNING,
}


def fold(kind: PaymentKind, opened_at: datetime, events: Sequence[Event]) -> Standing:
    """What stands. Events were checked when they were written, so none contradicts the table."""
    state, since, since_event = FIRST_STATE[kind], opened_at, 0
    attempts: list[Attempt] = []
    taken_back: list[Learnt] = []
    given_back: set[int] = set()
    last, paid = _NOTHING_LEARNT, None
    for event in events:
        if event.began is not None:
            attempts.append(event.began)
            paid = None
        follows = what_next(kind, state, event.happening)
        if isinstance(follows, Ignored):
            raise ValueError(f"event {event.number} {event.happening.name} in {state}: {follows}")
        if follows[0] is not state:
            state, since, since_event = follows[0], event.at, event.number
        if follows[1] in _GIVES_BACK:
            given_back.add(event.attempt)
        if event.happening in MONEY_CAME:
            paid = event.learnt
        if event.happening is Happening.TAKEN_BACK:
            taken_back.append(event.learnt)
            continue
        if event.began is not None or (
            event.learnt != _NOTHING_LEARNT and event.happening is not Happening.SURPLUS
        ):
            last = event.learnt
    return Standing(
        state=state, attempts=tuple(attempts), since=since, since_event=since_event,
        events=len(events), last=last, paid=paid, taken_back=tuple(taken_back),
        given_back=frozenset(given_back),
    )  # fmt: skip


NEW_NUMBER_AFTER_REFUSAL = frozenset({ChannelName.UNIONPAY})
"""Channels that never carry out a refund number which they refused: a void that arrived after 23:00
has failed for good, and a refund under another number works. The others carry out the same number
later (no money in the account, say), and only the same number is safe there."""


def anew(refused: Attempt, *, order_no: str, at: datetime) -> Attempt:
    """A refund that was refused, under a number of its own."""
    return replace(refused, number=refused.number + 1, order_no=order_no, sent_at=at)


class Ask(StrEnum):
    """What the resolver does next at the channel."""

    QUERY = "query"
    UNDO = "undo"
    REFUND = "refund"
    """under the same number: a refund that went out already is answered the same"""
    QUERY_REFUND = "query refund"
    GIVE_UP = "give up"
    """nothing to ask: the time is over"""
    LEAVE = "leave"
    """nothing to ask: nobody knows whether an order arrived that a phone was to open, and there is
    time for another one"""


class Errand(Struct, frozen=True):
    """What to do, and when."""

    ask: Ask
    at: datetime


CODE_WAIT_SECONDS = 60.0
"""How long what is held waits for a code."""
PHONE_WAIT_SECONDS = 300.0
"""How long an order can be paid on the payer's phone: so long nothing else is settled for them."""
PHONE_LAST_SECONDS = 60.0
"""What an attempt on the phone has at the least, when it begins at the last moment."""
PHONE_ATTEMPTS_MAX = 12
"""How often an order is opened on phones: each change of channel makes another attempt."""
UNDO_GAPS = (0.0, 2.0, 2.0, 5.0, 5.0, 5.0, 10.0, 10.0, 10.0, 20.0, 30.0, 60.0)
"""Seconds between tries to make an attempt dead; the last one repeats. The first three are short:
where a late answer to the payment comes first, UnionPay's undo is still out within 45 seconds. The
first minute is dense: a channel may say of a number that it does not know only after half of it
that it is dead, and at its end that shall be certain (ADR 0027)."""
CHANGE_GAPS = (15.0, *UNDO_GAPS[1:])
"""The same where the payer chose another channel: whoever was told that closes the order at once,
and has its answer by then."""
SEEN_GAP_SECONDS = 2.0
"""After a channel said that the money is there: it speaks again, and the payer waits for it."""
MISPAID_GAP_SECONDS = 1.0
"""Before an attempt that has another amount is undone for the first time: what the channel tells by
itself says the amount again, and afterwards nobody does."""
REFUND_GAPS = (0.0, 5.0, 10.0, 30.0, 60.0, 60.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds between tries to give money back, sent again and queried in turns; the last repeats."""


def next_errand(standing: Standing, events: Sequence[Event]) -> Errand | None:
    """What to do about a payment and when; None where nothing is to be done, by us."""
    here = events[standing.since_event :]
    asked = sum(1 for event in here if event.happening in _ANSWERS)
    latest = here[-1].at if here else standing.since
    match standing.state:
        case State.WAITING:
            until = phone_until(events) or standing.since + _seconds(CODE_WAIT_SECONDS)
            return Errand(Ask.GIVE_UP, max(until, standing.since))
        case State.COLLECTING:
            timers = _attempt_of(standing).timers
            queried = max(0, asked - 1)  # the payment's own answer comes first, and is no query
            errand = _asking(standing, latest, queried, timers.query_after, timers.undo_after)
            return _let_go(errand, standing, events)
        case State.CONFIRMING:
            timers = _attempt_of(standing).timers
            return _asking(
                standing, latest, asked, timers.payer_query_after, timers.payer_undo_after
            )
        case State.CHANGING:
            ask = Ask.UNDO if asked % 2 == 0 else Ask.QUERY
            at, ends_at = latest + _seconds(_nth(CHANGE_GAPS, asked)), phone_until(events)
            is_late = ends_at is not None and at >= ends_at
            return Errand(Ask.GIVE_UP if is_late else ask, at)
        case State.UNDOING:
            attempt = _attempt_of(standing)
            floor = attempt.sent_at + _seconds(attempt.timers.undo_not_before)
            is_there = bool(here) and here[-1].happening in MONEY_CAME
            ask = Ask.UNDO if is_there or asked % 2 == 0 else Ask.QUERY
            gap = _nth(UNDO_GAPS, asked)
            gap = min(gap, SEEN_GAP_SECONDS) if is_there else gap
            if not here and events[-1].happening is Happening.MISPAID:
                gap = MISPAID_GAP_SECONDS
            return Errand(ask, max(floor, latest + _seconds(gap)))
        case State.RETURNING:
            ask = _asking_back(here)
            return Errand(ask, latest + _seconds(_nth(REFUND_GAPS, asked)))
        case _:
            return None


_ANSWERS = MONEY_CAME | {Happening.CONFIRM, Happening.UNCLEAR}


def phone_until(events: Sequence[Event]) -> datetime | None:
    """Until when an order can be paid on the payer's phone; None where they were not asked to."""
    if not events or events[0].happening is not Happening.INVITED:
        return None
    return events[0].at + _seconds(PHONE_WAIT_SECONDS)


def opens(standing: Standing, events: Sequence[Event]) -> str:
    """The address with which a phone opens the present attempt; empty where none was kept."""
    number = 0 if standing.attempt is None else standing.attempt.number
    told = (event.opens for event in reversed(events) if event.attempt == number)
    return next(filter(None, told), "")


def _asking_back(here: Sequence[Event]) -> Ask:
    """A refund goes out again under its number, and is queried, in turns: some channels answer a
    number that they know like the first time, others only that they know it. One that the channel
    is at is queried first."""
    unclear = 0
    for event in reversed(here):
        if event.happening is not Happening.UNCLEAR:
            break
        unclear += 1
    before = here[-1 - unclear].happening if len(here) > unclear else Happening.ATTEMPTED
    is_query = (unclear % 2 == 0) is (before is Happening.CONFIRM)
    return Ask.QUERY_REFUND if is_query else Ask.REFUND


def _asking(
    standing: Standing, latest: datetime, asked: int, gaps: Sequence[float], give_up_after: float
) -> Errand:
    """Queries while the outcome is open, and the deadline at which it is given up."""
    deadline = _attempt_of(standing).sent_at + _seconds(give_up_after)
    at = latest + _seconds(_nth(gaps, asked))
    return Errand(Ask.GIVE_UP, deadline) if at >= deadline else Errand(Ask.QUERY, at)


def _let_go(errand: Errand, standing: Standing, events: Sequence[Event]) -> Errand:
    """The payer's phone was given no order: with time left the payment is not given up for it."""
    until = phone_until(events)
    is_over = until is None or errand.at >= until
    if errand.ask is Ask.GIVE_UP and _attempt_of(standing).way is Way.PHONE and not is_over:
        return Errand(Ask.LEAVE, errand.at)
    return errand


def _attempt_of(standing: Standing) -> Attempt:
    if standing.attempt is None:
        raise ValueError(f"{standing.state} without an attempt")
    return standing.attempt


def _nth(gaps: Sequence[float], n: int) -> float:
    return gaps[min(n, len(gaps) - 1)]


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def happened(outcome: Outcome, attempt: Attempt) -> Happening:
    """What the answer to a payment or its query says of the attempt."""
    if outcome.verdict is Verdict.SUCCESS:
        same = outcome.amount_fen in (None, attempt.amount_fen)
        return Happening.PAID if same else Happening.MISPAID
    return _PAYMENT[outcome.verdict]


def undo_happened(outcome: Outcome, standing: Standing) -> Happening:
    """What the answer to an undo says. A channel that does not undo any more leaves the question
    whether it was paid; until that is known nothing is."""
    if outcome.verdict is Verdict.SUCCESS:
        return Happening.UNDONE
    refused = outcome.verdict is Verdict.FAILED
    return Happening.NOT_UNDONE if refused and standing.paid is not None else Happening.UNCLEAR


def refund_happened(outcome: Outcome) -> Happening:
    """What the answer to a refund or its query says."""
    return _REFUND[outcome.verdict]


_PAYMENT: Mapping[Verdict, Happening] = {
    Verdict.PAYER_ACTION: Happening.CONFIRM,
    Verdict.UNKNOWN: Happening.UNCLEAR,
    Verdict.FAILED: Happening.REFUSED,
}
_REFUND: Mapping[Verdict, Happening] = {
    Verdict.SUCCESS: Happening.RETURNED,
    Verdict.PAYER_ACTION: Happening.CONFIRM,
    Verdict.UNKNOWN: Happening.UNCLEAR,
    Verdict.FAILED: Happening.RETURN_REFUSED,
}


def learnt_of(outcome: Outcome) -> Learnt:
    """What an outcome leaves to be remembered, without the exchange itself."""
    return Learnt(
        code=outcome.code, text=outcome.text, advice=outcome.advice, reference=outcome.reference,
        amount_fen=outcome.amount_fen, settled_fen=outcome.settled_fen,
    )  # fmt: skip
