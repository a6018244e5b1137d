"""Goods that a mail names by SKU: as the shop sells them when the mail is made, and left out when it does not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from campaigns.mail.liquid import TemplateError
from campaigns.schema import BadCampaign, Campaign
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending.lint import look_through
from plugin_server.jobs.sending.samples import preview_mail
from plugin_server.jobs.sending.stocking import stocked
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.test_run import holiday, outbox, started

GOODS = """INSERT INTO product (merchant_id, store_id, external_id, sku, title, price_minor, currency, url,
        image_url, active)
    SELECT :m, min(id), v.*, 'IDR', 'https://senja.example/' || v.sku, 'https://senja.example/' || v.sku || '.png', true
    FROM store, (VALUES ('1', 'TEA', 'Teh {{ daun }}', 5000000), ('2', 'CUP', 'Cangkir', 7500000))
    AS v(external_id, sku, title, price_minor) GROUP BY v.external_id, v.sku, v.title, v.price_minor"""


@pytest.fixture
def goods(app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as conn:
        conn.execute(text(GOODS), {"m": merchant})


def grid(*products: dict[str, Any]) -> Campaign:
    blocks = [{"kind": "hero", "heading": "Baru"}, {"kind": "products", "products": list(products)}]
    return holiday(message={"id": {"subject": "Baru", "preheader": "Lihat", "blocks": blocks}})


@pytest.mark.usefixtures("goods")
def test_the_catalogue_fills_in_and_what_is_gone_is_left_out(app: Services, merchant: int, world: Outside) -> None:
    campaign = grid(
        {"sku": "TEA"}, {"sku": "CUP", "title": "Cangkir kami"}, {"sku": "GONE"}, {"title": "Sapu", "price": "murah"}
    )
    run_id = started(app, merchant, campaign)
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE product SET price_minor = 6000000 WHERE sku = 'TEA'"))
    assert runs.advance(app, world, merchant, run_id) == "done"
    mail = outbox(app)["c5@example.com"]
    part = mail.get_body(("html",))
    html = str(part.get_content())
    for word in ("Teh { daun }}", "Rp60.000", "https://senja.example/TEA.png", "Cangkir kami", "Rp75.000", "murah"):
        assert word in html
    assert "GONE" not in html


@pytest.mark.usefixtures("goods")
def test_a_sample_reader_shows_the_mail_without_a_product(app: Services, merchant: int) -> None:
    campaign = grid({"sku": "CUP"}, {"sku": "TEA"}, {"sku": "GONE"})
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        usual, gone = (
            preview_mail(conn, campaign, public_url="https://t.example", now=NOW, sample=name).html
            for name in ("usual", "missing_product")
        )
        found = [one.reason for one in look_through(conn, app.settings, campaign, NOW)]
        grids = [{"kind": "products", "products": [{"sku": "GONE"}]}]
        only = holiday(message={"id": {"subject": "x", "blocks": grids}})
        with pytest.raises(TemplateError, match="sold any more"):
            stocked(conn, only)
    assert ("Cangkir" in usual, "Cangkir" in gone, "Rp50.000" in gone) == (True, False, True)
    assert "No shop sells GONE now; the mail leaves it out. Choose something else." in found


@pytest.mark.usefixtures("goods")
def test_a_mail_that_is_looked_through_again_says_what_changed_since(app: Services, merchant: int) -> None:
    """What was rendered is remembered by all that went into it: another price, name or address makes another mail."""
    seen = []
    changes = ("SELECT 1", "UPDATE product SET price_minor = 100", "UPDATE merchant SET name = 'Kebun'", "SELECT 2")
    for change in changes:
        with tenant(app.engine, merchant) as conn:
            conn.execute(text(change))
            seen.append(preview_mail(conn, grid({"sku": "CUP"}), public_url="https://t.example", now=NOW).html)
    assert ["Rp75.000" in one for one in seen] == [True, False, False, False]
    assert ["Kebun" in one for one in seen] == [False, False, True, True]
    assert seen[2] is seen[3]


def test_a_mail_that_tells_the_time_tells_it_anew(app: Services, merchant: int) -> None:
    body = '<mjml><mj-body><mj-raw>{{ now }}<a href="{{ links.unsubscribe }}">x</a></mj-raw></mj-body></mjml>'
    campaign = holiday(message={"id": {"subject": "x", "mjml": body}})
    with tenant(app.engine, merchant) as conn:
        one, other = (preview_mail(conn, campaign, public_url="https://t.example", now=NOW).html for _ in "ab")
    assert one != other


@pytest.mark.usefixtures("goods")
def test_the_catalogue_is_read_once_for_all_readers_of_a_mail(app: Services, merchant: int) -> None:
    asked: list[str] = []

    def told(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(app.engine, "before_cursor_execute", told)
    try:
        with tenant(app.engine, merchant) as conn:
            look_through(conn, app.settings, grid({"sku": "CUP"}), NOW)
    finally:
        event.remove(app.engine, "before_cursor_execute", told)
    assert len([one for one in asked if "DISTINCT ON (sku)" in one]) == 1


def test_a_product_has_a_title_or_a_sku() -> None:
    with pytest.raises(BadCampaign, match="title, or the SKU"):
        grid({"url": "https://senja.example"})
