"""The pages of teams: from the share link to the seat, the customer's own page, and the owner's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from typing import Any

import pytest

from campaigns.offers.team import Gift, TeamTerms
from plugin_server.db.friends import teams
from plugin_server.jobs import climb
from plugin_server.jobs.letters import confirm as confirm_mail
from plugin_server.vault import CustomerLink, customer_token, team_token
from tests.data.making import NOW, Shop, order
from tests.web.conftest import Clock, Visitor
from tests.web.test_browser import SIZES, Looker, address, looker  # noqa: F401
from tests.web.test_pages import everything

GIFT = Gift(value=Decimal(20), minimum=Decimal(50))
FORM = {
    "name": "Kopi bareng", "seats": "4", "days": "3", "unlock": "joined", "who": "anyone", "kind": "percentage",
    "value": "12,5", "minimum": "", "valid_days": "14", "comfort": "5", "budget": "", "ends_on": "2026-12-31",
}  # fmt: skip


@pytest.fixture
def deal(shop: Shop) -> int:
    """Ani, who ordered, in a shop with a deal of three seats."""
    shop.rows("UPDATE store SET platform = 'woocommerce', state = 'connected' RETURNING id")
    shop.take(order())
    shop.do(lambda conn: climb.everybody(conn, merchant_id=shop.merchant, now=shop.app.now()))
    terms = TeamTerms(seats=3, gift=GIFT)
    return shop.do(lambda conn: teams.save_deal(conn, shop.merchant, name="Kopi bareng", terms=terms, by="o", now=NOW))


@pytest.fixture
def visitor(visitor: Visitor) -> Visitor:
    """Somebody who reads English."""
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return visitor


def own(shop: Shop, email: str) -> str:
    number = shop.rows(f"SELECT id FROM customer WHERE email_norm = '{email}'")[0][0]
    return f"/c/{customer_token(shop.app.settings.keys, CustomerLink(shop.merchant, number))}"


@pytest.fixture
def team(shop: Shop, deal: int) -> str:
    """Ani's team: its page."""
    ani = shop.rows("SELECT id FROM customer")[0][0]
    number = shop.do(lambda conn: teams.start(conn, shop.merchant, deal, ani, now=NOW))
    return f"/d/{team_token(shop.app.settings.keys, shop.merchant, number)}"


def test_a_customer_starts_a_team_and_finds_its_link(shop: Shop, deal: int, visitor: Visitor) -> None:
    page = own(shop, "ani@example.com")
    assert f'action="{page}/teams/{deal}"' in visitor.get(page).text
    assert "Bring 2 others within" in visitor.get(page).text
    shop.rows("UPDATE team_deal SET terms = jsonb_set(terms, '{seats}', '2') RETURNING id")
    assert "Bring one other person within" in visitor.get(page).text
    shop.rows("UPDATE team_deal SET terms = jsonb_set(terms, '{seats}', '3') RETURNING id")
    for _ in range(2):
        assert visitor.client.post(f"{page}/teams/{deal}").status_code == 302
    shown = visitor.get(page).text
    found = re.search(r'id="team-link-1"[^>]*>([^<]+)', shown)
    assert found is not None
    assert "1 of 3 seats taken" in shown
    assert visitor.get(found[1].removeprefix(shop.app.settings.public_url)).status_code == 200
    assert shop.rows("SELECT count(*) FROM team") == [(1,)]
    shop.rows("UPDATE team_deal SET state = 'closed' RETURNING id")
    shop.take(order("2", email="cici@example.com"))
    other = own(shop, "cici@example.com")
    assert "/teams/" not in visitor.get(other).text
    visitor.client.post(f"{other}/teams/{deal}")
    assert shop.rows("SELECT count(*) FROM team") == [(1,)]


def test_a_friend_goes_from_the_link_to_the_seat_and_the_code(shop: Shop, team: str, visitor: Visitor) -> None:
    shown = visitor.get(team).text
    assert "ani@example.com" not in shown
    for told in ("2 seats left", "20% off your next order. For orders from Rp50", "Anyone", "3 days left"):
        assert told in shown
    assert visitor.client.post(team, data={"email": "nobody", "agree": "1"}).status_code == 422
    assert visitor.client.post(team, data={"email": "budi@example.com"}).status_code == 422
    assert shop.rows("SELECT count(*) FROM customer") == [(1,)]
    known = visitor.client.post(team, data={"email": "ani@example.com", "agree": "1"}).text
    answer = visitor.client.post(team, data={"email": "Budi@example.com", "name": "Budi", "agree": "1"}).text
    assert answer == known.replace("ani@example.com", "Budi@example.com")
    assert shop.rows("SELECT taken FROM team") == [(1,)]
    seat = f"{own(shop, 'budi@example.com')}/team/{team.removeprefix('/d/')}"
    assert f'action="{seat}"' in visitor.get(seat).text
    assert shop.rows("SELECT taken FROM team") == [(1,)]
    for _ in range(2):
        assert visitor.client.post(seat).status_code == 302
    assert shop.rows("SELECT taken, state FROM team") == [(2, "open")]
    assert shop.rows("SELECT state, level FROM consent ORDER BY id DESC LIMIT 1") == [("subscribed", "confirmed")]
    evidence = shop.rows("SELECT evidence FROM consent WHERE state = 'pending' ORDER BY id DESC LIMIT 1")[0][0]
    assert team in evidence
    assert "I agree that Kopi Tangga" in evidence
    visitor.client.post(team, data={"email": "cici@example.com", "agree": "1"})
    visitor.client.post(f"{own(shop, 'cici@example.com')}/team/{team.removeprefix('/d/')}")
    assert "Your code stands here in a moment" in visitor.get(own(shop, "cici@example.com")).text
    assert shop.rows("SELECT count(*), count(DISTINCT email) FROM offer_code") == [(3, 3)]
    assert "This team is complete" in visitor.get(team).text
    assert f'action="{seat}"' not in visitor.get(seat).text
    assert visitor.client.post(team, data={"email": "dedi@example.com", "agree": "1"}).status_code == 409


def test_a_link_of_another_business_or_none_opens_nothing(shop: Shop, team: str, visitor: Visitor) -> None:
    assert visitor.get(team[:-2]).status_code == 404
    strange = team_token(shop.app.settings.keys, shop.merchant + 1, 1)
    assert visitor.get(f"/d/{strange}").status_code == 404
    page = own(shop, "ani@example.com")
    assert visitor.get(f"{page}/team/{strange}").status_code == 404
    assert visitor.client.post(f"{page}/team/{strange}").status_code == 404
    assert visitor.get(f"/c/{team.removeprefix('/d/')}").status_code == 404


def test_the_mail_with_the_button_goes_once_to_whoever_asked(shop: Shop, team: str, visitor: Visitor) -> None:
    if stale := shop.app.redis.keys("team-mail:*"):
        shop.app.redis.delete(*stale)  # type: ignore[misc]
    for _ in range(3):
        visitor.client.post(team, data={"email": "budi@example.com", "agree": "1"})
    keys = shop.app.redis.keys(f"team-mail:{shop.merchant}:*")
    assert len(keys) == 1  # type: ignore[arg-type]
    budi = shop.rows("SELECT id FROM customer WHERE email_norm = 'budi@example.com'")[0][0]
    to = f"team/{team.removeprefix('/d/')}"
    assert confirm_mail.send(shop.app, shop.merchant, budi, phrases=confirm_mail.TEAM, to=to)
    paths = list(shop.app.settings.outbox.rglob("*.eml"))
    mail = message_from_bytes(paths[0].read_bytes(), policy=policy.default)
    assert (len(paths), mail["Subject"]) == (1, "Take your seat at Kopi Tangga")
    assert f"{own(shop, 'budi@example.com')}/{to}" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_time_runs_out_politely(shop: Shop, team: str, visitor: Visitor, clock: Clock) -> None:
    clock.forward(days=3)
    assert "The time of this team is over" in visitor.get(team).text
    assert visitor.client.post(team, data={"email": "budi@example.com", "agree": "1"}).status_code == 409
    assert shop.rows("SELECT count(*) FROM customer") == [(1,)]


def test_looking_at_teams_changes_nothing(shop: Shop, team: str, visitor: Visitor) -> None:
    page, before = own(shop, "ani@example.com"), everything(shop.app)
    for path in (team, page, f"{page}/team/{team.removeprefix('/d/')}"):
        assert visitor.get(path).status_code == 200
    assert everything(shop.app) == before


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Give it a name"), ({"seats": "0"}, "2 to 50 seats, not 0"), ({"days": "x"}, "whole number"),
        ({"value": ""}, "Say how much"), ({"value": "101"}, "more than 100 percent"), ({"comfort": "20"}, "Give less"),
        ({"budget": "0"}, "budget of 0"), ({"ends_on": "2026-11-21"}, "in the past"), ({"ends_on": "x"}, "Give a day"),
        ({"minimum": "-1"}, "Give an amount"),
    ],
)  # fmt: skip
def test_a_deal_that_cannot_be_kept_is_refused_at_its_field(
    shop: Shop, logged_in: Callable[[str], Visitor], wrong: dict[str, str], sentence: str
) -> None:
    owner = logged_in("marketer")
    owner.get("/teams/new")
    answer = owner.post("/teams", FORM | wrong)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert answer.text.count('aria-invalid="true"') == 1
    assert shop.rows("SELECT 1 FROM team_deal") == []


def test_the_owner_opens_extends_ends_and_closes(shop: Shop, deal: int, logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    owner.get("/teams/new")
    assert owner.post("/teams", FORM).status_code == 302
    assert shop.rows("SELECT terms->'gift'->>'value', ends_at::text FROM team_deal ORDER BY id DESC LIMIT 1") == [
        ("12.5", "2026-12-31 16:59:59+00")
    ]
    ani = shop.rows("SELECT id FROM customer")[0][0]
    number = shop.do(lambda conn: teams.start(conn, shop.merchant, deal, ani, now=NOW))
    path = f"/teams/{deal}/{number}"
    assert f'action="{path}"' in owner.get(f"/teams/{deal}").text
    for until, told in (("2026-11-01T10:00", "in the past"), ("soon", "as a day and a time")):
        owner.post(path, {"extend": "1", "until": until})
        assert told in owner.get(f"/teams/{deal}").text
    owner.post(path, {"extend": "1", "until": "2026-11-30T12:00"})
    assert shop.rows("SELECT state, deadline::text FROM team") == [("extended", "2026-11-30 05:00:00+00")]
    owner.post(path, {"end": "1", "reason": ""})
    assert shop.rows("SELECT state FROM team") == [("extended",)]
    owner.post(path, {"end": "1", "reason": "sold out"})
    assert "sold out" in owner.get(f"/teams/{deal}").text
    owner.post(f"/teams/{deal}/close")
    states = shop.rows("SELECT t.state, d.state FROM team t JOIN team_deal d ON d.id = t.deal_id")
    assert states == [("lapsed", "closed")]
    acts = shop.rows("SELECT action FROM audit_log WHERE action LIKE 'team%' AND actor LIKE 'owner%' ORDER BY id")
    assert acts == [("team_deal",), ("team_extended",), ("team_ended",), ("team_deal_closed",)]
    assert logged_in("viewer").post(path, {"end": "1"}).status_code in (400, 403)
    assert owner.post(f"/teams/{deal + 1}/{number}", {"end": "1", "reason": "x"}).status_code == 404


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_teams_on_a_phone_and_on_a_desk(
    shop: Shop,
    deal: int,
    team: str,
    looker: Callable[..., Looker],  # noqa: F811
    size: str,
) -> None:
    """The share page works without a script, in three languages; nothing sticks out, axe finds nothing."""
    for language in ("en", "id", "nl"):
        eye = looker(size, language, logged_in=False)
        eye.look(team)
    eye.page.fill("#f-email", "budi@example.com")
    eye.page.check("input[name=agree]")
    with eye.page.expect_navigation():
        eye.page.click("form button")
    eye.hold("after asking")
    seat = f"{own(shop, 'budi@example.com')}/team/{team.removeprefix('/d/')}"
    eye.look(seat)
    with eye.page.expect_navigation():
        eye.page.click("form button")
    eye.hold("after joining")
    eye.look(own(shop, "ani@example.com"))
    looker(size).look(f"/teams/{deal}")
    shop.rows(f"UPDATE team SET deadline = '{NOW - timedelta(hours=1)}' RETURNING id")
    eye.look(team)
    told: Any = eye.page.text_content("main")
    assert "De tijd van dit team is voorbij" in told
