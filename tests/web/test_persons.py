"""Two customers who are one, and back; answers given elsewhere; a life on one thread without a gap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from plugin_server.db.customers import merges, timeline, topics
from plugin_server.db.ingest.staging import analyse
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from tests.data.making import DAY, Shop, order
from tests.points.conftest import program
from tests.web.conftest import Visitor
from tests.web.test_browser import Looker, address, looker

__all__ = ["address", "looker"]


@pytest.fixture
def pair(shop: Shop) -> tuple[int, int]:
    """Ani, who bought twice, and Ani as a guest under her Gmail address with a dot, who bought once."""
    days = [DAY + timedelta(days=number) for number in range(3)]
    shop.take(
        *(order(f"a{n}", email="ani.w@gmail.com", placed_at=days[n], updated_at=days[n]) for n in range(2)),
        order("g1", email="an.iw+toko@googlemail.com", placed_at=days[2], updated_at=days[2]),
    )
    shop.do(lambda conn: points.save_program(conn, shop.merchant, program(), by="owner@example.com"))
    shop.do(lambda conn: climb.everybody(conn, merchant_id=shop.merchant, now=shop.app.now()))
    ids = [row[0] for row in shop.rows("SELECT id FROM customer ORDER BY email_norm DESC")]
    for person, amount in zip(ids, (100, 40), strict=True):
        gift: dict[str, Any] = {"kind": "adjust", "key": f"g{person}", "reason": "gift", "expires_at": None}
        shop.do(lambda conn, p=person, a=amount, g=gift: points_ledger.give(conn, p, a, now=shop.app.now(), **g))
    return ids[0], ids[1]


def everything(shop: Shop) -> list[Any]:
    return [
        shop.rows("SELECT id, merged_into, email, phone, first_name FROM customer ORDER BY id"),
        shop.rows("SELECT id, customer_id FROM shop_order ORDER BY id"),
        shop.rows("SELECT id, customer_id, points, open_points FROM point_entry ORDER BY id"),
        shop.rows("SELECT customer_id, orders, spend_minor, rung FROM customer_facts ORDER BY customer_id"),
        shop.rows("SELECT count(*) FROM customer_merge"),
        shop.rows("SELECT count(*) FROM audit_log WHERE action LIKE 'customers%'"),
    ]


def test_the_preview_says_what_happens_and_changes_nothing(
    shop: Shop, pair: tuple[int, int], logged_in: Callable[[str], Visitor]
) -> None:
    kept, gone = pair
    before = everything(shop)
    eye = logged_in("marketer")
    said = eye.get(f"/customers/{kept}/merge").get_data(as_text=True)
    assert f"with={gone}" in said
    assert "Same mailbox" in said or "Same full name" in said
    said = eye.get(f"/customers/{kept}/merge?with={gone}").get_data(as_text=True)
    assert everything(shop) == before
    after = said.partition("Afterwards")[2].partition("Changes hands")[0]
    assert "<dd>3</dd>" in after
    assert "<dd>140</dd>" in after
    assert "Orders: 1" in said
    for wrong in (kept, 999_999):
        assert 'role="alert"' in eye.get(f"/customers/{kept}/merge?with={wrong}").get_data(as_text=True)
    assert logged_in("viewer").get(f"/customers/{kept}/merge").status_code == 403


NOISE = 20_000


def test_who_is_alike_is_found_by_index(shop: Shop, pair: tuple[int, int]) -> None:
    """Among thousands of strangers: by telephone, by name, by mailbox, however its dots are set."""
    addresses = ["a.n.i.w@gmail.com", "aniw+x@gmail.com", "aniw@yahoo.com", "aniwa@gmail.com", "ani.w+tea@other.com"]
    with tenant(shop.app.engine, shop.merchant) as conn:
        conn.execute(
            text(
                "INSERT INTO customer (merchant_id, email, email_norm) "
                "SELECT :m, e, e FROM unnest(CAST(:listed AS text[])) AS e UNION ALL "
                "SELECT :m, e, e FROM (SELECT 'annie' || generate_series(1, :noise) || '@gmail.com' AS e) AS made"
            ),
            {"m": shop.merchant, "listed": addresses, "noise": NOISE},
        )
        named = "UPDATE customer SET first_name = 'Ani', last_name = 'W', phone = :phone WHERE email = ANY(:who)"
        conn.execute(text(named), {"who": ["aniw@yahoo.com"], "phone": "+62 811-2345-678"})
        conn.execute(text(named), {"who": ["ani.w@gmail.com"], "phone": "08112345678"})
    shop.do(analyse)
    with tenant(shop.app.engine, shop.merchant) as conn:
        # What this connection read before may still be in it: it is told to the others once a second.
        of = text("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'customer'")
        before = conn.execute(of).scalar_one()
        found = [row.email for row in merges.alike(conn, pair[0])]
        read = conn.execute(of).scalar_one() - before
    assert found[0] == "aniw@yahoo.com"
    assert set(found[1:]) == {"a.n.i.w@gmail.com", "aniw+x@gmail.com", "an.iw+toko@googlemail.com"}
    assert read < NOISE / 100


def test_merged_and_apart_again(shop: Shop, pair: tuple[int, int], logged_in: Callable[[str], Visitor]) -> None:
    kept, gone = pair
    before = everything(shop)
    eye = logged_in("marketer")
    eye.get(f"/customers/{kept}/merge?with={gone}")
    eye.post(f"/customers/{kept}/merge", {"other": str(gone), "reason": "  "})
    assert everything(shop) == before
    eye.post(f"/customers/{kept}/merge", {"other": str(gone), "reason": "told at the till"})
    assert shop.rows(f"SELECT orders FROM customer_facts WHERE customer_id = {kept}") == [(3,)]
    (merge,) = shop.rows("SELECT id FROM customer_merge")[0]
    assert f"/merges/{merge}" in eye.get(f"/customers/{gone}").get_data(as_text=True)
    at = shop.app.now()
    late = order("a9", email="ani.w@gmail.com", placed_at=at + timedelta(minutes=1), updated_at=at)
    shop.take(late)
    debit: dict[str, Any] = {"kind": "redeem", "key": "r1", "reason": "reward", "now": at + timedelta(minutes=1)}
    shop.do(lambda conn: points_ledger.take(conn, kept, 120, **debit))
    said = eye.get(f"/merges/{merge}").get_data(as_text=True)
    assert "Orders: 1" in said.partition("Came since")[2]
    assert "20 of these points were spent together" in said
    eye.post(f"/merges/{merge}")
    assert dict(map(tuple, shop.rows("SELECT customer_id, orders FROM customer_facts"))) == {kept: 3, gone: 1}
    assert shop.rows("SELECT merged_into FROM customer ORDER BY id") == [(None,), (None,)]
    for press in (eye.get, eye.post):
        again = press(f"/merges/{merge}")
        assert again.location == f"/customers/{kept}"
        assert "the merge was undone before" in eye.client.get(again.location).get_data(as_text=True)
    assert "no merge" in eye.client.get(eye.post("/merges/999").location).get_data(as_text=True)


def test_an_answer_given_elsewhere_needs_its_proof(
    shop: Shop, pair: tuple[int, int], logged_in: Callable[[str], Visitor]
) -> None:
    kept, _ = pair
    eye = logged_in("marketer")
    eye.get(f"/customers/{kept}")
    path = f"/customers/{kept}/consent"
    eye.post(path, {"state": "subscribed", "evidence": "ok"})
    assert shop.rows("SELECT count(*) FROM consent WHERE source = 'hand'") == [(0,)]
    for _ in range(2):
        eye.post(path, {"state": "subscribed", "evidence": "form at the till, 22 Nov"})
    assert shop.rows("SELECT state, level, evidence FROM consent WHERE source = 'hand'") == [
        ("subscribed", "single", "form at the till, 22 Nov (marketer-in@example.com)")
    ]
    assert shop.rows(f"SELECT consent_promotions FROM customer_facts WHERE customer_id = {kept}") == [("subscribed",)]
    assert shop.rows("SELECT detail->>'evidence' FROM audit_log WHERE action = 'consent_by_hand'") == [
        ("form at the till, 22 Nov",)
    ]
    assert "form at the till" in eye.get(f"/customers/{kept}").get_data(as_text=True)
    shop.do(lambda conn: topics.save_topics(conn, ["Recipes"], "en"))
    assert "Recipes: not known" in eye.get(f"/customers/{kept}").get_data(as_text=True)
    eye.post(path, {"state": "unsubscribed", "topic": "recipes", "evidence": "said so by telephone"})
    assert shop.rows("SELECT topic, state FROM consent WHERE evidence LIKE 'said so%'") == [("recipes", "unsubscribed")]
    assert eye.post(path, {"state": "subscribed", "topic": "none", "evidence": "by telephone"}).status_code == 400
    assert eye.post(path, {"state": "pending", "evidence": "form at the till"}).status_code == 400
    assert logged_in("viewer").post(path, {"state": "subscribed", "evidence": "form at the till"}).status_code == 403


def test_no_page_of_a_life_misses_what_happened_at_once(shop: Shop) -> None:
    """A hundred orders of one moment and thirty of others: every one is shown once, whatever the page's size."""
    same = [order(f"s{n}", placed_at=DAY, updated_at=DAY) for n in range(100)]
    days = [DAY + timedelta(hours=n + 1) for n in range(30)]
    shop.take(*same, *(order(f"d{n}", placed_at=at, updated_at=at) for n, at in enumerate(days)))
    (person,) = shop.rows("SELECT id FROM customer")[0]
    for size in (7, 40):
        seen, before = list[str](), None
        while page := shop.do(lambda conn, b=before, s=size: timeline.timeline(conn, person, before=b, limit=s)):
            seen += [entry.facts["number"] for entry in page if entry.kind == "order"]
            before = page[-1].at
        assert len(seen) == len(set(seen)) == 130


@pytest.mark.browser
def test_the_pages_of_one_person(shop: Shop, pair: tuple[int, int], looker: Callable[..., Looker]) -> None:
    kept, gone = pair
    for size, language in (("phone", "id"), ("phone", "nl"), ("desk", "en")):
        eye = looker(size, language)
        eye.look(f"/customers/{kept}/merge?with={gone}")
    eye.page.fill("input[name=reason]", "told at the till")
    eye.page.click("main form button")
    eye.page.click("a[href*='/merges/']")
    eye.page.wait_for_selector("h1:text('Two customers again')")
    eye.hold("unmerge")
    eye.page.click("main form button")
    eye.page.wait_for_selector("text=Two customers again.")
