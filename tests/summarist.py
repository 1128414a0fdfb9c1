"""A model that writes summaries: true ones made of what it is given, and every way in which they go wrong.

`session_of` reads a request as the product sends it; `true_summary` answers any session in its language; `worded`
makes an answer from sentences of a test's own. FAULTS spoil a true answer, each in one way.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.playbook import Play
from tests.servers import ModelServer

Json = dict[str, Any]

SAID = {"en": "You said: {}", "es": "Dijiste: {}", "hi": "आपने कहा: {}", "ar": "قلت: {}"}
"""What a line of a true summary is: the coachee's words behind a few of ours."""
OTHERS = {
    "en": "Hoy hablaste de lo que te importa y de lo que vas a hacer con ello.",
    "es": "Today you talked about what matters to you and what you are going to do with it.",
    "hi": "Today you talked about what matters to you and what you are going to do with it.",
    "ar": "Today you talked about what matters to you and what you are going to do with it.",
}
"""A sentence in another language than the session's."""
INVENTED = {
    "en": "You will see a therapist about your sister.",
    "es": "Vas a ver a un terapeuta por tu hermana.",
    "hi": "आप अपनी बहन के लिए चिकित्सक से मिलेंगे।",
    "ar": "ستزور المعالج من أجل أختك.",
}
"""What nobody said."""
THEME = "One friendly face"
"""What Mira's summary is headed."""


def stage(database: str, model: ModelServer, **more: Any) -> Play:
    """A stage with a model at its settings."""
    told = {"openai_api_key": model.api_key, "openai_base_url": model.base_url, "openai_model": "test-model"}
    return Play(database, **told, **more)


def session_of(body: Json) -> Json:
    """The session in a request for a summary."""
    found: Json = json.loads(body["messages"][1]["content"])
    return found


def source(session: Json, *fields: str) -> list[Json]:
    """Citations of the newest turn of each field, with all of its words."""
    newest = {turn["field"]: turn for turn in session["turns"]}
    return [{"turn": newest[f]["id"], "quote": newest[f]["text"]} for f in fields if f in newest]


def line(session: Json, text: str, *fields: str) -> Json:
    """A line that cites the turns of some fields."""
    return {"text": text, "sources": source(session, *fields)}


def item(session: Json, step: Json, **other: Any) -> Json:
    """An entry of the action plan about a step, true but for what is given."""
    turns = [t for t in session["turns"] if t["field"] in ("step_what", "adjust_what") and t["text"] == step["what"]]
    return {
        "step": step["step"],
        "title": " ".join(step["what"].split()[:8])[:100],
        "description": SAID[session["language"]].format(step["what"])[:400],
        "due": step["due"],
        "priority": "high",
        "sources": [{"turn": turns[-1]["id"], "quote": step["what"]}],
        "milestones": [],
        **other,
    }


def true_summary(session: Json) -> Json:
    """A summary in which every line is the coachee's own words."""
    said = SAID[session["language"]]
    newest = {turn["field"]: turn["text"] for turn in session["turns"]}

    def lines(*fields: str) -> list[Json]:
        return [line(session, said.format(newest[f][:400]), f) for f in fields if f in newest]

    return {
        "theme": " ".join(newest["topic"].split()[:5])[:60],
        "executive_summary": lines("topic", "problem_statement", "goal_statement"),
        "key_insights": lines("option_insights", "key_learnings"),
        "goal_statement": line(session, said.format(newest["goal_statement"]), "goal_statement"),
        "action_plan": [item(session, step) for step in session["steps"]],
        "success_metrics": [
            {
                "what": said.format(newest["measurable"][:200]),
                "baseline": f"{newest['current_state_rating']} / 10",
                "target": newest["goal_statement"][:200],
                "how": newest["measurable"][:200],
                "sources": source(session, "measurable", "current_state_rating", "goal_statement"),
            }
        ],
        "support_and_accountability": lines(
            "accountability_method", "support", "contingency_plans", "commitment_level"
        ),
    }


def worded(session: Json, **other: Any) -> Json:
    """Mira's summary as a good writer would word it; `other` replaces parts."""
    [step, *_] = session["steps"]
    return {
        "theme": THEME,
        "executive_summary": [
            line(session, "You get stuck when everybody looks.", "problem_statement", "obstacles"),
            line(session, "You found that one face is enough.", "key_learnings"),
        ],
        "key_insights": [line(session, "You never tried just one face.", "option_insights")],
        "goal_statement": line(session, "You read one page aloud.", "goal_statement"),
        "action_plan": [
            item(session, step, title="Read to my cousin", description="You read the page to your cousin.")
        ],
        "success_metrics": [
            {
                "what": "Reading one page to the end",
                "baseline": "3 of 10",
                "target": "one page aloud by 30 November",
                "how": "You get to the end.",
                "sources": source(session, "measurable", "current_state_rating", "goal_statement"),
            }
        ],
        "support_and_accountability": [line(session, "Your cousin asks you.", "accountability_method")],
        **other,
    }


def written(**other: Any) -> Callable[[Json], Json]:
    """A model that writes Mira's summary as it should; `other` replaces parts, and may look at the session."""

    def answer(body: Json) -> Json:
        session = session_of(body)
        return worded(session, **{k: v(session) if callable(v) else v for k, v in other.items()})

    return answer


Fault = Callable[[Json, Json, Random], Json | str]


def _invented_quote(session: Json, good: Json, random: Random) -> Json:
    part = random.choice(["executive_summary", "key_insights", "support_and_accountability"])
    turn = random.choice(session["turns"])["id"]
    made_up = {
        "text": INVENTED[session["language"]],
        "sources": [{"turn": turn, "quote": "my sister and the therapist"}],
    }
    return {**good, part: [*good[part], made_up]}


def _invented_item(session: Json, good: Json, random: Random) -> Json:
    title = INVENTED[session["language"]]
    number = random.choice([-1, 7, 99, len(session["steps"]) + 1])
    turn = random.choice(session["turns"])
    made_up = {
        "step": number,
        "title": title,
        "description": title,
        "due": "2026-12-24",
        "priority": 5,
        "sources": [{"turn": turn["id"], "quote": turn["text"]}],
        "milestones": [],
    }
    return {**good, "action_plan": [*good["action_plan"], made_up]}


def _reworded_item(session: Json, good: Json, random: Random) -> Json:
    first = {**good["action_plan"][0], "title": INVENTED[session["language"]], "description": "777"}
    return {**good, "action_plan": [first, *good["action_plan"][1:]]}


def _other_turn(session: Json, good: Json, random: Random) -> Json:
    """A true quote, of another turn."""
    turns = session["turns"]
    wrong = next(t for t in reversed(turns) if t["field"] != "topic")
    text = next(t["text"] for t in turns if t["field"] == "topic")
    bad = {"text": INVENTED[session["language"]], "sources": [{"turn": wrong["id"], "quote": text}]}
    return {**good, "key_insights": [bad]}


def _wrong_date(session: Json, good: Json, random: Random) -> Json:
    year = random.choice(["2025", "2027", "1926"])
    items = [{**i, "due": f"{year}{i['due'][4:]}" if i["due"] else f"{year}-11-27"} for i in good["action_plan"]]
    said = good["executive_summary"][0]
    dated = {**said, "text": f"{said['text']} 17.03.{year}"}
    return {**good, "action_plan": items, "executive_summary": [dated, *good["executive_summary"][1:]]}


def _wrong_language(session: Json, good: Json, random: Random) -> Json:
    text = OTHERS[session["language"]]
    parts = ("executive_summary", "key_insights", "support_and_accountability")
    spoiled = {part: [{**one, "text": text} for one in good[part]] for part in parts}
    goal = {**good["goal_statement"], "text": text}
    items = [{**i, "title": text[:60], "description": text} for i in good["action_plan"]]
    metrics = [{**m, "what": text, "target": text, "how": text} for m in good["success_metrics"]]
    return {**good, **spoiled, "goal_statement": goal, "action_plan": items, "success_metrics": metrics}


def _missing_section(session: Json, good: Json, random: Random) -> Json:
    part = random.choice([name for name in good if name != "theme"])
    if random.random() < 0.5:
        return {name: value for name, value in good.items() if name != part}
    empty: Any = {"text": "", "sources": []} if part == "goal_statement" else []
    return {**good, part: empty}


def _too_long(session: Json, good: Json, random: Random) -> Json:
    said = good["key_insights"][0]
    if random.random() < 0.5:
        return {**good, "key_insights": [{**said, "text": f"{said['text']} " * 60}]}
    return {**good, "key_insights": [said] * 400, "action_plan": good["action_plan"] * 50}


def _truncated(session: Json, good: Json, random: Random) -> str:
    whole = json.dumps(good, ensure_ascii=False)
    return whole[: random.randrange(len(whole))]


def _foreign(session: Json, good: Json, random: Random) -> Json:
    more = random.choice(
        ["https://example.org/x", "@some_helper", "+49 170 5551234", "[here](http://x.y)", "<b>now</b>"]
    )
    said = good["support_and_accountability"][0]
    return {**good, "support_and_accountability": [{**said, "text": f"{said['text']} {more}"}]}


def _another_day(session: Json, good: Json, random: Random) -> Json:
    """A day that nobody named, in the goal and in a step."""
    goal = {**good["goal_statement"], "text": f"{good['goal_statement']['text']} 24.12.2026"}
    items = [{**one, "description": f"{one['description']} 24.12."} for one in good["action_plan"]]
    return {**good, "goal_statement": goal, "action_plan": items}


def _wrong_baseline(session: Json, good: Json, random: Random) -> Json:
    """Another rating than the one that was given, in a number or in words of its own."""
    rated = next(int(turn["text"]) for turn in session["turns"] if turn["field"] == "current_state_rating")
    other = random.choice([n for n in range(1, 10) if n != rated])
    return {**good, "success_metrics": [{**one, "baseline": f"{other} / 10"} for one in good["success_metrics"]]}


def _suggestion(session: Json, good: Json, random: Random) -> Json:
    """What the model adds of its own, said as such: allowed, and kept only if it is taken on."""
    title = INVENTED[session["language"]]
    extra = {
        "step": 0,
        "title": title,
        "description": title,
        "due": "",
        "priority": "low",
        "sources": [],
        "milestones": [],
    }
    return {**good, "action_plan": [*good["action_plan"], *[extra] * random.choice([1, 5])]}


def _not_json(session: Json, good: Json, random: Random) -> str:
    return random.choice(["", "null", "[]", "Certainly! Here it is: {", "```json\n{}\n```", '{"a":' * 3000])


FAULTS: dict[str, Fault] = {
    "true": lambda session, good, random: good,
    "invented quote": _invented_quote,
    "invented item": _invented_item,
    "reworded item": _reworded_item,
    "quote of another turn": _other_turn,
    "wrong date": _wrong_date,
    "another day": _another_day,
    "wrong baseline": _wrong_baseline,
    "wrong language": _wrong_language,
    "missing section": _missing_section,
    "too long": _too_long,
    "truncated": _truncated,
    "links and markup": _foreign,
    "suggestion": _suggestion,
    "not JSON": _not_json,
}
"""Each: a session, its true summary and a seeded Random, to what the model says."""


def spoiled(body: Json, fault: str, seed: int) -> Json | str:
    """The answer to a request, gone wrong in one way."""
    session = session_of(body)
    return FAULTS[fault](session, true_summary(session), Random(seed))
