"""The pages of the console with a month loaded, each asked for a few times by a signed-in person.

Over HTTP at a running server, one request at a time, as a person does. Where a number or a code
stands in an address, it is one that a page before has shown. The time is that of the browser: from
the first byte sent to the last one read.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator, Mapping
from html import unescape
from statistics import median
from urllib.parse import urlencode

from msgspec import Struct

from loadtest.drills.month import Month
from loadtest.drills.month_city import LARGEST, ONE

LOOKS = 7
GOAL_MS = 200
SEEN_BY = "supervisor"
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')


class Page(Struct, frozen=True, kw_only=True):
    """How long a page takes."""

    name: str
    path: str
    milliseconds: int
    """at the median"""
    slowest: int
    kilobytes: int

    @property
    def is_slow(self) -> bool:
        """Slower than people should wait."""
        return self.milliseconds > GOAL_MS


class PageError(Exception):
    """A page did not come; the text says which and how."""


class Browser:
    """One person at one browser."""

    def __init__(self, address: tuple[str, int]) -> None:
        host, port = address
        self._line = http.client.HTTPConnection(host, port, timeout=60)
        self._host = f"{host}:{port}"
        self._cookies: dict[str, str] = {}

    def sign_in(self, name: str, password: str) -> None:
        """Raises PageError."""
        form = self.get("/console/sign-in")
        found = _CSRF.search(form)
        if found is None:
            raise PageError("the sign-in form has no token")
        fields = {"csrf": unescape(found.group(1)), "name": name, "password": password, "code": ""}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self._host}",
        }  # fmt: skip
        status, _ = self._ask("POST", "/console/sign-in", urlencode(fields), headers)
        if status != 303:
            raise PageError(f"nobody was signed in: {status}")

    def get(self, path: str) -> str:
        """A page. Raises PageError where it is none."""
        status, text = self._ask("GET", path, None, {})
        if status != 200:
            raise PageError(f"{path}: {status}")
        return text

    def timed(self, name: str, path: str) -> Page:
        """A page, looked at a few times. Raises PageError."""
        took, text = [], ""
        for _ in range(LOOKS):
            began = time.perf_counter()
            text = self.get(path)
            took.append(1_000 * (time.perf_counter() - began))
        return Page(
            name=name, path=path, milliseconds=round(median(took)), slowest=round(max(took)),
            kilobytes=len(text.encode()) // 1_000,
        )

    def _ask(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        self._line.request(method, path, body, {**headers, "Cookie": cookie})
        came = self._line.getresponse()
        for one in came.headers.get_all("Set-Cookie", ()):
            name, _, value = one.partition(";")[0].partition("=")
            self._cookies[name] = value
        return came.status, came.read().decode("utf-8", "replace")


def look_around(browser: Browser, month: Month) -> Iterator[Page]:
    """Every kind of page."""
    name, first, last = f"{month.first:%Y-%m}", month.first, month.last
    yield from (
        browser.timed(title, path)
        for title, path in (
            ("today", "/console/"),
            ("in doubt", "/console/doubt"),
            ("notices", "/console/notices"),
            ("differences", "/console/differences"),
            ("differences of institutions", "/console/differences?channel=institution"),
            ("clearing accounts, month", f"/console/clearing?month={name}"),
            ("clearing accounts, day", f"/console/clearing/day?day={last}"),
            ("bills, month", f"/console/bills?month={name}"),
            ("bills, day", f"/console/bills?month={name}&day={last}"),
            ("files of institutions", f"/console/institution-files?month={name}"),
            ("statement, largest institution",
             f"/console/statements?institution={LARGEST}&month={name}"),
            ("statement, another", f"/console/statements?institution={ONE}&month={name}"),
            ("months", "/console/close"),
            ("month", f"/console/close/{name}"),
            ("seals", "/console/seals"),
            ("payouts", "/console/payouts"),
            ("payouts of a period", f"/console/payouts/{first}"),
            ("payout of the largest", f"/console/payouts/{first}/{LARGEST}"),
            ("payee account", f"/console/payees/{LARGEST}"),
            ("reimbursements", "/console/reimbursements"),
            ("money in", "/console/money"),
            ("works", "/console/works"),
            ("institutions", "/console/institutions"),
            ("institution, largest", f"/console/institutions/{LARGEST}"),
            ("catalogue", "/console/catalogue?text=X"),
            ("policies", "/console/policy"),
            ("filings", "/console/filings"),
            ("switches", "/console/switches"),
            ("audit log", "/console/audit"),
            ("users", "/console/users"),
        )
    )  # fmt: skip
    yield from _single_things(browser, last)


def _single_things(browser: Browser, last: object) -> Iterator[Page]:
    """Pages of one difference, and of one case."""
    found = re.search(r"/console/differences/([0-9]{19})", browser.get("/console/differences"))
    if found is not None:
        yield browser.timed("one difference", found.group())
    found = re.search(r"/console/bills/([0-9]{19})", browser.get(f"/console/bills?day={last}"))
    if found is not None:
        yield browser.timed("one bill", found.group())


def case_pages(browser: Browser, setl_id: int) -> Iterator[Page]:
    """What there is of one settlement of a real server's."""
    yield browser.timed("search, by number", f"/console/search?by=setl_id&text={setl_id}")
    yield browser.timed("case", f"/console/settlements/{setl_id}")
    yield browser.timed("settlement sheet", f"/console/settlements/{setl_id}/sheet")
    yield browser.timed("sheet check", "/console/sheet-check")
