"""The operator's commands about people: links, who there is, a file of people, the audit log."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import sys
from asyncio import create_subprocess_exec
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from subprocess import PIPE
from time import perf_counter
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result
from sqlalchemy import Engine, Text, cast, func, insert, select, update
from typer.testing import CliRunner

from bot.cli import app
from bot.parse import hash_of
from storage import tables as t
from storage.engine import connect
from tests.servers import BotApi
from tests.test_processes import live, waymark

Command = Callable[..., Result]
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def command(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command on the database; no token is set, and no .env file is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN", raising=False)

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of people."""

    def write(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / "people.csv"
        path.write_bytes("".join(f"{line}{end}" for line in lines).encode(encoding))
        return path

    return write


def tables(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(select(*map(_text, table.c))))
            for table in t.metadata.sorted_tables
        }


def _text(column: Any) -> Any:
    return func.coalesce(cast(column, Text), "")


def outcomes(path: Path) -> dict[int, tuple[str, str]]:
    """A report by its rows."""
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return {int(row["row"]): (row["outcome"], row["reason"]) for row in csv.DictReader(opened)}


def rows(engine: Engine, query: Any) -> list[Any]:
    """What is kept."""
    with engine.connect() as connection:
        return list(connection.execute(query))


# ---- links


def test_a_link_for_the_first_operator(command: Command, engine: Engine) -> None:
    """Without a token the words to send are printed, alone on stdout; only the token's hash is kept."""
    done = command("invite", "operator")
    assert done.exit_code == 0, done.output
    token = re.fullmatch(r"/start (\S{43})\n", done.stdout)
    assert token, done.stdout
    assert "TELEGRAM_BOT_TOKEN is not set" in done.stderr
    [made] = rows(engine, select(t.invites))
    assert (made.token_hash, made.role, made.used_at) == (hash_of(token[1]), "operator", None)
    assert made.expires_at - made.created_at == timedelta(days=7)
    [audited] = rows(engine, select(t.audit_log))
    assert (audited.action, audited.via, audited.outcome) == ("invite_operator", "command", "done")
    assert token[1] not in str(tables(engine))


def test_links_about_people(command: Command, engine: Engine, file: Callable[..., Path]) -> None:
    """A coachee's names the coach, a parent's the child; who is meant is asked where it is not clear."""
    path = file(
        "telegram_id,name,role",
        "5,Ana,coach",
        "7,Mira,coachee",
        "8,Mira Lund,coachee",
        "9,Mir,parent",
        "10,Ana,coach",
    )
    assert command("people", "import", path, "--apply").exit_code == 0
    assert command("invite", "parent", "--coachee", "7", "--days", "2").exit_code == 0
    assert command("invite", "parent", "--coachee", "mira").exit_code == 0  # the whole name comes first
    assert command("invite", "coachee", "--coach", "5", "--secondary").exit_code == 0
    ids = {row.telegram_id: row.id for row in rows(engine, select(t.users.c.telegram_id, t.users.c.id))}
    made = rows(engine, select(t.invites).order_by(t.invites.c.created_at))
    assert [(i.role, i.coachee_id, i.coach_id, i.kind) for i in made] == [
        ("parent", ids[7], None, "primary"),
        ("parent", ids[7], None, "primary"),
        ("coachee", None, ids[5], "secondary"),
    ]
    assert made[0].expires_at - made[0].created_at == timedelta(days=2)
    for words, why in (
        (("parent",), "say whose"),
        (("parent", "--coachee", "nobody"), "nobody here is nobody"),
        (("parent", "--coachee", "9"), "Mir is not a coachee"),
        (("parent", "--coachee", "lund mira"), "nobody here"),
        (("coachee", "--coach", "Ana"), "may be 2 people"),
        (("coachee", "--coach", "7"), "Mira is not a coach"),
        (("coachee", "--secondary"), "goes with --coach"),
        (("coachee", "--coachee", "7"), "goes with a parent"),
        (("coach", "--coach", "5"), "goes with a coachee"),
        (("king",), "king"),
        (("coach", "--days", "0"), "--days"),
    ):
        refused = command("invite", *words)
        assert refused.exit_code == 2, words
        assert why in refused.stderr, words
        assert refused.stdout == ""
    assert len(rows(engine, select(t.invites))) == 3


def test_a_database_that_is_new(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link brings it up to date; to look at people does not."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    assert "waymark migrate" in command("people").stderr
    assert command("invite", "coach").exit_code == 0
    assert command("people").exit_code == 0
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:hunter2@127.0.0.1:1/none")
    away = command("audit")
    assert (away.exit_code, "hunter2" in away.output) == (2, False)


@pytest.mark.processes
async def test_beside_a_running_bot(tmp_path: Path) -> None:
    """A link and an import on the file that a process serves; the link has the bot's name."""
    database = f"sqlite:///{tmp_path}/waymark.db"
    (tmp_path / "people.csv").write_text("telegram_id,name,role\n5,Ana,coach\n7,Mira,coachee\n", encoding="utf-8")
    async with BotApi() as api:
        settings = live(api, database)
        async with waymark("run", tmp_path, **settings) as bot:
            await api.wait_for(lambda: api.calls("getUpdates"), 20)
            out, said = await command_line(settings, "invite", "coachee")
            assert re.fullmatch(rf"https://t\.me/{api.me['username']}\?start=\S{{43}}\n", out), said
            assert "For one coachee" in said
            out, said = await command_line(settings, "people", "import", str(tmp_path / "people.csv"), "--apply")
            assert "Done." in out, said
            out, said = await command_line(settings, "people", "mira", "--json")
            assert json.loads(out)[0]["telegram_id"] == 7, said
            out, said = await command_line(settings | {"TELEGRAM_API_URL": "http://127.0.0.1:1"}, "invite", "coach")
            assert out.startswith("/start ")
            assert "does not answer" in said
            out, said = await command_line(settings | {"TELEGRAM_BOT_TOKEN": "9:x"}, "invite", "coach")
            assert out.startswith("/start ")
            assert "does not know" in said
        assert "Traceback" not in bot.said


async def command_line(settings: dict[str, str], *words: str) -> tuple[str, str]:
    """What a process of the command line prints: to stdout, to stderr."""
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        env={"PATH": os.environ["PATH"], **settings},
        stdout=PIPE,
        stderr=PIPE,
        cwd=Path(__file__).parent.parent.parent,
    )
    out, said = await process.communicate()
    return out.decode(), said.decode()


# ---- who there is


def test_people(command: Command, engine: Engine, file: Callable[..., Path]) -> None:
    """Found by a part of the name in any case, by id; a name is no markup and gives no orders to the terminal."""
    assert "Nobody is found." in command("people").stdout
    command(
        *("people", "import", "--apply"),
        file(
            "telegram_id,name,role,coach_telegram_id,tie,parent_telegram_id,birth_year",
            "5,[bold red]Ana[/],coach,,,,",
            "6,ÖZLEM,coach,,,,",
            "8,Pia,parent,,,,",
            "7,Mira,coachee,5,primary,8,2014",
            "7,Mira,coachee,6,secondary,,",
        ),
    )
    with engine.begin() as connection:
        connection.execute(update(t.users).where(t.users.c.telegram_id == 7).values(unreachable_since=WHEN))
        connection.execute(
            update(t.conversations).where(t.conversations.c.chat_id == 7).values(state={"seen": "2026-01-02"})
        )
        connection.execute(update(t.users).where(t.users.c.telegram_id == 8).values(name="Pia\x1b[2J\u202e"))
    table = command("people").stdout
    for words in ("[bold red]Ana[/]", "coachee", "ÖZLEM", "2026-01-01", "2026-01-02", "4 people", "Pia�[2J"):
        assert words in table
    assert "\x1b" not in table
    assert "\u202e" not in table
    [mira] = json.loads(command("people", "mIR", "--json").stdout)
    assert [c["note"] for c in mira["coaches"]] == ["primary", "secondary"]
    assert [p["note"] for p in mira["parents"]] == ["has not agreed"]
    assert (mira["last_seen"], mira["unreachable_since"][:10]) == ("2026-01-02", "2026-01-01")
    assert [p["telegram_id"] for p in json.loads(command("people", "özl", "--json").stdout)] == [6]
    assert [p["telegram_id"] for p in json.loads(command("people", "--role", "coach", "--json").stdout)] == [5, 6]
    assert json.loads(command("people", mira["id"], "--json").stdout) == [mira]
    assert json.loads(command("people", "show me", "--json").stdout) == []


def test_one_person(command: Command, engine: Engine, file: Callable[..., Path]) -> None:
    """With the people around them, open links, and the day on which they are to be forgotten."""
    command(
        *("people", "import", "--apply"),
        file("telegram_id,name,role,coach_telegram_id", "5,Ana,coach,", "6,Bo,coach,", "7,Mira,coachee,5"),
    )
    command("people", "import", "--apply", file("telegram_id,name,role,coach_telegram_id", "8,Olu,coachee,5"))
    command("invite", "parent", "--coachee", "7")
    with engine.begin() as connection:
        mira = select(t.users.c.id).where(t.users.c.telegram_id == 7).scalar_subquery()
        mine = t.coach_coachee_mappings.c.coachee_id == mira
        ended = update(t.coach_coachee_mappings).where(mine)
        connection.execute(ended.values(active=False, ended_at=WHEN))
        connection.execute(update(t.users).where(t.users.c.telegram_id == 7).values(deletion_due_at=WHEN))
        connection.execute(
            insert(t.invites).values(
                id=uuid4(), role="parent", coachee_id=mira, kind="primary", expires_at=WHEN, created_at=WHEN
            )
        )
    shown = command("people", "show", "mira").stdout
    assert "Ana (until 2026-01-01)" in shown
    assert "to be forgotten on" in shown
    found = json.loads(command("people", "show", "7", "--json").stdout)
    assert [link["role"] for link in found["invites"]] == ["parent"]  # not the one that is over
    ana = json.loads(command("people", "show", "5", "--json").stdout)
    assert [c["name"] for c in ana["coachees"]] == ["Olu"]
    assert [c["name"] for c in ana["past_coachees"]] == ["Mira"]
    assert command("people", "show", "999").exit_code == 2


# ---- a file of people


HEADER = "telegram_id,name,role,language,timezone,birth_year,coach_telegram_id,tie,parent_telegram_id"
FAULTS: dict[str, tuple[str, str]] = {
    "bad_id": ("x{id},Nina,coachee,en,,,,,", "is not a whole number"),
    "no_name": ("{id},,coachee,en,,,,,", "has no name"),
    "role": ("{id},Nina,king,en,,,,,", "role “king”"),
    "language": ("{id},Nina,coachee,xx,,,,,", "language “xx”"),
    "zone": ("{id},Nina,coachee,en,Mars/Base,,,,", "timezone “Mars/Base”"),
    "year": ("{id},Nina,coachee,en,,1066,,,", "birth_year “1066”"),
    "coach": ("{id},Nina,coachee,en,,,999999,,", "coach 999999 is neither"),
    "not_coach": ("{id},Nina,coachee,en,,,2001,,", "2001 is not a coach"),
    "self": ("{id},Nina,coachee,en,,,{id},,", "their own coach"),
    "parent": ("{id},Nina,coachee,en,,,,,999999", "parent 999999 is neither"),
    "tie": ("{id},Nina,coachee,en,,,1001,third,", "tie “third”"),
    "duplicate": ("1001,Coach 1,coach,en,,,,,", "says the same as row 2"),
    "differs": ("1001,Somebody,parent,en,,,,,", "says something else"),
    "second": ("3000,Coachee 0,coachee,,,,{coach},primary,", "another primary coach"),
    "cells": ("{id},Nina,coachee,en,,,,,,,more", "more cells"),
    "long": ("{id}," + "n" * 200 + ",coachee,en,,,,,", "longer than 64"),
}


def big(size: int) -> tuple[list[str], dict[int, str]]:
    """Rows of a file with 1 % of faults, of every kind; and what is said of each, by its row's number."""
    chance = random.Random(5)
    good = [f"{1001 + n},Coach {n + 1},coach,en,Europe/Lisbon,,,," for n in range(100)]
    good += [f"{2001 + n},Parent {n + 1},parent,es,,,,," for n in range(900)]
    good += [
        f"{3000 + n},Coachee {n},coachee,{chance.choice(('en', 'es', 'hi', ''))},,{chance.choice((2014, 1990))},"
        f"{1001 + n % 100},{'primary' if n % 7 else ''},{2001 + n % 900 if n % 3 else ''}"
        for n in range(size - 1000 - size // 100)
    ]
    lines = list(good)
    places = sorted(chance.sample(range(1001, size), size // 100))
    faults: dict[int, str] = {}
    for n, place in enumerate(places):
        line, why = list(FAULTS.values())[n % len(FAULTS)]
        lines.insert(place, line.format(id=900_000 + n, coach=1002 + n % 90))
        faults[place + 2] = why
    assert len(lines) == size
    return [HEADER, *lines], faults


def test_ten_thousand_people(command: Command, engine: Engine, file: Callable[..., Path], tmp_path: Path) -> None:
    """Each fault is reported by its row and reason, all else goes in; looking changes nothing; again is as once."""
    lines, faults = big(10_000)
    path, report = file(*lines), tmp_path / "report.csv"
    before = tables(engine)
    looked = command("people", "import", path, "--report", report)
    assert looked.exit_code == 1, looked.output
    assert "Nothing was changed" in looked.stdout
    assert tables(engine) == before
    dry = report.read_bytes()
    began = perf_counter()
    done = command("people", "import", path, "--apply", "--report", report)
    took = perf_counter() - began
    print(f"10,000 rows in {took:.1f} s")
    assert (done.exit_code, took < 30) == (1, True), done.output
    assert report.read_bytes() == dry
    found = outcomes(report)
    refused = {number: why for number, (became, why) in found.items() if became == "refused"}
    assert refused.keys() == faults.keys()
    assert [(n, refused[n]) for n, why in faults.items() if why not in refused[n]] == []
    assert all(found[number][0] == "created" for number in found if number not in faults)
    with engine.connect() as connection:
        count = len(connection.execute(select(t.users.c.id)).all())
        assert count == len(connection.execute(select(t.conversations.c.chat_id)).all()) == 9_900
        standings = connection.execute(select(t.users.c.birth_year, t.users.c.standing)).all()
        assert {standing for year, standing in standings if year == 2014} == {"waiting", "joining"}
        assert {standing for year, standing in standings if year == 1990} == {"joining"}
        assert not connection.execute(select(t.outbox.c.id)).all()
        [imported] = connection.execute(select(t.audit_log)).all()
    assert (imported.action, imported.via, imported.reason) == ("import", "command", "new 9900,refused 100")
    after = tables(engine)
    again = command("people", "import", path, "--apply", "--report", report)
    assert again.exit_code == 1
    second = outcomes(report)
    assert {became for number, (became, _) in second.items() if number not in faults} == {"already there"}
    assert {number: why for number, (became, why) in second.items() if became == "refused"} == refused
    twice = tables(engine)
    assert len(twice.pop("audit_log")) == len(after.pop("audit_log")) + 1
    assert twice == after
    listed = command("people", "coachee 77", "--json")
    assert len(json.loads(listed.stdout)) > 100


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_of_spreadsheets(
    command: Command, engine: Engine, file: Callable[..., Path], separator: str, encoding: str, tmp_path: Path
) -> None:
    """Any order of columns, any case, empty lines, quotes, CRLF; names of every script stay what they are."""
    names = ["=cmd|' /C calc'!A0", "مريم العلي", "मीरा 👩‍👧", 'Mira "M" Lund, Dr; x', "@SUM(1)", "'"]
    out = StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(("Role ", "NAME", "telegram_id", "", ""))
    writer.writerow(())
    writer.writerows(("Coachee", name, 50 + n, "", "") for n, name in enumerate(names))
    writer.writerow(("", "", "", "", ""))
    path, report = tmp_path / "people.csv", tmp_path / "report.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    done = command("people", "import", path, "--apply", "--report", report)
    assert done.exit_code == 0, done.output
    users = t.users.c
    assert [r.name for r in rows(engine, select(users.name).order_by(users.telegram_id))] == names
    with report.open(encoding="utf-8-sig", newline="") as opened:
        reported = list(csv.DictReader(opened))
    assert [row["name"] for row in reported][:2] == ["'=cmd|' /C calc'!A0", "مريم العلي"]
    assert [row["row"] for row in reported] == ["3", "4", "5", "6", "7", "8"]


def bad_files() -> Iterator[tuple[str, bytes, str]]:
    """Files that cannot be read, and what is said of each."""
    head = b"telegram_id,name,role\n"
    yield "empty", b"", "is empty"
    yield "blank", b"\xef\xbb\xbf\n \n", "is empty"
    yield "no header", b"5,Ana,coach\n", "has no column telegram_id, name, role"
    yield "no role", b"telegram_id,name\n5,Ana\n", "has no column role"
    yield "no rows", head, "no rows"
    yield "extra", b"telegram_id,name,role,shoe size,e-mail\n5,Ana,coach,38,x\n", "not known: shoe size, e-mail"
    yield "twice", b"telegram_id,name,role,Name\n5,Ana,coach,Bea\n", "a column twice: name"
    yield "latin-1", head + "5,Ana,coach\n6,Zoë,coach\n".encode("latin-1"), "is not UTF-8 (line 3)"
    yield "utf-16", "telegram_id,name,role\n5,Ana,coach\n".encode("utf-16"), "is not UTF-8"
    yield "open quote", head + b'5,Ana,coach\n6,"Bea,coach\n7,Mira,coachee\n', "is not a CSV"
    yield "enormous", head + b"5," + b"x" * 2_000_000 + b",coach\n", "is not a CSV"
    yield "picture", b"\x89PNG\r\n\x1a\n\x00\x00", "is not UTF-8"


@pytest.mark.parametrize(("content", "why"), [(c, w) for _, c, w in bad_files()], ids=[n for n, _, _ in bad_files()])
def test_files_that_cannot_be_read(
    command: Command, engine: Engine, tmp_path: Path, content: bytes, why: str
) -> None:
    """It is said in a line, and nothing is changed."""
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    before = tables(engine)
    done = command("people", "import", path, "--apply")
    assert done.exit_code == 2
    assert why in done.stderr
    assert len(done.stderr) < 600
    assert tables(engine) == before


def test_cells_that_cannot_be(command: Command, engine: Engine, file: Callable[..., Path], tmp_path: Path) -> None:
    """NUL, 20,000 characters, orders to a terminal: refused by row, and shown short and harmless."""
    path = file("telegram_id,name,role", "5,A\x00na,coach", f"6,{'n' * 20_000},coach", "\x1b[2J,B,coach")
    report = tmp_path / "report.csv"
    done = command("people", "import", path, "--apply", "--report", report)
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    assert "nnnnnn" not in done.output
    assert report.stat().st_size < 1000
    assert [became for became, _ in outcomes(report).values()] == ["refused"] * 3
    assert rows(engine, select(t.users)) == []
    assert command("people", "import", path, "--report", path).exit_code == 2


def test_who_is_in_is_told(command: Command, engine: Engine, file: Callable[..., Path]) -> None:
    """A coachee who has found their way in reads of a new coach in their language; the message is nobody's yet."""
    command("people", "import", "--apply", file("telegram_id,name,role", "5,Ana,coach", "7,Mira,coachee"))
    with engine.begin() as connection:
        connection.execute(update(t.users).values(standing="active"))
    paired = file("telegram_id,name,role,coach_telegram_id", "7,Mira,coachee,5")
    assert command("people", "import", paired).exit_code == 0
    assert rows(engine, select(t.outbox)) == []
    assert command("people", "import", paired, "--apply").exit_code == 0
    [told] = rows(engine, select(t.outbox))
    assert (told.chat_id, told.kind, told.status, told.owner, told.lease_until) == (7, "say", "pending", None, None)
    assert told.payload["text"].startswith("Ana is your coach from now on.")
    assert command("people", "import", paired, "--apply").exit_code == 0
    assert len(rows(engine, select(t.outbox))) == 1


@pytest.mark.processes
async def test_the_message_leaves(tmp_path: Path) -> None:
    """A running process takes up what the import left in the outbox."""
    database = f"sqlite:///{tmp_path}/waymark.db"
    people = tmp_path / "people.csv"
    people.write_text("telegram_id,name,role\n5,Ana,coach\n7,Mira,coachee\n", encoding="utf-8")
    async with BotApi() as api:
        settings = live(api, database)
        await command_line(settings, "people", "import", str(people), "--apply")
        engine = connect(database)
        with engine.begin() as connection:
            connection.execute(update(t.users).values(standing="active"))
        engine.dispose()
        people.write_text("telegram_id,name,role,coach_telegram_id\n7,Mira,coachee,5\n", encoding="utf-8")
        api.say(7, "hello")  # a chat that the bot may write to
        async with waymark("run", tmp_path, **settings):
            await api.wait_for(lambda: api.chats[7].texts, 20)
            out, said = await command_line(settings, "people", "import", str(people), "--apply")
            assert "changed" in out, said
            await api.wait_for(lambda: any("Ana is your coach" in text for text in api.chats[7].texts), 20)


# ---- the audit log


def test_the_audit_log(command: Command, engine: Engine) -> None:
    """The newest first; of a person, of what was refused, since a day; who is gone is an id."""
    mira, gone = uuid4(), uuid4()
    with engine.begin() as connection:
        connection.execute(
            insert(t.users).values(
                id=mira, telegram_id=7, name="Mira", language="en", timezone="UTC", standing="active", created_at=WHEN
            )
        )
        for day, (actor, subject, outcome) in enumerate(
            [(mira, None, "done"), (gone, mira, "refused"), (gone, None, "done"), (None, gone, "refused")]
        ):
            connection.execute(
                insert(t.audit_log).values(
                    id=uuid4(),
                    at=WHEN + timedelta(days=day),
                    via="chat",
                    action=f"act_{day}",
                    actor_id=actor,
                    subject_id=subject,
                    outcome=outcome,
                    reason="role" if outcome == "refused" else "",
                )
            )

    def acts(*words: str) -> list[str]:
        return [entry["action"] for entry in json.loads(command("audit", "--json", *words).stdout)]

    assert acts() == ["act_3", "act_2", "act_1", "act_0"]
    assert acts("--limit", "2") == ["act_3", "act_2"]
    assert acts("--refused") == ["act_3", "act_1"]
    assert acts("--person", "mira") == ["act_1", "act_0"]
    assert acts("--person", str(gone)) == ["act_3", "act_2", "act_1"]
    assert acts("--since", "2026-01-03") == ["act_3", "act_2"]
    table = command("audit").stdout
    assert "Mira" in table
    assert str(gone) in table
    assert command("audit", "--since", "yesterday").exit_code == 2
    assert command("audit", "--person", "nobody").exit_code == 2
    with engine.begin() as connection:
        connection.execute(t.audit_log.delete())
    assert "There is nothing." in command("audit").stdout
