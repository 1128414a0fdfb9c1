"""The screens of machines and rooms: the list, one's card, and what is asked before one goes."""

from __future__ import annotations

from typing import TypeVar

from flows.diary import Diary, Resource, Scheduled
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.ids import short_id
from flows.places import Place, code
from flows.session_news import where
from flows.state import Chat
from flows.times import local

T = TypeVar("T")
PER_PAGE = 8
"""Machines and rooms, or sessions of one, on a page."""
LONGEST_NAME = 60
"""Characters of a name."""


def button(card: int, act: str, resource: Resource | None = None, argument: str = "", label: str = "") -> Choice:
    """A button about a machine or room, or about all of them."""
    named = short_id(resource.resource_id) if resource is not None else ""
    data = f"b:{card}:{named}:{act}" + (f":{argument}" if argument else "")
    return Choice(data=data, label=Text(key=label or f"button.stock.{act}"))


def to_list(card: int) -> Choice:
    """The button that leads to the list."""
    return button(card, "stock", label="button.stock")


def last_in_service(book: Diary) -> bool:
    """Whether the diary's resource is the only one in service."""
    return [one for one in book.resources if one.in_service] == [book.resource]


def stock(chat: Chat, card: int, page: int) -> Screen:
    """Every machine and room, by number."""
    everything = chat.book.resources
    here, page, last = _page(everything, page)
    lines = [Line(text=Text(key="button.stock"), style="bold")]
    lines += [Line(text=(_called(one), _state(chat.book, one))) for one in here]
    if not any(one.in_service for one in everything):
        lines.append(text_line("stock.nothing"))
    buttons = [button(card, "resource", one).evolve(label=_short(one)) for one in here]
    buttons += _pages(card, "stock", None, page, last)
    buttons += [button(card, "add", argument=kind, label=f"button.stock.add.{kind}") for kind in ("machine", "room")]
    home = Choice(data=f"m:{card}:home", label=Text(key="button.menu"))
    return Screen(lines=tuple(lines), choices=(*buttons, home), per_row=2)


def resource_card(
    chat: Chat, card: int, page: int = 0, stayed: tuple[Scheduled, ...] = (), untold: tuple[Scheduled, ...] = ()
) -> Screen:
    """One machine or room with the sessions that are to come on it.

    `stayed` could not be put elsewhere just now; of those `untold`, nobody else was asked for another time.
    """
    one, zone = resource_of(chat), chat.someone.timezone
    here, page, last = _page(chat.book.mine, page)
    lines = [Line(text=_called(one), style="bold"), text_line("stock.in" if one.in_service else "stock.out")]
    if stayed:
        lines.append(Line(text=Text(key="stock.stayed", count=len(stayed))))
    if untold:
        lines.append(Line(text=Text(key="stock.untold", count=len(untold))))
    if last_in_service(chat.book):
        lines.append(text_line("stock.only"))
    if not any(other.in_service for other in chat.book.resources):
        lines.append(text_line("stock.nothing"))
    lines.append(Line(text=Text(key="stock.sessions", count=len(chat.book.mine))))
    buttons = []
    for i, session in enumerate(here, page * PER_PAGE + 1):
        at = local(session.starts_at, zone)
        lines.append(text_line("stock.session", i=i, n=session.number, name=session.coachee.name, at=at))
        act = "move" if session in untold else "card"
        label = Text(key=f"stock.button.{act}", args={"i": i, "at": at})
        buttons.append(Choice(data=f"b:{card}:{short_id(session.session_id)}:{act}", label=label))
    buttons += _pages(card, "resource", one, page, last)
    if one.in_service:
        buttons.append(button(card, "out", one))
    else:
        buttons.append(button(card, "back", one))
        if chat.book.mine:
            buttons.append(button(card, "out", one, label="button.stock.elsewhere"))
    buttons += [button(card, "rename", one), button(card, "delete", one), to_list(card)]
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=2)


def ask_out(chat: Chat, card: int, found: tuple[Place, ...], page: int) -> Screen:
    """Whether one is to be out of service: the sessions that this hits, and where each can be instead."""
    one, zone = resource_of(chat), chat.someone.timezone
    here, page, last = _page(found, page)
    title = "stock.ask_out" if one.in_service else "stock.ask_elsewhere"
    lines = [Line(text=Text(key=title, args={"where": where(one)}), style="bold")]
    lines.append(Line(text=Text(key="stock.sessions", count=len(found))))
    for i, place in enumerate(here, page * PER_PAGE + 1):
        session = place.session
        to = where(place.to) if place.to is not None else Text(key="stock.nowhere")
        at = local(session.starts_at, zone)
        lines.append(text_line("stock.place", i=i, n=session.number, name=session.coachee.name, at=at, to=to))
    if stay := sum(place.to is None for place in found):
        lines.append(Line(text=Text(key="stock.stay", count=stay)))
    if last_in_service(chat.book):
        lines.append(text_line("stock.last"))
    buttons = _pages(card, "out", one, page, last, "p")
    if one.in_service or stay < len(found):
        buttons.append(_out_button(card, one, found, len(found) - stay))
    return Screen(lines=tuple(lines), choices=(*buttons, button(card, "resource", one, label="button.stock.leave")))


def _out_button(card: int, one: Resource, found: tuple[Place, ...], moving: int) -> Choice:
    yes = button(card, "out", one, f"y{code(found)}", "button.stock.out.yes")
    if not moving:
        return yes
    key = "button.stock.out.move" if one.in_service else "button.stock.elsewhere.move"
    return yes.evolve(label=Text(key=key, count=moving))


def ask_delete(chat: Chat, card: int) -> Screen:
    """Whether one is to be deleted; one that has or had sessions cannot be."""
    one = resource_of(chat)
    lines = [Line(text=Text(key="stock.ask_delete", args={"where": where(one)}), style="bold")]
    back = button(card, "resource", one, label="button.stock.leave")
    if chat.book.used:
        lines.append(text_line("stock.used" if one.in_service else "stock.used.out"))
        buttons = [button(card, "out", one)] if one.in_service else []
        return Screen(lines=tuple(lines), choices=(*buttons, back))
    if last_in_service(chat.book):
        lines.append(text_line("stock.last"))
    lines.append(text_line("stock.ask_delete.sure"))
    return Screen(lines=tuple(lines), choices=(button(card, "delete", one, "yes", "button.stock.delete.yes"), back))


def ask_name(card: int, part: str, one: Resource | None = None, why: str = "") -> Screen:
    """What it is to be called: a new "machine" or "room", or one that is there ("rename")."""
    lines = [text_line(why, most=LONGEST_NAME)] if why else []
    if one is not None:
        lines.append(text_line("stock.ask_name.rename", where=where(one)))
        buttons = [button(card, "rename", one, "none", "button.stock.unnamed")] if one.name else []
        back = button(card, "resource", one, label="button.stock.leave")
    else:
        lines.append(text_line(f"stock.ask_name.{part}"))
        buttons = [button(card, "add", argument=f"{part}!", label="button.stock.unnamed")]
        back = button(card, "stock", label="button.stock.leave")
    return Screen(lines=tuple(lines), choices=(*buttons, back))


def resource_of(chat: Chat) -> Resource:
    """The machine or room that is looked at."""
    one = chat.book.resource
    assert one is not None
    return one


def _short(one: Resource) -> Text:
    """What a button calls one."""
    return Text(key="stock.button", args={"n": one.number, "where": where(one)}) if one.name else where(one)


def _called(one: Resource) -> Text:
    """Number, kind and name."""
    if one.name:
        return Text(key=f"stock.{one.kind}.named", args={"n": one.number, "name": one.name})
    return Text(key=f"stock.{one.kind}", args={"n": one.number})


def _state(book: Diary, one: Resource) -> Text:
    """Whether it is in service, and how many sessions are to come on it."""
    key = "stock.state.in" if one.in_service else "stock.state.out"
    return Text(key=key, count=book.to_come.get(one.resource_id, 0))


def _page(everything: tuple[T, ...], page: int) -> tuple[tuple[T, ...], int, int]:
    """A page's items, which page it is, and which is the last one."""
    last = max(0, (len(everything) - 1) // PER_PAGE)
    page = min(page, last)
    return everything[page * PER_PAGE : (page + 1) * PER_PAGE], page, last


def _pages(card: int, act: str, one: Resource | None, page: int, last: int, prefix: str = "") -> list[Choice]:
    steps = [(page - 1, "answers.before")] if page > 0 else []
    steps += [(page + 1, "answers.after")] if page < last else []
    return [button(card, act, one, f"{prefix}{to}", label) for to, label in steps]
