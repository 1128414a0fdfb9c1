"""A press about sessions that may be done, and how it is answered: what every act on a session's card uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flows import session_cards
from flows.acts import Act
from flows.changes import Audited
from flows.diary import Consent, Scheduled
from flows.effects import Screen
from flows.events import ButtonPressed, Event, TextSent
from flows.on_card import put
from flows.people import Subject
from flows.records import Record
from flows.rights import allowed_as, refused
from flows.session_acts import Read
from flows.session_news import Scene
from flows.state import Chat, Decision


class Press(Record):
    """A press about sessions that may be done: what it names, as it is loaded. `card` is the number of the card on
    which its answer is shown."""

    event: ButtonPressed
    read: Read
    card: int
    action: str
    session: Scheduled | None = None
    subject: Subject | None = None
    consent: Consent | None = None

    @property
    def asked(self) -> Consent:
        """The consent that it names."""
        assert self.consent is not None
        return self.consent

    @property
    def about(self) -> Scheduled:
        """The session that it names."""
        assert self.session is not None
        return self.session

    @property
    def whose(self) -> Subject:
        """The coachee that it is about."""
        assert self.subject is not None
        return self.subject

    @property
    def argument(self) -> str:
        """What the act takes."""
        return self.read.argument


Handler = Callable[[Chat, Press, datetime], Decision]
"""What an act does."""
WordsHandler = Callable[[Chat, TextSent, datetime], Decision]
"""What words that were asked for do."""


def why_not(chat: Chat, action: str, subject: Subject | None, year: int) -> str | None:
    """Why the person of the chat may not do this (None: they may): by the matrix, and by the policy here."""
    me, roles = chat.someone.user_id, chat.around.roles
    if reason := refused(action, me, roles, subject, year):
        return reason
    among = {"move_session": chat.policy.move_by, "cancel_session": chat.policy.cancel_by}.get(action)
    if among is not None and not allowed_as(action, me, roles, subject, year) & set(among):
        return "policy"
    return None


def scene(chat: Chat, subject: Subject, event: Event, now: datetime) -> Scene:
    """What a deed of the person of the chat takes."""
    return Scene(
        subject=subject,
        event=event,
        now=now,
        actor=chat.someone.user_id,
        calendar=chat.policy.calendar,
        operators=chat.around.operators,
        policy=chat.policy,
    )


def done(chat: Chat, press: Press, act: Act, screen: Screen, now: datetime, toast: str | None = None) -> Decision:
    """A deed, kept in the audit log, and the card as it is after it."""
    shown = put(chat, press.event, press.read.card, screen, toast)
    audit = audited(chat, press.event, press.action, press.read.act, press.subject, now)
    return shown.evolve(changes=(*shown.changes, *act.changes, audit), effects=(*shown.effects, *act.effects))


def audited(chat: Chat, event: Event, action: str, reason: str, subject: Subject | None, now: datetime) -> Audited:
    """A deed of the person of the chat, for the audit log."""
    return Audited(
        audit_id=event.derived("audit"),
        at=now,
        action=action,
        actor_id=chat.someone.user_id,
        subject_id=subject.person.user_id if subject is not None else None,
        reason=reason,
    )


def shown(chat: Chat, press: Press, screen: Screen, toast: str | None = None) -> Decision:
    """A card that nothing was done on."""
    return put(chat, press.event, press.read.card, screen, toast)


def stands(chat: Chat, press: Press, now: datetime, toast: str = "toast.session.stands") -> Decision:
    """A press that does not fit how the session stands (any more): nothing is changed, and its card says how."""
    return shown(chat, press, session_cards.card_of(chat, press.card, press.about, press.whose, now), toast)


def renewed(chat: Chat, session: Scheduled) -> Chat:
    """The chat with a session as a deed has left it, so that its card can be shown."""
    rows = tuple(session if one.session_id == session.session_id else one for one in chat.book.programme)
    return chat.evolve(diary=chat.book.evolve(session=session, programme=rows))


def meant(press: Press) -> bool:
    """Whether a press says yes to what was asked about the session as it is now."""
    return press.argument == str(press.about.version)
