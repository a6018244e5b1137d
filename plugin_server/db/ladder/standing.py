"""How many stand on each rung, at any date; and why one customer stands where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select, text

from campaigns.ladder.facts import CATALOGUE, FactType
from campaigns.ladder.ladders import Rung
from campaigns.ladder.meaning import meaning
from campaigns.ladder.next_step import open_until, ways
from campaigns.ladder.rules import All, Any_, Compare, Leaf, Not, Rule, as_json, children, leaves
from campaigns.ladder.sentences import Figure, leaf_sentence
from connectors.types import Money, minor_units
from plugin_server.db.customers import identity
from plugin_server.db.ladder import holding, known, rhythm, rungs
from plugin_server.db.ladder.rungs import Shop

ACTIVITIES = ("active", "cooling", "lapsed", "none")


def end_of(day: date, on: Shop, now: datetime) -> datetime:
    """The last moment of a day in the shop's zone, or ``now`` where that is still to come."""
    midnight = datetime.combine(day, time.min, tzinfo=on.zone) + timedelta(days=1)
    return min(midnight - timedelta(microseconds=1), now)


def counts(conn: Connection, *, merchant_id: int, as_of: date | None = None, now: datetime) -> dict[str, Any]:
    """Customers per rung and activity: as written, or recomputed from the facts as of the end of a day."""
    on = rungs.shop(conn, merchant_id)
    found = _written(conn) if as_of is None else _recomputed(conn, on, end_of(as_of, on, now))
    by_rung = dict.fromkeys(on.ladder.keys, 0)
    by_activity = dict.fromkeys(ACTIVITIES, 0)
    for rung, activity, count in found:
        by_rung[rung if rung in by_rung else on.ladder.keys[0]] += count
        by_activity[activity] += count
    total = sum(by_rung.values())
    return {
        "as_of": (as_of or on.local(now).date()).isoformat(),
        "ladder": on.ladder.name,
        "ladder_version": on.ladder.version,
        "customers": total,
        "rungs": [
            {
                "key": rung.key,
                "name": name_of(rung, on.locale),
                "count": by_rung[rung.key],
                "share": round(by_rung[rung.key] / total, 4) if total else 0.0,
            }
            for rung in on.ladder.rungs
        ],
        "activity": by_activity,
    }


def name_of(rung: Rung, locale: str) -> str:
    """What people call the rung in a language; English where it has no name there."""
    return rung.name(locale)


def _written(conn: Connection) -> Iterable[tuple[str, str, int]]:
    rows = conn.execute(text("SELECT rung, activity, count(*) FROM customer_facts GROUP BY rung, activity"))
    return [(row[0], row[1], row[2]) for row in rows]


def _recomputed(conn: Connection, on: Shop, at: datetime) -> Iterable[tuple[str, str, int]]:
    then = known.over_then(on.merchant_id, at, on.asked)
    place = rungs.place(rungs.holds(on, then, at)).label("place")
    activity = rhythm.activity(rhythm.as_of(conn, at), then, at).label("activity")
    rows = conn.execute(select(place, activity, func.count()).group_by(place, activity))
    return [(on.ladder.keys[row[0]], row[1], row[2]) for row in rows]


def explain(
    conn: Connection, *, merchant_id: int, email: str, now: datetime, as_of: date | None = None, lang: str | None = None
) -> dict[str, Any] | None:
    """Why this rung, leaf by leaf, and what is missing for the next; None where nobody has this address.

    Who has none is asked for by their number in a shop: ``external_id`` in the answer, whose ``email`` is None.
    An address that was merged away answers for the survivor, whom ``merged_into`` names.
    """
    on = rungs.shop(conn, merchant_id)
    found = identity.owner(conn, email) if "@" in email else identity.called(conn, email)
    if found is None:
        return None
    made = of_customer(conn, on, customer_id=found.id, now=now, as_of=as_of, lang=lang)
    asked = {"email": email.strip()} if "@" in email else {"email": None, "external_id": email.strip()}
    return None if made is None else {**asked, **found.as_json(), **made}


def of_customer(
    conn: Connection, on: Shop, *, customer_id: int, now: datetime, as_of: date | None = None, lang: str | None = None
) -> dict[str, Any] | None:
    """``explain`` by customer id, without the address; None where the customer was not known at that date."""
    at = now if as_of is None else end_of(as_of, on, now)
    row = _read(conn, on, customer_id, at, past=as_of is not None)
    if row is None:
        return None
    place, language = _standing(on, row, past=as_of is not None), lang or on.locale
    here = on.ladder.rungs[place]
    above = on.ladder.rungs[place + 1] if place + 1 < len(on.ladder.rungs) else None
    return {
        "rung": here.key,
        "since": _since(on, row, past=as_of is not None),
        "activity": row["activity"],
        **({} if as_of is not None else holding.of(conn, customer_id)),
        "because": [reason(on, leaf, row, language) for leaf in _leaves(here)],
        "next": above
        and {
            "rung": above.key,
            "missing": [reason(on, leaf, row, language) for leaf in _missing(above.rule, row)],
            **_how(above, row),
        },
    }


def _how(above: Rung, row: Mapping[str, Any]) -> dict[str, Any]:
    """``ways``: what to do, by the fewest steps first; ``by``: until when, where a window of the rule closes."""
    figures = {name.removeprefix("fact:"): value for name, value in row.items() if name.startswith("fact:")}
    until = open_until(above.rule, row["held"], figures)
    found = ways(above.rule, row["held"], figures)
    return {"ways": [[step.as_json() for step in way] for way in found], "by": until and until.isoformat()}


def _standing(on: Shop, row: Mapping[str, Any], *, past: bool) -> int:
    """The rung that is written, which a pin or a review to come may hold; for a past date what the rules say."""
    written = None if past else row["rung"]
    return on.ladder.index(written) if written in on.ladder.keys else int(row["place"])


def _leaves(rung: Rung) -> list[Leaf]:
    return list(dict.fromkeys(leaves(rung.rule))) if rung.rule is not None else []


def _read(conn: Connection, on: Shop, customer_id: int, at: datetime, *, past: bool) -> dict[str, Any] | None:
    """One row: the facts, and for each condition of the ladder whether it holds. The same SQL that places everybody."""
    table = known.over_then(on.merchant_id, at, on.asked, customer_ids=[customer_id]) if past else known.over(on.asked)
    told, conditions = known.columns(table, on.exponent, on.local(at)), _conditions(on)
    seen = rhythm.as_of(conn, at) if past else on.rhythm
    reached = rungs.evidence(on, table, at)
    query = select(
        rungs.place(rungs.holds(on, table, at)).label("place"),
        rhythm.activity(seen, table, at).label("activity"),
        *(date.label(f"since:{index}") for index, date in enumerate(reached)),
        *(column.label(f"fact:{name}") for name, column in told.items()),
        *(meaning(leaf, told, on.local(at)).label(f"holds:{n}") for n, leaf in enumerate(conditions)),
        *(() if past else (table.c.rung, table.c.rung_since)),
    ).where(table.c.customer_id == customer_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return {**row, "held": {leaf: row[f"holds:{n}"] for n, leaf in enumerate(conditions)}}


def _conditions(on: Shop) -> list[Leaf]:
    return list(dict.fromkeys(leaf for rung in on.ladder.rungs for leaf in _leaves(rung)))


def _since(on: Shop, row: Mapping[str, Any], *, past: bool) -> str:
    """The written date where the written rung is still true, else the date of the evidence."""
    place = _standing(on, row, past=past)
    written = None if past or row["rung"] != on.ladder.keys[place] else row["rung_since"]
    since: datetime = written or row[f"since:{place}"]
    return since.isoformat()


def holds(rule: Rule, held: Mapping[Leaf, bool]) -> bool:
    """Whether a rule holds, given whether each of its conditions does."""
    if isinstance(rule, All):
        return all(holds(child, held) for child in rule.rules)
    if isinstance(rule, Any_):
        return any(holds(child, held) for child in rule.rules)
    return not holds(rule.rule, held) if isinstance(rule, Not) else held[rule]


def _missing(rule: Rule | None, row: Mapping[str, Any]) -> list[Leaf]:
    """The conditions to change: those that fail; of alternatives all; under a ``not`` those that hold."""
    if rule is None or holds(rule, row["held"]):
        return []
    if isinstance(rule, Not):
        return [leaf for leaf in leaves(rule.rule) if row["held"][leaf]]
    if isinstance(rule, All | Any_):
        return list(dict.fromkeys(leaf for _, child in children(rule) for leaf in _missing(child, row)))
    return [rule]


def reason(on: Shop, leaf: Leaf, row: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """One condition with whether it holds and the figure it was held against (``fact:name`` and ``held`` of row)."""
    figure: Figure = row[f"fact:{leaf.fact}"]
    made = {
        "rule": as_json(leaf),
        "holds": row["held"][leaf],
        "fact": leaf.fact,
        "value": _json(on, leaf.fact, figure),
        "sentence": leaf_sentence(leaf, _plain(on, leaf.fact, figure), lang),
    }
    if isinstance(leaf, Compare) and leaf.op == ">=" and CATALOGUE[leaf.fact].type is FactType.WHOLE:
        made["short_by"] = max(0, int(leaf.value) - int(figure or 0))  # type: ignore[arg-type]
    return made


def _plain(on: Shop, fact: str, figure: Figure) -> Figure:
    """Times as the shop's clock shows them, money without needless zeros."""
    if isinstance(figure, datetime):
        return on.local(figure)
    if isinstance(figure, Decimal) and CATALOGUE[fact].type is FactType.MONEY:
        return Money(minor_units(figure, on.currency), on.currency).amount
    return figure


def _json(on: Shop, fact: str, figure: Figure) -> Any:
    if isinstance(figure, date):
        return figure.isoformat()
    if isinstance(figure, Decimal):
        money = CATALOGUE[fact].type is FactType.MONEY
        return Money(minor_units(figure, on.currency), on.currency).as_json() if money else str(figure)
    return figure
