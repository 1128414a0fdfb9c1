"""Who may do what. The matrix is data: for each action, the roles that may, and how they must stand to the person.

It is asked for every press and every word, about rows that are committed, whatever a button shows. What a refusal is
about is said in the audit log: the `role` is missing, the two are not `related`, or the coachee does not `share` it.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from flows.people import AUDIENCES, ROLES, Audience, Kind, Other, Role, Sharing, Subject
from flows.records import Record

Relation = Literal["anyone", "self", "coach", "parent"]
Refusal = Literal["role", "relation", "not_shared", "standing", "unknown"]


class Rule(Record):
    """One way to be allowed: by a role, in a relation to the person acted on; `shares`: if the coachee shares it."""

    role: Role
    relation: Relation = "anyone"
    shares: Kind | None = None


def _shown(kind: Kind) -> tuple[Rule, ...]:
    return (
        Rule(role="coach", relation="coach", shares=kind),
        Rule(role="parent", relation="parent", shares=kind),
    )


OPERATOR = Rule(role="operator")
OWN_COACHEE = Rule(role="coach", relation="coach")
OWN_CHILD = Rule(role="parent", relation="parent")
THEMSELVES = Rule(role="coachee", relation="self")
SEEING_PARENT = Rule(role="parent", relation="parent", shares="attendance")
ANYBODY = tuple(Rule(role=role) for role in ROLES)
MATRIX: dict[str, tuple[Rule, ...]] = {
    "invite_operator": (OPERATOR,),
    "invite_coach": (OPERATOR,),
    "invite_coachee": (Rule(role="coach"),),
    "invite_parent": (OWN_COACHEE, THEMSELVES),
    "coachees": (Rule(role="coach"),),
    "family": (Rule(role="parent"),),
    "people": (OPERATOR,),
    "card": (OPERATOR, OWN_COACHEE, OWN_CHILD, THEMSELVES),
    "summary": _shown("summary"),
    "plan": _shown("plan"),
    "answers": _shown("answers"),
    "ratings": _shown("ratings"),
    "attendance": _shown("attendance"),
    "notes": (OWN_COACHEE,),
    "note": (OWN_COACHEE,),
    "assign": (OPERATOR,),
    "assist": (OPERATOR,),
    "end_tie": (OPERATOR, OWN_COACHEE),
    "resume_tie": (OPERATOR,),
    "revoke_role": (OPERATOR,),
    "deactivate": (OPERATOR,),
    "activate": (OPERATOR,),
    "agree": (OWN_CHILD,),
    "withdraw": (OWN_CHILD,),
    "leave_family": (OWN_CHILD,),
    "unlink_parent": (OPERATOR, THEMSELVES),
    "agenda": ANYBODY,
    "sessions": (OPERATOR, OWN_COACHEE, THEMSELVES, SEEING_PARENT),
    "book_session": (OPERATOR, OWN_COACHEE, THEMSELVES, SEEING_PARENT),
    "plan_sessions": (OPERATOR, OWN_COACHEE),
    "move_session": (OPERATOR, OWN_COACHEE, THEMSELVES, SEEING_PARENT),
    "cancel_session": (OPERATOR, OWN_COACHEE, THEMSELVES, SEEING_PARENT),
    "decide_cancellation": (OPERATOR, THEMSELVES, OWN_CHILD),
    "report_call": (OPERATOR, OWN_COACHEE),
    "resolve_session": (OWN_COACHEE,),
    "lead_session": (OWN_COACHEE,),
    "begin_session": (THEMSELVES,),
    "hours": (Rule(role="coach"),),
    "resources": (OPERATOR,),
    "feed": ANYBODY,
}
"""What may be done, and by whom."""

EVERYONE = ("start", "help", "settings", "language", "timezone", "privacy", "export", "delete", "human", "cancel")
OF_ROLE: dict[Role, tuple[str, ...]] = {
    "coachee": ("session", "back", "skip", "why", "answers", "pause", "plan"),
    "coach": ("coachees", "agenda", "book"),
    "parent": ("family",),
    "operator": ("people",),
}
"""The commands of each role besides everyone's."""
GROWN = 18
"""From this age a coachee is an adult."""
YOUNG = 13
"""Below this age a parent sees the plan, too, unless the coachee chose otherwise."""


def commands_of(roles: tuple[Role, ...]) -> tuple[str, ...]:
    """The commands of a person of these roles, in the order in which a client lists them."""
    own = tuple(name for role in OF_ROLE if role in roles for name in OF_ROLE[role])
    return (EVERYONE[0], *own, *EVERYONE[1:])


def refused(
    action: str, actor: UUID, roles: tuple[Role, ...], subject: Subject | None = None, year: int = 0
) -> Refusal | None:
    """Why a person may not do this to another (None: they may). `year`: the current one.

    The reasons are those of the rule that comes nearest.
    """
    rules = MATRIX.get(action)
    if rules is None:
        return "unknown"
    nearest: Refusal = "role"
    for rule in rules:
        if rule.role not in roles:
            continue
        if not _related(rule.relation, actor, subject):
            nearest = "relation" if nearest == "role" else nearest
            continue
        if rule.shares is not None:
            assert subject is not None
            if not _shares(rule, subject, year):
                nearest = "not_shared"
                continue
        return None
    return nearest


def allowed_as(action: str, actor: UUID, roles: tuple[Role, ...], subject: Subject | None, year: int) -> set[Role]:
    """The roles of theirs by which a person may do this to another."""
    return {
        rule.role
        for rule in MATRIX.get(action, ())
        if rule.role in roles
        and _related(rule.relation, actor, subject)
        and (rule.shares is None or (subject is not None and _shares(rule, subject, year)))
    }


def _shares(rule: Rule, subject: Subject, year: int) -> bool:
    return rule.relation in AUDIENCES and rule.shares in shared(subject.person, rule.relation, year)


def _related(relation: Relation, actor: UUID, subject: Subject | None) -> bool:
    if relation == "anyone":
        return True
    if subject is None:
        return False
    me = subject.person.user_id
    if relation == "self":
        return actor == me
    if relation == "coach":
        return any(tie.active and tie.coachee.user_id == me and tie.coach.user_id == actor for tie in subject.ties)
    return any(g.active and g.child.user_id == me and g.parent.user_id == actor for g in subject.guardianships)


def shared(person: Other, audience: Audience, year: int) -> tuple[Kind, ...]:
    """What a coachee lets their coach or parent see: what they chose, else the default for their age."""
    return shares(person.sharing, person.birth_year, audience, year)


def shares(sharing: Sharing, birth_year: int | None, audience: Audience, year: int) -> tuple[Kind, ...]:
    """The same of a person's own record. Answers and ratings are nobody's unless the coachee says so."""
    if audience in sharing:
        return sharing[audience]
    if audience == "coach":
        return ("summary", "plan", "attendance")
    if birth_year is None or not is_minor(birth_year, year):
        return ()
    return ("plan", "attendance") if age(birth_year, year) < YOUNG else ("attendance",)


def age(birth_year: int, year: int) -> int:
    """How old a person born in that year surely is. Only the year is known: the birthday is taken to be to come."""
    return year - birth_year - 1


def is_minor(birth_year: int, year: int) -> bool:
    """Whether a person born in that year may be under age."""
    return age(birth_year, year) < GROWN
