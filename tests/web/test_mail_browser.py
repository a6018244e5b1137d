"""The pages about mails in a real browser, on a phone and on a desk, held to what every page must keep."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from campaigns.schema import parse
from connectors.mail_types import DnsRecord, DomainVouch
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import conversations
from plugin_server.db.sending import vouching
from plugin_server.db.session import tenant
from plugin_server.jobs.sending import replies
from plugin_server.wiring import Services
from tests.web.test_browser import address, crowd, looker
from tests.web.test_conversations import KIND, posted
from tests.web.test_mail_pages import RUN

__all__ = ["address", "crowd", "looker"]
pytestmark = pytest.mark.browser

MAIL = [
    {"kind": "hero", "heading": "Tea for {{ customer.first_name | default: 'you' }}", "text": "New leaves are in."},
    {"kind": "products", "products": [{"title": "Green tea", "url": "https://toko.example/t", "price": "Rp50.000"}]},
    {"kind": "ladder", "points": True},
    {"kind": "card"},
    {"kind": "button", "label": "Go"},
]


@pytest.fixture
def paths(app: Services, merchant: int, crowd: int, flask_app: Any) -> list[str]:
    """Addresses of those that show more than ``test_every_page`` has."""
    with tenant(app.engine, merchant) as connection:
        for statement in RUN:
            connection.execute(text(statement), {"m": merchant, "now": app.now()})
        rows = (
            ("CNAME", "em1.example.com", "u1.wl.sendgrid.net", True, ""),
            ("CNAME", "s1._domainkey.example.com", "s1.domainkey.u1.wl.sendgrid.net", False, "Expected CNAME."),
        )
        vouching.told(
            connection, DomainVouch("7", "example.com", False, tuple(DnsRecord(*row) for row in rows)), app.now()
        )
        saved = parse(
            {"key": "tea", "trigger": {"kind": "once"}, "message": {"en": {"subject": "Tea", "blocks": MAIL}}}
        )
        campaigns.save(connection, merchant_id=merchant, campaign=saved, by="test")
    body = posted().replace(b"sari@", b"c60@").replace(b"Sari@", b"c60@")
    flask_app.test_client().post(f"/webhooks/sendgrid/{merchant}/inbound", data=body, content_type=KIND)
    replies.drain(app, merchant)
    with tenant(app.engine, merchant) as connection:
        thread = conversations.threads(connection, state=None)[0].id
    return ["/mail/health", f"/conversations/{thread}", "/campaigns/tea/compose/en"]


@pytest.mark.parametrize(("size", "language"), [("phone", "id"), ("desk", "nl")])
def test_the_pages_about_mails(request: pytest.FixtureRequest, paths: list[str], size: str, language: str) -> None:
    eye = request.getfixturevalue("looker")(size, language)
    for path in paths:
        eye.look(path)
    eye.page.wait_for_selector("#look iframe")
    for _ in range(2):
        eye.page.click("#look [role=group] button:nth-child(3)")
        eye.page.wait_for_selector("#look button:nth-child(3)[aria-pressed='true']")
    eye.hold("look in the dark")
