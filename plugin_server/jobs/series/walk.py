"""People walk through series: those whose time has come are claimed in batches, looked at, and moved, all in one
transaction each. Mails and codes are handed to runs, which send and make them as any run does."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from redis import RedisError
from sqlalchemy import Connection, text

from campaigns.series import Act, Series, Verdict, decide
from campaigns.series_parts import series_of
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.ladder import known, rungs
from plugin_server.db.series import calls as calls_waiting
from plugin_server.db.series import places as series
from plugin_server.db.series import runs as series_runs
from plugin_server.db.series import seen as series_seen
from plugin_server.db.series.places import Group
from plugin_server.db.series.seen import Sight
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.series import acts as series_acts
from plugin_server.jobs.series import calls as series_calls
from plugin_server.jobs.series.leaving import look_over
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
BATCH: Final = 5000


def wake_if_due(services: Services, merchant_id: int) -> None:
    """Ask a worker to move people on where somebody's time has come, and to make calls that wait."""
    now = services.now()
    with tenant(services.engine, merchant_id) as conn:
        due, calls = series.anything_due(conn, now), calls_waiting.any_due(conn, now)
    try:
        if due:
            wake(services.redis, advance_series, merchant_id)
        if calls:
            wake(services.redis, series_calls.make_calls, merchant_id)
    except RedisError as error:
        log.warning("the queue is away (%s); series go on with the next tick", error)


def advance_series(merchant_id: int) -> None:
    """Job: move everybody on whose time has come."""
    services = wiring.services()
    awake(services.redis, advance_series, merchant_id)
    _, touched = advance(services, merchant_id)
    for run_id in touched:
        runs.wake_run(services, merchant_id, run_id)
    wake_if_due(services, merchant_id)


def look_over_all(services: Services) -> None:
    """Ask workers to let everybody go who has reached a goal or said no, in all series."""
    for merchant_id in merchant_ids(services.engine):
        wake(services.redis, look_over_series, merchant_id, on="bulk", hold=600)


def look_over_series(merchant_id: int) -> None:
    """Job: one merchant's."""
    services = wiring.services()
    awake(services.redis, look_over_series, merchant_id)
    look_over(services, merchant_id)


def walk(services: Services, world: Outside, merchant_id: int) -> int:
    """Move everybody on as far as it goes now, mails and codes included; gives how many moves were made."""
    moved = 0
    while True:
        steps, _ = advance(services, merchant_id)
        with tenant(services.engine, merchant_id) as conn:
            going = campaigns.waiting(conn, services.now())
            mine = conn.scalars(text(_OF_STEPS), {"ids": going}).all()
        for run_id in mine:
            runs.advance(services, world, merchant_id, run_id)
        moved += steps
        if not steps:
            return moved


_OF_STEPS: Final = "SELECT id FROM campaign_run WHERE step IS NOT NULL AND id = ANY(:ids) ORDER BY id"


def advance(services: Services, merchant_id: int) -> tuple[int, set[int]]:
    """One round: what is settled goes on, then everybody who is due. Gives moves made, and runs to be woken."""
    now = services.now()
    with tenant(services.engine, merchant_id) as conn:
        if campaigns.frozen_store(conn):
            return 0, set()
        if known.any_due(conn):
            known.catch_up(conn, merchant_id=merchant_id, now=now)
        moved = series.end_all(conn, now) + series.wake_rested(conn, now)
        touched = set(series_runs.reopen(conn))
    moved += _settle(services, merchant_id, now)
    while True:
        with tenant(services.engine, merchant_id) as conn:
            groups = series.groups_due(conn, now)
        done = sum(_drain(services, merchant_id, group, now, touched) for group in groups)
        moved += done
        if not done:
            return moved, touched


def _settle(services: Services, merchant_id: int, now: datetime) -> int:
    """Those whose mail has left, or whose code is made, go on; the wait that follows counts from then."""
    moved = 0
    while True:
        with tenant(services.engine, merchant_id) as conn:
            rows = series.settled(conn, now=now, limit=BATCH)
            series.keep_result(conn, rows) if rows else None
            zone, groups = series.shop_zone(conn), defaultdict(list)
            for row in rows:
                groups[row.group].append(row)
            for group, those in groups.items():
                machine = series_of(series.definition(conn, group.campaign_id, group.version))
                to = machine.after(group.step)
                if to is None:
                    series.leave(conn, [row.place_id for row in those], "end", now)
                else:
                    moves = [(row.place_id, row.at, row.timezone) for row in those]
                    series.go(conn, machine, to, moves, zone=zone, now=now)
        moved += len(rows)
        if len(rows) < BATCH:
            return moved


def _drain(services: Services, merchant_id: int, group: Group, now: datetime, touched: set[int]) -> int:
    """Everybody who is due at one step, batch by batch."""
    moved = 0
    while True:
        with tenant(services.engine, merchant_id) as conn:
            ids = series.claim(conn, group, now=now, limit=BATCH)
            if ids:
                moved += _act(conn, merchant_id, group, ids, now, touched)
        if len(ids) < BATCH:
            return moved


def _act(conn: Connection, merchant_id: int, group: Group, ids: Sequence[int], now: datetime, touched: set[int]) -> int:
    """Look at a batch and do what is decided; those with the same verdict together."""
    campaign = series.definition(conn, group.campaign_id, group.version)
    machine, shop = series_of(campaign), rungs.shop(conn, merchant_id)
    step = machine.by_key[group.step]
    rule = step.rule if step.kind == "condition" else None
    topic, goal = campaign.audience.topic, machine.goal
    sights = series_seen.look(conn, ids, topic=topic, goal=goal, rule=rule, shop=shop, now=now)
    for verdict, those in _judged(machine, group.step, sights, now).items():
        if verdict.act is Act.LEAVE:
            series.leave(conn, [one.place_id for one in those], verdict.outcome, now)
        elif verdict.act is Act.REST:
            series.rest(conn, [one.place_id for one in those])
        else:
            going: Sequence[Sight] = those
            if verdict.act is Act.DO:
                going = series_acts.do(conn, group, campaign, those, now=now, touched=touched)
            else:
                series.log(conn, group, [one.place_id for one in those], verdict.note or "passed", now)
            _on(conn, machine, verdict, going, shop.zone.key, now)
    return len(sights)


def _judged(machine: Series, key: str, sights: Sequence[Sight], now: datetime) -> dict[Verdict, list[Sight]]:
    found: dict[Verdict, list[Sight]] = defaultdict(list)
    for one in sights:
        found[decide(machine, key, one.seen, due_at=one.due_at, now=now, again=one.again)].append(one)
    return found


def _on(conn: Connection, machine: Series, verdict: Verdict, those: Sequence[Sight], zone: str, now: datetime) -> None:
    if not those:
        return
    if verdict.to is None:
        series.leave(conn, [one.place_id for one in those], verdict.outcome, now)
        return
    rows = [(one.place_id, one.due_at, one.timezone) for one in those]
    series.go(conn, machine, verdict.to, rows, zone=zone, now=now)
