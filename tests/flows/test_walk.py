"""The walk, by property: whatever a coachee does, the trail and the fields agree and no exit is skipped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4, uuid5

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.render import messages
from bot.texts import languages
from flows.answers import Given, from_text
from flows.asking import choices, open_step
from flows.changes import SessionBegun
from flows.conversation import begin
from flows.decide import decide, needs_plan
from flows.effects import Edit, RequestReflection, Say
from flows.errors import IllegalEventError, UnfitAnswerError
from flows.events import (
    AnyEvent,
    ButtonPressed,
    CommandSent,
    GroupSpoken,
    MediaSent,
    Reading,
    ReflectionFailed,
    ReflectionReady,
    Sender,
    SummaryFailed,
    TextEdited,
    TextSent,
    TimerFired,
    TranscriptReady,
)
from flows.stages import CIRCLES_CLOSE, EXITS, GUARDS
from flows.state import ActionItem, Chat, Conversation, Decision, Review, Session, StageAnswers
from flows.steps import STEPS, Day, Scale
from flows.walk import answered, counting, facts, gone_back, open_exits, replayed, start
from tests.conftest import DEEP

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
MIRA = Sender(name="Mira", timezone="Europe/Berlin")
SPACE = UUID(int=7)


def words(text: str, n: int, **more: object) -> TextSent:
    """Something Mira writes, understood as well as a reader could."""
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    empty = not any(char.isalnum() for char in text)
    reading = Reading(
        sense="empty" if empty else "unsure" if text == "idk" else "vague" if text == "school" else None,
        number=int(digits[:4]) if digits else None,
        day=date(2026, 11, 20) + timedelta(days=int(digits[:3])) if digits else None,
    )
    event = TextSent(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, text=text, message_id=n, reading=reading)
    return event.evolve(**more)


MISCHIEF: tuple[Callable[[Random, int, Chat], AnyEvent], ...] = (
    lambda rng, n, _: words(
        rng.choice(["7", "3", "10 things", "...", "yes", "", "0", "11", "x" * 5000, "idk", "idk"]), n
    ),
    lambda rng, n, _: words("and more", n, ahead=True),
    lambda rng, n, _: TextEdited(
        id=uuid5(SPACE, str(n)),
        chat_id=1,
        sender=MIRA,
        text=rng.choice(["2 things", "9", "...", "none"]),
        message_id=rng.randrange(n + 1),
        reading=Reading(number=rng.choice([2, 9, None]), day=date(2026, 12, 1)),
    ),
    lambda rng, n, _: _pressed(f"a:{rng.randrange(60)}:{rng.choice(['7', 'yes', 'not_quite', 'enough'])}", n),
    lambda rng, n, _: _pressed(
        rng.choice(["s:settled", "s:come_back:x", f"v:{rng.randrange(n + 1)}:yes", "m:1:help_off", "m:1:help_on"]), n
    ),
    lambda rng, n, _: _pressed(f"k:1:{rng.randrange(60)}:{rng.choice(['look', 'change', 'change', 'back'])}", n),
    lambda rng, n, _: _pressed(f"l:{rng.choice(languages())}", n),
    lambda rng, n, _: _command("back", n, str(rng.randrange(4))),
    lambda rng, n, _: MediaSent(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, kind="voice", file_id="f"),
    lambda rng, n, _: TranscriptReady(
        id=uuid5(SPACE, str(n)), chat_id=1, text="what i said aloud " * rng.choice([1, 200]), source=n, step="topic"
    ),
    lambda rng, n, chat: _late(rng, n, chat),
    *(
        lambda rng, n, _, name=name: _command(name, n)  # type: ignore[misc]
        for name in ("back", "pause", "start", "plan", "skip", "skip", "why", "advice", "answers", "settings")
    ),
)
"""What people do besides answering, and what comes from elsewhere. `n` numbers the acts and the messages."""
MOST = {
    stage: number + sum(1 + step.patience for step in STEPS.values() if step.stage == stage)
    for stage, number in CIRCLES_CLOSE.items()
}
"""The most answers that a stage can count: once nothing leads back, each of its steps at most once more."""


def _late(rng: Random, n: int, chat: Chat) -> AnyEvent:
    """The model's answer, or a timer: of now, or of long ago."""
    number = rng.choice([chat.conversation.asked, rng.randrange(60)])
    session = chat.conversation.session
    subject = session.session_id if session else SPACE
    named = {"id": uuid5(SPACE, str(n)), "chat_id": 1}
    return rng.choice(
        [
            ReflectionReady(**named, number=number, reflection="you said it", wording=f"ask.topic.{n % 6}"),
            ReflectionFailed(**named, number=number),
            TimerFired(**named, key="breath", kind="breath", subject=subject, attempt=rng.randrange(9)),
            TimerFired(**named, key="resume", kind="resume", subject=subject),
        ]
    )


@settings(max_examples=2000 if DEEP else 170)
@given(seed=st.integers(0, 2**32))
def test_whatever_a_coachee_does(seed: int) -> None:
    """There is always a question or an end; nothing said is lost; the trail makes the fields; no exit is skipped;
    no stage goes on for ever; and the coach never says too much. 170 people of 300 acts each are 51,000 acts."""
    rng = Random(seed)
    items = tuple(
        ActionItem(
            action_id=uuid4(),
            session_id=uuid4(),
            title=f"item {n}",
            status="pending",
            due=date(2026, 11, rng.choice([20, 27])),
        )
        for n in range(rng.randrange(4))
    )
    mischief = rng.choice([0.02, 0.05, 0.2, 0.5])
    circling = rng.random() < 0.3
    begun = decide(Chat(chat_id=1, actions=items, model=rng.random() < 0.5), _command("session", 0), NOW)
    chat, put = begun.chat, _put(begun)
    for n in range(1, 300):
        before = chat
        mean = rng.random() < mischief
        event = rng.choice(MISCHIEF)(rng, n, chat) if mean else _answer(rng, chat, n, circling)
        decision = decide(chat, event, NOW + timedelta(minutes=n))
        put |= _put(decision)
        chat = _restarted(decision.chat) if rng.random() < 0.1 else decision.chat
        was, session = before.conversation.session, chat.conversation.session
        assert was is not None
        assert session is not None
        if was.session_id == session.session_id:
            assert session.turns >= was.turns, "a turn is never taken away"
            for stage, kept in before.answers.items():
                assert chat.answers[stage].turns[: len(kept.turns)] == kept.turns, "what was said is never rewritten"
        _check(chat, session)
        _check_said(decision)
        if session.phase == "open":
            waits = {"reflection": f"reflect {chat.conversation.asked}", "breaths": f"b{chat.conversation.asked}"}
            assert waits.get(chat.conversation.holding or "", f"q{chat.conversation.asked}") in put, (
                "there is a question"
            )


def _put(decision: Decision) -> set[str]:
    """What a decision puts before the person, or has underway."""
    said = {effect.key for effect in decision.effects if isinstance(effect, Say) and effect.key}
    asked = {f"reflect {e.number}" for e in decision.effects if isinstance(e, RequestReflection)}
    return said | asked


def _restarted(chat: Chat) -> Chat:
    """The chat as another process loads it."""
    conversation = msgspec.convert(msgspec.to_builtins(chat.conversation), Conversation)
    answers = {n: msgspec.convert(msgspec.to_builtins(kept), StageAnswers) for n, kept in chat.answers.items()}
    return chat.evolve(conversation=conversation, answers=answers)


def _answer(rng: Random, chat: Chat, n: int, circling: bool) -> AnyEvent:
    """What somebody who wants to go on does: press one of the open question's buttons, or write.

    One who goes in circles chooses what leads back, wherever that is offered.
    """
    conversation, session = chat.conversation, chat.conversation.session
    named = {"id": uuid5(SPACE, str(n)), "chat_id": 1}
    if session is None or session.phase != "open":
        return _command("session", n)
    if conversation.holding == "reflection":
        return ReflectionFailed(**named, number=conversation.asked)
    if conversation.holding == "breaths":
        return _pressed("s:settled", n)
    offered = choices(chat, date(2026, 11, 23))
    step = open_step(chat)
    assert step is not None
    if circling and (back := [c for c in offered if c.data.rsplit(":", 1)[1] in step.circles]):
        return _pressed(rng.choice(back).data, n)
    if offered and rng.random() < 0.9:
        return _pressed(rng.choice([c for c in offered if not c.data.startswith("s:")] or offered).data, n)
    return words(rng.choice(["8 words of mine", "5 more", "10 out of ten", "school"]), n)


def _pressed(data: str, n: int) -> ButtonPressed:
    return ButtonPressed(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, data=data, press_id=str(n), label="a label")


def _command(name: str, n: int, argument: str = "") -> CommandSent:
    return CommandSent(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, name=name, argument=argument)


def _check_said(decision: Decision) -> None:
    """No message of the coach is a wall of text; the buttons' data fits."""
    language = decision.chat.someone.language
    for effect in decision.effects:
        if isinstance(effect, Say | Edit):
            for message in messages(effect.screen, language):
                assert len(message.text) <= 600, (language, message.text)
                assert all(len(b.data.encode()) <= 64 for row in message.rows for b in row)


def _check(chat: Chat, session: Session) -> None:
    """What holds in every state."""
    again, fields = replayed(session, chat.answers, session.trail)
    assert again.position == session.position, "the trail makes the position"
    assert again.trail == session.trail
    for stage, kept in chat.answers.items():
        assert fields[stage].fields == kept.fields, "the trail makes the fields"
    assert open_exits(session, chat.answers) == [], "no stage before this one was left with an open exit"
    assert (session.position is None) == (session.phase == "complete")
    for stage, most in MOST.items():
        counted = sum(1 for turn in counting(session, chat.answers) if STEPS[turn.step].stage == stage)
        assert counted <= most + 7 * len(session.reviewing), f"stage {stage} goes on for ever"
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


def test_a_session_may_be_led_by_a_coach() -> None:
    """Both kinds are the same conversation, and the state and the row know which one it is."""
    asked = CommandSent(id=uuid4(), chat_id=1, sender=MIRA, name="session")
    chat = decide(Chat(chat_id=1), CommandSent(id=uuid4(), chat_id=1, sender=MIRA, name="start"), NOW).chat
    begun = begin(chat, asked, NOW, "coach_led")
    [change] = [c for c in begun.changes if isinstance(c, SessionBegun)]
    assert change.session_type == "coach_led"
    later = decide(begun.chat, _pressed(f"a:{begun.chat.conversation.asked}:7", 1), NOW).chat.conversation.session
    assert later is not None
    assert (later.session_type, len(later.trail)) == ("coach_led", 1)
