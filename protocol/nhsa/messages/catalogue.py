"""Catalogue: 1301 to 1327 files, 1304, 1312 and 1316 to 1319 pages, 1901 code lists.

A file is fetched with 9102 by the number that these answer.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, Raw, Struct, UnsetType

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import (
    May3,
    May6,
    May10,
    May20,
    May30,
    May40,
    May50,
    May100,
    May150,
    May200,
    May255,
    May500,
    MayTime,
    Need6,
    Need20,
    Need30,
    NeedTime,
)


class CatalogueFileData(Struct, frozen=True, kw_only=True, gc=False):
    """目录下载: the newest version the institution has; v0000 before the first."""

    ver: Need20  # 版本号


class CatalogueFileInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `CatalogueFile`."""

    data: CatalogueFileData


class CatalogueFile(Envelope, frozen=True, kw_only=True, gc=False):
    """1301 西药中成药目录下载; the other files (1302 to 1327) take the same body."""

    input: CatalogueFileInput


class CatalogueFileReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 1301: the file that 9102 fetches."""

    file_qury_no: str  # 文件查询号
    filename: str  # 文件名
    dld_end_time: str  # 下载截止日期
    data_cnt: Raw | UnsetType = UNSET  # 数据量


class EthnicDrugQueryData(Struct, frozen=True, kw_only=True, gc=False):
    """民族药品目录查询: which drugs changed since."""

    med_list_codg: May50 = None  # 医疗目录编码
    genname_codg: May100 = None  # 通用名编号
    drug_genname: May500 = None  # 药品通用名
    drug_prodname: May500 = None  # 药品商品名
    tcmherb_name: May30 = None  # 中草药名称
    cpnd_flag: May255 = None  # 中草药单复方标志
    vali_flag: May3 = None  # 有效标志
    rid: May40 = None  # 唯一记录号
    ver: May20 = None  # 版本号
    opt_begn_time: MayTime = None  # 经办开始时间
    opt_end_time: MayTime = None  # 经办结束时间
    updt_time: NeedTime  # 更新时间
    page_num: Decimal  # 当前页数
    page_size: Decimal  # 本页数据量


class EthnicDrugQueryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `EthnicDrugQuery`."""

    data: EthnicDrugQueryData


class EthnicDrugQuery(Envelope, frozen=True, kw_only=True, gc=False):
    """1304 民族药品目录查询. The answer is a bare array of `EthnicDrugRow`."""

    input: EthnicDrugQueryInput


class EthnicDrugRow(Struct, frozen=True, kw_only=True, gc=False):
    """民族药品目录"""

    med_list_codg: str  # 医疗目录编码
    drug_prodname: str = ""  # 药品商品名
    genname_codg: str = ""  # 通用名编号
    drug_genname: str = ""  # 药品通用名
    ethdrug_type: str = ""  # 民族药种类
    chemname: str = ""  # 化学名称
    alis: str = ""  # 别名
    eng_name: str = ""  # 英文名称
    dosform: str = ""  # 剂型
    each_dos: str = ""  # 每次用量
    used_frqu: str = ""  # 使用频次
    nat_drug_no: str = ""  # 国家药品编号
    used_mtd: str = ""  # 用法
    ing: str = ""  # 成分
    chrt: str = ""  # 性状
    defs: str = ""  # 不良反应
    tabo: str = ""  # 禁忌
    mnan: str = ""  # 注意事项
    stog: str = ""  # 贮藏
    drug_spec: str = ""  # 药品规格
    prcunt_type: str = ""  # 计价单位类型
    otc_flag: str = ""  # 非处方药标志
    pacmatl: str = ""  # 包装材质
    pacspec: str = ""  # 包装规格
    min_useunt: str = ""  # 最小使用单位
    min_salunt: str = ""  # 最小销售单位
    manl: str = ""  # 说明书
    rute: str = ""  # 给药途径
    begndate: str = ""  # 开始日期
    enddate: str = ""  # 结束日期
    pham_type: str = ""  # 药理分类
    memo: str = ""  # 备注
    pac_cnt: str = ""  # 包装数量
    min_unt: str = ""  # 最小计量单位
    min_pac_cnt: Raw | UnsetType = UNSET  # 最小包装数量
    min_pacunt: str = ""  # 最小包装单位
    min_prepunt: str = ""  # 最小制剂单位
    drug_expy: str = ""  # 药品有效期
    efcc_atd: str = ""  # 功能主治
    min_prcunt: str = ""  # 最小计价单位
    wubi: str = ""  # 五笔助记码
    pinyin: str = ""  # 拼音助记码
    vali_flag: str  # 有效标志
    rid: str  # 唯一记录号
    crte_time: str  # 数据创建时间
    updt_time: str  # 数据更新时间
    crter_id: str  # 创建人
    crter_name: str  # 创建人姓名
    crte_optins_no: str  # 创建经办机构
    opter_id: str  # 经办人
    opter_name: str  # 经办人姓名
    opt_time: str  # 经办时间
    optins_no: str  # 经办机构
    ver: str  # 版本号


class ItemQueryData(Struct, frozen=True, kw_only=True, gc=False):
    """医保目录信息查询: which items changed since."""

    query_date: MayTime = None  # 查询时间点
    hilist_code: May50 = None  # 医保目录编码
    insu_admdvs: May6 = None  # 参保机构医保区划
    begndate: MayTime = None  # 开始日期
    hilist_name: May200 = None  # 医保目录名称
    wubi: May30 = None  # 五笔助记码
    pinyin: May30 = None  # 拼音助记码
    med_chrgitm_type: May6 = None  # 医疗收费项目类别
    chrgitm_lv: May3 = None  # 收费项目等级
    lmt_used_flag: May3 = None  # 限制使用标志
    list_type: May30 = None  # 目录类别
    med_use_flag: May3 = None  # 医疗使用标志
    matn_used_flag: May3 = None  # 生育使用标志
    hilist_use_type: May3 = None  # 医保目录使用类别
    lmt_cpnd_type: May3 = None  # 限复方使用类型
    vali_flag: May3 = None  # 有效标志
    updt_time: NeedTime  # 更新时间
    page_num: Decimal  # 当前页数
    page_size: Decimal  # 本页数据量


class ItemQueryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ItemQuery`."""

    data: ItemQueryData


class ItemQuery(Envelope, frozen=True, kw_only=True, gc=False):
    """1312 医保目录信息查询. The answer is a bare array of `ItemRow`."""

    input: ItemQueryInput


class ItemRow(Struct, frozen=True, kw_only=True, gc=False):
    """医保目录信息"""

    hilist_code: str  # 医保目录编码
    hilist_name: str  # 医保目录名称
    insu_admdvs: str  # 参保机构医保区划
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    med_chrgitm_type: str  # 医疗收费项目类别
    chrgitm_lv: str  # 收费项目等级
    lmt_used_flag: str  # 限制使用标志
    list_type: str  # 目录类别
    med_use_flag: str  # 医疗使用标志
    matn_used_flag: str  # 生育使用标志
    hilist_use_type: str  # 医保目录使用类别
    lmt_cpnd_type: str  # 限复方使用类型
    wubi: str = ""  # 五笔助记码
    pinyin: str = ""  # 拼音助记码
    memo: str = ""  # 备注
    vali_flag: str  # 有效标志
    rid: str  # 唯一记录号
    updt_time: str  # 更新时间
    crter_id: str = ""  # 创建人
    crter_name: str = ""  # 创建人姓名
    crte_time: str  # 创建时间
    crte_optins_no: str = ""  # 创建机构
    opter_id: str = ""  # 经办人
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间
    optins_no: str = ""  # 经办机构
    poolarea_no: str = ""  # 统筹区


class MatchQueryData(Struct, frozen=True, kw_only=True, gc=False):
    """医疗目录与医保目录匹配信息查询: which matches changed since."""

    query_date: MayTime = None  # 查询时间点
    medins_list_codg: May150 = None  # 定点医药机构目录编号
    hilist_code: May50 = None  # 医保目录编码
    list_type: May30 = None  # 目录类别
    insu_admdvs: May6 = None  # 参保机构医保区划
    begndate: MayTime = None  # 开始日期
    vali_flag: May3 = None  # 有效标志
    updt_time: NeedTime  # 更新时间
    page_num: Decimal  # 当前页数
    page_size: Decimal  # 本页数据量


class MatchQueryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `MatchQuery`."""

    data: MatchQueryData


class MatchQuery(Envelope, frozen=True, kw_only=True, gc=False):
    """1316 医疗目录与医保目录匹配信息查询. The answer is a bare array of `MatchRow`."""

    input: MatchQueryInput


class MatchRow(Struct, frozen=True, kw_only=True, gc=False):
    """医疗目录与医保目录匹配信息"""

    med_list_codg: str  # 医疗目录编码
    hilist_code: str  # 医保目录编码
    list_type: str  # 目录类别
    insu_admdvs: str  # 参保机构医保区划
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    memo: str = ""  # 备注
    vali_flag: str  # 有效标志
    rid: str  # 唯一记录号
    updt_time: str  # 更新时间
    crter_id: str = ""  # 创建人
    crter_name: str = ""  # 创建人姓名
    crte_time: str  # 创建时间
    crte_optins_no: str = ""  # 创建机构
    opter_id: str = ""  # 经办人
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间
    optins_no: str = ""  # 经办机构
    poolarea_no: str = ""  # 统筹区


class MappingQueryData(Struct, frozen=True, kw_only=True, gc=False):
    """医药机构目录匹配信息查询: which mappings changed since."""

    query_date: MayTime = None  # 查询时间点
    fixmedins_code: May30 = None  # 定点医药机构编号
    medins_list_codg: May150 = None  # 定点医药机构目录编号
    medins_list_name: May200 = None  # 定点医药机构目录名称
    insu_admdvs: May6 = None  # 参保机构医保区划
    list_type: May30 = None  # 目录类别
    med_list_codg: May50 = None  # 医疗目录编码
    begndate: MayTime = None  # 开始日期
    vali_flag: May3 = None  # 有效标志
    updt_time: NeedTime  # 更新时间
    page_num: Decimal  # 当前页数
    page_size: Decimal  # 本页数据量


class MappingQueryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `MappingQuery`."""

    data: MappingQueryData


class MappingQuery(Envelope, frozen=True, kw_only=True, gc=False):
    """1317 医药机构目录匹配信息查询. The answer is a bare array of `MappingRow`."""

    input: MappingQueryInput


class MappingRow(Struct, frozen=True, kw_only=True, gc=False):
    """目录匹配信息"""

    fixmedins_code: str  # 定点医药机构编号
    medins_list_codg: str  # 定点医药机构目录编号
    medins_list_name: str = ""  # 定点医药机构目录名称
    insu_admdvs: str  # 参保机构医保区划
    list_type: str  # 目录类别
    med_list_codg: str  # 医疗目录编码
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    aprvno: str = ""  # 批准文号
    dosform: str = ""  # 剂型
    exct_cont: str = ""  # 除外内容
    item_cont: str = ""  # 项目内涵
    prcunt: str = ""  # 计价单位
    spec: str = ""  # 规格
    pacspec: str = ""  # 包装规格
    memo: str = ""  # 备注
    vali_flag: str  # 有效标志
    rid: str  # 唯一记录号
    updt_time: str  # 更新时间
    crter_id: str = ""  # 创建人
    crter_name: str = ""  # 创建人姓名
    crte_time: str  # 创建时间
    crte_optins_no: str = ""  # 创建机构
    opter_id: str = ""  # 经办人
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间
    optins_no: str = ""  # 经办机构
    poolarea_no: str = ""  # 统筹区


class CeilingQueryData(Struct, frozen=True, kw_only=True, gc=False):
    """医保目录限价信息查询: which price ceilings changed since."""

    query_date: MayTime = None  # 查询时间点
    hilist_code: May50 = None  # 医保目录编码
    hilist_lmtpric_type: May6 = None  # 医保目录限价类型
    overlmt_dspo_way: May6 = None  # 医保目录超限处理方式
    insu_admdvs: May6 = None  # 参保机构医保区划
    begndate: MayTime = None  # 开始日期
    enddate: MayTime = None  # 结束日期
    vali_flag: May3 = None  # 有效标志
    rid: May40 = None  # 唯一记录号
    tabname: May100 = None  # 表名
    poolarea_no: May6 = None  # 统筹区
    updt_time: NeedTime  # 更新时间
    page_num: Decimal  # 当前页数
    page_size: Decimal  # 本页数据量


class CeilingQueryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `CeilingQuery`."""

    data: CeilingQueryData


class CeilingQuery(Envelope, frozen=True, kw_only=True, gc=False):
    """1318 医保目录限价信息查询. The answer is a bare array of `CeilingRow`."""

    input: CeilingQueryInput


class CeilingRow(Struct, frozen=True, kw_only=True, gc=False):
    """限价信息"""

    hilist_code: str  # 医保目录编码
    hilist_lmtpric_type: str  # 医保目录限价类型
    overlmt_dspo_way: str  # 医保目录超限处理方式
    insu_admdvs: str  # 参保机构医保区划
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    hilist_pric_uplmt_amt: Raw  # 医保目录定价上限金额
    vali_flag: str  # 有效标志
    rid: str  # 唯一记录号
    updt_time: str  # 更新时间
    crter_id: str = ""  # 创建人
    crter_name: str = ""  # 创建人姓名
    crte_time: str  # 创建时间
    crte_optins_no: str = ""  # 创建机构
    opter_id: str = ""  # 经办人
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间
    optins_no: str = ""  # 经办机构
    tabname: str = ""  # 表名
    poolarea_no: str = ""  # 统筹区


class SelfPayQueryData(Struct, frozen=True, kw_only=True, gc=False):
    """医保目录先自付比例信息查询: which ratios changed since."""

    query_date: MayTime = None  # 查询时间点
    hilist_code: May50 = None  # 医保目录编码
    selfpay_prop_psn_type: May6 = None  # 医保目录自付比例人员类别
    selfpay_prop_type: May6 = None  # 目录自付比例类别
    insu_admdvs: May6 = None  # 参保机构医保区划
    begndate: MayTime = None  # 开始日期
    enddate: MayTime = None  # 结束日期
    vali_flag: May3 = None  # 有效标志
    rid: May40 = None  # 唯一记录号
    tabname: May100 = None  # 表名
    poolarea_no: May6 = None  # 统筹区
    updt_time: NeedTime  # 更新时间
    page_num: Decimal  # 当前页数
    page_size: Decimal  # 本页数据量


class SelfPayQueryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `SelfPayQuery`."""

    data: SelfPayQueryData


class SelfPayQuery(Envelope, frozen=True, kw_only=True, gc=False):
    """1319 医保目录先自付比例信息查询. The answer is a bare array of `SelfPayRow`."""

    input: SelfPayQueryInput


class SelfPayRow(Struct, frozen=True, kw_only=True, gc=False):
    """先自付比例"""

    hilist_code: str  # 医保目录编码
    selfpay_prop_psn_type: str  # 医保目录自付比例人员类别
    selfpay_prop_type: str  # 目录自付比例类别
    insu_admdvs: str  # 参保机构医保区划
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    selfpay_prop: Raw  # 自付比例
    vali_flag: str  # 有效标志
    rid: str  # 唯一记录号
    updt_time: str  # 更新时间
    crter_id: str = ""  # 创建人
    crter_name: str = ""  # 创建人姓名
    crte_time: str  # 创建时间
    crte_optins_no: str = ""  # 创建机构
    opter_id: str = ""  # 经办人
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间
    optins_no: str = ""  # 经办机构
    tabname: str = ""  # 表名
    poolarea_no: str = ""  # 统筹区


class DictionaryQueryData(Struct, frozen=True, kw_only=True, gc=False):
    """字典表查询: which list, as of when."""

    type: Need30  # 字典类型
    parent_value: May10 = None  # 父字典键值
    admdvs: Need6  # 行政区划
    date: NeedTime  # 查询日期
    Vali_Flag: May3 = None  # 有效标志


class DictionaryQueryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `DictionaryQuery`."""

    data: DictionaryQueryData


class DictionaryQuery(Envelope, frozen=True, kw_only=True, gc=False):
    """1901 字典表查询."""

    input: DictionaryQueryInput


class DictionaryRow(Struct, frozen=True, kw_only=True, gc=False):
    """字典项"""

    type: str  # 字典类型
    label: str  # 字典标签
    value: str  # 字典键值
    parentValue: str  # 父字典键值
    sort: Raw  # 序号
    valiFlag: str  # 权限标识
    createUser: str  # 创建账户
    createDate: str  # 创建时间
    version: Raw  # 版本号


class DictionaryQueryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 1901."""

    list: tuple[DictionaryRow, ...]
