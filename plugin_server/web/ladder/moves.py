"""The moves worth most: what the audit found, each with its money and the recipe to make it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.jobs.audit import wake_audit
from plugin_server.web.ladder.view import View
from plugin_server.wiring import Services

RECIPES: Final = {
    "second_order": "second_order",
    "cooling": "win_back",
    "win_back": "win_back",
    "first_order": "first_order",
    "best_forgotten": "anniversary",
}
"""By what is to be done: the recipe to begin with."""
STEPS: Final = {"second": "second_order", "cooling": "win_back", "prospect": "first_order"}


@dataclass(frozen=True, slots=True)
class Move:
    """Something worth doing next. ``figures`` are those of the audit; None where only heads were counted."""

    phrase: str
    n: int
    recipe: str
    figures: dict[str, Any] | None = None


def best(services: Services, connection: Connection, merchant_id: int, view: View) -> list[Move]:
    """The three moves worth most in money, as the audit was last made; before the first audit, by heads."""
    found = audit_rollup.kept(connection, "all")
    if found is None or found.stale_since is not None:
        wake_audit(services, merchant_id, "all")
    actions = found.document["next_actions"] if found and found.document["orders"] else []
    if actions:
        return [Move(f"figures.action_{one['action']}", one["people"], RECIPES[one["action"]], one) for one in actions]
    return [Move(f"step.{step.phrase}", step.n, STEPS[step.phrase]) for step in view.steps]
