"""What a person of our own region is found by: keyed hashes of certificate, card and name.

A certificate and a card are one person's; a name is not. The key of a name has the person number
behind the hash, so that each row of `settlement.lookup` stays one person's, and all who have a name
lie side by side in the lane of its hash.
"""

from __future__ import annotations

import unicodedata

from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of_key
from settlement.person import Identity

Key = tuple[int, int, bytes]
"""Lane, kind and key under which somebody is found."""


def person_keys(keyring: Keyring, lanes: int, person_no: str, identity: Identity) -> list[Key]:
    """The keys of a person; what the identity does not have, has none."""
    found: list[Key] = []
    for kind, text in (
        (LookupKind.CERTIFICATE, identity.certificate_no),
        (LookupKind.CARD, identity.card_no),
    ):
        if text:
            key = keyring.lookup_key(kind, text)
            found.append((lane_of_key(key, lanes), int(kind), key))
    key = name_hash(keyring, identity.name)
    if key:
        whole = key + person_no.encode()
        found.append((lane_of_key(key, lanes), int(LookupKind.NAME), whole))
    return found


def name_hash(keyring: Keyring, name: str) -> bytes:
    """The keyed hash of a whole name, 16 bytes, the same for each way to write it: composed (NFC)
    and without blanks. Empty where nothing is left of it."""
    written = "".join(unicodedata.normalize("NFC", name).split())
    return keyring.lookup_key(LookupKind.NAME, written) if written else b""


def holds_alone(key: Key) -> bool:
    """Whether nobody else may have this key: the hash of a number, and not of a name."""
    return key[1] != LookupKind.NAME
