"""Two team deals for the demo: one with teams that still fill up, one that a pair has just completed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from campaigns.offers.team import TeamTerms
from plugin_server.db.friends import team_seats, teams
from plugin_server.db.session import tenant
from plugin_server.demo.opening import OWNER
from plugin_server.wiring import Services

DEALS: Final = (
    (
        "Kopi bareng",
        {"seats": 5, "days": 4, "gift": {"value": "15", "minimum": "100000"}, "consolation": {"value": "5"}},
        ((3, 10), (1, 40)),
    ),
    ("Berdua lebih hemat", {"seats": 2, "days": 3, "gift": {"kind": "free_shipping"}, "budget": "1000000"}, ((2, 5),)),
)
"""Name, terms, and the teams: how many sit in each, begun how many hours ago."""


def seed(services: Services, merchant_id: int) -> None:
    """Open the deals and fill teams with customers who agreed to mails."""
    now, secret = services.now(), services.settings.keys[0]
    with tenant(services.engine, merchant_id) as conn:
        people = iter(conn.scalars(text(_AGREED)).all())
        for name, document, filled in DEALS:
            terms = TeamTerms.model_validate(document)
            deal = teams.save_deal(conn, merchant_id, name=name, terms=terms, by=OWNER, now=now)
            for members, hours in filled:
                who = [person for person, _ in zip(people, range(members), strict=False)]
                _team(conn, merchant_id, deal, who, secret, now - timedelta(hours=hours))


def _team(conn: Connection, merchant_id: int, deal: int, who: list[int], secret: str, began: datetime) -> None:
    if who:
        team = teams.start(conn, merchant_id, deal, who[0], now=began)
        for place, person in enumerate(who[1:], 1):
            team_seats.join(conn, merchant_id, team, person, secret=secret, now=began + timedelta(minutes=50 * place))


_AGREED = """
SELECT c.id FROM customer c JOIN customer_facts f ON f.customer_id = c.id
WHERE c.email IS NOT NULL AND c.merged_into IS NULL AND f.orders > 0 AND f.consent_promotions = 'subscribed'
ORDER BY f.orders DESC, c.id LIMIT 20
"""
