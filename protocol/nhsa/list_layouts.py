"""Files of the lists of codes (编码目录: 1307 to 1315, 1321 to 1327): their columns.

Our sources print no layout of these files. Those of 1307 to 1315 are what public programs of
institutions read by place, as far as two of them agree. Of 1321 to 1327 nobody prints anything:
they have a code, a name and what every list ends with. All are defaults that a region replaces.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class ListLayout(Struct, frozen=True, kw_only=True):
    """The columns of a file, in order, and which of them say what a row is."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    """no two rows have the same values in these"""
    name: str


VALID, RECORD, CREATED, UPDATED = "vali_flag", "rid", "crte_time", "updt_time"
VERSION, VERSION_NAME = "ver", "ver_name"
MEMO, REGION = "memo", "admdvs"

_RECORDED = (VALID, RECORD, CREATED, UPDATED, VERSION)
_END = (*_RECORDED, VERSION_NAME)
_CONTENT, _GUIDE = "dise_cont", ("trt_guide_pgno", "trt_guide_elecacs")
_CHAPTER = ("cpr", "cpr_code_scp", "cpr_name")
_CATEGORY = ("cgy_code", "cgy_name", "sor_code", "sor_name")
_CODE, _NAME = "list_code", "list_name"
_PLAIN = ListLayout(columns=(_CODE, _NAME, MEMO, *_END), key=(_CODE,), name=_NAME)

LAYOUTS: Mapping[str, ListLayout] = {
    "1307": ListLayout(
        columns=("diag_list_id", *_CHAPTER, "sec_code_scp", "sec_name", *_CATEGORY, "diag_code",
                 "diag_name", "used_std", "natstd_diag_code", "natstd_diag_name",
                 "clnc_diag_code", "clnc_diag_name", MEMO, *_END),
        key=("diag_code",), name="diag_name",
    ),
    "1308": ListLayout(
        columns=("oprn_std_list_id", *_CHAPTER, *_CATEGORY, "dtls_code", "dtls_name",
                 "oprn_oprt_code", "oprn_oprt_name", "used_std", "grpstd_oprn_code",
                 "grpstd_oprn_name", "clnc_oprn_code", "clnc_oprn_name", MEMO, *_END),
        key=("oprn_oprt_code",), name="oprn_oprt_name",
    ),
    "1309": ListLayout(
        columns=("opsp_dise_code", "opsp_dise_majcls_name", "opsp_dise_subd_clss_name", REGION,
                 MEMO, *_RECORDED, _CONTENT, VERSION_NAME, *_GUIDE, "opsp_dise_name",
                 "opsp_dise_majcls_code"),
        key=("opsp_dise_code",), name="opsp_dise_name",
    ),
    "1310": ListLayout(
        columns=("dise_setl_list_id", "bydise_setl_list_code", "bydise_setl_dise_name",
                 "qua_oprn_oprt_code", "qua_oprn_oprt_name", *_RECORDED, _CONTENT, MEMO,
                 VERSION_NAME, *_GUIDE),
        key=("bydise_setl_list_code", "qua_oprn_oprt_code"), name="bydise_setl_dise_name",
    ),
    "1311": ListLayout(
        columns=("daysrg_trt_list_id", "daysrg_dise_list_code", "daysrg_dise_name", *_RECORDED,
                 _CONTENT, MEMO, VERSION_NAME, *_GUIDE, "oprn_oprt_name", "oprn_oprt_code"),
        key=("daysrg_dise_list_code", "oprn_oprt_code"), name="daysrg_dise_name",
    ),
    "1313": ListLayout(
        columns=("tmor_mpy_id", "tmor_cell_type_code", "tmor_cell_type", "mpy_type_code",
                 "mpy_type", *_END),
        key=("mpy_type_code",), name="mpy_type",
    ),
    "1314": ListLayout(
        columns=("tcm_diag_id", "caty_cgy_code", "caty_cgy_name", "spcy_sys_taxa_code",
                 "spcy_sys_taxa_name", "dise_type_code", "dise_type_name", MEMO, *_END),
        key=("dise_type_code",), name="dise_type_name",
    ),
    "1315": ListLayout(
        columns=("tcmsymp_id", "sds_cgy_code", "sds_cgy_name", "sds_attr_code", "sds_attr",
                 "sds_type_code", "sds_type_name", MEMO, *_END),
        key=("sds_type_code",), name="sds_type_name",
    ),
    **dict.fromkeys(("1321", "1322", "1323", "1324", "1325", "1326", "1327"), _PLAIN),
}  # fmt: skip
"""infno to layout."""

TITLES: Mapping[str, str] = {
    "diag_list_id": "西医疾病诊断ID", "cpr": "章", "cpr_code_scp": "章代码范围",
    "cpr_name": "章名称", "sec_code_scp": "节代码范围", "sec_name": "节名称",
    "cgy_code": "类目代码", "cgy_name": "类目名称", "sor_code": "亚目代码",
    "sor_name": "亚目名称", "diag_code": "诊断代码", "diag_name": "诊断名称",
    "used_std": "使用标记", "natstd_diag_code": "国标版诊断代码",
    "natstd_diag_name": "国标版诊断名称", "clnc_diag_code": "临床版诊断代码",
    "clnc_diag_name": "临床版诊断名称", "oprn_std_list_id": "手术标准目录ID",
    "dtls_code": "细目代码", "dtls_name": "细目名称", "oprn_oprt_code": "手术操作代码",
    "oprn_oprt_name": "手术操作名称", "grpstd_oprn_code": "团标版手术操作代码",
    "grpstd_oprn_name": "团标版手术操作名称", "clnc_oprn_code": "临床版手术操作代码",
    "clnc_oprn_name": "临床版手术操作名称", "opsp_dise_code": "门慢门特病种目录代码",
    "opsp_dise_majcls_name": "门慢门特病种大类名称",
    "opsp_dise_subd_clss_name": "门慢门特病种细分类名称", "opsp_dise_name": "门慢门特病种名称",
    "opsp_dise_majcls_code": "门慢门特病种大类代码", "dise_setl_list_id": "病种结算目录ID",
    "bydise_setl_list_code": "按病种结算病种目录代码",
    "bydise_setl_dise_name": "按病种结算病种名称", "qua_oprn_oprt_code": "限定手术操作代码",
    "qua_oprn_oprt_name": "限定手术操作名称", "daysrg_trt_list_id": "日间手术治疗目录ID",
    "daysrg_dise_list_code": "日间手术病种目录代码", "daysrg_dise_name": "日间手术病种名称",
    "tmor_mpy_id": "肿瘤形态学ID", "tmor_cell_type_code": "肿瘤/细胞类型代码",
    "tmor_cell_type": "肿瘤/细胞类型", "mpy_type_code": "形态学分类代码",
    "mpy_type": "形态学分类", "tcm_diag_id": "中医疾病诊断ID",
    "caty_cgy_code": "科别类目代码", "caty_cgy_name": "科别类目名称",
    "spcy_sys_taxa_code": "专科系统分类目代码", "spcy_sys_taxa_name": "专科系统分类目名称",
    "dise_type_code": "疾病分类代码", "dise_type_name": "疾病分类名称",
    "tcmsymp_id": "中医证候ID", "sds_cgy_code": "证候类目代码", "sds_cgy_name": "证候类目名称",
    "sds_attr_code": "证候属性代码", "sds_attr": "证候属性", "sds_type_code": "证候分类代码",
    "sds_type_name": "证候分类名称", _CODE: "目录代码", _NAME: "目录名称",
    _CONTENT: "病种内涵", "trt_guide_pgno": "诊疗指南页码",
    "trt_guide_elecacs": "诊疗指南电子档案", REGION: "医保区划", MEMO: "备注",
    VALID: "有效标志", RECORD: "唯一记录号", CREATED: "数据创建时间", UPDATED: "数据更新时间",
    VERSION: "版本号", VERSION_NAME: "版本名称",
}  # fmt: skip
"""What the columns are called. Names that no source prints (团标版, 临床版手术) are ours."""
