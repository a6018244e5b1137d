"""A campaign from its launch to the order: what it promises in the mail is what the shop's till charges."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.offers.baskets import Shelf, examples
from campaigns.offers.offer import offer_of
from campaigns.offers.realise import how
from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from connectors.folder.client import FolderBackend
from connectors.types import Money
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.customers import card
from plugin_server.db.ingest.catalogue import ingest_products
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import baskets, preview
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.offers.shops import NOW as TODAY
from tests.offers.shops import Counterpart

THREE: dict[str, Any] = {"kind": "quantity_price", "pieces": 3, "price": "100000", "products": ["KKI-BAMBU"]}
MAIL = {"en": {"subject": "s", "html": "<p>{{ offer.code }} {{ offer.url }} {{ offer.product }}</p>"}}


@pytest.fixture
def here(app: Services, merchant: int, counterpart: Counterpart) -> tuple[Services, Outside]:
    """The merchant's only shop is the served one: its goods are read, customers 1 to 3 are known there."""
    now = replace(app, now=lambda: TODAY)
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("UPDATE store SET platform = :p RETURNING id"), {"p": counterpart.platform})
        products = [one for page in counterpart.counter.store.products(since=None) for one in page.items]
        ingest_products(conn, merchant_id=merchant, store_id=store, products=products, now=TODAY)
        for n, (_, email) in enumerate(counterpart.counter.accounts()[:3], 1):
            conn.execute(
                text("UPDATE customer SET email = :e, email_norm = :e WHERE id = :n"), {"e": email.lower(), "n": n}
            )
        conn.execute(text("DELETE FROM customer_facts WHERE customer_id > 3"))
    backend = FolderBackend(app.settings.outbox, clock=app.now)
    return now, Outside(mail=backend, backend="folder", store=lambda _: counterpart.counter.store, repeatable=True)


def document(offer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A campaign for everybody, sent at any hour."""
    return holiday_discount().document | {
        "trigger": {"kind": "once"}, "audience": {"rungs": "all"}, "offer": offer, "message": MAIL,
        "guards": {"quiet_hours": None, "margin_floor": None, "margin_reason": "a test"}, "measure": {"holdout": 0},
        **changes,
    }  # fmt: skip


def test_three_for_less_from_launch_to_order(
    here: tuple[Services, Outside], merchant: int, counterpart: Counterpart
) -> None:
    app, world = here
    campaign = parse(document(THREE))
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        run_id = runs.open_now(conn, merchant, campaign.key, "test", TODAY)
    assert runs.advance(app, world, merchant, run_id) == "done"
    with tenant(app.engine, merchant) as conn:
        rows = conn.execute(text("SELECT * FROM offer_code ORDER BY customer_id")).all()
    assert [(row.state, row.error) for row in rows] == [("issued", "")] * 3
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in app.settings.outbox.rglob("*.eml")
    ]
    read = next(mail for mail in mails if rows[0].email in str(mail["To"])).get_body(("html",))
    assert read is not None
    assert rows[0].code in read.get_content()
    assert rows[0].terms["url"] in read.get_content().replace("&amp;", "&")
    with tenant(app.engine, merchant) as conn:
        mine = card.card(conn, rows[0].customer_id, TODAY)
    assert mine is not None
    assert mine.offers[0].terms["said"] == {"pieces": 3, "product": "Kaos Kaki Bambu", "amount_minor": 10_000_000}
    offer = offer_of(THREE)
    made = how(offer, counterpart.able, counterpart.goods, "IDR")
    shelf = Shelf(counterpart.goods, counterpart.goods["VTC-30"])
    three = next(one for one in examples(offer, made, shelf, counterpart.till) if one.pieces == 3)
    packs = {pack.sku: number for pack, number in zip(made.packs, rows[0].terms["products"], strict=False)}
    assert counterpart.order(three.lines, packs, rows[0].code, email=rows[0].email) == 100_000
    assert counterpart.order(three.lines, packs, rows[1].code, email=rows[0].email) is None


def test_the_owner_sees_it_before_launch(
    here: tuple[Services, Outside], merchant: int, counterpart: Counterpart
) -> None:
    app, _ = here
    campaign = parse(document(THREE))
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        saved = campaigns.need(conn, campaign.key)
        told = preview.preview(conn, merchant_id=merchant, saved=saved, public_url="https://x.example", now=TODAY)
        notes = preview.check(conn, campaign, public_url="https://x.example", now=TODAY)
    [shop] = told["baskets"]
    by_size = {(one["pieces"], one["others"]): one for one in shop["baskets"]}
    assert sorted(by_size) == [(n, others) for n in (1, 2, 3, 6) for others in (0, 1)]
    pays = {size: one["pays"]["amount"] for size, one in by_size.items() if not size[1]}
    assert pays == {(1, 0): "39000.00", (2, 0): "78000.00", (3, 0): "100000.00", (6, 0): "217000.00"}
    assert by_size[3, 0]["left"] == {"amount": "58000.00", "currency": "IDR"}
    counted = "counts pieces" if counterpart.platform == "shopify" else "cannot count pieces"
    assert counted in shop["told"]
    assert any(counted in note for note in notes)


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        (THREE | {"products": ["NOTHING"]}, "no NOTHING with a price"),
        (THREE | {"price": "117000"}, "3 pieces cost 117000 already"),
        (THREE | {"products": ["KKI-BAMBU", "HJB-MELATI"]}, "The products cost differently"),
        ({"kind": "cashback", "percent": 5, "elsewhere": "points"}, "No points programme"),
        ({"kind": "early_access", "products": ["KKI-BAMBU"], "until": "2030-01-01"}, "whoever has the link can buy"),
        ({"kind": "member_only", "value": 10, "products": ["KKI-BAMBU"], "until": "2026-01-01"}, "ended on 2026-01-01"),
    ],
)
def test_what_no_shop_can_do_is_refused_with_a_sentence(
    here: tuple[Services, Outside], merchant: int, offer: dict[str, Any], why: str
) -> None:
    app, _ = here
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=parse(document(offer)), by="test")
        with pytest.raises(Refused, match=why):
            runs.open_now(conn, merchant, "eid-al-fitr-thanks", "test", TODAY)


def test_baskets_say_what_free_shipping_costs(here: tuple[Services, Outside], merchant: int) -> None:
    app, _ = here
    with tenant(app.engine, merchant) as conn:
        [shop] = baskets.shown(conn, offer_of({"kind": "free_shipping", "minimum": "100000"}), NOW)
    assert {one.pays_minor == one.full_minor for one in shop.baskets} == {True}
    assert [one.holds for one in shop.baskets if one.pieces == 1 and not one.others] == [False]
    assert Money(shop.baskets[0].gives_minor, "IDR").minor == 0
