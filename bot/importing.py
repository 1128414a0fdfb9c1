"""`waymark people import`: a file of people and pairs, read; what becomes of each row, in words.

A file is a CSV in UTF-8 with a header; what separates its cells is seen from the header.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from sqlalchemy import Engine

from bot.ages import consent_age
from bot.clock import Clock, SystemClock
from bot.render import notice
from bot.texts import languages
from flows.changes import Audited
from flows.importing import (
    COLUMNS,
    GREATEST_ID,
    LONGEST_NAME,
    OLDEST_YEAR,
    REQUIRED,
    Added,
    Became,
    Done,
    Import,
    Line,
    Reason,
    There,
    asked,
    imported,
    named,
)
from flows.people import ROLES
from flows.records import Record
from storage.importing import keep, look
from storage.outbox import Outgoing, new_id

SEPARATORS = (",", ";", "\t")
LONGEST_CELL = 1_000_000
LONGEST_SHOWN = 60
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would take for a formula."""
REASONS: dict[Reason, str] = {
    "cells": "has more cells than the header",
    "bad_id": f"telegram_id “{{about}}” is not a whole number from 1 to {GREATEST_ID - 1}",
    "no_name": "has no name",
    "long_name": f"the name is longer than {LONGEST_NAME} characters",
    "bad_name": "the name holds control characters",
    "unknown_role": f"role “{{about}}” is none of {', '.join(ROLES)}",
    "unknown_language": "language “{about}” is not spoken here",
    "unknown_zone": "timezone “{about}” is no IANA time zone, like Europe/Lisbon",
    "bad_year": f"birth_year “{{about}}” is not a year from {OLDEST_YEAR} to last year",
    "bad_tie": "tie “{about}” is neither primary nor secondary",
    "not_coachee": "only a coachee has a coach or a parent, not role {about}",
    "tie_alone": "tie “{about}” without a coach_telegram_id",
    "bad_coach_id": "coach_telegram_id “{about}” is not a Telegram id",
    "bad_parent_id": "parent_telegram_id “{about}” is not a Telegram id",
    "own_coach": "a person cannot be their own coach",
    "own_parent": "a person cannot be their own parent",
    "duplicate": "says the same as row {about}",
    "differs": "says something else of this person than a row before ({about})",
    "leaving": "this person asked to be forgotten",
    "coach_unknown": "coach {about} is neither there nor in this file",
    "coach_role": "{about} is not a coach",
    "coach_gone": "coach {about} is inactive or asked to be forgotten",
    "parent_unknown": "parent {about} is neither there nor in this file",
    "parent_role": "{about} is not a parent",
    "parent_gone": "parent {about} is inactive or asked to be forgotten",
    "second_primary": "has another primary coach than {about} already",
    "other_tie": "coach {about} is there already, with the other kind of tie",
}
ADDED: dict[Added, str] = {
    "role": "the role is new",
    "person_again": "was inactive",
    "coach": "the coach is new",
    "coach_again": "the coach is taken up again",
    "parent": "the parent is new",
    "parent_again": "the parent is taken up again",
    "waits": "is too young to agree alone, and waits for a parent",
}
BECAME: dict[Became, str] = {
    "created": "created",
    "reactivated": "reactivated",
    "changed": "changed",
    "there": "already there",
    "refused": "refused",
}
SHORT: dict[Became, str] = {
    "created": "new",
    "reactivated": "again",
    "changed": "changed",
    "there": "there",
    "refused": "refused",
}
LONGEST_REASON = 64


class CannotImportError(Exception):
    """The file cannot be read, and the message says why."""


class Report(Record):
    """What became of a file's rows."""

    lines: tuple[Line, ...]
    found: Import
    kept: bool


def bring_in(
    engine: Engine, path: Path, *, apply: bool, ages: Mapping[str, int], clock: Clock | None = None
) -> Report:
    """Read a file, and look what becomes of it or keep it. `ages` are a deployment's own ages of consent, by country.

    Raises CannotImportError, PeopleCameError.
    """
    now = (clock or SystemClock()).now()
    lines = tuple(lines_of(path))
    rows = [asked(line, languages(), now.year) for line in lines]

    def decide(there: There) -> tuple[Import, list[Outgoing], Audited]:
        found = imported(rows, there, new_id, now, lambda zone: consent_age(zone, ages))
        counts = ",".join(f"{SHORT[became]} {count}" for became, count in found.counts().items())
        reason = counts[:LONGEST_REASON]
        audited = Audited(audit_id=new_id(), at=now, action="import", reason=reason, via="command")
        return found, [outgoing for told in found.notices for outgoing in notice(told)], audited

    ids = named(rows)
    found = keep(engine, ids, decide, now) if apply else look(engine, ids, decide)
    return Report(lines=lines, found=found, kept=apply)


def lines_of(path: Path) -> Iterator[Line]:
    """The rows of a file that are not empty. Raises CannotImportError."""
    text = _text(path)
    if not text.strip():
        raise CannotImportError(f"{path} is empty")
    old = csv.field_size_limit(LONGEST_CELL)
    try:
        found = list(csv.reader(StringIO(text, newline=""), delimiter=_separator(text), strict=True))
    except csv.Error as error:
        raise CannotImportError(f"{path} is not a CSV: {error} ({_where(text)})") from None
    finally:
        csv.field_size_limit(old)
    start = next(number for number, cells in enumerate(found) if any(cell.strip() for cell in cells))
    header = _header(path, found[start])
    rows = [
        Line(
            number=number,
            cells={name: cells[at] if at < len(cells) else "" for at, name in enumerate(header)},
            over=any(cell.strip() for cell in cells[len(header) :]),
        )
        for number, cells in enumerate(found[start + 1 :], start + 2)
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise CannotImportError(f"{path} has a header and no rows")
    yield from rows


def words_of(done: Done) -> str:
    """What became of a row, and why."""
    if done.reason is not None:
        return REASONS[done.reason].format(about=shortened(done.about))
    return "; ".join(ADDED[added] for added in done.added)


def write(path: Path, report: Report) -> None:
    """Every row and what became of it, as a CSV that a spreadsheet opens without running anything in it."""
    names = [name for name in COLUMNS if name in report.lines[0].cells]
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "outcome", "reason", *names))
        for line, done in zip(report.lines, report.found.done, strict=True):
            cells = (shortened(line.cells[name]) for name in names)
            writer.writerow((done.number, BECAME[done.became], *map(_harmless, (words_of(done), *cells))))


def shortened(value: str) -> str:
    """A cell, not longer than what one reads."""
    value = value.strip().replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return value if len(value) <= LONGEST_SHOWN else value[: LONGEST_SHOWN - 1] + "…"


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CannotImportError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CannotImportError(f"{path} is not UTF-8 (line {line}): save it as “CSV UTF-8” and try again") from None


def _separator(text: str) -> str:
    """What splits the header into the most names that we know."""
    head = next(line for line in text.splitlines() if line.strip())

    def known(separator: str) -> int:
        return sum(_name(cell) in COLUMNS for cell in head.split(separator))

    return max(SEPARATORS, key=known)


def _name(cell: str) -> str:
    return cell.strip().strip('"').strip().casefold()


def _header(path: Path, cells: list[str]) -> list[str]:
    """The names of the columns. Raises CannotImportError for one that is unknown, missing, or there twice."""
    names = [_name(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()  # a spreadsheet's empty last columns
    unknown = [
        shortened(cell) or "(no name)" for cell, name in zip(cells, names, strict=False) if name not in COLUMNS
    ]
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise CannotImportError(
            f"{path} has no column {', '.join(missing)} in its first line: the columns are {', '.join(COLUMNS)}"
        )
    if unknown:
        raise CannotImportError(
            f"{path} has columns that are not known: {', '.join(unknown)}; the columns are {', '.join(COLUMNS)}"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CannotImportError(f"{path} has a column twice: {', '.join(twice)}")
    return names


def _where(text: str) -> str:
    """Where a CSV goes wrong: the record that cannot be read."""
    read = 0
    reader = csv.reader(StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        for _ in reader:
            read = reader.line_num
    except csv.Error:
        return f"in the row that begins at line {read + 1}"
    return f"after line {read}"
