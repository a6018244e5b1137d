"""Two or more wordings and offers tried against each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.arms import variant_salt
from campaigns.schema import BadCampaign, dump, parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.audience_power import power
from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.campaigning.preview import check
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending.lint import look_through
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.draws import draw, variant_of
from tests.campaigns.shop import Shop, add_order
from tests.campaigns.test_run import holiday, outbox, started

DAY = timedelta(days=1)
DEEP = {"kind": "percentage", "value": "20", "valid_days": 14}
OTHER = {"en": {"subject": "Only for you", "html": "<p>{{ offer.percent }}% {{ offer.code }}</p>"}}
OTHER |= {"id": {"subject": "Untuk Anda", "html": "<p>{{ offer.percent }}% {{ offer.code }}</p>"}}
TWO = [{"key": "plain"}, {"key": "deep", "offer": DEEP, "message": OTHER}]


def tried(*variants: Any, **measure: Any) -> Any:
    """The recipe with variants."""
    return holiday(measure={"holdout": 0, "variants": list(variants or TWO), **measure})


def test_each_reader_gets_the_mail_and_the_code_of_their_variant(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    run_id = started(app, merchant, tried())
    assert runs.advance(app, world, merchant, run_id) == "done"
    with tenant(app.engine, merchant) as conn:
        campaign_id = campaigns.need(conn, "eid-al-fitr-thanks").id
        members = conn.execute(
            text("SELECT a.customer_id, a.variant, a.arm, m.variant AS mailed FROM audience_member a "
                 "LEFT JOIN message m ON m.customer_id = a.customer_id")
        ).all()  # fmt: skip
    mails, worth = outbox(app), {spec.email: spec.value for spec in shop.codes.values()}
    shares = tried().shares
    assert len(mails) == 8
    for row in members:
        if row.arm == "excluded":
            assert row.variant == ""
            continue
        assert row.variant == row.mailed == variant_of(shares, draw(variant_salt(campaign_id), row.customer_id))
        address = f"c{row.customer_id}@example.com"
        assert worth[address] == (20 if row.variant == "deep" else 10)
        own = mails[address]["Subject"] in ("Only for you", "Untuk Anda")
        assert own == (row.variant == "deep" and row.customer_id != 3)  # 3 reads Dutch, which only the campaign has
    assert {row.variant for row in members} == {"", "plain", "deep"}


def test_variants_are_read_on_one_day_and_not_before(app: Services, merchant: int, world: Outside) -> None:
    runs.advance(app, world, merchant, started(app, merchant, tried()))
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        deep = list(conn.scalars(text("SELECT customer_id FROM audience_member WHERE variant = 'deep'")))
        for n in deep:
            add_order(conn, merchant, n, store=store, external=f"r{n}", at=(NOW + DAY).isoformat())
        saved = campaigns.need(conn, "eid-al-fitr-thanks")
        early, late = (results.of_campaign(conn, saved, NOW + days * DAY) for days in (3, 20))
    assert early["verdict_key"] == "no_holdout"
    assert early["variants"]["verdict"] == "Read on 2027-03-10; until then no variant has won."
    arms = late["variants"]["arms"]
    assert (arms["deep"]["n"], arms["deep"]["buyers"]) == (len(deep), len(deep))
    assert (arms["plain"]["n"], arms["plain"]["buyers"]) == (8 - len(deep), 0)
    assert late["arms"]["treated"]["n"] == 8
    [pair] = late["variants"]["pairs"]
    assert (pair["first"], pair["second"], pair["difference"]) == ("plain", "deep", -1.0)
    assert late["variants"]["winner"] == "deep"


@pytest.mark.parametrize(
    ("variants", "sentence"),
    [
        ([{"key": "a"}], "a comparison takes 2 to 4 variants, not 1"),
        ([{"key": "a"}] * 2, "two variants have the same key"),
        ([{"key": "a"}, {"key": "b"}], "variants a and b are the same"),
        ([{"key": "a", "share": "0.5"}, {"key": "b"}], "give each variant a share, or none of them"),
        ([{"key": "a", "share": "0.5"}, {"key": "b", "share": "0.4"}], "the shares come to 0.9"),
        ([{"key": "a"}, {"key": "b", "message": {"fr": {"subject": "s", "html": "h"}}}], "b is written in fr"),
        ([{"key": "a"}, {"key": "b", "offer": {**DEEP, "budget": "5"}}], "the budget belongs to the campaign's own"),
        ([{"key": "a"}, {"key": "b", "offer": "none"}], "variant b: the recipe holiday_discount speaks of percentage"),
    ],
)
def test_what_cannot_be_compared_is_refused(variants: list[Any], sentence: str) -> None:
    with pytest.raises(BadCampaign, match=sentence):
        tried(*variants)


def test_a_campaign_with_variants_is_kept_as_it_was_written() -> None:
    campaign = tried(*TWO, holdout="0.2")
    assert parse(dump(campaign)) == campaign
    assert campaign.told("deep").offer is not None
    assert campaign.told("").message == campaign.message
    assert [float(share) for share in campaign.shares.values()] == [0.5, 0.5]


def test_what_the_audience_can_show_is_said_before(app: Services, merchant: int) -> None:
    campaign = tried(holdout="0.5")
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        number = campaigns.need(conn, campaign.key).id
        early = power(conn, merchant_id=merchant, campaign=campaign, campaign_id=number, now=NOW)
        soon = NOW - timedelta(days=40)  # two days after all eight ordered, on 10 January
        later = power(conn, merchant_id=merchant, campaign=campaign, campaign_id=number, now=soon)
    assert (early["base"], early["detectable"]) == (None, None)
    assert later["people"] == 8
    assert later["base"] == 1.0
    assert sum(later["variants"]["sizes"].values()) == later["treated"]


def test_a_subject_alone_is_tried_with_the_mail_of_the_campaign(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    own = {"key": "b", "subject": {"id": "Sesuatu untuk Anda", "en": "Something for you"}}
    run_id = started(app, merchant, tried({"key": "a"}, own))
    assert runs.advance(app, world, merchant, run_id) == "done"
    mails = outbox(app)
    with tenant(app.engine, merchant) as conn:
        sent = conn.execute(text("SELECT customer_id, variant, language FROM message")).all()
    assert {row.variant for row in sent} == {"a", "b"}
    for row in sent:
        mail = mails[f"c{row.customer_id}@example.com"]
        other = mail["Subject"] in own["subject"].values()  # type: ignore[attr-defined]
        assert other == (row.variant == "b" and row.language != "nl")
        assert "/unsubscribe" in mail.as_string()


def test_what_variants_say_is_looked_at_like_the_mail_itself(app: Services, merchant: int) -> None:
    shouting = tried({"key": "a"}, {"key": "b", "subject": {"en": "BUY THIS NOW"}})
    unknown = tried({"key": "a"}, {"key": "b", "subject": {"en": "Hi {{ customer.nick }}"}})
    with tenant(app.engine, merchant) as conn:
        assert "lint_shouting" in {one.reason.key for one in look_through(conn, app.settings, shouting, NOW)}
        with pytest.raises(BadCampaign, match=r"customer\.nick") as caught:
            check(conn, unknown, public_url="https://t.example", now=NOW)
    assert caught.value.problems[0].path == "measure.variants.1.subject.en"
    with pytest.raises(BadCampaign, match="one line"):
        tried({"key": "a"}, {"key": "b", "subject": {"en": "Hi\r\nBcc: x@evil.example"}})
    with pytest.raises(BadCampaign, match="are the same"):
        tried({"key": "a"}, {"key": "b", "subject": {}})
    with pytest.raises(BadCampaign, match="is written in fr"):
        tried({"key": "a"}, {"key": "b", "subject": {"fr": "Pour vous"}})
