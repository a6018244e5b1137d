"""The catalogue of facts that rules may read. What is not listed here cannot be asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FactType(StrEnum):
    """What kind of value a fact has. ``MONEY`` is in major units of the merchant's currency, ``WORDS`` a set."""

    WHOLE = "whole"
    DECIMAL = "decimal"
    MONEY = "money"
    TIME = "time"
    DATE = "date"
    TEXT = "text"
    YES_NO = "yes_no"
    WORDS = "words"


ORDERED = {FactType.WHOLE, FactType.DECIMAL, FactType.MONEY, FactType.TIME, FactType.DATE}
MOMENTS = {FactType.TIME, FactType.DATE}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name in rules, its type and unit, and what people call it in each language.

    ``least`` is the smallest value there can be: nobody has fewer than no orders.
    """

    name: str
    type: FactType
    unit: str
    labels: dict[str, str]
    choices: tuple[str, ...] = ()

    @property
    def least(self) -> int | None:
        """0 for what is counted, None for what may be anything."""
        return 0 if self.type is FactType.WHOLE else None


def _fact(name: str, type_: FactType, unit: str, en: str, id_: str, nl: str, *choices: str) -> Fact:
    return Fact(name, type_, unit, {"en": en, "id": id_, "nl": nl}, choices)


_W, _D, _M, _T, _DAY, _TXT, _YN, _SET = (
    FactType.WHOLE,
    FactType.DECIMAL,
    FactType.MONEY,
    FactType.TIME,
    FactType.DATE,
    FactType.TEXT,
    FactType.YES_NO,
    FactType.WORDS,
)

CATALOGUE: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        _fact("orders", _W, "orders", "paid orders", "pesanan lunas", "betaalde bestellingen"),
        _fact("order_days", _W, "days", "days with an order", "hari berbelanja", "dagen met een bestelling"),
        _fact("spend", _M, "money", "money spent", "total belanja", "besteed bedrag"),
        _fact("average_order", _M, "money", "average order", "rata-rata pesanan", "gemiddelde bestelling"),
        _fact("refunded", _M, "money", "money refunded", "dana dikembalikan", "terugbetaald bedrag"),
        _fact(
            "foreign_orders",
            _W,
            "orders",
            "orders in another currency",
            "pesanan mata uang lain",
            "bestellingen in andere valuta",
        ),
        _fact(
            "discount_orders",
            _W,
            "orders",
            "orders with a discount",
            "pesanan dengan diskon",
            "bestellingen met korting",
        ),
        _fact(
            "gap_mean_days",
            _D,
            "days",
            "mean days between orders",
            "rata-rata hari antar pesanan",
            "gemiddelde dagen tussen bestellingen",
        ),
        _fact("first_order_at", _T, "", "first order", "pesanan pertama", "eerste bestelling"),
        _fact("second_order_at", _T, "", "second order", "pesanan kedua", "tweede bestelling"),
        _fact("third_order_at", _T, "", "third order", "pesanan ketiga", "derde bestelling"),
        _fact("last_order_at", _T, "", "last order", "pesanan terakhir", "laatste bestelling"),
        _fact("stores", _SET, "", "stores", "toko", "winkels"),
        _fact("has_account", _YN, "", "has an account", "punya akun", "heeft een account"),
        _fact("known_since", _T, "", "known since", "dikenal sejak", "bekend sinds"),
        _fact("enquired_at", _T, "", "first enquiry", "pertanyaan pertama", "eerste contact"),
        _fact("member_since", _DAY, "", "member since", "anggota sejak", "lid sinds"),
        _fact("reviews", _W, "reviews", "good reviews", "ulasan baik", "goede recensies"),
        _fact("first_review_at", _T, "", "first good review", "ulasan baik pertama", "eerste goede recensie"),
        _fact(
            "referrals_converted",
            _W,
            "friends",
            "referred friends who bought",
            "teman rujukan yang membeli",
            "aangebrachte vrienden die kochten",
        ),
        _fact(
            "first_referral_at",
            _T,
            "",
            "first friend's purchase",
            "pembelian teman pertama",
            "aankoop van eerste vriend",
        ),
        _fact(
            "second_referral_at",
            _T,
            "",
            "second friend's purchase",
            "pembelian teman kedua",
            "aankoop van tweede vriend",
        ),
        _fact(
            "last_referral_at",
            _T,
            "",
            "last friend's purchase",
            "pembelian teman terakhir",
            "aankoop van laatste vriend",
        ),
        _fact(
            "consent_promotions",
            _TXT,
            "",
            "consent for promotions",
            "izin promosi",
            "toestemming voor aanbiedingen",
            "subscribed",
            "unsubscribed",
            "pending",
            "unknown",
        ),
        _fact("country", _TXT, "", "country", "negara", "land"),
        _fact("language", _TXT, "", "language", "bahasa", "taal"),
        _fact("birthday", _DAY, "", "birthday", "ulang tahun", "verjaardag"),
        _fact("tags", _SET, "", "tags", "label", "labels"),
    )
}
"""All facts by name, in the order a person meets them in a list."""
