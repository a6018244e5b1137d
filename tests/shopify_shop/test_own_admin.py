"""The double's own admin: it frames the app, and gives ID tokens that are exchanged; a restart ends no installation."""

from __future__ import annotations

import pytest

from plugin_server.demo.shopify_shop.grants import Grants, Refused
from plugin_server.demo.shopify_shop.identity import read_id_token
from plugin_server.demo.shopify_shop.oauth import EXCHANGE, ID_TOKEN, ONLINE
from plugin_server.demo.shopify_shop.own_admin import HOME
from plugin_server.demo.shopify_shop.server import create_shop_app
from plugin_server.demo.shopify_shop.state import ShopState
from tests.shopify_shop.conftest import NOW, Clock

APP = "http://127.0.0.1:8000"


def test_the_admin_frames_the_app_and_gives_it_tokens() -> None:
    shop = ShopState(clock=lambda: NOW)
    served = create_shop_app(shop)
    visitor = served.test_client()
    assert visitor.get("/admin/apps/demo-client").status_code == 404, "nobody said where the app is"
    served.config[HOME] = APP
    page = visitor.get("/admin/apps/demo-client").get_data(as_text=True)
    assert f'src="{APP}/shopify?embedded=1&amp;shop={shop.domain}&amp;host=' in page
    deep = visitor.get("/admin/apps/demo-client/shopify/x.myshopify.com/customers").get_data(as_text=True)
    assert f'src="{APP}/shopify/x.myshopify.com/customers?embedded=1&amp;shop={shop.domain}&amp;host=' in deep
    assert visitor.get("/admin/apps/another").status_code == 404
    given = visitor.get("/admin/id_token")
    assert given.headers["Access-Control-Allow-Origin"] == APP
    claims = read_id_token(given.text, shop=shop.domain, client_id="demo-client", secret="demo-secret", now=NOW)
    assert claims["dest"] == f"https://{shop.domain}"
    asked = {
        "client_id": "demo-client", "client_secret": "demo-secret", "grant_type": EXCHANGE, "subject_token": given.text,
        "subject_token_type": ID_TOKEN, "requested_token_type": ONLINE,
    }  # fmt: skip
    person = visitor.post("/admin/oauth/access_token", json=asked).get_json()["associated_user"]
    assert (person["email"], person["account_owner"]) == (shop.owner, True)
    shop.grants.uninstall()
    assert visitor.get("/admin/id_token").status_code == 404
    assert "idToken" in visitor.get("/shopifycloud/app-bridge.js").get_data(as_text=True)


def test_what_an_earlier_process_gave_is_known_again_and_what_was_used_up_is_not(clock: Clock) -> None:
    before = Grants(clock)
    given = before.issue(expiring=True)
    token, refresh = str(given["access_token"]), str(given["refresh_token"])
    after = Grants(clock)
    assert after.admits(token)
    assert not after.admits(token[:-1] + ("0" if token[-1] != "0" else "1"))
    assert not after.admits("shpat_" + "0" * 40)
    newer = str(after.refresh(refresh)["refresh_token"])
    after.refresh(newer)
    with pytest.raises(Refused, match="invalid_grant"):
        after.refresh(refresh)
    after.expire_access()
    assert not Grants(clock, installed=False).admits(token)
