"""/admin/oauth: token exchange, refresh with rotation, the authorization code."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request

from plugin_server.demo.shopify_shop.floor import floor
from plugin_server.demo.shopify_shop.grants import Grants, Refused
from plugin_server.demo.shopify_shop.identity import BadIdToken, read_id_token, signed_query

oauth = Blueprint("shopify_oauth", __name__, template_folder="templates")

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 (a name)
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
_LASTING = "Non-expiring access tokens are no longer accepted for the Admin API."


def _json(value: object, status: int) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json; charset=utf-8")


@oauth.post("/admin/oauth/access_token")
def access_token() -> Response:
    """Give a token for an ID token, a refresh token, an old token or an authorization code."""
    spoiled = floor().spoil("oauth", lambda: _json({}, 200))
    if spoiled is not None:
        return spoiled
    given = request.get_json(silent=True) or request.form.to_dict()
    try:
        return _json(_granted(given), 200)
    except Refused as refused:
        told = {"error": refused.error, "error_description": refused.description}
        return _json({name: value for name, value in told.items() if value}, 400)


def _granted(given: dict[str, Any]) -> dict[str, object]:
    grants = floor().shop.grants
    known = {grants.client_secret, grants.old_secret} - {None}
    if given.get("client_id") != grants.client_id or given.get("client_secret") not in known:
        raise Refused("invalid_client", "Client authentication failed.")
    kind = given.get("grant_type")
    if kind == "refresh_token":
        return grants.refresh(str(given.get("refresh_token", "")))
    if not grants.installed and kind == EXCHANGE:
        raise Refused("invalid_client", "The app is not installed on this shop.")
    expiring = str(given.get("expiring", "0")) in {"1", "True", "true"}
    if kind == EXCHANGE:
        _check_subject(given, grants)
        if given["requested_token_type"] == ONLINE:
            return _of_the_owner()
    elif "code" in given:
        if not grants.redeem(str(given["code"])):
            raise Refused("invalid_request", "The authorization code was not found or was already used")
        grants.install()
    else:
        raise Refused("unsupported_grant_type", "The grant type is not supported.")
    if not expiring and not grants.lasting_tokens:
        raise Refused("invalid_request", _LASTING)
    return grants.issue(expiring=expiring)


def _of_the_owner() -> dict[str, object]:
    """A token of the person in the admin, who is the shop's owner here."""
    shop = floor().shop
    told = shop.grants.issue(expiring=True)
    person = {
        "id": 42, "first_name": "Senja", "last_name": "Wulandari", "email": shop.owner, "account_owner": True,
        "email_verified": True, "locale": "en", "collaborator": False,
    }  # fmt: skip
    kept = {name: told[name] for name in ("access_token", "scope", "expires_in")}
    return kept | {"associated_user_scope": told["scope"], "associated_user": person}


def _check_subject(given: dict[str, Any], grants: Grants) -> None:
    here, token = floor(), str(given.get("subject_token", ""))
    if given.get("requested_token_type") not in {ONLINE, OFFLINE}:
        raise Refused("invalid_request", "The requested token type is not served here.")
    if given.get("subject_token_type") == OFFLINE:
        with grants.lock:
            if token not in grants.access:
                raise Refused("invalid_subject_token")
            del grants.access[token]  # exchanged for an expiring one: there is no way back
        return
    if given.get("subject_token_type") != ID_TOKEN:
        raise Refused("invalid_request", "The subject token type is not served here.")
    try:
        read_id_token(token, shop=here.shop.domain, client_id=grants.client_id, secret=grants.client_secret,
                      now=here.shop.now())  # fmt: skip
    except BadIdToken:
        raise Refused("invalid_subject_token") from None


@oauth.get("/admin/oauth/authorize")
def authorize() -> Response:
    """The consent page; ``approve=1`` is its button."""
    here, asked = floor(), request.args
    if asked.get("client_id") != here.shop.grants.client_id or not asked.get("redirect_uri"):
        return Response("Oauth error invalid_request: The client or its redirect address is unknown.", status=400)
    if asked.get("approve") != "1":
        approve = "?" + urlencode({**asked.to_dict(), "approve": "1"})
        return Response(render_template("install.html", shop=here.shop, scopes=asked.get("scope", ""), approve=approve))
    host = base64.b64encode(f"admin.shopify.com/store/{here.shop.domain.partition('.')[0]}".encode()).decode()
    values = {
        "code": here.shop.grants.authorize(),
        "host": host.rstrip("="),
        "shop": here.shop.domain,
        "state": asked.get("state", ""),
        "timestamp": str(int(here.shop.now().timestamp())),
    }
    back = redirect(f"{asked['redirect_uri']}?{signed_query(values, here.shop.grants.client_secret)}")
    return Response(back.get_data(), status=302, headers=list(back.headers))
