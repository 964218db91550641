"""The actions of `settlement close`, `balance`, `seals` and the like, each opened on a data
directory for one act."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path

from settlement.books.month_states import MonthAct
from settlement.books.seal_keys import Algorithm, PublicKey
from settlement.clock import local_time, system_clock
from settlement.finance import balances, month_check, months, proofs, workbooks
from settlement.finance.days import DayClosed, close_days
from settlement.finance.months import Found, acting
from settlement.finance.office import Office, run
from settlement.said import UNUSABLE, Said
from settlement.who import Who


def close_through(data_dir: Path, day: date) -> Said:
    """Close every business day up to one."""
    return run(data_dir, lambda office: close_open_days(office, day))


def month(
    data_dir: Path, month: date, act: str, *, confirm: bool, who: Who | None, out: Path | None
) -> Said:
    """One act on a month, or what stands in its way."""
    if act == "check":
        return run(data_dir, lambda office: month_check.show(office, month))
    if act == "report":
        if out is None:
            return Said(UNUSABLE, "settlement: report needs --out FILE")
        write = (
            workbooks.write_month if out.suffix.lower() == ".xlsx" else months.write_report
        )
        return run(data_dir, lambda office: write(office, month, out))
    if who is None:
        return Said(UNUSABLE, f"settlement: {act} needs --actor and --reason")
    return run(data_dir, lambda office: act_on_month(office, month, act, who, confirm=confirm))


async def act_on_month(
    office: Office, month: date, act: str, who: Who, *, confirm: bool = False
) -> Said:
    """Begin, verify, close (proposed by one, confirmed by another), or seal."""

    async def checked(found: Found) -> Said:
        stands = month_check.standing_in_the_way(await month_check.points(office, found))
        one_of_two = months.close if confirm else months.propose
        return await one_of_two(office, found, who, stands)

    if act == "begin":
        return await acting(
            office, month, MonthAct.BEGIN, lambda found: months.begin(office, found, who)
        )
    if act == "verify":
        return await acting(
            office, month, MonthAct.VERIFY, lambda found: month_check.verify(office, found, who)
        )
    if act == "seal":
        return await acting(
            office, month, MonthAct.SEAL, lambda found: months.seal(office, found, who)
        )
    return await acting(office, month, MonthAct.CLOSE if confirm else MonthAct.PROPOSE, checked)


def balance(data_dir: Path, account: str, at: datetime | None, *, as_json: bool) -> Said:
    """What an account has, or had."""
    moment = at or local_time(system_clock())
    return run(
        data_dir, lambda office: balances.balance(office, account, moment, as_json=as_json)
    )


def statement(
    data_dir: Path, account: str, first: date, last: date, out: Path | None, *, entries: bool
) -> Said:
    """What moved an account."""
    return run(
        data_dir,
        lambda office: balances.statement(office, account, first, last, out, entries=entries),
    )


def publish(data_dir: Path, month: date, out: Path) -> Said:
    """The seals of a month as they are published."""
    return run(data_dir, lambda office: proofs.publish(office, month, out))


def prove(
    data_dir: Path, institution: str, month: date, setl_id: int | None, out: Path
) -> Said:
    """What an institution needs to check its month."""
    return run(
        data_dir, lambda office: proofs.prove(office, institution, month, setl_id, out)
    )


def new_key(data_dir: Path, algorithm: str) -> Said:
    """A new key to sign with."""
    return proofs.new_key(
        data_dir, Algorithm(algorithm), system_clock(), environment=os.environ
    )


def known_keys(data_dir: Path) -> Said:
    """The keys there are."""
    return proofs.known_keys(data_dir, environment=os.environ)


def verify_proof(path: Path, key: str | None) -> Said:
    """Check a proof; `key` is hex, or a file with it: alone, or in what was published."""
    if key is None:
        return proofs.verify_proof(path, None)
    try:
        public = _public_key(Path(key).read_text("utf-8") if Path(key).is_file() else key)
    except (OSError, ValueError) as exc:
        return Said(UNUSABLE, f"{key} 不是公钥 | is no public key: {exc}")
    return proofs.verify_proof(path, public)


async def close_open_days(office: Office, day: date) -> Said:
    """Close every business day up to one that is over."""
    today = local_time(office.clock()).date()
    if day >= today:
        return Said(1, f"{day} 尚未结束 | the day is not over yet")
    key = None if office.keys is None else office.keys.signing
    closed = await close_days(
        office.connection, office.home, through=day, at=office.clock(), key=key
    )
    if not closed:
        return Said(0, f"{day} 已日结 | it was closed before")
    return Said(0, "\n".join(map(_day_line, closed)))


def _day_line(one: DayClosed) -> str:
    signed = "已签名 signed" if one.signed else "未签名（没有密钥）not signed"
    return f"{one.day} 已日结：{one.institutions} 家机构 {one.settlements} 笔，{signed} | closed"


def _public_key(text: str) -> PublicKey:
    """Of hex (an Ed25519 key has 32 bytes, one of SM2 65), or of a published list of seals."""
    text = text.strip()
    if text.startswith("{"):
        told = json.loads(text)
        return PublicKey(algorithm=Algorithm(told["algorithm"]), public=str(told["public_key"]))
    length = len(bytes.fromhex(text))
    if length not in (32, 65):
        raise ValueError(f"{length} bytes")
    return PublicKey(
        algorithm=Algorithm.ED25519 if length == 32 else Algorithm.SM2, public=text.lower()
    )
