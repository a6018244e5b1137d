"""How many customers a rule holds, and some of them: at once, however large the shop, and exactly a moment later.

In a large shop a sample tells what can be told while somebody edits: between which two numbers the answer lies. It is
drawn by chance once and read by number, so that its cost depends neither on the shop nor on how rare the answer is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Table,
    bindparam,
    func,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.ladder.meaning import where
from campaigns.ladder.rules import Rule
from campaigns.proof import wilson
from plugin_server.db import effort, figures
from plugin_server.db.effort import TooLong
from plugin_server.db.ladder import known
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.models.customer import Customer

LARGE: Final = 60_000
"""From so many customers on a sample answers first."""
DRAWN: Final = 5_000
"""So many customers are in it: of a rule that half of all meet it tells the share within 1.4 points."""
FIGURE: Final = "size"
"""The name under which a ``Size`` is kept ready."""
GLANCE_MS, EXACT_MS = 150, 8_000
"""The longest that a glance and an exact count may take."""
LOCK: Final = 7_410_029
"""Advisory lock (with the person's id): whoever edits quickly has one exact count under way, and not ten."""


@dataclass(frozen=True, slots=True)
class Look:
    """How many of all customers a rule holds, and some of them.

    Where a sample told it, the number lies from ``low`` to ``high`` 19 times of 20; else both are the ``count``.
    """

    count: int
    total: int
    sample: Sequence[Row[Any]]
    low: int
    high: int

    @property
    def exact(self) -> bool:
        """Whether everybody was counted."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Size:
    """How many customers a shop has; in a large one the numbers of those drawn, ``DRAWN`` by chance."""

    total: int
    drawn: Sequence[int]


def size(conn: Connection, *, large: int = LARGE, drawn: int = DRAWN) -> Size:
    """The size of the shop at this moment; from ``large`` on with so many ``drawn``.

    Who is drawn follows from the number of each, so that the same people tell about this edit and the next, and their
    rows stay in memory.
    """
    total = conn.execute(select(func.count()).select_from(known.FACTS)).scalar_one()
    return Size(total, conn.scalars(_DRAW, {"number": drawn}).all() if total >= large else [])


_DRAW = text(
    "SELECT customer_id FROM (SELECT customer_id FROM customer_facts ORDER BY hashint8extended(customer_id, 1), "
    "customer_id LIMIT :number) AS drawn ORDER BY customer_id"
)


def look(conn: Connection, on: Shop, rule: Rule, now: datetime, *, sample: int = 8) -> Look:
    """Whom the rule holds now, exactly."""
    rows = known.over(known.names_in(rule))
    held, total, people = _read(conn, _question(on, rule, now, rows, known.FACTS, sample))
    return Look(held, total, people, held, held)


def count(conn: Connection, on: Shop, rule: Rule, now: datetime, *, by: int, sample: int = 8) -> Look | None:
    """``look`` for a person (``by``) who waits: None while another count of theirs is under way.

    Raises ``TooLong`` where it would take more than ``EXACT_MS``.
    """
    if not conn.scalar(text("SELECT pg_try_advisory_xact_lock(:key, :by)"), {"key": LOCK, "by": by}):
        return None
    with effort.bounded(conn, EXACT_MS), effort.whole_shop(conn):
        return look(conn, on, rule, now, sample=sample)


def glance(conn: Connection, on: Shop, rule: Rule, now: datetime, *, sample: int = 8) -> Look | None:
    """What can be said of a rule at once: exactly, or in a large shop by the sample that is kept ready.

    None where none is kept yet, or where even that would take more than ``GLANCE_MS``.
    """
    ready = figures.kept(conn, FIGURE, now)
    shop = Size(*ready.document) if ready else None
    if shop is None:
        return look(conn, on, rule, now, sample=sample) if figures.is_small(conn) else None
    return sampled(conn, on, rule, now, shop, sample) if shop.drawn else look(conn, on, rule, now, sample=sample)


def sampled(conn: Connection, on: Shop, rule: Rule, now: datetime, shop: Size, sample: int) -> Look | None:
    """``glance`` by those who were drawn; whoever of them is gone since is not counted among them."""
    ids = bindparam("drawn", list(shop.drawn), ARRAY(BigInteger))
    base = _drawn(known.FACTS, ids)
    rows = known.told_by(base, [_drawn(table, ids) for table in known.beside(known.names_in(rule))])
    try:
        # Each table is gone into by number: read from front to back, its size would count again.
        with effort.bounded(conn, GLANCE_MS, enable_seqscan="off"):
            held, seen, people = _read(conn, _question(on, rule, now, rows, base, sample))
    except TooLong:
        return None
    least, most = (share * shop.total for share in wilson(held, seen))
    low, high = _rounded(least, floor), min(shop.total, _rounded(most, ceil))
    about = _rounded(held / max(1, seen) * shop.total, round)
    return Look(min(max(low, about), high), shop.total, people, low, high)


def _drawn(table: Table, ids: BindParameter[Any]) -> FromClause:
    return select(table).where(table.c.customer_id == func.any(ids)).subquery(table.name)


def _rounded(number: float, way: Callable[[float], int]) -> int:
    """Two digits, rounded by ``way``: more would pretend to know more."""
    if number < 1:
        return way(number)
    unit = int(10 ** max(0, floor(log10(number)) - 1))
    return way(number / unit) * unit


_SHOWN = ("customer_id", "rung", "orders", "last_order_at")


def _question(on: Shop, rule: Rule, now: datetime, rows: FromClause, everybody: FromClause, sample: int) -> Select[Any]:
    """How many of these rows meet the rule, of how many, and some of them; every row is looked at once."""
    local = on.local(now)
    holds = where(rule, known.columns(rows, on.exponent, local), local)
    met = select(*(rows.c[name] for name in _SHOWN)).where(holds).cte("met").prefix_with("MATERIALIZED")
    held = select(func.count().label("held")).select_from(met).subquery("counted")
    total = select(func.count().label("total")).select_from(everybody).subquery("whole")
    some = _people(met, sample).subquery("some")
    asked = select(held, total, some).select_from(held.join(total, true()).outerjoin(some, true()))
    return asked.order_by(*_latest(some))


def _read(conn: Connection, question: Select[Any]) -> tuple[int, int, list[Row[Any]]]:
    found = conn.execute(question).all()
    return found[0].held, found[0].total, [row for row in found if row.id is not None]


def _people(met: FromClause, sample: int) -> Select[Any]:
    top = select(met).order_by(*_latest(met)).limit(sample).subquery("top")
    named = select(Customer.id, Customer.email, Customer.first_name, Customer.last_name, *(top.c[n] for n in _SHOWN))
    return named.join(top, top.c.customer_id == Customer.id)


def _latest(rows: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Who ordered last comes first."""
    return rows.c.last_order_at.desc().nulls_last(), rows.c.customer_id
