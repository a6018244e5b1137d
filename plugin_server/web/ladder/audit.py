"""The audit: who buys, who comes back, what that is worth, and what to do next."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connectors.types import Money, minor_units
from plugin_server.db import pulse
from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.db.audit import spending
from plugin_server.db.audit.spending import BadSpend
from plugin_server.db.audit.story import A_TENTH, ALL_UP
from plugin_server.db.merchant import audit_log, merchants
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.audit import ready
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import charts
from plugin_server.web.ladder.rungs import names_of
from plugin_server.web.typed import plain

pages = Blueprint("audit", __name__)
EARLIEST, LATEST = date(1990, 1, 1), date(2999, 12, 31)


@pages.get("/audit")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """All figures of the audit, as they were made ready, with how fresh they are."""
    return _page(who, {})


def _page(who: Person, faults: dict[str, str]) -> str:
    span, fault = _span()
    found = ready(services(), who.merchant_id, span)
    with tenant(services().engine, who.merchant_id) as connection:
        rungs = names_of(connection, who.merchant_id, words().language)
        spent, currency = spending.entries(connection), merchants.get(connection)["currency"]
    return page(
        "audit.html",
        section="audit",
        fault=fault,
        ready=found,
        audit=found and found.document,
        drawn=found and _drawn(found.document),
        heat=charts.shade,
        spent=spent,
        currency=currency,
        given=request.args,
        rungs=rungs,
        faults=faults,
        form=request.form,
    )


@pages.get("/audit.pdf")
@requires("viewer")
def paper(who: Person) -> ResponseReturnValue:
    """The same on paper; back to the page where the figures are still being added up."""
    span, _ = _span()
    found = ready(services(), who.merchant_id, span)
    if found is None:
        flash(words()("figures.being_made"))
        return redirect(url_for("audit.show"))
    with tenant(services().engine, who.merchant_id) as connection:
        rungs = {rung.key: rung.name for rung in names_of(connection, who.merchant_id, words().language)}
    # Here and not above: what draws letters takes a tenth of the time in which a process starts.
    from plugin_server.web.ladder import audit_paper

    made = audit_paper.printed(found.document, words(), shop=who.merchant_name, rungs=rungs, made_at=found.made_at)
    name = f"audit-{found.document['to'] or 'empty'}.pdf"
    return Response(made, mimetype="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


def _span() -> tuple[str, str]:
    """The span that the query asks for, and a sentence where it asks for none that can be (then: all days)."""
    first, fault = _day("from")
    last, other = _day("to")
    fault = fault or other or (words()("figures.swapped") if first and last and first > last else "")
    return ("all" if fault else audit_rollup.name_of(first, last)), fault


def _day(name: str) -> tuple[date | None, str]:
    """The day asked for, and a sentence where it is none."""
    given = request.args.get(name, "").strip()
    if not given:
        return None, ""
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None, words()("figures.not_a_day", given=given)
    return (day, "") if EARLIEST <= day <= LATEST else (None, words()("figures.not_a_day", given=given))


def _drawn(document: dict[str, Any]) -> dict[str, Any]:
    """The shapes of the charts."""

    def amount(money: dict[str, str]) -> float:
        return float(Decimal(money["amount"]))

    curve = [amount(point) for point in document["acquisition"]["ltv"]["curve"]]
    later = [amount(point) for point in document["acquisition"]["ltv"]["forecast"]["curve"]]
    cac = document["acquisition"]["cac"]
    top, places = max([*curve, *later, amount(cac) if cac else 0.0], default=0.0) * 1.1 or 1.0, len(curve) + len(later)
    return {
        "peak": charts.peak(document["months"]),
        "months": charts.stacked(
            [(amount(m["existing_revenue"]), amount(m["new_revenue"])) for m in document["months"]]
        ),
        "curve": charts.line(curve, top, places=places),
        "ahead": later and charts.line([curve[-1], *later], top, after=len(curve) - 1, places=places),
        "levers": _effects(document["levers"]),
        "tenth": A_TENTH / (ALL_UP - 1),
        "cac": cac and 100 - amount(cac) / top * 100,
    }


def _effects(levers: dict[str, Any] | None) -> list[float] | None:
    """How far each lever moved the profit, as a share of the farthest; None where there is no year to compare with."""
    if not levers or levers["profit_before"] is None:
        return None
    moved = [abs(float(one["effect"]["amount"])) for one in levers["levers"]]
    return [one / (max(moved) or 1) for one in moved]


@pages.post("/audit/spending")
@requires("marketer")
def enter(who: Person) -> ResponseReturnValue:
    """Put down what a channel cost in a month; nothing takes the entry away."""
    month, channel = request.form.get("month", ""), request.form.get("channel", "")
    with tenant(services().engine, who.merchant_id) as connection:
        now, currency = services().now(), merchants.get(connection)["currency"]
        try:
            amount = _amount(plain(request.form.get("amount", ""), words().language), currency)
            day = date.fromisoformat(f"{month[:7]}-01")
            spending.enter(
                connection,
                merchant_id=who.merchant_id,
                month=day,
                channel=channel,
                amount=amount,
                by=who.email,
                now=now,
            )
        except ValueError as error:
            what = error.what if isinstance(error, BadSpend) else "month"
            return _page(who, {what: words()(f"figures.spend_{what}")}), 422
        pulse.beat(connection, merchant_id=who.merchant_id, now=now)
        detail = {"month": month[:7], "channel": channel.strip(), **amount.as_json()}
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="spend_entered", subject=month[:7], detail=detail
        )
    flash(words()("figures.spend_kept"), "good")
    return redirect(url_for("audit.show") + "#spending")


def _amount(given: str, currency: str) -> Money:
    """An amount with a decimal point. Raises ``BadSpend``."""
    try:
        amount = Decimal(given)
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
            raise InvalidOperation
        minor = minor_units(amount, currency)
    except (InvalidOperation, ValueError) as error:
        raise BadSpend("amount") from error
    return Money(minor, currency)
