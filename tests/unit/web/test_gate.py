"""Who is let in when not everybody can be: ranks, shares of institutions, a pace, a room."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from protocol.nhsa.registry import TRANSACTIONS, Effect
from settlement.gate import PACE_PLACES_MIN, Gate, Pace, Rank, Reason, Room, rank_of

PLACES = 160


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def filled(room: Room, institution: str, rank: Rank) -> int:
    """Let one institution take all that it may; answers how much that was."""
    taken = 0
    while room.refuses(institution, rank) is None:
        room.enter(institution)
        taken += 1
    return taken


def test_ranks_cover_what_undoes_what_enquires_and_what_can_wait() -> None:
    ranks = {infno: rank_of(infno) for infno in TRANSACTIONS}
    undone_by = {one.undone_by for one in TRANSACTIONS.values() if one.undone_by}
    assert undone_by | {"2601", "5203"} <= {i for i, rank in ranks.items() if rank is Rank.UNDO}
    settling = ("2102", "2207", "2207A", "2304", "2304A", "6202", "1101", "2204", "2301")
    assert {ranks[infno] for infno in settling} == {Rank.CLAIM}
    quotes = ("2101", "2206", "2206A", "2303", "1301", "9102", "3201")
    assert {ranks[infno] for infno in quotes} == {Rank.QUOTE}
    assert [rank_of(None), rank_of("nobody")] == [Rank.CLAIM, Rank.CLAIM]


def test_what_changes_something_never_ranks_as_a_quote_but_reconciliation() -> None:
    waiting = {infno for infno in TRANSACTIONS if rank_of(infno) is Rank.QUOTE}
    writing = {infno for infno in waiting if TRANSACTIONS[infno].effect is Effect.WRITE}
    assert writing == {"3202"}


@pytest.mark.parametrize(
    ("rank", "alone"),
    [(Rank.UNDO, PLACES * 2 // 3 + 1), (Rank.CLAIM, PLACES * 15 // 32), (Rank.QUOTE, 24)],
)
def test_one_institution_alone_leaves_room_for_others(rank: Rank, alone: int) -> None:
    room = Room(PLACES)
    assert filled(room, "greedy", rank) == alone
    assert room.refuses("another", rank) is None


def test_many_that_ask_without_end_get_the_same_and_leave_as_much_to_who_comes_next() -> None:
    room = Room(PLACES)
    for _ in range(PLACES):
        for number in range(9):
            if room.refuses(f"g{number}", Rank.CLAIM) is None:
                room.enter(f"g{number}")
    held = [room.taken // 9] * 9
    assert room.taken == sum(held)
    assert room.refuses("small", Rank.CLAIM) is None
    assert room.size - PLACES // 16 - room.taken == held[0]


def test_full_for_quotes_is_open_for_claims_and_full_for_claims_is_open_for_what_undoes() -> None:
    room = Room(PLACES)
    crowd = iter(range(10_000))
    for rank, above in ((Rank.QUOTE, Rank.CLAIM), (Rank.CLAIM, Rank.UNDO)):
        while room.refuses(who := f"small{next(crowd)}", rank) is None:
            room.enter(who)
        assert room.refuses("next", rank) is Reason.FULL
        assert room.refuses("next", above) is None
    while room.refuses(who := f"small{next(crowd)}", Rank.UNDO) is None:
        room.enter(who)
    assert room.taken == PLACES


def test_who_holds_far_more_than_others_is_told_so_and_others_are_not() -> None:
    room = Room(PLACES)
    for number in range(20):
        room.enter(f"s{number}")
    filled(room, "greedy", Rank.CLAIM)
    assert room.refuses("greedy", Rank.CLAIM) is Reason.SHARE
    while room.refuses(f"more{room.taken}", Rank.CLAIM) is None:
        room.enter(f"more{room.taken}")
    assert room.refuses("s1", Rank.CLAIM) is Reason.FULL


def test_everybody_who_leaves_gives_their_place_back() -> None:
    picker = random.Random(7)
    gate, inside = Gate(PLACES), list[str]()
    for _ in range(5_000):
        if inside and picker.random() < 0.5:
            gate.leave(inside.pop(picker.randrange(len(inside))))
        elif gate.enter(who := f"i{picker.randrange(8)}", picker.choice(list(Rank))) is None:
            inside.append(who)
        assert gate.room.taken == len(inside) <= PLACES
    for who in inside:
        gate.leave(who)
    assert gate.room.taken == 0
    assert filled(gate.room, "i1", Rank.CLAIM) == PLACES * 15 // 32


def test_a_pace_lets_in_what_it_says_and_a_burst() -> None:
    clock = Hand()
    gate = Gate(10_000, Pace(100, clock))
    let_in = 0
    for step in range(10_000):
        clock.now = step / 1_000  # ten seconds in which a thousand a second ask
        who = f"i{step % 40}"
        if gate.enter(who, Rank.CLAIM) is None:
            let_in += 1
            gate.leave(who)
    assert 10 * 100 <= let_in <= 10 * 100 + 50


def test_who_asks_little_is_let_in_whatever_one_that_loops_does() -> None:
    """A hundred a second are let in; twenty institutions ask for fifty, one for a thousand."""
    clock, let_in, asked = Hand(), Counter[str](), Counter[str]()
    gate = Gate(10_000, Pace(100, clock))
    for step in range(20_000):
        clock.now = step / 1_000
        callers = ["loop"] + ([f"small{step // 20 % 20}"] if step % 20 == 0 else [])
        for who in callers:
            asked[who] += 1
            if gate.enter(who, Rank.CLAIM) is None:
                let_in[who] += 1
                gate.leave(who)
    small = [who for who in asked if who != "loop"]
    assert {who: let_in[who] for who in small} == {who: asked[who] for who in small}
    assert 900 <= let_in["loop"] <= 1_100, "and the loop gets what is left"
    assert set(gate.turned_away) == {"loop"}


def test_under_a_pace_what_undoes_comes_before_claims_and_claims_before_quotes() -> None:
    clock, let_in = Hand(), Counter[Rank]()
    gate = Gate(10_000, Pace(300, clock))
    for step in range(10_000):
        clock.now = step / 1_000
        for rank in Rank:  # a thousand a second of each
            who = f"i{step % 50}"
            if gate.enter(who, rank) is None:
                let_in[rank] += 1
                gate.leave(who)
    assert let_in[Rank.UNDO] > 2 * let_in[Rank.CLAIM]
    assert let_in[Rank.QUOTE] < 100, "a burst at the start"


def test_a_slow_pace_still_has_places() -> None:
    assert Pace(1, Hand()).room.size == PACE_PLACES_MIN


def test_pace_that_nobody_used_for_a_while_owes_nobody_more_than_a_burst() -> None:
    clock = Hand()
    gate = Gate(10_000, Pace(100, clock))
    clock.now = 3_600.0
    crowd = [f"i{number}" for number in range(500)]
    assert sum(gate.enter(who, Rank.UNDO) is None for who in crowd) == 50


def test_room_becomes_smaller_while_what_is_in_waits_too_long_and_larger_again() -> None:
    gate, sizes = Gate(1_000), list[int]()

    def tune(waited_seconds: float, *, elsewhere: int = 0) -> int:
        gate.tune(waited_seconds=waited_seconds, wait_seconds_max=1.0, elsewhere=elsewhere)
        return gate.room.size

    assert tune(0.9) == 1_000
    sizes = [tune(2.0) for _ in range(10)]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] == 125
    assert tune(0.7) == 125, "it waits for as long as it may"
    assert tune(2.0, elsewhere=300) == 425, "who waits for others takes nobody's place"
    assert tune(2.0, elsewhere=3_000) == 1_000
    assert [tune(0.1) for _ in range(12)][-1] == 1_000
