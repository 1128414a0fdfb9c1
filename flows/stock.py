"""An operator's machines and rooms: which there are, what they are called, which are in service.

    stock[:page]  resource:<page>     look
    add:<kind>, add:<kind>!           asks for a name; adds one without
    rename, rename:none               asks for a name; takes it off
    out[:p<page>], out:y<code>        asks, with what it hits; does it, if that is what was shown (`places.code`)
    back                              into service again
    delete, delete:yes                asks; does it, where there never was a session on it

All that changes is decided under one lock, on fresh rows (`session_acts.ACTS`).
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from uuid import UUID

from flows import stock_cards
from flows.acts import Act
from flows.bookings import put_on
from flows.cards import refusal
from flows.changes import AnyChange, ResourceDeleted, ResourcePut
from flows.diary import Resource, ResourceKind, Scheduled
from flows.effects import AnyEffect, Notify, Say, Screen, text_line
from flows.events import TextSent
from flows.on_card import at_the_bottom
from flows.places import Place, code, places
from flows.rights import refused
from flows.session_acts import page_of
from flows.session_news import Scene
from flows.session_press import Handler, Press, WordsHandler, audited, done, scene, shown
from flows.state import Booking, Chat, Decision
from flows.stock_cards import LONGEST_NAME, resource_card, resource_of
from flows.stock_news import news

UNPRINTABLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
JOINERS = "\u200c\u200d"
"""Characters that cannot be seen and yet belong to words."""


def _stock(chat: Chat, press: Press, now: datetime) -> Decision:
    return shown(chat, press, stock_cards.stock(chat, press.card, page_of(press.argument)))


def _resource(chat: Chat, press: Press, now: datetime) -> Decision:
    if chat.book.resource is None:
        return _gone(chat, press)
    return shown(chat, press, resource_card(chat, press.card, page_of(press.argument)))


def _gone(chat: Chat, press: Press) -> Decision:
    """There is no such machine or room, or not any more."""
    return shown(chat, press, stock_cards.stock(chat, press.card, 0), "toast.stock.gone")


# ---- adding and naming


def _add(chat: Chat, press: Press, now: datetime) -> Decision:
    kind, asked = press.argument.rstrip("!"), chat.conversation.booking
    if kind not in ("machine", "room"):
        return _stock(chat, press, now)
    if not press.argument.endswith("!"):
        screen = stock_cards.ask_name(press.card, kind)
        return _asking(chat, Booking(card=press.card, part=kind), shown(chat, press, screen))
    if asked is None or (asked.card, asked.part) != (press.read.card, kind):  # pressed twice, or of an old card
        return shown(chat, press, stock_cards.stock(chat, press.card, 0), "toast.stock.as_it_is")
    one = _new(chat, press.event.derived("resource"), kind, "")
    act = Act(changes=(ResourcePut(resource=one, at=now),))
    chat = _with(_answered(chat), one)
    return done(chat, press, act, resource_card(chat, press.card), now, "toast.stock.added")


def _rename(chat: Chat, press: Press, now: datetime) -> Decision:
    one = chat.book.resource
    if one is None:
        return _gone(chat, press)
    if press.argument != "none":
        screen = stock_cards.ask_name(press.card, "rename", one)
        about = Booking(card=press.card, part="rename", resource=one.resource_id)
        return _asking(chat, about, shown(chat, press, screen))
    chat = _answered(chat)
    if not one.name:
        return shown(chat, press, resource_card(chat, press.card), "toast.stock.as_it_is")
    plain = one.evolve(name="")
    chat = _with(chat, plain)
    act = Act(changes=(ResourcePut(resource=plain, at=now),))
    return done(chat, press, act, resource_card(chat, press.card), now)


def _asking(chat: Chat, about: Booking, decision: Decision) -> Decision:
    """The decision, and the next words are the name."""
    here = decision.chat.conversation.evolve(awaiting="resource", booking=about)
    return decision.evolve(chat=decision.chat.evolve(conversation=here))


def _answered(chat: Chat) -> Chat:
    return chat.evolve(conversation=chat.conversation.evolve(awaiting=None, booking=None))


def said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The name that was asked for."""
    about = chat.conversation.booking
    chat = _answered(chat)
    if reason := refused("resources", chat.someone.user_id, chat.around.roles):
        return refusal(chat, event, "resources", reason, now)
    one = chat.book.resource
    if about is None or about.part not in ("machine", "room", "rename") or (about.part == "rename" and one is None):
        return at_the_bottom(chat, stock_cards.stock(chat, 0, 0))
    name = " ".join(event.text.split())
    if why := _why_not(chat, event.text, name, one):
        again = at_the_bottom(chat, stock_cards.ask_name(0, about.part, one, why))
        return _asking(chat, about.evolve(card=again.chat.conversation.cards), again)
    kept = one.evolve(name=name) if one is not None else _new(chat, event.derived("resource"), about.part, name)
    audit = audited(chat, event, "resources", "rename" if one is not None else "add", None, now)
    chat = _with(chat, kept)
    return at_the_bottom(chat, resource_card(chat, 0)).keeping(ResourcePut(resource=kept, at=now), audit)


def left(chat: Chat, now: datetime) -> Decision:
    """No name is given after all: /cancel, /back."""
    screen = Screen(lines=(text_line("stock.left"),), choices=(stock_cards.to_list(0),))
    return Decision(chat=_answered(chat), effects=(Say(screen=screen),))


def _why_not(chat: Chat, text: str, name: str, one: Resource | None) -> str | None:
    """The text that says why this is no name for it."""
    clean = not any(c not in JOINERS and unicodedata.category(c) in UNPRINTABLE for c in text.strip())
    if not clean or not any(unicodedata.category(c)[0] in "LNS" for c in name):
        return "stock.name.unclean"
    if len(name) > LONGEST_NAME:
        return "stock.name.long"
    others = [other for other in chat.book.resources if one is None or other.resource_id != one.resource_id]
    return "stock.name.taken" if name.casefold() in {other.name.casefold() for other in others} else None


def _new(chat: Chat, resource_id: UUID, part: str, name: str) -> Resource:
    """A machine or room with the next number."""
    number = max((one.number for one in chat.book.resources), default=0) + 1
    kind: ResourceKind = "room" if part == "room" else "machine"
    return Resource(resource_id=resource_id, number=number, kind=kind, name=name)


def _with(chat: Chat, one: Resource) -> Chat:
    """The chat with a machine or room as it is now."""
    others = [other for other in chat.book.resources if other.resource_id != one.resource_id]
    everything = tuple(sorted((*others, one), key=lambda other: other.number))
    return chat.evolve(diary=chat.book.evolve(resources=everything, resource=one))


# ---- in and out of service


def _out(chat: Chat, press: Press, now: datetime) -> Decision:
    one = chat.book.resource
    if one is None:
        return _gone(chat, press)
    found = places(chat.book)
    if not one.in_service and not found:
        return shown(chat, press, resource_card(chat, press.card), "toast.stock.as_it_is")
    yes = press.argument.startswith("y")
    if yes and not one.in_service and all(place.to is None for place in found):
        # another operator's yes, or a second tap: who is concerned was told
        return shown(chat, press, resource_card(chat, press.card), "toast.stock.as_it_is")
    if press.argument == f"y{code(found)}":
        return _taken_out(chat, press, found, now)
    toast = "toast.stock.changed" if yes else None
    screen = stock_cards.ask_out(chat, press.card, found, page_of(press.argument.removeprefix("p")))
    return shown(chat, press, screen, toast)


def _taken_out(chat: Chat, press: Press, found: tuple[Place, ...], now: datetime) -> Decision:
    """It is out of service, and what can be elsewhere is; everybody whom that concerns is told once."""
    one = resource_of(chat).evolve(in_service=False)
    changes: list[AnyChange] = [ResourcePut(resource=one, at=now)]
    effects: list[AnyEffect] = []
    subjects = {subject.person.user_id: subject for subject in chat.book.subjects}
    moved: list[tuple[Scheduled, Scene]] = []
    stayed: list[Scheduled] = []
    for place in found:
        if place.to is None:
            stayed.append(place.session.evolve(resource=one))
            continue
        here_is = scene(chat, subjects[place.session.coachee.user_id], press.event, now)
        act, there = put_on(place.session, place.to, here_is)
        changes += act.changes
        effects += [effect for effect in act.effects if not isinstance(effect, Notify)]
        moved.append((there, here_is))
    here = tuple(stayed)
    told = news(tuple(moved), here, one, now, chat.someone.user_id)
    heard = {notify.to.user_id for notify in told}
    untold = tuple(s for s in here if s.coach is None or s.coach.user_id not in heard)
    chat = _with(chat.evolve(diary=chat.book.evolve(mine=here)), one)
    screen = resource_card(chat, press.card, 0, here, untold)
    act = Act(changes=tuple(changes), effects=(*effects, *told))
    return done(chat, press, act, screen, now, "toast.stock.out")


def _back(chat: Chat, press: Press, now: datetime) -> Decision:
    one = chat.book.resource
    if one is None:
        return _gone(chat, press)
    if one.in_service:
        return shown(chat, press, resource_card(chat, press.card), "toast.stock.as_it_is")
    one = one.evolve(in_service=True)
    chat, act = _with(chat, one), Act(changes=(ResourcePut(resource=one, at=now),))
    return done(chat, press, act, resource_card(chat, press.card), now, "toast.stock.back")


def _delete(chat: Chat, press: Press, now: datetime) -> Decision:
    one = chat.book.resource
    if one is None:
        return _gone(chat, press)
    if press.argument != "yes" or chat.book.used:
        return shown(chat, press, stock_cards.ask_delete(chat, press.card))
    left = tuple(other for other in chat.book.resources if other != one)
    chat = chat.evolve(diary=chat.book.evolve(resources=left, resource=None))
    act = Act(changes=(ResourceDeleted(resource_id=one.resource_id),))
    return done(chat, press, act, stock_cards.stock(chat, press.card, 0), now, "toast.stock.deleted")


HANDLERS: dict[str, Handler] = {
    "stock": _stock,
    "resource": _resource,
    "add": _add,
    "rename": _rename,
    "out": _out,
    "back": _back,
    "delete": _delete,
}
"""What each act does."""
SAID: dict[str, WordsHandler] = {"resource": said}
"""What the awaited name does."""
