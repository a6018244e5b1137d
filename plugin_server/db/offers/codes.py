"""Personal codes: planned within the budget, created in the shop, recognised in orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, text

from campaigns.offers.codes import code_for, prefix_for
from campaigns.offers.margin import Trade, liability
from campaigns.offers.offer import Offer, minimum_of, refs_of, stands, value_of
from connectors.types import CodeResult, CodeSpec, minor_units
from plugin_server.db.campaigning import merged
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.offers.terms import PROMISED, spec
from plugin_server.db.shops import goods

CHUNK: Final = 20_000
"""Each look for members without a code passes over those that have one: few looks, at the price of memory."""


def trade(conn: Connection, now: datetime, offer: Offer | None = None, usual: Trade | None = None) -> Trade:
    """What the last year's orders in the merchant's own currency tell: usual order, usual shipping, margin.

    With the goods that ``offer`` names, as the shops have them. ``usual`` is what this gave without an offer a while
    ago, where somebody kept it: then no order is read.
    """
    usual = usual or _usual(conn, now)
    return replace(usual, goods=goods.anywhere(conn, refs_of(offer))) if offer else usual


def _usual(conn: Connection, now: datetime) -> Trade:
    row = conn.execute(text(_TRADE), {"since": now - timedelta(days=365), "now": now}).one()
    costs = row if row.worth else conn.execute(text(_CATALOGUE)).one()
    margin = 1 - Decimal(costs.cost) / Decimal(costs.worth) if costs.worth else None
    covered = Decimal(row.worth) / Decimal(row.sold) if row.sold else Decimal(1)
    return Trade(int(row.average or 0), int(row.shipping or 0), margin, covered, {})


_TRADE: Final = """
WITH recent AS (
    SELECT o.id, o.store_id, o.currency, o.net_minor, o.shipping_minor FROM shop_order o
    WHERE o.counts AND o.placed_at > :since AND o.placed_at <= :now
      AND o.currency = (SELECT currency FROM merchant)
    ORDER BY o.placed_at DESC LIMIT 20000
), lines AS (
    SELECT l.total_minor + l.discount_minor AS worth,
           l.quantity * coalesce(v.unit_cost_minor, p.unit_cost_minor) AS cost
    FROM recent r JOIN order_line l ON l.order_id = r.id
    LEFT JOIN product v ON v.store_id = r.store_id AND v.external_id = l.variant_external_id AND v.currency = r.currency
    LEFT JOIN product p ON p.store_id = r.store_id AND p.external_id = l.product_external_id AND p.currency = r.currency
    WHERE l.quantity > 0
)
SELECT (SELECT avg(net_minor) FROM recent) AS average,
       (SELECT avg(shipping_minor) FROM recent WHERE shipping_minor > 0) AS shipping,
       (SELECT coalesce(sum(worth), 0) FROM lines) AS sold,
       (SELECT coalesce(sum(worth), 0) FROM lines WHERE cost IS NOT NULL) AS worth,
       (SELECT coalesce(sum(cost), 0) FROM lines) AS cost
"""
_CATALOGUE: Final = """
SELECT coalesce(sum(price_minor), 0) AS worth, coalesce(sum(unit_cost_minor), 0) AS cost FROM product
WHERE active AND price_minor > 0 AND unit_cost_minor IS NOT NULL AND currency = (SELECT currency FROM merchant)
"""


def expires_at(run: Run, offer: Offer, timezone: str) -> datetime:
    """The last second of the last valid day in the shop's zone; it hangs on when the run was due, not on the clock."""
    zone = ZoneInfo(timezone)
    day = run.due_at.astimezone(zone).date() + timedelta(days=stands(offer))
    until = getattr(offer, "until", None)
    return datetime.combine(min(day, until) if until else day, time(23, 59, 59), zone)


@dataclass(frozen=True, slots=True)
class Carried:
    """How one shop carries the offer out: the terms of its codes, or why there are none."""

    terms: dict[str, Any]
    refused: str = ""


def plan_codes(
    conn: Connection,
    run: Run,
    offer: Offer,
    *,
    secret: str,
    usual: Trade,
    shops: Mapping[int, Carried],
    variant: str = "",
) -> int:
    """Plan codes for up to ``CHUNK`` treated members of a variant that have none; gives how many those were.

    The budget's row is locked from reading to writing, so that runs side by side cannot exceed it together. What
    needs no code in the shop is written down as promised.
    """
    merchant = conn.execute(text("SELECT timezone, currency FROM merchant")).one()
    limit = minor_units(offer.budget, merchant.currency) if offer.budget is not None else None
    left = _budget_left(conn, run, limit)
    members = _members(conn, run, variant)
    prefix = offer.code_prefix or prefix_for(run.campaign.key)
    planned, spent = [], 0
    costs: dict[tuple[str | None, int | None], int] = {}
    values = {rung: value_of(offer, rung) or Decimal(0) for rung in {member.rung for member in members}}
    for member in members:
        error = _obstacle(offer, shops.get(member.store_id), member.stands)
        alike = (member.rung, member.average)
        if not error and alike not in costs:
            costs[alike] = _cost(offer, merchant.currency, member, usual)
        cost = 0 if error else costs[alike]
        if not error and left is not None and spent + cost > left:
            error, cost = "budget: the campaign's budget was used up before this code", 0
        spent += cost
        planned.append(
            {
                "customer": member.customer_id,
                "store": member.store_id,
                "email": member.email,
                "code": code_for(secret, prefix=prefix, run_id=run.id, customer_id=member.customer_id),
                "cost": cost,
                "error": error,
                "value": values[member.rung],
            }
        )
    if planned:
        _insert_codes(conn, run, offer, planned, merchant, shops)
        conn.execute(
            text("UPDATE offer_budget SET issued_minor = issued_minor + :spent WHERE campaign_id = :id"),
            {"spent": spent, "id": run.campaign_id},
        )
    return len(members)


def _cost(offer: Offer, currency: str, member: Any, usual: Trade) -> int:
    usually = usual.average_shipping_minor if offer.kind == "free_shipping" else 0
    average = usually or member.average or usual.average_order_minor
    return liability(offer, currency, average, rung=member.rung, trade=usual)


def _members(conn: Connection, run: Run, variant: str) -> list[Any]:
    """Up to ``CHUNK`` members without a code; those who were merged since come last, under the name that stays."""
    parts, since = merged.parts(conn, run.id)
    found: list[Any] = []
    for part in parts:
        given = {"run": run.id, "variant": variant, "merged": since, "limit": CHUNK - len(found)}
        found += conn.execute(text(_MEMBERS.format(**asdict(part))), given).all()
    return found


_MEMBERS: Final = """
SELECT {who} AS customer_id, {email} AS email, m.store_id, m.rung, coalesce(f.rung, m.rung) AS stands,
       f.average_order_minor AS average
FROM audience_member m {joined} LEFT JOIN customer_facts f ON f.customer_id = {who}
WHERE m.run_id = :run AND m.arm IN ('treated', 'stepped') AND m.variant = :variant AND {stands} {chosen}
  AND NOT EXISTS (SELECT FROM offer_code c WHERE c.run_id = m.run_id AND c.customer_id = {who})
ORDER BY m.customer_id LIMIT :limit
"""


def _budget_left(conn: Connection, run: Run, limit: int | None) -> int | None:
    given = {"id": run.campaign_id, "merchant": run.merchant_id, "limit": limit}
    conn.execute(
        text(
            "INSERT INTO offer_budget (campaign_id, merchant_id, limit_minor) VALUES (:id, :merchant, :limit) "
            "ON CONFLICT (campaign_id) DO UPDATE SET limit_minor = CASE WHEN :limit IS NULL THEN NULL "
            "ELSE greatest(CAST(:limit AS bigint), offer_budget.issued_minor) END"
        ).bindparams(bindparam("limit", type_=None)),
        given,
    )
    row = conn.execute(text("SELECT * FROM offer_budget WHERE campaign_id = :id FOR UPDATE"), given).one()
    return None if limit is None else max(limit - int(row.issued_minor), 0)


def _obstacle(offer: Offer, shop: Carried | None, rung: str | None) -> str:
    rungs = getattr(offer, "rungs", None)
    if rungs and rung not in rungs:
        return f"rung: the offer is for {', '.join(rungs)} alone"
    if shop is None:
        return "shop: it is not connected any more"
    return shop.refused


def _insert_codes(
    conn: Connection, run: Run, offer: Offer, planned: list[dict[str, Any]], merchant: Any, shops: Mapping[int, Carried]
) -> None:
    arrays = {key: [row[key] for row in planned] for key in planned[0]}
    told = {
        "merchant": run.merchant_id,
        "run": run.id,
        "kind": offer.kind,
        "currency": merchant.currency,
        "minimum": minor_units(minimum_of(offer), merchant.currency),
        "expires": expires_at(run, offer, merchant.timezone),
        "shops": list(shops),
        "terms": [json.dumps(shop.terms) for shop in shops.values()],
        "promised": list(PROMISED),
    }
    conn.execute(text(_INSERT), arrays | told)


_INSERT: Final = """
INSERT INTO offer_code (merchant_id, run_id, customer_id, store_id, code, email, liability_minor, state, error, kind,
                        value, currency, minimum_minor, expires_at, terms)
SELECT :merchant, :run, customer, t.store, code, email, cost,
       CASE WHEN error <> '' THEN 'failed' WHEN k.terms ->> 'way' = ANY(:promised) AND k.terms -> 'kind' IS NULL
            THEN 'promised' ELSE 'planned' END,
       error, :kind, value, :currency, :minimum, :expires, coalesce(k.terms, '{}')
FROM unnest(CAST(:customer AS bigint[]), CAST(:store AS bigint[]), CAST(:code AS text[]), CAST(:email AS text[]),
            CAST(:cost AS bigint[]), CAST(:error AS text[]), CAST(:value AS numeric[]))
     AS t(customer, store, code, email, cost, error, value)
LEFT JOIN unnest(CAST(:shops AS bigint[]), CAST(CAST(:terms AS text[]) AS jsonb[])) AS k(store, terms)
       ON k.store = t.store
"""


def stores_of(conn: Connection, run_id: int) -> list[int]:
    """Shops of treated members of a run that have no code yet."""
    return list(conn.scalars(text(_STORES), {"run": run_id}))


_STORES: Final = """
SELECT DISTINCT m.store_id FROM audience_member m WHERE m.run_id = :run AND m.arm IN ('treated', 'stepped')
  AND m.store_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM offer_code c WHERE c.run_id = m.run_id AND c.customer_id = m.customer_id)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A planned code with what the shop has to make of it."""

    id: int
    store_id: int
    spec: CodeSpec


def planned(conn: Connection, run_id: int, *, after: int, limit: int = 100) -> list[Waiting]:
    """The next planned codes of one shop, by id."""
    rows = conn.execute(
        text(
            "SELECT id, store_id, code, kind, value, currency, email, expires_at, minimum_minor, terms::text AS terms "
            "FROM offer_code WHERE run_id = :run AND state = 'planned' AND id > :after AND store_id = "
            "(SELECT store_id FROM offer_code WHERE run_id = :run AND state = 'planned' AND id > :after "
            "ORDER BY id LIMIT 1) ORDER BY id LIMIT :limit"
        ),
        {"run": run_id, "after": after, "limit": limit},
    )
    return [Waiting(row.id, row.store_id, spec(row, f"tangga:{run_id}")) for row in rows]


def spec_of(row: Any) -> CodeSpec:
    """What a shop has to make of a row of ``offer_code``, of a run or of a reward."""
    return spec(row, f"tangga:{row.run_id}" if row.run_id else f"tangga:reward:{row.claim_id}")


def settle_codes(conn: Connection, run: Run, made: Sequence[tuple[Waiting, CodeResult]], now: datetime) -> None:
    """Write down what the shop made of the codes: issued, refused for good (its money goes back), or later."""
    issued = [(waiting.id, result.external_id) for waiting, result in made if result.external_id and not result.error]
    later = [
        (waiting.id, result.error or "")
        for waiting, result in made
        if not result.permanent and not (result.external_id and not result.error)
    ]
    _update_codes(conn, "state = 'issued', error = '', external_id = t.word, issued_at = :now", issued, now)
    too_late(conn, issued)
    _update_codes(conn, "error = t.word", later, now)
    refused: dict[str, list[int]] = {}
    done = {number for number, _ in [*issued, *later]}
    for waiting, result in made:
        if waiting.id not in done:
            refused.setdefault(result.error or "the shop refused it without a reason", []).append(waiting.id)
    for error, ids in refused.items():
        fail_codes(conn, run, ids, error)


STILL_PLANNED: Final = "{}state || '' = 'planned'"
"""Of rows found by their ids. Written so that nobody looks through all planned codes for them: right after planning,
the planner takes those for few, and a hundred thousand would be read again for each hundred."""


def _update_codes(conn: Connection, change: str, rows: Sequence[tuple[int, str | None]], now: datetime) -> None:
    if rows:
        statement = text(
            f"UPDATE offer_code c SET {change} "
            "FROM unnest(CAST(:ids AS bigint[]), CAST(:words AS text[])) AS t(id, word) "
            f"WHERE c.id = t.id AND {STILL_PLANNED.format('c.')}"
        )
        conn.execute(statement, {"ids": [row[0] for row in rows], "words": [row[1] for row in rows], "now": now})


def too_late(conn: Connection, made: Sequence[tuple[int, str | None]]) -> None:
    """Withdraw what a shop made (code, its number there) of codes that had been given up while it was asked.

    Their money went back to the budget when they were given up, and does not go back again.
    """
    if made:
        given = {"ids": [code for code, _ in made], "words": [word for _, word in made]}
        conn.execute(text(_TOO_LATE), given)


_TOO_LATE: Final = """
UPDATE offer_code c SET state = 'withdrawn', external_id = t.word, liability_minor = 0
FROM unnest(CAST(:ids AS bigint[]), CAST(:words AS text[])) AS t(id, word)
WHERE c.id = t.id AND c.state = 'failed' AND c.external_id IS NULL
"""


def fail_codes(conn: Connection, run: Run, ids: Sequence[int] | None, error: str) -> int:
    """Give up planned codes (all that are left with ``None``) and give their money back to the budget."""
    these = "state = 'planned'" if ids is None else f"id = ANY(CAST(:ids AS bigint[])) AND {STILL_PLANNED.format('')}"
    freed = conn.execute(
        text(
            f"WITH failed AS (UPDATE offer_code SET state = 'failed', error = :error WHERE run_id = :run AND {these} "
            "RETURNING liability_minor) "
            "SELECT count(*) AS n, coalesce(sum(liability_minor), 0) AS minor FROM failed"
        ),
        {"run": run.id, "error": error} | ({} if ids is None else {"ids": list(ids)}),
    ).one()
    conn.execute(
        text("UPDATE offer_budget SET issued_minor = issued_minor - :minor WHERE campaign_id = :id"),
        {"minor": freed.minor, "id": run.campaign_id},
    )
    return int(freed.n)


_ALIVE: Final = (
    "o.status NOT IN ('draft', 'cancelled', 'failed', 'trashed', 'refunded') AND NOT o.test "
    "AND NOT (o.refunded_minor > 0 AND o.refunded_minor >= o.total_minor)"
)
_THESE: Final = "(CAST(:orders AS bigint[]) IS NULL OR o.id = ANY(:orders))"
_TAKE: Final = f"""
INSERT INTO redemption (merchant_id, store_id, order_id, offer_code_id, customer_id, code, discount_minor, redeemed_at,
                        released_at)
SELECT DISTINCT ON (o.store_id, o.id, c.id) o.merchant_id, o.store_id, o.id, c.id, o.customer_id, c.code,
       o.discount_minor / cardinality(o.coupon_codes), o.placed_at,
       CASE WHEN NOT ({_ALIVE}) THEN CAST(:now AS timestamptz) END
FROM shop_order o CROSS JOIN LATERAL unnest(o.coupon_codes) AS used(code)
JOIN offer_code c ON c.store_id = o.store_id AND lower(c.code) = lower(used.code)
WHERE o.merchant_id = :merchant AND o.coupon_codes <> '{{}}' AND {_THESE} AND o.status <> 'draft' AND NOT o.test
ON CONFLICT (store_id, order_id, lower(code)) DO UPDATE SET released_at = NULL, discount_minor = excluded.discount_minor
WHERE excluded.released_at IS NULL
  AND (redemption.released_at IS NOT NULL OR redemption.discount_minor <> excluded.discount_minor)
"""
_RELEASE: Final = f"""
UPDATE redemption r SET released_at = :now FROM shop_order o
WHERE o.id = r.order_id AND o.merchant_id = :merchant AND r.released_at IS NULL AND {_THESE}
  AND (NOT ({_ALIVE}) OR lower(r.code) <> ALL(SELECT lower(code) FROM unnest(o.coupon_codes) AS code))
"""


def match_redemptions(conn: Connection, *, merchant_id: int, order_ids: Sequence[int] | None, now: datetime) -> int:
    """Recognise our codes in orders (all of them with ``None``), and release those whose order fell through.

    A code is taken once per order however often it is looked at; an order that comes back takes it again, and one that
    had fallen through when it was first read has let go of it. Gives how many redemptions were taken, released or
    changed.
    """
    given = {"merchant": merchant_id, "orders": list(order_ids) if order_ids is not None else None, "now": now}
    return conn.execute(text(_TAKE), given).rowcount + conn.execute(text(_RELEASE), given).rowcount
