"""What a region needs beside its database, and whether a backup holds it.

A store holds the database and nothing else: whoever takes a store has no key, and whoever takes
the keys has no data.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from settlement.backups import Beside
from settlement.embedded.errors import ServiceError
from settlement.keyring import KeyMaterial
from settlement.region import hub_config
from settlement.storage import keyfile, platform_key, seal_key

DATABASE = Beside(
    what="数据库 the database", where="base/, wal/", held=True,
    advice="姓名证件等已加密，其余（人员编号、机构、金额）为明文：存放于加密磁盘 | names and "
    "identity numbers are ciphertext, person numbers, institutions and amounts are not: keep the "
    "store on an encrypted disk",
)  # fmt: skip
_TOGETHER = "另行保管，勿与备份同处 | keep it apart from the backups"
_PLAIN = "明文文件，随系统配置备份 | plain file, keep it with the machine's configuration"
_AGAIN = "不备份，可重新生成 | not kept, is made again"


def beside(data_dir: Path, environment: Mapping[str, str]) -> list[Beside]:
    """What is beside the database of a data directory, as far as it is there."""
    secrets = data_dir / "secrets"
    files = (
        ("个人数据密钥 keys of personal data", keyfile.key_file(secrets, environment),
         f"未加密；丢失则姓名证件不可读。{_TOGETHER} | not encrypted; without it names cannot be "
         "read"),
        ("封存签名密钥 keys that sign seals", seal_key.seal_key_file(secrets, environment),
         f"未加密。{_TOGETHER}"),
        ("移动支付中心密钥 key of the mobile-payment centre",
         platform_key.platform_key_file(secrets, environment), f"未加密。{_TOGETHER}"),
        ("数据库口令 passwords of the database", secrets,
         "恢复时重设 | set anew by a restore"),
        ("支付渠道配置 payment channels", data_dir / "channels.toml", _PLAIN),
        ("跨区枢纽配置 hub", hub_config.hub_file(data_dir, environment), _PLAIN),
        ("待导入文件 files that wait for their import", data_dir / "imports",
         "已用个人数据密钥加密；恢复后重新上传 | encrypted with the keys of personal data; send "
         "them again after a restore"),
        ("控制台导出文件 files that the console made", data_dir / "console-files", _AGAIN),
    )  # fmt: skip
    kept = [
        Beside(what=what, where=str(path), held=False, advice=advice)
        for what, path, advice in files
        if path.exists()
    ]
    loaded = Beside(
        what="待遇政策 policies that were loaded", where="base/, wal/", held=True,
        advice="在库内；随程序发布的在程序内 | in the database; shipped ones are in the program",
    )  # fmt: skip
    return [DATABASE, loaded, *kept]


def key_fingerprints(path: Path) -> dict[str, str]:
    """By which a key file is known without being told: a hash of each version's keys."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=tuple[KeyMaterial, ...])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as exc:
        raise ServiceError(f"the key file {path} cannot be used: {exc}") from exc
    return {
        str(one.version): sha256(b"\x15" + one.encryption + one.lookup).hexdigest()[:32]
        for one in found
    }
