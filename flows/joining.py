"""The way in: language, time zone, what this is and who can read what, the year of birth; for the young, a parent.

Nothing a person writes is kept, and nothing goes to a model, before they are through. Who is too young to agree for
themselves waits for a parent's agreement; all that is kept of them meanwhile is what it takes to ask for it.

Each step is a card: a message that asks, with the number that its buttons carry (`j:<card>:<step>:<choice>`). It says
what was answered once it is. Only the newest card's buttons do anything.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flows import acts, conversation, invites, menu, notices
from flows.changes import AnyChange, Audited, InviteMade, InviteRevoked, PersonMet, RoleGranted
from flows.effects import AnyEffect, Edit, Line, Say, Screen, SendLink, ShowCommands, acknowledge, say, text_line
from flows.events import (
    ButtonPressed,
    CommandSent,
    InviteOpened,
    MediaSent,
    PlaceSent,
    Reading,
    Spoken,
    TextEdited,
    TextSent,
)
from flows.joining_cards import CHOICES, OLDEST, YOUNGEST, choices_of, key_of, language_line, lines_of, offered
from flows.people import ROLES, Circle, Role, Standing
from flows.putting import asked, running
from flows.rights import age, is_minor
from flows.state import Chat, Decision, Joining, Person
from flows.times import local

PARENT_DAYS = timedelta(days=14)
"""How long a young person's link to a parent can be used."""
PASSING = ("privacy", "export", "delete", "language", "help", "human", "cancel")
"""The commands that everybody has, whether they are in or not."""
BEFORE = {"zone": "language", "zone_check": "zone", "notice": "zone_check", "birth_year": "notice"}
"""Where the way back leads from each step."""


def known(chat: Chat, event: Spoken, standing: Standing) -> tuple[Chat, tuple[AnyChange, ...]]:
    """The chat with its person, who is new here."""
    sender = event.sender
    person = Person(
        user_id=event.derived("user"),
        name=sender.name,
        language=sender.language,
        timezone=sender.timezone or "UTC",
        standing=standing,
    )
    met = PersonMet(
        user_id=person.user_id,
        telegram_id=chat.chat_id,
        name=person.name,
        language=person.language,
        timezone=person.timezone,
        standing=person.standing,
    )
    return chat.evolve(person=person), (met,)


def vouched(chat: Chat, event: Spoken) -> Chat:
    """A person whom their front end vouches for is in, also one who was here before that was asked.

    Who waited for a parent and was let in meanwhile is on the way in no more.
    """
    joining = chat.conversation.joining
    if event.sender.vouched and chat.someone.standing == "joining":
        return _with(chat.evolve(person=chat.someone.evolve(standing="active")), None)
    if chat.someone.standing == "active" and joining is not None and joining.step == "parent":
        return _with(chat, None)
    return chat


def met(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """Somebody new, of whom nothing is known but what their client says. Without an invitation, where one is needed,
    nothing of them is kept."""
    nobody, invite = chat, chat.circle.invite if chat.circle is not None else None
    if chat.access == "invite" and invite is None:
        return _turned_away(chat, event, now)
    chat, changes = known(chat, event, "joining")
    begun = Joining(step="language", session=isinstance(event, CommandSent) and event.name == "session")
    seen = chat.conversation.evolve(seen=now.astimezone(UTC).date())
    chat = _with(chat.evolve(conversation=seen, circle=Circle(invite=invite)), begun)
    decision = invites.opened(chat, event, now) if isinstance(event, InviteOpened) else Decision(chat=chat)
    joining = decision.chat.conversation.joining
    if nobody.access == "invite" and (joining is None or joining.invite is None):
        return _turned_away(nobody, event, now)
    if joining is not None and joining.invite is None and not joining.card:
        hello = text_line("joining.hello", name=chat.someone.name)
        decision = _and(decision, _put(decision.chat, now, hello))
    press = acknowledge(event.press_id) if isinstance(event, ButtonPressed) else ()
    return decision.evolve(changes=(*changes, *decision.changes), effects=(*press, *decision.effects))


def _turned_away(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """Somebody comes without a link that can be used, and one is needed."""
    press = acknowledge(event.press_id) if isinstance(event, ButtonPressed) else ()
    if not isinstance(event, InviteOpened):
        return Decision(chat=chat, effects=(*press, say("joining.invite_only")))
    audit = Audited(
        audit_id=event.derived("audit"), at=now, action="open_link", outcome="refused", reason="not by this link"
    )
    return Decision(chat=chat, changes=(audit,), effects=(say("joining.link_closed"),))


def left_outside(chat: Chat) -> Decision:
    """Somebody said no to the link that would have let them in, and one is needed."""
    return Decision(chat=_with(chat, None), effects=(say("joining.invite_only"),))


def gate(chat: Chat, event: Spoken, now: datetime) -> Decision | None:
    """What a person gets who is not in (None: they are, or this is for everybody, and the event goes its way)."""
    standing = chat.someone.standing
    if standing == "active":
        return None
    if standing == "joining" and _stops(chat, event):
        return _stopped(chat, now)
    if _passes(event):
        return None
    if _of_a_parent(chat, event):
        return None
    if standing == "inactive":
        return _answered(event, Decision(chat=chat, effects=(say("joining.inactive"),)))
    if isinstance(event, InviteOpened):
        return None
    if (code := _language_wanted(event)) is not None:
        return _spoken_to(chat, event, code, now)
    if standing == "waiting":
        return _waited(chat, event, now)
    if chat.conversation.joining is None:
        if chat.access == "invite" and chat.circle is not None and not chat.circle.roles:
            return _turned_away(chat, event, now)
        return _answered(event, _begun_again(chat, now))
    if isinstance(event, ButtonPressed) and event.data.startswith("j:"):
        return None  # comes back by `pressed`, which knows what is old and what is forged
    if isinstance(event, TextSent | TextEdited):
        return _said(chat, event, event.reading, now)
    if isinstance(event, PlaceSent):
        return _said(chat, event, Reading(zones=event.zones), now)
    if isinstance(event, CommandSent) and event.name == "back":
        return _said_back(chat, now)
    if isinstance(event, CommandSent) and event.name == "session":
        chat = _with(chat, _joining(chat).evolve(session=True))
    return _answered(event, _again(chat, now, _other_kind(event)))


def _passes(event: Spoken) -> bool:
    """Whether an event is of what everybody may do at any time."""
    if isinstance(event, CommandSent):
        return event.name in PASSING and not (event.name == "language" and event.reading.language)
    return isinstance(event, ButtonPressed) and event.data.startswith("x:")


def _stops(chat: Chat, event: Spoken) -> bool:
    """Whether somebody who is here as something else does not want to be a coachee after all."""
    joining = chat.conversation.joining
    asked = joining is not None and joining.step == "birth_year" and _grown(chat)
    return asked and isinstance(event, CommandSent) and event.name in ("cancel", "stop")


def _grown(chat: Chat) -> bool:
    """Whether somebody has a part here that is not a coachee's."""
    return any(role != "coachee" for role in (chat.circle or Circle()).roles)


def _stopped(chat: Chat, now: datetime) -> Decision:
    """They go on as what they are."""
    stopped = _done(chat, text_line("joining.stopped"))
    chat = _with(chat.evolve(person=chat.someone.evolve(standing="active")), None)
    card = menu.show(chat, "home", now)
    return card.evolve(effects=(stopped, *card.effects))


def _of_a_parent(chat: Chat, event: Spoken) -> bool:
    """A parent can take an agreement back at any time, whatever else they may do here."""
    if "parent" not in (chat.circle or Circle()).roles:
        return False
    if isinstance(event, CommandSent):
        return event.name == "family"
    parts = event.data.split(":") if isinstance(event, ButtonPressed) else []
    return len(parts) > 3 and parts[0] == "p" and parts[3].rstrip("?") in ("family", "card", "withdraw", "leave")


def _language_wanted(event: Spoken) -> str | None:
    """The code of the language that a command or the button of a language's name asks for."""
    code = None
    if isinstance(event, CommandSent) and event.name == "language":
        code = event.reading.language
    elif isinstance(event, ButtonPressed):
        code = event.data.removeprefix("l:") if event.data.startswith("l:") else None
    return code if code in menu.LANGUAGES else None


def _spoken_to(chat: Chat, event: Spoken, code: str, now: datetime) -> Decision:
    """Somebody who is not in yet wants another language; what they are asked is asked again in it."""
    chat = chat.evolve(person=chat.someone.evolve(language=code))
    if chat.conversation.joining is None or chat.conversation.joining.step == "invite":
        done = Decision(chat=chat, effects=(say("language.set"),))
    elif chat.conversation.joining.step == "language":
        done = _next(chat, "zone", language_line(chat.someone.language), now)
    else:
        done = _put(chat, now)
    return _answered(event, done)


def _other_kind(event: Spoken) -> Line | None:
    return text_line("media.other") if isinstance(event, MediaSent) else None


def _answered(event: Spoken, decision: Decision) -> Decision:
    """The decision, and the press that led to it answered."""
    if not isinstance(event, ButtonPressed):
        return decision
    return decision.evolve(effects=(*acknowledge(event.press_id), *decision.effects))


def _begun_again(chat: Chat, now: datetime) -> Decision:
    """Somebody who has been here since before anybody was asked who they are: their language is known."""
    placed = chat.someone.timezone != "UTC"
    role: Role = next((role for role in ROLES if role in (chat.circle or Circle()).roles), "coachee")
    zone = chat.someone.timezone if placed else None
    joining = Joining(step="zone_check" if placed else "zone", zone=zone, role=role)
    return _put(_with(chat, joining), now, text_line("joining.hello_again", name=chat.someone.name))


def go_on(chat: Chat, now: datetime) -> Decision:
    """The next thing that is asked on the way in of the chat's `joining`; nothing of somebody who is through."""
    joining = chat.conversation.joining
    if chat.someone.standing == "waiting":
        return _waiting(chat, now)
    if chat.someone.standing != "joining":
        return Decision(chat=_with(chat, None))
    if joining is None:
        return _begun_again(chat, now)
    return _put(chat, now)


def become(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """Somebody who is here as something else wants to be coached: how old they are has to be known first."""
    chat = chat.evolve(person=chat.someone.evolve(standing="joining"))
    return _answered(event, _put(_with(chat, Joining(step="birth_year", session=True)), now))


# ---- the answers


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press on a card of the way in (`j:<card>:<step>:<choice>`). None where the data is not one of ours."""
    parts = event.data.split(":", 3)
    if len(parts) != 4 or not (parts[1].isascii() and parts[1].isdigit()) or parts[2] not in CHOICES:
        return None
    card, step, choice = int(parts[1][:9]), parts[2], parts[3]
    if not offered(step, choice):
        return None
    joining = chat.conversation.joining
    if joining is None and step == "parent" and chat.someone.standing == "active":
        return _answered(event, menu.show(chat, "home", now))
    if joining is None or (joining.card, joining.step) != (card, step) or chat.someone.standing == "active":
        return Decision(chat=chat, effects=acknowledge(event.press_id, "joining.settled"))
    if step == "parent" and choice == "look" and not (_old_enough(chat, now) or _agreed(chat)):
        return Decision(chat=chat, effects=acknowledge(event.press_id, "joining.parent.not_yet"))
    return _answered(event, _chosen(chat, event, step, choice, now))


def _chosen(chat: Chat, event: Spoken, step: str, choice: str, now: datetime) -> Decision:
    """A button of the open card."""
    match step, choice:
        case _, "back":
            return _went_back(chat, now)
        case "language", code:
            return _language(chat, code, now)
        case "zone", "here":
            sent = Say(screen=Screen(lines=(text_line("joining.zone.here"),), keyboard="place"))
            return Decision(chat=_with(chat, _joining(chat).evolve(place=True)), effects=(sent,))
        case "zone", name:
            return _place(chat, name, now)
        case "zone_check", "yes":
            return _zone(chat, now)
        case "zone_check", _:
            return _went_back(chat, now)
        case "notice", "yes":
            return _noticed(chat, event, now)
        case "notice", "model_on" | "model_off":
            chat = chat.evolve(person=chat.someone.evolve(model_help=choice == "model_on"))
            return _edited(chat, "exactly", now)
        case "notice", view:
            return _edited(chat, view, now)
        case "birth_year", "stop" if _grown(chat):
            return _stopped(chat, now)
        case "birth_year", "stop":
            return Decision(chat=chat, effects=(_done(chat, text_line("joining.stopped")),))
        case "birth_year", view:
            return _edited(chat, view, now)
        case "parent", "link":
            return _asking_a_parent(chat, event, now)
    return _through(chat, event, None, now)


def _said(chat: Chat, event: Spoken, reading: Reading, now: datetime) -> Decision:
    """Words at the door, as far as they answer what is asked. They are not kept."""
    step = _joining(chat).step
    wordless = not isinstance(event, TextSent | TextEdited)
    if step == "language" and reading.language in menu.LANGUAGES:
        return _language(chat, reading.language, now)
    if step in ("zone", "zone_check") and reading.zones:
        if len(reading.zones) == 1:
            return _place(chat, reading.zones[0], now)
        at_place = _with(chat, _joining(chat).evolve(step="zone"))
        return _put(at_place, now, text_line("zone.which"), places=reading.zones, was=_joining(chat))
    if step == "zone_check" and reading.choice is not None:
        return _zone(chat, now) if reading.choice == "yes" else _said_back(chat, now)
    if step == "zone":
        return _again(chat, now, text_line("zone.unknown"))
    if step == "notice" and reading.choice == "yes":
        return _noticed(chat, event, now)
    if step == "birth_year" and not wordless:
        return _year(chat, event, reading.number, now)
    return _again(chat, now)


def _language(chat: Chat, code: str, now: datetime) -> Decision:
    chat = chat.evolve(person=chat.someone.evolve(language=code))
    return _next(chat, "zone", language_line(chat.someone.language), now)


def _place(chat: Chat, name: str, now: datetime) -> Decision:
    """A place was named: its time is read back before it counts."""
    joining = _joining(chat)
    chat = _with(chat, joining.evolve(zone=name, place=False))
    taken = Say(screen=Screen(lines=(text_line("joining.zone.taken"),), keyboard="rest"))
    decision = _next(chat, "zone_check", text_line("joining.zone.done", place=menu.place(name)), now)
    return decision.evolve(effects=(taken, *decision.effects)) if joining.place else decision


def _zone(chat: Chat, now: datetime) -> Decision:
    """The time that was read back is right. Reminders that are set follow it."""
    name = _joining(chat).zone or chat.someone.timezone
    moved = menu.moved(chat, name)
    chat = chat.evolve(person=chat.someone.evolve(timezone=name))
    done = _next(chat, "notice", text_line("settings.zone", at=local(now, name)), now)
    return done.then(*moved)


def _noticed(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """They know what this is. Of a coachee it has to be known whether they may agree to it themselves."""
    done = text_line("joining.notice.done")
    if _joining(chat).role != "coachee" and not _coached(chat):
        return _through(chat, event, done, now)
    year = chat.someone.birth_year
    return _next(chat, "birth_year", done, now) if year is None else _aged(chat, event, year, done, now)


def _coached(chat: Chat) -> bool:
    """Whether somebody is a coachee already, or somebody coaches them, whatever they came as last."""
    around = chat.circle or Circle()
    return "coachee" in around.roles or bool(around.coaches(chat.someone.user_id))


def _year(chat: Chat, event: Spoken, year: int | None, now: datetime) -> Decision:
    here = local(now, chat.someone.timezone).year
    if year is None or not OLDEST <= year <= here - YOUNGEST:
        return _again(chat, now, text_line("joining.year.odd"))
    if age(year, here) < chat.consent_age and year != _joining(chat).year:
        chat = _with(chat, _joining(chat).evolve(year=year))  # who mistypes it would be locked out as a child
        return _again(chat, now, text_line("joining.year.sure", year=str(year)))
    return _aged(chat, event, year, text_line("joining.year.done", year=str(year)), now)


def _aged(chat: Chat, event: Spoken, year: int, done: Line, now: datetime) -> Decision:
    """How old they are is known: they are in, or a parent is asked."""
    chat = chat.evolve(person=chat.someone.evolve(birth_year=year))
    chat, given_back = _without_grown_roles(chat, now)
    if _old_enough(chat, now) or _agreed(chat):
        through = _through(chat, event, done, now)
        return through.evolve(changes=(*given_back.changes, *through.changes)).then(*given_back.effects)
    chat = chat.evolve(person=chat.someone.evolve(standing="waiting"))
    told: tuple[AnyEffect, ...] = ()
    for tie in chat.circle.coaches(chat.someone.user_id) if chat.circle else ():
        told += notices.tell(tie.coach, now, "joining.coach.waiting", name=chat.someone.name, informs=True)
    edit = _done(chat, done)
    asking = _asking_a_parent(_with(chat, _joining(chat).evolve(step="parent", card=0)), event, now)
    effects = (edit, *asking.effects, *told, *given_back.effects)
    return asking.evolve(changes=(*given_back.changes, *asking.changes), effects=effects)


def _without_grown_roles(chat: Chat, now: datetime) -> tuple[Chat, acts.Act]:
    """Who is under age is nobody's coach, parent or operator here, whatever link they said yes to before."""
    year, around = chat.someone.birth_year, chat.circle
    if year is None or around is None or not is_minor(year, local(now, chat.someone.timezone).year):
        return chat, acts.Act()
    act = acts.Act()
    for role in around.roles:
        if role != "coachee":
            act = act.and_(acts.revoked(acts.myself(chat), role, now))
    kept: tuple[Role, ...] = tuple(role for role in around.roles if role == "coachee")
    return chat.evolve(circle=around.evolve(roles=kept)), act


def _old_enough(chat: Chat, now: datetime) -> bool:
    year = chat.someone.birth_year
    return year is not None and age(year, local(now, chat.someone.timezone).year) >= chat.consent_age


def _agreed(chat: Chat) -> bool:
    """Whether a parent who came first has agreed already."""
    parents = chat.circle.parents(chat.someone.user_id) if chat.circle else ()
    return any(g.agreed_at is not None for g in parents)


def _through(chat: Chat, event: Spoken, done: Line | None, now: datetime) -> Decision:
    """They are in: back to where they were, to the session they came for, or to the menu."""
    joining, person = _joining(chat), chat.someone.evolve(standing="active")
    before: tuple[AnyEffect, ...] = (_done(chat, done),) if done is not None and joining.card else ()
    roles = tuple(dict.fromkeys((*(chat.circle.roles if chat.circle else ()), joining.role)))
    circle = (chat.circle or Circle()).evolve(roles=roles)
    chat = _with(chat.evolve(person=person, circle=circle), None)
    chat = chat.evolve(conversation=chat.conversation.evolve(view=joining.role))
    changes: tuple[AnyChange, ...] = ()
    if joining.role == "coachee" or _coached(chat):
        changes += (RoleGranted(user_id=person.user_id, role="coachee"),)
    decision = _arrived(chat, joining, event, now)
    effects = (*before, ShowCommands(roles=roles), *decision.effects)
    return decision.evolve(changes=(*changes, *decision.changes), effects=effects)


def _arrived(chat: Chat, joining: Joining, event: Spoken, now: datetime) -> Decision:
    """What a person finds who is in."""
    if joining.session and joining.role == "coachee":
        return conversation.wanted(chat, event, now)
    if running(chat) is not None:
        back = Decision(chat=chat, effects=(say("joining.back"),))
        return back if chat.conversation.holding else asked(back, now)
    card = menu.show(chat, "home", now)
    key = "welcome" if joining.role == "coachee" else "joining.welcome"
    return card.evolve(effects=(say(key, name=chat.someone.name), *card.effects))


# ---- waiting for a parent


def _waited(chat: Chat, event: Spoken, now: datetime) -> Decision | None:
    """Somebody who waits did something: they hear how things stand, and nothing of it is kept."""
    if _old_enough(chat, now) or _agreed(chat):
        joining = chat.conversation.joining or Joining(step="parent")
        return _answered(event, _through(_with(chat, joining), event, None, now))
    if isinstance(event, ButtonPressed) and event.data.startswith("j:"):
        return None
    if chat.conversation.joining is not None and chat.conversation.joining.step == "invite":
        return _answered(event, _again(chat, now))
    return _answered(event, _waiting(chat, now))


def _waiting(chat: Chat, now: datetime) -> Decision:
    """How things stand, as a new card."""
    joining = (chat.conversation.joining or Joining(step="parent")).evolve(step="parent")
    return _put(_with(chat, joining), now)


def _asking_a_parent(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """A link for a parent, in a message of its own that can be sent on. One that was sent before is void."""
    me, joining = chat.someone.user_id, _joining(chat)
    made = InviteMade(
        invite_id=event.derived("invite"),
        role="parent",
        inviter_id=me,
        coachee_id=me,
        coach_id=None,
        kind="primary",
        expires_at=now + PARENT_DAYS,
        at=now,
    )
    void = (InviteRevoked(invite_id=joining.sent, at=now),) if joining.sent is not None else ()
    put = _put(_with(chat, joining.evolve(sent=made.invite_id)), now)
    until = local(made.expires_at, chat.someone.timezone).date()
    link = text_line("joining.parent.link", name=chat.someone.name, day=until)
    return put.keeping(*void, made).then(SendLink(invite_id=made.invite_id, screen=Screen(lines=(link,))))


# ---- the cards


def _joining(chat: Chat) -> Joining:
    joining = chat.conversation.joining
    assert joining is not None
    return joining


def _with(chat: Chat, joining: Joining | None) -> Chat:
    return chat.evolve(conversation=chat.conversation.evolve(joining=joining))


def _and(first: Decision, then: Decision) -> Decision:
    """Two decisions, the second of which was made on what the first leaves."""
    return Decision(chat=then.chat, changes=(*first.changes, *then.changes), effects=(*first.effects, *then.effects))


def _done(chat: Chat, line: Line) -> Edit:
    """The open card says what was answered."""
    return Edit(key=key_of(_joining(chat).card), screen=Screen(lines=(line,)))


def _next(chat: Chat, step: str, done: Line, now: datetime) -> Decision:
    """The open card says what was answered, and the next one asks."""
    edit = _done(chat, done)
    decision = _put(_with(chat, _joining(chat).evolve(step=step, card=0)), now)
    return decision.evolve(effects=(edit, *decision.effects))


def _put(
    chat: Chat,
    now: datetime,
    lead: Line | None = None,
    *,
    places: tuple[str, ...] = (),
    was: Joining | None = None,
) -> Decision:
    """The card of the step, as a new message. One that is open above it (it `was` at another step) loses its
    buttons."""
    joining = _joining(chat)
    above: tuple[AnyEffect, ...] = ()
    if joining.card:
        above = (Edit(key=key_of(joining.card), screen=Screen(lines=lines_of(chat, was or joining, "", now))),)
    number = chat.conversation.cards + 1
    joining = joining.evolve(card=number)
    chat = chat.evolve(conversation=chat.conversation.evolve(cards=number, joining=joining, awaiting=None))
    screen = _screen(chat, "", now, places)
    if lead is not None:
        screen = screen.evolve(lines=(lead, *screen.lines))
    return Decision(chat=chat, effects=(*above, Say(key=key_of(number), screen=screen)))


def _again(chat: Chat, now: datetime, lead: Line | None = None) -> Decision:
    """What is open is asked again, below. An invitation is put again by those who made it."""
    joining = _joining(chat)
    if joining.step != "invite":
        return _put(chat, now, lead)
    if invites.still_open(chat, now):
        return invites.again(chat)
    was = joining.was or Joining(step="language")
    if chat.access == "invite" and not was.bound:
        return left_outside(chat)
    return _put(_with(chat, was.evolve(card=0)), now, text_line("invite.void"))


def _edited(chat: Chat, view: str, now: datetime) -> Decision:
    """The open card shows another side."""
    shown = "" if view == "ask" else view
    return Decision(chat=chat, effects=(Edit(key=key_of(_joining(chat).card), screen=_screen(chat, shown, now)),))


def _went_back(chat: Chat, now: datetime) -> Decision:
    """The open card asks what was asked before it."""
    return _edited(_one_back(chat), "", now)


def _said_back(chat: Chat, now: datetime) -> Decision:
    """The same in words: the open card may be out of sight, so it is asked below."""
    if _joining(chat).step == "invite":
        return _again(chat, now)
    return _put(_one_back(chat), now, was=_joining(chat))


def _one_back(chat: Chat) -> Chat:
    joining = _joining(chat)
    return _with(chat, joining.evolve(step=BEFORE.get(joining.step, joining.step)))


def _screen(chat: Chat, view: str, now: datetime, places: tuple[str, ...] = ()) -> Screen:
    joining = _joining(chat)
    choices = choices_of(chat, joining, view, places)
    per_row = 2 if joining.step in ("language", "zone") else 1
    return Screen(lines=lines_of(chat, joining, view, now), choices=choices, per_row=per_row)
