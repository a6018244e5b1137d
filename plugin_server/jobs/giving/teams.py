"""What becomes of teams as time goes by: unlocked, lapsed, reminded, paid and told, each once."""

from __future__ import annotations

from plugin_server import wiring
from plugin_server.db.friends import team_seats
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.giving.rewards import made
from plugin_server.jobs.letters.team import send_letters
from plugin_server.jobs.outside import Outside, outside
from plugin_server.jobs.queues import awake, wake
from plugin_server.jobs.reading.ingest import Connect
from plugin_server.wiring import Services


def tick(services: Services) -> None:
    """Wake a worker for every merchant about whose teams something is to be done."""
    for merchant_id in merchant_ids(services.engine):
        with tenant(services.engine, merchant_id) as conn:
            waits = team_seats.anything(conn, services.now())
        if waits:
            wake(services.redis, advance_teams, merchant_id, hold=120)


def advance_teams(merchant_id: int) -> None:
    """Job: ``advance``, with the shops asked for the codes."""
    services = wiring.services()
    awake(services.redis, advance_teams, merchant_id)
    advance(services, outside(services, merchant_id), merchant_id, wiring.connector)


def advance(services: Services, world: Outside, merchant_id: int, connect: Connect) -> dict[str, int]:
    """Settle teams, plan codes that are owed, have the shops make them, and send letters; gives how many of each.

    Every part looks at what is there, so that it can be taken again after any crash.
    """
    with tenant(services.engine, merchant_id) as conn:
        settled = team_seats.lapse_alone(conn, services.now())
    settled += _settle(services, merchant_id)
    with tenant(services.engine, merchant_id) as conn:
        team_seats.pay(conn, merchant_id, secret=services.settings.keys[0], now=services.now())
    codes = made(services, merchant_id, connect)
    return {"settled": settled, "codes": codes, "letters": send_letters(services, world, merchant_id)}


def _settle(services: Services, merchant_id: int) -> int:
    """Each team in a transaction of its own: what one stumbles over does not undo the others."""
    count = 0
    while True:
        with tenant(services.engine, merchant_id) as conn:
            waiting = team_seats.due_teams(conn, services.now())
        done = 0
        for team_id in waiting:
            with tenant(services.engine, merchant_id) as conn:
                secret, now = services.settings.keys[0], services.now()
                done += team_seats.settle(conn, merchant_id, team_id, secret=secret, now=now) is not None
        count += done
        if not done:
            return count
