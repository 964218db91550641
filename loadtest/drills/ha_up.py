"""Three PostgreSQL nodes on this machine to be tried by hand: `deploy/ha/up.sh`.

Starts what the drill starts, writes down what each node was told, says how to look and how to serve
on it, and ends everything at Ctrl-C. Nothing is kept.
"""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from loadtest.drills.ha_cluster import DEPLOY, Cluster, Programs, find_programs, running_cluster
from loadtest.drills.ha_nodes import NAMES
from settlement.embedded.external import OWNER_VARIABLE

MISSING = "apt-get install -y --no-install-recommends patroni etcd-server etcd-client haproxy"


def main() -> int:
    """Run until told to stop; 2 where the programs are missing."""
    programs = find_programs()
    if programs is None:
        print(f"not all programs are here: {MISSING}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="settlement-ha-") as folder:
        base = Path(folder)
        base.chmod(0o711)  # the servers' user passes through
        asyncio.run(_run(base, programs))
    return 0


async def _run(base: Path, programs: Programs) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_cluster(base, programs) as cluster:
        print(_said(cluster, base, await cluster.make_database()), flush=True)
        await stop.wait()


def _said(cluster: Cluster, base: Path, owner_dsn: str) -> str:
    for name in NAMES:
        lines = [f"{key}={shlex.quote(value)}" for key, value in cluster.told(name).items()]
        file = base / f"{name}.env"
        file.touch(mode=0o600)
        file.write_text("\n".join(lines) + "\n")
    return (
        f"look:   (set -a; . {base}/node1.env; patronictl -c {DEPLOY}/patroni.yml list)\n"
        f"serve:  {OWNER_VARIABLE}={owner_dsn} .venv/bin/settlement serve --demo\n"
        f"logs:   {base}/*.log\n"
        "ready; Ctrl-C ends it all."
    )


if __name__ == "__main__":
    sys.exit(main())
