"""`settlement rekey` (密钥轮换). Heavy imports happen when they run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Commands, Tell, add_data_dir

if TYPE_CHECKING:
    from settlement.said import Said


def add_rekey(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add the command with its actions."""
    parser = commands.add_parser(
        "rekey",
        help="密钥轮换，服务不停 (another key for personal data, beside a running server)",
        description="依次执行 add、use、run、retire；服务不停。 "
        "In this order, while the server works (docs/operating/personal-data.md).",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for action, about in (
        ("add", "生成新密钥，暂不启用 (make a key; nothing is written with it yet)"),
        ("use", "启用新密钥 (write with it from now on)"),
        ("retire", "停用旧密钥；仍在使用则拒绝 (take earlier keys away; refused while used)"),
    ):
        one = actions.add_parser(action, help=about)
        one.add_argument("--actor", required=True, help="操作人 (login name)")
        one.add_argument("--reason", required=True, help="事由与文号 (why; audited)")
        add_data_dir(one, data_dir)
        one.set_defaults(command=lambda parsed, action=action: tell(_act(parsed, action)))
    run = actions.add_parser(
        "run", help="重新加密旧数据，可中断续行 (encrypt anew; goes on if killed)"
    )
    add_data_dir(run, data_dir)
    run.set_defaults(command=lambda parsed: tell(_run(parsed)))
    status = actions.add_parser("status", help="密钥与进度 (keys, and how far it is)")
    add_data_dir(status, data_dir)
    status.set_defaults(command=lambda parsed: tell(_status(parsed)))


def _act(parsed: argparse.Namespace, action: str) -> Said:
    from settlement.serve import rekey_desk

    act = {"add": rekey_desk.add, "use": rekey_desk.use, "retire": rekey_desk.retire}[action]
    return act(parsed.data_dir, actor=parsed.actor, reason=parsed.reason)


def _run(parsed: argparse.Namespace) -> Said:
    from settlement.serve import rekey_desk

    return rekey_desk.run(parsed.data_dir, lambda line: sys.stderr.write(f"{line}\n"))


def _status(parsed: argparse.Namespace) -> Said:
    from settlement.serve import rekey_desk

    return rekey_desk.status(parsed.data_dir)
