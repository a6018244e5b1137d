"""Pages: who may open them, what merely opening them changes, and that one business never sees another's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from campaigns.reasons import Reason
from campaigns.recipes import holiday_discount
from connectors.types import StoreInfo
from plugin_server.db.campaigning import campaigns
from plugin_server.db.ladder import facts
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.merchant import merchants
from plugin_server.db.session import owner_engine, tenant
from plugin_server.db.shops import stores
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.wiring import Services
from tests.web.conftest import Clock, Visitor
from tests.web.filled import filled
from tests.web.policies import every_address, strict

READING = [
    "/home", "/home/what-if", "/audit", "/forecast", "/customers", "/campaigns", "/campaigns/recipes",
    "/campaigns/calendar", "/settings", "/settings/holidays", "/mail/health", "/settings/topics", "/conversations",
    "/settings/members", "/settings/benefits", "/settings/wallet", "/answers", "/settings/referral", "/referrals",
    "/tasks", "/teams", "/offers", "/welcome", "/settings/brand", "/settings/guards", "/welcome/costs",
    "/welcome/try/win_back",
]  # fmt: skip
WRITING = ["/campaigns/new", "/teams/new"]
OWNING = [
    "/connect/woocommerce",
    "/settings/people",
    "/settings/audit",
    "/settings/keys",
    "/mail/account",
    "/mail/account/server",
]


@pytest.fixture
def customer(app: Services, merchant: int) -> int:
    """Siti, who said yes to mails."""
    with tenant(app.engine, merchant) as connection:
        number: int = connection.execute(
            text(
                "INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, language, created_at) "
                "VALUES (:m, 'Siti@example.com', 'siti@example.com', 'Siti', 'Rahayu', 'id', '2026-01-01') RETURNING id"
            ),
            {"m": merchant},
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at) "
                "VALUES (:m, :c, 'subscribed', 'woocommerce', '2026-01-01')"
            ),
            {"m": merchant, "c": number},
        )
        facts.refresh(connection, merchant_id=merchant, customer_ids=[number], now=app.now())
        ladder.climb(connection, merchant_id=merchant, customer_ids=[number], now=app.now())
    return number


def said(app: Services, merchant: int, customer: int) -> list[str]:
    with tenant(app.engine, merchant) as connection:
        rows = connection.execute(text("SELECT state FROM consent WHERE customer_id = :c ORDER BY id"), {"c": customer})
        return list(rows.scalars())


def everything(app: Services) -> dict[str, int]:
    """A fingerprint of every table, as the owner sees it."""
    engine = owner_engine(str(app.settings.database_url))
    with engine.connect() as connection:
        names = connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
        ).all()
        found = {
            name: connection.scalar(text(f'SELECT coalesce(sum(hashtextextended(t::text, 0)), 0) FROM "{name}" t'))
            for name in names
        }
    engine.dispose()
    return found


OUTSIDE = ["/join/1"]
OWN = ["", "/unsubscribe", "/preferences", "/confirm", "/ask/satisfaction?score=3", "/ask/preferences", "/ask/birthday"]


@pytest.mark.parametrize("path", READING + WRITING + OWNING)
def test_nobody_sees_a_page_without_logging_in(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).location == f"/login?next={path}"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("viewer", READING), ("marketer", READING + WRITING), ("owner", READING + WRITING + OWNING)],
)
def test_roles_open_what_is_theirs(
    logged_in: Callable[[str], Visitor], customer: int, role: str, allowed: list[str]
) -> None:
    visitor = logged_in(role)
    found = {path: visitor.get(path).status_code for path in READING + WRITING + OWNING}
    assert found == {path: 200 if path in allowed else 403 for path in found}


def test_every_route_that_changes_something_asks_for_a_role(flask_app: Flask) -> None:
    free = {
        "login.ask", "login.enter", "login.leave", "login.language", "webhooks.woocommerce", "webhooks.sendgrid",
        "connect.callback", "customer_card.unsubscribe", "customer_card.preferences", "preferences.choose",
        "preferences.confirm", "preferences.join", "customer_points.take", "webhooks.shopify",
        "webhooks.sendgrid_inbound", "members.join", "referrals.join", "referrals.confirm",
        "asking.answer", "asking.praise", "asking.write", "teams.join", "teams.confirm", "teams.start",
        "storefront.mine", "api.add_campaign",
    }  # fmt: skip
    changing = {rule.endpoint for rule in flask_app.url_map.iter_rules() if rule.methods and "POST" in rule.methods}
    unguarded = {name for name in changing if not hasattr(flask_app.view_functions[name], "required_role")}
    assert unguarded == free


def test_opening_pages_changes_nothing(app: Services, logged_in: Callable[[str], Visitor], customer: int) -> None:
    visitor = logged_in("owner")
    token = customer_token(app.settings.keys, CustomerLink(1, customer))
    before = everything(app)
    for path in [
        *READING,
        *WRITING,
        *OWNING,
        f"/customers/{customer}",
        *OUTSIDE,
        *(f"/c/{token}{page}" for page in OWN),
    ]:
        assert visitor.get(path).status_code == 200, path
    assert everything(app) == before


def test_a_form_without_its_token_changes_nothing(app: Services, logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("owner")
    before = everything(app)
    visitor.token = "made-up"
    answer = visitor.post("/settings", {"name": "Stolen", "holdout": "10", "locale": "en"})
    assert answer.status_code == 400
    assert everything(app) == before


@pytest.fixture
def stranger(app: Services, flask_app: Flask) -> Visitor:
    """The owner of another business."""
    other = merchants.add(
        app.engine, name="Rival", email="rival@example.com", timezone="UTC", currency="EUR", locale="en"
    )
    with tenant(app.engine, other) as connection:
        user = connection.scalar(text("SELECT id FROM user_account"))
    made = Visitor(flask_app.test_client())
    made.log_in(app, other, user)
    return made


def test_another_business_sees_and_touches_nothing(
    app: Services, merchant: int, woo: int, customer: int, stranger: Visitor
) -> None:
    with tenant(app.engine, merchant) as connection:
        person = connection.scalar(text("SELECT id FROM user_account"))
    assert stranger.get(f"/customers/{customer}").status_code == 404
    assert stranger.get(f"/stores/{woo}").status_code == 404
    assert "Siti" not in stranger.get("/customers").text
    assert "Siti" not in stranger.get("/customers?q=siti").text
    before = everything(app)["user_account"]
    stranger.post(f"/settings/people/{person}", {"role": "viewer"})
    assert everything(app)["user_account"] == before
    assert stranger.post(f"/stores/{woo}/confirm", {"address": "https://evil.example"}).status_code == 404


def frozen(app: Services, merchant: int, store: int) -> None:
    """The shop now tells another address."""
    with tenant(app.engine, merchant) as connection:
        for address in ("https://toko.example.com", "https://new.example.com"):
            stores.told(connection, store, StoreInfo("Toko", address, "IDR", "UTC", "10.9"), app.now())


def how(app: Services, merchant: int) -> Any:
    """State and address of the shop."""
    with tenant(app.engine, merchant) as connection:
        return tuple(connection.execute(text("SELECT state, fingerprint FROM store")).one())


def test_an_owner_confirms_exactly_the_address_that_the_page_shows(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    frozen(app, merchant, woo)
    owner = logged_in("owner")
    assert 'name="address" value="https://new.example.com"' in owner.get(f"/stores/{woo}").text
    owner.post(f"/stores/{woo}/confirm", {"address": "https://evil.example"})
    assert "Nothing was confirmed" in owner.get(f"/stores/{woo}").text
    assert how(app, merchant) == ("frozen", "https://toko.example.com")
    owner.post(f"/stores/{woo}/confirm", {"address": "https://new.example.com"})
    assert how(app, merchant) == ("connected", "https://new.example.com")


def test_a_second_click_on_confirm_is_refused_with_a_sentence(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner = logged_in("owner")
    owner.get(f"/stores/{woo}")
    owner.post(f"/stores/{woo}/confirm", {"address": "https://new.example.com"})
    assert "Nothing was confirmed" in owner.get(f"/stores/{woo}").text
    assert how(app, merchant) == ("connected", None)


def dutch(app: Services, merchant: int, logged_in: Callable[[str], Visitor]) -> Visitor:
    """An owner who reads Dutch."""
    owner = logged_in("owner")
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE user_account SET locale = 'nl'"))
    return owner


def test_a_run_says_in_its_reader_s_language_why_it_waits(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    campaign = holiday_discount().campaign
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=campaign, by="test")
        run, _ = campaigns.open_run(
            connection,
            merchant_id=merchant,
            saved=campaigns.need(connection, campaign.key),
            occasion="test",
            due_at=app.now(),
            by="test",
        )
        waits = Reason("4 mails wait for their time.", "mails_wait", n=4)
        campaigns.wait(connection, run, until=app.now(), reason=waits)
        assert campaigns.run(connection, run).state_reason == "4 mails wait for their time."
    assert "4 mails wachten op hun tijd." in dutch(app, merchant, logged_in).get(f"/runs/{run}").text


def test_a_campaign_is_not_activated_while_a_shop_is_frozen(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    campaign = holiday_discount().campaign
    frozen(app, merchant, woo)
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=campaign, by="test")
    owner = dutch(app, merchant, logged_in)
    owner.post(f"/campaigns/{campaign.key}/state", {"state": "active"})
    said = owner.get(f"/campaigns/{campaign.key}").text
    assert "De winkel Toko Senja (https://toko.example.com) noemt een ander adres dan voorheen." in said
    assert "veranderde van https://toko.example.com in https://new.example.com" in owner.get(f"/stores/{woo}").text
    with tenant(app.engine, merchant) as connection:
        assert campaigns.need(connection, campaign.key).state == "draft"
        done = connection.scalars(text("SELECT action FROM audit_log WHERE action LIKE 'campaign%'")).all()
    assert done == []


def test_every_answer_there_is_lets_nothing_run_that_is_not_ours(
    flask_app: Flask, logged_in: Callable[[str], Visitor], visitor: Visitor
) -> None:
    """Pages, error pages, files, answers to programs, customers' pages; for an owner, and for nobody."""
    owner, found = logged_in("owner"), {}
    for rule, path in every_address(flask_app):
        # Without a form's token nothing is done, so that an owner's log-in outlasts them all.
        for who, client in (("owner", owner.client), ("nobody", visitor.client)):
            for method in {"GET", "POST"} & (rule.methods or {"GET"}):
                with client.open(path, method=method) as answer:
                    if wrong := strict(answer):
                        found[f"{method} {path} {answer.status_code} {who}"] = wrong
    assert found == {}


def test_headers_keep_browsers_honest(visitor: Visitor) -> None:
    headers = visitor.get("/login").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_production_has_safe_cookies_and_hsts(app: Services, serve: Callable[[Services], Flask]) -> None:
    settings = app.settings.model_copy(update={"tangga_env": "production"})
    made = serve(Services(settings, app.engine, app.redis, app.now))
    answer = made.test_client().get("/login", base_url="https://tangga.example.com")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tangga=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))


@pytest.mark.parametrize("language", ["en", "id", "nl"])
def test_a_missing_page_says_so_with_a_number(visitor: Visitor, language: str) -> None:
    answer = visitor.get("/no-such-page", headers={"Accept-Language": language})
    titles = {"en": "There is no such page", "id": "Halaman ini tidak ada", "nl": "Deze pagina bestaat niet"}
    assert answer.status_code == 404
    assert titles[language] in answer.text


def test_settings_refuse_what_cannot_be(app: Services, logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("owner")
    visitor.get("/settings")
    before = everything(app)["merchant"]
    for wrong in ({"name": ""}, {"from_email": "nonsense"}, {"holdout": "51"}, {"holdout": "x"}, {"locale": "fr"}):
        form = {"name": "Toko", "holdout": "10", "locale": "id", "from_email": "", **wrong}
        assert visitor.post("/settings", form).status_code == 422, wrong
    assert everything(app)["merchant"] == before


def test_the_last_owner_stays(app: Services, merchant: int, logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("owner")
    visitor.get("/settings/people")
    with tenant(app.engine, merchant) as connection:
        myself = connection.scalar(text("SELECT id FROM user_account WHERE email LIKE 'owner-in%'"))
    visitor.post(f"/settings/people/{myself}", {"role": "owner"})
    assert visitor.get("/settings/people").status_code == 200  # what is nothing new logs nobody out
    with tenant(app.engine, merchant) as connection:
        owners = list(connection.scalars(text("SELECT id FROM user_account WHERE role = 'owner' ORDER BY id")))
    for number in owners:
        visitor.post(f"/settings/people/{number}", {"role": "viewer"})
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM user_account WHERE role = 'owner'")) == 1


@pytest.fixture
def card(app: Services, merchant: int, customer: int) -> str:
    return f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, customer, 7))}"


def test_one_click_unsubscribes_without_cookie_or_token(
    app: Services, merchant: int, customer: int, card: str, flask_app: Flask
) -> None:
    for _ in range(2):
        answer = flask_app.test_client().post(f"{card}/unsubscribe", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert said(app, merchant, customer) == ["subscribed", "unsubscribed"]


def test_opening_the_unsubscribe_page_asks_first(
    app: Services, merchant: int, customer: int, card: str, visitor: Visitor
) -> None:
    assert "Berhenti menerima penawaran?" in visitor.get(f"{card}/unsubscribe").text
    assert said(app, merchant, customer) == ["subscribed"]


def test_preferences_go_both_ways(
    app: Services, merchant: int, customer: int, card: str, visitor: Visitor, clock: Clock
) -> None:
    for wish in ("no", "yes"):
        clock.forward(minutes=1)
        assert visitor.post(f"{card}/preferences", {"promotions": wish}).location == card
    assert said(app, merchant, customer) == ["subscribed", "unsubscribed", "subscribed"]


@pytest.mark.parametrize("token", ["nonsense", "a" * 600, "eyJ.x.y"])
def test_an_unknown_link_gets_a_friendly_page(visitor: Visitor, token: str) -> None:
    for path in (f"/c/{token}", f"/c/{token}/unsubscribe"):
        answer = visitor.get(path)
        assert (answer.status_code, "This link is not known" in answer.text) == (404, True)


def test_a_bad_holiday_discount_is_refused_beside_its_field(logged_in: Callable[[str], Visitor], app: Services) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    form = filled(offer__percentage__value="150", name="")
    answer = visitor.post("/campaigns/new", form)
    assert answer.status_code == 422
    assert "150 is more than 100 percent" in answer.text.replace("&#39;", "'")
    with tenant(app.engine, 1) as connection:
        assert connection.scalar(text("SELECT count(*) FROM campaign")) == 0


def test_a_holiday_discount_is_saved_previewed_and_launched_once(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int, woo: int, customer: int
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/campaigns/new")
    form = filled(
        measure__holdout="0", audience__rungs=["suspect", "prospect"], message__languages=["id", "en"], name="Lebaran"
    )
    assert visitor.post("/campaigns/new", form).location == "/campaigns/lebaran"
    assert visitor.get("/campaigns/lebaran").status_code == 200
    shown = visitor.get("/campaigns/lebaran/mail/id").text
    for language in set(re.findall(r"/campaigns/lebaran/mail/(\w+)\?", shown)) | {"id"}:
        assert (
            visitor.get(f"/campaigns/lebaran/mail/{language}").status_code == 200
        )  # no button for what is not written
    frame = visitor.get("/campaigns/lebaran/mail/id/html")
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert visitor.get("/campaigns/lebaran/mail/nl/html").status_code == 404
    visitor.get("/campaigns/lebaran")
    first, again = (visitor.post("/campaigns/lebaran/launch").location for _ in range(2))
    assert first == again
    assert visitor.get(first).status_code == 200
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM campaign_run")) == 1
        actions = connection.scalars(text("SELECT action FROM audit_log WHERE actor = 'marketer-in@example.com'")).all()
    assert {"campaign_saved", "campaign_launched"} <= set(actions)
