"""Brings a database to the newest schema. Safe to run at every start and from several processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from plugin_server.db.session import owner_engine

LOCK = 7_410_001
"""The advisory lock that lets one process migrate while the others wait."""


def config() -> Config:
    """Alembic's settings, without a file: the migrations lie beside this module."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def migrate(url: str) -> None:
    """Bring the database at ``url`` up to date, as the role that the address names (it must own the tables)."""
    engine = owner_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
            connection.commit()
            made = config()
            made.attributes["connection"] = connection
            command.upgrade(made, "head")
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
            connection.commit()
    finally:
        engine.dispose()


def is_current(connection: Connection) -> bool:
    """True where the database stands at the newest migration this code knows."""
    return set(MigrationContext.configure(connection).get_current_heads()) == set(
        ScriptDirectory.from_config(config()).get_heads()
    )
