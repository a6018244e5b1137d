"""Points: the programme with its rewards, what the shop's points come to, and one customer's ledger."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from campaigns.points.program import ACTIONS
from campaigns.schema import BadCampaign
from connectors.types import Money
from plugin_server.db import figures as kept_figures
from plugin_server.db.customers import finding as customers
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.points import hand as points_hand
from plugin_server.db.points import orders as points_orders
from plugin_server.db.points import programme as held
from plugin_server.db.points.ledger import NotEnough
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.giving.points_night import points_of
from plugin_server.jobs.queues import wake
from plugin_server.locales import LANGUAGES
from plugin_server.web.context import page, services, words
from plugin_server.web.giving import points_faults, points_form, points_rules
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import names_of

pages = Blueprint("points", __name__)
TICKET = re.compile(r"[0-9a-f]{32}", re.ASCII)


@pages.get("/points")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """Totals, months, rewards, and the programme's form; without a programme, how to begin."""
    return _page(who, {}, {})


@pages.post("/points")
@requires("marketer")
def save(who: Person) -> ResponseReturnValue:
    """A new version of the programme; all orders since its first day are looked at by a worker."""
    document, faults = points_form.read(request.form, _main(who), words().language)
    with tenant(services().engine, who.merchant_id) as conn:
        try:
            program = points_form.checked(document)
            version = held.save_program(conn, who.merchant_id, program, by=who.email) if not faults else 0
        except BadCampaign as error:
            faults = points_faults.at_fields(error, request.form) | faults
        if faults:
            return _page(who, request.form.to_dict(), faults), 422
        kept_figures.forget(conn, "points")
        audit_log.record(conn, who.merchant_id, actor=who.email, action="points_program", subject=f"version {version}")
    wake(services().redis, points_of, who.merchant_id, on="default")
    flash(words()("points.saved"), "good")
    return redirect(url_for("points.show"))


@pages.get("/points/customers/<int:customer_id>")
@requires("viewer")
def customer(who: Person, customer_id: int) -> ResponseReturnValue:
    """One customer's ledger."""
    return _ledger(who, customer_id)


@pages.post("/points/customers/<int:customer_id>")
@requires("marketer")
def adjust(who: Person, customer_id: int) -> ResponseReturnValue:
    """Give or take points by hand, with a reason. The form's own number makes a second click give nothing."""
    ticket = request.form.get("ticket", "")
    amount, reason = request.form.get("amount", ""), request.form.get("reason", "").strip()
    if not points_form.is_amount(amount) or not reason:
        return _ledger(who, customer_id, fault="points.bad_amount" if reason else "points.no_reason"), 422
    now = services().now()
    with tenant(services().engine, who.merchant_id) as conn:
        person = customers.one(conn, customer_id) or abort(404)
        try:
            points_hand.adjust(
                conn, who.merchant_id, person.id, int(amount), reason=reason, by=who.email, now=now,
                ticket=ticket if TICKET.fullmatch(ticket) else "",
            )  # fmt: skip
        except NotEnough:
            conn.rollback()
            return _ledger(who, customer_id, fault="points.too_few"), 422
    flash(words()("points.adjusted"), "good")
    return redirect(url_for("points.customer", customer_id=customer_id))


@pages.post("/points/customers/<int:customer_id>/undo/<int:entry>")
@requires("marketer")
def undo(who: Person, customer_id: int, entry: int) -> ResponseReturnValue:
    """Take back what was given or taken by hand today; pressing twice takes it back once."""
    with tenant(services().engine, who.merchant_id) as conn:
        person = customers.one(conn, customer_id) or abort(404)
        try:
            done = points_hand.undo(conn, who.merchant_id, person.id, entry, by=who.email, now=services().now())
            said = "points.undone" if done else "points.not_undone"
        except NotEnough:
            conn.rollback()
            done, said = False, "points.spent_since"
    flash(words()(said), "good" if done else "bad")
    return redirect(url_for("points.customer", customer_id=customer_id))


def _page(who: Person, given: dict[str, str], faults: dict[str, str]) -> str:
    now = services().now()
    with tenant(services().engine, who.merchant_id) as conn:
        force = points_orders.in_force(conn)
        made = figures.soon(services(), conn, who.merchant_id, "points")
        claims = {row.reward: row.n for row in conn.execute(text(_CLAIMS))} if force else {}
        merchant = conn.execute(text("SELECT currency, timezone FROM merchant")).one()
        named = names_of(conn, who.merchant_id, words().language)
        categories = list(conn.scalars(text("SELECT DISTINCT name FROM category ORDER BY name LIMIT 500")))
        trade = None if given or force else figures.soon(services(), conn, who.merchant_id, "trade")
    today, order = now.astimezone(ZoneInfo(merchant.timezone)).date(), trade.document[0] if trade else 0
    form = given or (
        points_form.shown(force.program, _main(who), words().language) if force
        else points_form.begun(today, Money(order, merchant.currency), _off, words().language)
    )  # fmt: skip
    return page(
        "points.html",
        section="points", force=force, sums=made and made.document,
        claims=claims, faults=faults, form=form,
        currency=merchant.currency, actions=ACTIONS,
        places=range(_rewards(form) + 1), rungs=named, categories=categories,
        category_places=range(points_rules.rows(form)),
        more_on_rungs=any(form.get(f"times_{rung.key}") for rung in named),
        main=_main(who),
    )  # fmt: skip


def _main(who: Person) -> str:
    """The shop's own language, in which rewards are named first."""
    with tenant(services().engine, who.merchant_id) as conn:
        locale = str(conn.scalar(text("SELECT locale FROM merchant")))[:2]
    return locale if locale in LANGUAGES else "en"


def _off(amount: Money) -> str:
    """What a reward is called that takes money off."""
    return words()("points.off", money=words().money(amount.minor, amount.currency))


def _rewards(form: dict[str, str]) -> int:
    """How many rewards the form shows; one empty place comes after them."""
    filled = re.compile(r"reward_(name|points|value)_(\d+)")
    return len({found[2] for key in form if form[key] and (found := filled.fullmatch(key))})


_CLAIMS = "SELECT reward, count(*) AS n FROM reward_claim WHERE state NOT IN ('failed', 'returned') GROUP BY reward"


def _ledger(who: Person, customer_id: int, fault: str = "") -> str:
    with tenant(services().engine, who.merchant_id) as conn:
        person = customers.one(conn, customer_id) or abort(404)
        found: dict[str, Any] = {
            "person": person,
            "has": held.balance(conn, person.id, services().now()),
            "entries": held.ledger(conn, person.id),
            "undoable": points_hand.undoable(conn, person.id, services().now()) if who.may("marketer") else set(),
        }
    form = {"amount": "", "reason": "", "ticket": uuid4().hex} | request.form.to_dict()
    return page("points_customer.html", section="points", fault=fault, form=form, **found)
