"""What was measured, as a table and as ratios with what design.md asks of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench import machine
from bench.systems import System

if TYPE_CHECKING:
    from bench.answers import Measured, Rounds

RESULTS = Path(__file__).parent / "results"
HEAD = ("system", "answers/s (min-max)", "p50 ms", "p99 ms", "alone p50 ms", "calls an answer", "bot CPU", "rest CPU")


@dataclass(frozen=True)
class Wanted:
    """A ratio that design.md section 7 lists: `one` over `other`, at least or at most `reach`."""

    about: str
    one: str
    other: str
    field: str
    reach: float
    at_most: bool = False

    def of(self, rounds: Rounds) -> float | None:
        """The median of the rounds' ratios; None where a system was left out."""
        if not all(self.one in found and self.other in found for found in rounds):
            return None
        return median(
            getattr(found[self.one], self.field) / getattr(found[self.other], self.field) for found in rounds
        )

    def reached(self, ratio: float) -> bool:
        """Whether that is enough."""
        return ratio <= self.reach if self.at_most else ratio >= self.reach


WANTED = (
    Wanted("answers/s, SQLite : ConversationHandler", "sqlite", "conversation", "rate", 4.0),
    Wanted("p99, SQLite : ConversationHandler", "sqlite", "conversation", "p99", 1.0, at_most=True),
    Wanted("answers/s, PostgreSQL : ConversationHandler", "postgresql", "conversation", "rate", 3.0),
    Wanted("answers/s, SQLite : bare echo", "sqlite", "echo", "rate", 2.5),
    Wanted("answers/s, PostgreSQL : bare echo", "postgresql", "echo", "rate", 2.5),
    Wanted("alone, SQLite : ConversationHandler", "sqlite", "conversation", "alone", 0.8, at_most=True),
    Wanted("alone, PostgreSQL : ConversationHandler", "postgresql", "conversation", "alone", 0.8, at_most=True),
)
NOTES = (
    "An answer counts when the message that follows from it has arrived at the Bot API server. Waymark's coachees"
    " walk whole five-stage sessions, summary, plan and reviews included; /session itself and the plan's buttons are"
    " not counted as answers.",
    "For each answer Waymark also changes the answered message (its buttons go, the choice is shown) and"
    " acknowledges each press; the peers only send. `calls an answer` counts every Bot API call, getUpdates too.",
    "Waymark replies after the commit. ConversationHandler writes its file every 60 s and at the end, which falls"
    " into no measured window; the echo keeps nothing.",
    "Ratios are medians of the rounds' own ratios. CPU is the share of a core in the measured window; `rest` is the"
    " Bot API server with all coachees in it, plus PostgreSQL's processes for this database.",
)


class Told:
    """A finished run, for telling."""

    def __init__(
        self, chosen: list[System], rounds: Rounds, options: argparse.Namespace, cores: machine.Cores, seconds: float
    ) -> None:
        self._chosen, self._rounds, self._options, self._cores = chosen, rounds, options, cores
        self._seconds = seconds

    def text(self) -> str:
        """For the terminal."""
        rows = [HEAD, *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(
            ["", *lines, "", *self._ratios(), "", *self._warnings(), *self._calls(), "", self._how(), *NOTES]
        )

    def markdown(self) -> str:
        """For results/."""
        rows = [HEAD, tuple("---" for _ in HEAD), *self._rows()]
        table = ["| " + " | ".join(row) + " |" for row in rows]
        about = f"{datetime.now(UTC):%Y-%m-%d}, {machine.about()}."
        listed = [f"- {line}" for line in (*self._ratios(), *self._warnings(), *self._calls(), *NOTES)]
        return "\n".join(["# Answers per second", "", about, self._how(), "", *table, "", *listed, ""])

    def _rows(self) -> list[tuple[str, ...]]:
        return [self._row(system) for system in self._chosen]

    def _row(self, system: System) -> tuple[str, ...]:
        found = [measured[system.name] for measured in self._rounds]
        rates = [m.rate for m in found]

        def middle(of: Callable[[Measured], float]) -> float:
            return median(of(m) for m in found)

        return (
            system.title,
            f"{median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})",
            f"{middle(lambda m: m.p50):.1f}",
            f"{middle(lambda m: m.p99):.1f}",
            f"{middle(lambda m: m.alone):.2f}",
            f"{middle(lambda m: m.calls):.2f}",
            f"{middle(lambda m: m.bot_cpu):.0%}",
            f"{middle(lambda m: m.rest_cpu):.0%} + {middle(lambda m: m.database_cpu):.0%}",
        )

    def _ratios(self) -> list[str]:
        lines = []
        for wanted in WANTED:
            ratio = wanted.of(self._rounds)
            if ratio is None:
                continue
            sign = "<=" if wanted.at_most else ">="
            verdict = "reached" if wanted.reached(ratio) else "NOT reached"
            lines.append(f"{wanted.about}: {ratio:.2f} (wanted {sign} {wanted.reach:g}): {verdict}")
        return lines

    def _warnings(self) -> list[str]:
        lines = []
        for system in self._chosen:
            found = [measured[system.name] for measured in self._rounds]
            if any(m.lost for m in found):
                counts = ", ".join(f"{m.replied} replied, {m.kept} kept, {m.given} given" for m in found)
                lines.append(f"WRONG: {system.title}: the database disagrees: {counts}")
            if stuck := sum(m.stuck for m in found):
                lines.append(f"WRONG: {system.title}: {stuck} coachees waited in vain")
            if max(m.rest_cpu + m.database_cpu for m in found) > 0.9:
                lines.append(f"CAREFUL: {system.title}: the other core was full: the figure may be the load's limit")
            if not all(m.database_moved for m in found):
                lines.append(f"CAREFUL: {system.title}: PostgreSQL's processes could not be kept off the bot's core")
        kept = sum(m.kept or 0 for found in self._rounds for m in found.values())
        if kept and not any("disagrees" in line for line in lines):
            lines.append(f"Every answer that was replied to was found in its database afterwards ({kept} in all).")
        return lines

    def _calls(self) -> list[str]:
        lines = []
        for system in self._chosen:
            calls = self._rounds[-1][system.name].by_method
            lines.append(f"Calls an answer, {system.title}: {', '.join(f'{k} {v:.2f}' for k, v in calls.items())}")
        return lines

    def _how(self) -> str:
        options = self._options
        command = f"python -m bench answers --chats {options.chats} --seconds {options.seconds:g}"
        command += f" --rounds {options.rounds}" + (" --typing" if options.typing else "")
        pinned = (
            "the bot on one core; the Bot API server, the coachees and PostgreSQL's backends on another"
            if self._cores.pinned
            else "nothing pinned to a core"
        )
        return f"`{command}`: {options.chats} coachees at once, {pinned}; {self._seconds:.0f} s in all."


def write(name: str, text: str) -> None:
    """Keep the last result."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
