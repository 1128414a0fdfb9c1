"""Who was forgotten, outside the database: the file beside it, and the commands."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, select
from typer.testing import CliRunner

from bot import tombstones as stones
from bot.cli import app
from storage import tables as t
from storage.personal import Tombstone, apply_tombstones, tombstones
from tests.playbook import START

GONE = [Tombstone(user_id=UUID(int=n), erased_at=START) for n in (1, 2)]


def test_a_line_that_was_half_written_spoils_no_other(tmp_path: Path) -> None:
    """What is added comes on a line of its own; what cannot be read is left out."""
    path = tmp_path / "gone"
    assert stones.read(path) == stones.read(None) == []
    stones.append(path, GONE[:1])
    path.write_text(path.read_text() + '{"user_id": "0000')
    stones.append(path, GONE[1:])
    assert stones.read(path) == GONE
    with pytest.raises(stones.UnreadableLineError, match="2"):
        stones.parsed(path.read_text())


def test_the_file_gets_what_it_has_not(engine: Engine, tmp_path: Path) -> None:
    """Each once, however often it is asked for."""
    path = tmp_path / "gone"
    apply_tombstones(engine, GONE[:1], START)
    assert [stones.add(path, engine), stones.add(path, engine), stones.add(None, engine)] == [1, 0, 0]
    apply_tombstones(engine, GONE, START)
    assert stones.add(path, engine) == 1
    assert stones.read(path) == GONE


def test_the_commands(database: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one prints the other applies: who is there again goes; a file that is none changes nothing."""
    monkeypatch.setenv("DATABASE_URL", database)
    run = CliRunner().invoke
    apply_tombstones(engine, GONE, START)
    printed = run(app, ["tombstones", "export"])
    assert printed.exit_code == 0
    path = tmp_path / "gone"
    path.write_text(printed.stdout)
    assert stones.read(path) == GONE
    with engine.begin() as connection:
        connection.execute(t.tombstones.delete())
        person = {"id": GONE[0].user_id, "telegram_id": 7, "name": "Zqback", "language": "en", "timezone": "UTC"}
        connection.execute(insert(t.users).values(**person, created_at=START))
    path.write_text(printed.stdout + "no tombstone\n")
    assert run(app, ["tombstones", "apply", str(path)]).exit_code == 2
    assert tombstones(engine) == []
    path.write_text(printed.stdout)
    for again in (1, 0):
        applied = run(app, ["tombstones", "apply", str(path)])
        assert applied.exit_code == 0
        assert f"forgotten: {again}." in applied.stdout
        assert "Zqback" not in applied.stdout
    with engine.connect() as connection:
        assert connection.execute(select(t.users)).first() is None
