"""Seals published, and proofs for institutions (封存公布, 结算证明)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import msgspec

from ledger.entry import Entry
from ledger.money import yuan_text
from settlement.books.month_states import last_day, month_text
from settlement.books.proving import (
    FORMAT,
    VERDICT_ZH,
    Checked,
    Proof,
    UnreadableProofError,
    Verdict,
    check_proof,
    figures_of,
    proven,
    read_proof,
)
from settlement.books.seal_keys import Algorithm, PublicKey
from settlement.books.sealing import Leaves, Root, Span, roots_of, seal_of
from settlement.clock import local_time
from settlement.finance.office import Office, written
from settlement.said import UNUSABLE, Said
from settlement.storage import reference, seals
from settlement.storage.keyfile import KeyFileError
from settlement.storage.seal_key import load_seal_keys, make_seal_key, seal_key_file
from settlement.storage.seals import SealList

SHOWN_MAX = 20
"""Settlements that hold, of which a check prints no more lines."""
PUBLISHED = "settlement-seals/1"


def new_key(
    data_dir: Path, algorithm: Algorithm, at: datetime, *, environment: Mapping[str, str]
) -> Said:
    """Make the key that signs seals from now on, and say what others check by."""
    try:
        made = make_seal_key(seal_key_file(data_dir / "secrets", environment), algorithm, at)
    except KeyFileError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    return Said(0, _key_text(made.signing.public, "现用 signs now"))


def known_keys(data_dir: Path, *, environment: Mapping[str, str]) -> Said:
    """The keys that sign and signed."""
    try:
        keys = load_seal_keys(seal_key_file(data_dir / "secrets", environment))
    except KeyFileError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    if keys is None:
        return Said(1, "没有封存签名密钥 | there is no key yet")
    lines = [_key_text(keys.signing.public, f"自 {local_time(keys.since):%Y-%m-%d} 现用")]
    lines += [
        _key_text(one.key, f"用至 {local_time(one.until):%Y-%m-%d}") for one in keys.past
    ]
    return Said(0, "\n".join(lines))


async def publish(office: Office, month: date, out: Path) -> Said:
    """Write the seals of a month as they are published."""
    found = await published(office, month)
    if isinstance(found, Said):
        return found
    content, count = found
    path = out / published_name(month)
    return written(path, content, f"{count} 家机构 institutions")


def published_name(month: date) -> str:
    """What the file of a month's seals is called."""
    return f"seals-{month_text(month)}.json"


async def published(office: Office, month: date) -> tuple[bytes, int] | Said:
    """The seals of a month as they are published, and how many they are: no figures of anybody."""
    span = _span(month)
    kept = await _list_of(office, span)
    if kept is None or kept.key is None:
        return _unsealed(month)
    rows = await seals.seals_of(office.connection, span)
    told = {
        "format": PUBLISHED, "region": office.home.region, "month": month_text(month),
        "sealed_at": local_time(kept.sealed_at).isoformat(sep=" ", timespec="seconds"),
        "algorithm": kept.key.algorithm, "public_key": kept.key.public,
        "fingerprint": kept.key.fingerprint, "digest": kept.digest.hex(),
        "seals": [
            {
                "institution": one.root.institution,
                "seal": seal_of(office.home.region, span, one.root).hex(),
                "signature": one.signature.hex(),
            }
            for one in rows
        ],
    }  # fmt: skip
    return msgspec.json.encode(told), len(rows)


async def prove(
    office: Office, institution: str, month: date, setl_id: int | None, out: Path
) -> Said:
    """Write the proof of an institution's month, or of one settlement of it."""
    proof = await proof_of(office, institution, month, setl_id)
    if isinstance(proof, Said):
        return proof
    told = f"{len(proof.entries)} 笔，共 {proof.settlements} 笔 settlements"
    return written(out, msgspec.json.encode(proof), told)


async def proof_of(
    office: Office, institution: str, month: date, setl_id: int | None
) -> Proof | Said:
    """The proof of an institution's month, or of one settlement of it."""
    span = _span(month)
    kept = await _list_of(office, span)
    if kept is None or kept.key is None:
        return _unsealed(month)
    found = await seals.seals_of(office.connection, span, institution)
    if not found:
        return Said(
            1, f"{institution} 在 {month_text(month)} 没有结算 | it settled nothing in that month"
        )
    booked = await seals.entries_of(office.connection, institution, span)
    entries, leaves = [one for one, _ in booked], [hashed for _, hashed in booked]
    if _root(institution, booked) != found[0].root:
        return Said(
            1, f"{institution} 现存的账与封存不符，请运行 settlement verify | what is booked is "
            "not what was sealed",
        )  # fmt: skip
    chosen = None
    if setl_id is not None:
        chosen = [n for n, entry in enumerate(entries) if entry.entry_id == setl_id]
        if not chosen:
            return Said(1, f"{institution} 在该月没有结算 {setl_id} | no such settlement")
    name, base = await _who_is(office, institution)
    return Proof(
        format=FORMAT, region=office.home.region, institution=institution, name=name,
        account_base=base, begins_on=span.begins_on, ends_on=span.ends_on,
        settlements=len(entries), root=found[0].root.root.hex(),
        seal=seal_of(office.home.region, span, found[0].root).hex(),
        algorithm=kept.key.algorithm, public_key=kept.key.public,
        signature=found[0].signature.hex(), entries=proven(entries, leaves, chosen),
    )  # fmt: skip


def verify_proof(path: Path, key: PublicKey | None) -> Said:
    """Check a proof without any database: 0 all holds, 1 something does not, 2 it is no proof."""
    try:
        proof = read_proof(path.read_bytes())
    except OSError as exc:
        return Said(UNUSABLE, f"{path} 读不出 | cannot be read: {exc.strerror}")
    except UnreadableProofError as exc:
        return Said(UNUSABLE, f"{path} 不是结算证明 | is no proof: {exc}")
    checked = check_proof(proof, key)
    return Said(0 if checked.holds else 1, _told(proof, checked, given=key is not None))


def _told(proof: Proof, checked: Checked, *, given: bool) -> str:
    by = "给定的密钥 the key given" if given else "证明自带的密钥，请与公布的核对 its own key"
    lines = [
        f"{proof.name}（{proof.institution}）{proof.begins_on} 至 {proof.ends_on}：证明 "
        f"{len(proof.entries)} 笔，封存 {proof.settlements} 笔",
        f"  {_mark(checked.seal_holds)} 封存 seal {proof.seal}",
        f"  {_mark(checked.signature_holds)} 签名 signature, {by}: "
        f"{checked.key.algorithm} {checked.key.fingerprint}",
    ]  # fmt: skip
    shown = 0
    for entry, verdict in zip(proof.entries, checked.verdicts, strict=True):
        holds = verdict is Verdict.INCLUDED
        shown += holds
        if holds and shown > SHOWN_MAX:
            continue
        sums = figures_of(entry, proof.account_base)
        lines.append(
            f"  {_mark(holds)} {entry.setl_id} {VERDICT_ZH[verdict]} {verdict.value}：总额 "
            f"{yuan_text(sums.total_fen)} 基金 {yuan_text(sums.fund_fen)} 账户 "
            f"{yuan_text(sums.account_fen)}"
        )
    if shown > SHOWN_MAX:
        lines.append(f"  ✓ 另有 {shown - SHOWN_MAX} 笔在内，未改动 more are included")
    lines.append(
        "全部相符 everything holds" if checked.holds
        else "有不符之处 something does NOT hold"
    )
    return "\n".join(lines)


def _root(institution: str, booked: list[tuple[Entry, bytes]]) -> Root:
    leaves = Leaves()
    for entry, hashed in booked:
        leaves.add([entry.entry_id], hashed)
    return roots_of({institution: leaves})[0]


async def _who_is(office: Office, institution: str) -> tuple[str, int]:
    known = (await reference.institutions(office.connection))[institution]
    return known.name, known.account_base


async def _list_of(office: Office, span: Span) -> SealList | None:
    lists = await seals.seal_lists(office.connection)
    return next((one for one in lists if one.span == span), None)


def _span(month: date) -> Span:
    return Span(begins_on=month, ends_on=last_day(month))


def _unsealed(month: date) -> Said:
    return Said(1, f"{month_text(month)} 尚未封存 | the month is not sealed")


def _key_text(key: PublicKey, what: str) -> str:
    return f"{key.algorithm} {key.public}\n  指纹 fingerprint {key.fingerprint}  {what}"


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗"
