"""The bill of materials is CycloneDX 1.5 and lists what the lock lists.

The schema below is our own writing of the parts of CycloneDX 1.5 that the file uses: what is
required, which values there are, and that nothing else may stand there.
"""

from __future__ import annotations

import re

import pytest
from jsonschema_rs import ValidationError, validator_for

from tools.licences import Licensed, licensed
from tools.pins import pins
from tools.sbom import bill

LICENCES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["expression"],
        "properties": {"expression": {"type": "string"}, "bom-ref": {"type": "string"}},
        "additionalProperties": False,
    },
    "maxItems": 1,
}
COMPONENT = {
    "type": "object",
    "required": ["type", "name"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["application", "framework", "library", "container", "platform"]},
        "bom-ref": {"type": "string", "minLength": 1},
        "name": {"type": "string"},
        "version": {"type": "string"},
        "scope": {"enum": ["required", "optional", "excluded"]},
        "purl": {"type": "string", "pattern": r"^pkg:pypi/[a-z0-9][a-z0-9-]*@[^@\s]+$"},
        "licenses": LICENCES,
        "components": {"type": "array", "items": {"$ref": "#/definitions/component"}},
        "hashes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["alg", "content"],
                "additionalProperties": False,
                "properties": {
                    "alg": {"const": "SHA-256"},
                    "content": {"type": "string", "pattern": "^[a-fA-F0-9]{64}$"},
                },
            },
        },
    },
}
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["bomFormat", "specVersion", "version"],
    "additionalProperties": False,
    "definitions": {"component": COMPONENT},
    "properties": {
        "$schema": {"enum": ["http://cyclonedx.org/schema/bom-1.5.schema.json"]},
        "bomFormat": {"enum": ["CycloneDX"]},
        "specVersion": {"const": "1.5"},
        "serialNumber": {
            "type": "string",
            "pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        },
        "version": {"type": "integer", "minimum": 1},
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"component": {"$ref": "#/definitions/component"}},
        },
        "components": {
            "type": "array",
            "uniqueItems": True,
            "items": {"$ref": "#/definitions/component"},
        },
        "dependencies": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["ref"],
                "additionalProperties": False,
                "properties": {
                    "ref": {"type": "string"},
                    "dependsOn": {
                        "type": "array",
                        "uniqueItems": True,
                        "items": {"type": "string"},
                    },
                },
            },
        },
    },
}
CHECK = validator_for(SCHEMA)


@pytest.fixture(scope="module")
def packages() -> tuple[list[Licensed], list[Licensed]]:
    return list(licensed("runtime")), list(licensed("dev"))


def test_bill_has_the_form_of_cyclonedx(packages: tuple[list[Licensed], list[Licensed]]) -> None:
    written = bill(*packages)
    CHECK.validate(written)
    references = re.findall(r"'bom-ref': '([^']+)'", str(written))
    assert len(references) == len(set(references)), "every reference names one component"
    named = set(re.findall(r"'ref': '([^']+)'", str(written["dependencies"])))
    needed = re.findall(r"'(pkg:[^']+)'", str(written["dependencies"]))
    assert named == set(references)
    assert set(needed) <= named, "nothing is needed that is not listed"


def test_bill_lists_every_pin_with_its_hashes(
    packages: tuple[list[Licensed], list[Licensed]],
) -> None:
    written = str(bill(*packages))
    for level, scope in (("runtime", "required"), ("dev", "excluded")):
        for pin in pins(level):
            start = f"'name': '{pin.name}', 'version': '{pin.version}', 'scope': '{scope}'"
            assert start in written
            assert pin.sha256
            assert all(digest in written for digest in pin.sha256)


def test_same_lock_gives_the_same_bill_and_another_one_another_number(
    packages: tuple[list[Licensed], list[Licensed]],
) -> None:
    runtime, dev = packages
    assert bill(runtime, dev) == bill(runtime, dev)
    assert bill(runtime, dev)["serialNumber"] != bill(runtime[1:], dev)["serialNumber"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"specVersion": "1.4"},
        {"serialNumber": "urn:uuid:1"},
        {"components": [{"type": "library"}]},
        {"components": [{"type": "library", "name": "x", "hashes": [{"alg": "SHA-256"}]}]},
        {"tools": []},
    ],
)
def test_checker_names_each_planted_breach(
    packages: tuple[list[Licensed], list[Licensed]], wrong: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        CHECK.validate(bill(*packages) | wrong)
