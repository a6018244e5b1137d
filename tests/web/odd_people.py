"""Customers whose cards are hard to draw, and the addresses of all pages that such people open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from campaigns.membership import MembershipTerms
from campaigns.offers.team import TeamTerms
from campaigns.referral import ReferralTerms
from plugin_server.db.customers import benefits, membership
from plugin_server.db.friends import referrals, teams
from plugin_server.db.merchant import brand
from plugin_server.db.points import ledger as points_ledger
from plugin_server.vault import CustomerLink, customer_token, referral_token, team_token
from plugin_server.wiring import Services

EVERYTHING, ARABIC, UNBROKEN, NAMELESS = 11, 12, 13, 14
"""Somebody with all there is and a long name; one without offers or points; one long word; nobody knows who."""
NAMES = {
    ARABIC: ("عبد الرحمن", "بن محمد الفارسي"),
    UNBROKEN: ("", "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaft"),
    NAMELESS: ("", ""),
}
PALEST = "#767676"
"""The palest grey that a brand may be: a paler one is refused."""
_CODE = """
INSERT INTO offer_code (merchant_id, customer_id, store_id, code, state, kind, value, currency, email, minimum_minor,
                        expires_at, issued_at)
VALUES (1, :c, 1, :code, 'issued', :kind, :value, 'IDR', 'c@example.com', 123456789000, :until, :now)
"""


def settle(conn: Connection, app: Services) -> dict[str, Any]:
    """Make them in the shop of the bench; gives what the addresses of their pages are filled in with."""
    now, keys = app.now(), app.settings.keys
    for number, (first, last) in NAMES.items():
        conn.execute(
            text("UPDATE customer SET first_name = :f, last_name = :l WHERE id = :c"),
            {"f": first, "l": last, "c": number},
        )
    conn.execute(text("UPDATE customer SET email = NULL, email_norm = NULL WHERE id = :c"), {"c": NAMELESS})
    conn.execute(text("DELETE FROM point_entry WHERE customer_id = :c"), {"c": ARABIC})
    points_ledger.give(
        conn, EVERYTHING, 987_654_321, kind="adjust", key="gift", reason="gift", now=now, expires_at=None
    )
    for code, kind, value in (("SENJA-" + "W" * 40, "percentage", 15), ("SENJA-15CD", "fixed", 987654321)):
        told = {"c": EVERYTHING, "code": code, "kind": kind, "value": value, "until": now + timedelta(days=9)}
        conn.execute(text(_CODE), told | {"now": now})
    membership.save_terms(conn, MembershipTerms("invite", "customer", 3))
    membership.enrol(conn, 1, [EVERYTHING, ARABIC], by="t", now=now)
    benefits.save(conn, {rung: {"en": ["Free wrapping"]} for rung in ("shopper", "customer", "member")})
    referrals.save_terms(conn, ReferralTerms(on=True))
    brand.save(conn, 1, color=PALEST, logo=None, now=now)
    terms = TeamTerms.model_validate({"seats": 9, "days": 3, "gift": {"kind": "percentage", "value": "20"}})
    deal = teams.save_deal(conn, 1, name="Ramadan bareng-bareng sekeluarga", terms=terms, by="t", now=now)
    team = teams.start(conn, 1, deal, EVERYTHING, now=now)
    return {
        "token": customer_token(keys, CustomerLink(1, EVERYTHING)), "merchant": 1, "question": "satisfaction",
        "key": "five", "team": team_token(keys, 1, team), "referral": referral_token(keys, 1, EVERYTHING),
    }  # fmt: skip


def cards(app: Services) -> list[str]:
    """The cards of the others, and the questions of which the routes name one only."""
    links = {c: customer_token(app.settings.keys, CustomerLink(1, c)) for c in (EVERYTHING, *NAMES)}
    asked = [f"/c/{links[EVERYTHING]}/ask/{question}" for question in ("birthday", "preferences")]
    return [*(f"/c/{links[c]}" for c in NAMES), *asked]


LOST = ("/c/no-such-token", "/r/no-such-token", "/d/no-such-token", "/c/no-such-token/unsubscribe", "/join/9999")
"""Links of nobody's: they answer 404, with a page that says so."""
