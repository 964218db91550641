"""Mapping of an institution's items to the national catalogue: 3301 and its cancel 3302."""

from __future__ import annotations

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import (
    May30,
    May100,
    May200,
    May500,
    May2000,
    Need30,
    Need50,
    Need150,
    Need200,
    NeedTime,
)


class MappingUploadRow(Struct, frozen=True, kw_only=True, gc=False):
    """目录对照: one item of the institution and the national item it is."""

    fixmedins_hilist_id: Need150  # 定点医药机构目录编号
    fixmedins_hilist_name: Need200  # 定点医药机构目录名称
    list_type: Need30  # 目录类别
    med_list_codg: Need50  # 医疗目录编码
    begndate: NeedTime  # 开始日期
    enddate: NeedTime  # 结束日期
    aprvno: May30 = None  # 批准文号
    dosform: May200 = None  # 剂型
    exct_cont: May2000 = None  # 除外内容
    item_cont: May2000 = None  # 项目内涵
    prcunt: May100 = None  # 计价单位
    spec: May200 = None  # 规格
    pacspec: May100 = None  # 包装规格
    memo: May500 = None  # 备注


class MappingUploadInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `MappingUpload`."""

    catalogcompin: tuple[MappingUploadRow, ...] | MappingUploadRow


class MappingUpload(Envelope, frozen=True, kw_only=True, gc=False):
    """3301 目录对照上传."""

    input: MappingUploadInput


class MappingCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """目录对照撤销: which mapping."""

    fixmedins_code: Need30  # 定点医药机构编号
    fixmedins_hilist_id: Need150  # 定点医药机构目录编号
    list_type: Need30  # 目录类别
    med_list_codg: Need50  # 医疗目录编码


class MappingCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `MappingCancel`."""

    data: MappingCancelData


class MappingCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """3302 目录对照撤销."""

    input: MappingCancelInput
