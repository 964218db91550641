"""Units of work that begin at times drawn beforehand, over a fixed number of connections.

The open loop for work of many messages: whoever arrives sends the first message at the intended
time, whatever the server does, and each next one as soon as the answer is there. Latency counts
from the intended time. A message that finds no free connection waits for one, and its wait counts.
Those who are at a counter go first; who has just come and waits for ten seconds leaves, which is
counted as dropped. Nobody leaves in the middle. One thread, epoll, no transport.
"""

from __future__ import annotations

import heapq
import select
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

from loadtest.generator.client import Wire
from loadtest.generator.counts import Counts
from loadtest.generator.framing import FramingError, body_of, status_of
from loadtest.generator.unit import Answer, Arrival, NotSentError, Pause, Send, Unit

PATIENCE_SECONDS = 10.0
DRAIN_SECONDS_MAX = 90.0
"""Longer than a unit asks again for what was not answered."""
ANSWER_NS_MAX = 30_000_000_000
"""An answer that did not come for so long does not come: the line is hung up."""
LOOK_NS = 1_000_000_000
LATE_NS = 1_000_000
STATUS_OK = 200
LINES_ASIDE = 8
"""For what institutions do not ask: one odd request makes a connection dearer for all after it."""
_SAID = (b'"err_code":"', b'"status":"')


class _Work:
    """A unit that is under way, and its message that waits or is out."""

    __slots__ = ("intended_ns", "send", "unit")

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.send: Send | None = None
        self.intended_ns = 0


class _Line(Wire):
    """A connection, and whose message is out on it. Where it is free, it stands in `pool`."""

    __slots__ = ("pool", "sent_ns", "work")

    def __init__(self, address: tuple[str, int], pool: list[_Line]) -> None:
        self.work: _Work | None = None
        self.sent_ns = 0
        self.pool = pool
        super().__init__(address)


class Arrivals:
    """One run. `stop` is asked once a second; what it answers ends the run early. A message waits
    for a free connection as long as there is patience."""

    def __init__(
        self, address: tuple[str, int], supply: Iterator[Arrival], counts: Counts, *,
        connections: int, stop: Callable[[], str] = lambda: "",
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:  # fmt: skip
        self._address = address
        self._supply = supply
        self._counts = counts
        self._stop = stop
        self._patience_ns = int(patience_seconds * 1e9)
        self._epoll = select.epoll()
        self._lines: dict[int, _Line] = {}
        self._free: list[_Line] = []
        self._free_aside: list[_Line] = []
        self._ready: deque[_Work] = deque()
        """messages of units that are under way"""
        self._ready_aside: deque[_Work] = deque()
        self._arrived: deque[_Work] = deque()
        """first messages"""
        self._paused: list[tuple[int, int, _Work]] = []
        self._order = count()
        self._under_way = 0
        self._begin_ns = 0
        self._look_ns = 0
        self._why = ""
        for pool, size in ((self._free, connections), (self._free_aside, LINES_ASIDE)):
            for _ in range(size):
                self._open(_Line(address, pool))

    def run(self) -> str:
        """Until all have arrived and are done; why it was ended early, or nothing."""
        self._begin_ns = time.perf_counter_ns()
        try:
            self._arrive()
            deadline_ns = time.perf_counter_ns() + int(DRAIN_SECONDS_MAX * 1e9)
            while self._under_way and not self._why and time.perf_counter_ns() < deadline_ns:
                self._turn(deadline_ns)
            return self._why
        finally:
            self._give_up()

    def _arrive(self) -> None:
        for arrival in self._supply:
            due_ns = self._begin_ns + int(arrival.at_seconds * 1e9)
            while time.perf_counter_ns() < due_ns and not self._why:
                self._turn(due_ns)
            self._look()
            if self._why:
                arrival.unit.close()
                return
            self._counts.kinds[arrival.kind] += 1
            self._counts.at(arrival.at_seconds).arrived += 1
            self._under_way += 1
            self._advance(_Work(arrival.unit), None, due_ns, queue=self._arrived)
            self._send_ready()

    def _look(self) -> None:
        """Once a second: whether to go on, and who waits for an answer that does not come."""
        now_ns = time.perf_counter_ns()
        if now_ns < self._look_ns:
            return
        self._look_ns = now_ns + LOOK_NS
        for line in list(self._lines.values()):
            if line.work is not None and now_ns - line.sent_ns > ANSWER_NS_MAX:
                self._broken(line, TimeoutError("no answer"))
        self._why = self._why or self._stop()

    def _turn(self, until_ns: int) -> None:
        """Wait for an answer, the end of a pause, or an instant; and do what is due."""
        if self._paused:
            until_ns = min(until_ns, self._paused[0][0])
        seconds = min(max(until_ns - time.perf_counter_ns(), 0), LOOK_NS) / 1e9
        select.select([self._epoll], [], [], seconds)  # epoll itself rounds to milliseconds
        for fd, _ in self._epoll.poll(0):
            line = self._lines.get(fd)
            if line is not None:
                self._read(line)
        now_ns = time.perf_counter_ns()
        while self._paused and self._paused[0][0] <= now_ns:
            due_ns, _, work = heapq.heappop(self._paused)
            self._advance(work, None, due_ns)
        self._send_ready()
        self._look()

    def _advance(
        self, work: _Work, answer: Answer | None, now_ns: int, *,
        queue: deque[_Work] | None = None,
    ) -> None:  # fmt: skip
        """Hand a unit what came, and take what it wants next."""
        try:
            wanted = work.unit.send(answer)
        except StopIteration:
            self._under_way -= 1
            return
        if isinstance(wanted, Pause):
            until_ns = now_ns + int(wanted.seconds * 1e9)
            heapq.heappush(self._paused, (until_ns, next(self._order), work))
            return
        work.send, work.intended_ns = wanted, now_ns
        if wanted.is_aside:
            queue = self._ready_aside
        (self._ready if queue is None else queue).append(work)

    def _send_ready(self) -> None:
        now_ns = time.perf_counter_ns()
        while self._arrived and now_ns - self._arrived[0].intended_ns > self._patience_ns:
            self._drop(self._arrived.popleft())
        while self._free and (self._ready or self._arrived):
            work = (self._ready or self._arrived).popleft()
            self._issue(self._free.pop(), work)
        while self._free_aside and self._ready_aside:
            self._issue(self._free_aside.pop(), self._ready_aside.popleft())

    def _issue(self, line: _Line, work: _Work) -> None:
        send = work.send
        if send is None:
            raise AssertionError("there is nothing to send")
        line.work, line.sent_ns = work, time.perf_counter_ns()
        self._counts.late += line.sent_ns - work.intended_ns > LATE_NS
        try:
            line.write(send.payload)
        except OSError as error:
            self._broken(line, error)
            return
        if send.hangs_up:
            self._broken(line, None)

    def _read(self, line: _Line) -> None:
        try:
            reply = line.receive()
            answer = None if reply is None else _answer_of(reply)
        except (OSError, FramingError) as error:
            self._broken(line, error)
            return
        work = line.work
        if reply is None or answer is None:
            return
        if work is None or work.send is None:
            self._broken(line, FramingError("a reply that nobody asked for"))
            return
        now_ns = time.perf_counter_ns()
        line.work = None
        line.pool.append(line)
        answer = self._counted(work, work.send, answer, now_ns)
        self._advance(work, answer, now_ns)

    def _counted(self, work: _Work, send: Send, answer: Answer, now_ns: int) -> Answer:
        counts, at = self._counts, (work.intended_ns - self._begin_ns) / 1e9
        counts.answered(send.name, at, (now_ns - work.intended_ns) // 1000)
        of = counts.of(send.name)
        if answer.status != STATUS_OK:
            of.errors += 1
            counts.at(at).failed += 1
            counts.complain(f"{send.name}: HTTP {answer.status}: {_head(answer.body)}")
            return answer
        if send.done not in answer.body:
            of.refused += 1
            counts.refusals[f"{send.name} {said_in(answer.body)}"] += 1
            return answer
        of.done += 1
        counts.at(at).settled += send.settles
        return Answer(status=answer.status, body=answer.body, is_done=True)

    def _drop(self, work: _Work) -> None:
        """Nobody could serve them, and they leave; nothing was sent."""
        name = "" if work.send is None else work.send.name
        self._counts.of(name).dropped += 1
        self._counts.at((work.intended_ns - self._begin_ns) / 1e9).dropped += 1
        _turn_away(work)
        self._under_way -= 1

    def _broken(self, line: _Line, error: Exception | None) -> None:
        """A line that ended, with no answer to what was out on it; without an error it was we who
        hung up. A server that cannot be reached any more ends the run (OSError)."""
        work, line.work = line.work, None
        self._lines.pop(line.fd, None)
        if line in line.pool:
            line.pool.remove(line)
        line.close()
        line.open()
        self._open(line)
        if error is not None:
            self._counts.complain(f"{type(error).__name__}: {error}")
        if work is None or work.send is None:
            return
        if error is not None:
            self._counts.of(work.send.name).broken += 1
            self._counts.at((work.intended_ns - self._begin_ns) / 1e9).failed += 1
        self._advance(work, None, time.perf_counter_ns())

    def _open(self, line: _Line) -> None:
        self._lines[line.fd] = line
        self._epoll.register(line.fd, select.EPOLLIN)
        line.pool.append(line)

    def _give_up(self) -> None:
        """Whoever is still under way writes down what they do not know."""
        for work in self._arrived:
            _turn_away(work)
        self._counts.unfinished += len(self._arrived)
        left = [work for _, _, work in self._paused] + [*self._ready, *self._ready_aside]
        left += [line.work for line in self._lines.values() if line.work is not None]
        for work in left:
            work.unit.close()
        self._counts.unfinished += len(left)
        for line in self._lines.values():
            line.close()
        self._epoll.close()


def _turn_away(work: _Work) -> None:
    with suppress(NotSentError):
        work.unit.throw(NotSentError)


def _answer_of(reply: bytes) -> Answer:
    return Answer(status=status_of(reply), body=body_of(reply), is_done=False)


def said_in(body: bytes) -> str:
    """Why it is not done: the code of a refusal, or the state of an order."""
    for name in _SAID:
        at = body.find(name)
        if at >= 0:
            start = at + len(name)
            return body[start : body.find(b'"', start)].decode("utf-8", "replace")
    return _head(body)


def _head(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace")
