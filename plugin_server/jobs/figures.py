"""Keeps the figures of large shops ready: at night, and when a page finds that one has grown stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from campaigns.offers.margin import Trade
from campaigns.recipes import recipes
from plugin_server import wiring
from plugin_server.db import figures
from plugin_server.db.campaigning import audience, campaigns, ending, reach
from plugin_server.db.campaigning.audience_power import power
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.customers import answers_told
from plugin_server.db.figures import Figure
from plugin_server.db.ladder import counting, movement, segments, whatif
from plugin_server.db.ladder import versions as ladder_versions
from plugin_server.db.ladder.rungs import shop
from plugin_server.db.merchant import home
from plugin_server.db.offers import codes as offers
from plugin_server.db.offers import given
from plugin_server.db.points import orders as points_orders
from plugin_server.db.points import pausing
from plugin_server.db.points import programme as points
from plugin_server.db.proof import pooled as proof
from plugin_server.db.proof import results
from plugin_server.db.sending import sender
from plugin_server.db.series import told as series_told
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.campaigning.backtest import back_test
from plugin_server.jobs.campaigning.run import report
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.sending.lint import sent_lately
from plugin_server.wiring import Services

HOLD: Final = 120
MOVED_WITHIN: Final = timedelta(days=30)
MOVEMENT_DAYS: Final = timedelta(days=90)

Maker = Callable[[Connection, int, datetime, str], Any]
"""Makes a figure as JSON of a merchant at a moment; the text is what follows the colon in the figure's name."""


def _movement(conn: Connection, merchant_id: int, now: datetime, days: str) -> Any:
    """Between two days (``2026-01-01:2026-02-01``), else over the last ninety."""
    today = shop(conn, merchant_id).local(now).date()
    first, _, last = days.partition(":")
    since = date.fromisoformat(first) if first else today - MOVEMENT_DAYS
    until = date.fromisoformat(last) if last else today
    return movement.matrix(conn, merchant_id=merchant_id, date_from=since, date_to=until, now=now)


def _stalled(conn: Connection, merchant_id: int, now: datetime, _: str) -> Any:
    """Who they are is looked up by the page: nothing that is kept names anybody."""
    found = movement.stalled(conn, merchant_id=merchant_id, now=now, limit=5)
    for rung in found:
        for person in rung["customers"]:
            del person["email"], person["name"]
    return found


def _audience(conn: Connection, merchant_id: int, now: datetime, which: str) -> Any:
    """Of a campaign by key and version; the version is there so that another one is another figure."""
    saved = campaigns.need(conn, which.partition(":")[0])
    return audience.counted(conn, merchant_id=merchant_id, campaign=saved.campaign, campaign_id=saved.id, now=now)


def _reach(conn: Connection, merchant_id: int, now: datetime, which: str) -> Any:
    """Whom a campaign by key and version would have met lately: one on an event meets few on any one day."""
    saved = campaigns.need(conn, which.partition(":")[0])
    return reach.reach(conn, merchant_id=merchant_id, campaign=saved.campaign, campaign_id=saved.id, now=now)


def segment_name(saved: segments.Saved) -> str:
    """The figure that counts this segment as it is defined now."""
    return f"segment:{saved.key}:{saved.updated_at.timestamp():.0f}"


def _power(conn: Connection, merchant_id: int, now: datetime, which: str) -> Any:
    """What the audience of a campaign, by key and version, can show."""
    saved = campaigns.need(conn, which.partition(":")[0])
    return power(conn, merchant_id=merchant_id, campaign=saved.campaign, campaign_id=saved.id, now=now)


def _segment(conn: Connection, merchant_id: int, now: datetime, which: str) -> Any:
    """Of a segment by key and time of its last change."""
    saved = segments.get(conn, which.partition(":")[0])
    if saved is None:
        return {"count": 0, "total": 0}
    found = counting.look(conn, shop(conn, merchant_id), saved.rule, now, sample=0)
    return {"count": found.count, "total": found.total}


def _ladder(conn: Connection, merchant_id: int, now: datetime, _: str) -> Any:
    """Where the ladder in force would place everybody now."""
    return ladder_versions.preview(conn, merchant_id=merchant_id, new=shop(conn, merchant_id).ladder, now=now)


def _dry_run(conn: Connection, merchant_id: int, now: datetime, recipe: str) -> Any:
    """A recipe over the last twelve months, without the people it would have met: nothing that is kept names them."""
    found = next(one for one in recipes() if one.key == recipe)
    saved = Saved(0, "draft", 1, None, found.campaign)
    told = back_test(conn, merchant_id=merchant_id, saved=saved, now=now)
    return {key: value for key, value in told.items() if key not in ("sample", "firings")}


def _lately(conn: Connection, _merchant_id: int, now: datetime, cap: str) -> Any:
    """By a frequency cap: so many messages in so many days; none is ``0:0``."""
    messages, _, days = cap.partition(":")
    return sent_lately(conn, now, messages=int(messages), days=int(days))


def _told(conn: Connection, _merchant_id: int, _now: datetime, which: str) -> Any:
    """How a run stands, by its number and state: what was counted while it was paused is not what it ended with."""
    return report(conn, int(which.partition(":")[0]))


def _result(conn: Connection, _merchant_id: int, now: datetime, which: str) -> Any:
    """What a run brought, by its number and state: what was told before its people were drawn is no result."""
    return results.results(conn, run_id=int(which.partition(":")[0]), now=now)


def _outcome(conn: Connection, _merchant_id: int, now: datetime, which: str) -> Any:
    """What a campaign brought, by its key, its last run and the state of that: another run is another figure."""
    return results.of_campaign(conn, campaigns.need(conn, which.partition(":")[0]), now)


def outcome_name(conn: Connection, saved: Saved) -> str:
    """The figure that says what this campaign brought, as its runs stand now."""
    last = "".join(f":{run.id}:{run.state}" for run in campaigns.runs_of(conn, saved.id)[:1])
    return f"outcome:{saved.campaign.key}{last}"


def _back_test(conn: Connection, merchant_id: int, now: datetime, which: str) -> Any:
    """Of a campaign by key and version; the people it names are numbers, whose names the page looks up."""
    told = back_test(conn, merchant_id=merchant_id, saved=campaigns.need(conn, which.partition(":")[0]), now=now)
    for person in told["sample"]:
        del person["email"], person["name"]
    return told


def _codes(conn: Connection, _: int, now: datetime, key: str) -> Any:
    """Those of a campaign, by its key, that are still good."""
    return ending.good_codes(conn, campaigns.need(conn, key).id, now)


def _series(conn: Connection, _: int, __: datetime, which: str) -> Any:
    """How a series stands, by its key and version."""
    return series_told.figures(conn, campaigns.need(conn, which.partition(":")[0]))


def _points(conn: Connection, _: int, now: datetime, __: str) -> Any:
    force = points_orders.in_force(conn)
    return {
        "totals": points.totals(conn, now),
        "months": points.months(conn, force.timezone) if force else [],
        "owed": points.liability(conn, now),
        "earning": pausing.earning(conn, now),
    }


def _trade(conn: Connection, _: int, now: datetime, __: str) -> Any:
    found = offers.trade(conn, now)
    margin = None if found.margin is None else str(found.margin)
    return [found.average_order_minor, found.average_shipping_minor, margin, str(found.covered)]


def usual_trade(services: Services, conn: Connection, merchant_id: int) -> Trade:
    """The usual trade for a page, without the goods of any offer."""
    order, shipping, margin, covered = ready(services, conn, merchant_id, "trade").document
    return Trade(order, shipping, None if margin is None else Decimal(margin), Decimal(covered))


MAKERS: Final[dict[str, Maker]] = {
    counting.FIGURE: lambda conn, _, __, ___: astuple(counting.size(conn)),
    "tally": lambda conn, _, __, ___: home.tally(conn),
    "moved": lambda conn, _, now, __: home.movement(conn, now - MOVED_WITHIN),
    "what_if": lambda conn, merchant_id, _, __: whatif.simulated(conn, merchant_id=merchant_id),
    "movement": _movement,
    "stalled": _stalled,
    "points": _points,
    "ladder": _ladder,
    "answers": lambda conn, merchant_id, now, _: answers_told.told(conn, now, shop(conn, merchant_id).zone.key),
    "trade": _trade,
    "health": lambda conn, _, now, __: sender.health(conn, now).as_json(),
    "result": _result,
    "offers": lambda conn, _, now, __: given.given(conn, now),
    "told": _told,
    "outcome": _outcome,
    "proof": lambda conn, _, now, __: proof.of_merchant(conn, now),
    "power": _power,
    "audience": _audience,
    "reach": _reach,
    "segment": _segment,
    "codes": _codes,
    "series": _series,
    "dry_run": _dry_run,
    "back_test": _back_test,
    "lately": _lately,
}
"""By name, without what may follow a colon. What is always asked for is made at night."""
AT_NIGHT: Final = (
    "tally", "moved", "what_if", "movement", "stalled", "points", "ladder", "health", "proof", "answers", "trade",
    "offers", counting.FIGURE,
)  # fmt: skip


def ready(services: Services, conn: Connection, merchant_id: int, name: str) -> Figure:
    """What a page can show at once: made for it where that is quick or nothing is kept, else what is kept.

    Nothing is written: opening a page changes nothing. What is stale or was never kept, a worker makes anew.
    """
    return _ready(services, conn, merchant_id, name) or _now(services, conn, merchant_id, name)


def soon(services: Services, conn: Connection, merchant_id: int, name: str, *, live: bool = True) -> Figure | None:
    """The same for what takes a large shop too long to wait for: None while a worker makes it for the first time.

    Without ``live`` a large shop is shown what is kept however quick it was made: for what is only mentioned.
    """
    found = _ready(services, conn, merchant_id, name, live=live)
    if found is None and not figures.is_small(conn):
        wake_figure(services, merchant_id, name)
        return None
    return found or _now(services, conn, merchant_id, name)


def _ready(services: Services, conn: Connection, merchant_id: int, name: str, *, live: bool = True) -> Figure | None:
    found = figures.kept(conn, name, services.now())
    if found and found.stale:
        if (live and found.quick) or figures.is_small(conn):
            return None
        wake_figure(services, merchant_id, name)
    return found


def _now(services: Services, conn: Connection, merchant_id: int, name: str) -> Figure:
    now = services.now()
    made = figures.now_made(conn, lambda on: _make(on, merchant_id, now, name), now)
    if not made.quick:
        wake_figure(services, merchant_id, name)
    return made


def _make(conn: Connection, merchant_id: int, now: datetime, name: str) -> Any:
    kind, _, rest = name.partition(":")
    return MAKERS[kind](conn, merchant_id, now, rest)


def wake_figure(services: Services, merchant_id: int, name: str) -> None:
    """Have a figure made soon."""
    wake(services.redis, make_figure, merchant_id, name, on="bulk", hold=HOLD)


def make_figure(merchant_id: int, name: str) -> None:
    """Job: one figure."""
    services = wiring.services()
    awake(services.redis, make_figure, merchant_id, name)
    made(services, merchant_id, name)


def made(services: Services, merchant_id: int, name: str) -> Figure:
    """Make it here and now, and keep it."""
    with tenant(services.engine, merchant_id) as conn:
        return anew(conn, merchant_id, name, services.now())


def anew(conn: Connection, merchant_id: int, name: str, now: datetime) -> Figure:
    """The same in the caller's transaction."""
    return figures.keep(
        conn, merchant_id=merchant_id, name=name, make=lambda on: _make(on, merchant_id, now, name), now=now
    )


def figures_all(services: Services) -> None:
    """Have the figures that everybody asks for made for every merchant."""
    for merchant_id in merchant_ids(services.engine):
        for name in AT_NIGHT:
            wake_figure(services, merchant_id, name)
