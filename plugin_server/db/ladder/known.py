"""All facts of the catalogue over rows of customers: the wide row, what stands beside it, what is reckoned.

Only what is asked for is joined: a rule over orders and spend reads the wide row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    Integer,
    Numeric,
    Select,
    Table,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.ladder.facts import CATALOGUE, FactType
from campaigns.ladder.rules import Rule, leaves
from plugin_server.db.ladder import contact, facts, habits, outlook
from plugin_server.db.models.facts import CustomerFacts
from plugin_server.db.models.ladder import RungReview

FACTS: Table = CustomerFacts.__table__  # type: ignore[assignment]
GROUPS: dict[str, ModuleType] = {"habits": habits, "contact": contact}
"""What stands beside the wide row."""

LOCK = 7_410_011
"""Advisory lock (with the merchant's id) of those who read habits and contact anew."""


def names_in(*rules: Rule | None) -> set[str]:
    """All facts that these rules ask for, with those from which others are reckoned."""
    asked = {leaf.fact for rule in rules if rule is not None for leaf in leaves(rule)}
    return asked | {base for name in asked & RECKONED.keys() for base in RECKONED[name].bases}


def groups_of(names: Iterable[str]) -> list[str]:
    """Which groups beside the wide row hold these facts."""
    kept = {CATALOGUE[name].kept for name in names}
    return [group for group in GROUPS if group in kept]


def over(names: Collection[str], base: FromClause = FACTS) -> FromClause:
    """Rows of all customers as they are written (or those of ``base``), with the columns that these facts need."""
    tables = beside(names)
    return told_by(base, tables) if tables else base


def beside(names: Iterable[str]) -> list[Table]:
    """The tables beside the wide row that hold these facts."""
    asked = list(names)
    tables: list[Table] = [GROUPS[group].TABLE for group in groups_of(asked)]
    if any(CATALOGUE[name].kept == "outlook" for name in asked):
        tables.append(outlook.TABLE)
    if "falls_on" in asked:
        tables.append(RungReview.__table__)  # type: ignore[arg-type]
    return tables


def told_by(base: FromClause, tables: Collection[FromClause]) -> FromClause:
    """Rows of ``base`` with what ``tables`` tell of them."""
    return _joined(base, [(table, table.c.keys()) for table in tables]).subquery("facts")


def over_then(
    merchant_id: int, at: datetime, names: Collection[str], *, customer_ids: Sequence[int] | None = None
) -> FromClause:
    """The same as of ``at``: of everybody known by then, or of some customers."""
    some = customer_ids is not None
    base = (
        facts.of_customers(merchant_id, at, customer_ids) if customer_ids is not None else facts.as_of(merchant_id, at)
    ).subquery("then")
    groups = groups_of(names)
    if not groups:
        return base
    parts = []
    for group in groups:
        module = GROUPS[group]
        made = text(module.query(some=some, then=True)).bindparams(
            bindparam("merchant_id", merchant_id, BigInteger), bindparam("at", at, DateTime(timezone=True), unique=True)
        )
        if customer_ids is not None:
            made = made.bindparams(_ids(customer_ids))
        table = made.columns(*module.TABLE.c).subquery(f"then_{group}")
        parts.append((table, table.c.keys()))
    return _joined(base, parts).subquery("facts")


def _joined(base: FromClause, parts: Sequence[tuple[FromClause, Sequence[str]]]) -> Select[Any]:
    joined = base
    for table, _ in parts:
        joined = joined.join(table, table.c.customer_id == base.c.customer_id, isouter=True)
    told = [_known(table.c[key], key).label(key) for table, keys in parts for key in keys if _fact_in(key)]
    return select(*base.c, *told).select_from(joined)


def _fact_in(column: str) -> str:
    """The fact that a column holds; empty for none. Money stands in minor units."""
    name = column.removesuffix("_minor")
    return name if name in CATALOGUE else ""


def _known(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Somebody without a row beside has bought nothing of it: 0 and the empty set, not "unknown"."""
    kind = CATALOGUE[_fact_in(name)].type
    if kind is FactType.WHOLE:
        return func.coalesce(column, 0)
    return func.coalesce(column, cast([], column.type)) if kind is FactType.WORDS else column


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A fact worked out from others: which, and how, given them and the shop's local moment."""

    bases: tuple[str, ...]
    made: Callable[[dict[str, ColumnElement[Any]], datetime], ColumnElement[Any]]


def _today(now: datetime) -> ColumnElement[Any]:
    return literal(now.date())


def _day(moment: ColumnElement[Any], now: datetime) -> ColumnElement[Any]:
    return func.date(func.timezone(str(now.tzinfo), moment))


def _share(part: ColumnElement[Any], whole: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.round(100 * cast(part, Numeric) / func.nullif(whole, 0), 3, type_=Numeric())


def _birthday(known: dict[str, ColumnElement[Any]], now: datetime) -> ColumnElement[Any]:
    """Days until the next one. Whoever was born on 29 February has it on the 28th in other years."""
    born, today = known["birthday"], now.date()

    def of(year: int) -> ColumnElement[Any]:
        months = 12 * (year - cast(func.extract("year", born), Integer))
        return func.date(born + func.make_interval(0, months))

    soon = of(today.year)
    return cast(
        func.least(*(func.nullif(func.greatest(day - literal(today), -1), -1) for day in (soon, of(today.year + 1)))),
        Integer,
    )


RECKONED: dict[str, Reckoned] = {
    "days_since_order": Reckoned(
        ("last_order_at",), lambda known, now: cast(_today(now) - _day(known["last_order_at"], now), Integer)
    ),
    "recency_percent": Reckoned(
        ("last_order_at", "gap_mean_days"),
        lambda known, now: _share(_today(now) - _day(known["last_order_at"], now), known["gap_mean_days"]),
    ),
    "discount_percent": Reckoned(
        ("discount_orders", "orders"), lambda known, _: _share(known["discount_orders"], known["orders"])
    ),
    "refund_percent": Reckoned(
        ("refunded", "spend"), lambda known, _: _share(known["refunded"], known["refunded"] + known["spend"])
    ),
    "birthday_in_days": Reckoned(("birthday",), _birthday),
    "supply_days_left": Reckoned(
        ("supply_ends_on",), lambda known, now: cast(known["supply_ends_on"] - _today(now), Integer)
    ),
}


def columns(rows: FromClause, exponent: int, now: datetime) -> dict[str, ColumnElement[Any]]:
    """Fact name → SQL over these rows, for all facts that they can tell; money in major units.

    ``now`` in the shop's zone. ``exponent``: decimal places of the merchant's currency.
    """
    made: dict[str, ColumnElement[Any]] = {}
    for name in CATALOGUE:
        if f"{name}_minor" in rows.c:
            made[name] = cast(rows.c[f"{name}_minor"], Numeric) / literal(10**exponent, Integer)
        elif name in rows.c:
            made[name] = rows.c[name]
    for name, reckoned in RECKONED.items():
        if all(base in made for base in reckoned.bases):
            made[name] = reckoned.made(made, now)
    return made


def note_due(conn: Connection, *, merchant_id: int, customer_ids: Sequence[int] | None) -> bool:
    """Remember whose habits and contact are to be read anew (None: everybody's).

    Gives whether the merchant has a ladder of its own, which may ask for them right now.
    """
    ids = [0] if customer_ids is None else list(customer_ids)
    return bool(conn.scalar(_NOTE, {"m": merchant_id, "ids": ids}))


_NOTE = text(
    "WITH noted AS (INSERT INTO facts_due (merchant_id, customer_id) "
    "SELECT :m, id FROM unnest(CAST(:ids AS bigint[])) AS id) "
    "SELECT EXISTS (SELECT FROM ladder_version)"
)


def catch_up(conn: Connection, *, merchant_id: int, now: datetime) -> int:
    """Read anew what is due; gives how many rows were written or removed.

    The forecast of whoever is due follows too; that of a whole shop is made at night.
    """
    _take_turn(conn, merchant_id)
    due = set(conn.scalars(text("DELETE FROM facts_due RETURNING customer_id")))
    if not due:
        return 0
    customer_ids = None if 0 in due else sorted(due)
    done = refresh(conn, merchant_id=merchant_id, customer_ids=customer_ids)
    if customer_ids is not None:
        done += outlook.follow(conn, customer_ids=customer_ids, now=now)
    return done


def any_due(conn: Connection) -> bool:
    """Whether somebody's habits or contact wait to be read anew."""
    return bool(conn.scalar(text("SELECT EXISTS (SELECT FROM facts_due)")))


def refresh(
    conn: Connection, *, merchant_id: int, customer_ids: Sequence[int] | None, groups: Iterable[str] = tuple(GROUPS)
) -> int:
    """Recompute these groups of these customers (None: all); writes only what differs, and says how many rows."""
    _take_turn(conn, merchant_id)
    return sum(_refresh(conn, merchant_id, customer_ids, GROUPS[group]) for group in groups)


def _take_turn(conn: Connection, merchant_id: int) -> None:
    conn.execute(text("SELECT pg_advisory_xact_lock(:key, :merchant)"), {"key": LOCK, "merchant": merchant_id})


def _refresh(conn: Connection, merchant_id: int, customer_ids: Sequence[int] | None, module: ModuleType) -> int:
    table, some = module.TABLE, customer_ids is not None
    names = [column.name for column in table.c if column.name not in ("merchant_id", "customer_id")]
    own, new = (", ".join(f"{of}.{name}" for name in names) for of in ("k", "excluded"))
    statement = text(
        f"""
        WITH computed AS MATERIALIZED (
            SELECT q.* FROM ({module.query(some=some, then=False)}) AS q
            JOIN customer c ON c.id = q.customer_id AND c.merged_into IS NULL
        ), gone AS (
            DELETE FROM {table.name} k
            WHERE k.merchant_id = :merchant_id {"AND k.customer_id = ANY(:ids)" if some else ""}
                AND NOT EXISTS (SELECT FROM computed n WHERE n.customer_id = k.customer_id) RETURNING 1
        ), written AS (
            INSERT INTO {table.name} AS k (merchant_id, customer_id, {", ".join(names)})
            SELECT merchant_id, customer_id, {", ".join(names)} FROM computed
            ON CONFLICT (customer_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in names)}
                WHERE ({own}) IS DISTINCT FROM ({new})
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)"""
    )
    if customer_ids is not None:
        statement = statement.bindparams(_ids(customer_ids))
    return int(conn.execute(statement, {"merchant_id": merchant_id}).scalar_one())


def _ids(values: Sequence[Any]) -> BindParameter[Any]:
    return bindparam("ids", list(values), ARRAY(BigInteger))
