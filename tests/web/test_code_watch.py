"""Codes used by strangers, as the owner looks at them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.proof.conftest import Past, past
from tests.web.conftest import Visitor
from tests.web.test_browser import Looker, address, looker

__all__ = ["address", "looker", "past"]
CODES = (
    """INSERT INTO offer_code (merchant_id, run_id, customer_id, store_id, code, state, kind, value, currency, email,
           expires_at, generation)
       SELECT :m, :r, 1 + g, :s, 'EID-' || g, 'revoked', 'percentage', 10, 'IDR', 'p1@example.com', '2027-01-01', 0
       FROM generate_series(1, 3) g""",
    """INSERT INTO code_leak (merchant_id, offer_code_id, order_id, state, reason, detail, found_at)
       SELECT :m, c.id, (SELECT min(id) FROM shop_order), s.state, s.reason, '', '2026-03-01'
       FROM offer_code c JOIN (VALUES ('EID-1', 'person', 'again'), ('EID-2', 'closed', 'expired'),
                                      ('EID-3', 'found', '')) AS s(code, state, reason) ON s.code = c.code""",
)


@pytest.fixture
def leaked(past: Past, app: Services) -> Past:
    """One leak of each sort."""
    with tenant(app.engine, past.merchant) as conn:
        for statement in CODES:
            conn.execute(text(statement), {"m": past.merchant, "s": past.store, "r": past.runs[0]})
    return past


def test_a_person_decides_once(leaked: Past, app: Services, logged_in: Callable[[str], Visitor]) -> None:
    marketer = logged_in("marketer")
    assert "1 code that leaked waits for your decision." in marketer.get("/home").get_data(as_text=True)
    shown = marketer.get("/codes/leaked").get_data(as_text=True)
    assert shown.index("EID-1") < shown.index("EID-3") < shown.index("EID-2")
    with tenant(app.engine, leaked.merchant) as conn:
        number = conn.scalar(text("SELECT id FROM code_leak WHERE state = 'person'"))
    assert marketer.post(f"/codes/leaked/{number}", {"wish": "nonsense"}).status_code == 400
    for sentence in ("Left as it is.", "Somebody has decided on this already."):
        marketer.post(f"/codes/leaked/{number}", {"wish": "leave"})
        assert sentence in marketer.get("/codes/leaked").get_data(as_text=True)
    assert "that leaked" not in marketer.get("/home").get_data(as_text=True)
    viewer = logged_in("viewer")
    viewer.get("/codes/leaked")
    assert viewer.post(f"/codes/leaked/{number}", {"wish": "leave"}).status_code == 403


@pytest.mark.browser
@pytest.mark.parametrize(("size", "language"), [("phone", "nl"), ("desk", "id")])
def test_leaks_in_a_browser(leaked: Past, looker: Callable[..., Looker], size: str, language: str) -> None:
    eye = looker(size, language)
    eye.look("/codes/leaked")
