"""The schema: one line of migrations, each reversible, equal to the models, every row walled in by merchant."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from plugin_server.db.migrate import config, is_current
from plugin_server.db.models import Base
from plugin_server.db.session import owner_engine

COLLATED = {"ix_customer_email_prefix", "ix_customer_phone_end", "ix_customer_first_name", "ix_customer_last_name"}
"""Reflection loses the collation of an index expression, so these look changed whenever they are compared."""


def test_the_migrations_stand_in_one_line() -> None:
    assert len(ScriptDirectory.from_config(config()).get_heads()) == 1


def test_the_migrated_schema_is_what_the_models_say(database: str) -> None:
    engine = owner_engine(database)
    with engine.connect() as connection:
        assert is_current(connection)
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert [change for change in found if getattr(change[1], "name", "") not in COLLATED] == []


def test_all_migrations_can_be_undone_and_done_again(database: str) -> None:
    """Step by step, down to nothing and up again: at each migration stand the functions that stood there before."""
    line = [found.revision for found in ScriptDirectory.from_config(config()).walk_revisions()]
    engine = owner_engine(database)
    with engine.connect() as connection:
        made = config()
        made.attributes["connection"] = connection

        def functions() -> list[str]:
            connection.commit()
            return list(connection.scalars(text(_FUNCTIONS)))

        going_down = {line[0]: functions()}
        for revision in line[1:]:
            command.downgrade(made, revision)
            going_down[revision] = functions()
        command.downgrade(made, "base")
        left = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        assert (left, functions()) == (["alembic_version"], [])
        for revision in reversed(line):
            command.upgrade(made, revision)
            assert functions() == going_down[revision], f"at {revision}"
    engine.dispose()


_FUNCTIONS = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"


def test_every_table_with_a_merchant_has_its_wall(database: str) -> None:
    engine = owner_engine(database)
    with engine.connect() as connection:
        walled = set(connection.scalars(text("SELECT tablename FROM pg_policies WHERE roles = '{tangga_app}'")))
        secured = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relrowsecurity")))
    engine.dispose()
    tables = {name for name, table in Base.metadata.tables.items() if "merchant_id" in table.c} | {"merchant"}
    assert tables <= walled
    assert tables <= secured
