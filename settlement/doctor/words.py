"""Each finding in Chinese and English, and what to do about it (docs/operating/doctor.md)."""

from __future__ import annotations

from collections.abc import Mapping

from settlement.doctor.findings import Code, Finding, Sentences, Severity

_FAULT, _WARNING = Severity.FAULT, Severity.WARNING
_Row = tuple[Severity, str, str, str, str]

WORDS: Mapping[Code, _Row] = {
    Code.DATA_DIR_MISSING: (
        _FAULT, "{path} 不是本系统的数据目录",
        "{path} is no data directory of this program",
        "核对 --data-dir；新装机先运行 settlement serve",
        "check --data-dir; on a new machine start settlement serve first",
    ),
    Code.DATA_DIR_OPEN: (
        _FAULT, "数据目录 {path} 任何人可写（权限 {mode}）",
        "everybody may write into the data directory {path} (mode {mode})",
        "chmod o-w {path}，并查明谁写过",
        "chmod o-w {path}, and find out who wrote there",
    ),
    Code.SECRETS_OPEN: (
        _FAULT, "密钥目录 {path} 他人可进入（权限 {mode}）",
        "others may enter the directory of secrets {path} (mode {mode})",
        "chmod 700 {path}；如密钥可能已被读取，更换之",
        "chmod 700 {path}; where keys may have been read, change them",
    ),
    Code.PRIVATE_FILE_OPEN: (
        _FAULT, "密钥或密码文件 {path} 他人可读写（权限 {mode}）",
        "others may read or write {path}, which holds a key or a password (mode {mode})",
        "chmod 600 {path}；如可能已被读取，更换其内容",
        "chmod 600 {path}; where it may have been read, change what is in it",
    ),
    Code.PRIVATE_FILE_OWNER: (
        _WARNING, "{path} 属于用户 {owner}，数据目录属于 {expected}",
        "{path} belongs to user {owner}, the data directory to {expected}",
        "chown {expected} {path}，否则服务可能读不到它",
        "chown {expected} {path}; else the service may not be able to read it",
    ),
    Code.DISK_FULL: (
        _FAULT, "{path} 所在磁盘仅余 {free_mb} MB，低于启动所需的 {least_mb} MB",
        "only {free_mb} MB are free on the disk of {path}; a start needs {least_mb} MB",
        "立即腾出空间（先删日志与旧备份，勿动 postgres/）",
        "free space now (logs and old backups first, never files inside postgres/)",
    ),
    Code.DISK_LOW: (
        _WARNING, "{path} 所在磁盘余 {free_mb} MB（{percent}%）",
        "{free_mb} MB ({percent} %) are free on the disk of {path}",
        "扩容或清理；增长速度见指标 settlement_database_bytes",
        "enlarge or clear it; settlement_database_bytes shows how fast it grows",
    ),
    Code.KEY_FILE_MISSING: (
        _FAULT, "没有密钥文件 {path}：库中姓名等无法读取",
        "there is no key file {path}: names in the database cannot be read",
        "从异地保存的副本恢复（SETTLEMENT_KEY_FILE 可指定位置）",
        "bring back the copy that is kept elsewhere (SETTLEMENT_KEY_FILE names its place)",
    ),
    Code.KEY_FILE_UNUSABLE: (
        _FAULT, "密钥文件 {path} 无法使用：{reason}",
        "the key file {path} cannot be used: {reason}",
        "从副本恢复该文件；切勿新建",
        "bring the file back from its copy; never make a new one",
    ),
    Code.KEY_FILE_WRONG: (
        _FAULT, "密钥文件 {path} 打不开库中的 {what}：不是这个库的密钥",
        "the key file {path} does not open {what} of the database: it is of another database",
        "核对 SETTLEMENT_KEY_FILE 与数据目录，换回本库的密钥文件",
        "check SETTLEMENT_KEY_FILE and the data directory; put this database's key file back",
    ),
    Code.KEY_OLD: (
        _WARNING, "{what} 已使用 {days} 天未更换",
        "{what} has not been changed for {days} days",
        "按 docs/operating/keys-and-backups.md 更换；旧版本须保留",
        "change it as docs/operating/keys-and-backups.md says; keep the old versions",
    ),
    Code.CHANNELS_UNUSABLE: (
        _FAULT, "收款渠道配置无法使用：{reason}",
        "the file of payment channels cannot be used: {reason}",
        "按提示改正；服务以此启动会失败",
        "mend what it names; the service does not start with it",
    ),
    Code.HUB_UNUSABLE: (
        _FAULT, "跨区交换配置无法使用：{reason}",
        "the description of the hub cannot be used: {reason}",
        "改正 hub.toml 或 SETTLEMENT_HUB_FILE 所指文件",
        "mend hub.toml, or the file that SETTLEMENT_HUB_FILE names",
    ),
    Code.TLS_UNUSABLE: (
        _FAULT, "TLS 文件无法使用：{reason}",
        "the files of TLS cannot be used: {reason}",
        "改正后服务自动换上；服务以此启动会失败",
        "mend what it names: the server takes it by itself, and does not start with it as it is",
    ),
    Code.CERTIFICATE_ENDED: (
        _FAULT, "证书 {what} 已于 {ends_on} 失效",
        "the certificate {what} ended on {ends_on}",
        "向签发方换取新证书并换上；跨区证书用 settlement hub",
        "get a new one from its issuer and put it in; for those of regions, settlement hub",
    ),
    Code.CERTIFICATE_ENDS_SOON: (
        _WARNING, "证书 {what} 将于 {ends_on} 失效，余 {days} 天",
        "the certificate {what} ends on {ends_on}, in {days} days",
        "现在就申请换发，新旧证书可有一段并存期",
        "apply for a new one now, so that old and new overlap",
    ),
    Code.HUB_KEYS_UNCERTIFIED: (
        _WARNING, "本区 {made_on} 生成的跨区密钥尚无可用证书",
        "our keys for other regions, made on {made_on}, have no certificate that counts",
        "把申请交给签发机构，领回后 settlement hub certificate",
        "hand the request to the authority; then settlement hub certificate",
    ),
    Code.TIME_SOURCE_SILENT: (
        _WARNING, "时间源 {source} 没有应答：{reason}",
        "the source of time {source} does not answer: {reason}",
        "核对地址与 UDP 123 端口是否放行",
        "check the address, and that UDP port 123 is let through",
    ),
    Code.CLOCK_FAR_APART: (
        _FAULT, "本机时钟与 {source} 相差 {apart_ms} 毫秒",
        "this machine's clock differs from {source} by {apart_ms} ms",
        "停止受理，校正时钟（chrony），再启动：业务日期与签名时效都依赖它",
        "stop, set the clock right (chrony) and start: business days and signatures rest on it",
    ),
    Code.CLOCK_APART: (
        _WARNING, "本机时钟与 {source} 相差 {apart_ms} 毫秒",
        "this machine's clock differs from {source} by {apart_ms} ms",
        "检查 chrony 是否运行（chronyc tracking）",
        "see whether chrony runs (chronyc tracking)",
    ),
    Code.DATABASE_UNREACHABLE: (
        _FAULT, "数据库无法使用：{reason}",
        "the database cannot be used: {reason}",
        "看数据库是否运行、地址与密码是否正确；内置库的日志在数据目录 logs/",
        "see that it runs, and address and password; an embedded one logs to logs/ of the "
        "data directory",
    ),
    Code.APP_LOGIN_FAILED: (
        _FAULT, "应用角色无法登录数据库：{reason}",
        "the application's role cannot log in to the database: {reason}",
        "核对 SETTLEMENT_APP_DATABASE_URL，或数据目录 secrets/ 中保存的密码",
        "check SETTLEMENT_APP_DATABASE_URL, or the password kept in secrets/ of the data "
        "directory",
    ),
    Code.DATABASE_OLD: (
        _FAULT, "PostgreSQL 版本为 {version}，最低 15",
        "PostgreSQL is version {version}; 15 is the lowest",
        "升级数据库服务器（pg_upgrade），先做备份",
        "upgrade the server (pg_upgrade), after a backup",
    ),
    Code.DATABASE_ENCODING: (
        _FAULT, "数据库编码为 {encoding}，应为 UTF8",
        "the database is encoded in {encoding}, not in UTF8",
        "以 encoding 'UTF8' 新建数据库",
        "make the database anew with encoding 'UTF8'",
    ),
    Code.DURABILITY_OFF: (
        _FAULT, "数据库 {setting} 关闭：断电会丢失已应答的结算",
        "{setting} of the database is off: a power cut loses settlements that were answered",
        "设 {setting} = on 并重新加载，然后 settlement verify",
        "set {setting} = on and reload, then settlement verify",
    ),
    Code.COMMITS_NOT_DURABLE: (
        _FAULT, "角色 {role} 的 synchronous_commit 为 {value}：提交未落盘即应答",
        "synchronous_commit of role {role} is {value}: it is answered before it is on disk",
        "alter role {role} set synchronous_commit = 'on'，重启服务",
        "alter role {role} set synchronous_commit = 'on', and restart the service",
    ),
    Code.COMMITS_WAIT: (
        _FAULT, "{count} 个提交在等同步备库，最久 {seconds} 秒",
        "{count} commits wait for a synchronous standby, the oldest for {seconds} s",
        "恢复一个备库（docs/operating/high-availability.md）；切勿取消等待的会话",
        "bring a standby back (docs/operating/high-availability.md); never cancel those sessions",
    ),
    Code.CHECKSUMS_OFF: (
        _WARNING, "数据库未开数据页校验",
        "the database has no checksums of its pages",
        "停库后 pg_checksums --enable；磁盘损坏才能及早发现",
        "stop it and run pg_checksums --enable, so that a failing disk is noticed early",
    ),
    Code.WAL_MINIMAL: (
        _WARNING, "wal_level 为 minimal：无法归档，也无法有备库",
        "wal_level is minimal: no archive and no standby are possible",
        "设 wal_level = replica 并重启数据库",
        "set wal_level = replica and restart the database",
    ),
    Code.AUTOVACUUM_OFF: (
        _FAULT, "autovacuum 关闭：表会膨胀，最终停止写入",
        "autovacuum is off: tables swell, and in the end nothing can be written",
        "设 autovacuum = on 并重新加载",
        "set autovacuum = on and reload",
    ),
    Code.SETTING_NEEDS_RESTART: (
        _WARNING, "已改而未生效的数据库设置：{settings}",
        "settings of the database that were changed and wait for its restart: {settings}",
        "在业务低谷重启数据库",
        "restart the database in a quiet hour",
    ),
    Code.CONNECTIONS_SHORT: (
        _FAULT, "数据库只允许 {allowed} 个连接，{workers} 个进程、{journals} 条账本链需要 {needed}",
        "the database allows {allowed} connections; {workers} processes with {journals} journals "
        "need {needed}",
        "提高 max_connections（内置库：SETTLEMENT_POSTGRES_MAX_CONNECTIONS），或减少进程",
        "raise max_connections (SETTLEMENT_POSTGRES_MAX_CONNECTIONS for the embedded one), or have "
        "fewer processes",
    ),
    Code.CONNECTIONS_TIGHT: (
        _WARNING,
        "数据库只允许 {allowed} 个连接，{workers} 个进程、{journals} 条账本链"
        "繁忙时可能用到 {needed} 个",
        "the database allows {allowed} connections; {workers} processes with {journals} journals "
        "may come to hold {needed} when they are busy",
        "提高 max_connections（内置库：SETTLEMENT_POSTGRES_MAX_CONNECTIONS），或减少进程",
        "raise max_connections (SETTLEMENT_POSTGRES_MAX_CONNECTIONS for the embedded one), or have "
        "fewer processes",
    ),
    Code.CONNECTIONS_USED: (
        _WARNING, "数据库连接已用 {used}/{allowed}",
        "{used} of {allowed} connections of the database are in use",
        "查明谁占用（pg_stat_activity），或提高 max_connections",
        "see who has them (pg_stat_activity), or raise max_connections",
    ),
    Code.OWNER_SUPERUSER: (
        _WARNING, "属主角色 {role} 是超级用户",
        "the owner's role {role} is a superuser",
        "换成只拥有本库的普通角色",
        "give the database to an ordinary role",
    ),
    Code.APP_TOO_STRONG: (
        _FAULT, "应用角色 {role} 是超级用户或库的属主，可改动已记账内容",
        "the application's role {role} is superuser or owner, and could change what is booked",
        "另建普通角色并写入 SETTLEMENT_APP_DATABASE_URL",
        "make an ordinary role and name it in SETTLEMENT_APP_DATABASE_URL",
    ),
    Code.SCHEMA_MISSING: (
        _WARNING, "数据库为空，尚未建表",
        "the database is empty: nothing was installed yet",
        "首次运行 settlement serve 即建",
        "the first settlement serve installs it",
    ),
    Code.SCHEMA_OTHER: (
        _FAULT, "库结构版本 {found}，本程序为 {expected}",
        "the database has schema {found}, this program needs {expected}",
        "换用相应版本的程序（docs/operating/upgrading.md）",
        "use the release that fits (docs/operating/upgrading.md)",
    ),
    Code.REGION_OTHER: (
        _FAULT, "数据库属于统筹区 {found}，SETTLEMENT_REGION 为 {expected}",
        "the database belongs to region {found}, SETTLEMENT_REGION says {expected}",
        "核对 SETTLEMENT_REGION 与数据库地址",
        "check SETTLEMENT_REGION and the address of the database",
    ),
    Code.RIGHTS_LACKING: (
        _FAULT, "应用角色缺少 {count} 项权限：{which}",
        "the application's role lacks {count} rights: {which}",
        "以属主执行 select settlement.grant_rights('{role}'); ledger 部分重新授予",
        "as the owner: select settlement.grant_rights('{role}'); and grant those of ledger again",
    ),
    Code.RIGHTS_EXCESS: (
        _FAULT, "应用角色多出 {count} 项权限：{which}",
        "the application's role has {count} rights that it must not have: {which}",
        "以属主 revoke 之，查明谁授予，然后 settlement verify",
        "revoke them as the owner, find out who granted them, then settlement verify",
    ),
    Code.RIGHTS_OF_OTHERS: (
        _WARNING, "其他角色可改动账表：{which}",
        "other roles may change our tables: {which}",
        "以属主 revoke 之；只读报表用 select 即可",
        "revoke that as the owner; select is enough for reports",
    ),
    Code.PARTITIONS_END: (
        _FAULT, "分区表 {table} 的分区只到 {ends_on}",
        "the partitions of {table} end on {ends_on}",
        "运行 settlement db partitions，并查明后台任务 partitions 为何未建；过期后无法结算",
        "run settlement db partitions, and find out why the loop partitions did not; once they "
        "end, nothing can be settled",
    ),
    Code.LOOPS_STOPPED: (
        _FAULT, "网关在运行，后台任务无人执行：{which}",
        "gateways are connected, and nobody does the work of: {which}",
        "看日志 child.died 与 loop.failed，必要时重启服务",
        "look for child.died and loop.failed in the log; restart the service where needed",
    ),
    Code.REDIS_UNREACHABLE: (
        _WARNING, "Redis 无法使用：{reason}",
        "Redis cannot be used: {reason}",
        "启动 Redis；其间结算照常，防重放窗口变弱",
        "start it; settling goes on meanwhile, with a weaker guard against replays",
    ),
    Code.REDIS_EVICTION: (
        _WARNING, "Redis 的 maxmemory-policy 为 {policy}",
        "maxmemory-policy of Redis is {policy}",
        "设为 volatile-ttl，使防重放记录最后离开",
        "set it to volatile-ttl, so that nonces leave last",
    ),
    Code.REDIS_UNBOUNDED: (
        _WARNING, "Redis 未设内存上限",
        "Redis has no limit of memory",
        "设 maxmemory，例如 256mb",
        "set maxmemory, as 256mb",
    ),
    Code.REDIS_PERSISTS: (
        _WARNING, "Redis 在写盘（{what}），本系统不需要",
        "Redis writes to disk ({what}), which nothing here needs",
        "关闭 appendonly 与 save，免得拖慢且留下副本",
        "turn appendonly and save off: they slow it down and leave copies",
    ),
    Code.BACKUP_NONE: (
        _FAULT, "没有设置备份",
        "backups are not set up",
        "settlement backup enable --to 目录，再 settlement backup base",
        "settlement backup enable --to FOLDER, then settlement backup base",
    ),
    Code.BACKUP_UNUSABLE: (
        _FAULT, "备份库无法使用：{reason}",
        "the store of backups cannot be used: {reason}",
        "挂上备份盘，或另设一处：settlement backup enable",
        "mount its disk, or name another place: settlement backup enable",
    ),
    Code.BACKUP_OLD: (
        _FAULT, "最近的基础备份：{newest}",
        "the newest base backup: {newest}",
        "settlement backup base，并查 cron",
        "settlement backup base, and look at cron",
    ),
    Code.BACKUP_MARK_OLD: (
        _WARNING, "最近的备份标记：{newest}",
        "the newest mark of the backup: {newest}",
        "每分钟由 cron 运行 settlement backup mark",
        "let cron run settlement backup mark each minute",
    ),
    Code.BACKUP_GAP: (
        _FAULT, "归档缺少 WAL {segment}，其后无法恢复",
        "the archive lacks the WAL {segment}; nothing after it can be restored",
        "找回该文件，或立即 settlement backup base",
        "find that file, or settlement backup base at once",
    ),
    Code.ARCHIVE_FAILING: (
        _FAULT, "WAL 归档失败，最近一次：{segment}",
        "WAL cannot be archived, the last failure: {segment}",
        "看备份盘是否已满、可写；WAL 会在数据盘上堆积",
        "see that the store can be written and has space; WAL piles up on the data's disk",
    ),
    Code.PEOPLE_AWAITED: (
        _WARNING, "{count} 笔收退款待人工处理，最早 {since}",
        "{count} payments wait for people, the oldest since {since}",
        "settlement payments",
        "settlement payments",
    ),
    Code.IN_DOUBT_LONG: (
        _WARNING, "{count} 笔 {what} 结果未定已久，最早 {since}",
        "{count} of {what} have long been in doubt, the oldest since {since}",
        "看日志中对方的应答；payment：settlement payments，remote：控制台跨区页",
        "look in the log for what the other side says; payment: settlement payments, remote: the "
        "console's page of regions",
    ),
    Code.DIFFERENCES_OPEN: (
        _WARNING, "与{party}对账有 {count} 条差异未了结",
        "{count} differences with {party} are open",
        "channel：settlement match；region：settlement reconcile-regions",
        "channel: settlement match; region: settlement reconcile-regions",
    ),
    Code.NOTICES_OVERDUE: (
        _WARNING, "{count} 条通知未送达，最早 {since}",
        "{count} notices are owed, the oldest since {since}",
        "settlement outbox",
        "settlement outbox",
    ),
}  # fmt: skip


def words(finding: Finding) -> Sentences:
    """A finding in words, with its facts."""
    severity, *texts = WORDS[finding.code]
    zh, en, do_zh, do_en = (text.format(**finding.facts) for text in texts)
    return Sentences(severity=severity, zh=zh, en=en, do_zh=do_zh, do_en=do_en)
