"""The forecast: what is to be expected, and how far it was right when it was put to the test."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from plugin_server.db import pulse
from plugin_server.db.ladder import forecast as forecasts
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.nightly import wake_forecast
from plugin_server.web.context import page, services
from plugin_server.web.guards import requires
from plugin_server.web.ladder import charts

pages = Blueprint("forecast", __name__)


@pages.get("/forecast")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """The newest fit: its gates, the quarter ahead, and predicted against actual orders of the part kept back."""
    with tenant(services().engine, who.merchant_id) as connection:
        kept = forecasts.kept(connection)
        _, changed_at = pulse.current(connection)
    if kept and not kept[1]["usable"] and changed_at and changed_at > kept[0]:
        # Orders came since the gates were closed: they may be open now. Of an empty shop nothing is worth showing.
        wake_forecast(services(), who.merchant_id)
        kept = kept if kept[1]["customers"] else None
    if kept is None:
        wake_forecast(services(), who.merchant_id)
    made_at, found = kept or (None, None)
    changed_at = changed_at if made_at and changed_at and changed_at > made_at else None
    check = found and found["calibration"]
    drawn = check and {
        part: charts.grouped([(one["predicted"], one["actual"]) for one in check[part]])
        for part in ("by_repeats", "by_chance")
    }
    return page(
        "forecast.html", section="audit", made_at=made_at, changed_at=changed_at, found=found, check=check, drawn=drawn
    )
