"""What only members get: refused to others at both tills, and to a member whose membership ended."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from campaigns.offers.till import Line
from campaigns.schema import parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import card
from plugin_server.db.offers import withdrawn
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.giving import membership
from plugin_server.jobs.giving.code_watch import watch
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.offers.shops import NOW, Counterpart
from tests.offers.test_runs import document, here

__all__ = ["here"]

OFFER: dict[str, Any] = {"kind": "member_only", "value": "20", "products": ["VTC-30"], "budget": "500000"}


def test_a_member_gets_it_nobody_else_and_no_more_once_the_membership_ended(
    here: tuple[Services, Outside],
    merchant: int,
    counterpart: Counterpart,
) -> None:
    app, world = here
    campaign = parse(document(OFFER))
    with tenant(app.engine, merchant) as conn:
        conn.execute(
            text("UPDATE customer_facts SET rung = CASE WHEN customer_id < 3 THEN 'member' ELSE 'shopper' END")
        )
        conn.execute(text("UPDATE customer SET member_since = '2026-01-01', member_number = 'N' || id WHERE id < 3"))
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        run_id = runs.open_now(conn, merchant, campaign.key, "test", NOW)
    assert runs.advance(app, world, merchant, run_id) == "done"

    def ask(sql: str) -> list[Any]:
        with tenant(app.engine, merchant) as conn:
            return [tuple(row) for row in conn.execute(text(sql))]

    codes = ask("SELECT customer_id, state, error FROM offer_code ORDER BY 1")
    others = "rung: the offer is for member, advocate, raving_fan alone"
    assert codes == [(1, "issued", ""), (2, "issued", ""), (3, "failed", others)]
    (one, of_one), (two, of_two) = ask("SELECT code, email FROM offer_code WHERE state = 'issued' ORDER BY customer_id")
    [(stranger,)] = ask("SELECT email FROM customer WHERE id = 3")
    goods = [Line(counterpart.goods["VTC-30"], 2)]
    assert counterpart.order(goods, {}, one, email=stranger) is None
    assert counterpart.order(goods, {}, one, email=of_one) == 178_000 * 4 // 5
    [(before,)] = ask("SELECT issued_minor FROM offer_budget")
    with tenant(app.engine, merchant) as conn:
        assert membership.end(conn, merchant, 2, by="owner@example.com", now=NOW)
        mine = card.card(conn, 2, NOW)
    assert mine is not None
    assert mine.offers == []
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET state = 'disconnected'"))
        assert not withdrawn.waiting(conn)
    watch(app, world, merchant)
    assert ask("SELECT state FROM offer_code WHERE customer_id = 2") == [("withdrawn",)]
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET state = 'connected'"))
        assert withdrawn.waiting(conn)
    watch(app, world, merchant)
    assert counterpart.order(goods, {}, two, email=of_two) is None
    assert ask("SELECT state FROM offer_code WHERE customer_id = 2") == [("revoked",)]
    assert ask("SELECT issued_minor FROM offer_budget") == [(before // 2,)]
