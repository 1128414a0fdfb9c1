"""One-time links: handed out, opened, confirmed, taken back.

The token is made as the link is sent and is nowhere; its hash finds the row. Opening a link binds nothing: who opened
it is told what it makes of them and who invites them, and says yes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from flows.acts import Act, myself, tied
from flows.changes import Audited, GuardianshipKept, InviteHashed, InviteMade, InviteRevoked, InviteUsed, RoleGranted
from flows.effects import (
    Acknowledge,
    AnyEffect,
    Choice,
    Edit,
    Say,
    Screen,
    SendLink,
    ShowCommands,
    Text,
    say,
    text_line,
)
from flows.events import ButtonPressed, Event, InviteOpened, LinkMinted, Spoken
from flows.ids import short_id
from flows.notices import tell
from flows.people import Circle, Guardianship, Invite, Role
from flows.rights import is_minor, refused
from flows.state import Chat, Decision, Joining
from flows.times import local

WORDS = {"own": "invite.own", "young": "invite.young", "standing": "joining.inactive"}
"""What is said of a link that cannot be used, by the reason; of all others that it does not work."""


def handed_out(
    chat: Chat,
    event: Event,
    role: Role,
    now: datetime,
    *,
    coachee: UUID | None = None,
    coach: UUID | None = None,
    text: str | None = None,
) -> tuple[InviteMade, SendLink]:
    """A link for somebody who is to get a role. `text`: the key of the words that come with it, to be forwarded."""
    person, expires = chat.someone, now + timedelta(days=chat.invite_days)
    made = InviteMade(
        invite_id=event.derived("invite"),
        role=role,
        inviter_id=person.user_id,
        coachee_id=coachee,
        coach_id=coach,
        kind="primary",
        expires_at=expires,
        at=now,
    )
    until = local(expires, person.timezone)
    lines = (text_line(text or f"link.{role}", name=person.name, until=until, link=""),)
    taking_back = Choice(data=f"p:0:{short_id(made.invite_id)}:void", label=Text(key="button.void"))
    return made, SendLink(invite_id=made.invite_id, screen=Screen(lines=lines, choices=(taking_back,)))


def minted(chat: Chat, event: LinkMinted) -> Decision:
    """A link was made as it is sent; one made before for the same message is void."""
    invite = chat.around.invite
    if invite is None or invite.used_at is not None:
        return Decision(chat=chat)
    return Decision(chat=chat, changes=(InviteHashed(invite_id=invite.invite_id, token_hash=event.token_hash),))


def opened(chat: Chat, event: InviteOpened, now: datetime) -> Decision:
    """A person who is known came by a link: they are told what it makes of them, and nothing is bound yet."""
    invite = chat.around.invite
    reason = _void(invite, chat, now)
    if invite is None or reason is not None:
        refusal = _refused(chat, event, reason or "unknown", invite, now)
        return Decision(chat=chat, changes=(refusal,), effects=(say(WORDS.get(reason or "", "invite.void")),))
    before = chat.conversation.joining
    was = before.was if before is not None and before.step == "invite" else before
    joining = Joining(step="invite", role=invite.role, invite=invite.invite_id, was=was)
    return _asked(chat.evolve(conversation=chat.conversation.evolve(joining=joining)), invite)


def still_open(chat: Chat, now: datetime) -> bool:
    """Whether the link that was opened and not answered yet can be used by this person."""
    return _void(chat.around.invite, chat, now) is None


def again(chat: Chat) -> Decision:
    """The question of that link, once more."""
    assert chat.around.invite is not None
    return _asked(chat, chat.around.invite)


def _asked(chat: Chat, invite: Invite) -> Decision:
    """What the link makes of the person, on a new card; one above it loses its meaning with its number."""
    joining, number = chat.conversation.joining, chat.conversation.cards + 1
    assert joining is not None
    numbered = joining.evolve(card=number)
    chat = chat.evolve(conversation=chat.conversation.evolve(joining=numbered, cards=number))
    buttons = tuple(
        Choice(data=f"j:{number}:invite:{code}", label=Text(key=f"invite.{code}")) for code in ("yes", "no")
    )
    key = "invite.ask" if invite.role == "coachee" else "invite.ask.grown"
    screen = Screen(lines=(text_line(key, what=_what(invite)),), choices=buttons)
    return Decision(chat=chat, effects=(Say(key=f"menu{number}", screen=screen),))


def _what(invite: Invite) -> Text:
    """What a link makes of who uses it, and who invites them."""
    args: dict[str, str | Text] = {"role": Text(key=f"role.{invite.role}")}
    key = "invite.as"
    if invite.role == "parent" and invite.coachee is not None:
        key, args["child"] = "invite.as.parent", invite.coachee.name
    elif invite.role == "coachee" and invite.coach is not None:
        key, args["coach"] = "invite.as.coachee", invite.coach.name
    by = Text(key="invite.by.operator")
    if invite.inviter is not None:
        themselves = invite.coachee is not None and invite.coachee.user_id == invite.inviter.user_id
        how = "self" if themselves else "coach" if invite.role in ("coachee", "parent") else "named"
        by = Text(key=f"invite.by.{how}", args={"name": invite.inviter.name})
    return Text(key=key, args={**args, "by": by})


def _void(invite: Invite | None, chat: Chat, now: datetime) -> str | None:
    """Why a link cannot be used by this person (None: it can). Whose link it is must still be theirs to give."""
    if invite is None:
        return "unknown"
    if not invite.open_at(now):
        return "used" if invite.used_at else "revoked" if invite.revoked_at else "expired"
    me = chat.someone
    if me.user_id in {other.user_id for other in (invite.coachee, invite.coach) if other is not None}:
        return "own"
    if me.standing == "inactive" or me.deletion_due_at is not None:
        return "standing"
    if invite.role != "coachee" and (me.standing == "waiting" or _young(me.birth_year, now)):
        return "young"
    return None if _stands(invite, now) else "revoked"


def _young(birth_year: int | None, now: datetime) -> bool:
    return birth_year is not None and is_minor(birth_year, now.year)


def _stands(invite: Invite, now: datetime) -> bool:
    """Whether everybody whom a link names is still here, and may still hand it out."""
    named = [person for person in (invite.inviter, invite.coachee, invite.coach) if person is not None]
    if any(person.standing == "inactive" or person.deletion_due_at is not None for person in named):
        return False
    if invite.guide is not None and "coach" not in invite.guide.roles:
        return False
    if invite.by is None:  # by the command line
        return True
    me, roles = invite.by.person.user_id, invite.by.roles
    if invite.about is not None and invite.about.person.user_id == me:  # somebody who asks their own parent
        return True
    return refused(f"invite_{invite.role}", me, roles, invite.about, now.year) is None


def answered(chat: Chat, event: ButtonPressed, now: datetime) -> tuple[Decision, bool] | None:
    """A press under the card of a link: what follows, and whether the person said yes. None where it is another's."""
    parts, joining = event.data.split(":"), chat.conversation.joining
    if len(parts) != 4 or parts[0] != "j" or parts[2] != "invite" or parts[3] not in ("yes", "no"):
        return None
    if joining is None or joining.invite is None or parts[1] != str(joining.card):
        return None
    key = f"menu{joining.card}"
    invite = chat.around.invite
    active = chat.someone.standing == "active"
    chat = chat.evolve(conversation=chat.conversation.evolve(joining=joining.was))
    ack: tuple[AnyEffect, ...] = (Acknowledge(press_id=event.press_id),) if event.press_id else ()
    if parts[3] == "no":
        shut = Edit(key=key, screen=Screen(lines=(text_line("invite.declined"),)))
        return Decision(chat=chat, effects=(*ack, shut)), False
    reason = _void(invite, chat, now)
    if invite is None or reason is not None:
        shut = Edit(key=key, screen=Screen(lines=(text_line(WORDS.get(reason or "", "invite.void")),)))
        return Decision(
            chat=chat, changes=(_refused(chat, event, reason or "unknown", invite, now),), effects=(*ack, shut)
        ), False
    if not active:
        chat = chat.evolve(conversation=chat.conversation.evolve(joining=_onward(joining, invite.role)))
    done = Edit(key=key, screen=Screen(lines=(text_line("invite.done", what=_what(invite)),)))
    bound = _bound(chat, event, invite, now)
    roles = tuple(dict.fromkeys((*chat.around.roles, invite.role)))
    view = invite.role if active else chat.conversation.view
    chat = chat.evolve(
        conversation=chat.conversation.evolve(view=view), circle=_with_them(chat, invite, bound).evolve(roles=roles)
    )
    commands = (ShowCommands(roles=roles),) if active else ()
    return Decision(chat=chat, changes=bound.changes, effects=(*ack, done, *commands, *bound.effects)), True


def _with_them(chat: Chat, invite: Invite, bound: Act) -> Circle:
    """The circle as it is after the yes: the card that follows shows who came into it."""
    me, around = myself(chat).person, chat.around.evolve(invite=None)
    for change in bound.changes:
        if isinstance(change, GuardianshipKept) and invite.coachee is not None:
            kept = Guardianship(
                guardianship_id=change.guardianship_id,
                parent=me,
                child=invite.coachee,
                active=True,
                agreed_at=change.agreed_at,
            )
            others = tuple(g for g in around.guardianships if g.guardianship_id != kept.guardianship_id)
            around = around.evolve(guardianships=(*others, kept))
    return around


def _onward(joining: Joining, role: Role) -> Joining:
    """Where the way in goes on after a yes. Who is on it as a coachee stays one: their age has to be asked."""
    if joining.was is None:
        return Joining(step="language", role=role, bound=True)
    stays = joining.was.bound and joining.was.role == "coachee"
    return joining.was.evolve(role="coachee" if stays else role, bound=True, card=0)


def _bound(chat: Chat, event: ButtonPressed, invite: Invite, now: datetime) -> Act:
    """The link is used up and makes of the person what it was for; who invited them is told."""
    me = chat.someone
    by = invite.inviter.user_id if invite.inviter is not None else None
    act = Act(
        changes=(
            InviteUsed(invite_id=invite.invite_id, used_by=me.user_id, at=now),
            Audited(
                audit_id=event.derived("audit"),
                at=now,
                action=f"join_{invite.role}",
                actor_id=me.user_id,
                subject_id=invite.coachee.user_id if invite.coachee else by,
            ),
        )
    )
    if invite.role != "coachee" or me.standing == "active":  # a coachee has to say first how old they are
        act = act.and_(Act(changes=(RoleGranted(user_id=me.user_id, role=invite.role, by=by),)))
    if invite.role == "coachee" and invite.coach is not None:
        mine = myself(chat)
        coaches = chat.around.coaches(me.user_id)
        taken = any(tie.kind == "primary" and tie.coach.user_id != invite.coach.user_id for tie in coaches)
        act = act.and_(tied(mine, invite.coach, "secondary" if taken else invite.kind, event, now))
    if invite.role == "parent" and invite.coachee is not None:
        act = act.and_(_parent(chat, event, invite, now))
    told = {other.user_id for other in (invite.coach, invite.coachee) if other is not None}
    if invite.inviter is not None and invite.inviter.user_id not in told:
        words = tell(
            invite.inviter, now, "told.joined", name=me.name, role=Text(key=f"role.{invite.role}"), informs=True
        )
        act = act.and_(Act(effects=words))
    return act


def _parent(chat: Chat, event: ButtonPressed, invite: Invite, now: datetime) -> Act:
    """A parent and a child from now on. It is no agreement yet: that is asked apart."""
    assert invite.coachee is not None
    me, child = chat.someone, invite.coachee
    known = next((g for g in chat.around.guardianships if g.child.user_id == child.user_id), None)
    keeping = GuardianshipKept(
        guardianship_id=known.guardianship_id if known else event.derived("guardianship"),
        parent_id=me.user_id,
        child_id=child.user_id,
        active=True,
        agreed_at=known.agreed_at if known and known.active else None,
        withdrawn_at=known.withdrawn_at if known else None,
        at=now,
    )
    return Act(changes=(keeping,), effects=tell(child, now, "told.parent", name=me.name))


def voided(chat: Chat, event: ButtonPressed, now: datetime) -> Decision:
    """A link that was not used is taken back."""
    invite = chat.around.invite
    assert invite is not None
    ack: tuple[AnyEffect, ...] = (Acknowledge(press_id=event.press_id),) if event.press_id else ()
    if not invite.open_at(now):
        return Decision(chat=chat, effects=(*ack, say("invite.past")))
    change = InviteRevoked(invite_id=invite.invite_id, at=now)
    audit = Audited(audit_id=event.derived("audit"), at=now, action="void", actor_id=chat.someone.user_id)
    return Decision(chat=chat, changes=(change, audit), effects=(*ack, say("invite.taken_back")))


def _refused(chat: Chat, event: Spoken, reason: str, invite: Invite | None, now: datetime) -> Audited:
    about = invite.coachee.user_id if invite is not None and invite.coachee is not None else None
    return Audited(
        audit_id=event.derived("audit"),
        at=now,
        action="open_link",
        actor_id=chat.someone.user_id,
        subject_id=about,
        outcome="refused",
        reason=reason,
    )
