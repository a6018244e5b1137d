"""Runs migrations on the connection that ``plugin_server.db.migrate`` hands over."""

from alembic import context

from plugin_server.db.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=False)
with context.begin_transaction():
    context.run_migrations()
