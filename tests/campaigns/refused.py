"""Campaigns that cannot be computed, afforded or come in time: each with the place of its fault, and words of why."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, text

_MAIL: Final = {"en": {"subject": "Hello", "html": "<p>Hello</p>"}}
_CODE: Final = {"en": {"subject": "Hello", "html": "<p>{{ offer.code }}</p>"}}


def _giving(**offer: Any) -> dict[str, Any]:
    return {"message": _CODE, "offer": {"kind": "percentage", "value": "10", **offer}}


def _series(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"steps": [*steps, {"kind": "message", "key": "mail", "message": _MAIL}]}


REFUSED: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "more than all": (_giving(value="150"), "offer", "more than 100 percent"),
    "no number": (_giving(value="NaN"), "offer.value", "number"),
    "nothing given": (_giving(value="0"), "offer.value", "greater than 0"),
    "no kind": (_giving(kind="lottery"), "offer.kind", "no such kind"),
    "no budget": (_giving(budget="0"), "offer.budget", "greater than 0"),
    "budget below one code": (_giving(minimum="100000", budget="9999"), "offer.budget", " IDR), so nobody would"),
    "less than a coin": (_giving(kind="fixed", value="0.001"), "offer.value", "smallest coin of IDR"),
    "a rung there is not": (_giving(by_rung={"king": "5"}), "offer.by_rung", "no rung king"),
    "all of the margin": (_giving(value="40"), "offer", "every order would lose money"),
    "all of it on one rung": (_giving(by_rung={"member": "60"}), "offer", "every order would lose money"),
    "no reason": (_giving(value="40") | {"guards": {"margin_floor": None}}, "guards.margin_reason", "Say why"),
    "all of it in a variant": (
        _giving() | {"measure": {"variants": [{"key": "a"}, {"key": "b", "offer": _giving(value="90")["offer"]}]}},
        "measure.variants.1.offer",
        "every order would lose money",
    ),
    "more than all for a friend": (
        {"message": _MAIL, "offer": {"kind": "bring_a_friend", "percent": "10", "own": "150"}}, "offer", "own 150 is"
    ),
    "a day that is over": (
        {"message": _MAIL, "trigger": {"kind": "once", "day": "2020-01-01"}}, "trigger.day", "is over"
    ),
    "an offer that is over": (
        _giving(kind="member_only", products=["P1"], until="2020-01-01"), "offer.until", "ended on 2020-01-01"
    ),
    "a step that is over": (
        _series({"kind": "until", "key": "day", "date": "2020-01-01", "at": "09:00"}), "steps.0.date", "is over"
    ),
    "goods there are not": (
        {"message": _CODE, "offer": {"kind": "gift", "spend": "350000", "product": "NOPE"}}, "offer.product", "no NOPE"
    ),
    "a circle": (
        _series({"kind": "wait", "key": "rest", "days": 1, "next": "rest"}), "steps.0.next", "round and round"
    ),
    "all of the margin in a series": (
        {"steps": [{"kind": "offer", "key": "o", "offer": _giving(value="95")["offer"]},
                   {"kind": "message", "key": "mail", "message": _CODE}]},
        "steps.0.offer",
        "every order would lose money",
    ),
}  # fmt: skip


def documents() -> dict[str, dict[str, Any]]:
    """By name, whole campaigns."""
    return {
        name: {"key": "refused", "trigger": {"kind": "once"}} | document for name, (document, _, _) in REFUSED.items()
    }


def stock(conn: Connection, merchant: int, store: int) -> None:
    """A shop that can be given codes, with goods that earn 40 percent."""
    conn.execute(text("UPDATE store SET platform = 'woocommerce', state = 'connected' WHERE id = :s"), {"s": store})
    conn.execute(
        text(
            "INSERT INTO product (merchant_id, store_id, external_id, sku, title, price_minor, unit_cost_minor, "
            "currency, active) VALUES (:m, :s, '1', 'P1', 'Kopi', 10000000, 6000000, 'IDR', true)"
        ),
        {"m": merchant, "s": store},
    )
