"""`make eval`: the table of the built-in writer's scores, and of the model's that OPENAI_BASE_URL names."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from bench.evals.score import Score, scored
from bench.evals.walk import materials
from bot.model import Model, ModelFailedError, model_of
from bot.prompts import SUMMARY, prompt
from bot.settings import Settings
from bot.summarising import Answer, render_in, summarised
from flows.documents import Document, Material
from flows.plainly import plainly
from flows.spending import Spent

HEAD = (
    "session",
    "writer",
    "calls",
    "faults",
    "stood in",
    "grounded",
    "sections",
    "dates",
    "language",
    "words",
    "long",
    "messages",
    "tokens",
    "passed",
)
"""`faults` are what code found in each answer of the model, `stood in` the sections of which nothing held and that
are in the coachee's words: what is grounded after that says little about the model."""

SECTIONS = ("executive_summary", "key_insights", "goal_statement", "success_metrics", "support")


def main() -> int:
    """Print the table; 1 where a summary did not pass."""
    parser = argparse.ArgumentParser(prog="python -m bench.evals", description=__doc__)
    parser.add_argument("--prompt", default=SUMMARY, help="the version of the model's prompt")
    options = parser.parse_args()
    return asyncio.run(_evaluate(options.prompt))


async def _evaluate(version: str) -> int:
    settings = Settings()
    found = await materials()
    table = Table(*HEAD, title=f"20 sessions, prompt {version}")
    passed = []
    for name, material in found.items():
        document = _plain(material)
        passed.append(_row(table, name, "plain", scored(document, material), Made()))
    model = model_of(settings)
    if model is None:
        table.caption = "No OPENAI_API_KEY: the built-in writer only."
    else:
        for name, material in found.items():
            passed.append(await _by_model(table, name, model, material, version))
        await model.close()
    Console(width=150).print(table)
    return 0 if all(passed) else 1


@dataclass
class Made:
    """How a summary came about."""

    answers: list[Answer] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)
    stood_in: int = 0


def _plain(material: Material) -> Document:
    return plainly(material, render_in(material.language))


async def _by_model(table: Table, name: str, model: Model, material: Material, version: str) -> bool:
    """The row of the model's summary, or of why there is none."""
    made = Made()
    try:
        document = await summarised(model, material, prompt(version), made.spent, made.answers)
    except ModelFailedError as failure:
        made.spent.extend(failure.spent)
        faults = "; ".join(str(len(answer.faults)) for answer in made.answers)
        tokens = str(sum(s.tokens for s in made.spent))
        table.add_row(name, model.name, str(len(made.answers)), faults, failure.reason, *[""] * 7, tokens, "no")
        return False
    made.stood_in = sum(1 for part in SECTIONS if getattr(document, part) == getattr(_plain(material), part))
    return _row(table, name, model.name, scored(document, material), made)


def _row(table: Table, name: str, writer: str, score: Score, made: Made) -> bool:
    passed = score.passed and not made.stood_in
    table.add_row(
        name,
        writer,
        str(len(made.answers)),
        "; ".join(str(len(answer.faults)) for answer in made.answers),
        str(made.stood_in),
        f"{score.grounded}/{score.lines}",
        f"{score.sections}/6",
        "ok" if score.dates else "no",
        "ok" if score.language else "no",
        str(score.words),
        str(score.long),
        str(score.messages),
        str(sum(s.tokens for s in made.spent)),
        "yes" if passed else "no",
    )
    return passed


if __name__ == "__main__":
    raise SystemExit(main())
