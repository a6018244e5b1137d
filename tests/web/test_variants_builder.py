"""Versions against each other and guards of discounts in the builder."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from werkzeug.datastructures import MultiDict

from campaigns.recipes import holiday_discount
from campaigns.schema import Campaign, dump, parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.web.campaigning import form as campaign_form
from plugin_server.web.campaigning.fields import document_of, fields_of
from plugin_server.web.campaigning.steps import marked
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.filled import filled

VARIANTS = [
    {"key": "warm", "share": "0.125"},
    {"key": "deep", "share": "0.5", "offer": {"kind": "percentage", "value": "15", "valid_days": 14}},
    {"key": "bare", "share": "0.375", "offer": "none", "message": {
        language: {"subject": "News", "html": "<p>News</p>"} for language in ("en", "id", "nl")}},
]  # fmt: skip
GUARDS = {
    "discount_share": {"most": "0.455", "orders": 6}, "discount_fatigue": {"codes": 2, "days": 45},
    "stacking": "combine", "margin_floor": None, "margin_reason": "The stock must go.",
}  # fmt: skip


def whole() -> Campaign:
    document = holiday_discount().document
    return parse(document | {"guards": GUARDS, "measure": document["measure"] | {"variants": VARIANTS}})


def test_variants_and_guards_survive_the_form_alone() -> None:
    made = whole()
    document, problems = document_of(MultiDict(list(fields_of(dump(made)).items(multi=True))), {}, "nl")
    assert problems == []
    assert parse({**document, "key": made.key}) == made


def test_subjects_that_the_composer_tries_survive_the_form() -> None:
    document = holiday_discount().document
    tried = [{"key": "a"}, {"key": "b", "subject": {"en": "Warm regards", "id": "Salam"}}]
    made = parse(document | {"measure": document["measure"] | {"variants": tried}})
    back, problems = document_of(MultiDict(list(fields_of(dump(made)).items(multi=True))), dump(made), "nl")
    assert problems == []
    assert parse({**back, "key": made.key}) == made


def test_two_versions_come_at_once_and_none_stays_alone() -> None:
    given = fields_of(holiday_discount().campaign.model_dump(mode="json", by_alias=True))
    two = campaign_form.edited(given, "variant:add")
    assert [own["key"] for own in marked(two, "v")] == ["a", "b"]
    four = campaign_form.edited(
        campaign_form.edited(campaign_form.edited(two, "variant:add"), "variant:add"), "variant:add"
    )
    assert [own["key"] for own in marked(four, "v")] == ["a", "b", "c", "d"]
    assert [own["key"] for own in marked(campaign_form.edited(four, "variant:remove:1"), "v")] == ["a", "c", "d"]
    assert marked(campaign_form.edited(two, "variant:remove:0"), "v") == []


def test_the_page_takes_variants_and_puts_faults_beside_them(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")

    def send(path: str, **changed: Any) -> Any:
        return visitor.post(path, filled(whole(), base="new", name="Versions", **changed))

    html = unescape(send("/campaigns/build").text)
    assert re.findall(r'name="v\d\.key" type="text" value="(\w+)"', html) == ["warm", "deep", "bare"]
    bad = send("/campaigns/new", v0__share="10", v1__offer__percentage__value="0", guards__discount_share__most="x")
    assert bad.status_code == 422
    html = unescape(bad.text)
    assert 'id="h-v1.offer.percentage.value"' in html
    assert re.search(r'id="h-guards.discount_share.most">Give a number from 0 to 99', html)
    html = unescape(send("/campaigns/new", v0__share="10").text)
    assert "the shares come to 0.975" in html
    assert send("/campaigns/new").location == "/campaigns/versions"
    with tenant(app.engine, merchant) as conn:
        saved = campaigns.need(conn, "versions").campaign
    assert (saved.measure.variants, saved.guards) == (whole().measure.variants, whole().guards)
