"""The shop asks, customers answer over HTTP, and what they say leads where it should: praise, help, points."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import requests

from campaigns.points.program import parse_program
from campaigns.recipes import recipes
from campaigns.referral import ReferralTerms
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import conversations
from plugin_server.db.friends import referrals
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.run import advance, open_now
from plugin_server.jobs.giving.points_night import rounded
from plugin_server.jobs.outside import outside
from tests.story.conftest import Spine
from tests.story.test_spine import outbox

SUBJECTS = {"en": "One question", "id": "Satu pertanyaan", "nl": "Eén vraag"}
TOLD = {"birthday_told": 25, "preferences_told": 15}


def launched(spine: Spine, key: str) -> tuple[int, str]:
    """A recipe, run at this moment for all whom it is for; gives the run and its state."""
    recipe = next(one for one in recipes() if one.key == key).campaign
    free = recipe.guards.model_copy(update={"quiet_hours": None, "frequency_cap": None})
    campaign = recipe.model_copy(update={"guards": free})
    with tenant(spine.services.engine, spine.merchant) as conn:
        campaigns.save(conn, merchant_id=spine.merchant, campaign=campaign, by="owner@example.com")
        run = open_now(conn, spine.merchant, campaign.key, "owner@example.com", spine.services.now())
    return run, advance(spine.services, outside(spine.services, spine.merchant), spine.merchant, run)


def mail_to(spine: Spine, address: str) -> EmailMessage:
    """The newest mail to an address."""
    return [mail for mail in outbox(spine) if mail["To"].addresses[0].addr_spec == address][-1]


def link(mail: EmailMessage, pattern: str) -> str:
    """The first address of a mail that fits."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(pattern, body.get_content())
    assert found is not None
    return found[0]


def asked(spine: Spine) -> dict[str, tuple[int, str]]:
    """Three regulars to whom a parcel came a week ago, by language: id and address. The night gives them points."""
    told: dict[str, Any] = {
        "since": spine.services.now().date(), "point_value": "10",
        "earn": [{"kind": "action", "action": action, "points": number} for action, number in TOLD.items()],
    }  # fmt: skip
    with tenant(spine.services.engine, spine.merchant) as conn:
        points.save_program(conn, spine.merchant, parse_program(told), by="owner@example.com")
        referrals.save_terms(conn, ReferralTerms(on=True))
    spine.rows("UPDATE merchant SET holdout_share = 0 RETURNING id")
    people = spine.rows(
        "SELECT c.id, c.email FROM customer c JOIN customer_facts f ON f.customer_id = c.id WHERE f.rung = 'member' "
        "AND 'subscribed' = (SELECT state FROM consent k WHERE k.customer_id = c.id AND k.topic = 'promotions' "
        "ORDER BY k.occurred_at DESC, k.id DESC LIMIT 1) ORDER BY c.id LIMIT 3"
    )
    found = dict(zip(SUBJECTS, people, strict=True))
    spine.rows("UPDATE shop_order SET delivered_at = NULL RETURNING id")
    week = spine.services.now() - timedelta(days=7)
    for language, (person, _) in found.items():
        spine.rows("UPDATE customer SET language = :l WHERE id = :c RETURNING id", l=language, c=person)
        newest = "(SELECT max(id) FROM shop_order WHERE customer_id = :c AND counts)"
        spine.rows(f"UPDATE shop_order SET delivered_at = :at WHERE id = {newest} RETURNING id", c=person, at=week)
    return found  # type: ignore[return-value]


def test_a_question_after_the_delivery_leads_where_its_answer_says(spine: Spine) -> None:
    spine.read()
    people = asked(spine)
    assert launched(spine, "opinion")[1] == "done"
    for language, (_, address) in people.items():
        assert mail_to(spine, address)["Subject"].startswith(SUBJECTS[language])

    # A two: a person answers first, and nothing else is written until then.
    unhappy, of_unhappy = people["en"]
    page = link(mail_to(spine, of_unhappy), r"http\S+score=2")
    assert requests.get(page, timeout=10).status_code == 200
    assert spine.rows("SELECT 1 FROM survey_answer") == [], "mail programs open links too"
    answer = requests.post(page.partition("?")[0], data={"score": "2", "words": "The bottle broke"}, timeout=10)
    assert of_unhappy in answer.text
    spine.rows("UPDATE customer SET birthday = (now() AT TIME ZONE 'UTC')::date + 3 - interval '30 years' RETURNING id")
    run, state = launched(spine, "birthday")
    waits = "SELECT customer_id FROM message WHERE run_id = :r AND state = 'planned'"
    assert (state, spine.rows(waits, r=run)) == ("sending", [(unhappy,)])
    with tenant(spine.services.engine, spine.merchant) as conn:
        assert conversations.answer(conn, spine.merchant, 1, "A new one is on its way", "ani", spine.services.now())
    soon = spine.services.now() + timedelta(minutes=1)
    later = replace(spine.services, now=lambda: soon)
    assert advance(later, outside(later, spine.merchant), spine.merchant, run) == "done"
    assert mail_to(spine, of_unhappy)["Subject"].startswith("For your birthday")

    # A ten: words that others may read are evidence, and the link for friends is at hand.
    happy, of_happy = people["nl"]
    opinion = next(mail for mail in outbox(spine) if of_happy in str(mail["To"]) and "vraag" in mail["Subject"])
    page = link(opinion, r"http\S+score=10").partition("?")[0]
    thanked = requests.post(page, data={"score": "10"}, timeout=10)
    assert requests.get(re.findall(r"http://[^<\"]+/r/[^<\"]+", thanked.text)[0], timeout=10).status_code == 200
    praise = page.replace("/ask/satisfaction", "/praise")
    requests.post(praise, data={"words": "Snel en netjes", "publish": "yes"}, timeout=10)
    assert spine.rows("SELECT rung FROM customer_facts WHERE customer_id = :c", c=happy) == [("advocate",)]

    # What somebody likes, and when they were born: points in the night, once, however often it is said.
    third, of_third = people["id"]
    base = link(mail_to(spine, of_third), r"http\S+/c/[^/\s]+")
    kind = spine.rows("SELECT name FROM category ORDER BY name LIMIT 1")[0][0]
    for _ in range(2):
        assert "15 poin" in requests.post(f"{base}/ask/preferences", data={"choice": kind}, timeout=10).text
        assert "25 poin" in requests.post(f"{base}/ask/birthday", data={"day": "1992-02-29"}, timeout=10).text
    assert [rounded(spine.services, spine.merchant)["actions"] for _ in range(2)] == [2, 0]
    with tenant(spine.services.engine, spine.merchant) as conn:
        assert points.balance(conn, third, spine.services.now()).available == sum(TOLD.values())
    assert spine.rows("SELECT birthday::text FROM customer WHERE id = :c", c=third) == [("1992-02-29",)]
