"""Events: facts that have come to pass in one chat. Every front end speaks these, and only these.

`id` is the same whenever the same fact is told again (a redelivered update, a timer taken up after a crash); the
ids of rows that a decision makes are derived from it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID, uuid5

from flows.documents import Document
from flows.records import Record
from flows.spending import Spent


class Sender(Record):
    """Who wrote, as the front end knows them. The name is never markup.

    `vouched`: nobody has to ask who they are; they run this program themselves, on their own machine.
    """

    name: str
    language: str = "en"
    timezone: str | None = None
    vouched: bool = False


class Event(Record, tag=True):
    """A fact in one chat."""

    id: UUID
    chat_id: int

    def derived(self, name: str) -> UUID:
        """An id that is the same each time this event is decided."""
        return uuid5(self.id, name)


class Spoken(Event):
    """Something a person did in the chat."""

    sender: Sender


class Reading(Record):
    """What words mean in the person's language, as far as code outside `flows` could read them for the open question.

    `number` is a whole number found in the text; `choice` the code of the offered choice that the words name; `day`
    the one date the phrase can mean; `zones` the time zones of the place the words name; `language` the code of the
    language they name; `hours` two times of day ("22:00") from one to the other, `time` one. `phone` is the number
    that they are, as it is dialled from anywhere. `sense`: the words say little.
    """

    number: int | None = None
    choice: str | None = None
    day: date | None = None
    zones: tuple[str, ...] = ()
    language: str | None = None
    hours: tuple[str, str] | None = None
    time: str | None = None
    phone: str | None = None
    sense: Literal["vague", "unsure", "empty"] | None = None


class TextSent(Spoken):
    """A person wrote. `ahead`: it was sent before the question that is open now could be seen."""

    text: str
    message_id: int | None = None
    ahead: bool = False
    reading: Reading = Reading()


class TextEdited(Spoken):
    """A person changed a message they had sent."""

    text: str
    message_id: int
    reading: Reading = Reading()


class MediaSent(Spoken):
    """A person sent something other than words: `kind` is Telegram's name of it.

    Of what was spoken: the file by the front end's id of it, how many seconds it lasts, and the message's id. Of a
    contact that is their own: the `phone` number, "+4930123456".
    """

    kind: str
    file_id: str | None = None
    seconds: int = 0
    message_id: int | None = None
    phone: str = ""


class CommandSent(Spoken):
    """A person gave a command: `/name argument`, or in words (`said`), as by the keyboard's buttons."""

    name: str
    argument: str = ""
    said: str = ""
    reading: Reading = Reading()


class ButtonPressed(Spoken):
    """A person pressed an inline button. `data` can be forged, old, or pressed twice; `press_id` is answered once.

    `label` is what the button of that data says in the person's language, if it is one that is open now. `reading` is
    what was heard means, where the press says that it was heard right.
    """

    data: str
    press_id: str | None = None
    message_id: int | None = None
    label: str = ""
    reading: Reading = Reading()


class InviteOpened(Spoken):
    """A person came by a link with a token in it. Only the token's hash (SHA-256, hex) goes any further."""

    token_hash: str


class PlaceSent(Spoken):
    """A person sent where they are; all that is kept of it are the time zones of the place, most often one."""

    zones: tuple[str, ...] = ()


class GroupSpoken(Event):
    """Somebody addressed the bot outside a private chat."""


class ChatBlocked(Event):
    """The person cannot be reached: they blocked the bot or deleted the account."""

    at: datetime


class ChatUnblocked(Event):
    """The person can be reached again."""


class TimerFired(Event):
    """A timer's time has come. It carries ids only; what it is about is read anew."""

    key: str
    kind: str
    subject: UUID
    attempt: int = 0


class LinkMinted(Event):
    """A link was made as it is sent: the hash of its token, which is known to nobody but who gets it."""

    invite_id: UUID
    token_hash: str


class FeedMinted(Event):
    """The address of the person's calendar was made as it is sent: the hash of its token. `request`: what for."""

    request: UUID
    token_hash: str


class CalendarWritten(Event):
    """A session's entry in the shared calendar is as the session was then (`flows.calendars.stamp`)."""

    session_id: UUID
    event_id: str
    stamp: str


class CalendarFailed(Event):
    """The shared calendar was not reached, or refused, for a session as it was then."""

    session_id: UUID
    attempt: int
    stamp: str


class FromModel(Event, kw_only=True):
    """Slow work came back. `spent` is what its calls to the model cost, none where the model was not asked."""

    spent: tuple[Spent, ...] = ()


class SummaryReady(FromModel):
    """The summary that was asked for is written."""

    session_id: UUID
    document: Document


class SummaryFailed(FromModel):
    """The writer did not deliver. `reason` is for the operator and holds no word of the coachee."""

    session_id: UUID
    attempt: int
    reason: Literal["unavailable", "timeout", "limited", "refused", "truncated", "invalid"]


class ReflectionReady(FromModel):
    """The model listened to the last answer: a sentence about it ("" where there is none that may be said), and the
    wording of the next question. `number` is the question that waits for it, `language` what the sentence is in."""

    number: int
    reflection: str
    wording: str
    language: str = "en"


class ReflectionFailed(FromModel):
    """There is no reflection: too late, not usable, or the model is down. `number` is the question that waits."""

    number: int


class TranscriptReady(FromModel):
    """A voice message was written down. `step` and `index`: the question that was open when it was sent."""

    text: str
    source: int
    step: str
    index: int = 0


class TranscriptFailed(FromModel):
    """A voice message could not be written down. `unsupported`: nothing here can."""

    reason: Literal["unsupported", "unavailable", "nothing_heard", "too_long"]


class EventFailed(Event):
    """An event of this chat could not be handled and was set aside. `spoken`: it was something the person did."""

    spoken: bool = True
    press_id: str | None = None


AnyEvent = (
    TextSent
    | TextEdited
    | MediaSent
    | InviteOpened
    | PlaceSent
    | CommandSent
    | ButtonPressed
    | GroupSpoken
    | ChatBlocked
    | ChatUnblocked
    | TimerFired
    | LinkMinted
    | FeedMinted
    | CalendarWritten
    | CalendarFailed
    | SummaryReady
    | SummaryFailed
    | ReflectionReady
    | ReflectionFailed
    | TranscriptReady
    | TranscriptFailed
    | EventFailed
)
