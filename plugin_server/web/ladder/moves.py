"""The moves worth most: what the audit found, each with its money and the recipe to make it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection

from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.db.campaigning import agenda
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
WHOM: Final[dict[str, dict[str, Any]]] = {
    "second_order": {"kind": "all", "rules": [
        {"kind": "cmp", "fact": "orders", "op": "=", "value": 1},
        {"kind": "not", "rule": {"kind": "cmp", "fact": "activity", "op": "=", "value": "lapsed"}}]},
    "cooling": {"kind": "all", "rules": [
        {"kind": "cmp", "fact": "order_days", "op": ">=", "value": 2},
        {"kind": "cmp", "fact": "activity", "op": "=", "value": "cooling"}]},
    "win_back": {"kind": "all", "rules": [
        {"kind": "cmp", "fact": "order_days", "op": ">=", "value": 2},
        {"kind": "cmp", "fact": "activity", "op": "=", "value": "lapsed"}]},
    "first_order": {"kind": "cmp", "fact": "orders", "op": "=", "value": 0},
}  # fmt: skip
"""The people the audit counts, as a rule: a mail to them now meets those it spoke of. The best tenth is no rule."""
RESTS: Final = timedelta(days=30)
"""How long a move rests after a campaign went to its people: the orders it brings need their time."""
STEPS: Final = {"second": "second_order", "cooling": "cooling", "prospect": "first_order"}


@dataclass(frozen=True, slots=True)
class Move:
    """Something worth doing next. ``figures`` are those of the audit; None where only heads were counted.

    ``whom`` names the people of ``WHOM``; it is empty where no rule finds them. ``launched`` is the campaign that went
    to them lately.
    """

    phrase: str
    n: int
    recipe: str
    whom: str
    figures: dict[str, Any] | None = None
    launched: agenda.Entry | None = None


def best(services: Services, connection: Connection, merchant_id: int, view: View) -> list[Move]:
    """The three moves worth most in money, as the audit was last made; before the first audit, by heads.

    Those that somebody made within ``RESTS`` come last.
    """
    found = audit_rollup.kept(connection, "all")
    if found is None or found.stale_since is not None:
        wake_audit(services, merchant_id, "all")
    actions = found.document["next_actions"] if found and found.document["orders"] else []
    if actions:
        moves = [_move(f"figures.action_{one['action']}", one["people"], one["action"], one) for one in actions]
    else:
        moves = [_move(f"step.{step.phrase}", step.n, STEPS[step.phrase]) for step in view.steps]
    launched = agenda.launched_to(connection, WHOM, services.now() - RESTS)
    made = [replace(move, launched=launched.get(move.whom)) for move in moves]
    return sorted(made, key=lambda move: move.launched is not None)


def wanted(connection: Connection) -> tuple[str, ...]:
    """The recipes of the moves worth most, the best first, as the audit was last made; none before the first audit."""
    found = audit_rollup.kept(connection, "all")
    return tuple(RECIPES[one["action"]] for one in found.document["next_actions"]) if found else ()


def _move(phrase: str, n: int, action: str, figures: dict[str, Any] | None = None) -> Move:
    return Move(phrase, n, RECIPES[action], action if action in WHOM else "", figures)


def to_these(document: Mapping[str, Any], whom: str) -> dict[str, Any]:
    """A recipe as one mail, sent by hand, to the people of a move instead of as its own moment comes for each."""
    return {**document, "trigger": {"kind": "once"}, "audience": {"rungs": "all", "rule": WHOM[whom]}}
