"""The environment variables of the program, each with what it means; pure.

Who reads one names it where it is read; a test holds this table equal to all of those, and
docs/operating/configuration.md is written from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Variable(Struct, frozen=True):
    """Chinese and English, and what holds without it; `is_secret` where it has a password."""

    zh: str
    en: str
    without: str
    is_secret: bool = False


VARIABLES: Mapping[str, Variable] = {
    "SETTLEMENT_DATABASE_URL": Variable(
        "自有 PostgreSQL：库属主的 URL", "a PostgreSQL of your own: the URL of the schema's owner",
        "an embedded one under the data directory", is_secret=True,
    ),
    "SETTLEMENT_APP_DATABASE_URL": Variable(
        "同一数据库中应用角色的 URL", "the same for the application's role",
        "made by itself where the owner may create roles", is_secret=True,
    ),
    "SETTLEMENT_REDIS_URL": Variable(
        "自有 Redis 的 URL", "a Redis of your own", "an embedded one", is_secret=True,
    ),
    "SETTLEMENT_BACKUP_URL": Variable(
        "自有 PostgreSQL 上可做备份的登录", "a login of a PostgreSQL of your own that may copy it",
        "the owner's", is_secret=True,
    ),
    "SETTLEMENT_KEY_FILE": Variable(
        "个人信息密钥文件", "the file of the keys of personal data", "`DATA_DIR/secrets/keys.json`",
    ),
    "SETTLEMENT_MOBILE_KEY_FILE": Variable(
        "移动支付签名用 SM2 私钥文件", "the SM2 key that signs mobile payment",
        "`DATA_DIR/secrets/mobile-sm2.key`, made at the first start",
    ),
    "SETTLEMENT_SEAL_KEY_FILE": Variable(
        "封存签名密钥文件", "the file of the keys that sign seals",
        "`DATA_DIR/secrets/seal-keys.json`",
    ),
    "SETTLEMENT_TLS_CERTIFICATE": Variable(
        "本服务 TLS 证书（链）文件，同 `--tls-certificate`",
        "the file of the certificate that TLS is spoken with, as `--tls-certificate`",
        "plain HTTP",
    ),
    "SETTLEMENT_TLS_KEY": Variable(
        "其私钥文件，同 `--tls-key`", "the file of its key, as `--tls-key`", "plain HTTP",
    ),
    "SETTLEMENT_TLS_CLIENT_CA": Variable(
        "客户端证书签发机构文件（双向 TLS），同 `--tls-client-ca`",
        "the file of the authorities whose certificates senders must show, as `--tls-client-ca`",
        "nobody has to show one",
    ),
    "SETTLEMENT_HUB_FILE": Variable(
        "跨区平台配置文件", "how other regions are reached", "`DATA_DIR/hub.toml`, where it is",
    ),
    "SETTLEMENT_CHANNELS": Variable(
        "收款渠道商户文件", "which merchants collect over payment channels",
        "`DATA_DIR/channels.toml`, where it is",
    ),
    "SETTLEMENT_TRACES_URL": Variable(
        "链路追踪收集器（OTLP/HTTP）地址", "where traces are sent: a collector of OTLP over HTTP",
        "no traces",
    ),
    "SETTLEMENT_TRACES_SHARE": Variable(
        "追踪的请求比例，大于 0、不超过 1", "the share of requests that is traced, over 0 up to 1",
        "0.01",
    ),
    "SETTLEMENT_KEEP_YEARS": Variable(
        "个人信息保存年限，不小于 5", "how many years personal data is kept, 5 or more", "30",
    ),
    "SETTLEMENT_ONLINE_YEARS": Variable(
        "年度明细留在库中的整年数，不小于 2",
        "for how many full years after a year its details stay in the database before they may be "
        "archived, 2 or more", "5",
    ),
    "SETTLEMENT_REGION": Variable(
        "统筹区代码，六位", "the pooling area, six digits", "441900",
    ),
    "SETTLEMENT_PROFILE": Variable(
        "未随程序发布的统筹区参数文件，仅建库时读",
        "the profile of a region that has none among the shipped ones; read when a database is "
        "made", "the shipped profile of the region",
    ),
    "SETTLEMENT_SERVICE_USER": Variable(
        "以 root 启动时运行内置服务器的用户",
        "who runs the embedded servers when root starts them", "`nobody`",
    ),
    "SETTLEMENT_SERVER_HOMES": Variable(
        "该用户进不了数据目录时，数据与程序的位置",
        "where data and programs go that this user cannot reach otherwise", "`/var/lib/settlement`",
    ),
    "SETTLEMENT_POSTGRES_SHARED_BUFFERS": Variable(
        "内置 PostgreSQL 的共享内存", "memory of the embedded PostgreSQL",
        "an eighth of the machine's, 512 MB to 1 GB; 128 MB on a machine under 2 GB",
    ),
    "SETTLEMENT_POSTGRES_MAX_CONNECTIONS": Variable(
        "内置 PostgreSQL 的连接上限", "connections of the embedded PostgreSQL", "100",
    ),
    "SETTLEMENT_POSTGRES_IO_METHOD": Variable(
        "内置 PostgreSQL 的读写方式（sync、worker）",
        "how the embedded PostgreSQL reads: `sync`, or `worker` for idle cores and slow disks",
        "`sync`",
    ),
    "SETTLEMENT_POSTGRES_WAL_COMPRESSION": Variable(
        "内置 PostgreSQL 的 WAL 压缩", "whether the embedded PostgreSQL compresses its WAL",
        "`off`",
    ),
}  # fmt: skip
