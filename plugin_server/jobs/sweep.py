"""Frees whatever got stuck: every state that work can die in is looked at here, again and again."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from redis import RedisError
from sqlalchemy import Connection, text

from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import conversations
from plugin_server.db.ingest import room
from plugin_server.db.offers import code_watch, withdrawn
from plugin_server.db.offers import credits as intents
from plugin_server.db.sending import doubts, fences, messages
from plugin_server.db.sending import outcome as ledger_outcome
from plugin_server.db.sending.doubts import OpenAttempt
from plugin_server.db.session import merchant_ids, system, tenant
from plugin_server.jobs import climb
from plugin_server.jobs.campaigning import run
from plugin_server.jobs.giving import code_watch as watch_job
from plugin_server.jobs.giving import credits, rewards
from plugin_server.jobs.outside import Outside, outside
from plugin_server.jobs.queues import wake
from plugin_server.jobs.reading import ingest, parting, reconcile
from plugin_server.jobs.sending import doubts as log_of_provider
from plugin_server.jobs.sending import events, replies
from plugin_server.jobs.sending import fences as fence_jobs
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
PREPARING: Final = timedelta(seconds=15)
"""Longer than any rendering takes: whoever prepared this is dead, and nothing has left the house."""
SENDING: Final = timedelta(seconds=40)
"""Longer than a provider is waited for: whoever was sending this is dead, or has lost its answer."""
LOOK_AGAIN: Final = 300
"""Seconds between two looks into the provider's log."""
PATIENCE: Final = timedelta(minutes=60)
"""How long reports may take to end a doubt."""


def sweep(services: Services) -> int:
    """Free stuck attempts and wake everything that waits, for all merchants; gives how many attempts were freed."""
    freed = 0
    for merchant_id in merchant_ids(services.engine):
        freed += settle_attempts(services, outside(services, merchant_id), merchant_id)
        _wake(services, merchant_id)
    _sweep_rooms(services)
    return freed


def _sweep_rooms(services: Services) -> None:
    """Drop what broken-off imports left, and read anew what follows from the orders they may have written."""
    with system(services.engine) as conn:
        left = room.sweep(conn)
    for merchant_id in sorted(left.intersection(merchant_ids(services.engine))):
        climb.recomputed(services, merchant_id)


def settle_attempts(services: Services, world: Outside, merchant_id: int) -> int:
    """Release what was only prepared, doubt what was being sent, and end doubts as far as that can be done."""
    now, moved = services.now(), 0
    with tenant(services.engine, merchant_id) as conn:
        for attempt in doubts.open_attempts(conn):
            moved += _settle(conn, world, attempt, now)
    return moved


def _settle(conn: Connection, world: Outside, attempt: OpenAttempt, now: datetime) -> int:
    age = now - attempt.since
    if attempt.state == "prepared":
        if age < PREPARING:
            return 0
        return ledger_outcome.release(conn, attempt.id, now=now, reason="its worker was lost before sending")
    if attempt.state == "sending":
        if age >= SENDING:
            doubts.doubt(conn, attempt.id, "in doubt: its worker was lost while sending")
        return int(age >= SENDING)
    return _end_doubt(conn, world, attempt, age, now)


def _end_doubt(conn: Connection, world: Outside, attempt: OpenAttempt, age: timedelta, now: datetime) -> int:
    if not attempt.message_ids:
        doubts.close_attempt(conn, attempt.id, state="accepted", detail="settled by reports", now=now)
        return 0
    if world.repeatable and attempt.backend == world.backend and age >= SENDING:
        # Handing the same message over again leaves one mail, so that repeating is certain to be right.
        reason = "its worker was lost while sending; goes again, which leaves one mail here"
        doubts.close_attempt(conn, attempt.id, state="not_sent", detail=reason, now=now)
        return doubts.again(conn, attempt.id, attempt.message_ids, reason=reason)
    if age < PATIENCE:
        return 0
    if campaigns.run(conn, attempt.run_id).campaign.guards.in_doubt == "resend":
        reason = "nothing was heard for 60 minutes; sent again, as the campaign asks"
        doubts.close_attempt(conn, attempt.id, state="not_sent", detail=reason, now=now)
        return doubts.again(conn, attempt.id, attempt.message_ids, reason=reason)
    reason = "in doubt: the provider never confirmed it within 60 minutes, so it is not sent again"
    doubts.close_attempt(conn, attempt.id, state="not_sent", detail=reason, now=now)
    return doubts.give_up(conn, attempt.id, reason=reason, now=now)


def _wake(services: Services, merchant_id: int) -> None:
    now = services.now()
    with tenant(services.engine, merchant_id) as conn:
        messages.skip_stopped(conn, now)
        waiting = campaigns.waiting(conn, now)
        doubtful = any(log_of_provider.old_enough(attempt, now) for attempt in doubts.open_attempts(conn))
        held = bool(fences.to_call_back(conn, now))
        answers = conversations.stuck(conn, now)
        providers = set(conn.scalars(_INBOX, {"now": now}))
        claimed = conn.scalar(_CLAIMED)
        owed = intents.waiting(conn, now)
        leaked = code_watch.waiting(conn) or withdrawn.waiting(conn)
    try:
        for run_id in waiting:
            wake(services.redis, run.advance_run, merchant_id, run_id)
        if doubtful and services.redis.set(f"asked:doubts:{merchant_id}", 1, nx=True, ex=LOOK_AGAIN):
            wake(services.redis, log_of_provider.ask_log, merchant_id)
        if held:
            wake(services.redis, fence_jobs.call_back, merchant_id, on="urgent")
        for message_id in answers:
            wake(services.redis, replies.send_answer, merchant_id, message_id, on="urgent")
        if wiring.MAIL_REPORTS in providers:
            wake(services.redis, events.drain_mail_events, merchant_id, on="urgent")
        if wiring.MAIL_REPLIES in providers:
            wake(services.redis, replies.drain_replies, merchant_id, on="urgent")
        if providers - {wiring.MAIL_REPORTS, wiring.MAIL_REPLIES}:
            wake(services.redis, ingest.drain, merchant_id, on="urgent")
        if claimed:
            wake(services.redis, rewards.make_rewards, merchant_id)
        if owed:
            wake(services.redis, credits.give_credits, merchant_id)
        if leaked:
            wake(services.redis, watch_job.watch_codes, merchant_id)
        reconcile.resume(services, merchant_id)
        parting.resume(services, merchant_id)
    except RedisError as error:
        log.warning("the queue is away (%s); asked again at the next sweep", error)


_INBOX: Final = text(
    "SELECT DISTINCT provider FROM inbound_event WHERE state = 'received' "
    "AND (not_before IS NULL OR not_before <= :now)"
)
_CLAIMED: Final = text(
    "SELECT EXISTS (SELECT FROM reward_claim c JOIN store s ON s.id = c.store_id AND s.state = 'connected' "
    "WHERE c.state = 'planned')"
)
