"""The page that shows the tables of `stages`: each stage's diagram, its steps and fields, and its exits."""

from __future__ import annotations

from flows.questions import BANK
from flows.stages import CIRCLES_CLOSE, EXITS, KEEP, SELF, TRANSITIONS, Transition
from flows.steps import FIRST_STEP, STEPS, Answer, Day, Pick, Scale, Several, Stage, Step, Words

HEAD = """\
# The conversation, as it is decided

Generated from `flows/steps.py`, `flows/stages.py` and `flows/questions.py` by `make docs`; a test fails when this
page is not current.

An arrow without a label is taken when none of the labelled ones is. From every step one can also go back, change an
earlier answer, pause or stop; those are not drawn. A stage is left only when its exits hold: one that does not leads
to the step mending it. `wordings` counts the ways in which a question can be put. Options named under `leads back`
are no longer offered once the stage has had the number of answers given above its table.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([HEAD, *(part for stage in Stage for part in _stage(stage))])


def _stage(stage: Stage) -> list[str]:
    steps = [step for step in STEPS.values() if step.stage == stage]
    names = {step.name for step in steps}
    rows = [row for row in TRANSITIONS if row.source in names]
    return [
        f"## {int(stage)} {stage.name.replace('_', ' ').title()}",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *([f"    [*] --> {FIRST_STEP}"] if stage == Stage.CHECK_IN else []),
        *(f"    {_arrow(row)}" for row in rows),
        "```",
        "",
        f"Nothing leads back after {CIRCLES_CLOSE[stage]} answers.",
        "",
        "| step | takes | fills | may be skipped | leads back | wordings |",
        "|---|---|---|---|---|---|",
        *(
            f"| {step.name} | {_takes(step.takes)} | {_fills(step)} | {'yes' if step.skip else ''} |"
            f" {', '.join(step.circles)} | {_wordings(step)} |"
            for step in steps
        ),
        "",
        "Left when:",
        "",
        *(f"- {rule.holds} (else: {rule.mend})" for rule in EXITS if rule.stage == stage),
        "",
    ]


def _arrow(row: Transition) -> str:
    target = row.to or "[*]"
    notes = [row.when or ""]
    if row.round != "same":
        notes.append("next round" if row.round == "next" else "the chosen one")
    if row.returns and row.returns != KEEP:
        notes.append("and back here" if row.returns == SELF else f"and back to {row.returns}")
    label = ", ".join(note for note in notes if note)
    return f"{row.source} --> {target}" + (f": {label}" if label else "")


def _takes(answer: Answer) -> str:
    match answer:
        case Scale():
            return "1 to 10"
        case Pick(options=options):
            return "one of " + ", ".join(options)
        case Several(options=options):
            return "several of " + ", ".join(options) + "; or words"
        case Words(instead=instead):
            return "words" + (f"; or {', '.join(instead)}" if instead else "")
        case Day(instead=instead):
            return "a day" + (f"; or {', '.join(instead)}" if instead else "")


def _fills(step: Step) -> str:
    return f"`{step.fills.replace('[+]', '[]')}`" if step.fills else ""


def _wordings(step: Step) -> str:
    if step.name.endswith("_check"):
        return "1"
    name = "topic_clarify" if step.name == "topic_clarify_again" else step.name
    families = [family for family in BANK if family == name or family.startswith(f"{name}.")]
    return ", ".join(str(len(BANK[family])) for family in families)
