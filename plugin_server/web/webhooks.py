"""The door for shops and mail providers: verify the raw bytes, write them down, say 200. Work happens later.

No session, no template, one transaction. A lost wake-up call loses nothing: the sweeper finds the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from flask import Blueprint, Request, Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from connectors.errors import BadPayload, BadSignature
from connectors.sendgrid import webhooks as sendgrid_webhooks
from connectors.shopify import webhooks as shopify_webhooks
from connectors.woocommerce import webhooks as woo_webhooks
from plugin_server.bulk_bell import BulkBell
from plugin_server.jobs.reading.ingest import drain
from plugin_server.jobs.sending.events import drain_mail_events
from plugin_server.jobs.sending.replies import drain_replies
from plugin_server.web.context import services
from plugin_server.web.secrets_cache import LASTS, SecretsCache, StoreSecrets
from plugin_server.wiring import MAIL_REPLIES, mail_way

pages = Blueprint("webhooks", __name__)

LARGEST_BODY = 5_000_000
LARGEST_MAIL = 31_000_000
"""Mails with their attachments: the provider takes up to 30 MB."""
OK = b""


@pages.post("/webhooks/woocommerce/<int:store>")
def woocommerce(store: int) -> ResponseReturnValue:
    """One delivery of a WooCommerce store. Its ping is unsigned, answered with exactly 200, and never stored."""
    known = _cache().of_store(store, "woocommerce") or abort(404)
    headers, body = woo_webhooks.lower(dict(request.headers)), _raw(request)
    if not _signed(known, headers, body):
        return Response(OK)
    kept = {name: headers[name] for name in woo_webhooks.TRUSTED_HEADERS if name in headers}
    topic = headers.get("x-wc-webhook-topic", "")
    return _keep(known.merchant_id, "woocommerce", store, topic, kept, body)


def _cache() -> SecretsCache:
    cache: SecretsCache = current_app.extensions["tangga_secrets"]
    return cache


def _signed(known: StoreSecrets, headers: dict[str, str], body: bytes) -> bool:
    """False for a ping. Checked against the secrets at hand and then fresh ones: they may just have been changed."""
    try:
        return woo_webhooks.verify(headers, body, known.secrets)
    except BadSignature:
        fresh = _cache().of_store(known.store_id, "woocommerce", not_older=1.0)
    try:
        return woo_webhooks.verify(headers, body, fresh.secrets if fresh else ())
    except BadSignature:
        abort(401)


@pages.post("/webhooks/shopify")
def shopify() -> ResponseReturnValue:
    """One delivery of any Shopify shop, kept once for each store it is for.

    A shop that we do not know is answered 200 where our own app signed: Shopify would only try again.
    """
    headers, body = {name.lower(): value for name, value in request.headers.items()}, _raw(request)
    ours, meant = _proved(headers, body)
    if not ours and not meant:
        abort(401)
    try:
        number, topic = shopify_webhooks.delivery_id(headers), shopify_webhooks.topic(headers)
    except BadPayload:
        abort(400)
    kept = {name: headers[name] for name in headers if name.removeprefix("x-").startswith("shopify-")}
    kept.pop("x-shopify-hmac-sha256", None)
    for one in meant:
        _keep(one.merchant_id, "shopify", one.store_id, topic, kept, body, number=number)
    if topic == shopify_webhooks.BULK_FINISHED and meant:
        # A worker waits for it, perhaps the only one: it would never come to the inbox.
        BulkBell(services().redis, shopify_webhooks.shop_domain(headers)).ring()
    return Response(OK)


def _proved(headers: dict[str, str], body: bytes) -> tuple[bool, list[StoreSecrets]]:
    """Whether our app signed, and the stores whose delivery this is. The named shop proves nothing by itself.

    A store with a secret of its own takes nothing else; secrets at hand are tried first, then fresh ones.
    """
    ours = shopify_webhooks.verify(body, headers, services().settings.shopify_client_secrets)
    try:
        url = f"https://{shopify_webhooks.shop_domain(headers)}"
    except BadPayload:
        return ours, []
    for age in (LASTS, 1.0):
        known = _cache().at(url, "shopify", not_older=age)
        meant = [one for one in known if one.secrets and shopify_webhooks.verify(body, headers, one.secrets)]
        meant += [one for one in known if ours and not one.secrets]
        if ours or meant:
            return ours, meant
    return False, []


@pages.post("/webhooks/sendgrid/<int:merchant>")
def sendgrid(merchant: int) -> ResponseReturnValue:
    """A batch of delivery events, signed by SendGrid. An equal batch is kept once."""
    keys = mail_way(services(), merchant).public_keys if _cache().is_merchant(merchant) else ()
    if not keys:
        abort(404)
    body = _raw(request)
    try:
        sendgrid_webhooks.verify(headers=dict(request.headers), body=body, public_keys=keys)
    except BadSignature:
        abort(401)
    return _keep(merchant, "sendgrid", None, "events", {}, body)


@pages.post("/webhooks/sendgrid/<int:merchant>/inbound")
def sendgrid_inbound(merchant: int) -> ResponseReturnValue:
    """A mail that somebody wrote to us. Signed where the account signs it; what it says is trusted in no case."""
    if not _cache().is_merchant(merchant):
        abort(404)
    body, headers = _raw(request, LARGEST_MAIL), dict(request.headers)
    if sendgrid_webhooks.SIGNATURE in headers:
        try:
            sendgrid_webhooks.verify(headers=headers, body=body, public_keys=mail_way(services(), merchant).public_keys)
        except BadSignature:
            abort(401)
    kept = {"content-type": request.headers.get("Content-Type", "")}
    return _keep(merchant, MAIL_REPLIES, None, "inbound", kept, body, job=drain_replies)


def _raw(incoming: Request, most: int = LARGEST_BODY) -> bytes:
    incoming.max_content_length = most
    try:
        return incoming.get_data(cache=False)
    except OSError:
        # What the server raises where the pieces of a body do not hold together.
        abort(400)


def _keep(
    merchant_id: int,
    provider: str,
    store: int | None,
    topic: str,
    headers: dict[str, str],
    body: bytes,
    *,
    number: str | None = None,
    job: Callable[..., None] | None = None,
) -> Response:
    """A mail event is refused for ever when it comes again; a shop may return to a state it has told us before.

    ``number`` is the delivery's own id where the provider gives one that can be trusted: it comes once.
    """
    current_app.extensions["tangga_intake"].receive(
        merchant_id,
        provider=provider,
        store_id=store,
        topic=topic,
        headers=headers,
        body=body,
        dedupe=number or hashlib.sha256(topic.encode() + b"\n" + body).hexdigest(),
        once=store is None or number is not None,
    )
    # Where the queue is away, the row is safe all the same: the shop must not be told to come again.
    current_app.extensions["tangga_bell"].ring(job or (drain if store else drain_mail_events), merchant_id)
    return Response(OK)
