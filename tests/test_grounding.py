"""What a model makes up is not kept: 200 seeded answers, true and spoiled, in four languages, through the server.

Nothing that is not the coachee's becomes an item by itself, whatever the model says; what is served is checked here
again, by other means than the product's.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec
import pytest
from sqlalchemy import select

from bench.evals.walk import begin, walk
from flows.documents import Document, material_of
from storage import tables as t
from tests.coachee import answers, conversation, session
from tests.playbook import Coachee, Play
from tests.servers import ModelServer
from tests.summarist import FAULTS, INVENTED, OTHERS, spoiled, stage

SEEDS = range(50)
PEOPLE = ("en-5", "es-4", "hi-1", "ar-5")
NEVER = ("24.12", "17.03", "2027", "1926", "2025", "example.org", "@helper", "555", "x.y", "<b>", "777")


@pytest.mark.parametrize("name", PEOPLE)
async def test_fifty_answers_of_a_model(database: str, name: str) -> None:
    """True, invented quotes and items, wrong dates, wrong language, missing sections, too long, cut off, refusals."""
    async with (
        ModelServer(answer=lambda body: spoiled(body, "true", 0)) as model,
        stage(database, model, model_listens=False, model_tokens_person_day=0) as play,
    ):
        person, given = await begin(play, name)
        await walk(play, person, given)
        learned = given["key_learnings"]
        for seed in SEEDS:
            kind = (*FAULTS, "refusal")[seed % (len(FAULTS) + 1)]
            await _written_anew(play, person, model, kind, seed, learned)
            assert play.rows(select(t.action_plans)) == [], kind
            _check_document(play, person, kind)
        await _confirm_own(play, person)
        said = _said(play, person)
        rows = play.rows(select(t.action_plans))
        assert len(rows) == len(given["step_what"] if isinstance(given["step_what"], list) else [0])
        for row in rows:
            assert _plain(row.description) in said
            assert row.origin == "coachee"


async def _written_anew(play: Play, person: Coachee, model: ModelServer, kind: str, seed: int, learned: str) -> None:
    """An answer is corrected, the summary asked for anew, and the model's answer spoiled in one way, both times."""
    model.set_mode("refusal" if kind == "refusal" else "ok")
    model.answer = lambda body: spoiled(body, kind if kind in FAULTS else "true", seed)
    asked = len(model.requests)
    await person.edits(learned, f"{learned} {'.' * (seed + 1)}")
    await person.press_data("m:0:anew")
    assert len(model.requests) - asked in ((1,) if kind in ("true", "refusal") else (1, 2)), kind
    if session(play, person).summary == "written":
        return
    model.set_mode("ok")  # it is back, a minute later
    model.answer = lambda body: spoiled(body, "true", seed)
    await play.script("-- 1 minute")
    assert session(play, person).summary == "written", kind


def _check_document(play: Play, person: Coachee, kind: str) -> None:
    """Every line rests on words that the person said, and holds nothing of what the model makes up."""
    newest = select(t.summaries).order_by(t.summaries.c.version.desc()).limit(1)
    [row] = play.rows(newest)
    document = msgspec.convert(row.document, Document)
    language = person.sender.language
    material = material_of(row.session_id, language, "UTC", play.clock.now(), answers(play, person))
    turns = {turn.n: _plain(turn.text) for turn in material.turns}
    own_items = [item for item in document.action_plan if not item.suggested]
    lines = [*document.executive_summary, *document.key_insights, document.goal_statement, *document.support]
    texts = [line.text for line in lines] + [text for i in own_items for text in (i.title, i.description)]
    texts += [text for m in document.success_metrics for text in (m.what, m.baseline, m.target, m.how)]
    for sources in (line.sources for line in (*lines, *own_items, *document.success_metrics)):
        assert sources, kind
        for source in sources:
            assert _plain(source.quote) in turns[source.turn], kind
    said = " ".join(turns.values())
    for text in texts:
        assert INVENTED[language] not in text, kind
        assert OTHERS[language] not in text, kind
        assert not [never for never in NEVER if never in text and never not in said], (kind, text)
        assert len(text) <= 600, kind
    assert [i.due and i.due.isoformat() for i in own_items] == [s.get("by_when") for s in material.steps], kind
    assert all((document.executive_summary, document.key_insights, document.success_metrics, document.support)), kind
    rating = str(material.of(2, "current_state_rating"))
    measured = document.success_metrics[0].baseline
    assert set(re.findall(r"\d+", measured)) <= {rating, "10"}, kind
    assert len([i for i in document.action_plan if i.suggested]) <= 2


async def _confirm_own(play: Play, person: Coachee) -> None:
    """Their own items are kept, a suggestion is left out."""
    for _ in range(20):
        plan = conversation(play, person).plan
        if plan is None:
            return
        place = next((n for n, d in enumerate(plan.drafts, 1) if d.choice == "open"), None)
        if place is None:
            await person.press_data(f"d:{plan.card}:confirm")
        else:
            act = "drop" if plan.drafts[place - 1].suggested else "keep"
            await person.press_data(f"d:{plan.card}:{place}:{act}")
    raise AssertionError("the plan is not confirmed")


def _said(play: Play, person: Coachee) -> str:
    return " ".join(_plain(turn.text) for kept in answers(play, person).values() for turn in kept.turns)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).casefold().strip()
