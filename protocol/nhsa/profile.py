"""What one region demands of a field, on top of the printed facts.

A profile may require an optional field, free an identity field that a strict edition requires,
shorten a text, add values to a field or have another code list, and leave transactions out. It
cannot free what every edition requires or lengthen a text: the decoder's types hold those, at the
widest that any source accepts.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Need

ENVELOPE_NODE = "envelope"

FieldKey = tuple[str, str, str]
"""infno, node, field; infno "*" means every transaction, node "envelope" the envelope."""


class ProfileFault(StrEnum):
    """What a profile cannot demand."""

    NO_SUCH_FIELD = "no such field"
    NO_SUCH_LIST = "no such code list"
    NO_SUCH_TRANSACTION = "no such transaction"
    ALWAYS_REQUIRED = "every edition requires it"
    ONLY_SHORTER = "it can be shortened, not lengthened"


class ProfileError(ValueError):
    """A profile demands what no edition allows."""

    def __init__(self, name: str, fault: ProfileFault, key: tuple[str, ...]) -> None:
        super().__init__(f"profile {name}: {'.'.join(key)}: {fault}")
        self.fault = fault
        self.key = key


class Profile(Struct, frozen=True, kw_only=True, eq=False):
    """A regional edition (地方版). Make one per region and keep it: checks are compiled for it."""

    name: str
    strict: bool = False
    """Require the identity fields that only some editions print."""
    required: frozenset[FieldKey] = frozenset()
    optional: frozenset[FieldKey] = frozenset()
    length_max: dict[FieldKey, int] = {}
    codes: dict[FieldKey, frozenset[str]] = {}
    """Further values that this field takes in the region."""
    lists: dict[str, frozenset[str]] = {}
    """Code lists that are others in the region than in `codes.py`, by name."""
    absent: frozenset[str] = frozenset()
    """Transactions that the regional edition does not have."""

    def __post_init__(self) -> None:
        for name in self.lists:
            if name not in CODE_LISTS:
                raise ProfileError(self.name, ProfileFault.NO_SUCH_LIST, (name,))
        for infno in self.absent:
            if infno not in TABLES:
                raise ProfileError(self.name, ProfileFault.NO_SUCH_TRANSACTION, (infno,))
        for key in (*self.required, *self.optional, *self.length_max, *self.codes):
            self._refuse_unknown(key)
        for key in self.optional:
            if any(field.need is Need.ALWAYS for field in _fields_at(key)):
                raise ProfileError(self.name, ProfileFault.ALWAYS_REQUIRED, key)
        for key, length in self.length_max.items():
            if any(length > (field.length_max or 0) for field in _fields_at(key)):
                raise ProfileError(self.name, ProfileFault.ONLY_SHORTER, key)

    def list_of(self, name: str) -> frozenset[str]:
        """The values of a code list in the region."""
        return self.lists.get(name, CODE_LISTS[name])

    def _refuse_unknown(self, key: FieldKey) -> None:
        if not _fields_at(key):
            raise ProfileError(self.name, ProfileFault.NO_SUCH_FIELD, key)


class FieldRule(Struct, frozen=True, kw_only=True):
    """What a profile demands of one field."""

    required: bool
    length_max: int | None
    codes: frozenset[str] | None


BASELINE = Profile(name="baseline")
"""The national baseline: identity fields beside psn_no and the credential may be absent."""

STRICT = Profile(name="strict", strict=True)
"""The strict editions: identity fields are required."""


def rule_of(profile: Profile, infno: str, node: str, field: Field) -> FieldRule:
    """Facts and profile together; the only place where they meet."""
    exact, every = (infno, node, field.name), ("*", node, field.name)
    required = field.need is Need.ALWAYS or (field.need is Need.BY_PROFILE and profile.strict)
    if exact in profile.optional or every in profile.optional:
        required = field.need is Need.ALWAYS
    if exact in profile.required or every in profile.required:
        required = True
    codes = None
    if field.code_list is not None:
        codes = profile.list_of(field.code_list)
        codes |= profile.codes.get(every, frozenset()) | profile.codes.get(exact, frozenset())
    lengths = (profile.length_max.get(exact), profile.length_max.get(every), field.length_max)
    return FieldRule(
        required=required,
        length_max=next((length for length in lengths if length is not None), None),
        codes=codes,
    )


def _fields_at(key: FieldKey) -> list[Field]:
    infno, node_name, field_name = key
    if node_name == ENVELOPE_NODE:
        return [field for field in ENVELOPE_FIELDS if field.name == field_name]
    tables = TABLES.values() if infno == "*" else filter(None, [TABLES.get(infno)])
    nodes = [table.input[node_name] for table in tables if node_name in table.input]
    return [field for node in nodes for field in node.fields if field.name == field_name]
