"""Shopify's webhooks: what makes one genuine, which is new, and what it means.

What a shop does, and what follows from it:

* a retry carries the original body, and nothing comes in order: a body is a hint, and what it names is read afresh;
* an order older than 60 days is shown only to apps with ``read_all_orders``, though its changes are told to all: what
  reading afresh might not find is taken from the body;
* since 2025 customer bodies hold neither consent nor tags, so they could not be used as they are anyway;
* the secret may be replaced at any time, and the old one signs for another hour: all secrets are tried;
* topics are irregular (``customers_email_marketing_consent/update``, ``customer.tags_added``), and newer deliveries
  drop the ``X-`` of their headers;
* the three topics about personal data come from the app's own settings, and may come for a shop already gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shopify.utils.shop_url import sanitize_shop_domain

from connectors.errors import BadPayload
from connectors.http import loads
from connectors.shopify import bodies, mapping
from connectors.shopify.values import clean, number_of
from connectors.signatures import verify_hmac
from connectors.types import DataSubject, Order, StoreEvent, StoreEventKind

Body = Mapping[str, Any]

TRUSTED_HEADERS = (
    "x-shopify-topic",
    "x-shopify-shop-domain",
    "x-shopify-api-version",
    "x-shopify-webhook-id",
    "x-shopify-event-id",
    "x-shopify-triggered-at",
    "x-shopify-name",
)
COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
BULK_FINISHED = "bulk_operations/finish"
LONGEST_ID = 200
SHOWN = timedelta(days=59)
"""Orders younger than this are shown to every app that may read orders (60 days, a day to spare)."""


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """True where the delivery was signed over its raw ``body`` under one of the app's client ``secrets``."""
    return verify_hmac(body, _header(headers, "hmac-sha256"), secrets)


def delivery_id(headers: Mapping[str, str]) -> str:
    """The id that all tries of one delivery share; one event may cause several. Raises ``BadPayload``."""
    found = _header(headers, "webhook-id")
    if not found or len(found) > LONGEST_ID:
        raise BadPayload("The delivery has no id.", path="X-Shopify-Webhook-Id")
    return found


def topic(headers: Mapping[str, str]) -> str:
    """What the delivery is about, in lower case: ``orders/create``. Raises ``BadPayload`` where it is missing."""
    found = _header(headers, "topic").lower()
    if not found or len(found) > LONGEST_ID:
        raise BadPayload("The delivery names no topic.", path="X-Shopify-Topic")
    return found


def shop_domain(headers: Mapping[str, str]) -> str:
    """The shop's name, ``toko.myshopify.com``. Raises ``BadPayload`` where it is not one."""
    told = _header(headers, "shop-domain").lower()
    if sanitize_shop_domain(told) != told or not told.isascii():
        raise BadPayload("The delivery names no shop at Shopify.", path="X-Shopify-Shop-Domain")
    return told


def parse(headers: Mapping[str, str], body: bytes, *, now: datetime) -> StoreEvent:
    """A verified delivery in our words. Raises ``BadPayload``."""
    name = topic(headers)
    source = f"https://{shop_domain(headers)}"
    read = TOPICS.get(name)
    if read is None:
        return StoreEvent(StoreEventKind.IGNORED, note=f"topic {name[:60]!r} is not ours", source=source)
    data = loads(body)
    if not isinstance(data, dict):
        raise BadPayload("The body is not an object.", path="body")
    kind, more = read(data)
    if name == "customers/update":
        more |= {"customer": bodies.customer(data, now=now)}
    if kind is StoreEventKind.ORDER and (order := _old_order(data, now)):
        return StoreEvent(kind, external_id=order.external_id, order=order, source=source)
    return StoreEvent(kind, source=source, **more)


def _old_order(data: Body, now: datetime) -> Order | None:
    """The order in the body where it may be too old to be shown to us; None where it is to be read afresh."""
    if "line_items" not in data:
        return None
    try:
        order = mapping.order(bodies.order_row(data), now=now)
    except BadPayload:
        return None
    return order if order.placed_at < now - SHOWN else None


def _header(headers: Mapping[str, str], name: str) -> str:
    wanted = (f"x-shopify-{name}", f"shopify-{name}")
    for key, value in headers.items():
        if key.lower() in wanted:
            return value.strip()
    return ""


Told = tuple[StoreEventKind, dict[str, Any]]
Read = Callable[[Body], Told]


def _afresh(kind: StoreEventKind, *path: str) -> Read:
    """An event that names a thing under ``path`` (default ``id``), to be read again."""

    def read(data: Body) -> Told:
        place: Any = data
        for step in path or ("id",):
            place = place.get(step) if isinstance(place, dict) else None
        number = number_of(place)
        if number is None:
            raise BadPayload("This is not an id.", path=".".join(("body", *(path or ("id",)))))
        return kind, {"external_id": number, "refetch": True}

    return read


def _told_elsewhere(data: Body) -> Told:  # noqa: ARG001
    """Names an order without saying how old it is; ``orders/updated`` comes with it and tells the whole."""
    return StoreEventKind.IGNORED, {"note": "told by orders/updated as well"}


def _bare(kind: StoreEventKind) -> Read:
    def read(data: Body) -> Told:  # noqa: ARG001
        return kind, {}

    return read


def _merged(data: Body) -> Told:
    status = data.get("status")
    if status not in ("success", "completed", None):
        return StoreEventKind.IGNORED, {"note": f"a merge of customers is {clean(str(status), 40)}"}
    kept = number_of(data.get("admin_graphql_api_customer_kept_id"), "Customer")
    gone = number_of(data.get("admin_graphql_api_customer_deleted_id"), "Customer")
    if kept is None or gone is None:
        raise BadPayload("The merge does not name two customers.", path="body")
    return StoreEventKind.CUSTOMERS_MERGED, {"external_id": kept, "other_id": gone, "refetch": True}


def _bulk(data: Body) -> Told:
    number = number_of(data.get("admin_graphql_api_id"), "BulkOperation")
    if number is None:
        raise BadPayload("The bulk operation has no id.", path="body.admin_graphql_api_id")
    return StoreEventKind.BULK_FINISHED, {"external_id": number, "note": clean(str(data.get("status") or ""), 40)}


def _scopes(data: Body) -> Told:
    current = data.get("current")
    names = [clean(name, 80) for name in current if isinstance(name, str)] if isinstance(current, list) else []
    return StoreEventKind.SCOPES, {"note": ",".join(names)}


def _checkout(data: Body) -> Told:
    token = data.get("token")
    if not isinstance(token, str) or not token:
        raise BadPayload("The checkout has no token.", path="body.token")
    return StoreEventKind.CHECKOUT, {"external_id": clean(token, LONGEST_ID)}


def _subject(kind: StoreEventKind, orders: str) -> Read:
    """A request about one person's data. He may be known by his address alone."""

    def read(data: Body) -> Told:
        person = data.get("customer")
        person = person if isinstance(person, dict) else {}
        listed, request = data.get(orders), data.get("data_request")
        ids = [number_of(number) for number in listed] if isinstance(listed, list) else []
        about = DataSubject(
            customer_external_id=number_of(person.get("id")),
            email=_word(person.get("email"), 320),
            phone=_word(person.get("phone"), 60),
            order_external_ids=tuple(number for number in ids if number),
            request_id=number_of(request.get("id")) if isinstance(request, dict) else None,
        )
        if not (about.customer_external_id or about.email or about.phone or about.order_external_ids):
            raise BadPayload("The request names nobody.", path="body.customer")
        return kind, {"external_id": about.customer_external_id, "about": about}

    return read


def _word(value: Any, limit: int) -> str | None:
    return clean(value, limit) or None if isinstance(value, str) else None


_order, _customer = _afresh(StoreEventKind.ORDER), _afresh(StoreEventKind.CUSTOMER)
_product = _afresh(StoreEventKind.PRODUCT)
_discount = _bare(StoreEventKind.COUPON)

TOPICS: Mapping[str, Read] = {
    **dict.fromkeys(("orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled",
                     "orders/partially_fulfilled"), _order),
    "orders/edited": _told_elsewhere,
    "orders/delete": _afresh(StoreEventKind.ORDER_GONE),
    "refunds/create": _told_elsewhere,
    **dict.fromkeys(("customers/create", "customers/update", "customers/enable", "customers/disable",
                     "customers/delete"), _customer),
    "customers_email_marketing_consent/update": _afresh(StoreEventKind.CUSTOMER, "customer_id"),
    **dict.fromkeys(("customer.tags_added", "customer.tags_removed", "customers/purchasing_summary"),
                    _afresh(StoreEventKind.CUSTOMER, "customerId")),
    "customers/merge": _merged,
    **dict.fromkeys(("products/create", "products/update"), _product),
    "products/delete": _afresh(StoreEventKind.PRODUCT_GONE),
    **dict.fromkeys(("checkouts/create", "checkouts/update"), _checkout),
    **dict.fromkeys(("discounts/create", "discounts/update", "discounts/delete", "discounts/redeemcode_added",
                     "discounts/redeemcode_removed"), _discount),
    BULK_FINISHED: _bulk,
    "app/scopes_update": _scopes,
    "app/uninstalled": _bare(StoreEventKind.UNINSTALLED),
    "customers/data_request": _subject(StoreEventKind.DATA_REQUEST, "orders_requested"),
    "customers/redact": _subject(StoreEventKind.CUSTOMER_ERASE, "orders_to_redact"),
    "shop/redact": _bare(StoreEventKind.STORE_ERASE),
}  # fmt: skip
"""By the topic in the header, in lower case."""


def triggered_at(headers: Mapping[str, str]) -> datetime | None:
    """When what a stored delivery tells of happened; None where it does not say. A retry keeps the first time."""
    told = {key.lower().removeprefix("x-"): value for key, value in headers.items()}.get("shopify-triggered-at", "")
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo else None
