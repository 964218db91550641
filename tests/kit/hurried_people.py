"""Locust's people on a machine that is late, in a program of their own (Locust changes sockets and
threads of its whole process): they are asked to go while the wait between two customers of each of
them has just ended. `python -m tests.kit.hurried_people` says how many customers came, and how many
were left in the middle.
"""

from __future__ import annotations

import time
from typing import cast

import gevent
from locust.env import Environment
from msgspec import Struct

from loadtest import locustfile
from loadtest.generator.unit import Pause
from loadtest.load.presets import Kind
from loadtest.load.supply import Makers
from loadtest.load.under_locust import Event
from loadtest.load.units import Unit

PEOPLE = 50
WAIT_SECONDS = 0.02
SERVED_SECONDS = 0.001
FINISH_SECONDS = 5.0


class Customers(Struct):
    """Stands for the stage of a run: nothing is sent."""

    came: int = 0
    left: int = 0

    @property
    def makers(self) -> Makers:
        """A customer of each kind."""
        return dict.fromkeys(Kind, self.customer)

    def customer(self) -> Unit:
        """Takes a moment."""
        try:
            yield Pause(SERVED_SECONDS)
        except GeneratorExit:
            self.left += 1
            raise

    def now(self) -> float:
        """Nobody looks."""
        return 0.0

    def note(self, event: Event) -> None:
        """A customer came."""
        self.came += event.kind != ""


def main() -> None:
    """Work, be late, stop."""
    till = locustfile.PharmacyTill
    till.wait_time = lambda _: WAIT_SECONDS
    environment = Environment(user_classes=[till], host="http://127.0.0.1:1")
    environment.stop_timeout = FINISH_SECONDS
    customers = Customers()
    locustfile._STAGES[id(environment)] = cast(locustfile.Stage, customers)
    runner = environment.create_local_runner()
    runner.start(PEOPLE, spawn_rate=PEOPLE)
    gevent.sleep(0.3)
    until = time.perf_counter() + 2 * WAIT_SECONDS
    while time.perf_counter() < until:
        """Nobody else gets a turn."""
    runner.stop_users({till.__name__: PEOPLE})
    print(customers.came, customers.left)


if __name__ == "__main__":
    main()
