"""Who may do what: every button about people by everybody who may not, and buttons that nobody ever showed.

What is expected is written down here apart from `flows.rights`, by hand and for each person of the village.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from flows.cards import ASKED_FIRST, CHANGING, SHOWING, UNNAMED
from flows.ids import short_id
from flows.needs import LOOKS
from flows.rights import MATRIX, commands_of, refused
from storage import tables as t
from tests.playbook import Coachee, Play
from tests.village import button, held, id_of, refusals, village

OPERATORS = {"card", "coaches", "assign", "assist", "end", "resume", "off", "on", "revoke", "unlink"}
COACHES = {"card", "summary", "plan", "attendance", "notes", "note", "parent", "end"}
"""Of their own coachees, as long as these have chosen nothing else."""
PARENTS = {"card", "terms", "agree", "withdraw", "leave"}
"""Of their own children, who are grown up here and have chosen nothing else."""
SELF = {"card", "parent", "unlink"}
NAMED = tuple(act for act in (*SHOWING, *CHANGING) if act not in UNNAMED)
WITH_A_SECOND = ("assign", "assist", "end", "resume", "unlink")

MAY: dict[tuple[str, str], set[str]] = {
    ("Ana", "Mira"): COACHES,
    ("Cleo", "Tom"): COACHES,
    ("Paula", "Mira"): PARENTS,
    ("Sam", "Tom"): PARENTS,
}
UNNAMED_MAY = {
    "Olga": {"people", "find", "invite:coach", "invite:operator"},
    "Ana": {"coachees", "invite:coachee"},
    "Ben": {"coachees", "invite:coachee"},
    "Cleo": {"coachees", "invite:coachee"},
    "Paula": {"family"},
    "Rita": {"family"},
    "Sam": {"family"},
}


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """The village."""
    async with Play(database) as made:
        await village(made)
        yield made


def may(actor: str, subject: str) -> set[str]:
    """What somebody may do about somebody."""
    own = SELF if actor == subject else set()
    return own | (OPERATORS if actor == "Olga" else set()) | MAY.get((actor, subject), set())


def second_for(act: str, play: Play) -> Coachee | str:
    """Somebody for the acts that name two: a coach, or a parent."""
    if act == "unlink":
        return play.coachee("Paula")
    return play.coachee("Ben") if act in WITH_A_SECOND else "parent" if act == "revoke" else ""


async def test_every_button_by_everybody_who_may_not(play: Play) -> None:
    """Nothing changes, nothing is shown, and the audit log has each."""
    screens = {name: len(person.screen) for name, person in play.people.items()}
    before, count, tried = held(play), len(refusals(play)), 0
    for actor, person in play.people.items():
        for subject in ("Mira", "Ana", "Olga", "Paula"):
            for act in sorted(set(NAMED) - may(actor, subject)):
                for asks in ("", "?") if act in ASKED_FIRST else ("",):
                    data = button(play, play.coachee(subject), act + asks, second_for(act, play))
                    await person.press_data(data)
                    tried += 1
                    assert len(data) <= 64
        unnamed = {*UNNAMED, *(f"invite:{role}" for role in ("coachee", "coach", "operator", "parent", "king"))}
        for act in sorted(unnamed - UNNAMED_MAY.get(actor, set()) - {"invite"}):
            await person.press_data(f"p:0::{act}")
            tried += 1
    assert held(play) == before
    assert len(refusals(play)) - count == tried
    assert tried > 1000
    assert {name: len(person.screen) for name, person in play.people.items()} == screens


async def test_every_command_by_everybody_who_may_not(play: Play) -> None:
    """A command of a role that is not theirs does nothing, and says so."""
    before, count, tried = held(play), len(refusals(play)), 0
    for actor, person in play.people.items():
        for command in ("coachees", "family", "people"):
            if command not in UNNAMED_MAY.get(actor, set()):
                await person.command(command)
                tried += 1
                assert person.screen[-1].text.startswith("That is not yours to do")
    assert held(play) == before
    assert len(refusals(play)) - count == tried


async def test_a_coach_ends_nobody_elses_coaching(play: Play) -> None:
    """Of their own coachee they end their own part, not another coach's."""
    await play.coachee("Olga").press_data(button(play, play.coachee("Mira"), "assist", play.coachee("Cleo")))
    before = held(play)
    await play.coachee("Ana").press_data(button(play, play.coachee("Mira"), "end", play.coachee("Cleo")))
    assert held(play) == before
    assert refusals(play)[-1].reason == "relation"


async def test_who_is_neither_coach_nor_coachee_is_not_tied(play: Play) -> None:
    """An operator cannot make a coach of somebody by assigning them, nor a coachee of a parent who is none."""
    olga, before = play.coachee("Olga"), held(play)
    for coachee, coach in (("Mira", "Tom"), ("Mira", "Mira"), ("Mira", "Paula")):
        await olga.press_data(button(play, play.coachee(coachee), "assign", play.coachee(coach)))
    await olga.press_data(f"{button(play, play.coachee('Mira'), 'assign')}:{short_id(uuid4())}")
    assert held(play) == before


SEEDS = range(400)


async def test_forged_and_mutated_buttons_of_outsiders_change_nothing(play: Play) -> None:
    """Every button that anybody was shown, changed at random, pressed by somebody it was never for."""
    shown = sorted({data for p in play.people.values() for s in p.screen for data in s.buttons.values()})
    acts = [button(play, play.coachee(who), act, second_for(act, play)) for who in ("Mira", "Tom") for act in NAMED]
    outsiders = [play.coachee("Nina"), play.coachee("Rita")]
    ids = {id_of(play, person) for person in outsiders}
    before, count, about_people = others(play, ids), len(refusals(play)), 0
    for seed in SEEDS:
        chance = random.Random(seed)
        data = mutated(chance, chance.choice([*shown, *acts, *acts]))
        own = any(short_id(user_id) in data for user_id in ids)
        if own or not data.startswith(("p:", "j:")) or data.split(":")[2:] == ["", "family"]:
            continue
        await chance.choice(outsiders).press_data(data)
        about_people += 1
        assert len(refusals(play)) - count == about_people, data
    assert others(play, ids) == before
    assert len(refusals(play)) - count == about_people
    assert about_people > 150


def mutated(chance: random.Random, data: str) -> str:
    """A button's data with something else in it."""
    match chance.randrange(6):
        case 0:
            return data
        case 1:
            place = chance.randrange(len(data))
            return data[:place] + chance.choice("abAB09:_?-\u202e💥 ") + data[place + 1 :]
        case 2:
            return data[: chance.randrange(len(data) + 1)]
        case 3:
            return data + chance.choice((":", ":x", "?", "A" * 60, "\n"))
        case 4:
            parts = data.split(":")
            chance.shuffle(parts)
            return ":".join(parts)
        case _:
            return data.replace(":0:", f":{chance.choice((1, 7, 99999, 10**9, -1, '٣'))}:")


def others(play: Play, ids: set[Any]) -> dict[str, Any]:
    """All that is held, without the rows of some people themselves."""
    return {name: [row for row in rows if not any(str(i) in row for i in ids)] for name, rows in held(play).items()}


# ---- the matrix


def test_the_matrix_names_every_act() -> None:
    """An act without a rule is allowed to nobody, so it would be of no use."""
    from flows import agenda
    from flows.cards import ACTIONS

    assert set(ASKED_FIRST) < set(CHANGING)
    acts = {ACTIONS.get(act, act) for act in (*SHOWING, *CHANGING) if act != "invite"}
    acts |= {f"invite_{role}" for role in ("operator", "coach", "coachee", "parent")}
    assert acts | set(agenda.ACTIONS.values()) == set(MATRIX)


def test_what_the_matrix_does_not_name_is_refused() -> None:
    """Whatever it is called, and whatever roles one has."""
    assert refused("anything", uuid4(), ("operator", "coach", "parent", "coachee")) == "unknown"


@settings(max_examples=300, deadline=None)
@given(
    action=st.sampled_from(sorted(MATRIX)), roles=st.sets(st.sampled_from(("coachee", "coach", "parent", "operator")))
)
def test_without_a_relation_only_operators_and_the_unnamed_are_allowed(action: str, roles: set[str]) -> None:
    """Nobody is somebody's coach or parent by their role alone."""
    held_roles: Any = tuple(sorted(roles))
    allowed = refused(action, uuid4(), held_roles) is None
    anyone = {rule.role for rule in MATRIX[action] if rule.relation == "anyone"}
    assert allowed == bool(anyone & roles)
    if allowed and "operator" not in roles:
        assert action in ("invite_coachee", "coachees", "family", "agenda", "hours", "feed")


def test_nobody_but_their_own_people_reads_what_a_coachee_said() -> None:
    """No operator, and nobody without its being shared."""
    for kind in (*LOOKS,):
        for rule in MATRIX[kind]:
            assert rule.relation in ("coach", "parent")
            assert rule.shares == kind or (kind == "notes" and rule.role == "coach")


def test_the_commands_of_roles() -> None:
    """Each role's are there with everyone's, in one order."""
    assert commands_of(("coach", "coachee"))[:2] == ("start", "session")
    assert {"coachees", "agenda", "book"} == set(commands_of(("coach",))) - set(commands_of(()))
    assert "people" not in commands_of(("coachee", "coach", "parent"))


async def test_the_audit_log_holds_no_words(play: Play) -> None:
    """Actions and reasons are ours."""
    await play.coachee("Nina").press_data("p:0:secret words of mine:card")
    await play.coachee("Nina").press_data("totally secret")
    rows = play.rows(select(t.audit_log))
    assert rows
    assert "secret" not in repr([tuple(row) for row in rows])
