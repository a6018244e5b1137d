"""The second wall: row-level security by merchant, for the role the application runs in."""

from __future__ import annotations

from alembic import op

APP_ROLE = "tangga_app"


def create_role() -> None:
    """Make the application's role (no log-in of its own, cannot bypass row-level security) and let us take it."""
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
                CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
    op.execute(f"GRANT SELECT ON alembic_version TO {APP_ROLE}")
    op.execute(
        "CREATE FUNCTION tangga_merchant() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS "
        "$$ SELECT nullif(current_setting('tangga.merchant', true), '')::bigint $$"
    )


def protect(*tables: str, column: str = "merchant_id") -> None:
    """Let the application see and write only the rows of the merchant its transaction names.

    The sub-select makes PostgreSQL read the setting once per statement and not once per row.
    """
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_merchant ON {table} TO {APP_ROLE} "
            f"USING ({column} = (SELECT tangga_merchant())) WITH CHECK ({column} = (SELECT tangga_merchant()))"
        )
        share(table)


def share(table: str) -> None:
    """Let the application read and write a table."""
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP_ROLE}")


def append_only(*tables: str) -> None:
    """Take the right to change or delete rows away from the application."""
    for table in tables:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {APP_ROLE}")


def route(name: str, arguments: str, returns: str, query: str) -> None:
    """A function that runs as the owner, for the few questions asked before the merchant is known."""
    op.execute(
        f"CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE sql STABLE SECURITY DEFINER "
        f"SET search_path = public AS $$ {query} $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name}({arguments}) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name}({arguments}) TO {APP_ROLE}")
