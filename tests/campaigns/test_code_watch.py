"""Personal codes in the hands of strangers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connectors.errors import ConnectorError
from plugin_server.db.customers import identity
from plugin_server.db.merchant import attention
from plugin_server.db.offers import code_watch, code_watch_page
from plugin_server.db.offers import codes as offers
from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.giving.code_watch import watch
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop, add_order, say
from tests.campaigns.test_run import holiday, started

DAY = timedelta(days=1)
OFFER = {"kind": "percentage", "value": "10", "valid_days": 14}


def code_of(shop: Shop, n: int) -> str:
    [code] = [spec.code for spec in shop.codes.values() if spec.email == f"c{n}@example.com"]
    return code


def used(app: Services, merchant: int, code: str, by: int, *, name: str = "x", email: str | None = None) -> int:
    """Customer ``by`` orders with a code; gives how many leaks were found by it."""
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        order = add_order(
            conn, merchant, by, store=store, external=f"{name}{by}", at=(NOW + DAY).isoformat(),
            coupon_codes=[code.lower()], discount_minor=2000000, email=email or f"c{by}@example.com",
        )  # fmt: skip
        offers.match_redemptions(conn, merchant_id=merchant, order_ids=[order], now=NOW)
        found = code_watch.find(conn, merchant_id=merchant, order_ids=[order], now=NOW)
        return found + code_watch.find(conn, merchant_id=merchant, order_ids=None, now=NOW)


def leaks(app: Services, merchant: int) -> list[dict[str, Any]]:
    with tenant(app.engine, merchant) as conn:
        return code_watch_page.listed(conn)


@pytest.fixture
def launched(app: Services, merchant: int, world: Outside) -> int:
    """The recipe's run, all eight codes issued."""
    run_id = started(app, merchant, holiday(offer=OFFER))
    runs.advance(app, world, merchant, run_id)
    return run_id


def test_a_code_used_by_a_stranger_is_taken_back_and_given_anew_once(
    app: Services, merchant: int, world: Outside, shop: Shop, launched: int
) -> None:
    old = code_of(shop, 1)
    assert used(app, merchant, old, by=2) == 1
    watch(app, world, merchant)
    watch(app, world, merchant)
    assert shop.revoked == [old]
    new = code_of(shop, 1)
    assert new != old
    assert new.partition("-")[0] == old.partition("-")[0]
    [leak] = leaks(app, merchant)
    assert (leak["state"], leak["code"], leak["new_code"], leak["owner_id"]) == ("reissued", old, new, 1)
    assert (leak["stranger_id"], leak["discount_minor"]) == (2, 2000000)
    with tenant(app.engine, merchant) as conn:
        rows = conn.execute(
            text("SELECT code, state, generation, expires_at, value FROM offer_code WHERE customer_id = 1 ORDER BY id")
        ).all()
        told = results.results(conn, run_id=launched, now=NOW)["offers"]
    assert [(row.code, row.state, row.generation) for row in rows] == [(old, "revoked", 0), (new, "issued", 1)]
    assert (rows[0].expires_at, rows[0].value) == (rows[1].expires_at, rows[1].value)
    assert (told["leaked"], told["issued"]) == (1, 8)
    mails = [path.read_text() for path in app.settings.outbox.rglob("*.eml") if new in path.read_text()]
    assert len(mails) == 1
    assert "To: Siti1 <c1@example.com>" in mails[0]
    assert "List-Unsubscribe" in mails[0]


def test_the_owner_and_whom_they_are_merged_with_are_no_strangers(
    app: Services, merchant: int, shop: Shop, launched: int
) -> None:
    assert used(app, merchant, code_of(shop, 1), by=1) == 0
    assert used(app, merchant, code_of(shop, 3), by=4, email=" C3@example.com") == 0  # paid by another account
    with tenant(app.engine, merchant) as conn:
        identity.merge(conn, 5, 6, "one person", "test", NOW)
    assert used(app, merchant, code_of(shop, 6), by=5) == 0
    assert used(app, merchant, code_of(shop, 5), by=7) == 1


def test_who_turns_out_to_be_the_owner_keeps_the_code(
    app: Services, merchant: int, world: Outside, shop: Shop, launched: int
) -> None:
    used(app, merchant, code_of(shop, 1), by=2)
    with tenant(app.engine, merchant) as conn:
        identity.merge(conn, 1, 2, "one person", "test", NOW)
    watch(app, world, merchant)
    assert shop.revoked == []
    assert [(one["state"], one["reason"]) for one in leaks(app, merchant)] == [("closed", "same_person")]


def test_without_consent_there_is_a_code_and_no_mail(
    app: Services, merchant: int, world: Outside, shop: Shop, launched: int
) -> None:
    with tenant(app.engine, merchant) as conn:
        say(conn, merchant, [1], "unsubscribed", at="2027-02-24 00:00+00")
    used(app, merchant, code_of(shop, 1), by=2)
    watch(app, world, merchant)
    [leak] = leaks(app, merchant)
    assert (leak["state"], leak["told_at"]) == ("reissued", None)
    assert not [path for path in app.settings.outbox.rglob("*.eml") if leak["new_code"] in path.read_text()]


def test_what_leaks_again_waits_for_a_person(
    app: Services, merchant: int, world: Outside, shop: Shop, launched: int
) -> None:
    for name, by in (("a", 2), ("b", 3)):
        assert used(app, merchant, code_of(shop, 1), by=by, name=name) == 1
        watch(app, world, merchant)
    assert not [spec for spec in shop.codes.values() if spec.email == "c1@example.com"]
    newest = leaks(app, merchant)[0]
    assert (newest["state"], newest["reason"]) == ("person", "again")
    with tenant(app.engine, merchant) as conn:
        assert [(one.kind, one.count) for one in attention.waiting(conn, NOW)] == [("leaks", 1)]
        assert code_watch_page.decide(conn, newest["id"], anew=True, now=NOW) == newest["code"]
        assert code_watch_page.decide(conn, newest["id"], anew=False, now=NOW) is None
    watch(app, world, merchant)
    assert leaks(app, merchant)[0]["new_code"] == code_of(shop, 1)


def test_no_new_code_beyond_the_budget_and_none_after_its_time(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    # Eight codes at Rp 20,000 leave Rp 25,000: one new code, and no second.
    run_id = started(app, merchant, holiday(offer=OFFER | {"budget": "185000"}))
    runs.advance(app, world, merchant, run_id)
    for n, by in ((1, 2), (3, 4)):
        used(app, merchant, code_of(shop, n), by=by)
    watch(app, world, merchant)
    assert sorted((one["state"], one["reason"]) for one in leaks(app, merchant)) == [
        ("person", "budget"), ("reissued", ""),
    ]  # fmt: skip
    with tenant(app.engine, merchant) as conn:
        assert conn.scalar(text("SELECT issued_minor FROM offer_budget")) == 9 * 2000000
    used(app, merchant, code_of(shop, 5), by=6)
    watch(replace(app, now=lambda: NOW + 30 * DAY), world, merchant)
    assert {(one["state"], one["reason"]) for one in leaks(app, merchant)} >= {("closed", "expired")}


def test_who_lost_the_rung_of_an_offer_gets_no_new_code_of_it(
    app: Services, merchant: int, world: Outside, shop: Shop, launched: int
) -> None:
    codes = [code_of(shop, n) for n in (1, 3)]
    for code, stranger in zip(codes, (2, 4), strict=True):
        assert used(app, merchant, code, by=stranger) == 1
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE offer_code SET kind = 'member_only', terms = terms || '{\"rungs\": [\"shopper\"]}'"))
        conn.execute(text("UPDATE customer_facts SET rung = 'prospect' WHERE customer_id = 1"))
    watch(app, world, merchant)
    assert set(codes) <= set(shop.revoked)
    found = {leak["owner_id"]: (leak["state"], leak["reason"]) for leak in leaks(app, merchant)}
    assert found == {1: ("closed", "former"), 3: ("reissued", "")}


def test_a_shop_that_is_away_is_asked_again_and_one_that_refuses_calls_for_a_person(
    app: Services, merchant: int, world: Outside, shop: Shop, launched: int
) -> None:
    old = code_of(shop, 1)
    used(app, merchant, old, by=2)
    shop.down.append(ConnectorError("Gone.", retry_after=60))
    watch(app, world, merchant)
    assert [one["state"] for one in leaks(app, merchant)] == ["found"]
    shop.refuses["c1@example.com"] = "no such customer"
    watch(app, world, merchant)
    [leak] = leaks(app, merchant)
    assert (leak["state"], leak["reason"], leak["detail"]) == ("person", "refused", "no such customer")
    shop.refuses.clear()
    with tenant(app.engine, merchant) as conn:
        code_watch_page.decide(conn, leak["id"], anew=True, now=NOW)
    watch(app, world, merchant)
    [leak] = leaks(app, merchant)
    assert (leak["state"], leak["new_code"]) == ("reissued", code_of(shop, 1))


def test_many_workers_at_once_make_one_new_code_and_one_mail(
    app: Services, merchant: int, world: Outside, shop: Shop, launched: int
) -> None:
    for n, by in ((1, 2), (3, 4), (5, 6)):
        used(app, merchant, code_of(shop, n), by=by)
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(watch, app, world, merchant) for _ in range(6)]:
            done.result()
    watch(app, world, merchant)
    assert [one["state"] for one in leaks(app, merchant)] == ["reissued"] * 3
    assert len(shop.codes) == 8
    with tenant(app.engine, merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM offer_code WHERE generation = 1 AND state = 'issued'")) == 3
        assert conn.scalar(text("SELECT issued_minor FROM offer_budget")) == 11 * 2000000
    new = [one["new_code"] for one in leaks(app, merchant)]
    for code in new:
        assert len([path for path in app.settings.outbox.rglob("*.eml") if code in path.read_text()]) == 1
