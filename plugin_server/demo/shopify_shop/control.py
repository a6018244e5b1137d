"""/_control: what a person at Shopify, a merchant or bad luck does, for demos and tests in other processes.

Every call carries the client secret in ``X-Control``; the double serves this machine only.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from plugin_server.demo.shopify_shop import compliance, faults
from plugin_server.demo.shopify_shop.floor import Shopfloor, floor
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.identity import id_token
from plugin_server.demo.shopify_shop.model import Customer

control = Blueprint("shopify_control", __name__)
Act = Callable[[Shopfloor, dict[str, Any]], object]


def _customer(here: Shopfloor, asked: dict[str, Any]) -> Customer:
    given = str(asked.get("customer", ""))
    id = number(given, "Customer") or (int(given) if given.isdigit() else 0)
    found = here.shop.customers.get(id) or here.shop.customer_by_email(given)
    if found is None:
        raise LookupError(f"There is no customer {given!r} here.")
    return found


def _fault(here: Shopfloor, asked: dict[str, Any]) -> None:
    kind = getattr(faults, str(asked.get("kind", "")), None)
    if kind is None or str(asked.get("kind")) not in faults.__all__:
        raise LookupError(f"There is no fault {asked.get('kind')!r}.")
    made = kind(**asked.get("with", {}))
    here.faults.once(str(asked.get("on", "")), made, times=int(asked.get("times", 1)), after=int(asked.get("after", 0)))


def _webhooks(here: Shopfloor, asked: dict[str, Any]) -> None:
    for name in ("lose", "double", "hold"):
        setattr(here.webhook_faults, name, int(asked.get(name, 0)))


def _token(here: Shopfloor, asked: dict[str, Any]) -> object:
    shop = here.shop
    made = id_token(shop=shop.domain, client_id=shop.grants.client_id, secret=shop.grants.client_secret,
                    now=shop.now(), user=str(asked.get("user", "42")))  # fmt: skip
    return {"id_token": made}


_ACTS: dict[str, Act] = {
    "declare": lambda here, asked: compliance.declare(here.shop, asked["uri"], asked.get("topics", ())),
    "data_request": lambda here, asked: compliance.request_data(here.shop, _customer(here, asked)),
    "redact": lambda here, asked: compliance.redact_customer(here.shop, _customer(here, asked)),
    "shop_redact": lambda here, _asked: compliance.redact_shop(here.shop),
    "uninstall": lambda here, _asked: compliance.uninstall(here.shop),
    "install": lambda here, asked: here.shop.grants.install(asked.get("scopes")),
    "scopes": lambda here, asked: compliance.change_scopes(here.shop, asked["scopes"]),
    "rotate_secret": lambda here, asked: here.shop.grants.rotate_secret(asked["secret"]),
    "expire_tokens": lambda here, _asked: here.shop.grants.expire_access(),
    "fault": _fault,
    "webhook_faults": _webhooks,
    "id_token": _token,
    "subscriptions": lambda here, _asked: [
        {"id": gid("WebhookSubscription", one.id), "topic": one.topic, "uri": one.uri}
        for one in here.shop.subscriptions.values()
    ],
}


@control.post("/_control/<act>")
def do(act: str) -> Response:
    """Do it; gives JSON, or 404 with a sentence."""
    here = floor()
    if not hmac.compare_digest(request.headers.get("X-Control", ""), here.shop.grants.client_secret):
        return Response(status=401)
    asked = request.get_json(silent=True) or {}
    try:
        told = _ACTS[act](here, asked)
    except (LookupError, TypeError, ValueError) as error:
        return Response(json.dumps({"error": str(error)}), status=404, content_type="application/json")
    return Response(json.dumps(told), content_type="application/json")
