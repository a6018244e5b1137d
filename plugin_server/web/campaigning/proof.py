"""What campaigns brought about: one over all its firings, and all of them together, quarter by quarter."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.web.campaigning import launching
from plugin_server.web.context import page, services
from plugin_server.web.guards import requires
from plugin_server.web.ladder.charts import Whisker, whiskers

pages = Blueprint("proof", __name__)
Interval = Mapping[str, Any] | None


@pages.get("/proof")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """All campaigns against the lasting holdout, by quarter and pooled."""
    with tenant(services().engine, who.merchant_id) as connection:
        figure = figures.soon(services(), connection, who.merchant_id, "proof")
        if figure and not figure.document["quarters"] and campaigns.ran_since(connection, figure.made_at):
            # Kept from before the first campaign: it would say that none has run.
            figures.wake_figure(services(), who.merchant_id, "proof")
            figure = None
    if figure is None:
        return page("proof.html", section="campaigns", found=None)
    found = figure.document
    drawn = whiskers([_ends(one["differences"]["orders"]) for one in found["quarters"]])
    pooled = _drawn({name: one["each"] for name, one in found["pooled"]["measures"].items()}) if found["pooled"] else {}
    return page("proof.html", section="campaigns", found=found, drawn=drawn, pooled=pooled)


@pages.get("/campaigns/<key>/results")
@requires("viewer")
def campaign(who: Person, key: str) -> ResponseReturnValue:
    """One campaign over all its firings: verdict, differences with intervals, three figures, movement, periods."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        made = figures.soon(services(), connection, who.merchant_id, figures.outcome_name(connection, saved))
        result = made and made.document
    drawn = _drawn(result["differences"]) if result else {}
    return page("campaign_results.html", section="campaigns", saved=saved, result=result, drawn=drawn)


@pages.get("/campaigns/<key>/power")
@requires("viewer")
def power(who: Person, key: str) -> ResponseReturnValue:
    """Part of the campaign's page: how small an effect its audience can show."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        found = figures.soon(services(), connection, who.merchant_id, f"power:{key}:{saved.version}")
        lately = launching.lately(connection, who, saved) if saved.campaign.measure.holdout else None
    return page("_power.html", power=found and found.document, lately=lately, key=key)


def _drawn(differences: Mapping[str, Interval]) -> dict[str, Whisker | None]:
    """Each on a scale of its own, for shares, orders and money have none in common."""
    return {name: whiskers([_ends(one)])[0] for name, one in differences.items()}


def _ends(one: Interval) -> tuple[float, float, float] | None:
    if one is None or one["difference"] is None or one["low"] is None or one["high"] is None:
        return None
    low, at, high = (_number(one[name]) for name in ("low", "difference", "high"))
    return low, at, high


def _number(value: Any) -> float:
    return float(Decimal(value["amount"])) if isinstance(value, Mapping) else float(value)
