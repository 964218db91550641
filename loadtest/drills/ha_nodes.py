"""Where the nodes of a drilled cluster are, and what each is told: `deploy/ha/node.env` for one
machine. Pure, but for ports and passwords that are drawn."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

LOOPBACK = "127.0.0.1"
NAMES = ("node1", "node2", "node3")
PORTS = range(20_000, 32_000)
"""Below those of outgoing connections (32,768 and up on Linux)."""


class Node(Struct, frozen=True, kw_only=True):
    """Where a node is."""

    name: str
    folder: Path
    postgres: int
    rest: int
    etcd: int
    peer: int
    """ports"""


class Site(Struct, frozen=True, kw_only=True):
    """All nodes, their door, and the one password that everybody here has."""

    nodes: Mapping[str, Node]
    postgres_bin: Path
    write_port: int
    read_port: int
    password: str


def draw_site(base: Path, postgres_bin: Path) -> Site:
    """Three nodes below one directory, at ports that nobody has at the moment."""
    return Site(
        nodes={name: _place(base, name) for name in NAMES}, postgres_bin=postgres_bin,
        write_port=free_port(), read_port=free_port(), password=secrets.token_urlsafe(12),
    )  # fmt: skip


def environment_of(site: Site, name: str) -> dict[str, str]:
    """The variables that `deploy/ha/node.env` sets on a machine of its own."""
    values = {
        **_etcd(site, name),
        **_patroni(site, name),
        "HA_WRITE_ADDRESS": f"{LOOPBACK}:{site.write_port}",
        "HA_READ_ADDRESS": f"{LOOPBACK}:{site.read_port}",
    }
    for one in site.nodes.values():
        prefix = f"HA_{one.name.upper()}"
        values[f"{prefix}_HOST"] = LOOPBACK
        values[f"{prefix}_POSTGRES"] = f"{LOOPBACK}:{one.postgres}"
        values[f"{prefix}_REST_PORT"] = str(one.rest)
    return values


def free_port() -> int:
    """A port that nobody has at the moment, and that the kernel gives to nobody who connects: a
    server that was killed finds it free again."""
    while True:
        port = secrets.choice(PORTS)
        try:
            socket.create_server((LOOPBACK, port)).close()
        except OSError:
            continue
        return port


def _place(base: Path, name: str) -> Node:
    return Node(
        name=name, folder=base / name, postgres=free_port(), rest=free_port(), etcd=free_port(),
        peer=free_port(),
    )  # fmt: skip


def _etcd(site: Site, name: str) -> dict[str, str]:
    node = site.nodes[name]
    peer, client = f"http://{LOOPBACK}:{node.peer}", f"http://{LOOPBACK}:{node.etcd}"
    return {
        "ETCD_NAME": node.name,
        "ETCD_DATA_DIR": str(node.folder / "etcd"),
        "ETCD_LISTEN_PEER_URLS": peer,
        "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer,
        "ETCD_LISTEN_CLIENT_URLS": client,
        "ETCD_ADVERTISE_CLIENT_URLS": client,
        "ETCD_INITIAL_CLUSTER": ",".join(
            f"{one.name}=http://{LOOPBACK}:{one.peer}" for one in site.nodes.values()
        ),
        "ETCD_INITIAL_CLUSTER_TOKEN": "settlement",  # nosec B105 - a name that all nodes say
        "ETCD_ENABLE_V2": "true",
    }


def _patroni(site: Site, name: str) -> dict[str, str]:
    node, password = site.nodes[name], site.password
    rest, postgres = f"{LOOPBACK}:{node.rest}", f"{LOOPBACK}:{node.postgres}"
    return {
        "PATRONI_NAME": node.name,
        "PATRONI_ETCD_HOSTS": ",".join(f"{LOOPBACK}:{one.etcd}" for one in site.nodes.values()),
        "PATRONI_RESTAPI_LISTEN": rest,
        "PATRONI_RESTAPI_CONNECT_ADDRESS": rest,
        "PATRONI_RESTAPI_USERNAME": "operator",
        "PATRONI_RESTAPI_PASSWORD": password,
        "PATRONI_POSTGRESQL_LISTEN": postgres,
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS": postgres,
        "PATRONI_POSTGRESQL_BIN_DIR": str(site.postgres_bin),
        "PATRONI_POSTGRESQL_DATA_DIR": str(node.folder / "data"),
        "PATRONI_POSTGRESQL_PGPASS": str(node.folder / "pgpass"),
        "PATRONI_SUPERUSER_USERNAME": "postgres",
        "PATRONI_SUPERUSER_PASSWORD": password,
        "PATRONI_REPLICATION_USERNAME": "replicator",
        "PATRONI_REPLICATION_PASSWORD": password,
        "PATRONI_REWIND_USERNAME": "rewinder",
        "PATRONI_REWIND_PASSWORD": password,
    }
