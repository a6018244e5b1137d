"""The customer's points and rewards on their own page: taken in two taps, by a form, without a script."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant import audit_log
from plugin_server.db.points import rewards
from plugin_server.db.points.rewards import RewardRefused
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.rewards import make_rewards
from plugin_server.jobs.queues import wake
from plugin_server.web.card.card import of_link, read_link, stranger
from plugin_server.web.card.held_points import held
from plugin_server.web.context import page, services, words

pages = Blueprint("customer_points", __name__)


@pages.get("/c/<token>/rewards/<key>")
def ask(token: str, key: str) -> ResponseReturnValue:
    """Say what will happen; the button does it."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    with tenant(services().engine, link.merchant_id) as conn:
        mine_now = held(conn, mine.customer.id, services().now())
    reward = next((one for one in mine_now.rewards if one.key == key), None) if mine_now else None
    if mine_now is None or reward is None:
        return redirect(url_for("customer_card.show", token=token))
    return page("card_reward.html", card=mine, token=token, held=mine_now, reward=reward)


@pages.post("/c/<token>/rewards/<key>")
def take(token: str, key: str) -> ResponseReturnValue:
    """Take the reward; its code is made at once, and stands on the page."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    try:
        with tenant(services().engine, link.merchant_id) as conn:
            claim = rewards.claim(
                conn, merchant_id=link.merchant_id, customer_id=mine.customer.id, key=key,
                secret=services().settings.keys[0], now=services().now(),
            )  # fmt: skip
            audit_log.record(
                conn, link.merchant_id, actor="customer", action="reward_claimed", subject=f"claim {claim}"
            )
        wake(services().redis, make_rewards, link.merchant_id, on="urgent")
        flash(words()("card.reward_taken"), "good")
    except RewardRefused as error:
        flash(words().why(str(error), {"key": error.reason.key, **error.reason.figures}), "bad")
    return redirect(url_for("customer_card.show", token=token))
