"""Ladders to choose from. The seven rungs are the default; the others tell the same climb in other words."""

from __future__ import annotations

from campaigns.ladder.ladders import Ladder, Rung, Since, dated
from campaigns.ladder.rules import All, Any_, Compare, IsSet, Rule, WithinLastDays


def _least(fact: str, number: int) -> Compare:
    return Compare(fact=fact, op=">=", value=number)


def _rung(key: str, names: tuple[str, str, str], rule: Rule | None, since: Since) -> Rung:
    return Rung(key=key, names=dict(zip(("en", "id", "nl"), names, strict=True)), rule=rule, since=since)


def _latest(*moments: str | Since) -> Since:
    return Since(of="latest_of", moments=moments)


SEVEN_RUNGS = Ladder(
    name="seven-rungs",
    rungs=(
        _rung("suspect", ("Suspect", "Suspek", "Suspect"), None, _latest("known_since")),
        _rung(
            "prospect",
            ("Prospect", "Prospek", "Prospect"),
            Any_(rules=(Compare(fact="has_account", op="=", value=True), IsSet(fact="enquired_at"))),
            Since(of="first_known", moments=("enquired_at", "known_since")),
        ),
        _rung("shopper", ("Shopper", "Pembeli", "Koper"), _least("orders", 1), _latest("first_order_at")),
        _rung("customer", ("Customer", "Pelanggan", "Klant"), _least("orders", 2), _latest("second_order_at")),
        _rung(
            "member",
            ("Member", "Anggota", "Lid"),
            All(rules=(_least("orders", 3), IsSet(fact="member_since"))),
            _latest("third_order_at", "member_since"),
        ),
        _rung(
            "advocate",
            ("Advocate", "Advokat", "Ambassadeur"),
            All(rules=(_least("orders", 2), Any_(rules=(_least("reviews", 1), _least("referrals_converted", 1))))),
            _latest("second_order_at", Since(of="earliest_of", moments=("first_review_at", "first_referral_at"))),
        ),
        _rung(
            "raving_fan",
            ("Raving fan", "Penggemar setia", "Superfan"),
            All(
                rules=(
                    _least("orders", 3),
                    _least("referrals_converted", 2),
                    WithinLastDays(fact="last_referral_at", days=365),
                )
            ),
            _latest("third_order_at", "second_referral_at"),
        ),
    ),
)
"""The default: suspect, prospect, shopper, customer, member, advocate, raving fan."""

_SPEAKS = Any_(rules=(_least("reviews", 1), _least("referrals_converted", 1)))


def _told(key: str, names: tuple[str, str, str], rule: Rule | None) -> Rung:
    return _rung(key, names, rule, dated(rule))


CUSTOMER_CYCLE = Ladder(
    name="customer-cycle",
    rungs=(
        _told("suspect", ("Suspect", "Suspek", "Suspect"), None),
        SEVEN_RUNGS.rung("prospect"),
        _told("initial", ("Initial customer", "Pelanggan awal", "Eerste klant"), _least("orders", 1)),
        _told("repeater", ("Repeater", "Pelanggan berulang", "Herhaalklant"), _least("orders", 2)),
        _told("loyal", ("Loyal customer", "Pelanggan setia", "Trouwe klant"), _least("orders", 4)),
        _told("advocate", ("Advocate", "Advokat", "Ambassadeur"), All(rules=(_least("orders", 2), _SPEAKS))),
        _told(
            "partner",
            ("Partner", "Mitra", "Partner"),
            All(rules=(_least("orders", 4), _least("referrals_converted", 2))),
        ),
    ),
)
"""Kartajaya's customer cycle: suspect, prospect, initial, repeater, loyal, advocate, partner (mitra)."""

THREE_STAGES = Ladder(
    name="three-stages",
    rungs=(
        _told("pre_sales", ("Pre-sales", "Prapenjualan", "Voorverkoop"), None),
        _told("acquisition", ("Acquisition", "Akuisisi", "Werving"), _least("orders", 1)),
        _told("retained", ("Retained", "Bertahan", "Behouden"), _least("orders", 2)),
    ),
)
"""Pre-sales, acquisition, retained."""

BUYER_CUSTOMER_MEMBER = Ladder(
    name="buyer-customer-member",
    rungs=(
        _told("contact", ("Contact", "Kontak", "Contact"), None),
        _told("buyer", ("Buyer", "Pembeli", "Koper"), _least("orders", 1)),
        _told("customer", ("Customer", "Pelanggan", "Klant"), _least("orders", 2)),
        _told("member", ("Member", "Anggota", "Lid"), All(rules=(_least("orders", 2), IsSet(fact="member_since")))),
    ),
)
"""Every customer is a buyer; not every buyer is a customer."""

PRESETS: dict[str, Ladder] = {
    made.name: made for made in (SEVEN_RUNGS, CUSTOMER_CYCLE, THREE_STAGES, BUYER_CUSTOMER_MEMBER)
}
"""By name."""
