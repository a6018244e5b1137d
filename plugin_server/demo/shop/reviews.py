"""/products/reviews: what buyers wrote, with the address they typed."""

from __future__ import annotations

from flask import Blueprint

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError, links, missing_param
from plugin_server.demo.shop.clock import gmt_text, local_text, query_moment
from plugin_server.demo.shop.customers import avatar
from plugin_server.demo.shop.listing import chosen, flag_param, id_list, list_param, page_answer
from plugin_server.demo.shop.model import Review
from plugin_server.demo.shop.products import permalink
from plugin_server.demo.shop.routes import address_of, body, floor, query, rest
from plugin_server.demo.shop.state import ShopState

reviews = Blueprint("reviews", __name__)


def review_view(shop: ShopState, review: Review) -> JsonObject:
    """A review as JSON, its text as the HTML a page would show."""
    product = shop.products.get(review.product_id)
    return {
        "id": review.id,
        "date_created": local_text(review.created, shop.zone),
        "date_created_gmt": gmt_text(review.created),
        "product_id": review.product_id,
        "product_name": product.name if product else "",
        "product_permalink": permalink(shop, product) if product else "",
        "status": review.status,
        "reviewer": review.reviewer,
        "reviewer_email": review.email,
        "review": f"<p>{review.text}</p>\n",
        "rating": review.rating,
        "verified": review.verified,
        "reviewer_avatar_urls": {str(size): avatar(review.email, size) for size in (24, 48, 96)},
        "_links": links(shop.base, f"products/reviews/{review.id}", up=f"products/{review.product_id}"),
    }


@rest(reviews, "GET", "/products/reviews", "view")
def list_reviews() -> Answer:
    """One page of approved reviews, newest first. ``verified`` and ``modified_after`` are ignored, as in real shops."""
    asked, shop = query(), floor().shop
    status = asked.get("status", "approved")
    rows = [row for row in shop.reviews.values() if status in {"all", row.status}]
    if products := set(id_list(asked, "product")):
        rows = [row for row in rows if row.product_id in products]
    if asked.get("reviewer_email"):
        rows = [row for row in rows if row.email.lower() == asked["reviewer_email"].lower()]
    gmt = flag_param(asked, "dates_are_gmt")
    if asked.get("after"):
        after = query_moment("after", asked["after"], dates_are_gmt=gmt, zone=shop.zone)
        rows = [row for row in rows if row.created > after]
    if asked.get("before"):
        before = query_moment("before", asked["before"], dates_are_gmt=gmt, zone=shop.zone)
        rows = [row for row in rows if row.created < before]
    by_id = asked.get("orderby") == "id"
    rows.sort(key=lambda row: (shop.now() if by_id else row.created, row.id),
              reverse=asked.get("order", "desc") == "desc")  # fmt: skip
    return page_answer(rows, lambda row: review_view(shop, row), address_of("products/reviews"), asked)


@rest(reviews, "GET", "/products/reviews/<int:id>", "view")
def get_review(id: int) -> Answer:
    """One review."""
    found = floor().shop.reviews.get(id)
    if found is None:
        raise RestError(404, "woocommerce_rest_review_invalid_id", "Invalid review ID.")
    return Answer(chosen(review_view(floor().shop, found), list_param(query(), "_fields")))


@rest(reviews, "POST", "/products/reviews", "create")
def create_review() -> Answer:
    """A review written by the owner: never ``verified``. The answer shows the raw text."""
    shop, given = floor().shop, body()
    for name in ("product_id", "review", "reviewer", "reviewer_email"):
        if name not in given:
            raise missing_param(name)
    if int(given["product_id"]) not in shop.products:
        raise RestError(404, "woocommerce_rest_product_invalid_id", "Invalid product ID.")
    review = Review(
        max(shop.reviews, default=0) + 1, int(given["product_id"]), str(given["reviewer"]),
        str(given["reviewer_email"]), int(given.get("rating", 0)), str(given["review"]), shop.now(),
        str(given.get("status", "approved")),
    )  # fmt: skip
    shop.save(review)
    shown = {**review_view(shop, review), "review": review.text}
    return Answer(shown, 201, {"Location": address_of(f"products/reviews/{review.id}")})
