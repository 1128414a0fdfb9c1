"""The operator's commands about people: `invite`, `people`, `audit`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Column, Table
from sqlalchemy import Engine
from typer.core import TyperGroup

from bot.ages import parsed
from bot.clock import SystemClock
from bot.console import as_json, aside, console, harmless, output, printable, settings, show, stop
from bot.settings import Settings
from flows.people import Role
from storage import audit as log
from storage import migrations, people
from storage.engine import alive, connect

MOST_REFUSED = 50
"""Refused rows that are printed; the report file has them all."""
MOST_MEANT = 10


class RoleName(StrEnum):
    """The roles, as the command line takes them."""

    operator = "operator"
    coach = "coach"
    coachee = "coachee"
    parent = "parent"


class _ListFirst(TyperGroup):
    """A group of commands in which words that are no command are a search."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


people_app = typer.Typer(cls=_ListFirst, help="Who there is, and bringing people in by a file.")


def invite(
    role: Annotated[RoleName, typer.Argument(help="What the link makes of whoever uses it.")],
    coachee: Annotated[str, typer.Option(help="The child of an invited parent: id, Telegram id or name.")] = "",
    coach: Annotated[str, typer.Option(help="The coach of an invited coachee: id, Telegram id or name.")] = "",
    secondary: Annotated[bool, typer.Option("--secondary", help="The coach is one besides the primary one.")] = False,
    days: Annotated[
        int | None, typer.Option(min=1, max=365, help="How long the link holds; else INVITE_DAYS.")
    ] = None,
) -> None:
    """Print a one-time link that brings somebody in. Whoever opens it first and confirms is who it was for."""
    if coachee and role != RoleName.parent:
        stop("--coachee goes with a parent: it says whose parent they are")
    if coach and role != RoleName.coachee:
        stop("--coach goes with a coachee: it says who coaches them")
    if secondary and not coach:
        stop("--secondary goes with --coach")
    if role == RoleName.parent and not coachee:
        stop("a parent is a coachee's parent: say whose with --coachee")
    from bot.inviting import made, username

    given = settings()
    with _up_to_date(given) as engine:
        child = _meant(engine, coachee, "coachee") if coachee else None
        by = _meant(engine, coach, "coach") if coach else None
        link = made(
            engine,
            role.value,
            SystemClock().now(),
            days or given.invite_days,
            coachee=child.id if child else None,
            coach=by.id if by else None,
            kind="secondary" if secondary else "primary",
        )
    name, why = asyncio.run(username(given))
    whose = f" of {harmless(child.name)}" if child else ""
    coached = f", with {harmless(by.name)} as {'secondary' if secondary else 'primary'} coach" if by else ""
    aside(f"For one {role.value}{whose}{coached}. It holds until {link.expires_at:%Y-%m-%d %H:%M} UTC, once.")
    if name is None:
        aside(f"{why}, so the bot's name is not known. They send this to the bot instead:")
        output(f"/start {link.token}")
    else:
        output(f"https://t.me/{name}?start={link.token}")


@people_app.command("list")
def people_list(
    search: Annotated[str, typer.Argument(help="A part of a name, an id, a Telegram id.")] = "",
    role: Annotated[RoleName | None, typer.Option(help="Only people with this role.")] = None,
    in_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Who there is, by name. `waymark people` alone is the same."""
    with _ready() as engine:
        found = people.listed(engine, search, role.value if role else None)
    if in_json:
        output(as_json(found))
        return
    if not found:
        console.print("Nobody is found.")
        return
    whole = ("id", "Telegram id", "standing", "last seen", "unreachable since")
    names = ("id", "name", "Telegram id", "roles", "standing", "coaches", "parents", "last seen", "unreachable since")
    table = Table(*(Column(name, no_wrap=name in whole) for name in names))
    for one in found:
        since = f"{one.unreachable_since:%Y-%m-%d}" if one.unreachable_since else ""
        table.add_row(
            *(str(one.id), printable(one.name), str(one.telegram_id), ", ".join(one.roles), one.standing),
            *(_names(one.coaches), _names(one.parents), one.last_seen or "", since),
        )
    table.caption = f"{len(found)} {'person' if len(found) == 1 else 'people'}"
    show(table)


@people_app.command("show")
def people_show(
    person: Annotated[str, typer.Argument(help="An id, a Telegram id or a name.")],
    in_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """One person: who they are to others, now and before, their open links, when they are to be forgotten."""
    with _ready() as engine:
        found = people.shown(engine, _meant(engine, person).id, SystemClock().now())
    if found is None:
        stop("this person is not there any more")
    if in_json:
        output(as_json(found))
        return
    one = found.person
    table = Table(show_header=False)
    going = f"{found.deletion_due_at:%Y-%m-%d %H:%M} UTC" if found.deletion_due_at else ""
    since = f"{one.unreachable_since:%Y-%m-%d %H:%M} UTC" if one.unreachable_since else ""
    for about, words in (
        ("id", str(one.id)),
        ("name", printable(one.name)),
        ("Telegram id", str(one.telegram_id)),
        ("roles", ", ".join(one.roles)),
        ("standing", one.standing),
        ("language, time zone", f"{one.language}, {one.timezone}"),
        ("born in", str(found.birth_year or "")),
        ("here since", f"{found.created_at:%Y-%m-%d}"),
        ("last seen", one.last_seen or ""),
        ("unreachable since", since),
        ("coaches", _names(one.coaches)),
        ("coaches before", _names(found.past_coaches)),
        ("coachees", _names(found.coachees)),
        ("coachees before", _names(found.past_coachees)),
        ("parents", _names(one.parents)),
        ("parents before", _names(found.past_parents)),
        ("children", _names(found.children)),
        ("open links", "\n".join(_link(link) for link in found.invites)),
        ("to be forgotten on", going),
    ):
        if words:
            table.add_row(about, words)
    show(table)


@people_app.command("import")
def people_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV in UTF-8 with a header.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, it is only looked at.")] = False,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="A CSV to write every row's outcome to.")
    ] = None,
) -> None:
    """Bring in people and pairs. Columns: telegram_id, name, role; language, timezone, birth_year,
    coach_telegram_id, tie (primary or secondary), parent_telegram_id. Ends with 1 where a row was refused."""
    from bot.importing import BECAME, CannotImportError, bring_in, words_of, write
    from storage.importing import PeopleCameError

    if report is not None and report.resolve() == file.resolve():
        stop("the report would be written over the file: name another one")
    try:
        with _up_to_date(settings()) if apply else _ready() as engine:
            found = bring_in(engine, file, apply=apply, ages=parsed(settings().consent_ages))
        if report is not None:
            write(report, found)
    except CannotImportError as error:
        stop(str(error))
    except PeopleCameError:
        stop("people of this file came in by themselves meanwhile; nothing was changed, try again")
    except OSError as error:
        stop(f"the report cannot be written: {error.strerror}" + ("; the rows went in" if apply else ""))
    refused = [done for done in found.found.done if done.became == "refused"]
    if refused:
        rows = Table(Column("row", justify="right"), "refused, because")
        for done in refused[:MOST_REFUSED]:
            rows.add_row(str(done.number), printable(words_of(done)))
        show(rows)
        if len(refused) > MOST_REFUSED:
            console.print(f"... and {len(refused) - MOST_REFUSED} more: --report FILE.csv has them all.")
    table = Table("rows", Column("", justify="right"))
    for became, count in found.found.counts().items():
        table.add_row(BECAME[became], str(count))
    show(table)
    console.print("Done." if found.kept else "Nothing was changed: --apply does it.")
    if refused:
        raise typer.Exit(1)


def audit(
    person: Annotated[str, typer.Option(help="Who did it, or whom it was done to: id, Telegram id or name.")] = "",
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day (UTC) on.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 100,
    in_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Who did, or tried to do, what to whom: the newest first."""
    with _ready() as engine:
        found = log.entries(
            engine,
            person=_anybody(engine, person) if person else None,
            refused=refused,
            since=since.replace(tzinfo=UTC) if since else None,
            limit=limit,
        )
    if in_json:
        output(as_json(found))
        return
    if not found:
        console.print("There is nothing.")
        return
    table = Table(Column("at (UTC)", no_wrap=True), "via", "who", "did", "to whom", "outcome", "reason")
    for entry in found:
        table.add_row(
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.via,
            _who(entry.actor, entry.actor_id),
            entry.action,
            _who(entry.subject, entry.subject_id),
            entry.outcome,
            entry.reason,
        )
    show(table)


@contextmanager
def _ready() -> Iterator[Engine]:
    """The database, to be looked at: it is not changed, not even brought up to date."""
    with _answering(settings()) as engine:
        if migrations.current(engine) != migrations.head():
            stop("this database is not up to date: `waymark migrate` brings it there")
        yield engine


@contextmanager
def _up_to_date(given: Settings) -> Iterator[Engine]:
    """The database, brought up to date."""
    with _answering(given) as engine:
        migrations.upgrade(engine)
        yield engine


@contextmanager
def _answering(given: Settings) -> Iterator[Engine]:
    engine = connect(given.database_url)
    try:
        if not alive(engine):
            stop("the database does not answer: `waymark doctor` says more")
        yield engine
    finally:
        engine.dispose()


def _meant(engine: Engine, sought: str, role: Role | None = None) -> people.Listed:
    """The one person who is meant, in the role. The program stops where that is not clear."""
    found = people.find(engine, sought, role)
    if not found:
        stop(f"nobody here is {sought}: `waymark people` lists everybody")
    if len(found) > 1:
        aside(f"{sought} may be {len(found)} people. Name one by an id:")
        for one in found[:MOST_MEANT]:
            aside(f"  {one.id}  {one.telegram_id}  {harmless(one.name)}  {', '.join(one.roles)}")
        if len(found) > MOST_MEANT:
            aside(f"  ... and {len(found) - MOST_MEANT} more")
        raise typer.Exit(2)
    [one] = found
    if role is not None and role not in one.roles:
        stop(f"{harmless(one.name)} is not a {role}")
    if role is not None and one.standing == "inactive":
        stop(f"{harmless(one.name)} is inactive")
    return one


def _anybody(engine: Engine, sought: str) -> UUID:
    """The id of a person, also of one who is gone."""
    try:
        return UUID(sought)
    except ValueError:
        return _meant(engine, sought).id


def _names(those: tuple[people.Named, ...]) -> str:
    return "\n".join(printable(one.name) + (f" ({one.note})" if one.note else "") for one in those)


def _who(name: str | None, user_id: UUID | None) -> str:
    return printable(name) if name is not None else str(user_id or "")


def _link(link: people.OpenInvite) -> str:
    by = f", by {printable(link.inviter.name)}" if link.inviter else ""
    child = f" of {printable(link.coachee.name)}" if link.coachee else ""
    coach = f", {link.kind} coach {printable(link.coach.name)}" if link.coach else ""
    return f"{link.role}{child}{coach}{by}, until {link.expires_at:%Y-%m-%d %H:%M} UTC"
