"""Conversations that a coach leads, as coachee and coach see them: beginning, news, questions, the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from flows.events import TranscriptReady
from flows.ids import short_id
from storage import tables as t
from tests.coachee import answer, answers, conversation, session, step, walk
from tests.conftest import MACHINE_1
from tests.playbook import START, Coachee, Play
from tests.village import button, coach, coachee, id_of, operator, parent, refusals

AT = START + timedelta(minutes=25)
"""Half past five in Berlin."""
CANARY = "kanarienvogel"


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """Ana coaches Mira."""
    async with Play(database) as made:
        await operator(made)
        ana = await coach(made, "Ana")
        await coachee(made, "Mira", ana)
        yield made


async def booked(
    play: Play, person: Coachee, coached_by: Coachee | None, at: datetime = AT, number: int = 4, minutes: int = 45
) -> UUID:
    """A session that is booked, and the timer of its time; gives its id."""
    programme, session_id, now = uuid4(), uuid4(), play.clock.now()
    mine, coach_id = id_of(play, person), id_of(play, coached_by) if coached_by is not None else None
    common = {"coachee_id": mine, "coach_id": coach_id, "created_at": now}
    timer = {"id": uuid4(), "chat_id": person.chat_id, "key": f"begin:{session_id}", "kind": "session_begin"}
    with play.core.engine.begin() as connection:
        series = {"id": programme, "timezone": "Europe/Berlin", "minutes": minutes, "created_by": coach_id}
        connection.execute(insert(t.programmes).values(**common, **series))
        row = {
            "id": session_id,
            "programme_id": programme,
            "session_number": number,
            "resource_id": MACHINE_1["id"],
            "starts_at": at,
            "ends_at": at + timedelta(minutes=minutes),
            "status": "scheduled",
            "version": 1,
            "calendar_uid": str(session_id),
            "updated_at": now,
        }
        connection.execute(insert(t.scheduled_sessions).values(**common, **row))
        when = {"subject": session_id, "due_at": at, "attempt": 0, "state": "pending", "created_at": now}
        connection.execute(insert(t.timers).values(**timer, **when))
    return session_id


def people(play: Play) -> tuple[Coachee, Coachee]:
    """Mira and Ana."""
    return play.coachee("Mira"), play.coachee("Ana")


def act(session_id: UUID, name: str, last: str = "") -> str:
    """The data of a button about a session."""
    return f"b:0:{short_id(session_id)}:{name}" + (f":{last}" if last else "")


def row_of(play: Play, session_id: UUID) -> Any:
    """A booked session as it is kept."""
    [row] = play.rows(select(t.scheduled_sessions).where(t.scheduled_sessions.c.id == session_id))
    return row


def set_of(play: Play, person: Coachee, **values: Any) -> None:
    """Make something of a person that they did not do themselves."""
    named = update(t.users).where(t.users.c.id == id_of(play, person)).values(**values)
    with play.core.engine.begin() as connection:
        connection.execute(named)


def texts(person: Coachee) -> str:
    """All that a person's screen says now."""
    return "\n".join(shown.text for shown in person.screen)


def happened(play: Play, session_id: UUID) -> list[tuple[str, int]]:
    """What the history of a session has of its conversation, by name."""
    e = t.learning_events.c
    rows = play.rows(select(e.event_data).where(e.session_id == session_id))
    return sorted((row.event_data["act"], row.event_data.get("stage", 0)) for row in rows)


def questions(play: Play) -> list[tuple[str, str, str | None]]:
    """Every coach's question, by its words."""
    q = t.coach_questions.c
    return [(r.text, r.status, r.answer) for r in play.rows(select(q.text, q.status, q.answer).order_by(q.text))]


async def begun(play: Play, **booking: Any) -> UUID:
    """Mira has begun session 4 by her own tap."""
    mira, ana = people(play)
    session_id = await booked(play, mira, ana, **booking)
    await play.script("-- 25 minutes\nMira: [Begin]\ncoach: Session 4 with Ana begins")
    return session_id


# ---- it begins


async def test_the_coachee_begins_at_its_time_and_the_coach_is_told(play: Play) -> None:
    """One tap below the message that the time has come; the booked session names its conversation."""
    mira, ana = people(play)
    session_id = await booked(play, mira, ana)
    ana.seen = len(ana.screen)
    await play.script("""
        -- 25 minutes
        Mira: [Begin]
        coach: Session 4 with Ana begins.
        coach: This takes about fifteen minutes
        coach: Step 1 of 5
    """)
    assert "Mira has begun session 4." in texts(ana)
    here = session(play, mira)
    assert (here.session_type, here.scheduled, here.led_by) == ("coach_led", session_id, id_of(play, ana))
    assert row_of(play, session_id).conversation_id == here.session_id
    [kept] = play.rows(select(t.coaching_sessions.c.session_type))
    assert kept.session_type == "coach_led"
    assert happened(play, session_id) == [("begun", 0)]
    hello = next(shown.text for shown in mira.screen if "begins." in shown.text)
    assert "does not see your answers unless you share them" in hello
    assert "What your coach can see of you now: summary, plan, and attendance." in hello


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (["ratings"], "can see the numbers you give"),
        (["answers", "ratings"], "can see your answers"),
        ([], "nothing"),
    ],
)
async def test_what_the_coach_sees_is_said_as_it_is(play: Play, kinds: list[str], said: str) -> None:
    """By what the coachee chose."""
    mira, _ = people(play)
    set_of(play, mira, sharing={"coach": kinds})
    await begun(play)
    assert said in next(shown.text for shown in mira.screen if "Session 4 with Ana begins." in shown.text)


async def test_the_command_begins_it_from_ten_minutes_before(play: Play) -> None:
    """Before that /session is a session of one's own, and after its end again."""
    mira, ana = people(play)
    await booked(play, mira, ana)
    await play.script("-- 14 minutes\nMira: /session\ncoach: This takes about fifteen")
    assert session(play, mira).session_type == "self_coaching"
    await play.script("-- 1 minute\nMira: /session\ncoach: Session 4 with Ana begins")
    assert session(play, mira).session_type == "coach_led"
    assert "It is time for session" not in texts(mira)
    await play.script("-- 10 minutes")
    assert "It is time for session" not in texts(mira), "they are in it already"
    assert row_of(play, session(play, mira).scheduled).status == "pending"  # type: ignore[arg-type]


async def test_too_late_or_cancelled_it_does_not_begin(play: Play) -> None:
    """The button that is still there says so."""
    mira, ana = people(play)
    session_id = await booked(play, mira, ana)
    await play.script("-- 2 hours\nMira: [Begin]\ntoast: Its time is over")
    await ana.press_data(act(session_id, "join"))
    assert "was not begun here" in ana.screen[-1].text
    with play.core.engine.begin() as connection:
        connection.execute(update(t.scheduled_sessions).values(status="cancelled"))
    await play.script("Mira: [Begin]\ntoast: It is not booked any more")
    await ana.press_data(act(session_id, "join", "now"))
    await play.script("-- 1 minute")
    assert conversation(play, mira).session is None


async def test_the_coach_begins_it(play: Play) -> None:
    """They are asked first; the coachee gets the question, and the card shows where it is."""
    mira, ana = people(play)
    session_id = await booked(play, mira, ana)
    await ana.press_data(act(session_id, "join"))
    assert "It can begin ten minutes before that." in ana.screen[-1].text
    await play.script("""
        -- 20 minutes
        Ana: [Refresh]
        buttons: Begin it with Mira | Refresh | Session 4
        Ana: [Begin it with Mira]
        -- 0 minutes
    """)
    assert "Ana begins session 4 with you." in texts(mira)
    assert session(play, mira).scheduled == session_id
    await play.script("""
        Ana: [See how it goes]
        coach: Step 1 of 5: Check in, since
    """)
    assert "The last answer" not in ana.screen[-1].text
    await answer(mira, "[7]")
    await play.script("-- 3 minutes\nAna: [Refresh]")
    assert "The last answer came 3 minutes ago." in ana.screen[-1].text


async def test_both_at_once_begin_it_once(play: Play) -> None:
    """Whoever is second sees it running."""
    mira, ana = people(play)
    session_id = await booked(play, mira, ana)
    await play.script("-- 20 minutes")
    for _ in range(2):
        await ana.press_data(act(session_id, "join", "now"))
    await asyncio.gather(
        play.core.chores.fire(), mira.press_data(act(session_id, "begin")), mira.press_data(act(session_id, "begin"))
    )
    await play.script("-- 1 minute")
    assert len(play.rows(select(t.coaching_sessions))) == 1
    assert happened(play, session_id) == [("begun", 0)]
    assert texts(ana).count("Mira has begun session 4.") == 1
    await mira.press_data(act(session_id, "begin"))
    assert "It has begun" in play.screens.toasts[-1]
    await ana.press_data(act(session_id, "join", "now"))
    assert "Step 1 of 5: Check in" in ana.screen[-1].text


async def test_an_own_session_that_is_open_is_asked_about_and_kept(play: Play) -> None:
    """It is put down for the coach's, and one tap goes on with it after."""
    mira, ana = people(play)
    session_id = await booked(play, mira, ana)
    await mira.says("/session")
    await walk(play, mira, "topic_category")
    own = session(play, mira)
    await play.script("""
        -- 20 minutes
        Mira: /session
        coach: You are in a conversation of your own, at step 2 of 5
        buttons: Begin session 4 | Go on with mine
        Mira: [Go on with mine]
        coach: Which part of your life
    """)
    assert row_of(play, session_id).conversation_id is None
    await ana.press_data(act(session_id, "join", "now"))
    await play.script("-- 0 minutes")
    assert "is asked whether to begin session 4 now" in texts(ana)
    await play.script("Mira: [Begin session 4]\ncoach: Session 4 with Ana begins\ncoach: Step 1 of 5")
    assert answers(play, mira) == {}
    [row] = play.rows(select(t.coaching_sessions.c.ended).where(t.coaching_sessions.c.id == own.session_id))
    assert row.ended == "stopped"
    await answer(mira, "[7]")
    await play.script("-- restart\nMira: /cancel\ncoach: Your own conversation from before is still there")
    assert "Mira stopped session 4 at step 1 of 5." in texts(ana)
    await play.script("Mira: [Go on with mine]\ncoach: Which part of your life")
    back = session(play, mira)
    assert (back.session_id, back.trail, back.position) == (own.session_id, own.trail, own.position)
    assert answers(play, mira)[2].fields["topic"] == "reading out loud in class"
    await walk(play, mira)
    assert session(play, mira).phase == "complete"
    await play.script("Mira: /session\ncoach: Your own conversation from before is still there")
    await play.script("Mira: [Go on with mine]")
    assert session(play, mira).scheduled == session_id, "the one of the coach is gone on with"
    assert "Mira goes on with session 4" not in texts(ana).split("Mira stopped")[0]


# ---- what the coach is told


async def test_the_coach_is_told_of_every_step_and_of_no_word(play: Play) -> None:
    """When it begins, at each step, a pause, the end; nothing that Mira says is in it, also not on the card."""
    mira, ana = people(play)
    session_id = await begun(play)
    before = len(ana.screen)
    open_ones = ("emotional_state", "topic", "problem_statement", "option", "key_learnings", "step_what")
    said = dict.fromkeys(open_ones, f"{CANARY} and some words more")
    await walk(play, mira, "importance", **said)
    await play.script("""
        Mira: /pause
        -- 1 minute
        Ana: [See how it goes]
        coach: It is paused
        Mira: [Continue]
    """)
    await walk(play, mira, **said, commitments="[Yes]")
    news = [shown.text for shown in ana.screen[before:]]
    for number, name in enumerate(("Check in", "Starting point", "Connect", "Finish"), 1):
        assert sum(f"Mira finished step {number} of 5: {name}." in text for text in news) == 1
    assert any("Mira paused session 4 at step 2 of 5." in text for text in news)
    assert any("Mira goes on with session 4, at step 2 of 5." in text for text in news)
    assert news[-1] == "Mira has done all five steps of session 4. On its card you can complete it."
    assert list(ana.screen[-1].buttons) == ["Session 4"]
    await ana.press_data(act(session_id, "join"))
    assert "It is done: all five steps." in ana.screen[-1].text
    assert CANARY not in texts(ana)
    assert CANARY not in repr(play.rows(select(t.learning_events)))
    stages = [("stage_finished", n) for n in (1, 2, 3, 4)]
    assert happened(play, session_id) == sorted(
        [
            ("begun", 0),
            *stages,
            ("conversation_paused", 2),
            ("conversation_resumed", 2),
            ("conversation_completed", 5),
        ]
    )
    assert "summary" in texts(mira).lower()


async def test_going_back_tells_no_step_twice(play: Play) -> None:
    """A step that was finished is not finished again."""
    mira, ana = people(play)
    await begun(play)
    await walk(play, mira, "topic")
    await mira.says("/back")
    await walk(play, mira, "importance")
    assert texts(ana).count("Mira finished step 1 of 5") == 1


async def test_steps_can_be_muted_the_beginning_and_the_end_not(play: Play) -> None:
    """By what coaches want none of."""
    mira, ana = people(play)
    set_of(play, ana, muted=["about_others"])
    await begun(play)
    await walk(play, mira)
    assert "Mira has begun session 4." in texts(ana)
    assert "finished step" not in texts(ana)
    assert "Mira has done all five steps" in texts(ana)


async def test_shared_answers_are_behind_a_button(play: Play) -> None:
    """While it runs and when it is done; a private note is written from the card, too."""
    mira, ana = people(play)
    set_of(play, mira, sharing={"coach": ["answers", "ratings"]})
    session_id = await begun(play)
    await walk(play, mira, "importance", topic=f"{CANARY} is what it is about")
    assert CANARY not in texts(ana)
    await ana.press_data(act(session_id, "join"))
    labels = list(ana.screen[-1].buttons)
    assert labels[:3] == ["Ask a question", "Private note", "Answers"]
    await ana.presses("Answers")
    assert CANARY in texts(ana)
    await ana.press_data(act(session_id, "join"))
    await play.script("Ana: [Private note]\nAna: she speaks freely\ncoach: ")
    [note] = play.rows(select(t.coach_notes.c.text))
    assert note.text == "she speaks freely"
    await walk(play, mira)
    assert list(ana.screen[-1].buttons) == ["Session 4", "Answers", "Ratings"]


async def test_a_coach_whose_part_ended_is_told_nothing_more(play: Play) -> None:
    """Neither a step nor an answer; the conversation goes on."""
    mira, ana = people(play)
    session_id = await begun(play)
    await ana.press_data(act(session_id, "join"))
    await play.script("Ana: [Ask a question]\nAna: What helps?\n-- 0 minutes")
    assert conversation(play, mira).awaiting == "coach_answer"
    await ana.press_data(button(play, mira, "end?", ana))
    await ana.press_data(button(play, mira, "end", ana))
    count = len(ana.screen)
    await mira.says(CANARY)
    assert "does not coach you any more" in texts(mira)
    await walk(play, mira, "importance")
    assert len(ana.screen) == count
    assert [q[1:] for q in questions(play)] == [("dropped", None)]
    await ana.press_data(act(session_id, "join"))
    await ana.press_data(act(session_id, "ask"))
    assert [r.action for r in refusals(play)][-2:] == ["lead_session", "lead_session"]


# ---- a question of the coach's


async def asked(play: Play, session_id: UUID, words: str) -> None:
    """Ana asks a question, and it comes."""
    ana = play.coachee("Ana")
    await ana.press_data(act(session_id, "ask"))
    await ana.says(words)
    await play.script("-- 0 minutes")


async def test_a_question_is_put_next_and_its_answer_told(play: Play) -> None:
    """Mira is told who will see it before she answers; the open question comes again after it."""
    mira, ana = people(play)
    session_id = await begun(play)
    await walk(play, mira, "topic")
    await play.script("""
        Ana: [See how it goes]
        Ana: [Ask a question]
        buttons: Not now
        Ana: What did your cousin say?
        coach: Mira is asked next
        -- 0 minutes
    """)
    assert "A question from Ana, who will see your answer:" in mira.screen[-1].text
    assert list(mira.screen[-1].buttons) == ["Skip"]
    await play.script("""
        -- restart
        Mira: that i read well
        coach: Ana has your answer
        coach: worth
    """)
    assert step(play, mira) == "topic"
    assert "Mira answered your question:" in ana.screen[-1].text
    assert "that i read well" in ana.screen[-1].text
    assert list(ana.screen[-1].buttons) == ["Ask another", "See how it goes"]
    assert questions(play) == [("What did your cousin say?", "answered", "that i read well")]
    [aside] = [turn for turn in answers(play, mira)[2].turns if turn.kind == "aside"]
    assert (aside.text, aside.question[:6], aside.step) == ("that i read well", "coach:", "topic")
    assert "that i read well" not in repr(play.rows(select(t.learning_events)))
    await play.script("Mira: ✎ that i read well => that i read\ncoach: Your coach has that answer as it was")
    await walk(play, mira)
    assert session(play, mira).phase == "complete"
    await ana.press_data(act(session_id, "join"))
    assert "Your question, answered: What did your cousin say?" in ana.screen[-1].text


@pytest.mark.parametrize("way", ["[Skip]", "/skip", "/back", "/cancel"])
async def test_a_question_can_be_left(play: Play, way: str) -> None:
    """By its button or a command; the conversation itself stays where it is."""
    mira, ana = people(play)
    session_id = await begun(play)
    await walk(play, mira, "topic")
    await asked(play, session_id, "What did your cousin say?")
    await play.script(f"Mira: {way}\ncoach: Left out.")
    assert (step(play, mira), session(play, mira).phase) == ("topic", "open")
    assert "Mira left out your question:" in ana.screen[-1].text
    assert questions(play) == [("What did your cousin say?", "skipped", None)]
    await answer(mira, "reading out loud in class")
    assert step(play, mira) == "topic_category"


async def test_what_happens_meanwhile_leaves_the_question_open(play: Play) -> None:
    """A card, a reason, a long answer, an old button: the question is still the one that is answered."""
    mira, ana = people(play)
    session_id = await begun(play)
    old = next(data for label, data in mira.newest_with_buttons().buttons.items() if label == "7")
    await asked(play, session_id, "What helps?")
    await play.script("Mira: /help")
    assert conversation(play, mira).awaiting == "coach_answer"
    await play.script("Mira: /why\ncoach: \ncoach: A question from Ana")
    await mira.says(f"{CANARY} " * 500)
    assert questions(play) == [("What helps?", "put", None)]
    await mira.press_data(old)
    assert step(play, mira) == "presence_level", "its number is an old one by now"
    await mira.press_data(f"a:{conversation(play, mira).asked}:7")
    assert step(play, mira) != "presence_level"
    assert "A question from Ana" in mira.screen[-1].text
    assert CANARY not in texts(ana)
    await play.script("Mira: the quiet\ncoach: Ana has your answer")
    assert questions(play) == [("What helps?", "answered", "the quiet")]


async def test_words_sent_before_it_could_be_seen_are_not_for_the_coach(play: Play) -> None:
    """They answer the question that was open."""
    mira, ana = people(play)
    session_id = await begun(play)
    await walk(play, mira, "topic")
    await asked(play, session_id, "What helps?")
    await mira.says(f"{CANARY} in front of the whole class", ahead=True)
    assert CANARY in str(answers(play, mira)[2].fields["topic"])
    assert CANARY not in texts(ana)
    assert "A question from Ana" in mira.screen[-1].text
    await play.script("Mira: the quiet\ncoach: Ana has your answer")


async def test_a_voice_message_answers_it_once_it_is_confirmed(play: Play) -> None:
    """One that was spoken before it answers the question that was open then."""
    mira, ana = people(play)
    session_id = await begun(play)
    await walk(play, mira, "topic")
    await asked(play, session_id, "What helps?")
    here = f"coach:{conversation(play, mira).question}"
    await play.happens(
        TranscriptReady(
            id=play.next_id(), chat_id=mira.chat_id, spent=(), text="the quiet", source=77, step=here, index=0
        )
    )
    await play.script("Mira: [Yes, take it]")
    assert questions(play) == [("What helps?", "answered", "the quiet")]
    assert step(play, mira) == "topic"
    assert "the quiet" in texts(ana)


async def test_a_pause_puts_a_question_off(play: Play) -> None:
    """It comes again as the conversation goes on."""
    mira, _ = people(play)
    session_id = await begun(play)
    await walk(play, mira, "topic")
    await asked(play, session_id, "What helps?")
    await play.script("Mira: /pause")
    assert [q[1] for q in questions(play)] == ["waiting"]
    assert conversation(play, mira).awaiting is None
    await play.script("Mira: [Continue]\n-- 0 minutes")
    assert "A question from Ana" in mira.screen[-1].text
    await play.script("Mira: the quiet\ncoach: Ana has your answer")


async def test_several_come_one_after_the_other_and_one_is_taken_back(play: Play) -> None:
    """Three at most; what was put cannot be taken back."""
    mira, ana = people(play)
    session_id = await begun(play)
    for words in ("First?", "Second?", "Third?"):
        await asked(play, session_id, words)
    await ana.press_data(act(session_id, "ask"))
    assert "Three questions wait already" in play.screens.toasts[-1]
    assert [q[1] for q in questions(play)] == ["put", "waiting", "waiting"]
    await ana.press_data(act(session_id, "join"))
    gone = ana.screen[-1].buttons["Take back: Second?"]
    await ana.presses("Take back: Second?")
    assert "Second?" not in ana.screen[-1].text
    await ana.press_data(gone)
    [first] = play.rows(select(t.coach_questions.c.id).where(t.coach_questions.c.text == "First?"))
    await ana.press_data(act(session_id, "drop", short_id(first.id)))
    assert "cannot be taken back" in play.screens.toasts[-1]
    await play.script("Mira: first\n-- 0 minutes")
    assert "Third?" in mira.screen[-1].text
    await play.script("Mira: third\ncoach: Ana has your answer\n-- 1 minute")
    assert questions(play) == [
        ("First?", "answered", "first"),
        ("Second?", "dropped", None),
        ("Third?", "answered", "third"),
    ]


async def test_a_question_too_long_is_written_again_and_none_is_asked_by_cancel(play: Play) -> None:
    """500 characters."""
    session_id = await begun(play)
    await play.coachee("Ana").press_data(act(session_id, "ask"))
    await play.script(f"""
        Ana: {"x" * 501}
        coach: this has 501
        Ana: {"x" * 500}
        coach: Mira is asked next
        -- 0 minutes
        Mira: /skip
        Ana: [Ask another]
        Ana: /cancel
        coach: No question is asked.
    """)
    assert len(questions(play)) == 1


async def test_a_question_after_the_end_is_not_put(play: Play) -> None:
    """The coach is told: at once, or if it ends while the question is open."""
    mira, ana = people(play)
    session_id = await begun(play)
    await asked(play, session_id, "One?")
    await asked(play, session_id, "Two?")
    await ana.press_data(act(session_id, "ask"))
    await play.script("Mira: /stop")
    assert [q[1] for q in questions(play)] == ["dropped", "dropped"]
    assert texts(ana).count("This question was not answered:") == 2
    assert conversation(play, mira).question is None
    await play.script("Ana: Three?\ncoach: does not run any more")
    await ana.press_data(act(session_id, "ask"))
    assert "does not run" in play.screens.toasts[-1]
    await play.script("-- 1 minute")
    assert len(questions(play)) == 2


# ---- others


async def test_a_parent_takes_their_agreement_back_in_the_middle(play: Play) -> None:
    """Mira stops at once; a question is not put, the coach is told that she takes no part."""
    mira, ana = people(play)
    paula = await parent(play, "Paula", mira, ana)
    set_of(play, mira, birth_year=2013)
    with play.core.engine.begin() as connection:
        connection.execute(update(t.guardianships).values(agreed_at=play.clock.now()))
    session_id = await begun(play)
    await walk(play, mira, "topic")
    await paula.press_data(button(play, mira, "withdraw?"))
    await paula.press_data(button(play, mira, "withdraw"))
    await asked(play, session_id, "What helps?")
    assert "This question was not put" in ana.screen[-1].text
    assert questions(play) == [("What helps?", "dropped", None)]
    count = len(ana.screen)
    await mira.says(CANARY)
    await ana.press_data(act(session_id, "join"))
    assert len(ana.screen) == count + 1
    assert "Answers" not in ana.screen[-1].buttons
    assert CANARY not in texts(ana)


async def test_only_those_whose_it_is_begin_join_and_ask(play: Play) -> None:
    """Anybody else is refused, and nothing changes."""
    mira, ana = people(play)
    session_id = await booked(play, mira, ana)
    nina, ben = play.coachee("Nina"), await coach(play, "Ben")
    await nina.says("/help")
    await play.script("-- 25 minutes")
    for person, name in (
        (nina, "begin"),
        (ana, "begin"),
        (nina, "join"),
        (ben, "join"),
        (mira, "join"),
        (ben, "ask"),
    ):
        count = len(refusals(play))
        await person.press_data(act(session_id, name))
        assert len(refusals(play)) == count + 1, (person.name, name)
    assert row_of(play, session_id).conversation_id is None
    await mira.press_data(act(session_id, "begin"))
    await nina.press_data(f"q:{short_id(session_id)}:skip")
    await mira.press_data(f"q:{short_id(session_id)}:skip")
    assert session(play, mira).phase == "open"


async def test_a_session_that_is_moved_or_completed_leaves_the_conversation_alone(play: Play) -> None:
    """It is the coachee's."""
    mira, ana = people(play)
    session_id = await begun(play)
    with play.core.engine.begin() as connection:
        connection.execute(update(t.scheduled_sessions).values(status="cancelled", version=9))
    await walk(play, mira)
    assert session(play, mira).phase == "complete"
    assert "Mira has done all five steps" in texts(ana)
    assert row_of(play, session_id).conversation_id == session(play, mira).session_id
