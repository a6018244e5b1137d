"""Periodic work: one table, one leader, and a tick that was missed while down is made up once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from redis import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from plugin_server import wiring
from plugin_server.db import periodic
from plugin_server.jobs import audit, figures, nightly, sweep
from plugin_server.jobs.campaigning import ticks
from plugin_server.jobs.giving import membership, teams
from plugin_server.jobs.letters import complaint as complaint_mail
from plugin_server.jobs.letters import trouble as trouble_mail
from plugin_server.jobs.reading import lifecycle, renewing
from plugin_server.jobs.sending import domains, suppressions
from plugin_server.jobs.series import walk as series
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
BEAT: Final = 1.0
FOLLOW: Final = 5.0
LONGEST_WAIT: Final = 30.0
EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that is due every ``every``, counted from ``offset`` past midnight UTC.

    It runs in the scheduler itself and must be short: looking at rows and waking workers, no more.
    """

    key: str
    every: timedelta
    work: Callable[[Services], object]
    offset: timedelta = timedelta()

    def slot(self, now: datetime) -> datetime:
        """The newest due time up to ``now``."""
        start = EPOCH + self.offset
        return start + (now - start) // self.every * self.every


JOBS: Final = (
    Periodic("sweep", timedelta(seconds=20), sweep.sweep),
    Periodic("campaigns", timedelta(minutes=1), ticks.tick),
    Periodic("series", timedelta(hours=1), series.look_over_all, timedelta(minutes=10)),
    Periodic("sync", timedelta(minutes=10), nightly.sync_all),
    Periodic("rungs", timedelta(minutes=5), nightly.tell_all_rungs),
    Periodic("consents", timedelta(minutes=5), nightly.tell_all_consents, timedelta(minutes=2)),
    Periodic("tags", timedelta(minutes=5), nightly.tell_all_tags, timedelta(minutes=3)),
    Periodic("marketing", timedelta(minutes=10), nightly.tell_all_marketing, timedelta(minutes=4)),
    Periodic("habits", timedelta(minutes=1), nightly.catch_up_all),
    Periodic("suppressions", timedelta(hours=1), suppressions.exchange_all, timedelta(minutes=20)),
    Periodic("domains", timedelta(days=1), domains.look_up_all, timedelta(hours=19)),
    Periodic("webhooks", timedelta(hours=1), nightly.check_webhooks),
    Periodic("renewing", timedelta(hours=1), renewing.renew_dormant, timedelta(minutes=20)),
    Periodic("purge", timedelta(minutes=10), lifecycle.purge_due),
    Periodic("troubles", timedelta(minutes=5), trouble_mail.tell_all),
    Periodic("complaints", timedelta(minutes=5), complaint_mail.tell_all),
    Periodic("reconcile", timedelta(days=1), nightly.reconcile_all, timedelta(hours=18, minutes=30)),
    Periodic("climb", timedelta(days=1), nightly.climb_all, timedelta(hours=20, minutes=30)),
    Periodic("audit", timedelta(days=1), audit.audit_all, timedelta(hours=21)),
    Periodic("figures", timedelta(days=1), figures.figures_all, timedelta(hours=21, minutes=15)),
    Periodic("forecast", timedelta(days=1), nightly.forecast_all, timedelta(hours=21, minutes=30)),
    Periodic("members", timedelta(hours=1), membership.enrol_all, timedelta(minutes=40)),
    Periodic("teams", timedelta(minutes=1), teams.tick, timedelta(seconds=20)),
    Periodic("points", timedelta(hours=6), nightly.points_all, timedelta(hours=1)),
)
"""Nightly work falls into the small hours of Jakarta and the evening of Amsterdam."""


def run_due(services: Services, conn: Connection, jobs: tuple[Periodic, ...] = JOBS) -> list[str]:
    """Do what is due now, over the leader's connection; gives the keys. What fails is written down."""
    now = services.now()
    with conn.begin():
        due = periodic.take_due(conn, {job.key: job.slot(now) for job in jobs}, now)
    for job in jobs:
        if job.key in due:
            error = _do(services, job)
            with conn.begin():
                periodic.finished(conn, job.key, error=error, now=services.now())
    return due


def _do(services: Services, job: Periodic) -> str:
    try:
        job.work(services)
    except Exception as error:  # whatever one job stumbles over must not stop the others
        log.exception("periodic work %s failed", job.key)
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    """The scheduler process: runs until it is told to stop, outliving restarts of database and queue."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s scheduler %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    services, wait = wiring.services(), 1.0
    while not stop.is_set():
        try:
            _lead(services, stop)
            wait = 1.0
        except (SQLAlchemyError, RedisError, OSError) as error:
            log.warning("%s; trying again in %.0f s", str(error).splitlines()[0], wait)
            services.engine.dispose()
            stop.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def _lead(services: Services, stop: threading.Event) -> None:
    """Become the leader and do what is due until told to stop; raises when connection and lead are lost."""
    with services.engine.connect() as conn:
        while not stop.is_set():
            with conn.begin():
                leads = periodic.lead(conn)
            if leads:
                break
            stop.wait(FOLLOW)
        if not stop.is_set():
            log.info("leading")
        while not stop.is_set():
            run_due(services, conn)
            stop.wait(BEAT)
        # The connection goes back to a pool; the lock must not go with it.
        conn.invalidate()
