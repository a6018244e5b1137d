"""A very small Shopify on loopback: a test says what each operation answers, and may spoil any request before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ConnectorError
from connectors.http import Http
from connectors.shopify.client import ShopifyClient
from connectors.shopify.documents import VERSION
from connectors.shopify.pacing import Bucket, LocalBucket
from tests.connectors.server import Answer, Asked, LoopbackServer, serving

NOW = datetime(2026, 11, 22, 7, 0, 0, tzinfo=UTC)
TOKEN = "shpat_test"
OPERATION = re.compile(r"(?:query|mutation) (\w+)")
Row = dict[str, Any]
Handler = Callable[[Row], Row]


def money(amount: str) -> Row:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}


def page(nodes: list[Any], after: str | None = None) -> Row:
    """A connection; ``after`` is the cursor of the next page, None at the end."""
    return {"nodes": nodes, "pageInfo": {"hasNextPage": after is not None, "endCursor": after}}


def line_row(number: int, **more: Any) -> Row:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "title": "Kopi",
        "variantTitle": "250 g",
        "sku": "KOPI-250",
        "quantity": 2,
        "product": {"id": "gid://shopify/Product/7"},
        "variant": {"id": "gid://shopify/ProductVariant/71"},
        "priceAfterAllDiscountsBeforeTaxesSet": money("20.0"),
        "totalDiscountSet": money("2.0"),
        **more,
    }


def order_row(number: int, *, updated: datetime = NOW - timedelta(days=3), **more: Any) -> Row:
    """An order as the Admin API shows it to an approved app."""
    return {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "createdAt": "2026-10-02T09:11:12Z",
        "processedAt": "2026-10-02T09:11:10Z",
        "updatedAt": updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cancelledAt": None,
        "test": False,
        "email": "sari@contoh.test",
        "phone": None,
        "displayFinancialStatus": "PAID",
        "currencyCode": "EUR",
        "customerLocale": "id-ID",
        "customerAcceptsMarketing": False,
        "customer": {"id": "gid://shopify/Customer/42"},
        "billingAddress": {"name": "Sari Dewi", "countryCodeV2": "ID", "phone": "+6281"},
        "shippingAddress": None,
        "customAttributes": [],
        "referredBy": None,
        "totalPriceSet": money("25.0"),
        "currentTotalPriceSet": money("25.0"),
        "totalDiscountsSet": money("2.0"),
        "totalShippingPriceSet": money("3.0"),
        "totalTaxSet": money("2.0"),
        "totalRefundedSet": money("0.0"),
        "totalReceivedSet": money("25.0"),
        "discountCodes": ["LOY-7KQ2"],
        "sourceName": "web",
        "refunds": [],
        "lineItems": page([line_row(number * 10)]),
        **more,
    }


def customer_row(number: int, **more: Any) -> Row:
    return {
        "id": f"gid://shopify/Customer/{number}",
        "firstName": "Sari",
        "lastName": "Dewi",
        "locale": "id-ID",
        "tags": ["vip"],
        "createdAt": "2026-01-02T00:00:00Z",
        "updatedAt": "2026-11-01T00:00:00Z",
        "defaultEmailAddress": {
            "emailAddress": f"c{number}@contoh.test",
            "marketingState": "SUBSCRIBED",
            "marketingOptInLevel": "CONFIRMED_OPT_IN",
            "marketingUpdatedAt": "2026-02-03T04:05:06Z",
            "validFormat": True,
        },
        "defaultPhoneNumber": None,
        "defaultAddress": {"countryCodeV2": "ID"},
        "birthday": {"value": "1990-05-17"},
        "memberSince": None,
        "memberNumber": None,
        "referredBy": None,
        **more,
    }


@dataclass(frozen=True)
class Call:
    """One operation as it arrived."""

    name: str
    variables: Row


class Shop:
    """Answers operations by name. ``before`` sees each request first; what it gives is the answer."""

    def __init__(self) -> None:
        self.answers: dict[str, Handler] = {}
        self.calls: list[Call] = []
        self.before: Callable[[Call], Answer | None] = lambda call: None
        self.files: dict[str, Answer] = {}
        self.available = 2000.0
        self.extensions: Row = {}

    def __call__(self, asked: Asked) -> Answer:
        if asked.path in self.files:
            return self.files[asked.path]
        if asked.path != f"/admin/api/{VERSION}/graphql.json":
            return Answer({"errors": "Not Found"}, 404)
        found = OPERATION.search(asked.json["query"])
        call = Call(found[1] if found else "", asked.json["variables"])
        self.calls.append(call)
        early = self.before(call)
        if early is not None:
            return early
        if asked.headers.get("X-Shopify-Access-Token") != TOKEN:
            return Answer({"errors": "[API] Invalid API key or access token"}, 401)
        return self.good(self.answers[call.name](call.variables))

    def good(self, data: Row | None, **more: Any) -> Answer:
        status = {"maximumAvailable": 2000.0, "currentlyAvailable": self.available, "restoreRate": 100.0}
        cost = {"requestedQueryCost": 10, "actualQueryCost": 5, "throttleStatus": status}
        body = {"data": data, "extensions": {"cost": cost, **self.extensions}, **more}
        date = NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Answer(body, 200, {"Date": date, "X-Shopify-API-Version": VERSION})

    def names(self) -> list[str]:
        return [call.name for call in self.calls]


def throttled(available: float = 0.0, requested: float = 500.0, rate: float = 100.0) -> Answer:
    """What Shopify answers when the bucket is empty: 200, no data, no actual cost."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return Answer({"errors": [error], "extensions": {"cost": cost}})


def top_error(code: str, message: str, path: list[Any] | None = None, **more: Any) -> Row:
    return {"message": message, "path": path or [], "extensions": {"code": code, **more}}


@contextmanager
def running(shop: Shop | None = None) -> Iterator[tuple[Shop, LoopbackServer]]:
    """The shop, served for the time of the block."""
    made = shop or Shop()
    with serving(made) as server:
        yield made, server


def a_client(
    server: LoopbackServer, *, bucket: Bucket | None = None, slept: list[float] | None = None, read: float = 5.0
) -> ShopifyClient:
    """A client of the served shop that never really waits."""
    naps = slept if slept is not None else []
    return ShopifyClient(
        "toko.myshopify.com",
        lambda: TOKEN,
        origin=server.url,
        http=Http(allow_private=True, timeouts=(2.0, read)),
        clock=lambda: NOW,
        bucket=bucket or LocalBucket(monotonic=lambda: sum(naps)),
        sleep=naps.append,
        jitter=lambda: 0.25,
    )


def refusal(act: Callable[[], object]) -> ConnectorError:
    """The error that ``act`` must raise."""
    try:
        act()
    except ConnectorError as error:
        return error
    raise AssertionError("nothing was refused")
