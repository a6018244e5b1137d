"""The look through a campaign's mails, with what the shop and the world around it say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from campaigns.recipes import recipes
from campaigns.schema import Campaign
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs.sending import pictures
from plugin_server.jobs.sending.lint import look_through
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.test_run import holiday
from tests.connectors.server import Answer, serving

ALONE = [recipe for recipe in recipes() if not recipe.campaign.steps]


@pytest.mark.parametrize("recipe", ALONE, ids=[recipe.key for recipe in ALONE])
def test_no_recipe_has_anything_that_must_be_mended(app: Services, merchant: int, recipe: object) -> None:
    campaign = recipe.campaign  # type: ignore[attr-defined]
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE merchant SET postal_address = E'Jalan Senja 1\\nYogyakarta'"))
        found = look_through(conn, app.settings, campaign, NOW)
    amiss = {"lint_currency", "lint_other_feast", "lint_feast_always", "lint_feast_over", "lint_feast_far"}
    assert [one for one in found if one.blocking or one.reason.key in amiss] == []


def written(**given: object) -> Campaign:
    body = [
        {"kind": "hero", "heading": "Terima kasih"},
        {"kind": "text", "text": "Sabun kelor sekarang € 4,50, juga untuk Natal."},
        {"kind": "coupon"},
    ]
    return holiday(message={"id": {"subject": "Baru", "preheader": "Lihat", "blocks": [*body, *given.get("more", [])]}})  # type: ignore[misc]


def test_prices_and_feasts_are_held_against_the_shop(app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as conn:
        found = {one.reason.key: one.reason for one in look_through(conn, app.settings, written(), NOW)}
    assert "written in €, and your shop sells in IDR" in found["lint_currency"]
    assert found["lint_other_feast"].figures == {"name": "Natal"}


def test_a_code_nobody_can_read_keeps_the_mail_back(app: Services, merchant: int) -> None:
    bare = holiday(message={"id": {"subject": "Baru", "blocks": [{"kind": "hero", "heading": "Terima kasih"}]}})
    with tenant(app.engine, merchant) as conn:
        found = look_through(conn, app.settings, bare, NOW)
    assert "lint_no_code" in {one.reason.key for one in found if one.blocking}


def test_pictures_are_weighed_away_from_the_page(app: Services, merchant: int) -> None:
    app = replace(app, settings=app.settings.model_copy(update={"allow_private_hosts": True}))
    with serving(lambda asked: Answer(b"x" * 600_000)) as server:
        images = [{"kind": "image", "image": f"{server.url}/{n}.png", "alt": "Sabun"} for n in (1, 2)]
        with tenant(app.engine, merchant) as conn:
            campaigns.save(conn, merchant_id=merchant, campaign=written(more=images), by="test")
            saved = campaigns.need(conn, holiday().key)
        assert pictures.known(app, merchant, saved) == {}
        waiting = list(app.redis.scan_iter("wake:weigh:*"))
        assert len(waiting) == 1
        weights = pictures.look(app, merchant, saved.campaign.key)
        assert pictures.known(app, merchant, saved) == weights
    with tenant(app.engine, merchant) as conn:
        found = look_through(conn, app.settings, saved.campaign, NOW, weights=weights)
    assert [one.reason.figures["megabytes"] for one in found if one.reason.key == "lint_heavy"] == ["1.2"]
