"""The ladder as the home page shows it: rungs from the top down, and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from plugin_server.db.merchant import home
from plugin_server.db.merchant.home import Standing
from plugin_server.db.merchant.people import Person
from plugin_server.jobs import figures
from plugin_server.web.context import services
from plugin_server.web.ladder.rungs import RungName, names_of
from plugin_server.web.words import Words

BUYING_FROM = "shopper"
WORTH_ASKING = 10
"""Fewer people than this are better written to by hand."""


@dataclass(frozen=True, slots=True)
class RungRow:
    """One rung of the picture. ``share`` is of the fullest rung; ``moved`` the net change of the last 30 days.

    ``worth`` is the margin if everybody here climbed one rung; ``largest`` marks the step worth most.
    """

    rung: RungName
    standing: Standing
    share: float
    moved: int
    worth: dict[str, str] | None = None
    largest: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something worth doing next: a phrase, its figures, and the rungs a campaign for it would go to."""

    phrase: str
    n: int
    rungs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """All of the first screen. ``what_if`` is None as long as nobody bought, or a shop is being read.

    It is also None while it is added up for the first time in a large shop: then ``counting`` is true. ``pending``:
    not even the heads are counted yet, and the rungs are empty for that reason alone.
    ``buyers``: those who ever bought, by activity. ``made_at``: when the oldest of these figures was made.
    """

    rows: list[RungRow]
    total: int
    what_if: Any
    steps: list[Step]
    buyers: Counter[str]
    made_at: datetime | None
    counting: bool
    pending: bool = False


def read(connection: Connection, who: Person, words: Words, *, settled: bool) -> View:
    """Read the numbers of this moment."""
    rungs = names_of(connection, who.merchant_id, words.language)

    made = list[datetime]()

    def of(name: str, make: Callable[[], Any]) -> Any:
        if not settled:
            # While a shop is being read, people watch the rungs fill: nothing that was kept is shown then.
            return make()
        found = figures.soon(services(), connection, who.merchant_id, name)
        if found is None:
            return None
        made.append(found.made_at)
        return found.document

    heads = of("tally", lambda: home.tally(connection))
    moved = of("moved", lambda: home.movement(connection, services().now() - figures.MOVED_WITHIN))
    pending = heads is None or moved is None
    standings, moved = home.standings([] if pending else heads), moved or {}
    fullest = max((standing.count for standing in standings.values()), default=0) or 1
    total = sum(standing.count for standing in standings.values())
    what_if = of("what_if", lambda: None) if settled and total else None
    counting = bool(settled and total and what_if is None)
    worth = {step["rung"]: step["headline"]["extra_margin"] for step in what_if["per_rung"]} if what_if else {}
    most = max(worth, key=lambda key: Decimal(worth[key]["amount"]), default="")
    rows = [
        RungRow(rung, standing, standing.count / fullest, moved.get(rung.key, 0), worth.get(rung.key), rung.key == most)
        for rung in reversed(rungs)
        for standing in (standings.get(rung.key, Standing()),)
    ]
    steps = _steps(rows) if settled else []
    return View(rows, total, what_if, steps, _bought(rows), min(made, default=None), counting, pending)


def _bought(rows: list[RungRow]) -> Counter[str]:
    """By activity: everybody who ever bought; empty where nobody did."""
    found = sum((row.standing.activity for row in rows), Counter[str]())
    del found["none"]
    return found


def _steps(rows: list[RungRow]) -> list[Step]:
    """The largest groups that can be written to today, each with the plain reason why it is worth it."""
    found = []
    by_key = {row.rung.key: row for row in rows}
    buyers = (
        [row for row in rows if row.rung.number >= by_key[BUYING_FROM].rung.number] if BUYING_FROM in by_key else rows
    )
    first = by_key.get(BUYING_FROM)
    if first and first.standing.reachable >= WORTH_ASKING:
        found.append(Step("second", first.standing.reachable, (BUYING_FROM,)))
    regulars = tuple(row.rung.key for row in buyers if row.rung.key != BUYING_FROM)
    cooling = sum(row.standing.cooling for row in buyers if row.rung.key in regulars)
    if cooling >= WORTH_ASKING:
        found.append(Step("cooling", cooling, regulars))
    prospect = by_key.get("prospect")
    if prospect and prospect.standing.reachable >= WORTH_ASKING:
        found.append(Step("prospect", prospect.standing.reachable, ("prospect",)))
    return found[:3]
