"""What an operator watches on /metrics: numbers, of no person. Those of the model are read from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC
from typing import get_args

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.threads import Threads
from flows.spending import Budget, Kind
from storage.usage import totals

log = structlog.get_logger()

SECONDS = 2.0
"""How long the page waits for the database; without it the model's figures of today are left out."""


class Meters:
    """The gauges, and the page that shows them."""

    def __init__(self, engine: Engine, threads: Threads, clock: Clock, budget: Budget) -> None:
        self._engine, self._threads, self._clock = engine, threads, clock
        self._registry = CollectorRegistry()
        self._tokens = self._today("tokens", "tokens spent since 00:00 UTC")
        self._calls = self._today("calls", "calls since 00:00 UTC")
        self.shows(
            "model_budget_tokens_per_day", "tokens that may be spent in a UTC day, 0: any", lambda: budget.deployment
        )

    def shows(self, name: str, about: str, value: Callable[[], float]) -> None:
        """Show what `value` gives at the moment, as waymark_NAME."""
        Gauge(f"waymark_{name}", about, registry=self._registry).set_function(value)

    async def page(self) -> bytes:
        """The page, in the text format of Prometheus."""
        try:
            today = self._clock.now().astimezone(UTC).date()
            found = await asyncio.wait_for(self._threads.run(totals, self._engine, today), SECONDS)
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("the model's use is not readable", error=type(error).__name__)
            self._tokens.clear()
            self._calls.clear()
        else:
            for kind in get_args(Kind):
                self._tokens.labels(kind).set(sum(used.tokens for used in found if used.kind == kind))
                self._calls.labels(kind).set(sum(used.calls for used in found if used.kind == kind))
        return generate_latest(self._registry)

    def _today(self, name: str, about: str) -> Gauge:
        return Gauge(f"waymark_model_{name}_today", about, ["kind"], registry=self._registry)
