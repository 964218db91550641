"""A console over a town, asked over HTTP on its own socket, with the town's clock; and browsers
that remember cookies and carry the tokens of the forms they saw, as real ones do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import aiohttp
import msgspec
from msgspec import Struct

from settlement.books.seal_keys import Algorithm
from settlement.console.desk import DeskSettings
from settlement.console.passwords import Hashes, new_password
from settlement.console.rights import Role
from settlement.console.server import ConsoleServer
from settlement.console.works import Works
from settlement.storage import console_users as users
from settlement.storage.console_users import NewUser
from settlement.storage.keyfile import key_file
from settlement.storage.seal_key import make_seal_key, seal_key_file
from settlement.web.console import ADDRESS_HEADER, SECURE_HEADER
from tests.kit import population
from tests.kit.town import Town
from tests.kit.waiting import SECONDS_MAX

HOST = "console.test"
_FIELD = re.compile(r'<input type="hidden" name="(csrf|kept_for|kept)" value="([^"]*)"')
_COOKIE = re.compile(r"([^=;]+)=([^;]*)")
SOCKET = "console.sock"
NAMES = {
    Role.CLERK: "jing", Role.SUPERVISOR: "fu", Role.AUDITOR: "shen", Role.OPERATOR: "yun",
    Role.INSTITUTION: "ji",
}  # fmt: skip


class Page(Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: tuple[str, ...]

    @property
    def location(self) -> str:
        """Where it sends the browser."""
        return self.headers.get("Location", "")

    @property
    def main(self) -> str:
        """What follows the head of the page, without hidden fields: a token of theirs may contain
        anything by chance."""
        return re.sub(r'<input type="hidden"[^>]*>', "", self.text.partition("<main")[2])

    def field(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        return "" if found is None else unescape(found.group(1))


class Browser:
    """One browser: its cookies, and the page it looks at."""

    def __init__(self, session: aiohttp.ClientSession, *, address: str = "192.0.2.7") -> None:
        self._session = session
        self._address = address
        self.cookies: dict[str, str] = {}
        self.origin: str | None = f"http://{HOST}"
        self.secure = False
        self.page = Page(status=0, text="", headers={}, cookies=())
        self.path = ""
        """the page that was looked at last"""

    async def get(self, path: str) -> Page:
        """Look at a page."""
        self.path = path
        return await self._ask("GET", path, None)

    async def fetch(self, path: str) -> bytes:
        """A file, saved."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Host": HOST, ADDRESS_HEADER: self._address, "Cookie": cookie}
        async with self._session.get(f"http://{HOST}{path}", headers=headers) as came:
            assert came.status == 200, await came.text()
            assert came.headers["Content-Disposition"].startswith("attachment"), path
            return await came.read()

    async def follow(self) -> Page:
        """Go where the last answer sends the browser."""
        return await self.get(self.page.location)

    async def post(self, path: str, *, bare: bool = False, **form: str) -> Page:
        """Send a form with the tokens of the page that is looked at, unless it is `bare`."""
        tokens = {} if bare else {
            name: unescape(value) for name, value in _FIELD.findall(self.page.text)
        }
        return await self._ask("POST", path, {**tokens, **form})

    async def bring(self, path: str, name: str, content: bytes, **form: str) -> Page:
        """Send a form with a file, its tokens among the fields before it."""
        tokens = {key: unescape(value) for key, value in _FIELD.findall(self.page.text)}
        data = aiohttp.FormData(default_to_multipart=True)
        for key, value in {**tokens, **form}.items():
            data.add_field(key, value)
        data.add_field("file", content, filename=name, content_type="text/csv")
        return await self._ask("POST", path, data)

    async def sign_in(self, name: str, password: str, *, code: str = "") -> Page:
        """Fill in the sign-in form."""
        await self.get("/console/sign-in")
        return await self.post("/console/sign-in", name=name, password=password, code=code)

    async def _ask(
        self, method: str, path: str, form: Mapping[str, str] | aiohttp.FormData | None
    ) -> Page:
        headers = {
            "Host": HOST, ADDRESS_HEADER: self._address, SECURE_HEADER: "1" if self.secure else "0",
        }  # fmt: skip
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST" and self.origin is not None:
            headers["Origin"] = self.origin
        async with self._session.request(
            method, f"http://{HOST}{path}", data=form, headers=headers, allow_redirects=False
        ) as came:
            cookies = tuple(came.headers.getall("Set-Cookie", ()))
            text = await came.text()
            self.page = Page(status=came.status, text=text, headers=came.headers, cookies=cookies)
        for cookie in cookies:
            found = _COOKIE.match(cookie)
            assert found is not None, cookie
            self.cookies[found.group(1)] = found.group(2)
            if "Max-Age=0" in cookie:
                del self.cookies[found.group(1)]
        return self.page


class Office:
    """The console, who may sign in, and as many browsers as a test wants."""

    def __init__(self, town: Town, session: aiohttp.ClientSession, works: Works) -> None:
        self.town = town
        self.works = works
        self._session = session
        self._hashes = Hashes()
        self.passwords: dict[str, str] = {}

    def browser(self, *, address: str = "192.0.2.7") -> Browser:
        """A new one, without cookies."""
        return Browser(self._session, address=address)

    async def hire(
        self, name: str, role: Role, *, institution: str | None = None, must_change: bool = False
    ) -> str:
        """A user; the password."""
        password = self.passwords[name] = new_password()
        new = NewUser(
            name=name, display_name=f"测试{name}", role=role, institution=institution,
            password_hash=await self._hashes.make(password), must_change=must_change,
        )  # fmt: skip
        assert await users.add_user(self.town.owner, new, at=self.town.clock())
        return password

    async def signed_in(self, name: str) -> Browser:
        """A browser of somebody who has signed in."""
        browser = self.browser()
        page = await browser.sign_in(name, self.passwords[name])
        assert page.status == 303, page.text
        return browser

    async def over(self, page: Page, browser: Browser) -> Page:
        """The page that an order ends on, once what was ordered has ended."""
        if page.status != 303:
            return page
        told = re.match(r"/console/works/(\d+)$", page.location)
        if told is not None:
            work = self.works.find(int(told.group(1)))
            assert work is not None, page.location
            await self.works.wait(work, SECONDS_MAX)
        return await browser.get(page.location)

    async def audited(self, action: str) -> list[tuple[str, str, str]]:
        """Actor, subject and note of what was audited so."""
        rows = await self.town.owner.fetch(
            "select a.actor, a.subject, a.note from settlement.audit a where a.action = $1"
            " order by a.audit_id",
            action,
        )
        return [(row["actor"], row["subject"], row["note"]) for row in rows]


@asynccontextmanager
async def a_console(
    town: Town, directory: Path, channels_file: str = ""
) -> AsyncIterator[ConsoleServer]:
    """A console that listens in a directory."""
    server = ConsoleServer(
        DeskSettings(
            app_dsn=town.app_dsn, owner_dsn=town.owner_dsn, keyring=town.keyring,
            run_dir=directory, data_dir=directory, clock=town.clock, channels_file=channels_file,
        )
    )  # fmt: skip
    await server.start(directory / SOCKET)
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def an_office(
    town: Town, directory: Path, *, channels_file: str = ""
) -> AsyncIterator[Office]:
    """A console over the town, with one user of each role, and the keys that its acts need."""
    secrets = directory / "secrets"
    secrets.mkdir()
    key_file(secrets, {}).write_bytes(msgspec.json.encode([town.key_material]))
    make_seal_key(seal_key_file(secrets, {}), Algorithm.ED25519, town.clock())
    async with a_console(town, directory, channels_file) as server:
        connector = aiohttp.UnixConnector(str(directory / SOCKET))
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
            office = Office(town, session, server.desk.works)
            for role, name in NAMES.items():
                institution = population.PHARMACY.code if role is Role.INSTITUTION else None
                await office.hire(name, role, institution=institution)
            yield office
