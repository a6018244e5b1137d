"""How many customers a rule holds, and some of them: quick enough to be asked with each change of a rule.

In a large shop a sample tells. What is too rare for it is counted, by the rows that can meet the rule: somebody
without a row beside the wide one (who never got a mail, say) often cannot, and then need not be looked at; where such
people meet it in any case, whoever does not meet it is counted instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Table,
    func,
    select,
    text,
    true,
    union_all,
)

from campaigns.ladder.meaning import meaning, where
from campaigns.ladder.rules import All, Any_, Leaf, Not, Rule, leaves
from plugin_server.db import figures
from plugin_server.db.ladder import known
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.models.customer import Customer

LARGE = 60_000
"""From so many customers on a sample is worth it."""
BLOCKS, BLOCK = 128, 100
"""A sample is so many blocks of so many neighbours by number, evenly apart: whoever came in on one day stands
together, and each table keeps the same people together."""
ENOUGH = 256
"""So many in the sample tell the number of all within an eighth, 19 times of 20; of fewer all are counted."""
SPARSE = 0.2
"""Where fewer of the numbers belong to the shop, a block would hold too few of its own."""
MANY = 0.02
"""Of so large a part some are soon found along the index by which everybody is ordered."""
FIGURE = "size"
"""The name under which a ``Size`` is kept ready."""


@dataclass(frozen=True, slots=True)
class Look:
    """How many customers a rule holds, of how many, and some of them.

    Not ``exact``: reckoned from a sample, within an eighth 19 times of 20.
    """

    count: int
    total: int
    sample: Sequence[Row[Any]]
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Size:
    """How many customers a shop has, and between which numbers they lie."""

    total: int
    first: int
    last: int
    blocks: int = BLOCKS
    block: int = BLOCK

    @property
    def large(self) -> bool:
        """Whether a sample is worth it."""
        return self.total >= LARGE and self.total >= SPARSE * (self.last - self.first + 1)

    def sampled(self, table: Table) -> FromClause:
        """The rows of a table that belong to the sample."""
        step = (self.last - self.first + 1) / self.blocks
        size = max(1, round(step * min(1.0, self.blocks * self.block / max(1, self.total))))
        starts = (self.first + int(step * (place + 0.5)) - size // 2 for place in range(self.blocks))
        # Numbers of ours, written out: bound, they would be hundreds of parameters.
        within = (f"{table.name}.customer_id BETWEEN {at} AND {at + size - 1}" for at in starts)
        return select(table).where(text(" OR ".join(within))).subquery(table.name)


def size(conn: Connection) -> Size:
    """The size of the shop at this moment."""
    return Size(*conn.execute(_SIZE).one())


_SIZE = text("SELECT count(*), coalesce(min(customer_id), 0), coalesce(max(customer_id), 0) FROM customer_facts")


@dataclass(frozen=True)
class Asked:
    """A rule to be counted, with what each table beside the wide row says of people who have no row there."""

    on: Shop
    rule: Rule
    local: datetime
    without: Mapping[Table, Mapping[Leaf, bool]]

    def missing(self, met: bool) -> set[Table]:
        """The tables without a row in which the rule is surely met, or surely not."""
        return {table for table, truths in self.without.items() if _settled(self.rule, truths) is met}

    def other(self, rule: Rule) -> Asked:
        """The same of another rule made of these conditions; tables that it does not ask are left out."""
        asked = known.beside(known.names_in(rule))
        return replace(self, rule=rule, without={t: truths for t, truths in self.without.items() if t in asked})

    def rows(self) -> FromClause:
        """Everybody who can meet the rule, with all it asks for."""
        return known.told_by(known.FACTS, self.without, self.missing(met=False)) if self.without else known.FACTS

    def sampled(self, of: Size) -> FromClause:
        """Everybody in a sample, with all it asks for."""
        return known.told_by(of.sampled(known.FACTS), [of.sampled(table) for table in self.without])

    def holds(self, rows: FromClause) -> ColumnElement[bool]:
        """The rule over these rows, for a WHERE or a FILTER."""
        return where(self.rule, known.columns(rows, self.on.exponent, self.local), self.local)

    def apart(self) -> list[Asked]:
        """Rules that share nobody and hold of the same people together: of alternatives those that ask other tables.

        Each is then read from the rows that can meet it; one question over all tables would join everybody.
        """
        if not isinstance(self.rule, Any_):
            return [self]
        alike: dict[frozenset[str], list[Rule]] = {}
        for child in self.rule.rules:
            alike.setdefault(frozenset(t.name for t in known.beside(known.names_in(child))), []).append(child)
        made: list[Asked] = []
        before: list[Rule] = []
        for some in sorted(alike.items(), key=lambda item: len(item[0])):
            part = Any_(rules=tuple(some[1]))
            made.append(self.other(All(rules=(part, *map(_not, before)))))
            before.append(part)
        return made


def _not(rule: Rule) -> Rule:
    return Not(rule=rule)


def look(conn: Connection, on: Shop, rule: Rule, now: datetime, *, sample: int = 8, exact: bool = False) -> Look:
    """Whom the rule holds now; in a large shop by a sample, unless ``exact`` is wanted or few meet it."""
    ready = figures.kept(conn, FIGURE, now)
    shop = Size(*ready.document) if ready and not exact else size(conn)
    asked = asked_of(conn, on, rule, now)
    guess = guessed(conn, asked, shop, sample) if shop.large and not exact else None
    if guess:
        return guess
    total = size(conn) if ready and ready.stale and not exact else shop
    return _counted(conn, asked, total.total, sample, few=not (shop.large and exact))


def asked_of(conn: Connection, on: Shop, rule: Rule, now: datetime) -> Asked:
    """The database itself says what a condition means of somebody without a row: there is one meaning."""
    local, mine = on.local(now), dict[Table, list[Leaf]]()
    for leaf in dict.fromkeys(leaves(rule)):
        for table in known.beside(known.names_in(leaf)):
            mine.setdefault(table, []).append(leaf)
    if not mine:
        return Asked(on, rule, local, {})
    told = known.columns(known.without(mine), on.exponent, local)
    row = conn.execute(select(*(meaning(leaf, told, local) for some in mine.values() for leaf in some))).one()
    truths = iter(row)
    return Asked(on, rule, local, {table: {leaf: next(truths) for leaf in some} for table, some in mine.items()})


def _settled(rule: Rule, truths: Mapping[Leaf, bool]) -> bool | None:
    """What the conditions of one table alone decide; None where others decide too."""
    if isinstance(rule, Not):
        below = _settled(rule.rule, truths)
        return None if below is None else not below
    if isinstance(rule, All | Any_):
        found, decides = {_settled(child, truths) for child in rule.rules}, isinstance(rule, Any_)
        return decides if decides in found else None if None in found else not decides
    return truths.get(rule)


def guessed(conn: Connection, asked: Asked, of: Size, sample: int) -> Look | None:
    """``look`` by a sample; None where it holds too few to tell."""
    rows = asked.sampled(of)
    held, seen = conn.execute(select(func.count().filter(asked.holds(rows)), func.count()).select_from(rows)).one()
    if held < ENOUGH:
        return None
    # A few to show need not be looked for among all that were counted.
    fewer = replace(of, block=max(1, round(of.block * ENOUGH / held)))
    # Read first and put in order then: along the index of the order everybody would be met, in the sample or not.
    met = _met(asked, asked.sampled(fewer)).cte("met").prefix_with("MATERIALIZED")
    some = conn.execute(_people(met, sample)).all() if sample else []
    return Look(_about(held / seen * of.total), of.total, some, exact=False)


def _about(number: float) -> int:
    """Two digits: more would pretend to know more."""
    return int(float(f"{number:.2g}"))


def _counted(conn: Connection, asked: Asked, total: int, sample: int, *, few: bool) -> Look:
    """Exactly; ``few`` says that it is probably few, so that they may be kept for a moment to show some."""
    if not few:
        turned = len(asked.missing(met=True)) > len(asked.missing(met=False))
        counted = asked.other(Not(rule=asked.rule)) if turned else asked
        rows = counted.rows()
        number = conn.execute(select(func.count()).select_from(rows).where(counted.holds(rows))).scalar_one()
        count = total - number if turned else number
        if count >= total * MANY or not sample:
            met = _met(asked, asked.rows()).subquery("met")
            return Look(count, total, conn.execute(_people(met, sample)).all() if sample else [])
    found = conn.execute(_with_some(asked.apart(), sample)).all()
    return Look(found[0].held, total, [row for row in found if row.id is not None])


_SHOWN = ("customer_id", "rung", "orders", "last_order_at")


def _with_some(parts: Sequence[Asked], sample: int) -> Select[Any]:
    """How many meet one of the rules, and some of them; everybody is looked at once."""
    met = union_all(*(_met(part, part.rows()) for part in parts)).cte("met")
    held = select(func.count().label("held")).select_from(met).subquery("counted")
    some = _people(met, sample).subquery("some")
    return select(held, some).select_from(held.outerjoin(some, true())).order_by(*_latest(some))


def _met(asked: Asked, rows: FromClause) -> Select[Any]:
    return select(*(rows.c[name] for name in _SHOWN)).where(asked.holds(rows))


def _people(met: FromClause, sample: int) -> Select[Any]:
    top = select(met).order_by(*_latest(met)).limit(sample).subquery("top")
    named = select(Customer.id, Customer.email, Customer.first_name, Customer.last_name, *(top.c[n] for n in _SHOWN))
    return named.join(top, top.c.customer_id == Customer.id).order_by(*_latest(top))


def _latest(rows: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Who ordered last comes first."""
    return rows.c.last_order_at.desc().nulls_last(), rows.c.customer_id
