"""Connections. Every unit of work opens one transaction as one merchant; row-level security is the second wall.

The application never connects as the owner of the tables: each connection takes the role ``tangga_app`` at start-up
(and falls back to it on RESET ROLE), which cannot bypass row-level security.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

APP_ROLE = "tangga_app"


def psycopg_url(url: str) -> str:
    """``postgres://`` and ``postgresql://`` addresses as SQLAlchemy wants them for psycopg 3."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def owner_engine(url: str) -> Engine:
    """An engine as the given role itself: for migrations only."""
    return create_engine(psycopg_url(url), pool_size=1, max_overflow=1, hide_parameters=True)


def app_engine(url: str, *, pool_size: int = 5) -> Engine:
    """The engine of web, worker and commands, in the role that row-level security binds."""
    # Where a COPY breaks off the driver logs a row of it, with names and addresses. The error itself is raised to us.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    return create_engine(
        psycopg_url(url),
        pool_size=pool_size,
        max_overflow=5,
        hide_parameters=True,  # the values of a failed statement are people's addresses, and errors go into logs
        pool_pre_ping=True,
        connect_args={
            "options": f"-c role={APP_ROLE} -c timezone=UTC",
            "application_name": "tangga",
            "connect_timeout": 10,
        },
    )


def intake_engine(url: str) -> Engine:
    """Like ``app_engine`` for single statements that are their own transaction, with no round trip besides.

    A connection that has died is noticed by using it: the caller tries once more.
    """
    return create_engine(
        psycopg_url(url),
        pool_size=5,
        max_overflow=5,
        hide_parameters=True,  # the values of a failed statement are people's addresses, and errors go into logs
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "options": f"-c role={APP_ROLE} -c timezone=UTC",
            "application_name": "tangga-intake",
            "connect_timeout": 10,
        },
    )


@contextmanager
def tenant(engine: Engine, merchant_id: int) -> Iterator[Connection]:
    """One transaction as one merchant: commits at the end of the block, rolls back on an exception."""
    with engine.begin() as connection:
        connection.execute(text("SELECT set_config('tangga.merchant', :id, true)"), {"id": str(merchant_id)})
        yield connection


@contextmanager
def lookups(engine: Engine, merchant_id: int) -> Iterator[Connection]:
    """``tenant`` for work that looks up few rows of large tables again and again, as sending does.

    Nothing here reads a table through, sorts it or joins it as a whole, and no plan is kept that was made for other
    figures: a run's share of the table changes with every request, and statistics lag behind it.
    """
    with engine.begin() as connection:
        connection.execute(text(_LOOKUPS), {"id": str(merchant_id)})
        yield connection


_WHOLE = ("seqscan", "bitmapscan", "sort", "incremental_sort", "hashjoin", "mergejoin")
_LOOKUPS = "SELECT set_config('tangga.merchant', :id, true), set_config('plan_cache_mode', 'force_custom_plan', true), "
_LOOKUPS += ", ".join(f"set_config('enable_{way}', 'off', true)" for way in _WHOLE)
"""To the end of the transaction."""


@contextmanager
def system(engine: Engine) -> Iterator[Connection]:
    """One transaction as nobody: sees only what belongs to no merchant, and the routing functions."""
    with engine.begin() as connection:
        yield connection


def merchant_ids(engine: Engine) -> list[int]:
    """All merchants, for work that goes round them one by one."""
    with system(engine) as connection:
        return list(connection.scalars(text("SELECT tangga_merchant_ids()")))


def merchant_of_store(engine: Engine, store_id: int) -> int | None:
    """Whose store this is; None where there is no such store."""
    with system(engine) as connection:
        found: int | None = connection.scalar(text("SELECT tangga_store_merchant(:id)"), {"id": store_id})
        return found
