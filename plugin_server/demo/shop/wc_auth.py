"""The wc-auth flow: a page on which the owner approves an app, and the key pair that is then posted to it.

The owner is taken to be logged in. A callback over plain http is refused unless the shop was told to allow it, which
the demo needs on one machine. An answer other than 200 takes the keys away again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
from flask import Blueprint, Response, redirect, render_template, request

from plugin_server.demo.shop.model import ApiKey
from plugin_server.demo.shop.routes import floor

wc_auth = Blueprint("wc_auth", __name__, template_folder="templates")

SCOPES = {"read": "Read", "write": "Write", "read_write": "Read/Write"}
_NEEDED = ("app_name", "user_id", "return_url", "callback_url", "scope")
_NONCE_KEY = secrets.token_bytes(16)
_TIMEOUT = 10.0


class _Denied(Exception):
    pass


def _nonce(given: Mapping[str, str]) -> str:
    told = "|".join(given.get(name, "") for name in ("app_name", "user_id", "scope"))
    return hmac.new(_NONCE_KEY, told.encode(), hashlib.sha256).hexdigest()[:10]


def with_query(url: str, **more: str) -> str:
    """``url`` with further query parameters."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *more.items()])))


def _checked(given: Mapping[str, str]) -> None:
    """Refuse what the real page refuses; "0" counts as missing."""
    for name in _NEEDED:
        if given.get(name, "") in {"", "0"}:
            raise _Denied(f"Error: Missing parameter {name}.")
    if given["scope"] not in SCOPES:
        raise _Denied("Error: Invalid scope.")
    for name in ("return_url", "callback_url"):
        if urlsplit(given[name]).scheme not in {"http", "https"}:
            raise _Denied(f"Error: The {name} is not a valid URL.")
    if not given["callback_url"].startswith("https://") and not floor().allow_http_callback:
        raise _Denied("Error: The callback_url needs to be over SSL.")


def _denied(error: _Denied) -> Response:
    return Response(render_template("auth_denied.html", message=str(error)), status=401)


@wc_auth.get("/wc-auth/v1/authorize")
def authorize() -> Response:
    """The page that asks the owner."""
    given = request.args
    try:
        _checked(given)
    except _Denied as error:
        return _denied(error)
    granted = {name: given[name] for name in _NEEDED} | {"wc_auth_nonce": _nonce(given)}
    page = render_template(
        "auth.html",
        app_name=given["app_name"],
        scope=SCOPES[given["scope"]],
        host=urlsplit(given["callback_url"]).hostname,
        grant=f"/wc-auth/v1/access_granted/?{urlencode(granted)}",
        deny=with_query(given["return_url"], success="0", user_id=given["user_id"]),
        shop=floor().shop,
    )
    return Response(page)


@wc_auth.get("/wc-auth/v1/access_granted/")
def access_granted() -> Response:
    """Make a key pair, post it to the app, and send the browser back. Used twice it makes two pairs."""
    given, shop = request.args, floor().shop
    try:
        _checked(given)
        if not hmac.compare_digest(given.get("wc_auth_nonce", ""), _nonce(given)):
            raise _Denied("Error: Invalid nonce verification")
        with shop.lock:
            key = shop.add_key(permissions=given["scope"], description=given["app_name"])
        if not _posted(given["callback_url"], key, given["user_id"]):
            with shop.lock:
                shop.remove(key)
            raise _Denied(
                "Error: An error occurred in the request and at the time were unable to send the consumer data"
            )
    except _Denied as error:
        return _denied(error)
    back = redirect(with_query(given["return_url"], success="1", user_id=given["user_id"]), code=302)
    return Response(back.get_data(), status=302, headers=list(back.headers))


def _posted(url: str, key: ApiKey, user_id: str) -> bool:
    """Post the pair; True only for exactly 200. A redirect is followed, and the secret goes along."""
    body = {
        "key_id": key.id,
        "user_id": user_id,
        "consumer_key": key.key,
        "consumer_secret": key.secret,
        "key_permissions": key.permissions,
    }
    headers = {"Content-Type": "application/json;charset=UTF-8", "User-Agent": f"WordPress/6.8.8; {floor().shop.base}"}
    text = json.dumps(body, separators=(",", ":"))
    try:
        with requests.post(url, data=text, headers=headers, timeout=_TIMEOUT) as answer:
            return answer.status_code == 200
    except requests.RequestException:
        return False
