"""Reading the messages of a run that wait to be sent, request by request, with all that decides whether they may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from plugin_server.db.sending.doubts import FLYING


@dataclass(slots=True)
class Place:
    """How far one sender of a run has read: of which language and variant, and after which message.

    Whatever was claimed leaves the index of waiting messages only when the database cleans up; without a place, each
    request would read past all earlier ones again.
    """

    language: str | None = None
    variant: str = ""
    after: int = 0


def read_on(conn: Connection, given: dict[str, Any], place: Place, *, earlier_step: bool) -> Sequence[Row[Any]]:
    """The next messages of one language and variant, locked; from the place on, and where it ends from the beginning.

    ``given`` are the parameters of the statement below; ``earlier_step``: people bring along the code of an earlier
    step instead of having one of this run. ``conn`` is one of ``session.lookups``: in another a plan made for other
    figures may read all of the run's messages to take the first few, with every request.
    """
    due = text(_DUE.format(codes=_OF_EARLIER_STEP if earlier_step else _OF_THIS_RUN))
    if place.language:
        rows = _read(conn, due, given, place)
        if rows:
            return rows
    first = conn.execute(text(_FIRST), given).one_or_none()
    place.language, place.variant, place.after = (first.language, first.variant, 0) if first else (None, "", 0)
    return _read(conn, due, given, place) if first else []


def _read(conn: Connection, due: Any, given: dict[str, Any], place: Place) -> Sequence[Row[Any]]:
    here = {"language": place.language, "variant": place.variant, "after": place.after}
    rows = conn.execute(due, given | here).all()
    place.after = rows[-1].id if rows else place.after
    return rows


_FIRST: Final = """SELECT language, variant FROM message WHERE (run_id, id) > (:run, 0) AND run_id <= :run
    AND state = 'planned' AND (not_before IS NULL OR not_before <= :now) ORDER BY run_id, id LIMIT 1"""
"""A run is a stretch of run and id, in that order: only the index of waiting messages has it, and is entered at its
place. By a run alone the database might go through all messages there ever were by their id."""
_OF_THIS_RUN: Final = "c.run_id = :run AND c.customer_id = due.customer_id"
_OF_EARLIER_STEP: Final = "c.id = m.offer_code_id"
_DUE: Final = f"""
WITH due AS MATERIALIZED (
    SELECT id, customer_id, language, variant FROM message
    WHERE (run_id, id) > (:run, :after) AND run_id <= :run
      AND state = 'planned' AND (not_before IS NULL OR not_before <= :now)
      AND language = :language AND variant = :variant
    ORDER BY run_id, id LIMIT :limit FOR UPDATE SKIP LOCKED
)
SELECT due.id, due.customer_id, due.language, due.variant, p.email, p.email_norm, p.first_name, p.last_name,
       p.timezone, p.erased_at IS NOT NULL AS erased, p.merged_into IS NOT NULL AS merged, m.rung, m.store_id,
       CASE WHEN o.state = 'issued' THEN o.code END AS code, o.expires_at,
       o.id IS NOT NULL AS has_offer, o.terms ->> 'url' AS offer_url, o.value AS offer_value,
       o.terms ->> 'way' AS offer_way,
       coalesce(consent.state, 'unknown') AS consent, s.reason AS suppressed, lately.taken, lately.ahead,
       talk.id IS NOT NULL AS talking,
       p.member_number, p.country, coalesce(earned.points, 0) AS points, basket.way_back
FROM due
JOIN LATERAL (SELECT * FROM customer c WHERE c.id BETWEEN due.customer_id AND due.customer_id
    ORDER BY c.id LIMIT 1) p ON true
JOIN LATERAL (
    SELECT rung, store_id, offer_code_id FROM audience_member a
    WHERE a.run_id = :run AND a.customer_id = due.customer_id
    UNION ALL
    SELECT a.rung, a.store_id, a.offer_code_id
    FROM (SELECT id FROM customer c WHERE c.merged_into BETWEEN due.customer_id AND due.customer_id
          ORDER BY c.merged_into) l
    JOIN audience_member a ON a.run_id = :run AND a.customer_id = l.id
    LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT * FROM offer_code c WHERE {{codes}} AND c.state IN ('issued', 'promised', 'kept')
    ORDER BY c.generation DESC LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT t.id FROM conversation t WHERE t.customer_id BETWEEN due.customer_id AND due.customer_id
    AND t.state = 'open' ORDER BY t.customer_id LIMIT 1) talk ON true
LEFT JOIN LATERAL (SELECT reason FROM suppression s WHERE s.email_norm = p.email_norm LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT state FROM consent c WHERE c.customer_id = due.customer_id AND c.channel = 'email'
    AND c.topic = :topic ORDER BY c.occurred_at DESC, c.id DESC LIMIT 1) consent ON true
LEFT JOIN LATERAL (
    SELECT array_agg(coalesce(a.accepted_at, a.claimed_at) ORDER BY coalesce(a.accepted_at, a.claimed_at) DESC)
               FILTER (WHERE a.state <> 'planned') AS taken,
           count(*) FILTER (WHERE a.state = 'planned') AS ahead
    FROM (SELECT * FROM message o WHERE o.customer_id BETWEEN due.customer_id AND due.customer_id
          ORDER BY o.customer_id, o.id DESC) a
    WHERE a.id <> due.id AND :cap > 0
      AND (a.accepted_at > :since OR (a.state IN {FLYING} AND a.claimed_at > :since)
           OR (a.state = 'planned' AND a.priority > :priority
               AND EXISTS (SELECT FROM campaign_run r WHERE r.id = a.run_id AND r.state = 'sending')))
) lately ON true
LEFT JOIN LATERAL (SELECT sum(CASE WHEN e.points > 0 THEN e.open_points ELSE -e.open_points END)::bigint AS points
    FROM (SELECT * FROM point_entry o WHERE o.customer_id BETWEEN due.customer_id AND due.customer_id
          ORDER BY o.customer_id, o.id) e
    WHERE :points AND e.open_points > 0
      AND (e.points < 0 OR (e.available_at <= :now AND (e.expires_at IS NULL OR e.expires_at > :now)))) earned ON true
LEFT JOIN LATERAL (SELECT b.way_back FROM (SELECT * FROM shop_order o
          WHERE o.customer_id BETWEEN due.customer_id AND due.customer_id ORDER BY o.customer_id) b
    WHERE :cart AND b.way_back IS NOT NULL AND b.way_back_until > :now
      AND NOT b.paid AND b.status IN ('draft', 'pending') AND lower(btrim(b.email)) = p.email_norm
      AND NOT EXISTS (SELECT FROM shop_order l WHERE l.customer_id = b.customer_id AND l.counts
          AND l.placed_at > b.placed_at)
    ORDER BY b.placed_at DESC, b.id DESC LIMIT 1) basket ON true
ORDER BY due.id
"""
"""Each join looks up what is one person's, in an order that only the index by person has: BETWEEN one value keeps the
order from being taken for nothing. By an index of all rows of a merchant, or of every run, it would be sought among all
of them where statistics take those for few.

Whoever was merged into another since the audience was frozen stands in it under the name they had then. The way back to
a basket is for whoever left it, at the address they left it with, and for nobody else.
"""
