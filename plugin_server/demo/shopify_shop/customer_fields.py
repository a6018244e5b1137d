"""Customers, their addresses and store credit, as the schema shows them."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from plugin_server.demo.shopify_shop.connections import Rows, listed
from plugin_server.demo.shopify_shop.fields import Context, View, field_of, fields, money
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.lists import Catalogue, connection, found
from plugin_server.demo.shopify_shop.metafield_fields import hung_on
from plugin_server.demo.shopify_shop.model import Customer, Order
from plugin_server.demo.shopify_shop.model_made import CreditMove
from plugin_server.demo.shopify_shop.order_fields import counted, spent
from plugin_server.demo.shopify_shop.search import Searchable
from plugin_server.demo.shopify_shop.state import ShopState


def _keys(shop: ShopState) -> dict[str, Searchable]:
    return {
        "id": Searchable("number", lambda one: one.id),
        "email": Searchable("text", lambda one: one.email),
        "first_name": Searchable("text", lambda one: one.first_name),
        "last_name": Searchable("text", lambda one: one.last_name),
        "phone": Searchable("text", lambda one: one.phone),
        "state": Searchable("states", lambda one: [one.state]),
        "tag": Searchable("words", lambda one: one.tags),
        "country": Searchable("text", lambda one: one.address.country_code if one.address else None),
        "accepts_marketing": Searchable("flag", lambda one: one.email_state == "SUBSCRIBED"),
        # «Matching a whole day»: the hours of a filter value do not count.
        "customer_date": Searchable("day", lambda one: one.created_at),
        "updated_at": Searchable("day", lambda one: one.updated_at),
        "orders_count": Searchable("number", lambda one: len(_counting(shop, one))),
    }


CUSTOMERS = Catalogue(
    "customers",
    lambda shop: shop.customers.values(),
    _keys,
    {
        "ID": lambda one: one.id,
        "CREATED_AT": lambda one: one.created_at,
        "UPDATED_AT": lambda one: one.updated_at,
        "NAME": lambda one: display_name(one).lower(),
    },
)


def display_name(customer: Customer) -> str:
    """The full name, else the address, else nothing."""
    return " ".join(part for part in (customer.first_name, customer.last_name) if part) or customer.email or ""


def _counting(shop: ShopState, customer: Customer) -> list[Order]:
    return [order for order in shop.orders_of(customer.id) if not order.cancelled_at]


def _last_order(customer: Customer, context: Context) -> Order | None:
    orders = context.shop.orders_of(customer.id)
    visible = [one for one in orders if context.hidden_before is None or one.created_at >= context.hidden_before]
    return max(visible, key=lambda order: (order.processed_at, order.id), default=None)


fields(
    "QueryRoot",
    {
        "customers": lambda _root, context, **args: connection(CUSTOMERS, context, **args),
        "customer": lambda _root, context, id: context.shop.customers.get(number(id, "Customer") or 0),
        "customersCount": lambda _root, context, query=None, limit=10_000: counted(
            len(found(CUSTOMERS, context, query)), limit
        ),
    },
)


@field_of("QueryRoot", "customerByIdentifier")
def _by_identifier(_root: object, context: Context, identifier: dict[str, Any]) -> Customer | None:
    shop = context.shop
    if "id" in identifier:
        return shop.customers.get(number(identifier["id"], "Customer") or 0)
    if "emailAddress" in identifier:
        return shop.customer_by_email(identifier["emailAddress"])
    if "phoneNumber" in identifier:
        wanted = identifier["phoneNumber"]
        return next((one for one in shop.customers.values() if one.phone == wanted), None)
    raise GraphQLError("Metafield definition of type 'id' is required when using custom ids.",
                       extensions={"code": "NOT_FOUND"})  # fmt: skip


fields(
    "Customer",
    {
        "id": lambda one, _: gid("Customer", one.id),
        "legacyResourceId": lambda one, _: one.id,
        "displayName": lambda one, _: display_name(one),
        "numberOfOrders": lambda one, context: len(_counting(context.shop, one)),
        "amountSpent": lambda one, context: spent(context, one.id),
        "dataSaleOptOut": lambda _one, _: False,
        "taxExempt": lambda _one, _: False,
        "lastOrder": _last_order,
        "defaultEmailAddress": lambda one, _: View("CustomerEmailAddress", one) if one.email else None,
        "defaultPhoneNumber": lambda one, _: View("CustomerPhoneNumber", one) if one.phone else None,
        "defaultAddress": lambda one, _: one.address,
        "addresses": lambda one, _, first=None: [one.address][:first] if one.address else [],
        "statistics": lambda _one, _: {"predictedSpendTier": None, "rfmGroup": None},
        "orders": lambda one, context, **args: listed(context.shop.orders_of(one.id), args, bulk=context.bulk),
        **hung_on("Customer"),
        "storeCreditAccounts": lambda one, context, **args: listed(
            [account for account in context.shop.accounts.values() if account.customer_id == one.id], args
        ),
    },
)  # fmt: skip
fields(
    "CustomerEmailAddress",
    {
        "emailAddress": lambda one, _: one.email,
        "marketingState": lambda one, _: one.email_state,
        "marketingOptInLevel": lambda one, _: one.email_level,
        "marketingUpdatedAt": lambda one, _: one.email_updated_at,
        "validFormat": lambda one, _: one.email_state != "INVALID",
        "openTrackingLevel": lambda _one, _: "UNKNOWN",
        "marketingUnsubscribeUrl": lambda one, context: f"{context.shop.base}/account/unsubscribe?customer={one.id}",
    },
)
fields(
    "CustomerPhoneNumber",
    {
        "phoneNumber": lambda one, _: one.phone,
        "marketingState": lambda one, _: one.sms_state,
        "smsMarketingConsent": lambda one, _: {
            "state": "NEVER_SUBSCRIBED" if one.sms_state == "NOT_SUBSCRIBED" else one.sms_state,
            "optInLevel": None,
            "updatedAt": None,
        },
    },
)
fields(
    "MailingAddress",
    {
        "id": lambda one, _: gid("MailingAddress", f"{one.id}?model_name=CustomerAddress"),
        "countryCodeV2": lambda one, _: one.country_code or None,
        "country": lambda one, _: {"ID": "Indonesia"}.get(one.country_code, one.country_code),
        "provinceCode": lambda one, _: one.province_code or None,
        "zip": lambda one, _: one.zip or None,
    },
)


def move_view(move: CreditMove) -> View:
    """A movement as the interface's own type."""
    kind = "Credit" if move.amount > 0 else "Expiration" if move.event == "EXPIRATION" else "Debit"
    return View(f"StoreCreditAccount{kind}Transaction", move)


@field_of("StoreCreditAccount", "transactions")
def _moves(account: Any, _context: Context, sortKey: str | None = None, query: str | None = None, **args: Any) -> Rows:
    moves = sorted(account.moves, key=lambda move: (move.created_at, move.id))
    return listed([move_view(move) for move in moves], args)


fields(
    "StoreCreditAccount",
    {
        "id": lambda account, _: gid("StoreCreditAccount", account.id),
        "balance": lambda account, context: money(context, account.balance, account.currency),
        "owner": lambda account, context: context.shop.customers[account.customer_id],
    },
)
_MOVE = {
    "id": lambda move, context: gid(move_view(move).kind, move.id),
    "amount": lambda move, context: money(context, move.amount, context.shop.accounts[move.account_id].currency),
    "balanceAfterTransaction": lambda move, context: money(
        context, move.balance, context.shop.accounts[move.account_id].currency
    ),
    "account": lambda move, context: context.shop.accounts[move.account_id],
    "remainingAmount": lambda move, context: money(
        context, move.amount, context.shop.accounts[move.account_id].currency
    ),
}
for _kind in ("Credit", "Debit", "Expiration"):
    fields(f"StoreCreditAccount{_kind}Transaction", _MOVE)
