"""/coupons: lists, single coupons and batches of up to 100."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError, links, missing_param
from plugin_server.demo.shop.clock import gmt_text, local_text, query_moment
from plugin_server.demo.shop.coupon_writing import CouponWriter, check_type
from plugin_server.demo.shop.listing import choice_param, chosen, flag_param, id_list, list_param, page_answer
from plugin_server.demo.shop.model import Coupon
from plugin_server.demo.shop.order_view import metas, money
from plugin_server.demo.shop.routes import address_of, body, floor, query, rest
from plugin_server.demo.shop.state import ShopState

coupons = Blueprint("coupons", __name__)
BATCH_LIMIT = 100


def invalid_id(status: int = 404) -> RestError:
    """There is no such coupon."""
    return RestError(status, "woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.")


def coupon_view(shop: ShopState, coupon: Coupon) -> JsonObject:
    """A coupon as JSON; its amounts always have two decimals."""
    return {
        "id": coupon.id,
        "code": coupon.code,
        "amount": money(coupon.amount, 2),
        "status": coupon.status,
        "date_created": local_text(coupon.created, shop.zone),
        "date_created_gmt": gmt_text(coupon.created),
        "date_modified": local_text(coupon.modified, shop.zone),
        "date_modified_gmt": gmt_text(coupon.modified),
        "discount_type": coupon.discount_type,
        "description": coupon.description,
        "date_expires": local_text(coupon.expires, shop.zone),
        "date_expires_gmt": gmt_text(coupon.expires),
        "usage_count": len(coupon.uses),
        "individual_use": coupon.individual_use,
        "product_ids": coupon.product_ids,
        "excluded_product_ids": coupon.excluded_product_ids,
        "usage_limit": coupon.usage_limit,
        "usage_limit_per_user": coupon.usage_limit_per_user,
        "limit_usage_to_x_items": coupon.limit_usage_to_x_items,
        "free_shipping": coupon.free_shipping,
        "product_categories": coupon.product_categories,
        "excluded_product_categories": coupon.excluded_product_categories,
        "exclude_sale_items": coupon.exclude_sale_items,
        "minimum_amount": money(coupon.minimum_amount, 2),
        "maximum_amount": money(coupon.maximum_amount, 2),
        "email_restrictions": coupon.email_restrictions,
        "used_by": list(coupon.uses.values()),
        "meta_data": metas(coupon.meta),
        "_links": links(shop.base, f"coupons/{coupon.id}"),
    }


def _the_coupon(id: int, status: int = 404) -> Coupon:
    found = floor().shop.coupons.get(id)
    if found is None:
        raise invalid_id(status)
    return found


@rest(coupons, "GET", "/coupons", "view")
def list_coupons() -> Answer:
    """One page of coupons, newest first unless asked otherwise; trashed ones are not shown."""
    asked, shop = query(), floor().shop
    ordering = choice_param(asked, "orderby", "date", ("date", "id", "include", "title", "slug", "modified"))
    rows = [coupon for coupon in shop.coupons.values() if coupon.status != "trash"]
    if asked.get("code"):
        rows = [coupon for coupon in rows if coupon.code == asked["code"].strip().lower()]
    if asked.get("search"):
        rows = [coupon for coupon in rows if asked["search"].lower() in coupon.code]
    if wanted := set(id_list(asked, "include")):
        rows = [coupon for coupon in rows if coupon.id in wanted]
    for name, attribute in (("after", "created"), ("modified_after", "modified")):
        if asked.get(name):
            limit = query_moment(name, asked[name], dates_are_gmt=flag_param(asked, "dates_are_gmt"), zone=shop.zone)
            rows = [coupon for coupon in rows if getattr(coupon, attribute) > limit]
    by_change = ordering == "modified"
    rows.sort(key=lambda coupon: (coupon.modified if by_change else coupon.created, coupon.id),
              reverse=asked.get("order", "desc") == "desc")  # fmt: skip
    return page_answer(rows, lambda coupon: coupon_view(shop, coupon), address_of("coupons"), asked)


@rest(coupons, "GET", "/coupons/<int:id>", "view")
def get_coupon(id: int) -> Answer:
    """One coupon."""
    return Answer(chosen(coupon_view(floor().shop, _the_coupon(id)), list_param(query(), "_fields")))


@rest(coupons, "POST", "/coupons", "create")
def create_coupon() -> Answer:
    """A new coupon."""
    shop, given = floor().shop, body()
    if "code" not in given:
        raise missing_param("code")
    check_type(given)
    coupon = CouponWriter(shop).create(given)
    return Answer(coupon_view(shop, coupon), 201, {"Location": address_of(f"coupons/{coupon.id}")})


@rest(coupons, "PUT", "/coupons/<int:id>", "edit")
def update_coupon(id: int) -> Answer:
    """Change a coupon."""
    shop, given = floor().shop, body()
    check_type(given)
    return Answer(coupon_view(shop, CouponWriter(shop).update(_the_coupon(id), given)))


@rest(coupons, "DELETE", "/coupons/<int:id>", "delete")
def delete_coupon(id: int) -> Answer:
    """To the trash, or with force=true for ever."""
    shop, coupon = floor().shop, _the_coupon(id)
    gone = coupon_view(shop, coupon)
    if flag_param(query(), "force"):
        shop.remove(coupon)
    elif coupon.status == "trash":
        raise RestError(410, "woocommerce_rest_already_trashed", "The shop_coupon has already been deleted.")
    else:
        CouponWriter(shop).trash(coupon)
    return Answer(gone)


@rest(coupons, "POST", "/coupons/batch", "batch")
def batch_coupons() -> Answer:
    """Create, update and delete up to 100 in all; what fails says so in its place, deletions are for ever."""
    shop, given = floor().shop, body()
    check_batch_size(given)
    writer = CouponWriter(shop)

    def view(coupon: Coupon) -> JsonObject:
        return coupon_view(shop, coupon)

    def create(item: JsonObject) -> JsonObject:
        return view(writer.create(item))

    def update(item: JsonObject) -> JsonObject:
        return view(writer.update(_the_coupon(int(item.get("id", 0)), 400), item))

    def delete(id: int) -> JsonObject:
        coupon = _the_coupon(int(id))
        shop.remove(coupon)
        return view(coupon)

    return Answer(batch_result(given, create=create, update=update, delete=delete))


def check_batch_size(given: JsonObject) -> None:
    """More than 100 things at once are refused whole."""
    if sum(len(given.get(part) or ()) for part in ("create", "update", "delete")) > BATCH_LIMIT:
        message = "Unable to accept more than 100 items for this request."
        raise RestError(413, "woocommerce_rest_request_entity_too_large", message)


def batch_result(
    given: JsonObject, *, create: Callable[[JsonObject], JsonObject], update: Callable[[JsonObject], JsonObject],
    delete: Callable[[int], JsonObject],
) -> JsonObject:  # fmt: skip
    """The answer to a batch: for each part that was sent, one result per item, in order."""
    result: JsonObject = {}
    if given.get("create"):
        result["create"] = [_attempt(create, item, 0) for item in given["create"]]
    if given.get("update"):
        result["update"] = [_attempt(update, item, int(item.get("id", 0))) for item in given["update"]]
    if given.get("delete"):
        result["delete"] = [_attempt(delete, id, int(id)) for id in given["delete"]]
    return result


def _attempt(act: Callable[..., JsonObject], item: object, id: int) -> JsonObject:
    try:
        return act(item)
    except RestError as error:
        return {"id": id, "error": error.body()}
