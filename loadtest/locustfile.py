"""People at work, with roles and time to think, for Locust.

    locust -f loadtest/locustfile.py --host http://127.0.0.1:8080

shows Locust's web page at port 8089; the shape follows the hours of the preset. `make load
RUNNER=locust` runs it without the page and compares all books afterwards. What a role does is that
of the lean runner, message by message (`loadtest.load.units`); here every message is sent by one
person, who waits for the answer and thinks before the next one.
"""

from __future__ import annotations

import logging
import random
import socket
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar

import msgspec
from locust import FastHttpUser, LoadTestShape, between, events, task
from locust.env import Environment
from locust.exception import StopUser

from loadtest.generator.arrivals import said_in
from loadtest.generator.unit import Answer, Pause, Send, request_parts
from loadtest.load.book import LoadBook
from loadtest.load.city import City
from loadtest.load.guards import LoadRefusedError, check_target
from loadtest.load.presets import MIX, Kind, Period, Season, preset_named
from loadtest.load.rhythm import hours_of
from loadtest.load.supply import Makers, makers_of
from loadtest.load.under_locust import Event
from loadtest.world import fetch_world

THINK_SECONDS = (0.05, 0.4)
"""Between two messages of one customer."""
NEXT_SECONDS = (0.2, 1.2)
"""Between two customers."""
STATUS_OK = 200
REFUSED = 2


class Stage:
    """What all people of a run share. They take turns in one thread."""

    def __init__(self, environment: Environment) -> None:
        options = _options(environment)
        url = str(environment.host)
        self.address = check_target(url, is_mine=options.i_own_this_target)
        world = fetch_world(url, persons=options.load_persons)
        city = City(
            world, address=self.address, seed=options.load_seed, from_second=int(time.time())
        )
        self.book = LoadBook(Path(options.load_book))
        self.makers: Makers = makers_of(city, self.book)
        self._events = Path(options.load_events).open("wb")  # noqa: SIM115 - until the test stops
        self._began = time.perf_counter()

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._began

    def note(self, event: Event) -> None:
        """Write down what happened."""
        self._events.write(msgspec.json.encode(event) + b"\n")

    def close(self) -> None:
        """The end: both files are whole."""
        self.book.__exit__(None, None, None)
        self._events.close()


_STAGES: dict[int, Stage] = {}
"""By identity of the environment: Locust makes its users by itself, and gives them that."""


class Person(FastHttpUser):
    """Somebody at a counter. Each role says what for."""

    abstract = True
    kind: ClassVar[Kind]
    wait_time = between(*NEXT_SECONDS)

    @task
    def serve(self) -> None:
        """One customer, message by message."""
        stage = _STAGES.get(id(self.environment))
        if stage is None:
            raise StopUser
        # Locust ends whoever waits between two customers; on a busy machine the wait may be over
        # before it gets to that. It gets to it here, while nothing has been sent.
        time.sleep(0)
        stage.note(Event(at_seconds=stage.now(), kind=self.kind.value))
        unit = stage.makers[self.kind]()
        answer: Answer | None = None
        try:
            while True:
                wanted = unit.send(answer)
                if isinstance(wanted, Pause):
                    time.sleep(wanted.seconds)
                    answer = None
                    continue
                answer = self._asked(stage, wanted)
                time.sleep(random.uniform(*THINK_SECONDS))
        except StopIteration:
            return
        finally:
            unit.close()  # where Locust stops this person in the middle: the book says so

    def _asked(self, stage: Stage, send: Send) -> Answer | None:
        at = stage.now()
        if send.hangs_up:
            with socket.create_connection(stage.address) as line:
                line.sendall(send.payload)
            stage.note(Event(at_seconds=at, name=send.name, hung_up=True))
            return None
        parts = request_parts(send.payload)
        with self.client.request(
            parts.method, parts.path, data=parts.body.decode(), headers=parts.headers,
            name=send.name, catch_response=True,
        ) as response:  # fmt: skip
            body = response.content or b""
            status = response.status_code
            is_done = status == STATUS_OK and send.done in body
            if status == STATUS_OK:
                response.success()  # a refusal is an answer, too; the report counts it apart
        stage.note(
            Event(
                at_seconds=at, name=send.name, status=status, is_done=is_done,
                latency_us=int((stage.now() - at) * 1e6), settles=send.settles,
                said="" if is_done else said_in(body),
            )
        )  # fmt: skip
        return Answer(status=status, body=body, is_done=is_done) if status else None


class PharmacyTill(Person):
    """药店收银员: sells, and takes goods back."""

    kind = Kind.PHARMACY
    weight = MIX[Kind.PHARMACY]


class OutpatientDesk(Person):
    """门诊收费员: registers, charges and settles visits."""

    kind = Kind.OUTPATIENT
    weight = MIX[Kind.OUTPATIENT]


class Ward(Person):
    """住院处: admits, charges day by day, discharges and settles."""

    kind = Kind.INPATIENT
    weight = MIX[Kind.INPATIENT]


class ScanningTill(Person):
    """扫码收银员: the rest is paid by a wallet's code."""

    kind = Kind.SCAN
    weight = MIX[Kind.SCAN]


class PresetShape(LoadTestShape):
    """As many people as the hour needs; the fullest hour needs all of them."""

    def tick(self) -> tuple[int, float] | None:
        """People and how fast they come; None at the end."""
        if self.runner is None:
            return None
        options = _options(self.runner.environment)
        seconds = time.perf_counter() - self.start_time
        if seconds >= options.load_seconds:
            return None
        hours = hours_of(
            preset_named(options.load_preset), Period(options.load_period),
            season=Season(options.load_season),
        )  # fmt: skip
        most = max(one.total for one in hours)
        now = hours[int(seconds / options.load_seconds * len(hours))]
        return max(round(options.load_users * now.total / most), 1), float(options.load_users)


def add_options(parser: ArgumentParser) -> None:
    """What is also asked on Locust's page."""
    parser.add_argument("--load-preset", default="dongguan")
    parser.add_argument("--load-period", default="day", choices=[one.value for one in Period])
    parser.add_argument("--load-season", default="ordinary", choices=[one.value for one in Season])
    parser.add_argument("--load-seconds", type=float, default=600.0)
    parser.add_argument("--load-users", type=int, default=60, help="in the fullest hour")
    parser.add_argument("--load-seed", type=int, default=1)
    parser.add_argument("--load-persons", type=int, default=20_000)
    parser.add_argument("--load-book", default="build/load-book.jsonl")
    parser.add_argument("--load-events", default="build/load-book.events")
    parser.add_argument("--i-own-this-target", action="store_true")


def begin(environment: Environment, **_: object) -> None:
    """A world, a book, and nobody at the counters. Where the target is refused, nobody comes."""
    try:
        _STAGES[id(environment)] = Stage(environment)
    except (LoadRefusedError, OSError) as exc:
        logging.getLogger(__name__).error("VOID, nothing was played: %s", exc)
        environment.process_exit_code = REFUSED
        if environment.runner is not None:
            environment.runner.quit()


def end(environment: Environment, **_: object) -> None:
    """Nobody sends any more."""
    stage = _STAGES.pop(id(environment), None)
    if stage is not None:
        stage.close()


def _options(environment: Environment) -> Namespace:
    options: Namespace | None = environment.parsed_options
    if options is None:
        raise RuntimeError("Locust was started without its command line")
    return options


events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call]
events.test_start.add_listener(begin)  # type: ignore[no-untyped-call]
events.test_stop.add_listener(end)  # type: ignore[no-untyped-call]
