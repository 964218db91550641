"""Somebody at the console in a real browser: addresses that are typed, forms that are filled in,
and pictures of what it looks like, kept in build/console/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from tests.kit.browser import Page
from tests.kit.served import ROOT

PICTURES = ROOT / "build" / "console"


class Offices(Protocol):
    """Where the console is, and who may sign in there."""

    url: str

    def first_password(self, name: str) -> str:
        """One that has to be changed; empty where there is none."""
        ...

    def password(self, name: str) -> str:
        """The one that counts from then on."""
        ...


class Desk:
    """Somebody at the browser."""

    def __init__(self, office: Offices, page: Page, name: str, language: str) -> None:
        self.office = office
        self.page = page
        self._name = name
        self._language = language

    async def open(self, path: str) -> None:
        """An address is typed."""
        await self.page.open(f"{self.office.url}/console/{path}")

    async def picture(self, what: str) -> None:
        """Kept, to be looked at."""
        await self.page.picture(PICTURES / f"{self._name}-{what}.{self._language}.png")

    async def text(self) -> str:
        """What the page says."""
        return str(await self.page.ask("document.body.innerText"))

    async def submit(self, form: str, button: str = "", **fields: str) -> None:
        """Fill in a form and press its button; the next page is whole when this returns."""
        place = f"document.querySelector({json.dumps(form)})"
        for field, value in fields.items():
            where = f"{place}.elements[{json.dumps(field)}]"
            await self.page.ask(f"{where}.value = {json.dumps(value)}")
        press = f"{place}.querySelector({json.dumps(button or 'button')}).click()"
        await self.page.ask(f"window.before = 1; {press}")
        await self.page.wait_for("!window.before && document.readyState === 'complete'")

    async def choose(self, field: str, file: Path) -> None:
        """A file is chosen in a form."""
        document = await self.page.command("DOM.getDocument")
        root = document["root"]["nodeId"]
        found = await self.page.command("DOM.querySelector", nodeId=root, selector=field)
        await self.page.command(
            "DOM.setFileInputFiles", nodeId=found["nodeId"], files=[str(file)]
        )

    async def enter(self) -> None:
        """Sign in with a browser that knows nothing; the first time, choose a password."""
        await self.page.command("Network.clearBrowserCookies")
        await self.open("sign-in")
        shown = await self.page.ask("document.documentElement.lang")
        if (shown == "en") != (self._language == "en"):
            await self.submit(".who form")
        first, own = self.office.first_password(self._name), self.office.password(self._name)
        await self.submit(".door form", name=self._name, password=first or own)
        if first:
            await self.picture("first-password")
            await self.submit(
                "main form", old_password=first, new_password=own, new_password_again=own
            )
        assert ("Today" if self._language == "en" else "今日") in await self.text()

    async def leave(self) -> None:
        """Sign out."""
        await self.submit("#sign-out")
        assert await self.page.ask("location.pathname") == "/console/sign-in"
