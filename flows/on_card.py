"""A screen on the card that a press came from, or on a new one at the bottom of the chat."""

from __future__ import annotations

from flows.effects import Edit, Say, Screen, acknowledge
from flows.events import ButtonPressed
from flows.state import Chat, Decision

OF_CARDS = ("p", "m", "b")
"""The buttons that carry the number of their card."""
LONGEST_WORDS = 3000
"""How much of what somebody wrote there is room for on a card, beside our own words."""


def number_for(chat: Chat, card: int) -> int:
    """The number of the card on which a screen for this one is shown: a new one where there is no such card."""
    return card if 0 < card <= chat.conversation.cards else chat.conversation.cards + 1


def put(chat: Chat, event: ButtonPressed, card: int, screen: Screen, toast: str | None = None) -> Decision:
    """A screen on the card that a press came from; on a new one where it came from none, or where it is long."""
    answer = acknowledge(event.press_id, toast)
    if 0 < card <= chat.conversation.cards and not _long(screen):
        return Decision(chat=chat, effects=(*answer, Edit(key=f"menu{card}", screen=screen)))
    new = at_the_bottom(chat, screen)
    return new.evolve(effects=(*answer, *new.effects))


def at_the_bottom(chat: Chat, screen: Screen) -> Decision:
    """A screen on a new card."""
    number = chat.conversation.cards + 1
    chat = chat.evolve(conversation=chat.conversation.evolve(cards=number))
    moved = screen.evolve(choices=tuple(c.evolve(data=_on_card(c.data, number)) for c in screen.choices))
    return Decision(chat=chat, effects=(Say(key=f"menu{number}", screen=moved),))


def _long(screen: Screen) -> bool:
    """Whether somebody's words make a screen too long for one message: it cannot be put in the place of one."""
    words = [line.text for line in screen.lines if isinstance(line.text, str)]
    return sum(len(text.encode("utf-16-le")) // 2 for text in words) > LONGEST_WORDS


def _on_card(data: str, number: int) -> str:
    prefix, _, rest = data.partition(":")
    return f"{prefix}:{number}:{rest.partition(':')[2]}" if prefix in OF_CARDS else data
