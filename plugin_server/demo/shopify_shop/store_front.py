"""The shop window of the double: the same look and words as the other demo shop's, Shopify's addresses behind it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request, session

from plugin_server.demo import shop as other_shop
from plugin_server.demo.shop import visitor
from plugin_server.demo.shop.coupon_rules import rupiah
from plugin_server.demo.shopify_shop import selling
from plugin_server.demo.shopify_shop.code_rules import Refused
from plugin_server.demo.shopify_shop.floor import floor
from plugin_server.demo.shopify_shop.gids import FIRST
from plugin_server.demo.shopify_shop.model import Order
from plugin_server.demo.shopify_shop.selling import Quote
from plugin_server.demo.shopify_shop.theme import block
from plugin_server.demo.shopify_shop.window import Sign, View, goods, placed, priced, sizes

_LOOK = Path(other_shop.__file__).parent
store_front = Blueprint(
    "shopify_front", __name__, template_folder=str(_LOOK / "templates"), static_folder=str(_LOOK / "assets"),
    static_url_path="/assets",
)  # fmt: skip

_FAMILIES = (("fashion", FIRST["Collection"] + 15), ("supplement", FIRST["Collection"] + 19))


@store_front.after_request
def _careful(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'; form-action 'self'"
    return response


@store_front.before_request
def _language() -> None:
    visitor.choose_language()


def _mine() -> list[Order]:
    """The orders made in this browser, newest first."""
    held = floor().shop.orders
    return [held[id] for id in visitor.orders() if id in held]


def _page(template: str, status: int = 200, **values: object) -> Response:
    shop = floor().shop
    text = render_template(
        template, shop=Sign(shop.name, ZoneInfo(shop.zone)), view=View(), w=visitor.words(), lang=visitor.language(),
        rupiah=rupiah, in_cart=sum(visitor.basket().values()), mine=[placed(one) for one in _mine()[:5]], **values,
    )  # fmt: skip
    return Response(text, status=status)


def _lasts(one: object) -> str | None:
    return getattr(one, "lasts", None)


@store_front.get("/")
def window() -> Response:
    """All goods on one page."""
    shop = floor().shop
    shown = [one for one in shop.products.values() if one.status == "ACTIVE"]
    families = [(word, [goods(shop, one) for one in shown if id in one.collection_ids]) for word, id in _FAMILIES]
    return _page("window.html", families=families, days=_lasts, block=block(visitor.language()))


@store_front.get("/product/<slug>/")
@store_front.get("/products/<slug>")
def product_page(slug: str) -> Response:
    """One product and its sizes."""
    shop = floor().shop
    product = next((one for one in shop.products.values() if one.handle == slug and one.sold), None)
    if product is None:
        return _page("missing.html", 404)
    return _page("product.html", product=goods(shop, product), sizes=sizes(product), days=_lasts)


@store_front.post("/cart/add")
def add_to_cart() -> Response:
    """Put one variant into the cart."""
    id = request.form.get("id", 0, type=int)
    if not selling.quote(floor().shop, {id: 1}).lines:
        return _page("missing.html", 404)
    visitor.put(id)
    return visitor.to("shopify_front.cart")


@store_front.get("/cart/")
def cart() -> Response:
    """What is in the cart."""
    return _page("cart.html", quote=priced(_quote()))


@store_front.post("/cart/change")
def change_cart() -> Response:
    """Other quantities; 0 takes a thing out."""
    visitor.change()
    return visitor.to("shopify_front.cart")


@store_front.get("/discount/<code>")
def shared_link(code: str) -> Response:
    """A shareable discount link: the code waits at the till."""
    visitor.bring(code)
    return visitor.to("shopify_front.window")


@store_front.get("/checkout/")
def checkout() -> Response:
    """Who orders, and with what code."""
    return _page("checkout.html", quote=priced(_quote()), form=visitor.entered(), faults={})


@store_front.get("/<int:shop_id>/checkouts/ac/<token>/recover")
def recover(shop_id: int, token: str) -> Response:  # noqa: ARG001 - part of the address at Shopify
    """A checkout that was left, for whoever knows its token, opened again at the till."""
    left = next((one for one in floor().shop.checkouts.values() if one.token == token), None)
    if left is None or left.completed_at is not None:
        return _page("missing.html", 404)
    visitor.resume({str(line.variant_id): line.quantity for line in left.lines if line.variant_id}, left.email)
    session["left"] = left.id
    return visitor.to("shopify_front.checkout")


@store_front.post("/checkout/")
def order() -> Response:
    """Try the code, or place the order. What is wrong is said at its place, and nothing is ordered then."""
    form, email, placing = visitor.till()
    quoted = _quote(form["code"], email)
    faults = _faults(form, quoted, email, placing=placing)
    if email and quoted.lines and "left" not in session:
        session["left"] = selling.leave(floor().shop, quoted, email=email).id
    if placing and not faults and quoted.lines:
        return _place(quoted, form)
    return _page("checkout.html", 422 if faults else 200, quote=priced(quoted), form=form, faults=faults)


def _quote(code: str = "", email: str | None = None) -> Quote:
    shop = floor().shop
    with shop.lock:
        return selling.quote(shop, {int(id): count for id, count in visitor.basket().items()}, code=code, email=email)


def _faults(form: dict[str, str], quoted: Quote, email: str | None, *, placing: bool) -> dict[str, str]:
    faults = visitor.lacking(form, email, placing=placing)
    if quoted.refused is not None:
        said = visitor.words()[f"refused_{quoted.refused.kind}"]
        faults["code"] = said.format(code=form["code"].upper(), bound=f"Rp{rupiah(quoted.refused.bound)}")
    return faults


def _place(quoted: Quote, form: dict[str, str]) -> Response:
    shop = floor().shop
    try:
        made = selling.place(shop, quoted, email=form["email"], name=form["name"], subscribes=bool(form["promotions"]))
    except Refused as error:  # somebody else used the code up in this very moment
        said = visitor.words()[f"refused_{error.kind}"].format(
            code=form["code"].upper(), bound=f"Rp{rupiah(error.bound)}"
        )
        return _page("checkout.html", 409, quote=priced(quoted), form=form, faults={"code": said})
    left = shop.checkouts.get(session.pop("left", 0))
    if left is not None:
        left.completed_at = left.updated_at = shop.now()
        shop.save(left, "CHECKOUTS_UPDATE")
    visitor.ordered(made.id, form)
    return visitor.to("shopify_front.thanks", number=made.number, key=made.token)


@store_front.get("/order/<int:number>/")
def thanks(number: int) -> Response:
    """The confirmation, for whoever knows the order's key."""
    made = next((one for one in floor().shop.orders.values() if one.number == number), None)
    if made is None or made.token != request.args.get("key"):
        return _page("missing.html", 404)
    return _page("thanks.html", order=placed(made))
