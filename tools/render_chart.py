"""Renders the Helm chart as several sites would have it: deploy/helm/rendered, by a real helm.

    HELM=/path/to/helm python -m tools.render_chart

What helm made is kept with the digest of the chart that it was made from, so that a chart that was
changed and not rendered again fails a test also where there is no helm.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "settlement"
RENDERED = ROOT / "deploy" / "helm" / "rendered"
DIGEST = "CHART.sha256"
KUBERNETES = "1.30.0"
"""A helm that was built from source takes none but an old one for granted."""
SITES: Mapping[str, tuple[str, ...]] = {
    "as-it-comes": (),
    "all-of-it": (
        "--set", "autoscaling.enabled=true", "--set", "channelsSecret=channels",
        "--set-string", "region=442000", "--set", "profileConfigMap=profile",
        "--set-string", "extraEnv.SETTLEMENT_KEEP_YEARS=40",
        "--set", f"image.digest=sha256:{'0' * 64}", "--set", "data.storageClassName=fast",
        "--set", "nodeSelector.disk=ssd", "--set-json",
        'tolerations=[{"key":"settlement","operator":"Exists"}]', "--set-json",
        'networkPolicy.from=[{"namespaceSelector":{"matchLabels":{"role":"ingress"}}}]',
    ),
    "without-a-policy": ("--set", "networkPolicy.enabled=false", "--set", "replicas=1"),
}  # fmt: skip


def find_helm() -> str | None:
    """Where helm is: HELM, or on the path."""
    return os.environ.get("HELM") or shutil.which("helm")


def render(helm: str, site: str) -> str:
    """What helm makes of the chart for a site; it checks values.schema.json by itself."""
    command = [helm, "template", "settlement", str(CHART), "--namespace", "settlement"]
    command += ["--kube-version", KUBERNETES]
    done = subprocess.run(
        [*command, *SITES[site]], capture_output=True, text=True, check=True
    )
    return done.stdout


def digest_of_chart() -> str:
    """Of every file of the chart, by name and content."""
    told = hashlib.sha256()
    for path in sorted(CHART.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            told.update(f"{path.relative_to(CHART)} {content}\n".encode())
    return told.hexdigest()


def main() -> int:
    """Write all of it."""
    helm = find_helm()
    if helm is None:
        print("there is no helm; name one in HELM", file=sys.stderr)
        return 1
    RENDERED.mkdir(exist_ok=True)
    for site in SITES:
        (RENDERED / f"{site}.yaml").write_text(render(helm, site), "utf-8")
    (RENDERED / DIGEST).write_text(f"{digest_of_chart()}\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
