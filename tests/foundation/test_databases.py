"""The databases that tests are lent: whatever a test did, the next one finds what the migrations leave."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.databases import LARGE, Databases

BUSINESS = (
    "INSERT INTO merchant (name, email, timezone, currency) VALUES ('Kopi', 'a@b.example', 'UTC', 'IDR') RETURNING id"
)
MANY = "INSERT INTO merchant (name, email, timezone, currency) SELECT 'Kopi', 'a@b.example', 'UTC', 'IDR'"


def _run(databases: Databases, name: str, *statements: str) -> int:
    engine = create_engine(databases.url(name), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
        merchant: int = connection.execute(text(BUSINESS)).scalar_one()
    engine.dispose()
    return merchant


@pytest.mark.parametrize("copies", [1, 40_000], ids=["deleted", "truncated"])
def test_rows_go_and_numbers_begin_anew(databases: Databases, copies: int) -> None:
    name = databases.lend()
    assert _run(databases, name, f"{MANY} FROM generate_series(1, {copies})") == copies + 1
    databases.take_back(name)
    again = databases.lend()
    assert again == name
    assert _run(databases, again) == 1
    databases.take_back(again)


def test_a_large_table_is_one_that_deleting_would_leave_large() -> None:
    assert LARGE < 40_000 * 80


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE left_over (id int)",
        "ALTER TABLE merchant DISABLE ROW LEVEL SECURITY",
        "DROP INDEX ix_customer_first_name",
        "GRANT DELETE ON alembic_version TO tangga_app",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE OR REPLACE FUNCTION tangga_merchant_ids() RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    ],
)
def test_a_database_of_another_shape_is_not_lent_on(databases: Databases, change: str) -> None:
    name = databases.lend()
    _run(databases, name, change)
    databases.take_back(name)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        databases.connect(name)
    assert databases.lend() != name


def test_who_is_still_connected_is_cut_off(databases: Databases) -> None:
    name = databases.lend()
    with databases.connect(name) as left:
        left.execute("SELECT pg_advisory_lock(1)")
        databases.take_back(name)
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
