"""What an app may see: access scopes, and the customer data that Shopify approved it for."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from plugin_server.demo.shopify_shop.grants import Grants

_OF_TYPE = {
    "Order": "read_orders",
    "Refund": "read_orders",
    "AbandonedCheckout": "read_orders",
    "Customer": "read_customers",
    "Product": "read_products",
    "ProductVariant": "read_products",
    "Collection": "read_products",
    "InventoryItem": "read_products",
    "CodeDiscountNode": "read_discounts",
    "DiscountCodeNode": "read_discounts",
    "DiscountNode": "read_discounts",
    "DiscountAutomaticNode": "read_discounts",
    "DiscountRedeemCodeBulkCreation": "read_discounts",
    "MarketingActivity": "read_marketing_events",
    "StoreCreditAccount": "read_store_credit_accounts",
}
_OF_FIELD = {
    ("CustomerEmailAddress", "marketingUnsubscribeUrl"): "write_customers",
    ("QueryRoot", "ordersCount"): "read_orders",
    ("QueryRoot", "customersCount"): "read_customers",
    ("QueryRoot", "productsCount"): "read_products",
    ("Mutation", "tagsAdd"): "write_customers",
    ("Mutation", "tagsRemove"): "write_customers",
    ("Mutation", "metafieldsSet"): "write_customers",
    ("Mutation", "metafieldsDelete"): "write_customers",
    ("Mutation", "metafieldDefinitionCreate"): "write_customers",
    ("Mutation", "customerCreate"): "write_customers",
    ("Mutation", "customerEmailMarketingConsentUpdate"): "write_customers",
    ("Mutation", "storeCreditAccountCredit"): "write_store_credit_account_transactions",
    ("Mutation", "storeCreditAccountDebit"): "write_store_credit_account_transactions",
}
_OF_WRITES = {"discount": "write_discounts", "marketing": "write_marketing_events"}
# Level 2 of protected customer data: names, e-mail addresses, telephone numbers, street addresses.
_PERSONAL = {
    ("Order", "email"), ("Order", "phone"), ("Order", "billingAddress"), ("Order", "shippingAddress"),
    ("Customer", "firstName"), ("Customer", "lastName"), ("Customer", "displayName"), ("Customer", "email"),
    ("Customer", "phone"), ("Customer", "defaultEmailAddress"), ("Customer", "defaultPhoneNumber"),
    ("MailingAddress", "address1"), ("MailingAddress", "zip"), ("MailingAddress", "phone"),
}  # fmt: skip
_BLANK = {("Customer", "displayName"): ""}
_CUSTOMER_DATA = {"Order", "Customer", "AbandonedCheckout", "Refund"}


def denied(path_field: str, scope: str) -> GraphQLError:
    """The error of a missing scope."""
    return GraphQLError(
        f"Access denied for {path_field} field. Required access: `{scope}` access scope.",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": f"`{scope}` access scope.",
        },
    )


def check(grants: Grants, parent: str, name: str, returned: str) -> None:
    """Refuse a field whose scope, or whose data, the app was not given. ``returned`` is the field's named type."""
    scope = _OF_FIELD.get((parent, name))
    if parent == "Mutation" and scope is None:
        scope = next((need for start, need in _OF_WRITES.items() if name.startswith(start)), None)
    thing = returned.removesuffix("Connection").removesuffix("Edge")
    if scope is None and not parent.endswith(("Connection", "Edge", "Payload")):
        scope = _OF_TYPE.get(thing)
    if scope is not None and not grants.has(scope):
        raise denied(name, scope)
    if 1 not in grants.protected and thing in _CUSTOMER_DATA and parent in {"QueryRoot", "Customer", "Order"}:
        raise GraphQLError(
            f"This app is not approved to access the {thing} object. See "
            "https://shopify.dev/docs/apps/launch/protected-customer-data for more details.",
            extensions={"code": "ACCESS_DENIED",
                        "documentation": "https://shopify.dev/docs/apps/launch/protected-customer-data"},
        )  # fmt: skip


def withheld(grants: Grants, parent: str, name: str) -> tuple[bool, Any]:
    """Is this a personal field the app is not approved for, and what is shown instead of it?"""
    if 2 in grants.protected or (parent, name) not in _PERSONAL:
        return False, None
    return True, _BLANK.get((parent, name))
