"""Writes build/sbom.json: a bill of materials (CycloneDX 1.5) of what the lock has installed.

Made from the lock and from what the installed packages say of their licences. The same lock gives
the same bytes: no clock is read, and the serial number is made of the content. Of a package it
names every file that may be installed, by hash, because which one it is depends on the machine.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from collections.abc import Iterable, Sequence

from tools.licences import CARRIED, Licensed, licensed
from tools.pins import ROOT

SBOM = ROOT / "build" / "sbom.json"
SCHEMA = "http://cyclonedx.org/schema/bom-1.5.schema.json"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, SCHEMA)

Json = dict[str, object]


def main() -> int:
    """Write the file and say what is in it."""
    SBOM.parent.mkdir(parents=True, exist_ok=True)
    runtime, dev = list(licensed("runtime")), list(licensed("dev"))
    SBOM.write_text(json.dumps(bill(runtime, dev), indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{SBOM.relative_to(ROOT)}: {len(runtime)} packages of the product, {len(dev)} of tools")
    return 0


def bill(runtime: Sequence[Licensed], dev: Sequence[Licensed]) -> Json:
    """The document; what only tests and checks need is in it as `excluded`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    root = f"{project['name']}@{project['version']}"
    content: Json = {
        "metadata": {
            "component": {
                "type": "application", "bom-ref": root,
                "name": project["name"], "version": project["version"],
                "licenses": [{"expression": project["license"]}],
            },
        },
        "components": [
            *(_component(one, "required") for one in runtime),
            *(_component(one, "excluded") for one in dev),
        ],
        "dependencies": list(_dependencies(root, [*runtime, *dev])),
    }  # fmt: skip
    serial = uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))
    return {
        "$schema": SCHEMA, "bomFormat": "CycloneDX", "specVersion": "1.5",
        "serialNumber": serial.urn, "version": 1, **content,
    }  # fmt: skip


def _component(one: Licensed, scope: str) -> Json:
    pin = one.pin
    said: Json = {
        "type": "library", "bom-ref": _reference(one), "name": pin.name, "version": pin.version,
        "scope": scope, "purl": _reference(one),
        "licenses": [{"expression": one.expression}],
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in pin.sha256],
    }  # fmt: skip
    if pin.name in CARRIED:
        program, _, licence = CARRIED[pin.name].partition(": ")
        name, _, version = program.partition(" ")
        said["components"] = [
            {
                "type": "application", "name": name, "version": version,
                "licenses": [{"expression": licence}],
            }
        ]  # fmt: skip
    return said


def _dependencies(root: str, packages: Sequence[Licensed]) -> Iterable[Json]:
    """Who needs whom, as the lock says it: turned round, because it names who wanted each."""
    references = {one.pin.name: _reference(one) for one in packages}
    yield {"ref": root, "dependsOn": [_reference(one) for one in packages if one.pin.is_ours]}
    for name, reference in references.items():
        needed = [_reference(one) for one in packages if name in one.pin.wanted_by]
        yield {"ref": reference, "dependsOn": needed}


def _reference(one: Licensed) -> str:
    return f"pkg:pypi/{one.pin.name}@{one.pin.version}"


if __name__ == "__main__":
    raise SystemExit(main())
