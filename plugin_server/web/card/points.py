"""The customer's points and rewards on their own page: taken in two taps, by a form, without a script."""

from __future__ import annotations

from flask import Blueprint, flash, request
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant import audit_log
from plugin_server.db.points import rewards
from plugin_server.db.points.rewards import RewardRefused
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.rewards import make_rewards
from plugin_server.jobs.queues import nudge
from plugin_server.web.card.held_points import held
from plugin_server.web.card.visit import Visit, own
from plugin_server.web.context import services, words

pages = Blueprint("customer_points", __name__)


@pages.get("/c/<token>/rewards/<key>")
@own
def ask(who: Visit, key: str) -> ResponseReturnValue:
    """Say what will happen; the button does it."""
    with tenant(services().engine, who.merchant_id) as conn:
        has = held(conn, who.customer_id, services().now())
    reward = next((one for one in has.rewards if one.key == key), None) if has else None
    return who.page("card_reward.html", held=has, reward=reward) if reward else who.back()


@pages.post("/c/<token>/rewards/<key>")
@own
def take(who: Visit, key: str) -> ResponseReturnValue:
    """Take the reward once for each time it was asked about; its code is made at once, and stands on the page."""
    merchant = who.merchant_id
    try:
        with tenant(services().engine, merchant) as conn:
            if not rewards.claimed_since(conn, who.customer_id, key, _seen()):
                claim = rewards.claim(
                    conn, merchant_id=merchant, customer_id=who.customer_id, key=key,
                    secret=services().settings.keys[0], now=services().now(),
                )  # fmt: skip
                audit_log.record(conn, merchant, actor="customer", action="reward_claimed", subject=f"claim {claim}")
        nudge(services().redis, make_rewards, merchant)
        flash(words()("card.reward_taken"), "good")
    except RewardRefused as error:
        flash(words().why(str(error), {"key": error.reason.key, **error.reason.figures}), "bad")
    return who.back()


def _seen() -> int:
    """The newest claim that the page knew of; without a word of it, all that there can be."""
    said = request.form.get("seen", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 2**62
