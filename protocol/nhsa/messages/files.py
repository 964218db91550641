"""Files: 9101 文件上传, 9102 文件下载. What is in a file is not known here."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import Need30, Need40, Need200

Byte = Annotated[int, Meta(ge=-128, le=255)]
"""Java clients send signed bytes."""

FileBytes = Annotated[str, Meta(min_length=1)] | Annotated[tuple[Byte, ...], Meta(min_length=1)]
"""The bytes of a file: Base64, or the array of bytes that some clients' libraries make of it."""


class FileUploadData(Struct, frozen=True, kw_only=True, gc=False):
    """文件上传: a zip with one UTF-8 text, values separated by tabs."""

    in_: FileBytes = field(name="in")  # 文件数据
    filename: Need200  # 文件名
    fixmedins_code: Need30  # 医药机构编号


class FileUploadInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `FileUpload`."""

    fsUploadIn: FileUploadData


class FileUpload(Envelope, frozen=True, kw_only=True, gc=False):
    """9101 文件上传."""

    input: FileUploadInput


class FileUploadReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 9101: the number to name the file by."""

    file_qury_no: str  # 文件查询号
    filename: str  # 文件名
    fixmedins_code: str  # 医药机构编号
    dld_endtime: str = ""  # 截止时间


class FileDownloadData(Struct, frozen=True, kw_only=True, gc=False):
    """文件下载: which file; `plc` for a catalogue stands in `fixmedins_code` or `filename`."""

    file_qury_no: Need40  # 文件查询号
    filename: Need200  # 文件名
    fixmedins_code: Need30  # 医药机构编号


class FileDownloadInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `FileDownload`."""

    fsDownloadIn: FileDownloadData


class FileDownload(Envelope, frozen=True, kw_only=True, gc=False):
    """9102 文件下载. The answer is the bytes of the file, not a reply envelope."""

    input: FileDownloadInput
