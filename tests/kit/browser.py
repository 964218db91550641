"""Debian's chromium without a window, driven over its DevTools protocol: enough for a page of ours.

A page is asked with JavaScript and waited for in JavaScript. What it complains of (a script that
fails, a style that its policy forbids) is kept, so that a test can demand silence.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.kit.waiting import until
from tools.chromium import NAMES

ANSWER_SECONDS = 60.0
ON_THE_WAY_SECONDS = 1.0
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
)  # fmt: skip
_LISTENING = re.compile(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)/")


def browser_path() -> str | None:
    """The chromium of this machine, where there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self.complaints: list[str] = []

    async def command(self, method: str, **params: object) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                told = await self._socket.receive_json()
                if _is_complaint(told):
                    self.complaints.append(json.dumps(told["params"], ensure_ascii=False))
                if told.get("id") == number:
                    assert "error" not in told, told
                    result: dict[str, Any] = told["result"]
                    return result

    async def open(self, url: str, *, width: int = 1280, height: int = 900) -> None:
        """Go to an address; whole when this returns."""
        for domain in ("Page", "Runtime", "Log"):
            await self.command(f"{domain}.enable")
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        await self.command("Page.navigate", url=url)

        async def is_whole() -> bool:
            whole = "location.href !== 'about:blank' && document.readyState === 'complete'"
            return bool(await self.ask(whole))

        await until(is_whole)

    async def picture(self, file: Path) -> None:
        """What the whole page looks like, as PNG."""
        told = await self.command(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True
        )
        await asyncio.to_thread(file.write_bytes, base64.b64decode(told["data"]))

    async def press(self, key: str, code: int) -> None:
        """A key of the keyboard, pressed and let go."""
        for kind in ("keyDown", "keyUp"):
            await self.command(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    async def ask(self, script: str) -> Any:
        """The value of an expression; a promise is waited for."""
        told = await self.command(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def wait_for(self, condition: str) -> None:
        """Until an expression is true."""

        async def holds() -> bool:
            return bool(await self.ask(f"Boolean({condition})"))

        await until(holds)

    async def arrive(self, words: str) -> None:
        """Until the browser has gone to a page that says this; what is asked on the way may get no
        answer, or that nobody is there any more."""
        script = f"document.body ? document.body.innerText.includes({json.dumps(words)}) : false"

        async def is_there() -> bool:
            try:
                async with asyncio.timeout(ON_THE_WAY_SECONDS):
                    return bool(await self.ask(script))
            except (TimeoutError, AssertionError):
                return False

        await until(is_there)


@asynccontextmanager
async def a_browser(directory: Path) -> AsyncIterator[Page]:
    """A page of a browser of its own, whose profile is in a directory that nobody else uses."""
    path = browser_path()
    assert path is not None
    profile = f"--user-data-dir={directory}"
    process = await create_subprocess_exec(
        path, *_ARGUMENTS, profile, "about:blank", stdout=DEVNULL, stderr=PIPE
    )
    assert process.stderr is not None
    port = await _port(process.stderr)
    rest = asyncio.create_task(process.stderr.read())
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                (target,) = [each for each in await reply.json() if each["type"] == "page"]
            address = target["webSocketDebuggerUrl"]
            async with session.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        process.terminate()
        await process.wait()
        await rest


def _is_complaint(told: dict[str, Any]) -> bool:
    """A script that failed, or something that the browser would not do. That a request was
    answered 401 is no complaint."""
    if told.get("method") == "Runtime.exceptionThrown":
        return True
    entry = told["params"]["entry"] if told.get("method") == "Log.entryAdded" else {}
    return entry.get("level") == "error" and entry.get("source") != "network"


async def _port(said: asyncio.StreamReader) -> int:
    """The browser says where it listens, among other things."""
    async with asyncio.timeout(ANSWER_SECONDS):
        async for line in said:
            found = _LISTENING.search(line)
            if found is not None:
                return int(found[1])
    raise AssertionError("the browser ended without a word")
