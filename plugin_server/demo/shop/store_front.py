"""The shop window: goods, cart, checkout. It works without script, in Indonesian or English."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template, request, session
from markupsafe import Markup

from plugin_server.demo.shop import visitor
from plugin_server.demo.shop.answers import RestError
from plugin_server.demo.shop.basket import Quote, order_request, quote, sellable
from plugin_server.demo.shop.coupon_rules import rupiah
from plugin_server.demo.shop.model import Order, Product
from plugin_server.demo.shop.order_writing import OrderWriter
from plugin_server.demo.shop.routes import floor

store_front = Blueprint(
    "store_front", __name__, template_folder="templates", static_folder="assets", static_url_path="/assets"
)  # fmt: skip


@store_front.after_request
def _careful(response: Response) -> Response:
    policy = "default-src 'self'; frame-ancestors 'none'; form-action 'self'"
    if pasted := current_app.config.get("BLOCK"):
        from_there = pasted.rpartition("/storefront/")[0]
        policy += f"; script-src 'self' {from_there}; connect-src 'self' {from_there}"
    response.headers["Content-Security-Policy"] = policy
    return response


def _block() -> Markup:
    """What the keeper pasted into the front page: the block that shows a customer their rung."""
    address = current_app.config.get("BLOCK")
    pasted = Markup('<div data-tangga hidden></div><script src="{}" defer></script>')
    return pasted.format(address) if address else Markup("")


@store_front.before_request
def _language() -> None:
    visitor.choose_language()


def _mine() -> list[Order]:
    """The orders made in this browser, newest first."""
    held = floor().shop.orders
    return [held[id] for id in visitor.orders() if id in held]


def _page(template: str, status: int = 200, **values: object) -> Response:
    here = floor()
    text = render_template(
        template, shop=here.shop, view=here.view, w=visitor.words(), lang=visitor.language(), rupiah=rupiah,
        in_cart=sum(visitor.basket().values()), mine=_mine()[:5], **values,
    )  # fmt: skip
    return Response(text, status=status)


def _days(product: Product) -> str | None:
    return next((entry.value for entry in product.meta if entry.key == "tangga_days_of_supply"), None)


def _on_show(product: Product) -> bool:
    """Hidden goods are sold to whoever has their address."""
    return product.status == "publish" and product.visibility in ("visible", "catalog")


@store_front.get("/")
def window() -> Response:
    """All goods on one page."""
    goods = [one for one in floor().shop.products.values() if not one.parent_id and _on_show(one)]
    families = [
        (word, [one for one in goods if category in one.category_ids])
        for word, category in (("fashion", 15), ("supplement", 19))
    ]
    return _page("window.html", families=families, days=_days, block=_block())


@store_front.get("/product/<slug>/")
def product_page(slug: str) -> Response:
    """One product and its sizes."""
    held = floor().shop.products
    product = next((one for one in held.values() if one.slug == slug and not one.parent_id), None)
    if product is None or product.status != "publish":
        return _page("missing.html", 404)
    return _page("product.html", product=product, sizes=[held[id] for id in product.variation_ids if id in held],
                 days=_days)  # fmt: skip


@store_front.post("/cart/add")
def add_to_cart() -> Response:
    """Put one thing into the cart."""
    product = sellable(floor().shop, request.form.get("id", 0, type=int))
    if product is None:
        return _page("missing.html", 404)
    visitor.put(product.id)
    return visitor.to("store_front.cart")


@store_front.get("/cart/")
def cart() -> Response:
    """What is in the cart."""
    return _page("cart.html", quote=_quote())


@store_front.post("/cart/change")
def change_cart() -> Response:
    """Other quantities; 0 takes a thing out."""
    visitor.change()
    return visitor.to("store_front.cart")


@store_front.get("/checkout/")
def checkout() -> Response:
    """Who orders, and with what code."""
    return _page("checkout.html", quote=_quote(), form=visitor.entered(), faults={})


@store_front.get("/checkout/order-pay/<int:id>/")
def go_on(id: int) -> Response:
    """An order that was begun, for whoever knows its key, opened again at the till."""
    begun = floor().shop.orders.get(id)
    unpaid = begun is not None and begun.status in {"checkout-draft", "pending"}
    if begun is None or not unpaid or begun.key != request.args.get("key"):
        return _page("missing.html", 404)
    held = {str(line.variation_id or line.product_id): line.quantity for line in begun.lines}
    visitor.resume(held, begun.billing.get("email", ""))
    session["draft"] = begun.id
    return visitor.to("store_front.checkout")


@store_front.post("/checkout/")
def order() -> Response:
    """Try the code, or place the order. What is wrong is said at its place, and nothing is ordered then."""
    form, email, placing = visitor.till()
    with floor().shop.lock:
        priced = _quote(form["code"], email)
        faults = _faults(form, priced, email, placing=placing)
        if email and priced.lines:
            _keep_draft(priced, form)
        if placing and not faults and priced.lines:
            return _place(priced, form)
    return _page("checkout.html", 422 if faults else 200, quote=priced, form=form, faults=faults)


def _quote(code: str = "", email: str | None = None) -> Quote:
    with floor().shop.lock:
        return quote(floor().shop, visitor.basket(), code=code, email=email)


def _faults(form: dict[str, str], priced: Quote, email: str | None, *, placing: bool) -> dict[str, str]:
    faults = visitor.lacking(form, email, placing=placing)
    if priced.refused is not None:
        coupon = floor().shop.coupon(form["code"])
        bound = (coupon.minimum_amount if priced.refused.kind == "minimum" else coupon.maximum_amount) if coupon else 0
        said = visitor.words()[f"refused_{priced.refused.kind}"]
        faults["code"] = said.format(code=form["code"].upper(), bound=f"Rp{rupiah(bound or 0)}")  # type: ignore[arg-type]
    return faults


def _writer() -> OrderWriter:
    return OrderWriter(floor().shop, floor().view)


def _draft() -> Order | None:
    held = floor().shop.orders.get(session.get("draft", 0))
    return held if held is not None and held.status == "checkout-draft" else None


def _keep_draft(priced: Quote, form: dict[str, str]) -> None:
    """As the block checkout does: once the e-mail is known, the basket is kept as a checkout-draft."""
    if _draft() is None:
        asked = order_request(priced, name=form["name"], email=form["email"])
        asked |= {"status": "checkout-draft", "set_paid": False, "coupon_lines": []}
        session["draft"] = _writer().create(asked, via="store-api").id


def _agreed() -> list[dict[str, str]]:
    """That this guest wants promotions, as the shop notes it on the order."""
    told = {"": "subscribed", "_at": f"{floor().shop.now().isoformat()[:19]}Z", "_source": "checkout"}
    return [{"key": f"_tangga_consent{part}", "value": value} for part, value in told.items()]


def _place(priced: Quote, form: dict[str, str]) -> Response:
    asked = order_request(priced, name=form["name"], email=form["email"])
    if form["promotions"]:
        asked["meta_data"] = _agreed()
    try:
        placed = _writer().create(asked, via="store-api", draft=_draft())
    except RestError as error:  # somebody else used the code up in this very moment
        return _page("checkout.html", 409, quote=priced, form=form, faults={"code": error.message})
    visitor.ordered(placed.id, form)
    session.pop("draft", None)
    return visitor.to("store_front.thanks", id=placed.id, key=placed.key)


@store_front.get("/order/<int:id>/")
def thanks(id: int) -> Response:
    """The confirmation, for whoever knows the order's key."""
    placed = floor().shop.orders.get(id)
    if placed is None or placed.key != request.args.get("key"):
        return _page("missing.html", 404)
    return _page("thanks.html", order=placed)
