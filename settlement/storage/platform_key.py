"""The SM2 key with which we sign as the mobile-payment centre (移动支付中心签名私钥).

A file of its own, mode 0600: the number in hex, or a PEM that a certification authority issued.
`SETTLEMENT_MOBILE_KEY_FILE` names it; without that it lies among the secrets of the data directory
and is made at first start. Institutions register the public key that belongs to it.
"""

from __future__ import annotations

import os
import secrets as chance
from collections.abc import Mapping
from pathlib import Path

from protocol.nhsa.gm import SM2_ORDER, Sm2PrivateKey
from protocol.nhsa.libcrypto import Sm2UnavailableError
from settlement.storage.keyfile import KeyFileError

VARIABLE = "SETTLEMENT_MOBILE_KEY_FILE"
FILE_NAME = "mobile-sm2.key"


def platform_key_file(secrets: Path, environment: Mapping[str, str]) -> Path:
    """Where the key is."""
    named = environment.get(VARIABLE)
    return Path(named) if named else secrets / FILE_NAME


def load_platform_key(path: Path) -> Sm2PrivateKey | None:
    """The key of a file; None where there is none, or this machine has no SM2. KeyFileError for
    what is no key."""
    try:
        return Sm2PrivateKey.parse(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except Sm2UnavailableError:
        return None
    except (OSError, ValueError) as exc:
        raise KeyFileError(f"the SM2 key file {path} cannot be used: {exc}") from exc


def make_platform_key(path: Path) -> None:
    """A new key; one that is there stays."""
    number = 1 + chance.randbelow(SM2_ORDER - 2)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{number:064x}\n")
    except FileExistsError:
        return
    except OSError as exc:
        raise KeyFileError(f"the SM2 key file {path} cannot be made: {exc}") from exc
