"""What is laid out as a sheet comes out of the database as it went in, whatever it says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from plugin_server.db.ingest.staging import array, put, sheet
from tests.data.making import Shop

COLUMNS = (
    "seq bigint", "told text NOT NULL", "maybe text", "paid boolean", "at timestamptz", "pieces numeric",
    "codes text[]",
)  # fmt: skip
AWKWARD = st.sampled_from(
    ["", "\\N", "\\.", '"', "a,b", "a\r\nb", "\r", "'", "NULL", "{}", '{"a"}', "\\", "é\U0001f600"]
)
TEXT = st.one_of(AWKWARD, st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20))
ROWS = st.lists(
    st.tuples(
        TEXT,
        st.one_of(st.none(), TEXT.filter(bool)),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.integers(-(10**10), 10**11).map(lambda at: datetime.fromtimestamp(at, UTC))),
        st.one_of(st.none(), st.decimals(allow_nan=False, allow_infinity=False, places=4).map(Decimal.normalize)),
        st.lists(TEXT.map(str.strip).filter(bool), max_size=3),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_a_sheet_says_what_it_was_given(shop: Shop, rows: list[tuple[object, ...]]) -> None:
    laid = sheet("in_test", COLUMNS, [(seq, *row[:-1], array(row[-1])) for seq, row in enumerate(rows)])  # type: ignore[arg-type]

    def staged(connection: object) -> list[tuple[object, ...]]:
        put(connection, laid)  # type: ignore[arg-type]
        return [tuple(row) for row in connection.execute(text("SELECT * FROM in_test ORDER BY seq"))]  # type: ignore[attr-defined]

    assert shop.do(staged) == [(seq, *row) for seq, row in enumerate(rows)]


def test_what_the_database_cannot_hold_it_refuses_itself(shop: Shop) -> None:
    laid = sheet("in_test", ("told text NOT NULL",), [("half a \ud83d",)])
    with pytest.raises(psycopg.DataError):
        shop.do(lambda connection: put(connection, laid))
