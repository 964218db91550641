"""A process that has imported what commands import, and forks one for every command.

Half a second of a command goes into imports; hundreds of commands a run need them once. What a
command does, prints and leaves behind is its own: it has a process, an environment and an end.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NoReturn

PACKAGES = ("ledger", "protocol", "settlement")
REQUEST_BYTES_MAX = 1 << 20


def preload() -> None:
    """Import what commands may need, and keep it out of every later collection."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    gc.collect()
    gc.freeze()


def serve(line: socket.socket) -> None:
    """Fork a process for each request until whoever asks is gone; what still runs then is ended.

    A request is JSON `{"arguments", "environment", "directory"}` with three descriptors: standard
    output, standard error, and where the process number and in the end the exit status go.
    """
    children: dict[int, int] = {}
    with selectors.DefaultSelector() as waiting:
        waiting.register(line, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is not line:
                    waiting.unregister(key.fileobj)
                    key.data()
                    continue
                content, descriptors, _, _ = socket.recv_fds(line, REQUEST_BYTES_MAX, 3)
                if not content:
                    _end(children)
                    return
                pid = os.fork()
                if pid == 0:
                    waiting.close()
                    line.close()
                    _become(json.loads(content), descriptors)
                out, err, told = descriptors
                os.close(out)
                os.close(err)
                os.write(told, f"{pid}\n".encode())
                children[pid] = told
                watched = os.pidfd_open(pid)
                ended: Callable[[], None] = partial(_tell, children, pid, watched)
                waiting.register(watched, selectors.EVENT_READ, ended)


def _tell(children: dict[int, int], pid: int, watched: int) -> None:
    """A command has ended."""
    _, status = os.waitpid(pid, 0)
    os.close(watched)
    told = children.pop(pid)
    os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os.close(told)


def _end(children: Mapping[int, int]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _become(request: Mapping[str, object], descriptors: Sequence[int]) -> NoReturn:
    """In the forked process: the command."""
    out, err, told = descriptors
    os.dup2(out, 1)
    os.dup2(err, 2)
    for descriptor in (out, err, told):
        os.close(descriptor)
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict) and isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(request["directory"]))
    main = importlib.import_module("settlement.cli").main
    sys.argv = ["settlement", *arguments]
    sys.exit(main(arguments))


if __name__ == "__main__":
    preload()
    serve(socket.socket(fileno=int(sys.argv[1])))
