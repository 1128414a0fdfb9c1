"""The card of a plan: its questions, the preview with what is in the way, and how it looks once it is saved."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flows.diary import Scheduled
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.hours import LENGTHS
from flows.people import Other
from flows.planned import Meeting, Plan, complete, minutes_of, proposals, wanted_resource, zone_of
from flows.series import MOST, moment
from flows.session_acts import day_code, moment_code
from flows.session_cards import coachee_button
from flows.session_news import where
from flows.slots import EVERY, spans_on
from flows.state import Booking, Chat
from flows.times import local, today

DAYS = 14
"""Days that are offered as the first one."""
EVERY_WEEKS = (1, 2)
COUNTS = (2, 4, 6, 8, 10, 12)
MOST_TIMES, MOST_PLACES = 28, 24
"""Buttons of one question."""
OFFICE = tuple(f"{hour:02}:00" for hour in range(8, 20))
"""Times that are offered where the coach has no hours on that day."""
PER_PAGE = 6
"""Sessions on a page of the preview."""
QUESTIONS = ("day", "time", "weeks", "count", "minutes", "place")
UNDO = timedelta(minutes=10)
"""So long a saved plan can be taken back at once."""
MOST_CLOCKS = 6


def choice(booking: Booking, act: str, argument: str, label: Text | str, marked: bool = False) -> Choice:
    """A button of the plan's card."""
    return Choice(data=f"b:{booking.card}::{act}:{argument}", label=label, marked=marked)


def form(chat: Chat, booking: Booking, coachee: Other) -> Screen:
    """All that is chosen, each of it to be changed."""
    buttons = [choice(booking, "set", name, Text(key=f"planning.button.{name}")) for name in QUESTIONS]
    buttons.append(Choice(data=f"b:{booking.card}::preview", label=Text(key="planning.button.preview")))
    return Screen(
        lines=(*_chosen(chat, booking, coachee), text_line("planning.ask.form")),
        choices=(*buttons, coachee_button(booking.card, coachee.user_id, "theirs")),
        per_row=2,
    )


def question(chat: Chat, booking: Booking, coachee: Other, name: str, now: datetime) -> Screen:
    """One question of the plan, with what is chosen so far above it."""
    buttons = _offered(chat, booking, name, now)
    if name in ("day", "time", "count"):
        buttons.append(choice(booking, "set", f"{name}.other", Text(key=f"planning.button.other.{name}")))
    lines = (*_chosen(chat, booking, coachee), text_line(f"planning.ask.{name}"))
    return Screen(lines=lines, choices=(*buttons, _away(booking, coachee)), per_row=2 if name == "place" else 4)


def words_wanted(chat: Chat, booking: Booking, coachee: Other, name: str) -> Screen:
    """The same question, to be answered in words."""
    lines = (*_chosen(chat, booking, coachee), text_line(f"planning.write.{name}", most=MOST))
    back = choice(booking, "set", name, Text(key="planning.button.back"))
    return Screen(lines=lines, choices=(back,))


def _away(booking: Booking, coachee: Other) -> Choice:
    """Out of a question: to all that is chosen, or off the plan."""
    if complete(booking):
        return choice(booking, "set", "form", Text(key="planning.button.back"))
    return coachee_button(booking.card, coachee.user_id, "theirs")


def _offered(chat: Chat, booking: Booking, name: str, now: datetime) -> list[Choice]:
    """The buttons that answer a question."""

    def one(code: str, label: Text | str, marked: bool) -> Choice:
        return choice(booking, "set", f"{name}.{code}", label, marked)

    match name:
        case "day":
            here = today(now, zone_of(chat))
            days = [here + timedelta(days=n) for n in range(DAYS)]
            return [one(day_code(d), Text(key="planning.day", args={"day": d}), d == booking.first) for d in days]
        case "time":
            times = usual_times(chat, booking)
            return [one(at.replace(":", ""), at, at == booking.time) for at in times]
        case "weeks":
            return [one(str(n), _weeks(n), n == booking.weeks) for n in EVERY_WEEKS]
        case "count":
            return [one(str(n), str(n), n == booking.count) for n in COUNTS]
        case "minutes":
            own = chat.book.hours.minutes
            lengths = sorted({*LENGTHS, own})
            return [one(str(n), str(n), n == minutes_of(booking, chat.book.hours)) for n in lengths]
    places = [one_ for one_ in chat.book.resources if one_.in_service][:MOST_PLACES]
    any_free = one("any", Text(key="planning.place.any"), booking.resource is None)
    return [any_free, *(one(str(p.number), where(p), p.resource_id == booking.resource) for p in places)]


def usual_times(chat: Chat, booking: Booking) -> tuple[str, ...]:
    """Half hours in the coach's hours on the weekday of the first day."""
    hours, day = chat.book.hours, booking.first
    spans = spans_on(hours, day) if day is not None else ()
    times: set[str] = set()
    for start, end in spans:
        at, ends = _minute(start), _minute(end)
        while at + minutes_of(booking, hours) <= ends:
            times.add(f"{at // 60:02}:{at % 60:02}")
            at += int(EVERY.total_seconds() // 60)
    return tuple(sorted(times))[:MOST_TIMES] or OFFICE


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _weeks(weeks: int) -> Text:
    return Text(key="planning.weeks", count=weeks)


def _chosen(chat: Chat, booking: Booking, coachee: Other) -> tuple[Line, ...]:
    """What is chosen so far, in words."""
    lines = [Line(text=Text(key="planning.title", args={"name": coachee.name}), style="bold")]
    if booking.first is None:
        return tuple(lines)
    if booking.time is None:
        lines.append(text_line("planning.first_day", day=booking.first))
    else:
        zone = zone_of(chat)
        lines.append(text_line("planning.first", at=local(moment(booking.first, booking.time, zone), zone)))
    if booking.count is not None:
        place = wanted_resource(chat, booking)
        lines.append(
            text_line(
                "planning.shape",
                weeks=_weeks(booking.weeks),
                sessions=Text(key="planning.count", count=booking.count),
                minutes=minutes_of(booking, chat.book.hours),
                place=where(place) if place is not None else Text(key="planning.place.any"),
            )
        )
    return tuple(lines)


# ---- the preview


def page_of(plan: Plan, day: date | None = None) -> int:
    """The page on which a session of the preview is, if something is in the way there; else of the first such one."""
    stuck = [n for n, one in enumerate(plan.meetings) if one.why]
    near = [n for n, one in enumerate(plan.meetings) if one.day == day]
    if near and (not stuck or any(n // PER_PAGE == near[0] // PER_PAGE for n in stuck)):
        return near[0] // PER_PAGE
    return stuck[0] // PER_PAGE if stuck else 0


def preview(chat: Chat, booking: Booking, coachee: Other, plan: Plan, page: int, now: datetime) -> Screen:
    """Every session of the plan, what is in the way of it, and what could be instead. Nothing is saved yet."""
    last = max(0, (len(plan.meetings) - 1) // PER_PAGE)
    page = min(max(page, 0), last)
    shown = list(enumerate(plan.meetings, 1))[page * PER_PAGE : (page + 1) * PER_PAGE]
    lines = [*_chosen(chat, booking, coachee), *_notes(chat, coachee, plan)]
    lines += [_line(chat, booking, coachee, i, one) for i, one in shown]
    lines.append(_verdict(plan))
    buttons = _instead(chat, booking, coachee, plan, shown, now)
    if page > 0:
        buttons.append(choice(booking, "preview", str(page - 1), Text(key="answers.before")))
    if page < last:
        buttons.append(choice(booking, "preview", str(page + 1), Text(key="answers.after")))
    if booking.skipped or booking.instead:
        buttons.append(choice(booking, "set", "back", Text(key="planning.button.as_first")))
    buttons.append(choice(booking, "set", "form", Text(key="planning.button.change")))
    if plan.meetings and not plan.open:
        label = Text(key="planning.button.save", count=len(plan.meetings))
        buttons.append(Choice(data=f"b:{booking.card}::save", label=label))
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=2)


def _notes(chat: Chat, coachee: Other, plan: Plan) -> list[Line]:
    """What holds for the whole plan: days that were skipped or left out, and the coachee's clocks."""
    lines = []
    if plan.skipped:
        named = tuple(
            Text(key="planning.skipped.holiday" if name else "planning.skipped.away", args={"day": day, "name": name})
            for day, name in plan.skipped
        )
        lines.append(text_line("planning.skipped", days=named))
    if plan.left_out:
        lines.append(
            text_line(
                "planning.left_out", days=tuple(Text(key="planning.day", args={"day": d}) for d in plan.left_out)
            )
        )
    if plan.short:
        lines.append(text_line("planning.short", count=len(plan.meetings)))
    before: str | None = None
    changes = []
    for one in plan.meetings:
        if not one.other:
            theirs = f"{local(one.starts_at, coachee.timezone):%H:%M}"
            if before is not None and theirs != before:
                changes.append(
                    text_line("planning.clocks", name=coachee.name, day=one.day, now=theirs, before=before)
                )
            before = theirs
    return lines + changes[:MOST_CLOCKS]


def _line(chat: Chat, booking: Booking, coachee: Other, number: int, one: Meeting) -> Line:
    """One session of the preview."""
    here, theirs = local(one.starts_at, zone_of(chat)), local(one.starts_at, coachee.timezone)
    coach = chat.book.coach
    mine = coach is not None and coach.user_id == chat.someone.user_id
    texts = [Text(key="planning.line", args={"i": number, "day": here.date(), "at": f"{here:%H:%M}"})]
    if (theirs.date(), theirs.time()) != (here.date(), here.time()):
        key = "planning.theirs" if theirs.date() == here.date() else "planning.theirs.day"
        at = f"{theirs:%H:%M}"
        texts.append(Text(key=key, args={"name": coachee.name, "day": theirs.date(), "at": at}))
    if one.resource is not None:
        texts.append(Text(key="planning.where", args={"where": where(one.resource)}))
        wanted = wanted_resource(chat, booking)
        if wanted is not None and wanted.resource_id != one.resource.resource_id:
            texts.append(Text(key="planning.elsewhere", args={"wanted": where(wanted)}))
    if one.other:
        texts.append(Text(key="planning.other", args={"day": one.day}))
    if one.outside:
        texts.append(Text(key="planning.outside" if mine else "planning.outside.theirs"))
    for why in one.why:
        name = coachee.name if why == "coachee" else coach.name if coach is not None else ""
        key = "planning.why.you" if why == "coach" and mine else f"planning.why.{why}"
        texts.append(Text(key=key, args={"name": name}))
    return Line(text=tuple(texts))


def _verdict(plan: Plan) -> Line:
    """What the planner has to do."""
    if plan.open:
        return text_line("planning.open", count=len(plan.open))
    return text_line("planning.free") if plan.meetings else text_line("planning.nothing")


def _instead(
    chat: Chat, booking: Booking, coachee: Other, plan: Plan, shown: list[tuple[int, Meeting]], now: datetime
) -> list[Choice]:
    """The buttons for the sessions on a page that something is in the way of: other times, or to leave it out."""
    if not plan.open:
        return []
    found, zone = proposals(chat, booking, coachee, plan, now), zone_of(chat)
    buttons = []
    for i, one in shown:
        if not one.why:
            continue
        for at in found[one.day]:
            here = local(at, zone)
            label = Text(key="planning.button.instead", args={"i": i, "day": here.date(), "at": f"{here:%H:%M}"})
            buttons.append(choice(booking, "set", f"in.{day_code(one.day)}.{moment_code(at)}", label))
        buttons.append(
            choice(booking, "set", f"out.{day_code(one.day)}", Text(key="planning.button.leave_out", args={"i": i}))
        )
    if len(plan.open) > 1 and any(found.values()):
        buttons.append(choice(booking, "set", "all", Text(key="planning.button.take_all")))
    return buttons


# ---- after it is saved


def saved(chat: Chat, booking: Booking, coachee: Other, sessions: tuple[Scheduled, ...], now: datetime) -> Screen:
    """The plan is kept; for some minutes it can be taken back."""
    zone = zone_of(chat)
    lines = [
        Line(text=Text(key="planning.saved", args={"name": coachee.name}, count=len(booking.saved)), style="bold")
    ]
    if sessions:
        first, last = local(sessions[0].starts_at, zone), local(sessions[-1].starts_at, zone)
        lines.append(text_line("planning.saved.from", first=first, last=last))
    buttons = []
    until = booking.chosen + UNDO if booking.chosen is not None else now
    if now < until:
        lines.append(text_line("planning.saved.undo", until=f"{local(until, zone):%H:%M}"))
        buttons.append(Choice(data=f"b:{booking.card}::undo", label=Text(key="planning.button.undo")))
    return Screen(
        lines=tuple(lines),
        choices=(*buttons, coachee_button(booking.card, coachee.user_id, "theirs")),
        per_row=2,
    )


def undone(booking: Booking, coachee: Other, count: int) -> Screen:
    """The plan was taken back."""
    buttons = [coachee_button(booking.card, coachee.user_id, act) for act in ("plan", "theirs")]
    lines = [text_line("planning.undone", count=count)]
    if kept := len(booking.saved) - count:
        lines.append(text_line("planning.undone.kept", count=kept))
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=2)
