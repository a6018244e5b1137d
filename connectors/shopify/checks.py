"""What could be wrong with a connection to Shopify, one finding each, with its mend. Nothing is changed in the shop.

A finding that is not ``ok`` keeps the shop from being used. What only makes it poorer (orders older than 60 days
unseen, store credit off) is told with its mend all the same, but is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from connectors.errors import BadPayload, ConnectorError
from connectors.hosts import guard_url
from connectors.shopify.about import About, read_about
from connectors.shopify.client import ShopifyClient
from connectors.shopify.documents import VERSION
from connectors.shopify.values import moment, rows
from connectors.types import Check

SCOPES = {
    "read_orders": "read orders",
    "write_customers": "read customers and tell their rung and consent",
    "read_products": "read products and what they cost you",
    "write_discounts": "make personal codes",
}
NICE = {
    "write_marketing_events": "Campaigns do not appear on Shopify's marketing page.",
    "write_app_proxy": "The block in the shop's pages shows the rung alone.",
    "read_customer_merge": "Merged customers are noticed late.",
    "write_store_credit_account_transactions": "Cashback cannot be given as store credit.",
}
WINDOW = timedelta(days=60)
LARGEST_SKEW = timedelta(minutes=5)
FINE = {
    "bad_token": "token",
    "wrong_shop": "shop",
    "shop_closed": "shop",
    "forbidden": "token",
    "forbidden_host": "address",
}
"""Under which name a first answer that refuses us is told."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What is checked: the client, and whether private addresses may be called (development)."""

    client: ShopifyClient
    allow_private: bool


def run_checks(connection: Connection) -> list[Check]:
    """All findings, in the order in which they matter; after one that blocks the rest, the rest is left out."""
    client = connection.client
    found: list[Check] = []
    try:
        guard_url(client.origin, allow_private=connection.allow_private)
    except ConnectorError as error:
        return [Check("address", False, error.sentence)]
    found.append(Check("address", True, f"{client.shop} may be called."))
    try:
        about = read_about(client)
    except ConnectorError as error:
        return [*found, Check(FINE.get(error.code, "connection"), False, error.sentence)]
    found.append(Check("token", True, "Shopify accepts the access token."))
    found.append(_shop(about, client))
    if not found[-1].ok:
        return found
    for step in (_scopes, _personal_data, _window, _version, _accounts, _credit, _clock):
        try:
            found += step(about, client)
        except ConnectorError as error:
            found.append(Check(step.__name__.strip("_").replace("_", " "), False, error.sentence))
    return found


def _shop(about: About, client: ShopifyClient) -> Check:
    if about.domain != client.shop:
        return Check(
            "shop", False, f"The token belongs to {about.domain}, not to {client.shop}. Connect the shop it belongs to."
        )
    kind = " A development shop: its orders are for testing." if about.development else ""
    return Check("shop", True, f"{about.name} ({about.domain}), {about.plan or 'plan unknown'}.{kind}")


def _scopes(about: About, client: ShopifyClient) -> Iterator[Check]:  # noqa: ARG001
    for scope, purpose in SCOPES.items():
        if not about.may(scope):
            yield Check("scopes", False, f"The app lacks {scope} to {purpose}. Open the app in Shopify and grant it.")
    if all(about.may(scope) for scope in SCOPES):
        yield Check("scopes", True, "The app may do all it must.")
    for scope, loss in NICE.items():
        if not about.may(scope):
            yield Check("scopes", True, f"{scope} is not granted, and not needed. {loss}")


def _personal_data(about: About, client: ShopifyClient) -> Iterator[Check]:  # noqa: ARG001
    answer = client.read("personal_data")
    hidden = sorted(answer.hidden)
    if hidden:
        yield Check(
            "personal data",
            False,
            f"Shopify hides {', '.join(hidden)} from the app, so nobody can be written to. Ask for protected customer "
            "data in the Partner Dashboard under API access.",
        )
    else:
        yield Check("personal data", True, "The app may see names and e-mail addresses.")


def _window(about: About, client: ShopifyClient) -> Iterator[Check]:
    """Without ``read_all_orders`` Shopify shows the last 60 days only, and says nothing of the rest."""
    if "read_all_orders" in about.scopes:
        yield Check("window", True, "All orders can be read.")
        return
    first = rows(client.read("oldest_order").data, "orders", "orders")
    try:
        oldest = moment(first[0], "createdAt", "orders", client.clock()) if first else None
    except BadPayload:
        oldest = None
    told = f" The oldest that we see is of {oldest:%Y-%m-%d}." if oldest else ""
    yield Check(
        "window",
        True,
        f"Shopify shows the app only the orders of the last {WINDOW.days} days, so older customers look new.{told} Ask "
        "Shopify for read_all_orders in the Partner Dashboard under API access, or import older orders from a file.",
    )


def _version(about: About, client: ShopifyClient) -> Iterator[Check]:  # noqa: ARG001
    told = client.answered_version
    if told and told != VERSION:
        yield Check(
            "version", False, f"Shopify answers with version {told} of its API instead of {VERSION}. Update Tangga."
        )
    elif client.deprecated:
        yield Check("version", True, f"Shopify will soon drop something we use ({client.deprecated}). Update Tangga.")
    else:
        yield Check("version", True, f"Version {VERSION} of Shopify's API.")


def _accounts(about: About, client: ShopifyClient) -> Iterator[Check]:  # noqa: ARG001
    new = about.accounts == "NEW_CUSTOMER_ACCOUNTS"
    classic = "Classic customer accounts: buyers cannot spend store credit. Switch under Settings → Customer accounts."
    yield Check("customer accounts", True, "New customer accounts." if new else classic)


def _credit(about: About, client: ShopifyClient) -> Iterator[Check]:  # noqa: ARG001
    off = (
        "Store credit is off, so cashback is given as points or codes. Switch it on under Settings → Customer accounts."
    )
    yield Check("store credit", True, "Store credit is on." if about.store_credit else off)


def _clock(about: About, client: ShopifyClient) -> Iterator[Check]:  # noqa: ARG001
    fine = abs(client.lag) <= LARGEST_SKEW
    minutes = round(abs(client.lag).total_seconds() / 60)
    wrong = f"Our clock and Shopify's differ by {minutes} minutes. Set this computer's by network time."
    yield Check("clock", fine, "Our clock agrees with Shopify's." if fine else wrong)
