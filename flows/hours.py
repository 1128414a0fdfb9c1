"""A coach's hours on one card: which hours of the week they can be booked, single days that are otherwise, rules.

    hours                     the card
    weekly:2                  Wednesday's hours;  weekly:2p09001200 adds hours (several follow each other),
                              2x09001200 takes them away, 2c all of the day's, 2w gives them to Monday to Friday
                              (asking first where hours would be lost; 2W does it), 2t asks for words
    except                    the single days;    except:t asks for words, p261224 keeps a day off, p26122409001100
                              hours on a day, x261224 takes it away
    rules:b15                 minutes between two sessions; n12 hours before one, m45 minutes of one

What is taken away is offered back on the same card. Sessions that are booked already stay where they are.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from flows.changes import HoursSet
from flows.diary import Hours, Span
from flows.effects import Choice, Line, Say, Screen, Text, text_line
from flows.events import TextSent
from flows.on_card import at_the_bottom
from flows.rights import refused
from flows.session_acts import day_code, day_of
from flows.session_cards import button
from flows.session_list import listed
from flows.session_news import when
from flows.session_press import Handler, Press, WordsHandler, shown
from flows.state import Booking, Chat, Decision
from flows.times import local, today

PRESETS: tuple[Span, ...] = (("09:00", "12:00"), ("14:00", "18:00"), ("09:00", "17:00"))
"""Hours that are offered for a day."""
BUFFERS = (0, 5, 10, 15, 30)
NOTICES = (0, 2, 12, 24, 48)
LENGTHS = (30, 45, 60, 90)
RULES = {"b": ("buffer", BUFFERS), "n": ("notice", NOTICES), "m": ("minutes", LENGTHS)}
"""The rules by the letter of their buttons: the field of `Hours`, and what it can be."""
MOST_SPANS = 4
"""Spans of hours on one day: so many fit the button that gives them back."""
MOST_DAYS = 30
"""Single days that are kept; the ones that are past make room."""
LATEST = timedelta(days=2 * 366)
A_MONDAY = date(2024, 1, 1)
"""A day whose name is that of the first of a week."""
WORKDAYS = range(5)
_SPAN = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)")


# ---- what hours are


def of_weekday(hours: Hours, weekday: int) -> tuple[Span, ...]:
    """The hours of a weekday, from Monday (0)."""
    return tuple(span for day, span in hours.weekly if day == weekday)


def with_weekday(hours: Hours, weekday: int, spans: tuple[Span, ...]) -> Hours:
    """The same hours with other ones on a weekday."""
    others = [(day, span) for day, span in hours.weekly if day != weekday]
    return hours.evolve(weekly=tuple(sorted((*others, *((weekday, span) for span in merged(spans))))))


def merged(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Spans in order; those that overlap or touch are one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def bookable(hours: Hours) -> bool:
    """Whether there are any hours at all."""
    return bool(hours.weekly or any(hours.exceptions.values()))


def _span(start: str, end: str) -> Span | None:
    """Hours from a time to another of the same day (its end is 24:00); None where there are none between."""
    end = "24:00" if end == "00:00" else end
    return (start, end) if start < end else None


# ---- the card


def card_of(chat: Chat, card: int, hours: Hours, now: datetime, first: Line | None = None) -> Screen:
    """The hours of the week, the single days and the rules, with what can be changed."""
    zone = chat.someone.timezone
    lines = [Line(text=Text(key="hours.title"), style="bold")]
    lines += [first] if first is not None else []
    lines.append(text_line("hours.zone", zone=place(zone)) if bookable(hours) else text_line("hours.none"))
    for weekday in range(7):
        if spans := of_weekday(hours, weekday):
            lines.append(text_line("hours.line", day=_weekday(weekday), spans=_spans(spans)))
    lines += [_exception(day, spans) for day, spans in _to_come(hours, now, zone)][:MOST_SPANS]
    rules = {"buffer": hours.buffer, "notice": hours.notice, "minutes": hours.minutes}
    lines.append(text_line("hours.rules", **rules))
    days = [
        Choice(
            data=f"b:{card}::weekly:{weekday}",
            label=_weekday(weekday),
            marked=bool(of_weekday(hours, weekday)),
        )
        for weekday in range(7)
    ]
    rest = [
        button(card, "except", label="button.hours.except"),
        button(card, "rules", label="button.hours.rules"),
        button(card, "agenda"),
    ]
    return Screen(lines=tuple(lines), choices=(*days, *rest), per_row=2)


def place(zone: str) -> str:
    """What a time zone is called after."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def _weekday(weekday: int) -> Text:
    return Text(key="hours.weekday", args={"day": A_MONDAY + timedelta(days=weekday)})


def _spans(spans: tuple[Span, ...]) -> Text | tuple[Text, ...]:
    if not spans:
        return Text(key="hours.off")
    return tuple(Text(key="hours.span", args={"start": start, "end": end}) for start, end in spans)


def _exception(day: date, spans: tuple[Span, ...]) -> Line:
    return text_line("hours.exception", day=day, spans=_spans(spans))


def _to_come(hours: Hours, now: datetime, zone: str) -> list[tuple[date, tuple[Span, ...]]]:
    here = today(now, zone)
    return sorted((day, spans) for day, spans in hours.exceptions.items() if day >= here)


def _hours(chat: Chat, press: Press, now: datetime) -> Decision:
    return shown(_unasked(chat), press, card_of(chat, press.card, chat.book.hours, now))


def _kept(decision: Decision, hours: Hours, now: datetime) -> Decision:
    """The hours are these from now on. Days that are past are dropped."""
    me = decision.chat.someone
    left = dict(_to_come(hours, now, me.timezone))
    return decision.keeping(HoursSet(coach_id=me.user_id, hours=hours.evolve(exceptions=left), at=now))


def _unasked(chat: Chat) -> Chat:
    booking = chat.conversation.booking
    if booking is None or booking.part not in ("weekly", "except"):
        return chat
    return chat.evolve(conversation=chat.conversation.evolve(booking=None))


def _asking(chat: Chat, booking: Booking) -> Chat:
    awaiting = "except" if booking.part == "except" else "weekly"
    return chat.evolve(conversation=chat.conversation.evolve(awaiting=awaiting, booking=booking))


# ---- the hours of a weekday


def _weekly(chat: Chat, press: Press, now: datetime) -> Decision:
    chat, hours, card = _unasked(chat), chat.book.hours, press.card
    found = re.fullmatch(r"([0-6])([pxcwWt]?)((?:\d{8})*)", press.argument, re.ASCII)
    spans = _read(found[3]) if found is not None else None
    if found is None or spans is None:
        return shown(chat, press, card_of(chat, card, hours, now))
    weekday, act = int(found[1]), found[2]
    mine = of_weekday(hours, weekday)
    note: Line | None = None
    undo: tuple[Choice, ...] = ()
    wanted = hours
    if act == "p":
        wanted = with_weekday(hours, weekday, (*mine, *spans))
        if len(of_weekday(wanted, weekday)) > MOST_SPANS:
            wanted, note = hours, text_line("hours.too_many", count=MOST_SPANS)
    elif act in ("x", "c"):
        gone = tuple(span for span in mine if act == "c" or span in spans)
        wanted = with_weekday(hours, weekday, tuple(span for span in mine if span not in gone))
        if gone:
            note = text_line("hours.taken_away", day=_weekday(weekday), spans=_spans(gone))
            data = f"b:{card}::weekly:{weekday}p{_code(gone)}"
            undo = (Choice(data=data, label=Text(key="button.hours.undo")),)
    elif act in ("w", "W"):
        lost = [day for day in WORKDAYS if day != weekday and of_weekday(hours, day) not in ((), mine)]
        if lost and act == "w":
            return shown(chat, press, _sure(card, weekday, mine, lost, hours))
        for day in WORKDAYS:
            wanted = with_weekday(wanted, day, mine)
        note = text_line("hours.copied", spans=_spans(mine))
    elif act == "t":
        asked = _asking(chat, Booking(card=card, part="weekly", weeks=weekday))
        back = Choice(data=f"b:{card}::weekly:{weekday}", label=_weekday(weekday))
        lines = (text_line("hours.ask", day=_weekday(weekday)),)
        return shown(asked, press, Screen(lines=lines, choices=(back,)))
    side = shown(chat, press, _day(card, wanted, weekday, note, undo))
    return _kept(side, wanted, now) if wanted != hours else side


def _day(card: int, hours: Hours, weekday: int, note: Line | None = None, undo: tuple[Choice, ...] = ()) -> Screen:
    """One weekday: its hours, what can be added and taken away."""
    mine, head = of_weekday(hours, weekday), f"b:{card}::weekly:{weekday}"
    lines = [
        Line(text=_weekday(weekday), style="bold"),
        *((note,) if note is not None else ()),
        text_line("hours.day", spans=_spans(mine)),
    ]
    buttons = [
        Choice(data=f"{head}p{_code((span,))}", label=_label("button.hours.add", span))
        for span in PRESETS
        if merged((*mine, span)) != mine
    ]
    buttons += [Choice(data=f"{head}x{_code((span,))}", label=_label("button.hours.remove", span)) for span in mine]
    buttons.append(Choice(data=f"{head}t", label=Text(key="button.hours.other")))
    if len(mine) > 1:
        buttons.append(Choice(data=f"{head}c", label=Text(key="button.hours.clear")))
    if mine and any(of_weekday(hours, day) != mine for day in WORKDAYS):
        buttons.append(Choice(data=f"{head}w", label=Text(key="button.hours.copy")))
    return Screen(lines=tuple(lines), choices=(*undo, *buttons, button(card, "hours")), per_row=2)


def _sure(card: int, weekday: int, mine: tuple[Span, ...], lost: list[int], hours: Hours) -> Screen:
    """Other days have other hours: are they to be lost?"""
    lines = [text_line("hours.lost", spans=_spans(mine))]
    lines += [text_line("hours.line", day=_weekday(day), spans=_spans(of_weekday(hours, day))) for day in lost]
    yes = Choice(data=f"b:{card}::weekly:{weekday}W", label=Text(key="button.hours.copy.sure"))
    no = Choice(data=f"b:{card}::weekly:{weekday}", label=Text(key="button.hours.leave"))
    return Screen(lines=tuple(lines), choices=(yes, no))


def _label(key: str, span: Span) -> Text:
    return Text(key=key, args={"start": span[0], "end": span[1]})


def _code(spans: tuple[Span, ...]) -> str:
    return "".join(f"{start}{end}".replace(":", "") for start, end in spans)


def _read(code: str) -> tuple[Span, ...] | None:
    """The spans of a button; None where there are none such."""
    found = []
    for from_hour, from_minute, hour, minute in _SPAN.findall(code):
        times = int(from_hour) * 60 + int(from_minute), int(hour) * 60 + int(minute)
        if not times[0] < times[1] <= 24 * 60 or int(from_minute) > 59 or int(minute) > 59:
            return None
        found.append((f"{from_hour}:{from_minute}", f"{hour}:{minute}"))
    return tuple(found)


def _weekly_said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """Hours in words, for the weekday that was asked about."""
    booking, between = chat.conversation.booking, event.reading.hours
    if booking is None or booking.part != "weekly" or refused("hours", chat.someone.user_id, chat.around.roles):
        return _left(chat, now)
    weekday = booking.weeks % 7
    span = _span(*between) if between is not None else None
    if span is None:
        key = "hours.unknown" if between is None else "hours.backwards"
        return _again(chat, key, Choice(data=f"b:0::weekly:{weekday}", label=_weekday(weekday)))
    hours = chat.book.hours
    wanted = with_weekday(hours, weekday, (*of_weekday(hours, weekday), span))
    note = None
    if len(of_weekday(wanted, weekday)) > MOST_SPANS:
        wanted, note = hours, text_line("hours.too_many", count=MOST_SPANS)
    chat = _unasked(chat.evolve(conversation=chat.conversation.evolve(awaiting=None)))
    side = at_the_bottom(chat, _day(0, wanted, weekday, note))
    return _kept(side, wanted, now) if wanted != hours else side


def _again(chat: Chat, key: str, *choices: Choice) -> Decision:
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=(text_line(key),), choices=choices)),))


def left(chat: Chat, now: datetime) -> Decision:
    """The card once more: it asks for no words any more."""
    return _left(chat, now)


def _left(chat: Chat, now: datetime) -> Decision:
    chat = _unasked(chat.evolve(conversation=chat.conversation.evolve(awaiting=None)))
    choices = (button(0, "hours"), Choice(data="m:0:home", label=Text(key="button.menu")))
    return at_the_bottom(chat, Screen(lines=(text_line("hours.left"),), choices=choices))


# ---- single days


def _except(chat: Chat, press: Press, now: datetime) -> Decision:
    chat, hours, card = _unasked(chat), chat.book.hours, press.card
    if press.argument == "t":
        asked = _asking(chat, Booking(card=card, part="except"))
        back = button(card, "except", label="button.hours.except")
        return shown(asked, press, Screen(lines=(text_line("hours.except.ask"),), choices=(back,)))
    found = re.fullmatch(r"([px])(\d{6})((?:\d{8})*)", press.argument, re.ASCII)
    day = day_of(found[2]) if found is not None else None
    spans = _read(found[3]) if found is not None else None
    if found is None or day is None or spans is None:
        return shown(chat, press, _days(chat, card, hours, now))
    here = today(now, chat.someone.timezone)
    if found[1] == "x":
        kept = {other: theirs for other, theirs in hours.exceptions.items() if other != day}
        gone = hours.exceptions.get(day)
        wanted = hours.evolve(exceptions=kept)
        note: Line | None = None
        undo: tuple[Choice, ...] = ()
        if gone is not None:
            note = text_line("hours.except.gone", day=day, spans=_spans(gone))
            data = f"b:{card}::except:p{day_code(day)}{_code(gone)}"
            undo = (Choice(data=data, label=Text(key="button.hours.undo")),)
        return _kept(shown(chat, press, _days(chat, card, wanted, now, note, undo)), wanted, now)
    if not here <= day <= here + LATEST:
        return shown(chat, press, _days(chat, card, hours, now, text_line("hours.except.past")))
    if day not in hours.exceptions and len(_to_come(hours, now, chat.someone.timezone)) >= MOST_DAYS:
        return shown(chat, press, _days(chat, card, hours, now, text_line("hours.except.full", count=MOST_DAYS)))
    wanted = hours.evolve(exceptions={**hours.exceptions, day: merged(spans)[:MOST_SPANS]})
    return _kept(shown(chat, press, _days(chat, card, wanted, now)), wanted, now)


def _days(
    chat: Chat,
    card: int,
    hours: Hours,
    now: datetime,
    note: Line | None = None,
    undo: tuple[Choice, ...] = (),
) -> Screen:
    """The single days that are to come, each with a button that takes it away."""
    days = _to_come(hours, now, chat.someone.timezone)
    lines = [Line(text=Text(key="hours.except.title"), style="bold"), *((note,) if note is not None else ())]
    lines += [_exception(day, spans) for day, spans in days] or [text_line("hours.except.none")]
    buttons = [
        Choice(
            data=f"b:{card}::except:x{day_code(day)}",
            label=Text(key="button.hours.remove_day", args={"day": day}),
        )
        for day, _ in days
    ]
    buttons.append(Choice(data=f"b:{card}::except:t", label=Text(key="button.hours.add_day")))
    return Screen(lines=tuple(lines), choices=(*undo, *buttons, button(card, "hours")), per_row=2)


def _except_said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """A day in words, off or with hours. It is read back before it counts."""
    if refused("hours", chat.someone.user_id, chat.around.roles):
        return _left(chat, now)
    day, between = event.reading.day, event.reading.hours
    here = today(now, chat.someone.timezone)
    back = button(0, "except", label="button.hours.except")
    if day is None:
        return _again(chat, "hours.except.unknown", back)
    if not here <= day <= here + LATEST:
        return _again(chat, "hours.except.past", back)
    span = _span(*between) if between is not None else None
    if between is not None and span is None:
        return _again(chat, "hours.backwards", back)
    spans = (span,) if span is not None else ()
    lines = [text_line("hours.except.check", day=day, spans=_spans(spans))]
    before = chat.book.hours.exceptions.get(day)
    if before is not None and before != spans:
        lines.append(text_line("hours.except.before", spans=_spans(before)))
    lines += _booked_on(chat, day, now)
    yes = Choice(data=f"b:0::except:p{day_code(day)}{_code(spans)}", label=Text(key="button.hours.except.yes"))
    no = Choice(data="b:0::except:t", label=Text(key="button.hours.except.other"))
    return at_the_bottom(chat, Screen(lines=tuple(lines), choices=(yes, no, back)))


def _booked_on(chat: Chat, day: date, now: datetime) -> list[Line]:
    """The coach's sessions on a day: they stay, whatever the hours."""
    me, zone = chat.someone.user_id, chat.someone.timezone
    mine = [s for s in listed(chat, now) if s.coach is not None and s.coach.user_id == me]
    there = [s for s in mine if local(s.starts_at, zone).date() == day]
    if not there:
        return []
    told = [text_line("session.line", n=s.coachee.name, **when(s, zone)) for s in there]
    return [text_line("hours.except.booked", count=len(there)), *told]


# ---- rules


def _rules(chat: Chat, press: Press, now: datetime) -> Decision:
    chat, hours, card = _unasked(chat), chat.book.hours, press.card
    found = re.fullmatch(r"([bnm])(\d{1,2})", press.argument, re.ASCII)
    wanted = hours
    if found is not None and int(found[2]) in RULES[found[1]][1]:
        wanted = hours.evolve(**{RULES[found[1]][0]: int(found[2])})
    side = shown(chat, press, _rules_screen(card, wanted))
    return _kept(side, wanted, now) if wanted != hours else side


def _rules_screen(card: int, hours: Hours) -> Screen:
    buttons = []
    for letter, (field, values) in RULES.items():
        standing = {"buffer": hours.buffer, "notice": hours.notice, "minutes": hours.minutes}[field]
        for value in values:
            label = Text(key=f"button.hours.{field}", args={"n": value})
            buttons.append(Choice(data=f"b:{card}::rules:{letter}{value}", label=label, marked=value == standing))
    lines = (
        Line(text=Text(key="button.hours.rules"), style="bold"),
        text_line("hours.rules.about"),
        text_line("hours.rules", buffer=hours.buffer, notice=hours.notice, minutes=hours.minutes),
    )
    return Screen(lines=lines, choices=(*buttons, button(card, "hours")), per_row=3)


HANDLERS: dict[str, Handler] = {"hours": _hours, "weekly": _weekly, "except": _except, "rules": _rules}
"""What each act does."""
SAID: dict[str, WordsHandler] = {"weekly": _weekly_said, "except": _except_said}
"""What each kind of awaited words does."""
