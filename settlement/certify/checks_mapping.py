"""Mapping own item codes to the catalogue (目录对照): 3301, shown by 1317, taken back by 3302."""

from __future__ import annotations

from settlement.certify.checks_catalogue import page
from settlement.certify.checks_resend import same_answer
from settlement.certify.exam import Exam
from settlement.certify.sheet import Check, Group, check
from settlement.client import Item, Message
from settlement.client.outcome import Node

NEEDS = ("1317", "3301", "3302")
LIST_TYPE = "101"


def mapping(exam: Exam, own: str, item: Item, *, ends: str = "") -> Message:
    """3301 of one own code, for this year."""
    year = f"{exam.now():%Y}"
    row = {
        "fixmedins_hilist_id": own, "fixmedins_hilist_name": "测试对照项目",
        "list_type": LIST_TYPE, "med_list_codg": item.med_list_codg,
        "begndate": f"{year}-01-01", "enddate": ends or f"{year}-12-31",
    }  # fmt: skip
    return exam.institution.message("3301", {"catalogcompin": [row]})


def withdrawal(exam: Exam, own: str, item: Item) -> Message:
    """3302."""
    data = {
        "fixmedins_code": exam.candidate.code, "fixmedins_hilist_id": own,
        "list_type": LIST_TYPE, "med_list_codg": item.med_list_codg,
    }  # fmt: skip
    return exam.institution.message("3302", {"data": data})


async def standing(exam: Exam, own: str) -> list[Node]:
    """1317: the mappings of an own code that are in force."""
    return await page(exam, "1317", 1, 10, medins_list_codg=own, vali_flag="1")


def shows(exam: Exam, own: str, rows: list[Node], *codes: str) -> None:
    """An own code must be mapped to these catalogue codes and to no other."""
    told = [str(row.get("med_list_codg")) for row in rows]
    exam.expect(
        f"1317 {own}，vali_flag 1", f"对照到 {'、'.join(codes) or '无'}",
        f"mapped to {', '.join(codes) or 'nothing'}", "、".join(told) or "无 none",
        told == list(codes),
    )  # fmt: skip


@check(
    "3301-3302", Group.CATALOGUE, "目录对照：上传、查询、撤销", "Mapped, shown, taken back",
    needs=NEEDS,
)  # fmt: skip
async def there_and_back(exam: Exam) -> None:
    """A mapping is shown until it is withdrawn; then the code is free for another item."""
    own, (item, other) = f"CERT{exam.serial()}", exam.candidate.items[:2]
    message = mapping(exam, own, item)
    first = await exam.done(message)
    same_answer(exam, first, await exam.done(message))
    shows(exam, own, await standing(exam, own), item.med_list_codg)
    await exam.done(withdrawal(exam, own, item))
    shows(exam, own, await standing(exam, own))
    await exam.done(mapping(exam, own, other))
    shows(exam, own, await standing(exam, own), other.med_list_codg)
    await exam.done(withdrawal(exam, own, other))


@check(
    "mapping-refusals", Group.CATALOGUE, "目录对照拒绝：重叠、日期、查无对照",
    "Refused: overlapping, backwards, unknown", needs=NEEDS,
)  # fmt: skip
async def refusals(exam: Exam) -> None:
    """One own code is one item at a time; what was refused leaves nothing behind."""
    own, (item, other) = f"CERT{exam.serial()}", exam.candidate.items[:2]
    await exam.done(mapping(exam, own, item))
    at = "input.catalogcompin[0].fixmedins_hilist_id"
    refused = await exam.refused(mapping(exam, own, other), "MAPPING_OVERLAPS", field=at)
    exam.expect(
        "MAPPING_OVERLAPS err_msg", f"含已对照的 {item.med_list_codg}",
        f"names what stands, {item.med_list_codg}", refused.text,
        item.med_list_codg in refused.text,
    )  # fmt: skip
    shows(exam, own, await standing(exam, own), item.med_list_codg)
    await exam.done(withdrawal(exam, own, item))
    backwards = mapping(exam, f"{own}X", item, ends="2000-01-01")
    await exam.refused(backwards, "MAPPING_DATES_WRONG")
    await exam.refused(
        withdrawal(exam, own, item), "MAPPING_UNKNOWN", field="input.data.fixmedins_hilist_id"
    )


CHECKS: tuple[Check, ...] = (there_and_back, refusals)
