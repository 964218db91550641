"""办理进度: what people ordered that takes long, how far it is, and what it came to."""

from __future__ import annotations

from settlement.console.asking import Answer
from settlement.console.ordering import told_words
from settlement.console.visits import Visit
from settlement.console.words import Words

TITLE = Words("办理进度", "Works")
MISSING = Words(
    "没有这项办理，或控制台已重新启动。已写入的内容以各页面为准。",
    "There is no such work, or the console was started again. What was kept is on the pages.",
)
OVER = Words("已经结束，未取消。", "It had ended already; nothing was cancelled.")
CANCELLED = Words("已取消。", "It was cancelled.")


async def works(visit: Visit) -> Answer:
    """All that run or lately ended."""
    return visit.page("works.html", TITLE, works=visit.desk.works.all_of())


async def work(visit: Visit) -> Answer:
    """One; with ?part=live the part that changes."""
    found = visit.desk.works.find(int(visit.parts[0]))
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    template = "work_live.html" if visit.asked.query.get("part") == "live" else "work.html"
    said = None if found.said is None else told_words(found.said)
    return visit.page(template, TITLE, work=found, said=said)


async def cancel(visit: Visit) -> Answer:
    """Have one given up."""
    found = visit.desk.works.find(int(visit.parts[0]))
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.cancel-work", found.subject, found.title.zh)
    stopped = await visit.desk.works.cancel(found, visit.who.name)
    return visit.go(f"/console/works/{found.number}", CANCELLED if stopped else OVER)
