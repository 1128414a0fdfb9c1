"""`waymark replay`: what another prompt makes of a session, beside the summary that was kept. Nothing is changed.

For whoever reviews a prompt. It shows a coachee's words on the screen of the one who runs it, and sends them to the
model once more, unless that person wants no model to take part. What it costs counts as theirs; that their words were
shown, or asked for, is in the audit log.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from uuid import UUID

from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy import Engine

from bot.clock import SystemClock
from bot.model import ModelFailedError, model_of
from bot.prompts import Prompt, prompt, versions
from bot.settings import Settings
from bot.summarising import summarised
from bot.texts import words
from flows.changes import Audited
from flows.documents import Document
from flows.opening import places
from flows.spending import Spent
from storage import audit, sessions
from storage.outbox import new_id
from storage.usage import count


class CannotReplayError(Exception):
    """It cannot be replayed, and the message says why."""


def named(value: str) -> Prompt:
    """A prompt by its version, or by the path of a file that is not in use yet. Raises CannotReplayError."""
    try:
        return prompt(value)
    except KeyError:
        path = Path(value)
        if path.is_file():
            try:
                return Prompt(version=path.stem, text=path.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                raise CannotReplayError(f"{value} is not text in UTF-8") from None
    raise CannotReplayError(f"there is no prompt {value}; there are {', '.join(versions('summary'))}, or name a file")


def listed(engine: Engine) -> Table:
    """The summaries written last, without a word of anybody."""
    table = Table(Column("session", no_wrap=True), "version", "written", "language", "prompt", "model")
    for kept in sessions.newest_summaries(engine):
        when = f"{kept.written_at:%Y-%m-%d %H:%M} UTC"
        writer = (kept.prompt or "", kept.model or "the plain writer")
        table.add_row(str(kept.session_id), str(kept.version), when, kept.language, *writer)
    return table


async def replayed(settings: Settings, engine: Engine, session: str, by: Prompt) -> Table:
    """The newest summary of a session and a new one, side by side. Raises CannotReplayError."""
    model = model_of(settings)
    if model is None:
        raise CannotReplayError("OPENAI_API_KEY is not set: there is no model to replay it with")
    try:
        [old, *_] = sessions.newest_summaries(engine, of=UUID(session))
    except ValueError:
        raise CannotReplayError(f"no summary is kept of a session {session}: `waymark replay` lists them") from None
    given, owner = sessions.material(engine, old.session_id), sessions.owner_of(engine, old.session_id)
    assert given is not None
    assert owner is not None
    seen = Audited(
        audit_id=new_id(),
        at=SystemClock().now(),
        action="replay",
        subject_id=owner.user_id,
        outcome="done" if owner.model_help else "refused",
        reason=str(old.session_id),
        via="command",
    )
    audit.record(engine, seen)  # before anything is shown or sent
    if not owner.model_help:
        raise CannotReplayError("this person wants no language model to take part: it is not given to one")
    spent: list[Spent] = []
    try:
        new = await summarised(model, given, by, spent)
    except ModelFailedError as failure:
        spent.extend(failure.spent)
        raise CannotReplayError(f"the model did not deliver: {failure.reason}") from None
    finally:
        await model.close()
        count(engine, owner.user_id, spent, SystemClock().now())
    before = f"{old.prompt or 'the plain writer'}, version {old.version}"
    table = Table("", before, by.version, show_lines=True)
    for (name, left), (_, right) in zip_longest(
        _sections(old.document, given.language), _sections(new, given.language), fillvalue=("", "")
    ):
        table.add_row(name, escape(left), escape(right))
    table.caption = f"{sum(s.tokens for s in spent)} tokens in {len(spent)} calls; nothing was kept"
    return table


def _sections(document: Document, language: str) -> Iterator[tuple[str, str]]:
    """Each section's lines, with the words they rest on."""
    yield "theme", document.theme
    there = places(document)
    for section in dict.fromkeys(place.section for place in there):
        lines = []
        for place in there:
            if place.section == section:
                quotes = "; ".join(f"“{source.quote}”" for source in place.sources)
                lines.append(f"{words(place.text, language)}\n   {quotes or '-'}")
        yield section, "\n".join(lines)
    suggested = [item.title for item in document.action_plan if item.suggested]
    yield "suggestions", "\n".join(suggested)
