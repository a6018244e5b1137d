"""A shop with a points programme."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from campaigns.points.program import Program, parse_program
from plugin_server.db.points import programme as points
from tests.data.making import Shop


def program(**told: Any) -> Program:
    """One point for every 10 rupiah since 2020, spendable after 14 days, ending a year later."""
    standard: dict[str, Any] = {
        "since": date(2020, 1, 1),
        "earn": [{"kind": "amount", "points": 1, "per": "10"}],
        "point_value": "1",
        "pending_days": 14,
        "expires_days": 365,
        "rewards": [{"key": "five", "name": {"en": "Rp 500 off"}, "points": 500, "kind": "fixed", "value": "500"}],
    }
    return parse_program(standard | told)


@pytest.fixture
def points_shop(shop: Shop) -> Shop:
    """The shop of a test, with ``program()`` in force."""
    shop.do(lambda conn: points.save_program(conn, shop.merchant, program(), by="owner@example.com"))
    return shop
