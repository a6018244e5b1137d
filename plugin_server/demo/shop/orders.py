"""/orders: lists, single orders, writing, trash, and their refunds and notes."""

from __future__ import annotations

from flask import Blueprint

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError, invalid_param, links
from plugin_server.demo.shop.clock import gmt_text, local_text
from plugin_server.demo.shop.listing import Page, Query, chosen, flag_param, list_param, number_param
from plugin_server.demo.shop.model import Order
from plugin_server.demo.shop.order_filters import matching, wanted_statuses
from plugin_server.demo.shop.order_writing import OrderWriter, validate
from plugin_server.demo.shop.routes import address_of, body, floor, query, rest
from plugin_server.demo.shop.state import ShopState

orders = Blueprint("orders", __name__)


def invalid_id() -> RestError:
    """There is no such order."""
    return RestError(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")


def the_order(id: int) -> Order:
    """The order of that id, trashed or not."""
    found = floor().shop.orders.get(id)
    if found is None:
        raise invalid_id()
    return found


def _rendered(order: Order, asked: Query) -> JsonObject:
    here = floor()
    whole = here.view.full(order, number_param(asked, "dp", here.shop.decimals))
    return chosen(whole, list_param(asked, "_fields"))


@rest(orders, "GET", "/orders", "view")
def list_orders() -> Answer:
    """One page of orders. Past the end HPOS forgets the total; the posts table still knows it."""
    asked, here = query(), floor()
    page = Page(asked)
    found = _found(asked, here.shop)
    rows = page.cut(found)
    total = len(found) if rows or here.shop.legacy else 0
    defaults = [("status[0]", "any"), ("dp", str(here.shop.decimals)), ("context", "view")]
    headers = page.headers(address_of("orders"), asked, total, extra=defaults)
    if "_fields" not in asked and "dp" not in asked:
        return Answer(text=f"[{','.join(here.view.text(order) for order in rows)}]", headers=headers)
    return Answer([_rendered(order, asked) for order in rows], headers=headers)


def _found(asked: Query, shop: ShopState) -> list[Order]:
    """The matching orders, remembered until something changes: a walk filters and sorts once."""
    wanted_statuses(asked, shop)
    kept = [(name, value) for name, value in asked.items() if not name.startswith("oauth_")]
    if not shop.legacy:  # on legacy storage the order of ties differs from page to page
        kept = [(name, value) for name, value in kept if name not in {"page", "offset"}]
    key = (("legacy", str(shop.legacy)), *kept)
    version, lists = shop.memory
    if version != shop.version:
        lists = {}
        shop.memory = (shop.version, lists)
    if key not in lists:
        lists[key] = matching(asked, shop)
    return lists[key]


@rest(orders, "GET", "/orders/<int:id>", "view")
def get_order(id: int) -> Answer:
    """One order."""
    asked = query()
    order = the_order(id)
    if "dp" not in asked and "_fields" not in asked:
        return Answer(text=floor().view.text(order))
    return Answer(_rendered(order, asked))


@rest(orders, "POST", "/orders", "create")
def create_order() -> Answer:
    """A new order; a refused code leaves a checkout-draft behind."""
    here = floor()
    order = OrderWriter(here.shop, here.view).create(body())
    return Answer(text=here.view.text(order), status=201, headers={"Location": address_of(f"orders/{order.id}")})


@rest(orders, "PUT", "/orders/<int:id>", "edit")
def update_order(id: int) -> Answer:
    """Change an order; in HPOS even an empty change moves date_modified."""
    here, given = floor(), body()
    validate(given)
    order = OrderWriter(here.shop, here.view).update(the_order(id), given)
    return Answer(text=here.view.text(order))


@rest(orders, "DELETE", "/orders/<int:id>", "delete")
def delete_order(id: int) -> Answer:
    """To the trash, with a webhook; with force=true for ever, without a word."""
    here, order = floor(), the_order(id)
    writer = OrderWriter(here.shop, here.view)
    if flag_param(query(), "force"):
        gone = here.view.full(order, here.shop.decimals)
        writer.release_codes(order)
        here.shop.remove(order)
        return Answer(gone)
    if order.status == "trash":
        raise RestError(410, "woocommerce_rest_already_trashed", "The shop_order has already been deleted.")
    before = here.view.full(order, here.shop.decimals)
    writer.trash(order)
    after = here.view.full(order, here.shop.decimals)
    return Answer({**after, "status": before["status"]})


@rest(orders, "POST", "/orders/batch", "batch")
def batch_orders() -> Answer:
    """Only the limit is served: nobody needs more of this route yet."""
    given = body()
    if sum(len(given.get(part) or ()) for part in ("create", "update", "delete")) > 100:
        raise RestError(
            413, "woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items for this request."
        )
    raise RestError(501, "demo_not_served", "This shop does not serve orders/batch.")


@rest(orders, "POST", "/orders/<int:id>/notes", "create")
def create_note(id: int) -> Answer:
    """A note on an order: it moves nothing and tells nobody."""
    here = floor()
    the_order(id)
    text = str(body().get("note", ""))
    if not text:
        raise invalid_param("note", "note is required.", "rest_invalid_param")
    number, now = here.shop.next_meta_id(), here.shop.now()
    path = f"orders/{id}/notes/{number}"
    note = {
        "id": number,
        "author": "WooCommerce",
        "date_created": local_text(now, here.shop.zone),
        "date_created_gmt": gmt_text(now),
        "note": text,
        "customer_note": False,
        "_links": links(here.shop.base, path, allow=("GET", "DELETE"), up=f"orders/{id}"),
    }
    return Answer(note, 201, {"Location": address_of(path)})
