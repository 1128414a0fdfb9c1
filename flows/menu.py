"""Outside a session: the menu card from which everything is reached, the plan on it, the time zone, help."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from flows import drafts, homes, sharing, summaries
from flows.asking import session_data
from flows.documents import LONGEST_TITLE, short
from flows.effects import (
    Choice,
    Edit,
    Line,
    Say,
    Screen,
    SetTimer,
    Text,
    acknowledge,
    say,
    text_line,
)
from flows.events import ButtonPressed, Reading
from flows.ids import short_id
from flows.people import ROLES
from flows.plans import REMINDERS, open_items
from flows.putting import asked, closed, running
from flows.quiet import heard_at
from flows.state import Chat, Decision
from flows.times import at_wall, local, zones

MOST_SHOWN = 8
"""Items that the plan card lists; the rest is counted."""
FEW_ITEMS = 2
"""With so many items at most, their milestones are listed too."""
LONGEST_PLAN = 500
"""Characters that the lines of the plan card share."""
VIEWS = ("home", "plan", "summary", "settings", "sharing", "language", "zone", "help")
ACTS = ("items", "anew", "help_on", "help_off", *(f"as_{role}" for role in ROLES))
"""What a card's buttons do besides showing another view."""
LANGUAGES = ("en", "es", "hi", "ar")
"""The languages that there are catalogues for, in the order in which they are offered."""
COMMON_ZONES = (
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Africa/Nairobi",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Australia/Sydney",
)


def show(chat: Chat, view: str, now: datetime) -> Decision:
    """A new card at the bottom of the chat."""
    number = chat.conversation.cards + 1
    awaiting = "timezone" if view == "zone" else None
    chat = chat.evolve(conversation=chat.conversation.evolve(cards=number, awaiting=awaiting))
    return Decision(chat=chat, effects=(Say(key=f"menu{number}", screen=_view(chat, number, view, now)),))


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press on a card changes that card in place. None where the data is not one of ours."""
    parts = event.data.split(":")
    if (
        len(parts) != 3
        or parts[0] != "m"
        or parts[2] not in (*VIEWS, *ACTS)
        or not (parts[1].isascii() and parts[1].isdigit())
    ):
        return None
    number = int(parts[1][:9])
    if parts[2].startswith("as_"):
        return _seen_as(chat, event, number, parts[2].removeprefix("as_"), now)
    if parts[2] in ("items", "anew"):
        done = drafts.made_again(chat, now) if parts[2] == "items" else summaries.anew(chat, now)
        return done.evolve(effects=(*acknowledge(event.press_id), *done.effects))
    if not 0 < number <= chat.conversation.cards and parts[2] in VIEWS:
        shown = show(chat, parts[2], now)
        return shown.evolve(effects=(*acknowledge(event.press_id), *shown.effects))
    if parts[2] in ("help_on", "help_off"):
        return _model_help(chat, event, number, parts[2] == "help_on", now)
    if parts[2] == "summary":  # it may take several messages, and a card is one
        shown = show(chat, "summary", now)
        return shown.evolve(effects=(*acknowledge(event.press_id), *shown.effects))
    awaiting = "timezone" if parts[2] == "zone" else None
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=awaiting))
    edit = Edit(key=f"menu{number}", screen=_view(chat, number, parts[2], now))
    return Decision(chat=chat, effects=(*acknowledge(event.press_id), edit))


def _seen_as(chat: Chat, event: ButtonPressed, number: int, role: str, now: datetime) -> Decision | None:
    """The menu of another of the person's roles. None where it is none of theirs."""
    view = next((mine for mine in homes.roles_of(chat) if mine == role), None)
    if view is None:
        return None
    chat = chat.evolve(conversation=chat.conversation.evolve(view=view, awaiting=None))
    if not 0 < number <= chat.conversation.cards:
        shown = show(chat, "home", now)
        return shown.evolve(effects=(*acknowledge(event.press_id), *shown.effects))
    edit = Edit(key=f"menu{number}", screen=_view(chat, number, "home", now))
    return Decision(chat=chat, effects=(*acknowledge(event.press_id), edit))


def _view(chat: Chat, number: int, view: str, now: datetime) -> Screen:
    match view:
        case "plan":
            return _plan(chat, number)
        case "summary":
            return _summary(chat, number)
        case "settings":
            return _settings(chat, number, now)
        case "sharing":
            return sharing.screen(chat, number, now)
        case "language":
            return Screen(
                lines=(text_line("language.ask"),), choices=(*language_buttons(), _to(number, "settings")), per_row=2
            )
        case "zone":
            return _zones(chat, number, now)
        case "help":
            return Screen(lines=(text_line("help"),), choices=(_to(number, "home"),))
        case _:
            return _home(chat, number, now)


def _home(chat: Chat, number: int, now: datetime) -> Screen:
    if homes.view_of(chat) != "coachee":
        return homes.home(chat, number, now)
    person, session = chat.someone, chat.conversation.session
    lines = [text_line("menu.head", name=person.name, at=local(now, person.timezone))]
    if session is not None and session.phase == "paused":
        lines.append(text_line("menu.paused"))
    lines += homes.next_session(chat, "coachee", now)
    items = open_items(chat)
    if (plan := chat.conversation.plan) is not None:
        lines.append(Line(text=Text(key="menu.plan_waits", count=len(plan.drafts))))
    if items:
        lines.append(Line(text=Text(key="menu.open_items", count=len(items))))
    else:
        lines.append(text_line("menu.no_items"))
    wanted = [t for t in chat.timers if t.kind in REMINDERS and t.kind not in person.muted]
    if upcoming := sorted(heard_at(person, t.due_at) for t in wanted)[:1]:
        lines.append(text_line("menu.next_reminder", at=local(upcoming[0], person.timezone)))
    going = session is not None and session.phase in ("open", "paused")
    choices = [Choice(data="s:session", label=Text(key="button.continue" if going else "button.session"))]
    if session is not None and session.phase == "stopped":
        choices.append(Choice(data=session_data(chat, "come_back"), label=Text(key="button.come_back")))
    if plan is not None:
        choices.append(_to(number, "items"))
    choices.append(_to(number, "plan"))
    if chat.summary is not None:
        choices.append(_to(number, "summary"))
    if chat.book.mine or (chat.circle is not None and chat.around.coaches(person.user_id)):
        choices.append(Choice(data=f"b:{number}::agenda", label=Text(key="button.sessions")))
    choices += [_to(number, "settings"), _to(number, "help"), *homes.others(chat, number)]
    return Screen(lines=tuple(lines), choices=tuple(choices), per_row=2)


def _settings(chat: Chat, number: int, now: datetime) -> Screen:
    """What a person has set, and a button to change each."""
    person = chat.someone
    lines = [
        Line(text=Text(key="settings.title"), style="bold"),
        text_line("settings.language", language=Text(key=f"language.{person.language}")),
        text_line("settings.zone", at=local(now, person.timezone)),
    ]
    notifications = Choice(data=f"n:{number}:show", label=Text(key="button.notifications"))
    buttons = [_to(number, "language"), _to(number, "zone"), notifications]
    if chat.model:
        lines.append(text_line(f"settings.model.{'on' if person.model_help else 'off'}"))
        buttons.append(_to(number, "help_off" if person.model_help else "help_on"))
    if "coachee" in homes.roles_of(chat):
        buttons.append(_to(number, "sharing"))
    buttons.append(Choice(data="x:0:show", label=Text(key="privacy.button.show")))
    return Screen(lines=tuple(lines), choices=(*buttons, _to(number, "home")), per_row=2)


def _model_help(chat: Chat, event: ButtonPressed, number: int, on: bool, now: datetime) -> Decision:
    """A person lets a model take part in their conversation, or not."""
    person = chat.someone.evolve(model_help=on)
    chat = chat.evolve(person=person)
    edit = Edit(key=f"menu{number}", screen=_settings(chat, number, now))
    return Decision(chat=chat, effects=(*acknowledge(event.press_id), edit))


def language_buttons() -> tuple[Choice, ...]:
    """The languages, each by its own name."""
    return tuple(Choice(data=f"l:{code}", label=Text(key=f"language.{code}")) for code in LANGUAGES)


def language(chat: Chat, code: str | None, now: datetime) -> Decision:
    """The person speaks another language from now on; an open question is put again in it."""
    if code not in LANGUAGES:
        screen = Screen(lines=(text_line("language.unknown"),), choices=language_buttons(), per_row=2)
        return Decision(chat=chat, effects=(Say(screen=screen),))
    person = chat.someone.evolve(language=code)
    taken = closed(chat, now)
    chat = chat.evolve(person=person)
    keyboard: Literal["walk", "rest"] = "walk" if running(chat) else "rest"
    told = Say(screen=Screen(lines=(text_line("language.set"),), keyboard=keyboard))
    decision = Decision(chat=chat, effects=(*taken, told))
    if running(chat) is None or chat.conversation.holding == "reflection":
        return decision
    return asked(decision, now)


def language_pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A language was chosen by its button. None where the data is not one of ours."""
    code = event.data.removeprefix("l:")
    if code not in LANGUAGES:
        return None
    decision = language(chat, code, now)
    return decision.evolve(effects=(*acknowledge(event.press_id), *decision.effects))


def _summary(chat: Chat, number: int) -> Screen:
    """The newest summary, to read again."""
    lines, buttons = summaries.shown(chat)
    return Screen(lines=lines, choices=buttons or (_to(number, "home"),), per_row=2)


def _plan(chat: Chat, number: int) -> Screen:
    items, waits = open_items(chat), chat.conversation.plan
    confirming = (_to(number, "items"),) if waits is not None else ()
    if not items:
        empty = Line(text=Text(key="menu.plan_waits", count=len(waits.drafts))) if waits else text_line("plan.empty")
        return Screen(lines=(empty,), choices=(*confirming, _to(number, "home")))
    lines, buttons = [Line(text=Text(key="plan.title", count=len(items)), style="bold")], []
    listed = sum(1 + len(item.milestones) for item in items) if len(items) <= FEW_ITEMS else len(items[:MOST_SHOWN])
    most = max(12, min(LONGEST_TITLE, LONGEST_PLAN // listed - 30))
    for n, item in enumerate(items[:MOST_SHOWN], 1):
        lines.append(_item_line(n, short(item.title, most), item.due))
        if len(items) <= FEW_ITEMS:
            lines.extend(_milestone_line(short(m.title, most), m.due) for m in item.milestones)
        data = f"i:menu{number}:{short_id(item.action_id)}"
        buttons.append(Choice(data=f"{data}:done", label=Text(key="button.item_done", args={"n": n})))
        buttons.append(Choice(data=f"{data}:not_yet", label=Text(key="button.item_later", args={"n": n})))
    if len(items) > MOST_SHOWN:
        lines.append(Line(text=Text(key="plan.more", count=len(items) - MOST_SHOWN)))
    return Screen(lines=tuple(lines), choices=(*buttons, *confirming, _to(number, "home")), per_row=2)


def _milestone_line(title: str, due: date | None) -> Line:
    if due is None:
        return text_line("plan.step.undated", what=title)
    return text_line("plan.step", what=title, day=due)


def _item_line(n: int, title: str, due: date | None) -> Line:
    if due is None:
        return text_line("plan.item.undated", n=n, title=title)
    return text_line("plan.item", n=n, title=title, day=due)


def _zones(chat: Chat, number: int, now: datetime) -> Screen:
    name = chat.someone.timezone
    line = text_line("zone.ask", at=local(now, name))
    return Screen(lines=(line,), choices=(*_zone_buttons(COMMON_ZONES), _to(number, "settings")), per_row=2)


def _zone_buttons(names: tuple[str, ...]) -> tuple[Choice, ...]:
    return tuple(Choice(data=f"z:{name}", label=place(name)) for name in names)


def timezone(chat: Chat, reading: Reading, now: datetime) -> Decision:
    """Words that name a place: one zone is taken and shown with its time, several are offered, none is said."""
    if len(reading.zones) == 1:
        return _zone_set(chat, reading.zones[0], now)
    if reading.zones:
        screen = Screen(lines=(text_line("zone.which"),), choices=_zone_buttons(reading.zones[:8]), per_row=2)
        return Decision(chat=chat, effects=(Say(screen=screen),))
    return Decision(chat=chat, effects=(say("zone.unknown"),))


def zone_pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A place was chosen by its button. None where the data is not one of ours."""
    name = event.data.removeprefix("z:")
    if not event.data.startswith("z:") or name not in zones():
        return None
    decision = _zone_set(chat, name, now)
    return decision.evolve(effects=(*acknowledge(event.press_id), *decision.effects))


def _zone_set(chat: Chat, name: str, now: datetime) -> Decision:
    """The person lives in this zone; reminders keep their wall-clock time there."""
    person = chat.someone.evolve(timezone=name)
    chat = chat.evolve(person=person, conversation=chat.conversation.evolve(awaiting=None))
    done = say("zone.set", at=local(now, name))
    return Decision(chat=chat, effects=(*moved(chat, name), done))


def moved(chat: Chat, name: str) -> tuple[SetTimer, ...]:
    """The reminders that are set, at their wall-clock times in another zone."""
    return tuple(
        SetTimer(
            key=timer.key,
            kind=timer.kind,
            subject=timer.subject,
            due_at=at_wall(datetime.fromisoformat(timer.wall), name),
            wall=timer.wall,
            attempt=timer.attempt,
        )
        for timer in chat.timers
        if timer.wall is not None
    )


def place(zone_name: str) -> str:
    """What people call a zone: its city."""
    return zone_name.rsplit("/", 1)[-1].replace("_", " ")


def _to(number: int, view: str) -> Choice:
    return Choice(data=f"m:{number}:{view}", label=Text(key=f"button.{'menu' if view == 'home' else view}"))
