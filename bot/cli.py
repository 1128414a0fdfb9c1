"""The commands. What each does is in its docstring, which is its help."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import structlog
import typer
from rich.markup import escape
from rich.table import Table

from bot import people_cli
from bot import tombstones as stones
from bot.clock import SystemClock
from bot.console import console, settings, stop
from bot.prompts import SUMMARY
from bot.service import CannotServeError
from storage import letters as dead
from storage import migrations
from storage.engine import connect, wipe
from storage.instance import AlreadyRunningError
from storage.personal import apply_tombstones
from storage.personal import tombstones as kept_tombstones

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
letters_app = typer.Typer(no_args_is_help=True, help="What could not be handled and was set aside.")
app.add_typer(letters_app, name="letters")
app.add_typer(people_cli.people_app, name="people")
app.command()(people_cli.invite)
app.command()(people_cli.audit)
tombstones_app = typer.Typer(no_args_is_help=True, help="Who was forgotten, for a backup that is restored.")
app.add_typer(tombstones_app, name="tombstones")


@app.callback()
def waymark() -> None:
    """Waymark, a coach in Telegram."""


@app.command()
def chat(
    script: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Lines to type for you.")] = None,
    first_run: Annotated[
        bool, typer.Option("--first-run", help="As somebody new in Telegram finds it; nothing of it is kept.")
    ] = False,
) -> None:
    """Hold a coaching conversation in the terminal. It is kept in DATABASE_URL, or in waymark.db here."""
    from bot.terminal import chat as hold

    given = settings()
    _log_to_stderr("error")
    if not first_run:
        _serve(hold(given, script))
        return
    with TemporaryDirectory() as folder:
        new = given.model_copy(update={"database_url": f"sqlite:///{folder}/waymark.db"})
        _serve(hold(new, script, first_run=True))


@app.command()
def run() -> None:
    """Serve Telegram in one process: updates by polling (or webhook, where WEBHOOK_URL is set) and the worker."""
    _run(updates=True, work=True)


@app.command()
def web() -> None:
    """Take updates in (the Procfile's web process); needs `waymark work` beside it, and PostgreSQL."""
    _run(updates=True, work=False)


@app.command()
def work() -> None:
    """Fire reminders and take up what is left over (the Procfile's worker process)."""
    _run(updates=False, work=True)


@app.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="The revision to go to.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Go back to the revision.")] = False,
    lossy: Annotated[bool, typer.Option("--lossy", help="Allow a step back that drops data.")] = False,
) -> None:
    """Bring the database up to date (the Procfile's release process). May be run any number of times."""
    engine = connect(settings().database_url)
    try:
        if down:
            migrations.downgrade(engine, revision, lossy=lossy)
        else:
            migrations.upgrade(engine, revision)
    except migrations.LossyDowngradeError as error:
        stop(f"going back past {error} drops what people said; --lossy does it all the same")
    except migrations.UnknownRevisionError as error:
        stop(f"there is no way to revision {error}; nothing was changed")
    console.print(f"The database is at revision {migrations.current(engine)}.")


@app.command()
def doctor() -> None:
    """Check the token, webhook, database, migrations, model and its budget, and say what to do."""
    from bot.doctor import examine

    async def look() -> bool:
        fine = True
        async for finding in examine(settings()):
            mark = {True: "[green]ok[/green]", False: "[red]no[/red]", None: "--"}[finding.fine]
            console.print(f"{mark}  {finding.about}: {escape(finding.words)}", soft_wrap=True)
            fine = fine and finding.fine is not False
        return fine

    if not asyncio.run(look()):
        raise typer.Exit(1)


@app.command()
def replay(
    session: Annotated[str, typer.Argument(help="A session's id; without one, they are listed.")] = "",
    prompt: Annotated[str, typer.Option(help="The version of a prompt, or the path of a file.")] = SUMMARY,
) -> None:
    """Show what a prompt makes of a session, beside the summary that is kept. It shows a coachee's words."""
    from bot.replay import CannotReplayError, listed, named, replayed

    given = settings()
    engine = connect(given.database_url)
    if migrations.current(engine) != migrations.head():
        stop("this database is not up to date: `waymark migrate` brings it there")
    try:
        if session:
            console.print(asyncio.run(replayed(given, engine, session, named(prompt))))
        else:
            console.print(listed(engine))
    except CannotReplayError as error:
        stop(str(error))


@letters_app.command("list")
def letters_list() -> None:
    """List what was set aside: its id, kind, chat, time and reason, and no words of a person."""
    found = dead.letters(connect(settings().database_url))
    if not found:
        console.print("Nothing is set aside.")
        return
    table = Table("id", "kind", "chat", "since", "reason")
    for letter in found:
        table.add_row(
            letter.id, letter.kind, str(letter.chat_id), f"{letter.since:%Y-%m-%d %H:%M} UTC", letter.reason
        )
    console.print(table)


@letters_app.command("retry")
def letters_retry(
    letter_id: Annotated[str, typer.Argument(help="An id from `waymark letters list`, or all.")],
) -> None:
    """Have a letter, or all, tried again: the running process does it within seconds."""
    engine = connect(settings().database_url)
    ids = [letter.id for letter in dead.letters(engine)] if letter_id == "all" else [letter_id]
    tried = [name for name in ids if dead.retry(engine, name, SystemClock().now())]
    if not tried and letter_id != "all":
        stop(f"no letter {letter_id} is set aside; `waymark letters list` shows what is")
    console.print(f"{len(tried)} to be tried again.")


@tombstones_app.command("export")
def tombstones_export() -> None:
    """Print who was forgotten, as lines of JSON: ids and times, nothing else."""
    engine = connect(settings().database_url)
    for stone in kept_tombstones(engine):
        print(stones.line(stone))  # noqa: T201 - the command's answer, for a file
    engine.dispose()


@tombstones_app.command("apply")
def tombstones_apply(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Lines that `export` printed.")],
) -> None:
    """Forget again who was forgotten, after a backup was restored. May be run any number of times."""
    try:
        found = stones.parsed(file.read_text(encoding="utf-8", errors="replace"))
    except stones.UnreadableLineError as error:
        stop(f"line {error} is no tombstone; nothing was changed")
    engine = connect(settings().database_url)
    if migrations.current(engine) != migrations.head():
        stop("this database is not up to date: `waymark migrate` brings it there")
    again = apply_tombstones(engine, found, SystemClock().now())
    wiped = wipe(engine)
    engine.dispose()
    console.print(f"{len(found)} tombstones; people who were there again, and are forgotten: {again}.")
    if not wiped:
        console.print("The database is being read: run it again to clear the traces from its file.")


def main() -> None:
    """The entry point."""
    app()


def _run(*, updates: bool, work: bool) -> None:
    import uvloop

    from bot.service import run as serve

    given = settings()
    try:
        given.token  # noqa: B018 - says at once, and not somewhere in a start, that there is none
    except ValueError as error:
        stop(str(error))
    _log_to_stderr(given.log_level)
    _serve(serve(given, updates=updates, work=work), uvloop.new_event_loop)


def _serve(work: Coroutine[Any, Any, None], loop_factory: Any = None) -> None:
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(work)
    except (AlreadyRunningError, CannotServeError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        return


def _log_to_stderr(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False)
            if sys.stderr.isatty()
            else structlog.processors.KeyValueRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("telegram").setLevel(
        logging.CRITICAL + 1
    )  # it logs updates, with a person's words, as it fails
