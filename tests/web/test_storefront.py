"""The block in shops' windows: who sees what, proved by which signature, and nothing else on anybody's page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import requests
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser
from sqlalchemy import text

from connectors.errors import BadSignature
from connectors.shopify.app_proxy import Proxied, read_proxied, signature
from plugin_server.db.merchant import brand
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.demo.generator import generate
from plugin_server.demo.opening import free_port
from plugin_server.demo.serving import running
from plugin_server.demo.shop import ShopState, stock
from plugin_server.demo.shop.faults import Faults
from plugin_server.demo.shop.server import bind, create_shop_app
from plugin_server.demo.shopify_shop import ShopState as ShopifyState
from plugin_server.demo.shopify_shop import stock as stock_shopify
from plugin_server.demo.shopify_shop.server import bind as bind_shopify
from plugin_server.demo.shopify_shop.server import create_shop_app as create_shopify
from plugin_server.vault import CustomerLink, Shopper, customer_token, storefront_token
from plugin_server.wiring import Services
from tests.checks.measure import ROOT
from tests.serving import served
from tests.web.conftest import Visitor
from tests.web.test_browser import address, crowd, looker

__all__ = ["address", "crowd", "looker"]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ORIGIN = "https://toko.example.com"
EVIL = '<img src=x onerror="document.title=1">'
Pairs = list[tuple[str, str]]


def query(**told: str) -> Pairs:
    standard = {
        "shop": "toko-senja.myshopify.com", "logged_in_customer_id": "7", "path_prefix": "/apps/tangga",
        "timestamp": str(int(NOW.timestamp())),
    }  # fmt: skip
    return list((standard | told).items())


def signed(pairs: Pairs, secret: str = "s") -> Pairs:
    return [*pairs, ("signature", signature(pairs, secret))]


def test_the_signature_is_shopifys_own() -> None:
    """The example of Shopify's documentation of app proxies."""
    example = (
        "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1&path_prefix=%2Fapps%2Fawesome_reviews"
        "&timestamp=1317327555"
    )
    pairs = parse_qsl(example, keep_blank_values=True)
    assert signature(pairs, "hush") == "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"


@given(st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=6)), max_size=4), st.data())
def test_a_changed_request_is_refused(extra: Pairs, data: st.DataObject) -> None:
    whole = signed([*query(), *((f"x-{name}", value) for name, value in extra)])
    assert read_proxied(whole, ["old", "s"], NOW) == Proxied("toko-senja.myshopify.com", "7")
    at = data.draw(st.integers(0, len(whole) - 1))
    name, value = whole[at]
    broken = [*whole[:at], (name, value + "1"), *whole[at + 1 :]]
    with pytest.raises(BadSignature):
        read_proxied(broken, ["s"], NOW)


@pytest.mark.parametrize(
    "pairs",
    [
        signed(query(timestamp=str(int(NOW.timestamp()) - 91))),
        signed(query(timestamp="soon")),
        signed([*query(), ("logged_in_customer_id", "8")]),
        signed([*query(), ("shop", "other.myshopify.com")]),
        signed(query(shop="evil.example.com")),
        signed(query(), "stolen"),
        signed(query(), ""),
        query(),
    ],
)
def test_what_did_not_come_through_the_shop_is_refused(pairs: Pairs) -> None:
    with pytest.raises(BadSignature):
        read_proxied(pairs, ["s", ""], NOW)


def ask(visitor: Visitor, token: str, origin: str | None = ORIGIN) -> Any:
    headers = {"Origin": origin} if origin else {}
    return visitor.client.post("/storefront/me", data=token, headers=headers, content_type="text/plain")


@pytest.fixture
def token(app: Services, merchant: int, woo: int, crowd: int) -> Callable[..., str]:
    today = (app.now().date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days

    def make(**told: int) -> str:
        standard = Shopper(merchant, woo, crowd, today)
        return storefront_token(app.settings.keys, replace(standard, **{"day": today - told.pop("age", 0), **told}))

    return make


def test_a_token_opens_the_block_and_nothing_more(
    app: Services, visitor: Visitor, merchant: int, crowd: int, token: Callable[..., str]
) -> None:
    answer = ask(visitor, token())
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer.headers
    said = answer.get_json()
    assert said["hello"] == "Halo Siti"
    assert said["rung"] == {"number": 3, "of": 7, "name": "Pembeli"}
    assert set(said) == {"shown", "lang", "hello", "color", "rung", "points", "next", "forget", "card"}
    assert "example.com" not in json.dumps(said)
    assert said["card"] is None
    assert visitor.client.get(f"/c/{token()}").status_code == 404
    own = customer_token(app.settings.keys, CustomerLink(merchant, crowd))
    assert ask(visitor, own).status_code == 403


@pytest.mark.parametrize("origin", [None, "https://evil.example.com", "http://toko.example.com", f"{ORIGIN}.evil.com"])
def test_other_pages_are_told_nothing(visitor: Visitor, token: Callable[..., str], origin: str | None) -> None:
    answer = ask(visitor, token(), origin)
    assert answer.status_code == 403
    assert answer.get_json() == {"shown": False}
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_tokens_end_and_cannot_be_made_up(
    app: Services, merchant: int, visitor: Visitor, crowd: int, token: Callable[..., str]
) -> None:
    assert ask(visitor, token(age=180)).status_code == 200
    gone = [token(age=181), token(age=-1), token()[:-1], "", "c60@example.com", "x" * 500]
    assert [ask(visitor, one).status_code for one in gone] == [403] * len(gone)
    # The script may read these, and forgets its token; what a token of another shop got stays unread.
    read = [ask(visitor, one).headers.get("Access-Control-Allow-Origin") for one in (*gone, token(store_id=999))]
    assert read == [ORIGIN, ORIGIN, "*", "*", "*", "*", None]
    assert ask(visitor, token(age=181), "https://evil.example.com").headers.get("Access-Control-Allow-Origin") is None
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE customer SET erased_at = now() WHERE id = :c"), {"c": crowd})
    assert (ask(visitor, token()).status_code, ask(visitor, token()).get_json()) == (403, {"shown": False})


def test_a_card_without_a_code_leads_to_the_shop_as_well(
    app: Services, merchant: int, woo: int, visitor: Visitor, crowd: int
) -> None:
    """Else nobody without a code would ever see the block; a shop that has left is not gone to."""
    page = f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, crowd))}"
    found = re.search(rf'href="{ORIGIN}/?#tangga=([^"]+)"', visitor.get(page).text)
    assert found
    assert ask(visitor, found[1]).get_json()["hello"] == "Halo Siti"
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET state = 'disconnected' WHERE id = :s"), {"s": woo})
    assert ORIGIN not in visitor.get(page).text


def test_the_owner_finds_the_steps(logged_in: Callable[[str], Visitor], woo: int) -> None:
    said = logged_in("viewer").get(f"/stores/{woo}/storefront").get_data(as_text=True)
    assert "&lt;script src=&#34;http" in said.replace('"', "&#34;")
    assert "/storefront/block.js" in said
    assert logged_in("viewer").get("/stores/999/storefront").status_code == 404


def test_the_extension_carries_the_same_script() -> None:
    ours = (ROOT / "plugin_server/web/assets/storefront.js").read_bytes()
    assert (ROOT / "extensions/tangga-storefront/assets/tangga-storefront.js").read_bytes() == ours
    assert len(ours) < 10_000  # more, and Shopify's theme check complains
    names = {path.name: json.loads(path.read_text()) for path in (ROOT / "extensions").rglob("locales/*.json")}
    for kind in ("", ".schema"):
        keys = [set(names[f"{language}{kind}.json"]["rung"]) for language in ("en.default", "id", "nl")]
        assert keys[0] == keys[1] == keys[2]


def test_the_block_is_one_that_theme_editors_take() -> None:
    """The keys and limits of Shopify's "Theme app extension configuration" (schema, file and content size limits)."""
    root = ROOT / "extensions/tangga-storefront"
    liquid = (root / "blocks/rung.liquid").read_text()
    schema = json.loads(re.search(r"{% schema %}(.*){% endschema %}", liquid, re.DOTALL)[1])  # type: ignore[index]
    assert set(schema) <= {"name", "target", "javascript", "stylesheet", "tag", "class", "enabled_on", "settings"}
    assert schema["target"] == "section"
    assert all((root / "assets" / schema[kind]).is_file() for kind in ("javascript", "stylesheet"))
    for one in schema["settings"]:
        assert (one["type"], type(one["default"])) in {("checkbox", bool), ("text", str)}
        assert set(one) == {"type", "id", "label", "default"}
        assert f"block.settings.{one['id']}" in liquid
    merchant = {one.rpartition(".")[2] for one in (schema["name"], *(one["label"] for one in schema["settings"]))}
    shoppers = set(re.findall(r'"rung\.(\w+)" \| t', liquid))
    for language in ("en.default", "id", "nl"):
        words = json.loads((root / f"locales/{language}.schema.json").read_text())["rung"]
        assert set(words) == merchant
        assert len(words["name"]) <= 25
        assert set(json.loads((root / f"locales/{language}.json").read_text())["rung"]) == shoppers


@pytest.fixture
def ours(app: Services, serve: Callable[[Services], Flask]) -> Iterator[str]:
    """Our web application at the address it names itself by, with a Shopify app of its own."""
    port = free_port()
    told = {"public_url": f"http://127.0.0.1:{port}", "shopify_client_id": "demo-client",
            "shopify_client_secrets": ("demo-secret",)}  # fmt: skip
    made = serve(replace(app, settings=app.settings.model_copy(update=told)))
    with served(made, port) as address:
        yield address


@pytest.mark.browser
def test_a_shop_without_log_in_shows_the_block_to_whoever_came_from_a_card(
    app: Services, merchant: int, woo: int, crowd: int, ours: str, chromium: Browser
) -> None:
    shop = ShopState()
    stock(shop, generate(seed=3, customers=30, now=NOW))
    shown = create_shop_app(shop, Faults())
    shown.config["BLOCK"] = f"{ours}/storefront/block.js"
    with running(bind(shown)) as window, tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET url = :u WHERE id = :s"), {"u": window, "s": woo})
        conn.execute(text("UPDATE customer SET first_name = :n WHERE id = :c"), {"n": EVIL, "c": crowd})
        brand.save(conn, merchant, color="#112233", logo=None, now=app.now())
        given = {"m": merchant, "c": crowd, "s": woo, "now": app.now(), "until": app.now() + timedelta(9)}
        conn.execute(text(CODE), given)
        conn.commit()
        context = chromium.new_context(locale="en")
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
        page.goto(window)
        page.wait_for_load_state("networkidle")
        assert page.locator("[data-tangga]").is_hidden()
        page.goto(f"{ours}/c/{customer_token(app.settings.keys, CustomerLink(merchant, crowd))}")
        page.click(f"a[href^='{window}']")
        page.locator("[data-tangga] section").wait_for()
        assert page.url == f"{window}/"
        assert page.locator("[data-tangga] p").first.inner_text() == f"Halo {EVIL}"
        assert page.locator("[data-tangga] img").count() == 0
        on = page.locator("[data-tangga] li.on")
        assert on.count() >= 3
        assert on.first.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(17, 34, 51)"
        page.goto(f"{window}/?lang=en")
        page.locator("[data-tangga] button").click()
        page.goto(window)
        page.wait_for_load_state("networkidle")
        assert page.locator("[data-tangga]").is_hidden()
        assert said == []
        # A token that counts no longer is asked about once, and forgotten.
        page.evaluate("localStorage.setItem('tangga', 'x.y')")
        with page.expect_response("**/storefront/me") as answered:
            page.reload()
        assert answered.value.status == 403
        page.wait_for_function("localStorage.getItem('tangga') === null")
        context.close()


@pytest.mark.browser
def test_a_shopify_shop_shows_the_block_to_whoever_signed_in(
    app: Services, merchant: int, crowd: int, ours: str, chromium: Browser
) -> None:
    shop = ShopifyState(clock=app.now)
    stock_shopify(shop, generate(seed=3, customers=30, now=NOW))
    visitor = next(one for one in shop.customers.values() if one.email)
    with tenant(app.engine, merchant) as conn:
        store = stores.add(conn, merchant_id=merchant, platform="shopify", name="Senja", url=f"https://{shop.domain}")
        conn.execute(
            text("INSERT INTO identity (merchant_id, store_id, external_id, customer_id, content) "
                 "VALUES (:m, :s, :e, :c, '{}')"),
            {"m": merchant, "s": store, "e": str(visitor.id), "c": crowd},
        )  # fmt: skip
    shown = create_shopify(shop)
    shown.config["PROXY"] = f"{ours}/shopify/proxy"
    with running(bind_shopify(shown)) as window:
        context = chromium.new_context(locale="en")
        page = context.new_page()
        page.goto(f"{window}/?lang=en")
        assert "Sign in to see your rung and points" in page.content()
        assert context.request.get(f"{window}/apps/tangga/storefront").json() == {"shown": False}
        page.goto(f"{window}/account/login")
        page.fill("#email", str(visitor.email))
        page.click("button")
        page.locator("[data-tangga] section").wait_for()
        assert page.locator("[data-tangga] section p").first.inner_text() == "Halo Siti"
        assert "Your rung" not in page.content()
        page.locator("[data-tangga] a").click()
        page.wait_for_url(f"{ours}/c/**")
        context.close()
    bare = urlencode(query(shop=shop.domain, logged_in_customer_id=str(visitor.id)))
    assert requests.get(f"{ours}/shopify/proxy/storefront?{bare}", timeout=10).status_code == 401


CODE = """
INSERT INTO offer_code (merchant_id, customer_id, store_id, code, state, kind, value, currency, email, expires_at,
                        issued_at)
VALUES (:m, :c, :s, 'SENJA-10', 'issued', 'percentage', 10, 'IDR', 'c60@example.com', :until, :now)
"""
