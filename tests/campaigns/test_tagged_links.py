"""Mails of a run lead into a shop with a marketing page by links that name the run there."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.test_run import holiday, outbox, started


@pytest.mark.parametrize("capable", [True, False])
def test_links_into_the_shop_name_the_run(app: Services, merchant: int, world: Outside, capable: bool) -> None:
    if capable:
        with tenant(app.engine, merchant) as conn:
            conn.execute(text("UPDATE store SET capabilities = '{codes,marketing}'"))
    campaign = holiday()
    run_id = started(app, merchant, campaign)
    runs.advance(app, world, merchant, run_id)
    mails = outbox(app)
    assert mails
    for mail in mails.values():
        body = mail.get_body(("html",))
        assert body is not None
        html = body.get_content().replace("&amp;", "&")
        name = f"https://senja.example?utm_source=tangga&utm_medium=email&utm_campaign={campaign.key}-{run_id}"
        assert (name in html) is capable
        assert html.count("utm_campaign") == (html.count(name) if capable else 0)
        assert "/unsubscribe?utm" not in html
