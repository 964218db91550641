"""Every page of the console that somebody reaches by its links."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

from tests.kit.console import Browser, Page

PAGES_MAX = 400
ROOT = "/console/"
_LINK = re.compile(r'(?:href|action)="([^"]+)"')


async def crawled(browser: Browser, *more: str) -> dict[str, Page]:
    """Address and page, from the first page on, and from `more`. Files are not fetched."""
    waiting, seen = [ROOT, *more], dict[str, Page]()
    while waiting and len(seen) < PAGES_MAX:
        address = waiting.pop(0)
        if address in seen:
            continue
        page = seen[address] = await browser.get(address)
        if "html" not in page.headers.get("Content-Type", ""):
            continue
        for link in _LINK.findall(page.text):
            found = urljoin(address, unescape(link)).partition("#")[0]
            if found.startswith(ROOT) and "/assets/" not in found and found not in seen:
                waiting.append(found)
    return seen
