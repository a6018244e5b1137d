"""Store credit: credits make an account per currency, debits need enough in it. There is no idempotency key."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from plugin_server.demo.shopify_shop.customer_fields import move_view
from plugin_server.demo.shopify_shop.fields import Context, field_of
from plugin_server.demo.shopify_shop.gids import number
from plugin_server.demo.shopify_shop.model_made import CreditAccount, CreditMove
from plugin_server.demo.shopify_shop.state import ShopState

_RESULT_ONLY = {"USDC", "XXX"}
LIMIT = Decimal(10_000)
"""The most that one account may hold, in major units of USD or EUR; see ``limit_of``."""


def limit_of(currency: str) -> Decimal:
    """Shopify keeps accounts below 100,000 dollars or so; a rupiah account holds as much in rupiah."""
    return LIMIT * 16_000 if currency == "IDR" else LIMIT


def _refused(field: list[str], message: str, code: str) -> dict[str, Any]:
    return {"userErrors": [{"field": field, "message": message, "code": code}]}


def _account(
    shop: ShopState, id: str, currency: str, *, make: bool, place: list[str]
) -> CreditAccount | dict[str, Any]:
    """The account that is meant, or the refusal."""
    held = shop.accounts.get(number(id, "StoreCreditAccount") or 0)
    if held is not None:
        if held.currency != currency:
            said = "The currency provided does not match the currency of the store credit account"
            return _refused([*place, "currencyCode"], said, "MISMATCHING_CURRENCY")
        return held
    owner = shop.customers.get(number(id, "Customer") or 0)
    if owner is None:
        if number(id, "Customer") is not None:
            return _refused(["id"], "Owner does not exist", "OWNER_NOT_FOUND")
        return _refused(["id"], "Store credit account does not exist", "ACCOUNT_NOT_FOUND")
    own = [one for one in shop.accounts.values() if one.customer_id == owner.id]
    found = next((one for one in own if one.currency == currency), None)
    if found is not None:
        return found
    if not make:
        return _refused(["id"], "Store credit account does not exist", "ACCOUNT_NOT_FOUND")
    return CreditAccount(shop.next_id("StoreCreditAccount"), owner.id, currency)


def _check_currency(currency: str) -> None:
    if currency in _RESULT_ONLY:
        raise GraphQLError(
            f'CurrencyCode "{currency}" is invalid. It can only be used as a result and not as an input value.',
            extensions={"code": "CURRENCY_CODE_INVALID"},
        )


def _moved(shop: ShopState, account: CreditAccount, amount: Decimal, expires: Any = None) -> dict[str, Any]:
    move = CreditMove(
        shop.next_id("StoreCreditAccountTransaction"), account.id, amount, shop.now(), account.balance + amount, expires
    )
    account.moves.append(move)
    shop.save(account)
    return {"storeCreditAccountTransaction": move_view(move), "userErrors": []}


@field_of("Mutation", "storeCreditAccountCredit")
def _credit(_root: object, context: Context, id: str, creditInput: dict[str, Any]) -> dict[str, Any]:
    shop, money, expires = context.shop, creditInput["creditAmount"], creditInput.get("expiresAt")
    _check_currency(money["currencyCode"])
    place = ["creditInput", "creditAmount"]
    account = _account(shop, id, money["currencyCode"], make=True, place=place)
    if isinstance(account, dict):
        return account
    if expires is not None and expires <= shop.now():
        return _refused(["creditInput", "expiresAt"], "The expiry date must be in the future", "EXPIRES_AT_IN_PAST")
    if money["amount"] <= 0:
        said = "A positive amount must be used to credit a store credit account"
        return _refused([*place, "amount"], said, "NEGATIVE_OR_ZERO_AMOUNT")
    if account.balance + money["amount"] > limit_of(account.currency):
        said = "The operation would cause the account's credit limit to be exceeded"
        return _refused([*place, "amount"], said, "CREDIT_LIMIT_EXCEEDED")
    return _moved(shop, account, money["amount"], expires)


@field_of("Mutation", "storeCreditAccountDebit")
def _debit(_root: object, context: Context, id: str, debitInput: dict[str, Any]) -> dict[str, Any]:
    shop, money = context.shop, debitInput["debitAmount"]
    _check_currency(money["currencyCode"])
    place = ["debitInput", "debitAmount"]
    account = _account(shop, id, money["currencyCode"], make=False, place=place)
    if isinstance(account, dict):
        return account
    if money["amount"] <= 0:
        said = "A positive amount must be used to debit a store credit account"
        return _refused([*place, "amount"], said, "NEGATIVE_OR_ZERO_AMOUNT")
    if account.balance < money["amount"]:
        said = "The store credit account does not have sufficient funds to satisfy the request"
        return _refused([*place, "amount"], said, "INSUFFICIENT_FUNDS")
    return _moved(shop, account, -money["amount"])
