"""The bare echo: plain aiohttp on uvloop that reads a body and answers one of a given size.

`python -m loadtest.echo --workers 2 --reply-bytes 2800` prints {"host":…,"port":…} when it accepts
connections and serves until SIGTERM. It is a measure of the HTTP layer, nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import traceback
from collections.abc import Callable
from types import FrameType
from typing import TypeAlias

import uvloop
from aiohttp import web

ROUTE = "/hsa/hgs/{infno}"
ACCEPTED_HEAD = b'{"infcode":0,"padding":"'
ACCEPTED_TAIL = b'"}'
BACKLOG = 1024

Build: TypeAlias = Callable[[bytes], web.BaseRunner]


def reply_of(size: int) -> bytes:
    """A body of `size` bytes that the generator takes for an acceptance."""
    padding = max(size - len(ACCEPTED_HEAD) - len(ACCEPTED_TAIL), 0)
    return ACCEPTED_HEAD + b"x" * padding + ACCEPTED_TAIL


def application_runner(reply: bytes) -> web.BaseRunner:
    """A plain application with one route: what `echo` means everywhere in our figures."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=reply, content_type="application/json")

    application = web.Application()
    application.router.add_post(ROUTE, answer)
    return web.AppRunner(application, access_log=None)


def low_level_runner(reply: bytes) -> web.BaseRunner:
    """The same without application, router and middlewares, for comparison only."""

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=reply, content_type="application/json")

    return web.ServerRunner(web.Server(answer, access_log=None))


def main() -> None:
    """Listen once a worker, fork, print where, wait for SIGTERM."""
    arguments = _arguments()
    reply = reply_of(arguments.reply_bytes)
    build = low_level_runner if arguments.low_level else application_runner
    listeners = _listeners(arguments.host, arguments.port, arguments.workers)
    children = [
        _fork(lambda listener: uvloop.run(_serve(build, reply, listener)), one) for one in listeners
    ]

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host, port = listeners[0].getsockname()[:2]
    print(json.dumps({"host": host, "port": port}), flush=True)
    for child in children:
        os.waitpid(child, 0)


async def _serve(build: Build, reply: bytes, listener: socket.socket) -> None:
    runner = build(reply)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    await stopped.wait()
    await runner.cleanup()


def _listeners(host: str, port: int, count: int) -> list[socket.socket]:
    """One listening socket a worker, all on one port; the kernel spreads connections over them."""
    listeners: list[socket.socket] = []
    for _ in range(count):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        port = listener.getsockname()[1]
        listeners.append(listener)
    return listeners


def _fork(work: Callable[[socket.socket], None], listener: socket.socket) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work(listener)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--reply-bytes", type=int, default=2800)
    parser.add_argument("--low-level", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
