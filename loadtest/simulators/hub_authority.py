"""The simulated hub's authority: issues certificates, takes them back, tells every region of all.

    python -m loadtest.simulators.hub_authority FOLDER root
    python -m loadtest.simulators.hub_authority FOLDER issue REQUEST_FILE --days 365
    python -m loadtest.simulators.hub_authority FOLDER withdraw SERIAL --reason "…"
    python -m loadtest.simulators.hub_authority FOLDER hub
    python -m loadtest.simulators.hub_authority FOLDER counterparts 441900 > counterparts.toml

Its key and what it issued lie in the folder; so do the keys of the hub itself. A real authority
keeps its key in better places.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.hub.certificates import (
    HUB,
    Authority,
    Certificate,
    SecretKeys,
    Withdrawal,
    new_keys,
    read_certificate,
    read_request,
    read_withdrawal,
    request_of,
)
from protocol.hub.post import Post
from settlement.clock import system_clock

KEY_FILE = "authority.key"
ISSUED_FILE = "issued.txt"
WITHDRAWN_FILE = "withdrawn.txt"
HUB_KEYS_FILE = "hub.keys"
HUB_NAME = "省际平台"
CERTIFICATE_DAYS = 365


class Issuer:
    """An authority with its key and its records in a folder; both are made where they are not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        key = folder / KEY_FILE
        if not key.exists():
            _write_secret(key, Ed25519PrivateKey.generate().private_bytes_raw())
        self._authority = Authority(Ed25519PrivateKey.from_private_bytes(key.read_bytes()))

    @property
    def root(self) -> bytes:
        """What regions pin."""
        return self._authority.root

    def issue(self, request: str, *, not_before: datetime, not_after: datetime) -> str:
        """A certificate under the region's next number. Raises CertificateError."""
        asked = read_request(request)
        number = 1 + sum(told.region == asked.region for _, told in self.issued())
        text = self._authority.issue(
            asked, serial=f"{asked.region}-{number}", not_before=not_before, not_after=not_after
        )
        self._append(ISSUED_FILE, text)
        return text

    def certify_hub(self, at: datetime) -> str:
        """The hub's own certificate that holds; with new keys where it has none."""
        for text, told in self.issued():
            gone = {one.serial for _, one in self.withdrawn()}
            if told.region == HUB and told.holds_at(at) and told.serial not in gone:
                return text
        keys = new_keys()
        text = self.issue(
            request_of(keys, HUB, at=at), not_before=at - timedelta(minutes=1),
            not_after=at + timedelta(days=CERTIFICATE_DAYS),
        )  # fmt: skip
        kept = {**self._hub_keys(), read_certificate(text, self.root).serial: keys}
        path = self._folder / HUB_KEYS_FILE
        path.unlink(missing_ok=True)
        _write_secret(path, msgspec.json.encode(kept))
        return text

    def hub_post(self) -> Post | None:
        """The hub's end of the wire, by what is in the folder now; None where it has no keys."""
        keys = self._hub_keys()
        issued = [told for _, told in self.issued()]
        own = [(keys[one.serial], one) for one in issued if one.serial in keys]
        if not own:
            return None
        return Post(
            HUB, identities=own, certificates=[one for one in issued if one.region != HUB],
            withdrawn=[gone.serial for _, gone in self.withdrawn()],
        )  # fmt: skip

    def withdraw(self, serial: str, *, at: datetime, reason: str) -> str:
        """A withdrawal."""
        text = self._authority.withdraw(serial, at=at, reason=reason)
        self._append(WITHDRAWN_FILE, text)
        return text

    def issued(self) -> list[tuple[str, Certificate]]:
        """Every certificate, with its text."""
        return [(text, read_certificate(text, self.root)) for text in self._lines(ISSUED_FILE)]

    def withdrawn(self) -> list[tuple[str, Withdrawal]]:
        """Every withdrawal, with its text."""
        return [(text, read_withdrawal(text, self.root)) for text in self._lines(WITHDRAWN_FILE)]

    def counterparts(self, region: str) -> str:
        """The file that a region imports: all others with what was issued to them."""
        by_region: dict[str, list[str]] = {}
        regions = {}
        for text, told in self.issued():
            regions[told.serial] = told.region
            if told.region != region:
                by_region.setdefault(told.region, []).append(text)
        withdrawn: dict[str, list[str]] = {}
        for text, gone in self.withdrawn():
            withdrawn.setdefault(regions.get(gone.serial, ""), []).append(text)
        return "\n".join(
            _table(code, texts, withdrawn.get(code, ())) for code, texts in by_region.items()
        )

    def _hub_keys(self) -> dict[str, SecretKeys]:
        path = self._folder / HUB_KEYS_FILE
        if not path.exists():
            return {}
        return msgspec.json.decode(path.read_bytes(), type=dict[str, SecretKeys])

    def _append(self, name: str, text: str) -> None:
        with (self._folder / name).open("a", encoding="ascii") as file:
            file.write(f"{text}\n")

    def _lines(self, name: str) -> list[str]:
        path = self._folder / name
        return path.read_text("ascii").splitlines() if path.exists() else []


def _write_secret(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _table(region: str, certificates: Sequence[str], withdrawals: Sequence[str]) -> str:
    name = HUB_NAME if region == HUB else f"统筹区{region}"
    lines = ["[[counterpart]]", f'region = "{region}"', f'name = "{name}"']
    for key, texts in (("certificates", certificates), ("withdrawals", withdrawals)):
        if texts:
            lines += [f"{key} = [", *(f'    "{text}",' for text in texts), "]"]
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Do one thing and print what came of it."""
    parser = argparse.ArgumentParser(description="The simulated authority of the hub.")
    parser.add_argument("folder", type=Path)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("root")
    issue = actions.add_parser("issue")
    issue.add_argument("file", type=Path)
    issue.add_argument("--days", type=int, default=CERTIFICATE_DAYS)
    withdraw = actions.add_parser("withdraw")
    withdraw.add_argument("serial")
    withdraw.add_argument("--reason", required=True)
    actions.add_parser("hub", help="keys and a certificate for the hub itself, where none holds")
    actions.add_parser("counterparts").add_argument("region")
    parsed = parser.parse_args(arguments)
    issuer, at = Issuer(parsed.folder), system_clock()
    match parsed.action:
        case "issue":
            print(
                issuer.issue(
                    parsed.file.read_text("ascii"), not_before=at,
                    not_after=at + timedelta(days=parsed.days),
                )
            )  # fmt: skip
        case "withdraw":
            print(issuer.withdraw(parsed.serial, at=at, reason=parsed.reason))
        case "hub":
            print(issuer.certify_hub(at))
        case "counterparts":
            print(issuer.counterparts(parsed.region))
        case _:
            print(issuer.root.hex())


if __name__ == "__main__":
    main()
