"""People who leave an address: under a sign-up form, a friend's link or a team's page. Each visitor only so many."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, request
from redis.exceptions import RedisError
from sqlalchemy import Connection

from plugin_server.db.customers import signups
from plugin_server.db.merchant.merchants import checked_email
from plugin_server.jobs import climb
from plugin_server.web.context import services, words

PER_VISITOR = 20
WITHIN = 900
LONGEST_NAME = 200


def typed() -> str:
    """The address as it stands in the form."""
    return request.form.get("email", "").strip()


def left() -> str:
    """The address in the form. Raises ``BadMerchant`` for what is none; 429 for who leaves more than one person has."""
    checked_email(typed())
    if _too_often():
        abort(429)
    return typed()


def sign_up(
    conn: Connection, merchant_id: int, shop: str, wanted: set[str], *, now: datetime, double: bool | None = None
) -> tuple[int, bool]:
    """Write down who left their address, and to which words. Gives the customer, and whether the mailbox must confirm.

    ``double`` says whether it has to, whatever the merchant asks for.
    """
    told: dict[str, Any] = {"email": typed(), "name": request.form.get("name", "")[:LONGEST_NAME]}
    evidence = f"{request.base_url}: {words()('join.agree', shop=shop)}"
    person, asks = signups.take(
        conn, merchant_id, **told, language=words().language, wanted=wanted, evidence=evidence, now=now, double=double
    )
    climb.touched(conn, merchant_id=merchant_id, customer_ids=[person], now=now)
    return person, asks


def _too_often() -> bool:
    redis, key = services().redis, f"join:{request.remote_addr}"
    try:
        count = redis.incr(key)
        redis.expire(key, WITHIN, nx=True)
    except RedisError:
        abort(503)
    return bool(count > PER_VISITOR)
