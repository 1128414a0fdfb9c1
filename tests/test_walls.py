"""The walls: flows is pure, storage has all SQL, bot has all I/O. Read off the imports and names of the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOWS = sorted((ROOT / "flows").rglob("*.py"))
STORAGE = sorted((ROOT / "storage").rglob("*.py"))
BOT = sorted((ROOT / "bot").rglob("*.py"))

PURE = {
    *("__future__", "base64", "binascii", "collections", "dataclasses", "datetime", "enum", "functools"),
    *(
        "dateutil",
        "itertools",
        "json",
        "re",
        "typing",
        "unicodedata",
        "uuid",
        "zoneinfo",
        "msgspec",
        "pydantic",
        "flows",
    ),
}
"""All that flows may import. Time zones are read from files by zoneinfo, once, as data."""


def imports(path: Path) -> Iterator[str]:
    """The top-level modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import hides where it goes"
            yield (node.module or "").split(".")[0]


def calls(path: Path) -> Iterator[str]:
    """The names that a file calls, dotted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("path", FLOWS, ids=lambda p: p.name)
def test_flows_is_pure(path: Path) -> None:
    """No I/O, no clock, no async, nothing of ours but flows."""
    assert set(imports(path)) <= PURE
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(tree))
    clock = {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "open",
        "print",
        "input",
        "uuid4",
        "uuid1",
    }
    assert not set(calls(path)) & clock


@pytest.mark.parametrize("path", STORAGE, ids=lambda p: p.name)
def test_storage_knows_nothing_of_the_outside(path: Path) -> None:
    """No Telegram, no model, no web, nothing of bot; and it takes the time, it does not read it."""
    assert not set(imports(path)) & {
        "bot",
        "telegram",
        "openai",
        "aiohttp",
        "starlette",
        "apscheduler",
        "asyncio",
        "tests",
    }
    assert not set(calls(path)) & {"datetime.now", "datetime.utcnow", "date.today"}


@pytest.mark.parametrize("path", BOT, ids=lambda p: p.name)
def test_bot_writes_no_sql(path: Path) -> None:
    """Queries are in storage; bot may hold an engine, and knows the errors of a database that is away."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            allowed = {"Engine", "OperationalError", "InterfaceError", "SQLAlchemyError"}
            assert {alias.name for alias in node.names} <= allowed
        if isinstance(node, ast.ImportFrom) and node.module == "storage":
            assert "tables" not in {alias.name for alias in node.names}
        assert not (isinstance(node, ast.ImportFrom) and node.module == "storage.tables")


@pytest.mark.parametrize("path", [p for p in BOT if p.name != "clock.py"], ids=lambda p: p.name)
def test_only_the_clock_reads_the_clock(path: Path) -> None:
    """Time is passed in."""
    assert not set(calls(path)) & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}


def test_the_product_does_not_need_its_tests() -> None:
    """Nothing of the product imports tests or bench."""
    for path in (*FLOWS, *STORAGE, *BOT):
        assert not set(imports(path)) & {"tests", "bench"}, path
