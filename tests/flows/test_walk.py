"""The walk, by property: whatever a coachee does, the trail and the fields agree and no exit is skipped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.answers import Given, from_text
from flows.asking import choices
from flows.decide import decide, needs_plan
from flows.errors import IllegalEventError, UnfitAnswerError
from flows.events import (
    AnyEvent,
    ButtonPressed,
    CommandSent,
    GroupSpoken,
    MediaSent,
    Reading,
    Sender,
    SummaryFailed,
    TextEdited,
    TextSent,
    TimerFired,
)
from flows.stages import EXITS, GUARDS, STEPS, Day, Scale
from flows.state import ActionItem, Chat, Review, Session
from flows.walk import answered, facts, gone_back, open_exits, replayed, start

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
MIRA = Sender(name="Mira", timezone="Europe/Berlin")
SPACE = UUID(int=7)


def words(text: str, n: int, **more: object) -> TextSent:
    """Something Mira writes, understood as well as a reader could."""
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    reading = Reading(
        number=int(digits[:4]) if digits else None,
        day=date(2026, 11, 20) + timedelta(days=int(digits[:3])) if digits else None,
    )
    event = TextSent(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, text=text, message_id=n, reading=reading)
    return event.evolve(**more)


MISCHIEF: tuple[Callable[[Random, int], AnyEvent], ...] = (
    lambda rng, n: words(rng.choice(["7", "3", "10 things", "...", "yes", "", "0", "11", "x" * 5000]), n),
    lambda rng, n: words("and more", n, ahead=True),
    lambda rng, n: TextEdited(
        id=uuid5(SPACE, str(n)),
        chat_id=1,
        sender=MIRA,
        text=rng.choice(["2 things", "9", "...", "none"]),
        message_id=rng.randrange(n + 1),
        reading=Reading(number=rng.choice([2, 9, None]), day=date(2026, 12, 1)),
    ),
    lambda rng, n: _pressed(f"a:{rng.randrange(60)}:{rng.choice(['7', 'yes', 'not_quite', 'enough'])}", n),
    lambda rng, n: MediaSent(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, kind="voice"),
    *(lambda rng, n, name=name: _command(name, n) for name in ("back", "back", "pause", "start", "plan")),  # type: ignore[misc]
)
"""What people do besides answering. `n` numbers the acts and the messages."""


@given(seed=st.integers(0, 2**32))
def test_whatever_a_coachee_does(seed: int) -> None:
    """There is always a question or an end; nothing said is lost; the trail makes the fields; no exit is skipped."""
    rng = Random(seed)
    items = tuple(
        ActionItem(action_id=uuid4(), session_id=uuid4(), title=f"item {n}", status="pending", due=date(2026, 11, 27))
        for n in range(rng.randrange(3))
    )
    mischief = rng.choice([0.05, 0.2, 0.5])
    chat = decide(Chat(chat_id=1, actions=items), _command("session", 0), NOW).chat
    for n in range(1, 300):
        before = chat
        event = rng.choice(MISCHIEF)(rng, n) if rng.random() < mischief else _answer(rng, chat, n)
        chat = decide(chat, event, NOW + timedelta(minutes=n)).chat
        was, session = before.conversation.session, chat.conversation.session
        assert was is not None
        assert session is not None
        if was.session_id == session.session_id:
            assert session.turns >= was.turns, "a turn is never taken away"
            for stage, kept in before.answers.items():
                assert chat.answers[stage].turns[: len(kept.turns)] == kept.turns, "what was said is never rewritten"
        _check(chat, session)


def _answer(rng: Random, chat: Chat, n: int) -> AnyEvent:
    """What somebody who wants to go on does: press one of the open question's buttons, or write."""
    session = chat.conversation.session
    if session is None or session.phase != "open":
        return _command("session", n)
    offered = choices(chat, date(2026, 11, 23))
    if offered and rng.random() < 0.9:
        return _pressed(rng.choice(offered).data, n)
    return words(rng.choice(["8 words of mine", "5 more", "10 out of ten"]), n)


def _pressed(data: str, n: int) -> ButtonPressed:
    return ButtonPressed(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, data=data, press_id=str(n), label="a label")


def _command(name: str, n: int) -> CommandSent:
    return CommandSent(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, name=name)


def _check(chat: Chat, session: Session) -> None:
    """What holds in every state."""
    again, fields = replayed(session, chat.answers, session.trail)
    assert again.position == session.position, "the trail makes the position"
    assert again.trail == session.trail
    for stage, kept in chat.answers.items():
        assert fields[stage].fields == kept.fields, "the trail makes the fields"
    assert open_exits(session, chat.answers) == [], "no stage before this one was left with an open exit"
    assert (session.position is None) == (session.phase == "complete")
    numbers = sorted(turn.n for kept in chat.answers.values() for turn in kept.turns)
    assert numbers == list(range(1, session.turns + 1)), "every turn is kept, once"


def test_an_illegal_event_changes_nothing() -> None:
    """Answering, going back or correcting where it cannot be raises, and the records are as they were."""
    done = Session(session_id=uuid4(), begun_at=NOW, since=NOW, phase="complete")
    with pytest.raises(IllegalEventError):
        answered(done, {}, Given(text="more"), at=NOW, question="ask.topic")
    fresh = done.evolve(phase="open", position=start())
    with pytest.raises(IllegalEventError):
        gone_back(fresh, {})
    for event in (
        TimerFired(id=uuid4(), chat_id=1, key="k", kind="action_due", subject=uuid4()),
        SummaryFailed(id=uuid4(), chat_id=1, session_id=uuid4(), attempt=1, reason="invalid"),
    ):
        with pytest.raises(IllegalEventError):
            decide(Chat(chat_id=1), event, NOW)


def test_a_group_is_told_and_nothing_is_kept() -> None:
    """The bot serves private chats only, and says so."""
    decision = decide(Chat(chat_id=-5), GroupSpoken(id=uuid4(), chat_id=-5), NOW)
    assert [effect.screen.lines[0].text.key for effect in decision.effects] == ["group.private_only"]  # type: ignore[union-attr]
    assert decision.changes == ()


@given(text=st.text(max_size=300), number=st.none() | st.integers(-3, 14), days=st.none() | st.integers(-9, 900))
def test_an_answer_fits_or_is_refused(text: str, number: int | None, days: int | None) -> None:
    """For any text and step there is a typed answer within its bounds, or the name of a text that says why not."""
    today, refused = date(2026, 11, 23), set[str]()
    reading = Reading(number=number, day=today + timedelta(days=days) if days is not None else None)
    for step in STEPS.values():
        try:
            fitting = from_text(step, text, reading, today)
        except UnfitAnswerError as unfit:
            refused.add(str(unfit.args[0]))
            continue
        if isinstance(step.takes, Scale):
            assert fitting.value in range(1, 11)
        if isinstance(step.takes, Day):
            assert date.fromisoformat(str(fitting.value)) >= today
    assert all(name.startswith("unfit.") for name in refused)


def test_an_exit_that_a_correction_undoes_is_mended() -> None:
    """A session whose trail would leave a stage unfinished is led to the step that mends it."""
    session = Session(
        session_id=uuid4(),
        begun_at=NOW,
        since=NOW,
        position=start(),
        reviewing=(Review(action_id=uuid4(), title="x"),),
    )
    answers: dict[int, object] = {}
    for given_value, choice in ((7, "7"), (("calm",), None)):
        session, answers = answered(  # type: ignore[assignment]
            session,
            answers,
            Given(text="t", value=given_value, choice=choice),
            at=NOW,
            question="q",  # type: ignore[arg-type]
        )
    assert session.position is not None
    assert session.position.step == "review_status"
    assert not GUARDS["earlier actions reviewed"](facts(session, answers))  # type: ignore[arg-type]
    assert {rule.stage for rule in EXITS} == {1, 2, 3, 4, 5}


def test_words_in_a_session_need_no_plan() -> None:
    """The most frequent event loads no more than the conversation and its answers."""
    chat = decide(Chat(chat_id=1), CommandSent(id=uuid4(), chat_id=1, sender=MIRA, name="session"), NOW).chat
    assert not needs_plan(chat, words("7", 1))
    assert needs_plan(chat, CommandSent(id=uuid4(), chat_id=1, sender=MIRA, name="plan"))
