"""How the business looks to its customers: its colour and its logo, in mails and on their own pages."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant import audit_log, brand
from plugin_server.db.merchant.brand import BadBrand, Brand
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.card.sheet import worn
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("brand", __name__)


@pages.get("/settings/brand")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """Colour and logo as they are; owners may change them."""
    return _page(who, {}, None)


@pages.post("/settings/brand")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Keep them, or say what is wrong beside the field."""
    given, faults = request.form.get("color", ""), dict[str, str]()
    try:
        color, picture = brand.checked_color(given), _picture()
    except BadBrand as error:
        faults[error.field] = words()(f"brand.{error.why}")
        return _page(who, faults, given), 422
    with tenant(services().engine, who.merchant_id) as connection:
        brand.save(connection, who.merchant_id, color=color, logo=picture, now=services().now())
        audit_log.record(connection, who.merchant_id, actor=who.email, action="settings_changed", subject="brand")
    flash(words()("settings.saved"), "good")
    return redirect(url_for("brand.show"))


def _picture() -> bytes | None:
    """A new logo; empty to take it away, None to leave it. Raises ``BadBrand``."""
    if request.form.get("no_logo"):
        return b""
    sent = request.files.get("logo")
    found = sent.read() if sent and sent.filename else b""
    if found:
        brand.checked_logo(found)
    return found or None


def _page(who: Person, faults: dict[str, str], given: str | None) -> str:
    with tenant(services().engine, who.merchant_id) as connection:
        kept = brand.of(connection)
    return page(
        "brand.html", section="settings", brand=kept, faults=faults, color=kept.color if given is None else given,
        again=any(one.filename for one in request.files.values()),
    )  # fmt: skip


@pages.get("/brand/<int:merchant>/<name>")
def picture(merchant: int, name: str) -> ResponseReturnValue:
    """The logo, for mails and pages; its name changes with what is in it."""
    with tenant(services().engine, merchant) as connection:
        found = brand.logo(connection, name) or abort(404)
    answer = Response(bytes(found), content_type=brand.MIME[name.rpartition(".")[2]])
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def look() -> tuple[int, Brand] | None:
    """The merchant and brand whose customer's page this is; None for pages of nobody, and without a brand."""
    merchant = _host()
    if merchant is None:
        return None
    with tenant(services().engine, merchant) as connection:
        found = brand.of(connection)
    return (merchant, found) if found else None


def _host() -> int | None:
    """Whose page this is: as the link said that was read for it (``g.host``), or by the address."""
    if "fault" in g:
        return None  # what failed may be the database, and the page that says so must not ask it again
    return g.get("host") or (request.view_args or {}).get("merchant")


def install(app: Flask) -> None:
    """Let the customers' pages ask how they are to look."""
    app.jinja_env.globals.update(brand_look=look, customer_sheet=worn)
