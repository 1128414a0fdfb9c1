"""A person's rights over what is kept of them: /privacy, /export, /delete, and that they hold."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import delete, func, insert, select, update

from bot.exporting import _Copy, json_files
from flows.documents import Document
from flows.events import EventFailed, LinkMinted, SummaryReady, TimerFired, TranscriptReady
from flows.state import Conversation
from storage import tables as t
from storage.outbox import Row
from storage.personal import export_of, tombstones
from storage.retention import STAYS
from tests.booking import booked, soon
from tests.coachee import conversation, finish, walk
from tests.playbook import START, Coachee, Play
from tests.seeding import Seeded, document, dumped, rows_of, seed
from tests.village import coach, coachee, operator

WEEK = timedelta(days=7, minutes=1)


@pytest.fixture
async def play(database: str, tmp_path: Path) -> AsyncIterator[Play]:
    """A stage on each database."""
    async with Play(database, tombstones_file=tmp_path / "tombstones") as made:
        yield made


@pytest.fixture
async def mira(play: Play) -> Coachee:
    """Mira, after a session."""
    person = play.coachee()
    await person.says("/session")
    await finish(play, person)
    return person


async def forget(person: Coachee) -> None:
    """The two taps."""
    await person.says("/delete")
    await person.presses("Yes, forget me")


def user_id(play: Play, person: Coachee) -> UUID:
    """Who they are."""
    [row] = play.rows(select(t.users.c.id).where(t.users.c.telegram_id == person.chat_id))
    found: UUID = row.id
    return found


def number(play: Play, table: Any) -> int:
    """How many rows a table has."""
    [row] = play.rows(select(func.count().label("n")).select_from(table))
    found: int = row.n
    return found


def due(play: Play, person: Coachee) -> Any:
    """When they want to be forgotten."""
    [row] = play.rows(select(t.users.c.deletion_due_at).where(t.users.c.telegram_id == person.chat_id))
    return row.deletion_due_at


async def test_privacy_says_what_is_kept_and_for_how_long(play: Play, mira: Coachee) -> None:
    """What, why, how long, who; and from there a copy, or being forgotten."""
    await play.script("""
        Mira: /privacy
        coach: What is kept of you, and why
        buttons: A copy of everything | Be forgotten | Menu
        Mira: [Menu]
        coach: Monday 23 November
    """)
    said = next(shown.text for shown in mira.screen if "What is kept" in shown.text)
    for words in ("as long as you are here", "30 days", "365 days", "Nobody is shown it here but you", "Telegram"):
        assert words in said


async def test_privacy_says_what_coach_and_parent_see(play: Play, mira: Coachee) -> None:
    """As the coachee chose, or by the default for their age; the names are those of the people."""
    ana, ben = play.coachee("Ana"), play.coachee("Ben")
    for person in (ana, ben):
        await person.says("/start")
    me, coach_id, parent_id = (user_id(play, person) for person in (mira, ana, ben))
    pair = {"id": uuid4(), "active": True, "created_at": play.clock.now(), "updated_at": play.clock.now()}
    with play.core.engine.begin() as connection:
        coach = {"coach_id": coach_id, "coachee_id": me, "kind": "primary"}
        connection.execute(insert(t.coach_coachee_mappings).values(**pair, **coach))
        parent = {"parent_id": parent_id, "child_id": me}
        connection.execute(insert(t.guardianships).values(**pair, **parent))
    await play.script("""
        Mira: /privacy
        coach: Ana, your coach, sees: your summaries, your plan, and when you had a session.
    """)
    assert "Ben, your parent, sees your name, and nothing of what you said." in mira.screen[-1].text
    assert "private notes" in mira.screen[-1].text


async def test_a_copy_comes_as_two_files(play: Play, mira: Coachee) -> None:
    """One to read, one for a program, with what was said; asked for twice, it comes twice, but not in one minute."""
    await play.script("""
        Mira: /export
        coach: I am putting together a copy
        Mira: /export
        coach: Your copy is on its way.
        -- 1 minute
        Mira: /privacy
        Mira: [A copy of everything]
        coach: I am putting together a copy
    """)
    names = [name for chat, name, _, _ in play.screens.sent_files if chat == mira.chat_id]
    assert names == ["waymark-export.pdf", "waymark-export.json"] * 2
    pdf, kept = play.screens.sent_files[0][2], json.loads(play.screens.sent_files[1][2])
    assert pdf.startswith(b"%PDF")
    said = [turn["text"] for row in kept["stage_responses"] for turn in row["responses"]["turns"]]
    assert "reading out loud in class" in said
    assert kept["about"]["parts"] == 1
    rows = play.rows(select(t.outbox.c.payload).where(t.outbox.c.kind == "export"))
    assert all(set(row.payload) == {"language"} for row in rows), "it is kept nowhere"


async def test_the_readable_copy_has_questions_answers_summary_plan_and_settings(play: Play, mira: Coachee) -> None:
    """Every word that was said is in it."""
    found = export_of(play.core.engine, user_id(play, mira))
    assert found is not None
    lines = [line for block in _Copy(found, "en", play.clock.now()).blocks() for line in block]
    texts = "\n".join(text for text, _ in lines)
    for row in found["stage_responses"]:
        for turn in row["responses"]["turns"]:
            assert turn["text"] in texts
    for item in found["action_plans"]:
        assert item["title"] in texts
    [session] = found["coaching_sessions"]
    assert session["summary"]["goal_statement"]["text"] in texts
    assert "Europe/Berlin" in texts


async def test_the_readable_copy_has_booked_sessions_with_what_became_of_them_and_the_record(play: Play) -> None:
    """Of the coachee and of the coach; a reason in words is in the copy of the coachee alone."""
    await operator(play)
    ana = await coach(play, "Ana")
    kim = await coachee(play, "Kim", ana)
    held, gone = await booked(play, ana, kim, soon(play)), await booked(play, ana, kim, soon(play, days=2), n=2)
    s = t.scheduled_sessions.c
    with play.core.engine.begin() as connection:
        record = {"record_status": "submitted", "record_topic": "Reading aloud", "coach_notes": "It went well."}
        connection.execute(update(t.scheduled_sessions).where(s.id == held).values(status="completed", **record))
        off = {"status": "cancelled", "cancellation_reason": "A wedding"}
        connection.execute(update(t.scheduled_sessions).where(s.id == gone).values(**off))
    for person in (kim, ana):
        found = export_of(play.core.engine, user_id(play, person))
        assert found is not None
        texts = "\n".join(text for block in _Copy(found, "en", play.clock.now()).blocks() for text, _ in block)
        assert "Your booked sessions\nSession 2, " in texts
        assert ": Cancelled" in texts
        assert ": Completed\nReading aloud\nIt went well." in texts
        assert ("A wedding" in texts) == (person is kim)


def test_a_large_copy_is_parted() -> None:
    """Each part is a document of its own, and nothing is lost."""
    rows = {"a": [{"n": n, "text": "x" * 100} for n in range(100)], "b": [], "c": [{"n": 1}]}
    parts = [json.loads(content) for _, content in json_files(rows, START, 2000)]
    assert len(parts) > 5
    assert [row["n"] for part in parts for row in part.get("a", [])] == list(range(100))
    assert [part["about"]["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert sum(len(part.get("c", [])) for part in parts) == 1


@pytest.mark.parametrize("role", ["coachee", "coach"])
async def test_who_is_forgotten_leaves_no_word_behind(
    play: Play, mira: Coachee, role: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word of theirs in every column; after two taps and a week a raw dump has none, and others are untouched."""
    noor, ana = play.coachee("Noor"), play.coachee("Ana")
    for person in (noor, ana):
        await person.says("/start")
    seeded = Seeded(user_id(play, mira), mira.chat_id, role, "M")
    other = Seeded(user_id(play, noor), noor.chat_id, "coachee", "N")
    engine = play.core.engine
    seed(engine, seeded, user_id(play, ana))
    seed(engine, other, user_id(play, ana))
    before = rows_of(engine, other)
    assert all(word in str(rows_of(engine, seeded)) for word in seeded.words.values()), "they are there"
    await mira.says("/export")
    await forget(mira)
    await mira.says("what I say in between is mine as well: Zqlast")
    assert due(play, mira) == play.clock.now() + timedelta(days=7)
    await play.pass_time(timedelta(days=6, hours=1))
    assert "as you wished" in mira.screen[-1].text
    await play.pass_time(timedelta(days=1))

    left = dumped(engine)
    stays = {("audit_log", "action"), ("audit_log", "reason")}  # our own words, about ids
    if role == "coach":
        stays.add(("invites", "token_hash"))  # of a link that nobody can use any more
        theirs = ("scheduled_sessions", "learning_events", "coach_questions")  # the coachee's, records and all
        stays |= {name for name in seeded.words if name[0] in theirs}
        stays.add(("consents", "reason"))  # why a session of the coachee's was to be cancelled
    assert {name for name, word in seeded.words.items() if word in left} == stays
    for word in ("Zqlast", "with my cousin", "Mira"):
        assert word not in left
    assert rows_of(engine, other) == before
    assert [stone.user_id for stone in tombstones(engine)] == [seeded.user_id]
    assert str(seeded.user_id) in (tmp_path / "tombstones").read_text()
    printed = capsys.readouterr()
    assert "ZqM" not in printed.out + printed.err, "no log has a word of theirs"
    assert "Zqlast" not in printed.out + printed.err


async def test_they_come_back_as_somebody_new(play: Play, mira: Coachee) -> None:
    """Asked, nothing is kept of them; greeted, they are met anew."""
    before = user_id(play, mira)
    await forget(mira)
    await play.pass_time(WEEK)
    await play.script("""
        Mira: /privacy
        coach: Nothing is kept of you here.
        Mira: /export
        coach: Nothing is kept of you here.
    """)
    assert number(play, t.users) == 0
    await mira.says("/start")
    assert user_id(play, mira) != before
    await play.restart()
    assert number(play, t.users) == 1, "their tombstone is not theirs any more"


async def test_who_changes_their_mind_keeps_all(play: Play, mira: Coachee) -> None:
    """On the card, or where they are reminded; nothing happens then, and nothing happened before."""
    await play.script("""
        Mira: /delete
        coach: Monday 30 November, 17:05 (Berlin)
        buttons: Yes, forget me | A copy of everything | Leave all as it is
        Mira: [Yes, forget me]
        buttons: Keep my data | Menu
        Mira: /privacy
        coach: Until then you can change your mind.
        buttons: A copy of everything | Keep my data | Menu
        Mira: [Keep my data]
        coach: Nothing is deleted. All stays as it was.
        -- 10 days
        Mira: /delete
        Mira: [Yes, forget me]
        -- 6 days
        coach: as you wished
        Mira: [Keep my data]
        coach: Nothing is deleted.
        -- 10 days
        Mira: /privacy
    """)
    assert due(play, mira) is None
    assert number(play, t.coaching_sessions) == 1
    assert number(play, t.tombstones) == 0


async def test_old_and_forged_taps_do_nothing(play: Play, mira: Coachee) -> None:
    """Being sure counts on the card that asked last, and once."""
    forged = (
        "x:1:sure",
        "x:99999:sure",
        "x:0:sure",
        "x:-1:sure",
        "x:1:erase",
        "x::sure",
        "x:1:sure:1",
        "x",
        "x:١:sure",
    )
    for data in forged:
        await mira.press_data(data)
        assert due(play, mira) is None, data
    await mira.says("/delete")
    first = mira.newest_with_buttons().buttons["Yes, forget me"]
    await mira.presses("Leave all as it is")
    await mira.press_data(first)  # the card asks anew, and has not been answered
    assert due(play, mira) is None
    await mira.says("/delete")
    second = mira.newest_with_buttons().buttons["Yes, forget me"]
    await mira.press_data(first)
    assert due(play, mira) is None, "of two cards the newer one counts"
    refused = play.rows(select(t.audit_log.c.action).where(t.audit_log.c.outcome == "refused"))
    assert len(refused) >= len(forged)
    await mira.press_data(first)  # it is the one that asked last now
    until = due(play, mira)
    assert until is not None
    await play.pass_time(timedelta(hours=1))
    for data in (first, second):
        await mira.press_data(data)
        assert due(play, mira) == until, "a second tap moves nothing"


@pytest.mark.parametrize("standing", ["joining", "waiting", "inactive"])
async def test_rights_are_everybodys(play: Play, mira: Coachee, standing: str) -> None:
    """Also of who is on the way in, waits for a parent or takes no part any more."""
    mira.sender = mira.sender.evolve(vouched=False)
    with play.core.engine.begin() as connection:
        connection.execute(update(t.users).values(standing=standing))
    await play.script("""
        Mira: /privacy
        coach: What is kept of you, and why
        Mira: [A copy of everything]
        coach: I am putting together a copy
        Mira: /delete
        Mira: [Yes, forget me]
        -- 6 days
        coach: as you wished
        -- 2 days
    """)
    assert len(play.screens.sent_files) == 2
    assert number(play, t.users) == 0
    assert number(play, t.stage_responses) == 0


async def test_nobody_is_met_by_asking(play: Play) -> None:
    """Of a person who is not known nothing is kept, and the answer says so in their language."""
    stranger = play.coachee("Sol", vouched=False)
    await play.script("""
        Sol: /privacy
        coach: Nothing is kept of you here.
        Sol: /delete
        coach: Nothing is kept of you here.
    """)
    await stranger.press_data("x:3:sure")
    assert "Nothing is kept" in stranger.screen[-1].text
    assert number(play, t.users) == 0


async def test_a_session_goes_on_until_the_end_and_ends_with_it(play: Play) -> None:
    """The question that is open, the reminders, the buttons of who is forgotten lead nowhere, and nothing fails."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="topic")
    await forget(mira)
    await mira.says("reading out loud in class")
    assert conversation(play, mira).session is not None
    old = [data for shown in mira.screen for data in shown.buttons.values()]
    await play.pass_time(WEEK)
    assert number(play, t.conversations) == 0
    assert number(play, t.timers) == 0
    for data in old[-3:]:
        await mira.press_data(data)
    assert play.core.runner.set_aside == 0


async def test_what_was_on_its_way_is_dropped(play: Play, mira: Coachee) -> None:
    """A summary that is being written, a voice message, a link: they bring nobody back, and fail without a word."""
    [session] = play.rows(select(t.coaching_sessions.c.id))
    await forget(mira)
    await play.pass_time(WEEK)
    chat_id, found = mira.chat_id, msgspec.convert(document("Zqlate"), Document)
    fresh: dict[str, Any] = {"id": uuid4(), "chat_id": chat_id}
    for event in (
        SummaryReady(**fresh, session_id=session.id, document=found),
        TranscriptReady(**fresh, text="Zqlate", source=1, step="topic"),
        TimerFired(**fresh, key="k", kind="action_due", subject=uuid4()),
        LinkMinted(**fresh, invite_id=uuid4(), token_hash="0" * 64),
    ):
        await play.core.runner.handle(event)
    payload = {"session_id": str(session.id), "attempt": 1, "writer": "model"}
    await play.core.writer.request(Row(id=uuid4(), chat_id=chat_id, kind="request_summary", payload=payload))
    assert play.core.runner.set_aside == 0
    assert "Zqlate" not in dumped(play.core.engine)
    for table in (t.users, t.conversations, t.summaries, t.timers, t.model_usage):
        assert number(play, table) == 0
    assert play.rows(select(t.updates).where(t.updates.c.state != "claimed")) == []


async def test_others_are_told_without_a_name(play: Play, mira: Coachee) -> None:
    """The coach and the parents of who is gone; the coachees of a coach. What is said of them has no name in it."""
    ana, ben = play.coachee("Ana"), play.coachee("Ben")
    for person in (ana, ben):
        await person.says("/start")
    me, coach_id, parent_id = (user_id(play, person) for person in (mira, ana, ben))
    pair = {"active": True, "created_at": play.clock.now(), "updated_at": play.clock.now()}
    with play.core.engine.begin() as connection:
        coach = {"id": uuid4(), "coach_id": coach_id, "coachee_id": me, "kind": "primary"}
        connection.execute(insert(t.coach_coachee_mappings).values(**pair, **coach))
        parent = {"id": uuid4(), "parent_id": parent_id, "child_id": me}
        connection.execute(insert(t.guardianships).values(**pair, **parent))
        other = {"id": uuid4(), "coach_id": me, "coachee_id": parent_id, "kind": "primary"}
        connection.execute(insert(t.coach_coachee_mappings).values(**pair, **other))
    await forget(mira)
    await play.pass_time(WEEK)
    assert "Somebody you coach" in ana.screen[-1].text
    told = [shown.text for shown in ben.screen[-2:]]
    assert any("Your coach is no longer here" in text for text in told)
    assert any("Your child" in text for text in told)
    assert not any("Mira" in text for text in (ana.screen[-1].text, *told))
    assert number(play, t.coach_coachee_mappings) == number(play, t.guardianships) == 0


@pytest.mark.parametrize("outside", [False, True], ids=["in the database", "in the file"])
async def test_a_restored_backup_forgets_them_again(play: Play, mira: Coachee, outside: bool) -> None:
    """By the tombstone in the database, or, where that is as old as the rest of it, by the line in the file."""
    engine = play.core.engine
    with engine.connect() as connection:
        backup = {
            table: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in t.metadata.sorted_tables
        }
    await forget(mira)
    await play.pass_time(WEEK)
    await play.core.runner.flush()
    with engine.begin() as connection:
        for table in reversed(t.metadata.sorted_tables):
            if outside or table is not t.tombstones:
                connection.execute(delete(table))
        for table, rows in backup.items():
            if rows:
                connection.execute(insert(table), rows)
    assert number(play, t.users) == 1
    await play.restart()
    assert number(play, t.users) == 0
    assert number(play, t.stage_responses) == 0
    assert number(play, t.tombstones) == 1
    assert "with my cousin" not in dumped(play.core.engine)


async def test_a_timer_that_did_not_fire_is_made_up_for(play: Play, mira: Coachee) -> None:
    """A day after the end the purge does what the timer should have done."""
    await forget(mira)
    with play.core.engine.begin() as connection:
        connection.execute(delete(t.timers).where(t.timers.c.kind == "erase"))
    play.clock.move(play.clock.now() + WEEK)
    await play.core.chores.purge()
    assert number(play, t.users) == 1
    play.clock.move(play.clock.now() + timedelta(days=1))
    await play.core.chores.purge()
    assert number(play, t.users) == 0


async def test_a_timer_alone_forgets_nobody(play: Play, mira: Coachee) -> None:
    """What counts is what they want when it fires."""
    for days in (None, timedelta(days=2)):
        with play.core.engine.begin() as connection:
            connection.execute(update(t.users).values(deletion_due_at=days and play.clock.now() + days))
        fired = TimerFired(id=uuid4(), chat_id=mira.chat_id, key="erase", kind="erase", subject=uuid4())
        await play.core.runner.handle(fired)
        assert number(play, t.users) == 1
    await play.pass_time(timedelta(days=2, minutes=1))
    assert number(play, t.users) == 0, "it was set again, for the right time"


async def test_a_failure_in_an_empty_chat_is_not_told(play: Play) -> None:
    """What fails inside, about somebody who is gone, is said to nobody."""
    await play.core.runner.handle(EventFailed(id=uuid4(), chat_id=555, spoken=False))
    await play.core.performer.quiet()
    assert play.screens.of.get(555, []) == []


def test_what_a_conversation_keeps_when_its_session_goes_is_there() -> None:
    """The names are those of the record."""
    assert set(STAYS) <= set(Conversation.__struct_fields__)
