"""Opening a summary: each of its lines, with the coachee's own words that it rests on; and all of it as a file.

A line's place counts through the six sections from 1, as the small numbers at the lines' ends do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flows import drafts
from flows.documents import Citation, Document, Metric, PlannedItem, short
from flows.effects import Choice, Edit, Line, Say, Screen, SendFile, Text, acknowledge, text_line
from flows.events import ButtonPressed
from flows.ids import short_id
from flows.records import Record
from flows.state import Chat, Decision, KeptSummary
from flows.times import local

PER_PAGE = 5
LONGEST_SHOWN = 70
"""Characters of a line in the list, and of each quote and of a line that is opened: a card stays under 600."""
LONGEST_OPENED = 200
MOST_QUOTES = 3
LONGEST_IN_FILE = 4000
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Place(Record):
    """A line of a summary: its section, how it reads, and the words it rests on."""

    section: str
    text: str | Text
    sources: tuple[Citation, ...]


def sections(document: Document) -> dict[str, tuple[str | Text, ...]]:
    """The texts of the six sections, in the order in which their lines are numbered."""
    return {
        "executive_summary": tuple(line.text for line in document.executive_summary),
        "key_insights": tuple(line.text for line in document.key_insights),
        "goal_statement": (document.goal_statement.text,),
        "action_plan": tuple(_item(item) for item in document.action_plan if not item.suggested),
        "success_metrics": tuple(_metric(metric) for metric in document.success_metrics),
        "support": tuple(line.text for line in document.support),
    }


def _item(item: PlannedItem) -> Text:
    args: dict[str, Any] = {"title": item.title, "description": item.description}
    key = "summary.item" if item.description and item.description != item.title else "summary.item.short"
    if item.due:
        return Text(key=key, args={**args, "day": item.due})
    return Text(key=f"{key}.undated", args=args)


def _metric(metric: Metric) -> Text | str:
    if not (metric.baseline and metric.target and metric.how):
        return metric.what
    args: dict[str, Any] = {
        "what": metric.what,
        "baseline": metric.baseline,
        "target": metric.target,
        "how": metric.how,
    }
    return Text(key="summary.metric", args=args)


def places(document: Document) -> tuple[Place, ...]:
    """The lines of the six sections, in order."""
    sources = {
        "executive_summary": [line.sources for line in document.executive_summary],
        "key_insights": [line.sources for line in document.key_insights],
        "goal_statement": [document.goal_statement.sources],
        "action_plan": [
            (*item.sources, *(s for m in item.milestones for s in m.sources))
            for item in document.action_plan
            if not item.suggested
        ],
        "success_metrics": [metric.sources for metric in document.success_metrics],
        "support": [line.sources for line in document.support],
    }
    return tuple(
        Place(section=name, text=text, sources=rests)
        for name, texts in sections(document).items()
        for text, rests in zip(texts, sources[name], strict=True)
    )


def written_by(document: Document) -> str:
    """Who wrote it, and why."""
    if document.reason is not None:
        return f"summary.{document.reason}"
    return "summary.by_model" if document.writer == "model" else "summary.plain"


def marked(text: str | Text, place: int) -> Text:
    """A line with its small number."""
    return Text(key="summary.marked", args={"line": text, "place": str(place).translate(SUPERSCRIPTS)})


def opening_data(card: int, kept: KeptSummary, what: str) -> str:
    """The data of a button that opens a summary: a page ("0"), a line ("3l") or the file ("pdf")."""
    return f"w:{card}:{short_id(kept.session_id)}:{kept.version}:{what}"


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press that opens something of the newest summary. None where the data is not one of ours."""
    parts = event.data.split(":")
    if len(parts) != 5 or parts[0] != "w" or not _number(parts[1]) or chat.summary is None:
        return None
    kept, ack = chat.summary, acknowledge(event.press_id)
    if parts[2:4] != [short_id(kept.session_id), str(kept.version)]:  # an older one: the newest is shown
        ack = acknowledge(event.press_id, "toast.newer_summary")
        parts[1], parts[4] = "0", parts[4] if parts[4] in ("pdf", "items") else "0"
    if parts[4] == "pdf":
        return Decision(chat=chat, effects=(*ack, _file(chat, kept, now)))
    if parts[4] == "items":
        made = drafts.made_again(chat, now)
        return made.evolve(effects=(*ack, *made.effects))
    line = parts[4].endswith("l")
    if not _number(parts[4].removesuffix("l")):
        return None
    number = int(parts[4].removesuffix("l"))
    card, there = int(parts[1]), places(kept.document)
    if line and not 1 <= number <= len(there):
        return None
    fresh = not 0 < card <= chat.conversation.cards
    if fresh:
        card = chat.conversation.cards + 1
        chat = chat.evolve(conversation=chat.conversation.evolve(cards=card))
    screen = _one(kept, card, number) if line else _page(kept, card, number)
    put = Say(key=f"w{card}", screen=screen) if fresh else Edit(key=f"w{card}", screen=screen)
    return Decision(chat=chat, effects=(*ack, put))


def _page(kept: KeptSummary, card: int, page: int) -> Screen:
    there = places(kept.document)
    pages = max(1, -(-len(there) // PER_PAGE))
    page = min(page, pages - 1)
    first = page * PER_PAGE
    lines = [Line(text=Text(key="said.title"), style="bold")]
    buttons = []
    for number, place in enumerate(there[first : first + PER_PAGE], first + 1):
        lines.append(text_line("said.line", n=number, line=_short(place.text)))
        buttons.append(Choice(data=opening_data(card, kept, f"{number}l"), label=str(number)))
    lines.append(text_line("said.open"))
    if page > 0:
        buttons.append(Choice(data=opening_data(card, kept, str(page - 1)), label="‹"))
    if page + 1 < pages:
        buttons.append(Choice(data=opening_data(card, kept, str(page + 1)), label="›"))
    buttons.append(Choice(data="m:0:home", label=Text(key="button.menu")))
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=PER_PAGE)


def _one(kept: KeptSummary, card: int, number: int) -> Screen:
    there = places(kept.document)
    place = there[number - 1]
    lines = [
        Line(text=Text(key=f"summary.{place.section}"), style="bold"),
        Line(text=_short(place.text, LONGEST_OPENED)),
        *quotes(place, LONGEST_OPENED // 2),
    ]
    before = [Choice(data=opening_data(card, kept, f"{number - 1}l"), label="‹")] if number > 1 else []
    after = [Choice(data=opening_data(card, kept, f"{number + 1}l"), label="›")] if number < len(there) else []
    back = Choice(data=opening_data(card, kept, str((number - 1) // PER_PAGE)), label=Text(key="said.all"))
    return Screen(lines=tuple(lines), choices=(*before, back, *after), per_row=3)


def quotes(place: Place, most: int, most_quotes: int = MOST_QUOTES) -> list[Line]:
    """The coachee's words under a line; where they are not known, that is said."""
    if not place.sources:
        return [text_line("said.unknown")]
    lines = [text_line("said.you_said")]
    for source in place.sources[:most_quotes]:
        lines.append(Line(text=short(source.quote, most), style="quote"))
    return lines


def _file(chat: Chat, kept: KeptSummary, now: datetime) -> SendFile:
    """The whole summary with the words under each line, to keep or to print."""
    day = kept.document.day or local(now, chat.someone.timezone).date()
    lines = [Line(text=Text(key=written_by(kept.document)))]
    section = ""
    for place in places(kept.document):
        if place.section != section:
            section = place.section
            lines.append(Line(text=Text(key=f"summary.{section}"), style="bold"))
        several = section != "goal_statement"
        lines.append(Line(text=Text(key="summary.line", args={"line": place.text}) if several else place.text))
        lines.extend(quotes(place, LONGEST_IN_FILE, most_quotes=len(place.sources)))
    return SendFile(
        name=f"waymark-{day.isoformat()}",
        title=kept.document.theme,
        lines=tuple(lines),
        caption=Text(key="summary.file", args={"theme": short(kept.document.theme, 60)}),
    )


def _short(text: str | Text, most: int = LONGEST_SHOWN) -> str | Text:
    """A line, cut; one that is a text of the catalogue has its parts cut."""
    if isinstance(text, str):
        return short(text, most)
    args = {name: short(value, most) if isinstance(value, str) else value for name, value in text.args.items()}
    return text.evolve(args=args)


def _number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
