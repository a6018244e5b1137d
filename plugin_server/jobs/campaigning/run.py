"""A run from planned to done: every step looks at what is there, so that it can be taken again after any crash."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from redis import RedisError
from sqlalchemy import Connection, text

from campaigns import calendar, series_parts
from campaigns.offers.margin import Trade, Verdict, judge
from campaigns.reasons import Reason
from campaigns.schema import Campaign
from campaigns.steps import WebhookStep
from campaigns.triggers import Once, OnHoliday
from connectors.errors import ForbiddenHost
from connectors.hosts import guard_url
from plugin_server import wiring
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.campaigning.campaigns import Refused, Run, Saved
from plugin_server.db.merchant import holidays, shop_settings
from plugin_server.db.offers import codes as offers
from plugin_server.db.sending import fences, ledger, mail_account, messages
from plugin_server.db.series import places as series
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import realising
from plugin_server.jobs.campaigning.codes import make_codes
from plugin_server.jobs.outside import Outside, outside
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.sending import lint
from plugin_server.jobs.sending.deliver import deliver
from plugin_server.settings import Settings
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
RECHECK: Final = timedelta(minutes=5)
DOUBT_CHECK: Final = timedelta(seconds=30)
NO_ADDRESS: Final = (
    "The postal address of the business is missing, and the law wants it in every mail. Enter it under Settings, or "
    "with `tangga merchants set --postal-address …`."
)

NO_MARGIN_REASON: Final = (
    "The margin guard is off although every order would lose money. Say why in margin_reason: it goes into the log."
)


def launch(
    services: Services, merchant_id: int, campaign_key: str, by: str, now: datetime, *, grace: timedelta | None = None
) -> int:
    """Start a campaign as a person asks for it, and wake a worker; gives the run. Raises ``Refused``.

    Within ``grace`` nothing happens yet, so that ``campaigns.undo`` can take it back as if it had never been.

    A campaign on a holiday takes the firing that is due, so that it will not fire for it again; with none due, it runs
    once for this day. A campaign of kind ``once`` runs once: asking again gives the same run.
    """
    with tenant(services.engine, merchant_id) as conn:
        run_id = open_now(conn, merchant_id, campaign_key, by, now, services.settings, grace=grace)
    wake_run(services, merchant_id, run_id)
    return run_id


def open_now(
    conn: Connection,
    merchant_id: int,
    campaign_key: str,
    by: str,
    now: datetime,
    settings: Settings | None = None,
    *,
    grace: timedelta | None = None,
) -> int:
    """``launch`` without waking anybody. Without ``settings`` the mails are not looked through."""
    saved = campaigns.need(conn, campaign_key, lock=True)
    if saved.state == "ended":
        raise Refused(Reason(campaigns.over(campaign_key), "launch_ended"))
    if saved.state == "paused":
        sentence = f"{campaign_key} is paused. Activate it first: `tangga campaigns activate {campaign_key}`."
        raise Refused(Reason(sentence, "launch_paused"))
    check(conn, saved.campaign, now, settings)
    occasion, due_at = _occasion(conn, saved, now)
    run_id, new = campaigns.open_run(
        conn, merchant_id=merchant_id, saved=saved, occasion=occasion, due_at=due_at, by=by
    )
    if new and grace:
        campaigns.wait(conn, run_id, until=now + grace, reason="")
    return run_id


def launched_before(conn: Connection, saved: Saved, now: datetime) -> int | None:
    """The run that launching now would lead to instead of starting one, since its occasion has had its run."""
    occasion, _ = _occasion(conn, saved, now)
    return next((run.id for run in campaigns.runs_of(conn, saved.id) if run.occasion == occasion), None)


def check(
    conn: Connection, campaign: Campaign, now: datetime, settings: Settings | None = None, usual: Trade | None = None
) -> None:
    """Refuse what must not be started: a frozen store, an offer that eats the whole margin, a mail that must be mended.

    And, where mails leave for real people, a business without the postal address that the law wants in each of them.
    ``usual`` is the usual trade where somebody kept it: for pages, not for what is launched. Raises ``Refused``.
    """
    frozen = campaigns.frozen_store(conn)
    if frozen:
        raise Refused(frozen)
    if settings and mail_account.leave(conn, settings) and not shop_settings.postal_address(conn):
        raise Refused(Reason(NO_ADDRESS, "no_postal_address"))
    for told in campaign.told_apart.values():
        for _, one in series_parts.offers(told):
            _afford(conn, one, now, usual)
    if settings:
        _callable(campaign, settings)
        for told in campaign.told_apart.values():
            for _, one in series_parts.letters(told):
                lint.refuse(conn, settings, one, now)


def _callable(campaign: Campaign, settings: Settings) -> None:
    """Refuse a series that would call an address which we may not."""
    for step in campaign.steps:
        if isinstance(step, WebhookStep):
            try:
                guard_url(step.url, allow_private=settings.allow_private_hosts, resolve=False)
            except ForbiddenHost as error:
                raise Refused(f"{step.key}: {error.sentence}") from error


def _afford(conn: Connection, campaign: Campaign, now: datetime, usual: Trade | None) -> None:
    if campaign.offer and (hurdle := realising.hurdle(conn, campaign.offer, now)):
        raise Refused(hurdle)
    verdict = margin(conn, campaign, now, usual)
    if verdict and not verdict.ok and campaign.guards.margin_floor:
        shares = {"discount_share": verdict.discount, "margin_share": verdict.margin or Decimal(0)}
        raise Refused(Reason(f"margin_floor: {verdict.refusal}", "margin_lost", **shares))
    if verdict and not verdict.ok and not campaign.guards.margin_reason:
        raise Refused(Reason(NO_MARGIN_REASON, "margin_no_reason"))


def margin(conn: Connection, campaign: Campaign, now: datetime, usual: Trade | None = None) -> Verdict | None:
    """What the margin guard finds; None without an offer. ``usual`` is the usual trade where somebody kept it."""
    if campaign.offer is None:
        return None
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    return judge(campaign.offer, currency, offers.trade(conn, now, campaign.offer, usual))


def firings(conn: Connection, campaign: Campaign, now: datetime) -> list[calendar.Due]:
    """All firings of a campaign about now, by time; none for a campaign that waits for a person."""
    zone = str(conn.scalar(text("SELECT timezone FROM merchant")))
    if isinstance(campaign.trigger, Once):
        return calendar.single(campaign.trigger, timezone=zone)
    if not isinstance(campaign.trigger, OnHoliday):
        return calendar.daily(campaign.trigger, timezone=zone, around=now)
    country = calendar.country_of(zone)
    return calendar.due(
        campaign.trigger, timezone=zone, country=country, around=now, overrides=holidays.overrides(conn)
    )


def _occasion(conn: Connection, saved: Saved, now: datetime) -> tuple[str, datetime]:
    if isinstance(saved.campaign.trigger, Once):
        return "once", now
    due = [fire for fire in firings(conn, saved.campaign, now) if now - calendar.GRACE <= fire.at <= now]
    if due:
        return due[-1].occasion, due[-1].at
    zone = ZoneInfo(str(conn.scalar(text("SELECT timezone FROM merchant"))))
    return f"by_hand:{now.astimezone(zone).date()}", now


def wake_run(services: Services, merchant_id: int, run_id: int) -> None:
    """Ask a worker to go on with a run. Without a queue the sweeper will ask again."""
    try:
        wake(services.redis, advance_run, merchant_id, run_id)
    except RedisError as error:
        log.warning("the queue is away (%s); run %s is picked up by the sweeper", error, run_id)


def advance_run(merchant_id: int, run_id: int) -> None:
    """Job: go on with a run as far as possible."""
    services = wiring.services()
    awake(services.redis, advance_run, merchant_id, run_id)
    advance(services, outside(services, merchant_id), merchant_id, run_id)


def advance(services: Services, world: Outside, merchant_id: int, run_id: int) -> str:
    """Take a run as far as it goes now; gives the state it reached. One process at a time: others leave at once."""
    with _alone(services, run_id) as mine:
        while mine and _step(services, world, merchant_id, run_id):
            pass
    with tenant(services.engine, merchant_id) as conn:
        return campaigns.run(conn, run_id).state


@contextmanager
def _alone(services: Services, run_id: int) -> Iterator[bool]:
    # A lock of the session: the database drops it when this process dies, however it dies.
    with services.engine.connect() as conn:
        mine = bool(conn.scalar(text("SELECT pg_try_advisory_lock(7411, :id)"), {"id": run_id % 2**31}))
        conn.commit()
        try:
            yield mine
        finally:
            if mine:
                conn.execute(text("SELECT pg_advisory_unlock(7411, :id)"), {"id": run_id % 2**31})
                conn.commit()


def _step(services: Services, world: Outside, merchant_id: int, run_id: int) -> bool:
    """One transition; True where another may follow at once."""
    now = services.now()
    with tenant(services.engine, merchant_id) as conn:
        run = campaigns.run(conn, run_id, lock=True)
        if run.state not in campaigns.OPEN_STATES or (run.not_before and run.not_before > now):
            return False
        frozen = campaigns.frozen_store(conn)
        if frozen:
            campaigns.wait(conn, run_id, until=now + RECHECK, reason=frozen)
            return False
        if run.state == "planned":
            audience.freeze(conn, run, now)
            return True
        if run.state == "coded":
            ledger.plan(conn, run, now)
            campaigns.move(conn, run_id, to="sending")
            return True
        if run.state == "frozen" and run.campaign.steps:
            series.enter(conn, run, now)
            return False
    if run.state == "frozen":
        return make_codes(services, world, run) and _move(services, run, "coded")
    return deliver(services, world, run) and _finish(services, run)


def _move(services: Services, run: Run, to: str) -> bool:
    with tenant(services.engine, run.merchant_id) as conn:
        if campaigns.run(conn, run.id, lock=True).state != run.state:
            return False
        campaigns.move(conn, run.id, to=to)
    return True


def _finish(services: Services, run: Run) -> bool:
    """Nothing is due any more: either all is settled, or the run waits for what is deferred or in doubt."""
    now = services.now()
    with tenant(services.engine, run.merchant_id) as conn:
        if campaigns.run(conn, run.id, lock=True).state != "sending":
            return False
        left = messages.remaining(conn, run.id, now)
        if left.planned and left.next_at and left.next_at <= now:
            return True
        if left.planned and left.next_at:
            reason = Reason(f"{left.planned} mails wait for their time.", "mails_wait", n=left.planned)
            campaigns.wait(conn, run.id, until=left.next_at, reason=reason)
        elif left.flying:
            reason = Reason(f"{left.flying} mails are on their way or in doubt.", "mails_flying", n=left.flying)
            campaigns.wait(conn, run.id, until=now + DOUBT_CHECK, reason=reason)
        elif leaves := fences.leaves_last(conn, run.id, now):
            sentence = f"The provider holds the mails until {leaves:%Y-%m-%d %H:%M} UTC; you can still stop them."
            reason = Reason(sentence, "mails_held", leaves_at=leaves.isoformat())
            campaigns.wait(conn, run.id, until=leaves, reason=reason)
        else:
            campaigns.move(conn, run.id, to="done", finished_at=now)
    return False


def report(conn: Connection, run_id: int) -> dict[str, Any]:
    """How a run stands: ``{"run", "campaign", "occasion", "state", "reason", "audience", "treated", …}``."""
    run = campaigns.run(conn, run_id)
    head = {"run": run.id, "campaign": run.campaign.key, "occasion": run.occasion, "state": run.state}
    return head | {"reason": run.state_reason, "due_at": run.due_at.isoformat()} | audience.tally(conn, run_id)


def _still_to_come(conn: Connection, saved: Saved, now: datetime) -> None:
    """Refuse a draft for a day that has been: it would be active and never fire."""
    trigger = saved.campaign.trigger
    if saved.state != "draft" or not isinstance(trigger, Once) or trigger.day is None:
        return
    zone = ZoneInfo(str(conn.scalar(text("SELECT timezone FROM merchant"))))
    if datetime.combine(trigger.day, trigger.at, zone) < now:  # what fell due before the activation does not fire
        raise Refused(day_over(trigger.day))


def day_over(day: date) -> Reason:
    """Why a campaign for a day that has been is refused."""
    sentence = f"{day} is over. Choose a later day, or take the day out and launch it by hand."
    return Reason(sentence, "day_over", day=day.isoformat())


def set_state(services: Services, merchant_id: int, campaign_key: str, to: str) -> Saved:
    """Activate, pause or end a campaign together with its runs. Raises ``Refused``."""
    with tenant(services.engine, merchant_id) as conn:
        if to == "active":
            known = campaigns.need(conn, campaign_key)
            check(conn, known.campaign, services.now(), services.settings)
            _still_to_come(conn, known, services.now())
        saved = campaigns.set_state(conn, campaign_key, to, services.now())
        if to == "ended":
            # What a provider holds for later is called back by the sweeper, and skipped then.
            messages.skip_stopped(conn, services.now())
            series.end_all(conn, services.now())
        going = [run.id for run in campaigns.runs_of(conn, saved.id) if run.state in campaigns.OPEN_STATES]
    for run_id in going:
        wake_run(services, merchant_id, run_id)
    return saved
