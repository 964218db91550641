"""Writes deploy/helm/schemas: what Kubernetes takes of the kinds of objects that our chart makes.

    python -m tools.kubernetes_schemas

From the wheel `kubernetes-validate`, whose schemas are generated from Kubernetes' own OpenAPI
documents (Apache-2.0) and refuse fields that are not known. It has 70 MB of them, so what is needed
is taken once, without the descriptions, and kept; the wheel is fetched by its hash.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "deploy" / "helm" / "schemas"
PACKAGE = "kubernetes-validate==1.37.0"
SHA256 = "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9"
VERSIONS = ("v1.27.0", "v1.37.0")
"""The oldest that the chart is for, and the newest that the wheel knows."""
KINDS = {
    "v1/Service": "io.k8s.api.core.v1.Service",
    "v1/ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
    "apps/v1/StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "autoscaling/v2/HorizontalPodAutoscaler":
        "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
}  # fmt: skip
_PREFIX = "#/$defs/"


def main() -> int:
    """Fetch, take what is needed, write."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
        subprocess.run(
            [*command, PACKAGE], check=True
        )
        [wheel] = Path(folder).glob("*.whl")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
            print(f"{wheel.name} is not the file that was looked at", file=sys.stderr)
            return 1
        SCHEMAS.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel) as opened:
            for version in VERSIONS:
                name = (
                    f"kubernetes_validate/kubernetes-json-schema/{version}-local-strict/"
                    "_definitions.json"
                )
                schema = needed(json.loads(opened.read(name))["$defs"])
                text = json.dumps(schema, indent=1, sort_keys=True)
                (SCHEMAS / f"{version}.json").write_text(f"{text}\n", "utf-8")
    return 0


def needed(definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions of our kinds and of whatever they are made of."""
    taken: dict[str, Any] = {}
    waiting = list(KINDS.values())
    while waiting:
        name = waiting.pop()
        if name not in taken:
            taken[name] = bare(definitions[name])
            waiting += references(definitions[name])
    return {"$defs": taken, "kinds": KINDS}


def bare(schema: Any) -> Any:
    """Without what is for readers."""
    if isinstance(schema, list):
        return [bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key == "properties":
            kept[key] = {name: bare(one) for name, one in value.items()}
        elif key != "description" and not key.startswith("x-kubernetes"):
            kept[key] = bare(value)
    return kept


def references(schema: Any) -> Iterator[str]:
    """What a definition refers to."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(_PREFIX)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


if __name__ == "__main__":
    raise SystemExit(main())
