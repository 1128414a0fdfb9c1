"""Effects: orders, carried out after the deciding transaction is committed, and the screens they put up.

All but these leave through the outbox and are carried out at least once: `SetTimer` and `CancelTimer` are rows of the
same transaction; `Acknowledge` is passing, it is done at once and may be lost.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from flows.diary import Scheduled
from flows.people import Other, Role
from flows.records import Record


class Text(Record):
    """A text of the catalogue by its key, with what is put into it. `count` selects the plural form.

    Several texts together are put in as a list, in the language's way.
    """

    key: str
    args: dict[str, str | int | date | datetime | Text | tuple[Text, ...]] = {}
    count: int | None = None


class Line(Record):
    """One paragraph of a message: a text of the catalogue, words of a person or writer as they stand, or several
    texts that follow each other."""

    text: Text | str | tuple[Text, ...]
    style: Literal["plain", "bold", "quote"] = "plain"


class Choice(Record):
    """A button: its code, what it says, and (once chosen among several) a mark."""

    data: str
    label: Text | str
    marked: bool = False


class Screen(Record):
    """What a message shows. `per_row` buttons stand side by side; `keyboard` names the keyboard below the chat.

    `grid`: how many of the first buttons are a grid, and how many of those stand side by side.
    """

    lines: tuple[Line, ...]
    choices: tuple[Choice, ...] = ()
    per_row: int = 1
    grid: tuple[int, int] = (0, 1)
    keyboard: Literal["walk", "rest", "place"] | None = None


class Effect(Record, tag=True):
    """An order."""


class Say(Effect):
    """Send a message. `key` names it within the chat, so that a later `Edit` can find it."""

    screen: Screen
    key: str | None = None


class Edit(Effect):
    """Change the message that was sent under `key`, in this chat or in that of somebody else. Where there is none
    under it, nothing is changed."""

    key: str
    screen: Screen
    to: Other | None = None


class SendFile(Effect):
    """Send a file that is made of a title and lines, with a caption. `name` is the file's, without its extension."""

    name: str
    title: Text | str
    lines: tuple[Line, ...]
    caption: Text | str = ""


class Notify(Effect):
    """Send a message to another person, in their chat and language. `silent`: it makes no sound there. `key` names it
    within their chat, so that a later `Edit` can find it."""

    to: Other
    screen: Screen
    silent: bool = False
    key: str | None = None


class SendLink(Effect):
    """Send a message that holds a one-time link, where its texts have {link}: the link is made as it is sent, and
    kept nowhere."""

    invite_id: UUID
    screen: Screen


class ShowCommands(Effect):
    """Have the client list the commands of these roles, in this chat or in that of somebody else."""

    roles: tuple[Role, ...]
    to: Other | None = None


class SendExport(Effect):
    """Send the person all that is kept of them."""


class SendInvitation(Effect):
    """Send sessions as a calendar file, as they stand: to the person of the chat. Cancelled ones are cancelled there.

    `titles` is the text of each entry's title, by the session's id.
    """

    name: str
    sessions: tuple[Scheduled, ...]
    titles: dict[UUID, Text]
    caption: Text | str = ""


class SendFeed(Effect):
    """Send the private address of the person's calendar, where the screen's texts have {link}: it is made as it is
    sent, and kept nowhere; the one before it is void. `request` names the wish for it: one that was taken back
    meanwhile, or followed by another, gives no address."""

    request: UUID
    screen: Screen


class UpdateCalendar(Effect):
    """Bring a session into the shared calendar, as it stands when this is carried out.

    `event_id` is the entry to be taken out of it where the session itself is forgotten by then. What comes of it is
    an event of the chat `of`, the coachee's; None: of the one in which this is decided.
    """

    session_id: UUID
    attempt: int = 1
    event_id: str | None = None
    of: int | None = None


class Acknowledge(Effect):
    """Answer a button press, with a word where one is needed."""

    press_id: str
    text: Text | str | None = None


class SetTimer(Effect):
    """Fire `kind` about `subject` at `due_at` (UTC). `key` is unique in the chat: setting it again moves it.

    `wall` is the local time it stands for ("2026-11-27T09:00"), so that it can follow the person to another zone.
    `of` is the chat that it is a timer of, where that is not the one in which it is set: there its event comes.
    """

    key: str
    kind: str
    subject: UUID
    due_at: datetime
    wall: str | None = None
    attempt: int = 0
    of: int | None = None


class CancelTimer(Effect):
    """The timer under `key` is not to fire; `of` is the chat that it is a timer of, where that is another one."""

    key: str
    of: int | None = None


class RequestSummary(Effect):
    """Have the summary of a session written: by the model, or by the plain writer, where no model is wanted or the
    model was out too long."""

    session_id: UUID
    attempt: int = 1
    writer: Literal["model", "plain", "outage"] = "model"


class RequestReflection(Effect):
    """Have the model listen to the last answer of the chat, before question `number` is put."""

    number: int


class RequestTranscript(Effect):
    """Have a voice message written down: `kind` is Telegram's name of it, `language` the code of what is probably
    spoken, `step` and `index` the question that was open."""

    file_id: str
    kind: str
    language: str
    source: int
    step: str
    index: int = 0


AnyEffect = (
    Say
    | Edit
    | SendFile
    | Notify
    | SendLink
    | ShowCommands
    | SendExport
    | SendInvitation
    | SendFeed
    | UpdateCalendar
    | Acknowledge
    | SetTimer
    | CancelTimer
    | RequestSummary
    | RequestReflection
    | RequestTranscript
)


def text_line(
    key: str, /, *, count: int | None = None, **args: str | int | date | datetime | Text | tuple[Text, ...]
) -> Line:
    """A paragraph that is a text of the catalogue; one with a `count` has plural forms."""
    return Line(text=Text(key=key, args=args, count=count))


def say(
    key: str, /, *, count: int | None = None, **args: str | int | date | datetime | Text | tuple[Text, ...]
) -> Say:
    """A message of one text."""
    return Say(screen=Screen(lines=(text_line(key, count=count, **args),)))


def acknowledge(press_id: str | None, key: str | None = None) -> tuple[Acknowledge, ...]:
    """A press is answered, with a word where one is needed; nothing where there was no press."""
    if press_id is None:
        return ()
    return (Acknowledge(press_id=press_id, text=Text(key=key) if key else None),)
