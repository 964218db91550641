"""A server whose gateways can be set wrong while they work: `settlement serve`, but for one clock.

`python -m loadtest.drills.wrong_clock --port … --data-dir …` is the same supervisor with another
factory of gateways. The core of each gateway reads the machine's clock and adds what the file of
its place says. What checks signatures at the border, PostgreSQL and the background process read
the machine's own: the product lets nobody give them another.
"""

from __future__ import annotations

import argparse
import os
from datetime import datetime, timedelta
from pathlib import Path

from settlement.clock import Clock, system_clock
from settlement.serve import start
from settlement.serve.config import WorkerConfig
from settlement.serve.service import Service
from settlement.serve.supervisor import ServeSettings, run

FOLDER = "wrong-clock"
FACTORY = "loadtest.drills.wrong_clock:start_gateway"


def set_clock(data_dir: Path, place: str, seconds: int) -> None:
    """From now on the clock of a gateway, such as gateway-0, is so far ahead."""
    folder = data_dir / FOLDER
    folder.mkdir(exist_ok=True)
    fresh = folder / f"{place}.fresh"
    fresh.write_text(str(seconds))
    fresh.rename(folder / place)


def wrong_clock(file: Path) -> Clock:
    """The machine's clock, as far ahead as the file says; right where there is none."""

    def read() -> datetime:
        try:
            ahead = int(file.read_text())
        except FileNotFoundError:
            ahead = 0
        return system_clock() + timedelta(seconds=ahead)

    return read


async def start_gateway(config: WorkerConfig) -> Service:
    """As `settlement serve` starts it, with a clock that can be set wrong."""
    file = Path(config.data_dir) / FOLDER / config.place
    return await start.start_gateway(config, clock=wrong_clock(file))


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--demo", action="store_true", required=True)
    parser.add_argument("--demo-persons", type=int, required=True)
    arguments = parser.parse_args()
    settings = ServeSettings(
        host=arguments.host, port=arguments.port, workers=arguments.workers,
        data_dir=arguments.data_dir, demo=True, demo_persons=arguments.demo_persons,
        gateway_factory=FACTORY,
    )  # fmt: skip
    run(settings, os.environ, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
