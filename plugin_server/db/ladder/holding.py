"""What keeps somebody on a rung against the rules: a pin by hand, or a review that is still to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from campaigns.ladder.ladders import Review
from plugin_server.db.models.ladder import RungPin, RungReview

PINS: Table = RungPin.__table__  # type: ignore[assignment]
REVIEWS: Table = RungReview.__table__  # type: ignore[assignment]


class BadPin(ValueError):
    """A pin that cannot be set or taken out; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What applies in a shop now. Most have neither pins nor reviews, and pay for neither."""

    pins: bool
    review: Review | None
    keys: tuple[str, ...]
    today: date

    def joined(self, facts: FromClause) -> FromClause:
        """The facts with pins and reviews beside them, as far as the shop has any."""
        made = facts
        if self.pins:
            made = made.outerjoin(PINS, PINS.c.customer_id == facts.c.customer_id)
        if self.review:
            made = made.outerjoin(REVIEWS, REVIEWS.c.customer_id == facts.c.customer_id)
        return made

    def place(self, by_rule: ColumnElement[int], old: ColumnElement[Any]) -> ColumnElement[int]:
        """Where somebody stands whose rules say ``by_rule`` and who stood on ``old`` (null: nowhere yet)."""
        made = by_rule
        if self.review:
            keeps = case((REVIEWS.c.falls_on <= literal(self.today), old - 1), else_=old)
            made = case((by_rule < old, keeps), else_=by_rule)
        return case((self.pinned.is_not(None), self.pinned), else_=made) if self.pins else made

    @property
    def pinned(self) -> ColumnElement[Any]:
        """The place somebody is pinned to; null for everybody else, and for rungs that are no more."""
        if not self.pins:
            return null()
        return case({key: index for index, key in enumerate(self.keys)}, value=PINS.c.rung)

    def held(self, index: int, holds: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether somebody stands on this rung at least by rule or pin."""
        return or_(holds, func.coalesce(self.pinned == index, False)) if self.pins else holds

    def since(self, index: int, reached: ColumnElement[Any]) -> ColumnElement[Any]:
        """When this rung was reached: for the one somebody is pinned to, when that was done."""
        return case((self.pinned == index, PINS.c.pinned_at), else_=reached) if self.pins else reached

    @property
    def reason(self) -> ColumnElement[Any]:
        """Why somebody is pinned; null for everybody else."""
        return PINS.c.reason if self.pins else null()


def holding(conn: Connection, *, review: Review | None, keys: tuple[str, ...], local: datetime) -> Holding:
    """What applies now; ``local`` is now in the shop's zone."""
    return Holding(bool(conn.scalar(text("SELECT EXISTS (SELECT FROM rung_pin)"))), review, keys, local.date())


def note_reviews(
    conn: Connection,
    on: Holding,
    *,
    merchant_id: int,
    facts: FromClause,
    by_rule: ColumnElement[int],
    customer_ids: Sequence[int] | None,
) -> None:
    """Write down who waits for a review, once everybody is placed; whoever meets the rule again waits no more.

    Nothing to do for a ladder without reviews.
    """
    some = cast(list(customer_ids), ARRAY(BigInteger)) if customer_ids is not None else None

    def among(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return literal(True) if some is None else column == func.any(some)

    if on.review is None:
        return
    place = case({key: index for index, key in enumerate(on.keys)}, value=facts.c.rung)
    waits = and_(by_rule < place, on.pinned.is_(None), among(facts.c.customer_id))
    rows = select(
        literal(merchant_id), facts.c.customer_id, literal(on.today), literal(on.review.due(on.today))
    ).select_from(on.joined(facts))
    waiting = insert(REVIEWS).from_select(["merchant_id", "customer_id", "lapsed_on", "falls_on"], rows.where(waits))
    # Whoever just lost a rung and ought to lose another one waits for the next review day.
    again = waiting.on_conflict_do_update(
        index_elements=[REVIEWS.c.customer_id],
        set_={"falls_on": on.review.after(on.today)},
        where=REVIEWS.c.falls_on <= on.today,
    )
    conn.execute(again)
    still = select(facts.c.customer_id).select_from(on.joined(facts)).where(waits)
    conn.execute(delete(REVIEWS).where(among(_id(REVIEWS)), REVIEWS.c.customer_id.not_in(still)))


def _id(table: Table) -> Column[Any]:
    return table.c.customer_id


def pin(
    conn: Connection,
    *,
    merchant_id: int,
    customer_id: int,
    rung: str,
    keys: Sequence[str],
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Put a customer on a rung by hand, against the rules. Raises ``BadPin``. Climb afterwards."""
    if rung not in keys:
        raise BadPin(f"rung: there is no rung {rung!r}. There are: {', '.join(keys)}.")
    if not reason.strip():
        raise BadPin("reason: say why, so that the next person understands it.")
    row = {"rung": rung, "reason": reason.strip()[:500], "pinned_at": now, "pinned_by": by}
    statement = insert(PINS).values(merchant_id=merchant_id, customer_id=customer_id, **row)
    conn.execute(statement.on_conflict_do_update(index_elements=[PINS.c.customer_id], set_=row))


def unpin(conn: Connection, *, customer_id: int) -> None:
    """Let the rules decide again. Raises ``BadPin`` where nobody pinned this customer. Climb afterwards."""
    if not conn.execute(delete(PINS).where(PINS.c.customer_id == customer_id)).rowcount:
        raise BadPin("This customer is not pinned.")


def of(conn: Connection, customer_id: int) -> dict[str, Any]:
    """What holds one customer: ``pinned`` (rung, reason, by, at) and ``falls_on``; None where it does not apply."""
    pinned = conn.execute(select(PINS).where(PINS.c.customer_id == customer_id)).one_or_none()
    falls_on = conn.scalar(select(REVIEWS.c.falls_on).where(REVIEWS.c.customer_id == customer_id))
    return {
        "pinned": pinned
        and {"rung": pinned.rung, "reason": pinned.reason, "by": pinned.pinned_by, "at": pinned.pinned_at.isoformat()},
        "falls_on": falls_on.isoformat() if falls_on else None,
    }
