"""Telling somebody something that they did not ask for, and what they want of it: quiet hours, how many a day, which.

Quiet hours hold for every reminder, one that was put off to a time too: it comes as they end. One that is too many
for a day comes on the next morning that has room for it, the earliest first. Of a kind that is off nothing comes;
what it would be about stays where it is. News of other people is never moved: it makes no sound in quiet hours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flows.effects import Choice, Edit, Line, Notify, Say, Screen, SetTimer, Text, acknowledge, text_line
from flows.events import ButtonPressed, TextSent, TimerFired
from flows.people import Other
from flows.quiet import NIGHT, OFF, heard_at, hours, is_quiet, morning
from flows.state import Chat, Decision, Notified, Person, Timer, Told
from flows.times import MORNING, at_wall, local, today

KINDS = ("action_due", "check_in", "next_session", "confirm", "session_soon")
"""The kinds of timers that are notifications: quiet hours, the daily cap and what is muted hold for them."""
ABOUT_OTHERS = "about_others"
"""What a coach or parent is told of others and need not decide anything about; it can be off like a kind of timer."""
QUIET = {"off": OFF, "2207": NIGHT, "2108": ("21:00", "08:00")}
"""The quiet hours that are offered, by the code of their button."""
MOST = {"any": None, "1": 1, "3": 3, "5": 5, "10": 10}
"""How many a day may come, by the code of its button."""
SIDES = ("show", "hours", "cap", "other")
"""What the card can show: all settings, the choices of one, or the question for hours in words."""


def hears(to: Other) -> bool:
    """Whether anything can be told to somebody: they can be reached, and take part."""
    return to.unreachable_since is None and to.standing != "inactive"


def told(
    to: Other, screen: Screen, now: datetime, *, informs: bool = False, key: str | None = None
) -> tuple[Notify, ...]:
    """Another person is told something, without a sound in their quiet hours; not one who cannot be reached.

    What only `informs` does not come to who muted it; what asks for a decision always comes. `key` names the message.
    """
    if not hears(to) or (informs and ABOUT_OTHERS in to.muted):
        return ()
    return (Notify(to=to, screen=screen, silent=is_quiet(to, now), key=key),)


def tell(
    to: Other, now: datetime, key: str, /, *, choices: tuple[Choice, ...] = (), informs: bool = False, **args: Any
) -> tuple[Notify, ...]:
    """The same, of one text and buttons."""
    return told(to, Screen(lines=(text_line(key, **args),), choices=choices), now, informs=informs)


def put_off(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A timer of somebody who takes no part now: it comes again tomorrow, when they may."""
    wall = local(now, chat.someone.timezone).replace(tzinfo=None) + timedelta(days=1)
    due = at_wall(wall, chat.someone.timezone)
    timer = SetTimer(key=event.key, kind=event.kind, subject=event.subject, due_at=due, attempt=event.attempt)
    return Decision(chat=chat, effects=(timer,))


def later(chat: Chat, event: TimerFired, now: datetime) -> Decision | None:
    """What becomes of a notification that is not to come now (None: it comes).

    That of a person who cannot be reached is not looked at here: it is kept for their return.
    """
    person = chat.someone
    if person.unreachable_since is not None:
        return None
    if event.kind in person.muted:
        return Decision(chat=chat)
    if _starts_before(chat, heard_at(person, now)):
        return None  # later would be too late: it comes without a sound
    if is_quiet(person, now):
        return _moved(chat, event, heard_at(person, now))
    if person.daily_cap is not None and _count(chat, now) >= person.daily_cap:
        return _moved(chat, event, _next_room(chat, event, now, person.daily_cap))
    return None


def _starts_before(chat: Chat, moment: datetime) -> bool:
    session = chat.diary.session if chat.diary is not None else None
    return session is not None and session.starts_at <= moment


def counted(decision: Decision, event: TimerFired, now: datetime) -> Decision:
    """The decision about a notification that was let through: one more of the day, if anything is said at all."""
    if not any(isinstance(effect, Say | Notify) for effect in decision.effects):
        return decision
    chat = decision.chat
    before, day = chat.conversation.notified, today(now, chat.someone.timezone)
    this = Told(key=event.key, kind=event.kind, subject=event.subject)
    notified = Notified(day=day, count=1, told=(this,))
    if before is not None and before.day >= day:
        others = tuple(one for one in before.told if one.key != this.key)
        notified = before.evolve(count=before.count + 1, told=(*others, this))
    return decision.evolve(chat=chat.evolve(conversation=chat.conversation.evolve(notified=notified)))


def answered(chat: Chat) -> Chat:
    """The person is there: what came to them so far was not told in vain."""
    notified = chat.conversation.notified
    if notified is None or not notified.told:
        return chat
    return chat.evolve(conversation=chat.conversation.evolve(notified=notified.evolve(told=())))


def kept(decision: Decision, now: datetime) -> Decision:
    """A person turns out not to be reachable: what came lately and found nobody is kept for their return."""
    chat = decision.chat
    notified, day = chat.conversation.notified, today(now, chat.someone.timezone)
    if notified is None or not notified.told or notified.day < day - timedelta(days=1):
        return decision
    wall = datetime.combine(day + timedelta(days=1), MORNING)
    there = {timer.key for timer in chat.timers}
    again = [_timer(chat.someone, one, at_wall(wall, chat.someone.timezone)) for one in notified.told]
    return decision.evolve(chat=answered(chat)).then(*(timer for timer in again if timer.key not in there))


def _moved(chat: Chat, event: TimerFired, due: datetime) -> Decision:
    """It comes at another time. Those that are moved to one time keep their order, a second apart."""
    same = [t for t in _waiting(chat, event) if due <= t.due_at < due + timedelta(minutes=1)]
    due = max((t.due_at + timedelta(seconds=1) for t in same), default=due)
    return Decision(chat=chat, effects=(_timer(chat.someone, event, due),))


def _timer(person: Person, about: TimerFired | Told, due: datetime) -> SetTimer:
    wall = local(due, person.timezone).replace(tzinfo=None).isoformat(timespec="minutes")
    return SetTimer(key=about.key, kind=about.kind, subject=about.subject, due_at=due, wall=wall)


def _count(chat: Chat, now: datetime) -> int:
    """How many came today. Who flies west has a day twice; it counts as one."""
    notified = chat.conversation.notified
    return notified.count if notified is not None and notified.day >= today(now, chat.someone.timezone) else 0


def _waiting(chat: Chat, event: TimerFired) -> list[Timer]:
    """The other notifications that are still to come."""
    muted = chat.someone.muted
    return [t for t in chat.timers if t.kind in KINDS and t.kind not in muted and t.key != event.key]


def _next_room(chat: Chat, event: TimerFired, now: datetime, cap: int) -> datetime:
    """The first morning of a day for which fewer wait than may come. What is set for that day is not pushed out."""
    person, notified = chat.someone, chat.conversation.notified
    due = [today(heard_at(person, t.due_at), person.timezone) for t in _waiting(chat, event)]
    day = today(now, person.timezone)
    day = max(day, notified.day) if notified is not None else day
    day += timedelta(days=1)
    while due.count(day) >= max(cap, 1):
        day += timedelta(days=1)
    return morning(person, day)


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press on the card of notifications: `n:<card>:<side>`, `n:<card>:quiet:<code>`, `n:<card>:most:<code>`,
    `n:<card>:on:<kind>`, `n:<card>:off:<kind>`. None where the data is not one of ours."""
    person, side = chat.someone, "show"
    match event.data.split(":"):
        case ["n", card, named] if named in SIDES:
            side = named
        case ["n", card, "quiet", code] if code in QUIET:
            person = person.evolve(quiet_from=QUIET[code][0], quiet_until=QUIET[code][1])
        case ["n", card, "most", code] if code in MOST:
            person = person.evolve(daily_cap=MOST[code])
        case ["n", card, "on", kind] if kind in (*KINDS, ABOUT_OTHERS):
            person = person.evolve(muted=tuple(k for k in person.muted if k != kind))
        case ["n", card, "off", kind] if kind in _offered(chat):
            person = person.evolve(muted=tuple(k for k in (*KINDS, ABOUT_OTHERS) if k in (*person.muted, kind)))
        case ["n", card, "off", kind] if kind in (*KINDS, ABOUT_OTHERS):  # of a role that they have no more
            pass
        case _:
            return None
    if not (card.isascii() and card.isdigit()):
        return None
    number = int(card[:9])
    done = _set(chat, person)
    if 0 < number <= chat.conversation.cards:
        done = done.then(Edit(key=f"menu{number}", screen=_side(done.chat, number, side)))
    else:  # a card that there is none of any more, or a button below a message that is none
        done = _at_the_bottom(done, side)
    asking = done.chat.conversation.evolve(awaiting="quiet" if side == "other" else None)
    return done.evolve(
        chat=done.chat.evolve(conversation=asking), effects=(*acknowledge(event.press_id), *done.effects)
    )


def said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The words that the card asked for: two times of day. They are read back on the card."""
    between = event.reading.hours
    if between is None or between[0] == between[1]:
        line = text_line("notices.hours_unknown" if between is None else "notices.hours_same")
        return Decision(chat=chat, effects=(Say(screen=Screen(lines=(line,), choices=(_to(0, "show"),))),))
    done = _set(chat, chat.someone.evolve(quiet_from=between[0], quiet_until=between[1]))
    return left(done.chat).keeping(*done.changes)


def left(chat: Chat) -> Decision:
    """The card once more, at the bottom of the chat; it asks for no words any more."""
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
    return _at_the_bottom(Decision(chat=chat), "show")


def _set(chat: Chat, person: Person) -> Decision:
    return Decision(chat=chat.evolve(person=person))


def _at_the_bottom(decision: Decision, side: str) -> Decision:
    number = decision.chat.conversation.cards + 1
    chat = decision.chat.evolve(conversation=decision.chat.conversation.evolve(cards=number))
    return decision.evolve(chat=chat).then(Say(key=f"menu{number}", screen=_side(chat, number, side)))


def _offered(chat: Chat) -> tuple[str, ...]:
    """What there is to be on or off for a person of these roles."""
    roles = chat.around.roles
    looks_after = "coach" in roles or "parent" in roles
    own = ("session_soon",) if looks_after and "coachee" not in roles else KINDS
    return (*own, ABOUT_OTHERS) if looks_after else own


def _side(chat: Chat, number: int, side: str) -> Screen:
    person = chat.someone
    match side:
        case "hours":
            buttons = [
                Choice(data=f"n:{number}:quiet:{code}", label=_hours_label(code), marked=_has(person, code))
                for code in QUIET
            ]
            buttons.append(Choice(data=f"n:{number}:other", label=Text(key="notices.other")))
            return Screen(lines=(text_line("notices.ask_quiet"),), choices=(*buttons, _to(number, "show")), per_row=2)
        case "cap":
            buttons = [
                Choice(
                    data=f"n:{number}:most:{code}",
                    label=code if most else Text(key="notices.any"),
                    marked=person.daily_cap == most,
                )
                for code, most in MOST.items()
            ]
            return Screen(lines=(text_line("notices.ask_cap"),), choices=(*buttons, _to(number, "show")), per_row=2)
        case "other":
            return Screen(lines=(text_line("notices.ask_hours"),), choices=(_to(number, "show"),))
        case _:
            return _settings(chat, number)


def _settings(chat: Chat, number: int) -> Screen:
    """Every setting in words, and a button for each."""
    person, kinds, between = chat.someone, _offered(chat), hours(chat.someone)
    lines = [Line(text=Text(key="button.notifications"), style="bold")]
    if between is None:
        lines.append(text_line("notices.quiet.off"))
    else:
        start, end = (at.isoformat("minutes") for at in between)
        lines.append(text_line("notices.quiet", start=start, end=end))
    if person.daily_cap is None:
        lines.append(text_line("notices.cap.off"))
    else:
        lines.append(text_line("notices.cap", count=person.daily_cap))
    for kind in kinds:
        state = "off" if kind in person.muted else "on"
        lines.append(text_line(f"notices.{state}", what=Text(key=f"notices.kind.{kind}")))
    if ABOUT_OTHERS in kinds:
        lines.append(text_line("notices.decisions"))
    buttons = [
        Choice(data=f"n:{number}:hours", label=Text(key="notices.button.hours")),
        Choice(data=f"n:{number}:cap", label=Text(key="notices.button.cap")),
    ]
    for kind in kinds:
        on = kind not in person.muted
        data = f"n:{number}:{'off' if on else 'on'}:{kind}"
        buttons.append(Choice(data=data, label=Text(key=f"notices.button.{kind}"), marked=on))
    back = Choice(data=f"m:{number}:settings", label=Text(key="button.settings"))
    return Screen(lines=tuple(lines), choices=(*buttons, back), per_row=2)


def _hours_label(code: str) -> Text:
    start, end = QUIET[code]
    return Text(key="notices.none") if code == "off" else Text(key="notices.hours", args={"start": start, "end": end})


def _has(person: Person, code: str) -> bool:
    return hours(person) == hours(person.evolve(quiet_from=QUIET[code][0], quiet_until=QUIET[code][1]))


def _to(number: int, side: str) -> Choice:
    return Choice(data=f"n:{number}:{side}", label=Text(key="button.notifications"))
