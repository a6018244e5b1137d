"""A customer's points as their page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from campaigns.points.program import Reward
from plugin_server.db.points import programme as points
from plugin_server.db.points import rewards
from plugin_server.db.points.orders import in_force
from plugin_server.db.points.programme import Balance


@dataclass(frozen=True, slots=True)
class Held:
    """What the page shows: the balance, all rewards, and codes still being made; ``seen`` is the newest claim."""

    has: Balance
    rewards: tuple[Reward, ...]
    making: list[dict[str, Any]]
    currency: str
    seen: int = 0

    def missing(self, reward: Reward) -> int:
        """Points that are missing for a reward."""
        return max(reward.points - self.has.available, 0)


def held(conn: Connection, customer_id: int, now: datetime) -> Held | None:
    """A customer's points; None in a shop without a programme."""
    force = in_force(conn)
    if force is None:
        return None
    claims = rewards.of_customer(conn, customer_id)
    making = [one for one in claims if one["state"] == "planned"]
    has, seen = points.balance(conn, customer_id, now), max((one["id"] for one in claims), default=0)
    return Held(has, force.program.rewards, making, force.currency, seen)
