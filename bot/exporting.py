"""A copy of all that is kept of a person: a JSON file with every row, and a PDF that a person can read.

It is made as it is sent and kept nowhere. Both are parted where they would be too large: a bot may send 50 MB, and
a PDF is typeset in a time that grows with its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from sqlalchemy import Engine

from bot.pdf import PdfError, pdf
from bot.perform import Made
from bot.render import File
from bot.texts import together, words
from flows.documents import Document
from flows.effects import Text
from flows.opening import sections, written_by
from flows.people import AUDIENCES
from flows.session_news import REASONS
from storage.personal import export_of, person_in

log = structlog.get_logger()

NAME = "waymark-export"
LARGEST = 40_000_000
"""Bytes of a JSON file; Telegram takes 50 MB from a bot."""
MOST_LINES = 5000
"""Lines of a PDF: typeset in two seconds, in 150 MB of memory."""
LONGEST_LINE = 20_000
Rows = list[dict[str, Any]]
Lines = list[tuple[str, str]]


def exported(engine: Engine, chat_id: int, language: str, now: datetime) -> tuple[Made, ...]:
    """The files; none where nobody is known in the chat. Takes seconds: never to be called on the event loop."""
    user_id = person_in(engine, chat_id)
    found = export_of(engine, user_id) if user_id is not None else None
    if found is None:
        return ()
    caption = words(Text(key="export.caption_json"), language)
    made = [
        Made(name=name, content=content, caption="" if place else caption)
        for place, (name, content) in enumerate(json_files(found, now))
    ]
    return (*_pdfs(found, language, now), *made)


def json_files(found: dict[str, Rows], now: datetime, largest: int = LARGEST) -> Iterator[tuple[str, bytes]]:
    """The rows as JSON, by table, in as many files as it takes."""
    parts: list[dict[str, Rows]] = [{}]
    size = 0
    for table, rows in found.items():
        parts[-1].setdefault(table, [])
        for row in rows:
            length = len(_pretty({table: [row]}))  # indented as it stands there
            if size and size + length > largest:
                parts.append({table: []})
                size = 0
            size += length
            parts[-1].setdefault(table, []).append(row)
    for number, part in enumerate(parts, 1):
        about: dict[str, Any] = {"made_at": now, "part": number, "parts": len(parts)}
        name = NAME if len(parts) == 1 else f"{NAME}-{number}"
        yield f"{name}.json", _pretty({"about": about, **part})


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _pdfs(found: dict[str, Rows], language: str, now: datetime) -> list[Made]:
    texts = _Copy(found, language, now)
    parts = _parted(texts.blocks())
    made = []
    for number, lines in enumerate(parts, 1):
        title = texts.say("export.title")
        name, caption = NAME, texts.say("export.caption") if number == 1 else ""
        if len(parts) > 1:
            name = f"{NAME}-{number}"
            title = texts.say("export.part", title=title, part=number, parts=len(parts))
        file = File(name=name, title=title, language=language, lines=tuple(lines), caption=caption)
        try:
            made.append(Made(name=f"{name}.pdf", content=pdf(file), caption=caption))
        except PdfError as error:  # the JSON file has it all
            log.error("export not typeset", error=str(error))
    return made


def _parted(blocks: Iterator[Lines]) -> list[Lines]:
    """Blocks of lines that stay together as far as they can."""
    parts: list[Lines] = [[]]
    for block in blocks:
        if parts[-1] and len(parts[-1]) + len(block) > MOST_LINES:
            parts.append([])
        parts[-1].extend(block)
        while len(parts[-1]) > MOST_LINES:
            parts.append(parts[-1][MOST_LINES:])
            del parts[-2][MOST_LINES:]
    return parts


class _Copy:
    """The copy in the person's language."""

    def __init__(self, found: dict[str, Rows], language: str, now: datetime) -> None:
        self._found, self._language = found, language
        [self._person] = found["users"]
        self._zone = ZoneInfo(self._person["timezone"])
        self._now = now

    def say(self, key: str, /, *, count: int | None = None, **args: Any) -> str:
        """A text."""
        return words(Text(key=key, args=args, count=count), self._language)

    def blocks(self) -> Iterator[Lines]:
        """The copy, block by block."""
        yield [(self.say("export.made", at=self._local(self._now)), "plain")]
        yield self._about()
        if items := self._items():
            yield [(self.say("export.plan"), "bold"), *items]
        for session in sorted(self._found["coaching_sessions"], key=lambda row: row["created_at"], reverse=True):
            yield self._session(session)
        if booked := self._booked():
            yield [(self.say("export.booked"), "bold"), *booked]
        if notes := [_quote(row["text"]) for row in self._found["coach_notes"]]:
            yield [(self.say("export.notes"), "bold"), *notes]
        yield [(self.say("export.rest"), "plain")]

    def _listed(self, keys: Iterable[str]) -> str:
        return together((Text(key=key) for key in keys), self._language)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone)

    def _about(self) -> Lines:
        person = self._person
        roles = self._listed(f"role.{row['role']}" for row in self._found["user_roles"])
        said = [
            self.say("export.name", name=person["name"]),
            self.say("export.language", language=self.say(f"language.{person['language']}")),
            self.say("export.zone", zone=person["timezone"]),
            self.say("export.since", at=self._local(person["created_at"])),
            self.say("export.model_on" if person["model_help"] else "export.model_off"),
        ]
        if person["birth_year"] is not None:
            said.append(self.say("export.birth_year", year=str(person["birth_year"])))
        if roles:
            said.append(self.say("export.roles", roles=roles))
        ties = [row for row in self._found["coach_coachee_mappings"] if row["active"] and row["you"] == "coachee"]
        family = [row for row in self._found["guardianships"] if row["active"] and row["you"] == "child"]
        said.extend(self.say("export.your_coach", name=row["coach"] or "") for row in ties)
        said.extend(self.say("export.your_parent", name=row["parent"] or "") for row in family)
        for audience in AUDIENCES:
            if (kinds := person["sharing"].get(audience)) is None:
                continue
            seen = self._listed(f"privacy.kind.{kind}" for kind in kinds) or self.say("export.sees_nothing")
            said.append(self.say("export.sees", name=self.say(f"export.audience.{audience}"), kinds=seen))
        if person["quiet_from"] and person["quiet_until"]:
            said.append(self.say("export.quiet", start=person["quiet_from"], end=person["quiet_until"]))
        if person["daily_cap"] is not None:
            said.append(self.say("export.cap", count=person["daily_cap"]))
        return [(self.say("export.about"), "bold"), *((f"• {text}", "plain") for text in said)]

    def _items(self) -> Lines:
        lines: Lines = []
        between: dict[Any, Rows] = {}
        for row in self._found["milestones"]:
            between.setdefault(row["action_plan_id"], []).append(row)
        for item in sorted(self._found["action_plans"], key=lambda row: row["created_at"], reverse=True):
            status = self.say(f"export.status.{'dropped' if item['dropped_at'] else item['status']}")
            args = {"title": item["title"], "status": status}
            if item["timeline_end"] is not None:
                lines.append((self.say("export.item_due", day=item["timeline_end"], **args), "plain"))
            else:
                lines.append((self.say("export.item", **args), "plain"))
            if item["description"] and item["description"] != item["title"]:
                lines.append(_quote(item["description"]))
            for step in sorted(between.get(item["id"], []), key=lambda row: row["number"]):
                lines.append((f"• {step['title']}", "plain"))
        return lines

    def _session(self, session: dict[str, Any]) -> Lines:
        at, topic = self._local(session["created_at"]), session["topic"]
        title = self.say("export.session_topic", at=at, topic=topic) if topic else self.say("export.session", at=at)
        lines = [(title, "bold")]
        stages = [row for row in self._found["stage_responses"] if row["session_id"] == session["id"]]
        for row in sorted(stages, key=lambda row: row["stage_number"]):
            for turn in row["responses"].get("turns", ()):
                lines.append((self._known(f"about.{turn['step']}", turn["step"]), "plain"))
                lines.append(_quote(turn["text"] or self.say("answers.skipped")))
        if session["notes"]:
            lines.append(_quote(session["notes"]))
        if session["summary"] is not None:
            lines.extend(self._summary(msgspec.convert(session["summary"], Document)))
        return lines

    def _booked(self) -> Lines:
        """Booked sessions of the person, and those that they coach: when, which, what became of it, the record."""
        lines: Lines = []
        for row in sorted(self._found["scheduled_sessions"], key=lambda row: row["starts_at"], reverse=True):
            status = self.say(f"session.status.{row['status']}")
            at = self._local(row["starts_at"])
            lines.append((self.say("export.booked_at", n=row["session_number"], at=at, status=status), "plain"))
            words = (row.get("cancellation_reason"), row["record_topic"], row["coach_notes"])
            lines += [_quote(self._reason(text)) for text in words if text]
        return lines

    def _reason(self, text: str) -> str:
        return self.say(f"cancel.reason.{text}") if text in REASONS else text

    def _summary(self, document: Document) -> Lines:
        lines = [(document.theme, "bold"), (self.say(written_by(document)), "plain")]
        for name, texts in sections(document).items():
            if texts:
                lines.append((self.say(f"summary.{name}"), "plain"))
                lines.extend((f"• {words(text, self._language)}", "plain") for text in texts)
        return lines

    def _known(self, key: str, otherwise: str) -> str:
        try:
            return self.say(key)
        except KeyError:  # a question of an earlier version
            return otherwise


def _quote(text: str) -> tuple[str, str]:
    return text[:LONGEST_LINE], "quote"
