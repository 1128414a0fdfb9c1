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
from bot.summarising import render_in
from bot.texts import languages
from flows.answers import Given, from_text
from flows.asking import choices, open_step
from flows.changes import ActionAdded, ActionReviewed, SessionBegun
from flows.conversation import begin
from flows.decide import decide
from flows.documents import Material, PlannedItem, material_of
from flows.effects import CancelTimer, Edit, RequestReflection, RequestSummary, Say, Screen, SetTimer, Text
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
    SummaryReady,
    TextEdited,
    TextSent,
    TimerFired,
    TranscriptReady,
)
from flows.needs import needs
from flows.opening import opening_data
from flows.plainly import plainly
from flows.stages import CIRCLES_CLOSE, EXITS, GUARDS
from flows.state import ActionItem, Chat, Conversation, Decision, Review, Session, StageAnswers, Turn
from flows.steps import STEPS, Day, Scale, Stage
from flows.walk import Answers, answered, counting, facts, gone_back, replayed, stage_of, start
from tests.conftest import DEEP

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
MIRA = Sender(name="Mira", vouched=True, timezone="Europe/Berlin")
SPACE = UUID(int=7)


def open_exits(session: Session, answers: Answers) -> list[str]:
    """The exits that do not hold, of every stage before the one the session is in (of all when it is through)."""
    known = facts(session, answers)
    before = stage_of(session) if session.position else Stage.CHECK_OUT + 1
    return [rule.holds for rule in EXITS if rule.stage < before and not GUARDS[rule.holds](known)]


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
    lambda rng, n, chat: _pressed(_on_the_card(rng, n, chat), n),
    lambda rng, n, chat: _pressed(_on_the_summary(rng, n, chat), n),
    *(
        lambda rng, n, _, name=name: _command(name, n)  # type: ignore[misc]
        for name in ("back", "pause", "start", "plan", "skip", "skip", "why", "advice", "answers", "settings")
    ),
)
"""What people do besides answering, and what comes from elsewhere. `n` numbers the acts and the messages."""
CARD_ACTS = ("keep", "drop", "look", "change", "words", "day", "between", "clear", "no_day")
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
            TimerFired(**named, key="confirm", kind="confirm", subject=subject),
        ]
    )


def _on_the_card(rng: Random, n: int, chat: Chat) -> str:
    """A button of the plan's card, of this one or of an old one; one in ten is forged."""
    plan = chat.conversation.plan
    card = plan.card if plan and rng.random() < 0.8 else rng.randrange(60)
    if rng.random() < 0.3:
        return f"d:{card}:{rng.choice(['confirm', 'all'])}"
    day = date(2026, 11, 20) + timedelta(days=rng.randrange(20))
    act = rng.choice([*CARD_ACTS, day.isoformat(), "2029-01-01", "20261130", "nonsense"])
    return f"d:{card}:{rng.randrange(1, 6)}:{act}" + rng.choice([""] * 9 + [":more"])


def _on_the_summary(rng: Random, n: int, chat: Chat) -> str:
    """A button of the summary: its lines, of this version or of another, what makes items of it or has it anew."""
    if chat.summary is None or rng.random() < 0.5:
        return rng.choice(["m:0:items", "m:0:anew", "m:0:summary"])
    kept = chat.summary.evolve(version=rng.choice([chat.summary.version] * 4 + [9]))
    what = rng.choice([f"{rng.randrange(40)}l", str(rng.randrange(9)), "pdf", "x", "²"])
    return opening_data(rng.randrange(chat.conversation.cards + 2), kept, what)


@settings(max_examples=2000 if DEEP else 170)
@given(seed=st.integers(0, 2**32))
def test_whatever_a_coachee_does(seed: int) -> None:
    """There is always a question or an end; nothing said is lost; the trail makes the fields; no exit is skipped;
    no stage goes on for ever; the coach never says too much; and nothing is an action item but what was confirmed,
    on the coachee's own words. 170 people of 300 acts each are 51,000 acts."""
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
    way = rng.choice(["circling", "straight", "straight", "any"])
    begun = decide(Chat(chat_id=1, actions=items, model=rng.random() < 0.5), _command("session", 0), NOW)
    chat, put = begun.chat, _put(begun)
    around = Around(decision=begun)
    for n in range(1, 300):
        before = chat
        mean = rng.random() < mischief
        event = rng.choice(MISCHIEF)(rng, n, chat) if mean else _answer(rng, chat, n, way, around)
        decision = decide(chat, event, NOW + timedelta(minutes=n))
        assert not {key for key in _put(decision) & put if key[0] in "dw"}, "a card is put once, then edited"
        put |= _put(decision)
        around.look(before, event, decision)
        chat = stored(decision)
        chat = _restarted(chat) if rng.random() < 0.1 else chat
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


class Around:
    """What is around the conversation: the writer, who takes a while and may fail, the timers that are set, the
    plan's card as it looks, and what every session's action items must rest on."""

    def __init__(self, *, decision: Decision) -> None:
        self.wanted: list[tuple[RequestSummary, Material]] = []
        self.timers: list[SetTimer] = []
        self.cards: dict[str, Screen] = {}
        self.heard: dict[UUID, dict[int, Turn]] = {}
        self.ids: dict[tuple[UUID, int | str], UUID] = {}
        self._take(decision)

    def _take(self, decision: Decision) -> None:
        chat = decision.chat
        if (session := chat.conversation.session) is not None:
            said = {turn.n: turn for kept in chat.answers.values() for turn in kept.turns}
            self.heard.setdefault(session.session_id, {}).update(said)
        for effect in decision.effects:
            match effect:
                case RequestSummary() if session is not None and effect.session_id == session.session_id:
                    who = chat.someone
                    found = material_of(
                        session.session_id, who.language, who.timezone, session.begun_at, chat.answers
                    )
                    self.wanted.append((effect, found))
                case SetTimer(kind="summary" | "confirm"):
                    self.timers.append(effect)
                case CancelTimer():
                    self.timers = [timer for timer in self.timers if timer.key != effect.key]
                case Say(key=str(key)) | Edit(key=key) if key.startswith("d"):
                    self.cards[key] = effect.screen

    def look(self, before: Chat, event: AnyEvent, decision: Decision) -> None:
        """Nothing becomes an action item but by [Confirm plan], on words that were said; nor is it reminded of."""
        self._take(decision)
        plan = before.conversation.plan
        added = [change for change in decision.changes if isinstance(change, ActionAdded)]
        if added:
            assert plan is not None
            assert isinstance(event, ButtonPressed)
            assert event.data == f"d:{plan.card}:confirm", "an item that nobody confirmed"
            assert [a.action_id for a in added] == [d.action_id for d in plan.drafts if d.choice == "keep"]
            assert decision.chat.conversation.plan is None
        for a in added:
            heard, about = self.heard[a.session_id], a.evidence["words"]
            if a.origin == "coachee":
                for source in a.evidence["sources"]:
                    assert source["quote"] in heard[source["turn"]].text
                if not a.evidence["changed"]:
                    assert about in {turn.text for turn in heard.values()}, f"{about!r} was never said"
                if a.evidence["sources"]:
                    about = heard[a.evidence["sources"][0]["turn"]].index  # which step it is, however it is put now
                else:
                    assert a.evidence["changed"], "a suggestion that was put in words of their own"
            assert self.ids.setdefault((a.session_id, about), a.action_id) == a.action_id
        assert len(set(self.ids.values())) == len(self.ids)
        items = {item.action_id for item in before.actions} | {a.action_id for a in added}
        reminded = {e.subject for e in decision.effects if isinstance(e, SetTimer) and e.kind == "action_due"}
        assert reminded <= items, "a reminder of what is no item"

    def comes(self, rng: Random, n: int) -> AnyEvent | None:
        """The summary, or that it could not be written; a timer; most of the time nothing."""
        named = {"id": uuid5(SPACE, str(n)), "chat_id": 1}
        if self.timers and rng.random() < 0.3:
            timer = self.timers.pop(0)
            return TimerFired(**named, key=timer.key, kind=timer.kind, subject=timer.subject, attempt=timer.attempt)
        if not self.wanted or rng.random() < 0.3:
            return None
        wanted, found = self.wanted.pop(0)
        if wanted.writer == "model" and rng.random() < 0.6:
            return SummaryFailed(**named, session_id=wanted.session_id, attempt=wanted.attempt, reason="timeout")
        document = plainly(found, render_in(found.language), reason="outage" if wanted.writer == "outage" else None)
        if rng.random() < 0.5:
            number = len(document.action_plan) + 1
            more = PlannedItem(number=number, title="ask a friend", description="because it helps", suggested=True)
            document = document.evolve(action_plan=(*document.action_plan, more))
        return SummaryReady(**named, session_id=wanted.session_id, document=document)

    def on_the_plan(self, rng: Random, chat: Chat, n: int) -> AnyEvent:
        """What somebody does who decides about the plan: a button that is there, or the words that it asks for."""
        plan = chat.conversation.plan
        assert plan is not None
        if chat.conversation.awaiting == "item" and rng.random() < 0.7:
            return words(rng.choice(["8 words of mine", "10 " * 1300, "another thing", "..."]), n)
        there = self.cards[f"d{plan.card}"].choices
        if there[-1].data.endswith(":confirm") and rng.random() < 0.3:
            return _pressed(there[-1].data, n)
        return _pressed(rng.choice(there).data, n)


def stored(decision: Decision) -> Chat:
    """The chat with the action items as they are kept."""
    items = {item.action_id: item for item in decision.chat.actions}
    for change in decision.changes:
        match change:
            case ActionAdded():
                status = items[change.action_id].status if change.action_id in items else "pending"
                items[change.action_id] = ActionItem(
                    action_id=change.action_id,
                    session_id=change.session_id,
                    title=change.title,
                    status=status,
                    due=change.timeline_end,
                    description=change.description,
                    words=change.evidence["words"],
                    milestones=change.milestones,
                )
            case ActionReviewed():
                items[change.action_id] = items[change.action_id].evolve(
                    status=change.status, title=change.title, due=change.due, dropped=change.dropped
                )
    return decision.chat.evolve(actions=tuple(items.values()))


def _answer(rng: Random, chat: Chat, n: int, way: str, around: Around) -> AnyEvent:
    """What somebody who wants to go on does: press one of the open question's buttons, or write. At the end the
    summary comes, or fails to, and they decide about the plan.

    One who goes in circles chooses what leads back, wherever that is offered; one who goes straight never does.
    """
    conversation, session = chat.conversation, chat.conversation.session
    named = {"id": uuid5(SPACE, str(n)), "chat_id": 1}
    if (came := around.comes(rng, n)) is not None:
        return came
    if session is not None and session.phase == "complete" and rng.random() < 0.9:
        if conversation.plan is not None:
            return around.on_the_plan(rng, chat, n)
        steps = [t.source for t in counting(session, chat.answers) if t.step == "step_what" and t.source]
        if steps and rng.random() < 0.3:  # put differently, so that it can be made again
            return TextEdited(**named, sender=MIRA, text=f"put it so: {n}", message_id=rng.choice(steps))
        if rng.random() < 0.8:
            return _pressed(_on_the_summary(rng, n, chat), n)
    if session is None or session.phase != "open":
        return _command("session", n)
    if conversation.holding == "reflection":
        return ReflectionFailed(**named, number=conversation.asked)
    if conversation.holding == "breaths":
        return _pressed("s:settled", n)
    offered = choices(chat, date(2026, 11, 23))
    step = open_step(chat)
    assert step is not None
    back = [c for c in offered if c.data.rsplit(":", 1)[1] in step.circles]
    if way == "circling" and back:
        return _pressed(rng.choice(back).data, n)
    if way == "straight" and offered and rng.random() < 0.9:
        on = [c for c in offered if c not in back and not c.data.startswith("s:")]
        done = [c for c in on if c.data.rsplit(":", 1)[1] in ("that_is_it", "enough", "right")]
        return _pressed(rng.choice(done if done and rng.random() < 0.7 else on or offered).data, n)
    if offered and rng.random() < 0.9:
        return _pressed(rng.choice([c for c in offered if not c.data.startswith("s:")] or offered).data, n)
    return words(rng.choice(["8 words of mine", "5 more", "10 out of ten", "school"]), n)


def _pressed(data: str, n: int) -> ButtonPressed:
    return ButtonPressed(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, data=data, press_id=str(n), label="a label")


def _command(name: str, n: int, argument: str = "") -> CommandSent:
    return CommandSent(id=uuid5(SPACE, str(n)), chat_id=1, sender=MIRA, name=name, argument=argument)


def _check_said(decision: Decision) -> None:
    """No message of the coach but the summary is a wall of text; the buttons' data fits."""
    language = decision.chat.someone.language
    for effect in decision.effects:
        if isinstance(effect, Say | Edit):
            first = effect.screen.lines[0].text
            most = 4096 if isinstance(first, Text) and first.key.startswith("summary.title") else 600
            for message in messages(effect.screen, language):
                assert len(message.text) <= most, (language, message.text)
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
    assert not needs(chat, words("7", 1)).own
    assert needs(chat, CommandSent(id=uuid4(), chat_id=1, sender=MIRA, name="plan")).own


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
