"""What Alembic runs: on the connection it is handed, or (from its own command line) on DATABASE_URL."""

from __future__ import annotations

import os
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from storage.engine import connect
from storage.tables import Moment, metadata


def render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Our own types by their names in a written migration."""
    if kind == "type" and isinstance(item, Moment):
        autogen.imports.add("from storage.tables import Moment")
        return "Moment()"
    return False


def run(connection: Connection) -> None:
    """Run the migrations that were asked for."""
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, render_item=render)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with connect(os.environ.get("DATABASE_URL", "sqlite:///waymark.db")).begin() as own:
        run(own)
