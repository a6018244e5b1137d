"""Team deals and the teams that begin under them. A team's whole price is set aside in the deal's budget at once."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, text

from campaigns.offers.margin import judge, liability
from campaigns.offers.offer import Offer, offer_of
from campaigns.offers.team import Gift, Team, TeamRefused, TeamTerms
from campaigns.referral import mailbox
from connectors.types import minor_units
from plugin_server.db.merchant import audit_log
from plugin_server.db.offers import codes as offers


@dataclass(frozen=True, slots=True)
class Found:
    """A team with its deal: ``now`` is how it stands, ``terms`` what it gives."""

    id: int
    deal_id: int
    deal: str
    founder_id: int
    founder: str
    promised_minor: int
    extensions: int
    terms: TeamTerms
    now: Team


def save_deal(
    conn: Connection,
    merchant_id: int,
    *,
    name: str,
    terms: TeamTerms,
    by: str,
    now: datetime,
    key: str = "",
    ends_on: date | None = None,
    campaign_id: int | None = None,
    judged: bool = False,
) -> int:
    """Open a deal; gives its id. ``ends_on``: the last day (shop's zone) of all its teams. Raises ``TeamRefused``.

    ``judged``: a campaign, whose own guards have looked at the margin, hands the teams out within its own budget.
    """
    shop = conn.execute(text("SELECT timezone, currency FROM merchant")).one()
    ends_at = datetime.combine(ends_on, time(23, 59, 59), ZoneInfo(shop.timezone)) if ends_on else None
    if ends_at and ends_at <= now:
        raise TeamRefused("The last day is in the past; choose a later one.")
    usual = offers.trade(conn, now)
    verdict = judge(_offer(terms.gift), shop.currency, usual)
    if not verdict.ok and not judged:
        said = verdict.sentence.split("lose money.")[0]
        raise TeamRefused(f"{said}lose money. Give less, or raise the minimum.")
    basis = usual.average_shipping_minor if terms.gift.kind == "free_shipping" else usual.average_order_minor
    each = liability(_offer(terms.gift), shop.currency, basis)
    comfort = liability(_offer(terms.consolation), shop.currency, basis) if terms.consolation else 0
    limit = minor_units(terms.budget, shop.currency) if terms.budget is not None else None
    if limit is not None and limit < each * terms.seats:
        raise TeamRefused("The budget is smaller than what one team costs; raise it, or give less.")
    given = {
        "m": merchant_id, "key": key or _key(conn, name), "name": name.strip(), "terms": json.dumps(plain(terms)),
        "ends": ends_at, "limit": limit, "each": each, "comfort": comfort, "by": by, "now": now,
        "campaign": campaign_id,
    }  # fmt: skip
    number: int | None = conn.scalar(text(_NEW_DEAL), given)
    if number is None:
        raise TeamRefused(f"There is a team deal {given['key']!r} already; give this one another name.")
    detail = {"key": given["key"], "seats": terms.seats, "unlock": terms.unlock}
    audit_log.record(conn, merchant_id, actor=by, action="team_deal", subject=f"team deal {number}", detail=detail)
    return number


def plain(terms: TeamTerms) -> dict[str, Any]:
    """Terms as JSON-ready data that ``TeamTerms.model_validate`` reads back."""
    return terms.model_dump(mode="json", exclude_none=True)


def _offer(gift: Gift) -> Offer:
    return offer_of(gift.model_dump())


def _key(conn: Connection, name: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "team"
    taken = set(conn.scalars(text("SELECT key FROM team_deal WHERE key LIKE :some"), {"some": f"{base}%"}))
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, 10**6))) if key not in taken)


def start(
    conn: Connection, merchant_id: int, deal_id: int, customer_id: int, *, now: datetime, given: bool = False
) -> int:
    """Begin a team with this customer in its first seat; gives its id, the same when asked again.

    ``given``: handed out by the shop. Raises ``TeamRefused`` where the deal is over, its budget is promised, or they
    sit in another team of it. The budget is set aside by one statement: teams side by side cannot exceed it.
    """
    person = conn.execute(text(PERSON), {"id": customer_id}).one_or_none()
    if person is None or not person.email:
        raise TeamRefused("A team needs somebody with an e-mail address to start it.")
    told = {"d": deal_id, "c": person.id, "box": mailbox(person.email), "m": merchant_id, "now": now, "given": given}
    held = conn.execute(text(_HELD), told).one_or_none()
    if held is not None:
        if held.founder_id == person.id:
            return int(held.team_id)
        raise TeamRefused("You sit in another team of this deal already.")
    deal = conn.execute(text(_PROMISE), told).one_or_none()
    if deal is None:
        raise TeamRefused("No more teams can start: this deal is over, or all that it gives is promised.")
    deadline = min(
        now + timedelta(days=int(deal.terms["days"])), deal.ends_at or datetime.max.replace(tzinfo=now.tzinfo)
    )
    told |= {"seats": deal.terms["seats"], "deadline": deadline, "cost": deal.cost}
    team: int | None = conn.scalar(text(_NEW_TEAM), told)
    if team is None:
        raise TeamRefused("You had a team of this deal before.")
    conn.execute(text(_NEW_SEAT), told | {"team": team})
    return team


def found(conn: Connection, team_id: int, *, lock: bool = False) -> Found | None:
    """A team as it stands; None where there is none. ``lock`` holds its row to the end of the transaction."""
    if lock:
        conn.execute(text("SELECT id FROM team WHERE id = :id FOR NO KEY UPDATE"), {"id": team_id})
    row = conn.execute(text(_FOUND), {"id": team_id}).one_or_none()
    return as_found(row) if row else None


def as_found(row: Row[Any]) -> Found:
    """A row of ``_FOUND`` in our words."""
    terms = TeamTerms.model_validate(row.terms)
    counted = row.taken if terms.unlock == "joined" else row.ordered
    now = Team(
        seats=row.seats, opened_at=row.opened_at, deadline=row.deadline, unlock=terms.unlock, state=row.state,
        taken=row.taken, counted=counted, given=row.given, reminded=row.reminded,
    )  # fmt: skip
    return Found(
        row.id, row.deal_id, row.deal, row.founder_id, row.founder, row.promised_minor, row.extensions, terms, now
    )


def close_deal(conn: Connection, merchant_id: int, deal_id: int, *, by: str, now: datetime) -> bool:
    """No new teams from now on; those that run go on. False where it was closed before."""
    closed = conn.execute(text(_CLOSE_DEAL), {"id": deal_id, "now": now}).rowcount
    if closed:
        audit_log.record(conn, merchant_id, actor=by, action="team_deal_closed", subject=f"team deal {deal_id}")
    return bool(closed)


def open_to(conn: Connection, customer_id: int, now: datetime) -> list[Row[Any]]:
    """Deals in which a customer may start a team on their own page: those they have no seat in and had no team of."""
    return list(conn.execute(text(_OPEN_TO), {"c": customer_id, "now": now}))


def of_customer(conn: Connection, customer_id: int) -> list[Found]:
    """Teams a customer sits in, the newest first; those long over are left out."""
    ids = conn.scalars(text(_OF_CUSTOMER), {"c": customer_id}).all()
    return [one for number in ids if (one := found(conn, number))]


PERSON = """
SELECT id, email, first_name, language FROM customer
WHERE id = (SELECT coalesce(merged_into, id) FROM customer WHERE id = :id) AND erased_at IS NULL
"""
_NEW_DEAL = """
INSERT INTO team_deal (merchant_id, key, name, terms, ends_at, limit_minor, each_minor, comfort_minor, created_by,
                       created_at, campaign_id)
VALUES (:m, :key, :name, CAST(:terms AS jsonb), :ends, :limit, :each, :comfort, :by, :now, :campaign)
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING id
"""
_HELD = """
SELECT s.team_id, t.founder_id FROM team_seat s JOIN team t ON t.id = s.team_id
WHERE s.deal_id = :d AND (s.mailbox = :box OR s.customer_id = :c) ORDER BY s.id LIMIT 1
"""
_PROMISE = """
UPDATE team_deal SET promised_minor = promised_minor + each_minor * (terms->>'seats')::int
WHERE id = :d AND state = 'open' AND (ends_at IS NULL OR ends_at > :now)
  AND (limit_minor IS NULL OR promised_minor + each_minor * (terms->>'seats')::int <= limit_minor)
RETURNING terms, ends_at, each_minor * (terms->>'seats')::int AS cost
"""
_NEW_TEAM = """
INSERT INTO team (merchant_id, deal_id, founder_id, seats, given, opened_at, deadline, promised_minor)
VALUES (:m, :d, :c, :seats, :given, :now, :deadline, :cost) ON CONFLICT (deal_id, founder_id) DO NOTHING RETURNING id
"""
_NEW_SEAT = """
INSERT INTO team_seat (merchant_id, deal_id, team_id, customer_id, mailbox, taken_at)
VALUES (:m, :d, :team, :c, :box, :now)
"""
ORDERED = """(SELECT count(*) FROM team_seat s WHERE s.team_id = t.id AND EXISTS (
    SELECT FROM shop_order o WHERE o.customer_id = s.customer_id AND o.counts
    AND o.placed_at >= s.taken_at AND o.placed_at <= t.deadline))"""
"""How many who sit in team ``t`` have ordered since, before the deadline."""
FOUND = f"""
SELECT t.*, d.name AS deal, d.terms, c.first_name AS founder,
       CASE WHEN d.terms->>'unlock' = 'ordered' THEN {ORDERED} ELSE 0 END AS ordered
FROM team t JOIN team_deal d ON d.id = t.deal_id JOIN customer c ON c.id = t.founder_id
"""
_FOUND = FOUND + "WHERE t.id = :id"
_CLOSE_DEAL = "UPDATE team_deal SET state = 'closed', closed_at = :now WHERE id = :id AND state = 'open'"
_OPEN_TO = """
SELECT d.id, d.name, d.terms FROM team_deal d
WHERE d.state = 'open' AND d.campaign_id IS NULL AND (d.ends_at IS NULL OR d.ends_at > :now)
  AND (d.limit_minor IS NULL OR d.promised_minor + d.each_minor * (d.terms->>'seats')::int <= d.limit_minor)
  AND NOT EXISTS (SELECT FROM team_seat s WHERE s.deal_id = d.id AND s.customer_id = :c)
  AND NOT EXISTS (SELECT FROM team t WHERE t.deal_id = d.id AND t.founder_id = :c)
ORDER BY d.id DESC LIMIT 5
"""
_OF_CUSTOMER = """
SELECT t.id FROM team_seat s JOIN team t ON t.id = s.team_id
WHERE s.customer_id = :c AND t.state <> 'closed' ORDER BY t.id DESC LIMIT 5
"""
