"""Sees to it that the failover test has its programs: Debian's Patroni, etcd and HAProxy, where we
may install them.

Says what it did, or why they are missing; the tests then skip themselves and say so too.
"""

from __future__ import annotations

import shutil

from tools.debian import install, may_install

PACKAGES = ("patroni", "etcd-server", "etcd-client", "haproxy")
PROGRAMS = ("patroni", "patronictl", "etcd", "haproxy")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def main() -> int:
    """Always 0: a machine without them can run all other tests."""
    if all(shutil.which(name, path=PATH) for name in PROGRAMS):
        return 0
    if not may_install():
        print(f"failover tests: skipped, without {', '.join(PACKAGES)} and the right to install")
        return 0
    words = "packages installed" if install(PACKAGES) else "skipped, packages not to be had"
    print(f"failover tests: {words}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
