"""What only members get: refused to others at both tills, and to a member whose membership ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from campaigns.ladder.ladders import Review
from campaigns.offers.till import Line
from campaigns.schema import parse
from connectors.types import CodeResult, CodeSpec
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import card
from plugin_server.db.ladder import rungs, versions
from plugin_server.db.offers import withdrawn
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
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


@dataclass
class Slow:
    """The shop's counter, with something happening while it is asked for codes."""

    store: Any
    meanwhile: Callable[[], object]

    def create_codes(self, codes: Sequence[CodeSpec]) -> list[CodeResult]:
        self.meanwhile()
        made: list[CodeResult] = self.store.create_codes(codes)
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_a_rung_lost_by_itself_takes_the_codes_with_it_the_one_being_made_too(
    here: tuple[Services, Outside], merchant: int, counterpart: Counterpart
) -> None:
    """One of three falls while the shop makes the codes, one by a review weeks later; the third has used theirs."""
    app, world = here
    campaign = parse(document(OFFER | {"code_prefix": "LOST"}))

    def ask(sql: str) -> list[Any]:
        with tenant(app.engine, merchant) as conn:
            return [tuple(row) for row in conn.execute(text(sql))]

    def falls() -> None:
        ask("UPDATE customer_facts SET rung = 'customer' WHERE customer_id = 3 RETURNING 1")
        watch(app, world, merchant)

    with tenant(app.engine, merchant) as conn:
        reviewed = rungs.shop(conn, merchant).ladder.model_copy(update={"review": Review(every="month", grace_days=0)})
        versions.save(conn, merchant_id=merchant, new=reviewed, by="test", now=NOW)
        conn.execute(text("UPDATE customer_facts SET rung = 'member'"))
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        run_id = runs.open_now(conn, merchant, campaign.key, "test", NOW)
    slow = Slow(counterpart.counter.store, falls)
    assert runs.advance(app, replace(world, store=lambda _: slow), merchant, run_id) == "done"  # type: ignore[arg-type, return-value]
    assert ask("SELECT state FROM offer_code ORDER BY customer_id") == [("issued",), ("issued",), ("withdrawn",)]
    lost = "no_code: rung: the customer lost the rung that the offer is for"
    assert ask("SELECT state, reason FROM message WHERE customer_id = 3") == [("skipped", lost)]
    codes = {who: (code, email) for who, code, email in ask("SELECT customer_id, code, email FROM offer_code")}
    goods = [Line(counterpart.goods["VTC-30"], 2)]
    watch(app, world, merchant)
    assert counterpart.order(goods, {}, codes[3][0], email=codes[3][1]) is None
    budget = "SELECT b.issued_minor = sum(c.liability_minor) FROM offer_budget b, offer_code c WHERE c.customer_id IN "
    assert ask(f"{budget} (1, 2) GROUP BY b.issued_minor") == [(True,)]

    def climb_at(days: int) -> None:
        with tenant(app.engine, merchant) as conn:
            climb.everybody(conn, merchant_id=merchant, now=NOW + timedelta(days=days))

    assert counterpart.order(goods, {}, codes[1][0], email=codes[1][1]) is not None
    ask(
        "INSERT INTO redemption (merchant_id, store_id, order_id, offer_code_id, code, redeemed_at) "
        "SELECT merchant_id, store_id, 1, id, code, now() FROM offer_code WHERE customer_id = 1 RETURNING 1"
    )
    climb_at(0)
    with tenant(app.engine, merchant) as conn:
        assert not withdrawn.waiting(conn), "they still stand there until the review"
    climb_at(32)
    assert ask("SELECT rung FROM customer_facts WHERE customer_id < 3") == [("customer",)] * 2
    with tenant(app.engine, merchant) as conn:
        assert withdrawn.waiting(conn)
    watch(app, world, merchant)
    assert counterpart.order(goods, {}, codes[2][0], email=codes[2][1]) is None
    assert ask("SELECT state FROM offer_code ORDER BY customer_id") == [("issued",), ("revoked",), ("revoked",)]
    assert ask(f"{budget} (1) GROUP BY b.issued_minor") == [(True,)]
