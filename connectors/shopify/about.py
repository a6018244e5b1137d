"""What a shop says of itself: name, currency, zone, plan, and the rights that the app was granted."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import ConnectorError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.values import CURRENCY, obj, part, rows, text

NEW_ACCOUNTS = "NEW_CUSTOMER_ACCOUNTS"


@dataclass(frozen=True, slots=True)
class About:
    """One shop. ``domain`` is its name ending in myshopify.com, which never changes; ``home`` what visitors type."""

    name: str
    domain: str
    home: str
    currency: str
    timezone: str
    plan: str
    development: bool
    accounts: str
    store_credit: bool
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """True where the app was granted ``scope``; a right to write holds the right to read."""
        return scope in self.scopes or scope.replace("read_", "write_", 1) in self.scopes

    @property
    def buyers_can_use_credit(self) -> bool:
        """Store credit is spent by signed-in buyers only, and only with the new customer accounts."""
        return self.store_credit and self.accounts == NEW_ACCOUNTS


def read_about(client: ShopifyClient) -> About:
    """Ask the shop. Raises ``ConnectorError``, also where the answer holds no currency."""
    data = client.read("shop").data
    shop = obj(data.get("shop"), "shop")
    plan = part(shop, "plan")
    currency = text(shop, "currencyCode", 3)
    if not CURRENCY.fullmatch(currency):
        raise ConnectorError("The shop tells no currency.", code="no_currency", retry_after=300.0)
    granted = rows(part(data, "currentAppInstallation"), "accessScopes", "shop")
    return About(
        name=text(shop, "name") or client.shop,
        domain=text(shop, "myshopifyDomain").lower() or client.shop,
        home=text(part(shop, "primaryDomain"), "url") or text(shop, "url"),
        currency=currency,
        timezone=text(shop, "ianaTimezone", 60) or "UTC",
        plan=text(plan, "publicDisplayName", 60),
        development=plan.get("partnerDevelopment") is True,
        accounts=text(part(shop, "customerAccountsV2"), "customerAccountsVersion", 60),
        store_credit=part(data, "storeCreditConfiguration").get("storeCreditEnabled") is True,
        scopes=frozenset(text(entry, "handle", 80) for entry in granted if isinstance(entry, dict)),
    )


def capabilities(about: About) -> frozenset[str]:
    """What can be done in this shop, by the rights granted and by what is switched on there."""
    wanted = {
        "codes": about.may("write_discounts"),
        "automatic_discounts": about.may("write_discounts"),
        "bulk_codes": about.may("write_discounts"),
        "unit_cost": about.may("read_products"),
        "abandoned_checkouts": about.may("read_orders"),
        "consent": about.may("write_customers"),
        "rungs": about.may("write_customers"),
        "tags": about.may("write_customers"),
        "marketing": about.may("write_marketing_events"),
        "customer_merges": about.may("read_customer_merge"),
        "credit_switched_on": about.store_credit,
        "new_accounts": about.accounts == NEW_ACCOUNTS,
        "all_orders": "read_all_orders" in about.scopes,
        "store_credit": about.buyers_can_use_credit and about.may("write_store_credit_account_transactions"),
    }
    return frozenset(name for name, granted in wanted.items() if granted)
