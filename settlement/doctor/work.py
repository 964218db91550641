"""What runs and what is left to do: leases, Redis, backups, certificates in the database, lists."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from protocol.hub.certificates import CertificateError, read_certificate
from settlement.backup.store import Store, open_store
from settlement.books.difference_states import UNDER_WAY
from settlement.clock import local_time
from settlement.doctor.findings import Code
from settlement.doctor.keys import ends_within
from settlement.doctor.patient import Patient
from settlement.embedded.archiving import archived, read_place
from settlement.embedded.errors import ServiceError
from settlement.embedded.redis_facts import describe_redis
from settlement.keyring import UndecipherableError
from settlement.storage import census, differences, hub, outbox
from settlement.storage import doctor as asked
from settlement.storage.lease import PlainConnection
from settlement.usecases.payment_effects import PEOPLES_TURN
from settlement.wal_names import first_gap
from settlement.workers.registry import LOOPS

REDIS_POLICY = "volatile-ttl"


async def examine_leases(patient: Patient, application: PlainConnection) -> None:
    """Who does what only one process does; somebody must where gateways are connected."""
    held = await asked.leases(application)
    gateways = await asked.gateways_connected(application)
    numbers = {one.lease for one in held}
    lacking = [loop.name for loop in LOOPS if loop.lease not in numbers]
    if gateways and lacking:
        patient.examination.found(Code.LOOPS_STOPPED, which=", ".join(lacking))
    shown = ", ".join(_holder(one) for one in held)
    patient.examination.saw(
        "租约 leases", f"{shown or '无 none'}; 网关会话 sessions of gateways: {gateways}"
    )


async def examine_redis(patient: Patient, url: str) -> None:
    """Whether it answers, and leaves nonces for last."""
    examination = patient.examination
    try:
        found = await describe_redis(url)
    except ServiceError as exc:
        examination.found(Code.REDIS_UNREACHABLE, reason=str(exc))
        return
    examination.saw("Redis", f"{found.version}, {found.used_bytes // 2**20} MB")
    if not found.settings_seen:
        examination.left_out("Redis 设置 settings", "服务器不告知 the server does not tell them")
        return
    if found.policy != REDIS_POLICY:
        examination.found(Code.REDIS_EVICTION, policy=found.policy)
    if found.memory_max_bytes == 0:
        examination.found(Code.REDIS_UNBOUNDED)
    if found.appendonly == "yes" or found.save:
        what = "appendonly" if found.appendonly == "yes" else f"save {found.save}"
        examination.found(Code.REDIS_PERSISTS, what=what)


async def examine_backups(patient: Patient, copier_dsn: str) -> None:
    """Whether the newest base backup, mark and archived WAL are recent, and without a gap."""
    examination = patient.examination
    try:
        place = read_place(patient.data_dir)
        if place is None:
            examination.found(Code.BACKUP_NONE)
            return
        store = _open_store(place.store)
        _examine_store(patient, store)
        seen = await archived(copier_dsn)
    except ServiceError as exc:
        examination.found(Code.BACKUP_UNUSABLE, reason=str(exc))
        return
    failed, done = seen.last_failed_wal, seen.last_archived_wal
    if failed is not None and (done is None or failed > done):
        examination.found(Code.ARCHIVE_FAILING, segment=failed)


def _open_store(path: str) -> Store:
    """The store at a place; ServiceError also where its disk refuses."""
    try:
        return open_store(Path(path))
    except OSError as exc:
        raise ServiceError(f"{path}: {exc}") from exc


def _examine_store(patient: Patient, store: Store) -> None:
    examination, limits, now = patient.examination, patient.thresholds, patient.clock()
    manifests, mark = store.manifests(), store.newest_mark()
    newest = max((one.ended_at for one in manifests), default=None)
    if newest is None or now - newest > limits.base_age:
        examination.found(Code.BACKUP_OLD, newest=_text(newest))
    if mark is None or now - mark.at > limits.mark_age:
        examination.found(Code.BACKUP_MARK_OLD, newest=_text(None if mark is None else mark.at))
    if manifests:
        oldest = min(manifests, key=lambda one: one.begin)
        gap = first_gap(store.segments(), oldest.begin, oldest.wal_segment_bytes)
        if gap is not None:
            examination.found(Code.BACKUP_GAP, segment=str(gap))
    examination.saw(
        "备份 backups", f"{store.path}: {len(manifests)}, 最新 newest {_text(newest)}"
    )


async def examine_hub(patient: Patient, connection: PlainConnection, root: bytes) -> None:
    """Certificates of ours and of other regions; those that were withdrawn do not count."""
    examination, withdrawn = patient.examination, await hub.read_withdrawals(connection)
    texts = [one.content for one in await hub.read_certificates(connection)]
    if patient.keyring is not None:
        try:
            identities = await hub.read_identities(connection, patient.keyring)
        except UndecipherableError:
            examination.left_out("跨区密钥 keys for regions", "密钥打不开 they do not open")
            identities = []
        if identities and not identities[-1].certificate:
            made_on = local_time(identities[-1].made_at).date().isoformat()
            examination.found(Code.HUB_KEYS_UNCERTIFIED, made_on=made_on)
        texts += [one.certificate for one in identities if one.certificate]
    newest: dict[str, tuple[str, datetime]] = {}
    for text in texts:
        try:
            one = read_certificate(text, root)
        except CertificateError as exc:
            examination.left_out("跨区证书 certificate of a region", str(exc))
            continue
        before = newest.get(one.region)
        if one.serial not in withdrawn and (before is None or one.not_after > before[1]):
            newest[one.region] = (one.serial, one.not_after)
    for region, (serial, not_after) in sorted(newest.items()):
        ends_within(patient, f"跨区 region {region} {serial}", not_after)


async def examine_key_fit(patient: Patient, connection: PlainConnection, path: str) -> None:
    """Whether the key file is that of this database."""
    if patient.keyring is None:
        return
    for access_key in await asked.sealed_with_other_keys(connection, patient.keyring):
        patient.examination.found(
            Code.KEY_FILE_WRONG, path=path, what=f"credential {access_key}"
        )


async def examine_lists(patient: Patient, connection: PlainConnection) -> None:
    """What waits for people, and what should have come to its end by itself."""
    examination, now = patient.examination, patient.clock()
    doubt = await census.in_doubt(connection, PEOPLES_TURN)
    for one in doubt:
        since = _text(one.oldest_at)
        if one.what == "by_hand":
            examination.found(Code.PEOPLE_AWAITED, count=one.found, since=since)
        elif now - one.oldest_at > patient.thresholds.doubt_age:
            examination.found(Code.IN_DOUBT_LONG, count=one.found, what=one.what, since=since)
    channel = sum(
        one.rows for one in await differences.counted(connection) if one.state in UNDER_WAY
    )
    region = sum((await census.region_differences(connection)).values())
    for party, count in (("channel", channel), ("region", region)):
        if count:
            examination.found(Code.DIFFERENCES_OPEN, party=party, count=count)
    owed = await outbox.backlog(connection)
    if owed.oldest_at is not None and now - owed.oldest_at > patient.thresholds.notice_age:
        examination.found(
            Code.NOTICES_OVERDUE, count=owed.notices, since=_text(owed.oldest_at)
        )
    examination.saw(
        "待办 work",
        f"未定 in doubt {sum(one.found for one in doubt)}, 差异 differences {channel + region}, "
        f"待发通知 notices {owed.notices}",
    )


def _holder(lease: asked.Lease) -> str:
    """With the time since when, which PostgreSQL tells of one's own role only."""
    return lease.holder if lease.since is None else f"{lease.holder} ({_text(lease.since)})"


def _text(at: datetime | None) -> str:
    if at is None:
        return "无 none"
    return local_time(at).isoformat(sep=" ", timespec="seconds")
