"""Puts customers on their rungs, as a set: one statement for one customer, a thousand, or all.

The rung is the highest whose rule holds. Each move is dated by its evidence and kept with its reason; a customer who
climbs several rungs at once gets them all, each with its own date. Placed for the first time, or when evidence turns
out older than we knew, a customer gets the whole path anew. Falls are dated by the day the rule lapsed, else by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    DateTime,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.ladder import ladders
from campaigns.ladder.sentences import sentence
from plugin_server.db.ladder import holding, known, rhythm, rungs
from plugin_server.db.ladder.history import history, movement
from plugin_server.db.ladder.holding import Holding
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.ladder.standing import counts, explain, of_customer
from plugin_server.db.ladder.whatif import simulate
from plugin_server.db.models.facts import CustomerFacts
from plugin_server.db.models.ladder import RungChange

__all__ = ["climb", "counts", "explain", "history", "movement", "of_customer", "simulate"]

FACTS: Table = CustomerFacts.__table__  # type: ignore[assignment]
CHANGES: Table = RungChange.__table__  # type: ignore[assignment]

_MOMENT = DateTime(timezone=True)
_NO_LONGER = {"en": "no longer: {rule}", "id": "tidak lagi: {rule}", "nl": "niet langer: {rule}"}
_MOVE = ("merchant_id", "customer_id", "from_rung", "to_rung", "changed_at", "recorded_at", "reason", "ladder_version")


def climb(
    conn: Connection,
    *,
    merchant_id: int,
    customer_ids: Sequence[int] | None,
    now: datetime,
    at_once: bool = False,
) -> int:
    """Place these customers (None: all); gives how many rows changed in rung or activity.

    ``at_once`` lets everybody fall without waiting for a review: for a new ladder, which a person has previewed.

    Call after ``facts.refresh`` in the same transaction: the merchant's lock is held from there.
    """
    if customer_ids is not None and not customer_ids:
        return 0
    on = rungs.shop(conn, merchant_id)
    rows, hold = known.over(on.asked), _holding(conn, on, now, at_once=at_once)
    kept = _kept(on, _judged(on, _seen(on, rows, customer_ids, now, hold)), now)
    gone = delete(CHANGES).where(CHANGES.c.customer_id.in_(select(kept.c.customer_id).where(kept.c.anew)))
    moved = insert(CHANGES).from_select(_MOVE, _moves(on, kept, now))
    written = (
        update(FACTS)
        .where(FACTS.c.customer_id == kept.c.customer_id)
        .values(rung=kept.c.to_rung, rung_since=kept.c.since, activity=kept.c.activity)
    )
    changed = conn.execute(written.add_cte(gone.cte("gone"), moved.cte("moved"))).rowcount
    if at_once:
        conn.execute(delete(holding.REVIEWS))
    if hold.review is not None:
        by_rule = rungs.place(rungs.holds(on, rows, now))
        holding.note_reviews(
            conn, hold, merchant_id=merchant_id, facts=rows, by_rule=by_rule, customer_ids=customer_ids
        )
    return changed


def _holding(conn: Connection, on: Shop, now: datetime, *, at_once: bool) -> Holding:
    review = None if at_once else on.ladder.review
    return holding.holding(conn, review=review, keys=on.ladder.keys, local=on.local(now))


def place_first(conn: Connection, *, merchant_id: int, computed: Table, now: datetime) -> int:
    """Write the facts that were ``computed``, of customers who have none yet, together with their rungs.

    Whoever had facts once (before a merge that was undone, say) gets the whole path anew.
    """
    on = rungs.shop(conn, merchant_id)
    hold = _holding(conn, on, now, at_once=False)
    kept = _kept(on, _judged(on, _seen(on, known.over(on.asked, computed), None, now, hold)), now)
    moved = insert(CHANGES).from_select(_MOVE, _moves(on, kept, now))
    placed = {
        "rung": kept.c.to_rung,
        "rung_since": kept.c.since,
        "activity": kept.c.activity,
        "updated_at": literal(now, _MOMENT),
    }
    rows = select(*(placed.get(name, column).label(name) for name, column in computed.c.items())).join_from(
        computed, kept, computed.c.customer_id == kept.c.customer_id
    )
    written = insert(FACTS).from_select(computed.c.keys(), rows)
    gone = delete(CHANGES).where(CHANGES.c.customer_id.in_(select(kept.c.customer_id)))
    # Of an INSERT the count of rows is kept only when it is asked for.
    kept_count = written.add_cte(gone.cte("gone"), moved.cte("moved")).execution_options(preserve_rowcount=True)
    return conn.execute(kept_count).rowcount


def _seen(on: Shop, facts: FromClause, customer_ids: Sequence[int] | None, now: datetime, hold: Holding) -> CTE:
    """Whose rung or activity differs from what is written: where they stood, where they stand, and each rung's date."""
    held, reached = rungs.holds(on, facts, now), rungs.evidence(on, facts, now)
    activity = rhythm.activity(on.rhythm, facts, now)
    old = case(_places(on), value=facts.c.rung)
    new = hold.place(rungs.place(held), old)
    dates = [
        case((hold.held(index, holds), hold.since(index, date)))
        for index, (holds, date) in enumerate(zip(held, reached, strict=True))
    ]
    lapse = null() if hold.review else _lapse(on, facts, now)
    seen = select(
        facts.c.customer_id,
        facts.c.rung,
        facts.c.rung_since,
        old.label("old"),
        new.label("new"),
        activity.label("activity"),
        lapse.label("lapse"),
        cast(hold.reason, Text).label("pinned"),
        *(date.label(f"e{index}") for index, date in enumerate(dates)),
    ).where(
        or_(facts.c.rung.is_distinct_from(_key(on, new)), facts.c.activity.is_distinct_from(activity)),
    )
    seen = seen.select_from(hold.joined(facts))
    if customer_ids is not None:
        seen = seen.where(facts.c.customer_id == func.any(cast(list(customer_ids), ARRAY(BigInteger))))
    return seen.cte("seen").prefix_with("MATERIALIZED")


def _places(on: Shop) -> dict[Any, Any]:
    return {key: index for index, key in enumerate(on.ladder.keys)}


def _key(on: Shop, place: ColumnElement[int]) -> ColumnElement[str]:
    return case(dict(enumerate(on.ladder.keys)), value=place)


def _lapse(on: Shop, facts: FromClause, now: datetime) -> ColumnElement[Any]:
    """When the rule of the rung somebody stands on ran out by itself, if it did since they came there."""
    times = rungs.moments(facts, on.zone)
    ends: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = []
    for rung in on.ladder.rungs:
        for leaf in ladders.lapses(rung.rule) if rung.rule is not None else ():
            end = times[leaf.fact] + timedelta(days=leaf.days)
            since_then = and_(facts.c.rung == rung.key, end > facts.c.rung_since, end <= literal(now, _MOMENT))
            ends.append((since_then, end))
    return case(*ends) if ends else null()


def _judged(on: Shop, seen: CTE) -> CTE:
    """Which way each goes: ``anew`` from the ground, ``onwards`` from there, or neither (a fall, a return)."""
    dates = {index: seen.c[f"e{index}"] for index in range(len(on.ladder.rungs))}
    reached = case(dates, value=seen.c.new)
    rises = seen.c.new > seen.c.old
    # A limited scalar and no EXISTS: it is asked of few, and must not be answered by hashing the whole log.
    stood_there = (
        select(literal(True))
        .where(CHANGES.c.customer_id == seen.c.customer_id, CHANGES.c.to_rung == _key(on, seen.c.new))
        .limit(1)
        .scalar_subquery()
    )
    anew = case(
        (seen.c.old.is_(None), True), (and_(rises, reached < seen.c.rung_since), stood_there.is_(None)), else_=False
    )
    onwards = func.coalesce(and_(rises, reached >= seen.c.rung_since), False)
    judged = select(seen, reached.label("reached"), anew.label("anew"), onwards.label("onwards"))
    return judged.cte("judged").prefix_with("MATERIALIZED")


def _kept(on: Shop, judged: CTE, now: datetime) -> CTE:
    """Per customer what to write: the dates ``k0 …`` of the steps up, or one ``single`` move; and the new standing."""
    row, moment = judged.c, literal(now, _MOMENT)
    steps = [
        case(
            (
                and_(row.new >= index, or_(row.anew, and_(row.onwards, row.old < index, date >= row.rung_since))),
                date,
            )
        )
        for index, date in ((index, row[f"e{index}"]) for index in range(len(on.ladder.rungs)))
    ]
    since = case(
        (or_(row.anew, row.onwards), row.reached),
        (row.new > row.old, moment),
        (row.new < row.old, func.coalesce(cast(row.lapse, _MOMENT), moment)),
        else_=row.rung_since,
    )
    kept = select(
        *(row[name] for name in ("customer_id", "rung", "old", "new", "activity", "anew", "pinned")),
        _key(on, row.new).label("to_rung"),
        and_(row.new != row.old, not_(row.anew), not_(row.onwards)).label("single"),
        since.label("since"),
        *(_step(steps, index).label(f"k{index}") for index in range(len(steps))),
    )
    return kept.cte("kept").prefix_with("MATERIALIZED")


def _step(steps: Sequence[ColumnElement[Any]], index: int) -> ColumnElement[Any]:
    """The date of a step up; none where a higher rung was reached at the same moment or before."""
    above = steps[index + 1 :]
    if not above:
        return steps[index]
    first = func.least(*above) if len(above) > 1 else above[0]
    return case((or_(first.is_(None), steps[index] < first), steps[index]))


def _moves(on: Shop, kept: CTE, now: datetime) -> CompoundSelect[Any]:
    """Rows for the log: the steps up, rung by rung, then the falls and returns."""
    keys, start = on.ladder.keys, case((kept.c.anew, null()), else_=kept.c.rung)

    def move(
        origin: ColumnElement[Any], target: ColumnElement[Any], date: ColumnElement[Any], reason: ColumnElement[Any]
    ) -> Select[Any]:
        return select(
            literal(on.merchant_id, BigInteger),
            kept.c.customer_id,
            cast(origin, Text),
            target,
            date,
            literal(now, _MOMENT),
            reason,
            literal(on.ladder.version, Integer),
        )

    moves: list[Select[Any]] = []
    for index, rung in enumerate(on.ladder.rungs):
        step = kept.c[f"k{index}"]
        below = [(kept.c[f"k{lower}"].is_not(None), literal(keys[lower])) for lower in range(index - 1, -1, -1)]
        origin = case(*below, else_=start) if below else start
        rule = literal(sentence(rung.rule, on.locale))
        reason = case((kept.c.new == index, func.coalesce(kept.c.pinned, rule)), else_=rule)
        moves.append(move(origin, literal(rung.key), step, reason).where(step.is_not(None)))
    fallen = _reasons(on, kept.c.rung, fallen=True)
    why = func.coalesce(
        kept.c.pinned, case((kept.c.new > kept.c.old, _reasons(on, kept.c.to_rung)), else_=fallen), type_=Text()
    )
    moves.append(move(kept.c.rung, kept.c.to_rung, kept.c.since, why).where(kept.c.single))
    return union_all(*moves)


def _reasons(on: Shop, key: ColumnElement[Any], *, fallen: bool = False) -> ColumnElement[str]:
    """The rule's sentence of the rung named by ``key``, in the merchant's language."""
    frame = _NO_LONGER[on.locale] if fallen else "{rule}"
    return case(
        {rung.key: frame.format(rule=sentence(rung.rule, on.locale)) for rung in on.ladder.rungs}, value=key, else_=""
    )
