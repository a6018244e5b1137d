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
    """What the page shows: the balance, all rewards, and codes still being made."""

    has: Balance
    rewards: tuple[Reward, ...]
    making: list[dict[str, Any]]
    currency: str

    def missing(self, reward: Reward) -> int:
        """Points that are missing for a reward."""
        return max(reward.points - self.has.available, 0)


def held(conn: Connection, customer_id: int, now: datetime) -> Held | None:
    """A customer's points; None in a shop without a programme."""
    force = in_force(conn)
    if force is None:
        return None
    making = [one for one in rewards.of_customer(conn, customer_id) if one["state"] == "planned"]
    return Held(points.balance(conn, customer_id, now), force.program.rewards, making, force.currency)
