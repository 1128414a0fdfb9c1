"""What a coachee lets their coach and their parents see, kind by kind. It holds from the press on."""

from __future__ import annotations

from datetime import datetime

from flows.changes import Audited
from flows.effects import Choice, Edit, Line, Screen, Text, acknowledge, text_line
from flows.events import ButtonPressed
from flows.ids import short_id
from flows.people import AUDIENCES, KINDS, Audience, Kind
from flows.rights import shares
from flows.state import Chat, Decision
from flows.times import local


def screen(chat: Chat, card: int, now: datetime) -> Screen:
    """The card: what each may see, and a button for each kind."""
    person = chat.someone
    circle = chat.circle
    lines = [Line(text=Text(key="sharing.title"), style="bold"), text_line("sharing.about")]
    buttons = []
    for audience in AUDIENCES:
        seen = shares(person.sharing, person.birth_year, audience, local(now, person.timezone).year)
        named = tuple(Text(key=f"kind.{kind}") for kind in seen) or (Text(key="kind.none"),)
        lines.append(text_line(f"sharing.{audience}", kinds=named))
        buttons += [
            Choice(
                data=f"h:{card}:{audience}:{kind}",
                label=Text(key=f"sharing.button.{audience}.{kind}"),
                marked=kind in seen,
            )
            for kind in KINDS
        ]
    if circle is not None:
        for tie in circle.coaches(person.user_id):
            lines.append(text_line(f"card.coach.{tie.kind}", name=tie.coach.name))
        for g in circle.parents(person.user_id):
            lines.append(text_line("card.parent", name=g.parent.name))
            data = f"p:{card}:{short_id(person.user_id)}:unlink?:{short_id(g.parent.user_id)}"
            buttons.append(Choice(data=data, label=Text(key="button.unlink", args={"name": g.parent.name})))
    lines.append(text_line("sharing.notes"))
    parent = Choice(data=f"p:{card}:{short_id(person.user_id)}:parent", label=Text(key="button.parent"))
    back = Choice(data=f"m:{card}:settings", label=Text(key="button.settings"))
    return Screen(lines=tuple(lines), choices=(*buttons, parent, back), per_row=2)


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press on the card (`h:<card>:<audience>:<kind>`). None where the data is not one of ours."""
    parts = event.data.split(":")
    if len(parts) != 4 or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 7):
        return None
    audience: Audience | None = next((a for a in AUDIENCES if a == parts[2]), None)
    kind: Kind | None = next((k for k in KINDS if k == parts[3]), None)
    card = int(parts[1])
    if audience is None or kind is None or not 0 < card <= chat.conversation.cards:
        return None
    person = chat.someone
    seen = shares(person.sharing, person.birth_year, audience, local(now, person.timezone).year)
    chosen = tuple(k for k in KINDS if (k in seen) != (k == kind))
    chat = chat.evolve(person=person.evolve(sharing={**person.sharing, audience: chosen}))
    audit = Audited(
        audit_id=event.derived("audit"),
        at=now,
        action="share" if kind in chosen else "unshare",
        actor_id=person.user_id,
        subject_id=person.user_id,
        reason=f"{audience} {kind}",
    )
    edit = Edit(key=f"menu{card}", screen=screen(chat, card, now))
    return Decision(chat=chat, changes=(audit,), effects=(*acknowledge(event.press_id), edit))
