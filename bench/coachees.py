"""What a coachee does with a message of the bot. They see what a person sees: texts, buttons, the keyboard."""

from __future__ import annotations

from tests.arriving import Arriving
from tests.servers import BotApi
from tests.servers.bot_api_chats import ChatMessage

WORDS = (
    "reading out loud in class",
    "that i get stuck and everybody looks",
    "with my cousin i can do it fine",
    "look at one friendly face and go on",
    "one page of the play, in the lesson",
)
PREFERRED = ("8", "yes", "ready", "right", "done", "that_is_all", "school", "nothing", "just_me", "skip", "settled")
"""The codes of the buttons that lead straight on through a session. Where none is offered, the first one does."""
ANNOUNCED = ("○", "●", "I am writing your summary now.")
"""How messages end after which another one comes: a stage's header, the reminders."""
WORDY = ("enough", "that_is_it")
"""A question with one of these buttons is answered in words: an option of their own, feelings in a sentence."""


class Coachee:
    """One person in one chat, who answers each message as soon as it is their turn."""

    first = "/start"

    def __init__(self, server: BotApi, chat_id: int, *, typing: bool) -> None:
        self._server, self.chat_id, self._typing = server, chat_id, typing
        self._said = chat_id
        self.acted_at: float | None = None
        self.answering = False

    def begin(self) -> None:
        """The first words in the chat."""
        self.answering = False
        self._server.say(self.chat_id, self.first)

    def is_reply(self, message: ChatMessage) -> bool:
        """Whether the message is what follows from what they did last."""
        return True

    def is_turn(self, message: ChatMessage) -> bool:
        """Whether it is theirs to act now."""
        return True

    def watches(self, message_id: int) -> bool:
        """Whether a change of this message counts as a message."""
        return False

    def act(self, message: ChatMessage) -> None:
        """Do what the message asks for."""
        self._say()

    def _say(self) -> None:
        self.answering = True
        self._said += 1
        self._server.say(self.chat_id, WORDS[self._said % len(WORDS)])


class WaymarkCoachee(Coachee):
    """One who finds the way in, walks the five stages, reads the summary, confirms the plan, and begins anew.

    A session is greeted with the keyboard of controls and ends with the message that takes it away; the summary
    comes after that, with buttons that open it, and then the plan, one message that changes until it is confirmed.
    Every other message is a question.
    """

    first = "/session"
    _card = 0

    def __init__(self, server: BotApi, chat_id: int, *, typing: bool) -> None:
        super().__init__(server, chat_id, typing=typing)
        self._arriving = Arriving(server, chat_id)

    def watches(self, message_id: int) -> bool:
        return message_id == self._card

    def is_reply(self, message: ChatMessage) -> bool:
        return message.keyboard is None

    def is_turn(self, message: ChatMessage) -> bool:
        announces = message.text.endswith(ANNOUNCED)
        is_summary = bool(message.buttons) and message.buttons[0][1].startswith("w:")
        return message.keyboard is None and not message.had_other_markup and not announces and not is_summary

    def act(self, message: ChatMessage) -> None:
        buttons = message.buttons
        if self._arriving.meets(message):
            self.answering = False  # who they are is no answer
        elif not buttons:
            self._say()
        elif any(data.startswith("d:") for _, data in buttons):
            self._decide(message.id, buttons)
        elif not buttons[0][1].startswith("a:"):
            self.begin()
        else:
            self._choose(message.id, buttons)

    def _decide(self, message_id: int, buttons: list[tuple[str, str]]) -> None:
        """Keep what the plan's card shows, and confirm it when it shows the whole plan. This is no answer."""
        self._card, self.answering = message_id, False
        on = next(data for _, data in buttons if data.endswith((":confirm", ":keep")))
        self._server.press(self.chat_id, message_id, on)

    def _choose(self, message_id: int, buttons: list[tuple[str, str]]) -> None:
        codes = {data.rpartition(":")[2]: (label, data) for label, data in buttons}
        if any(code in codes for code in WORDY):
            self._say()
            return
        wanted = next((code for code in PREFERRED if code in codes), next(iter(codes)))
        label, data = codes[wanted]
        self.answering = True
        if self._typing:
            self._server.say(self.chat_id, label)
        else:
            self._server.press(self.chat_id, message_id, data)
