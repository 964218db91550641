"""`settlement personal` (个人信息): copies and erasure of one person's data. Heavy imports happen
when they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Commands, Tell, add_data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from settlement.said import Said

    _Act = Callable[[argparse.Namespace], Said]


def add_personal(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add the command with its actions."""
    parser = commands.add_parser(
        "personal",
        help="个人信息：导出副本、删除、到期清理 (a person's data: copies, erasure, retention)",
        description="个人信息的导出、删除与到期清理；每一步记入审计。 "
        "What is held about one person: a copy, the erasure of what may go, by two people, and of "
        "what is older than the years for which it is kept (docs/operating/personal-data.md).",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    export = actions.add_parser(
        "export", help="导出一人的全部信息：JSON 与文本 (all that is held about a person)"
    )
    export.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    _finish(export, tell, data_dir, _export)
    _finish(
        actions.add_parser("erase", help="提出删除，说明可删与须保留 (propose; says what is kept)"),
        tell, data_dir, _erase,
    )  # fmt: skip
    _finish(
        actions.add_parser("confirm", help="另一人确认并删除 (another confirms; it is erased)"),
        tell, data_dir, _confirm,
    )  # fmt: skip
    expire = actions.add_parser(
        "expire", help="清理超过保存年限的明细 (erase what is older than it is kept)"
    )
    expire.add_argument("--preview", action="store_true", help="只看不删 (say what would go)")
    _finish(expire, tell, data_dir, _expire, of_one=False)


def _finish(
    parser: argparse.ArgumentParser, tell: Tell, data_dir: Path, act: _Act, *, of_one: bool = True
) -> None:
    if of_one:
        parser.add_argument("psn_no", help="人员编号 (person number)")
    parser.add_argument("--actor", required=True, help="操作人 (login name)")
    parser.add_argument("--reason", required=True, help="事由与文号 (why; audited)")
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: tell(act(parsed)))


def _export(parsed: argparse.Namespace) -> Said:
    from settlement.serve.personal_desk import export_to

    return export_to(
        parsed.data_dir, parsed.psn_no, parsed.to, actor=parsed.actor, reason=parsed.reason
    )


def _erase(parsed: argparse.Namespace) -> Said:
    from settlement.serve.personal_desk import on_desk, propose

    return on_desk(
        parsed.data_dir,
        lambda desk: propose(desk, parsed.psn_no, actor=parsed.actor, reason=parsed.reason),
    )


def _confirm(parsed: argparse.Namespace) -> Said:
    from settlement.serve.personal_desk import confirm, on_desk

    return on_desk(
        parsed.data_dir,
        lambda desk: confirm(desk, parsed.psn_no, actor=parsed.actor, reason=parsed.reason),
    )


def _expire(parsed: argparse.Namespace) -> Said:
    from settlement.serve.personal_desk import expire, on_desk

    return on_desk(
        parsed.data_dir,
        lambda desk: expire(
            desk, actor=parsed.actor, reason=parsed.reason, preview=parsed.preview
        ),
    )
