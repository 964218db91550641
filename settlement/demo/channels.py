"""The process of the simulated payment channels: `--demo` has money to collect, and nobody's.

`python -m settlement.demo.channels`, started by the supervisor before the gateways, which read what
it wrote (`channels_folder`). The simulators keep their books beside their keys.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from settlement.serve.child import Stopping, run_child, say_at_work
from settlement.serve.config import WorkerConfig


class ChannelWorld(Struct, frozen=True):
    """What the simulators wrote: their addresses, and the part of /demo/world.json."""

    urls: dict[str, str] = {}
    channels: Raw = Raw(b"{}")


def channels_folder(data_dir: Path) -> Path:
    """Where configuration, keys and books of the simulators are."""
    return data_dir / "demo-channels"


def read_world(folder: Path) -> ChannelWorld:
    """What is there; nothing before they ran."""
    file = folder / "world.json"
    if not file.exists():
        return ChannelWorld()
    return msgspec.json.decode(file.read_bytes(), type=ChannelWorld)


async def simulate(config: WorkerConfig, stopping: Stopping) -> None:
    """Run them until told to stop. Their keys are new each time, so their books are too."""
    from loadtest.simulators.channel_world import open_channels

    folder = channels_folder(Path(config.data_dir))
    shutil.rmtree(folder, ignore_errors=True)
    async with open_channels(folder, notify_base=f"http://127.0.0.1:{config.port}"):
        say_at_work()
        await stopping.asked.wait()


if __name__ == "__main__":
    run_child(simulate)
