"""What the model costs: counted from the figures that its API gives with every answer, and held within a budget.

A day is a day in UTC, for a person and for the deployment alike. Over budget the plain writer serves, and says so.
"""

from __future__ import annotations

from typing import Literal

from flows.records import Record

Kind = Literal["summary", "reflect", "transcribe"]
"""What a call is for; also the kinds of the outbox's requests, but for the summary's."""


class Spent(Record):
    """One call's tokens. `cached` are those of the prompt that the server had already; they are part of `prompt`.

    `estimated`: the server gave no figures, or the call was broken off; then they are counted from what was sent.
    """

    kind: Kind
    model: str
    prompt: int
    completion: int
    cached: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """What counts against the budget."""
        return self.prompt + self.completion


class Budget(Record):
    """Tokens that may be spent in a day: on one person, and in the whole deployment. 0: as many as wanted."""

    person: int = 0
    deployment: int = 0

    def allows(self, by_person: int, by_all: int) -> bool:
        """Whether another call may be made after so many tokens."""
        return (not self.person or by_person < self.person) and (not self.deployment or by_all < self.deployment)
