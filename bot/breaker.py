"""The circuit breaker: a model that is down is left alone for a while, instead of being waited for by everybody.

    closed --5 failures in a row--> open for 60 s --then one call is tried--> closed if it succeeds, else open again

Ours, because of those libraries that are kept up none is async without a framework and takes a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.model import FailureReason, ModelFailedError

MOST_FAILURES = 5
OPEN = timedelta(seconds=60)
DOWN: tuple[FailureReason, ...] = ("unavailable", "timeout", "limited")
"""The failures that count. One of another kind says neither that the model is well nor that it is down."""


class Breaker:
    """Shared by all calls of a process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._until: datetime | None = None
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether the model counts as down: from the failures that opened it until a call succeeds."""
        return self._until is not None

    @contextmanager
    def guarding(self, *, patient: bool = True) -> Iterator[None]:
        """Around a call. Raises ModelFailedError("unavailable") at once where it may not be made.

        One that is not `patient` gives up after seconds: that it took too long says nothing about the model.
        """
        trial = self._let_through()
        try:
            yield
        except ModelFailedError as failure:
            if failure.reason in DOWN and (patient or failure.reason != "timeout"):
                self._failed(trial)
            raise
        else:
            self._failures, self._until = 0, None
        finally:
            if trial:  # also one that was cancelled: the next call is the trial then
                self._trying = False

    def _let_through(self) -> bool:
        """Whether the call is a trial."""
        if self._until is None:
            return False
        if self._trying or self._clock.now() < self._until:
            raise ModelFailedError("unavailable")
        self._trying = True
        return True

    def _failed(self, trial: bool) -> None:
        self._failures += 1
        if trial or (self._until is None and self._failures >= MOST_FAILURES):
            self._until = self._clock.now() + OPEN
