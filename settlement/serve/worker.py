"""One gateway process: the core behind an HTTP server on the shared port.

`python -m settlement.serve.worker`, started by the supervisor only.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from settlement.serve.child import Stopping, beating, run_child, say_at_work
from settlement.serve.config import RunningGateway, WorkerConfig, resolve
from settlement.telemetry import otlp
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from settlement.web.tls import Renewing


async def serve(config: WorkerConfig, stopping: Stopping) -> None:
    """Serve until told to stop, then drain within the limit."""
    gateway: RunningGateway = await resolve(config.gateway_factory)(config)
    limits = config.limits.of_one(config.workers)
    web = WebServer(
        gateway,
        Board(Path(config.run_dir), config.place),
        WebSettings(
            limits=limits,
            redis_url=config.redis_url or None,
            demo_world=gateway.demo_world if config.demo else None,
            demo_token=gateway.demo_token if config.demo else None,
            import_office=gateway.import_office,
            hub_door=gateway.hub_door,
            console_socket=Path(config.console_socket) if config.console_socket else None,
            tls=None if config.tls is None else Renewing(config.tls),
        ),
    )
    end_traces = otlp.start(config.traces, config.place) if config.traces is not None else None
    await web.start(listen(config.host, config.port, limits))
    say_at_work()
    async with beating():
        await stopping.asked.wait()
        await _stop(web, gateway, config.limits.drain_seconds_max, stopping)
        if end_traces is not None:
            await asyncio.to_thread(end_traces)


async def _stop(
    web: WebServer, gateway: RunningGateway, drain_seconds: float, stopping: Stopping
) -> None:
    """Both have the same time limit; being hurried ends the wait of the first at once."""
    deadline = asyncio.get_running_loop().time() + drain_seconds
    draining = asyncio.ensure_future(web.stop(drain_seconds))
    hurried = asyncio.ensure_future(stopping.hurried.wait())
    await asyncio.wait({draining, hurried}, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not draining.done():
        draining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await draining
    left = deadline - asyncio.get_running_loop().time()
    await gateway.stop(0.0 if stopping.hurried.is_set() else max(left, 0.0))


if __name__ == "__main__":
    run_child(serve)
