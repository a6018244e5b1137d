"""/customers: accounts only (guests are not here), without any filter or sort by change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from flask import Blueprint

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError, links, missing_param
from plugin_server.demo.shop.clock import gmt_text, local_text
from plugin_server.demo.shop.coupons import batch_result, check_batch_size
from plugin_server.demo.shop.listing import choice_param, chosen, flag_param, id_list, list_param, page_answer
from plugin_server.demo.shop.meta_writing import write_meta
from plugin_server.demo.shop.model import BILLING_FIELDS, SHIPPING_FIELDS, Customer
from plugin_server.demo.shop.order_view import address, metas
from plugin_server.demo.shop.routes import address_of, body, floor, query, rest
from plugin_server.demo.shop.state import ShopState

customers = Blueprint("customers", __name__)
_EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
_ORDERINGS = ("id", "include", "name", "registered_date")


def avatar(email: str, size: int = 96) -> str:
    """The address of a face that nobody ever asks for here."""
    return f"https://secure.gravatar.com/avatar/{hashlib.sha256(email.lower().encode()).hexdigest()}?s={size}&d=mm&r=g"


def customer_view(shop: ShopState, customer: Customer) -> JsonObject:
    """An account as JSON."""
    return {
        "id": customer.id,
        "date_created": local_text(customer.created, shop.zone),
        "date_created_gmt": gmt_text(customer.created),
        "date_modified": local_text(customer.modified, shop.zone),
        "date_modified_gmt": gmt_text(customer.modified),
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "role": customer.role,
        "username": customer.username,
        "billing": address(customer.billing, BILLING_FIELDS),
        "shipping": address(customer.shipping, SHIPPING_FIELDS),
        "is_paying_customer": customer.paying,
        "avatar_url": avatar(customer.email),
        "meta_data": metas(customer.meta),
        "_links": links(shop.base, f"customers/{customer.id}"),
    }


def _the_customer(id: int, status: int = 404) -> Customer:
    found = floor().shop.customers.get(id)
    if found is None:
        raise RestError(status, "wc_user_invalid_id", "Invalid user ID.")
    return found


@rest(customers, "GET", "/customers", "view")
def list_customers() -> Answer:
    """One page of accounts, by name; of the role ``customer`` unless asked otherwise."""
    asked, shop = query(), floor().shop
    ordering = choice_param(asked, "orderby", "name", _ORDERINGS)
    rows = list(shop.customers.values())
    role = asked.get("role", "customer")
    if role != "all":
        rows = [row for row in rows if row.role == role]
    if asked.get("email"):
        rows = [row for row in rows if row.email.lower() == asked["email"].lower()]
    if asked.get("search"):
        rows = [row for row in rows if asked["search"].lower() in _searched(row)]
    if wanted := set(id_list(asked, "include")):
        rows = [row for row in rows if row.id in wanted]
    if unwanted := set(id_list(asked, "exclude")):
        rows = [row for row in rows if row.id not in unwanted]
    rows.sort(key=lambda row: _sort_key(row, ordering), reverse=asked.get("order", "asc") == "desc")
    return page_answer(rows, lambda row: customer_view(shop, row), address_of("customers"), asked)


def _searched(row: Customer) -> str:
    return f"{row.email} {row.first_name} {row.last_name} {row.username}".lower()


def _sort_key(row: Customer, ordering: str) -> tuple[Any, ...]:
    if ordering == "registered_date":
        return (row.created, row.id)
    if ordering == "name":
        return (row.username, row.id)
    return (row.id,)


@rest(customers, "GET", "/customers/<int:id>", "view")
def get_customer(id: int) -> Answer:
    """One account, whatever its role."""
    return Answer(chosen(customer_view(floor().shop, _the_customer(id)), list_param(query(), "_fields")))


@rest(customers, "POST", "/customers", "create")
def create_customer() -> Answer:
    """A new account."""
    shop, given = floor().shop, body()
    if "email" not in given:
        raise missing_param("email")
    customer = _create(shop, given)
    return Answer(customer_view(shop, customer), 201, {"Location": address_of(f"customers/{customer.id}")})


@rest(customers, "PUT", "/customers/<int:id>", "edit")
def update_customer(id: int) -> Answer:
    """Change an account; date_modified moves and customer.updated is sent."""
    shop = floor().shop
    return Answer(customer_view(shop, _change(shop, _the_customer(id), body())))


@rest(customers, "DELETE", "/customers/<int:id>", "delete")
def delete_customer(id: int) -> Answer:
    """For ever, and only with force=true; the orders become a guest's."""
    shop, customer = floor().shop, _the_customer(id)
    if not flag_param(query(), "force"):
        raise RestError(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.")
    gone = customer_view(shop, customer)
    shop.remove(customer)
    for order in [order for order in shop.orders.values() if order.customer_id == id]:
        order.customer_id = 0
        shop.save(order)
    shop.tell("customer.deleted", id)
    return Answer(gone)


@rest(customers, "POST", "/customers/batch", "batch")
def batch_customers() -> Answer:
    """Create, update and delete up to 100 accounts at once."""
    shop, given = floor().shop, body()
    check_batch_size(given)

    def create(item: JsonObject) -> JsonObject:
        return customer_view(shop, _create(shop, item))

    def update(item: JsonObject) -> JsonObject:
        return customer_view(shop, _change(shop, _the_customer(int(item.get("id", 0)), 400), item))

    def delete(id: int) -> JsonObject:
        customer = _the_customer(int(id))
        shop.remove(customer)
        shop.tell("customer.deleted", int(id))
        return customer_view(shop, customer)

    return Answer(batch_result(given, create=create, update=update, delete=delete))


def _create(shop: ShopState, given: JsonObject) -> Customer:
    email = str(given.get("email") or "")
    if not _EMAIL.match(email):
        raise RestError(400, "customer_invalid_email", "Invalid email address")
    _check_free(shop, email)
    now = shop.now()
    customer = Customer(max(shop.customers, default=0) + 1, email, now, now, username=email.partition("@")[0])
    _fill(shop, customer, given)
    shop.save(customer)
    shop.tell("customer.created", customer.id)
    shop.tell("customer.updated", customer.id)
    return customer


def _check_free(shop: ShopState, email: str, but: int = 0) -> None:
    if any(row.email.lower() == email.lower() and row.id != but for row in shop.customers.values()):
        message = f"An account is already registered with {email}. Please log in or use a different email address."
        raise RestError(400, "registration-error-email-exists", message)


def _change(shop: ShopState, customer: Customer, given: JsonObject) -> Customer:
    if given.get("email"):
        if not _EMAIL.match(str(given["email"])):
            raise RestError(400, "customer_invalid_email", "Invalid email address")
        _check_free(shop, str(given["email"]), customer.id)
        customer.email = str(given["email"])
    _fill(shop, customer, given)
    customer.modified = shop.now()
    shop.save(customer)
    shop.tell("customer.updated", customer.id)
    return customer


def _fill(shop: ShopState, customer: Customer, given: JsonObject) -> None:
    customer.first_name = str(given.get("first_name", customer.first_name))
    customer.last_name = str(given.get("last_name", customer.last_name))
    customer.username = customer.username or str(given.get("username", ""))
    for name, fields in (("billing", BILLING_FIELDS), ("shipping", SHIPPING_FIELDS)):
        new = {key: str(value) for key, value in (given.get(name) or {}).items() if key in fields}
        setattr(customer, name, {**getattr(customer, name), **new})
    _write_meta(shop, customer, given.get("meta_data"))


def _write_meta(shop: ShopState, customer: Customer, given: Sequence[dict[str, Any]] | None) -> None:
    """meta_data named like an address field *is* that field: ``billing_phone`` changes the telephone."""
    rest_of_it = []
    for item in given or ():
        kind, _, name = str(item.get("key", "")).partition("_")
        if kind == "billing" and name in BILLING_FIELDS:
            customer.billing[name] = str(item.get("value", ""))
        elif kind == "shipping" and name in SHIPPING_FIELDS:
            customer.shipping[name] = str(item.get("value", ""))
        else:
            rest_of_it.append(item)
    write_meta(shop, customer.meta, rest_of_it, hidden=False)
