"""The terms of a code in one shop, as they are kept beside it and as the shop is asked for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from functools import lru_cache
from typing import Any

from campaigns.offers.offer import BringAFriend, Cashback, EarlyAccess, MemberOnly, Offer
from campaigns.offers.realisation import Realisation
from connectors.offer_types import PackResult, Reach
from connectors.types import CodeSpec, DiscountKind, minor_units

PROMISED = frozenset({"credit", "later_code", "points", "link", "team", "friend"})
"""Ways that give no code now: the row is a promise, and what becomes of it is settled later or never."""


def kept(
    realisation: Realisation, offer: Offer, currency: str, packs: tuple[PackResult, ...] = (), product: str = ""
) -> dict[str, Any]:
    """The terms as JSON. Packs take the place of the goods: the codes work on them alone.

    ``product`` is the name of the first of the goods; ``said`` is what the customer's card tells of the offer.
    """
    url = next((pack.url for pack in packs if pack.url), realisation.url)
    told: dict[str, Any] = {"way": realisation.way, "said": _said(offer, currency, product)}
    told |= {"url": url} if url else {}
    if isinstance(offer, Cashback):
        return told | _cashback(offer, currency)
    if isinstance(offer, BringAFriend):
        return told | offer.model_dump(mode="json", exclude={"kind", "budget", "code_prefix"})
    if isinstance(offer, EarlyAccess | MemberOnly):
        told["rungs"] = list(offer.rungs)
    if realisation.terms is None:
        return told
    terms = realisation.terms
    products = tuple(pack.external_id for pack in packs if pack.external_id) or terms.products
    return told | {
        "kind": terms.kind.value,
        "value": None if terms.by_rung else str(terms.value),
        "minimum_minor": terms.minimum_minor,
        "products": list(products),
        **asdict(terms.reach),
    }


def _said(offer: Offer, currency: str, product: str) -> dict[str, Any]:
    amount = getattr(offer, "price", None) or getattr(offer, "spend", None)
    told = {name: getattr(offer, name) for name in ("pieces", "buy", "get") if hasattr(offer, name)}
    return told | {"product": product} | ({"amount_minor": minor_units(amount, currency)} if amount else {})


def _cashback(offer: Cashback, currency: str) -> dict[str, Any]:
    def minor(amount: Decimal | None) -> int | None:
        return None if amount is None else minor_units(amount, currency)

    return {
        "percent": None if offer.percent is None else str(offer.percent),
        "amount_minor": minor(offer.amount),
        "most_minor": minor(offer.most),
        "wait_days": offer.wait_days,
        "keep_days": offer.keep_days,
    }


def spec(row: Any, description: str) -> CodeSpec:
    """What the shop has to make of a row of ``offer_code``; its terms as a mapping, or as the text of one."""
    terms, reach = _parsed(row.terms) if isinstance(row.terms, str) else (row.terms or {}, None)
    value = terms.get("value")
    return CodeSpec(
        code=row.code,
        kind=DiscountKind(terms.get("kind", row.kind)),
        value=row.value if value is None else Decimal(value),
        currency=row.currency,
        email=row.email,
        expires_at=row.expires_at,
        minimum_minor=terms.get("minimum_minor", row.minimum_minor),
        description=description,
        product_external_ids=tuple(terms.get("products", ())),
        reach=reach or _reach(terms),
        combines=bool(terms.get("combines")),
    )


@lru_cache(maxsize=64)
def _parsed(terms: str) -> tuple[Mapping[str, Any], Reach]:
    """Codes of one offer have the same terms: a hundred thousand rows are read once."""
    found: Mapping[str, Any] = json.loads(terms)
    return found, _reach(found)


def _reach(terms: Mapping[str, Any]) -> Reach:
    def words(name: str) -> tuple[str, ...]:
        return tuple(terms.get(name, ()))

    def count(name: str) -> int:
        return int(terms.get(name, 0))

    return Reach(
        variants=words("variants"),
        categories=words("categories"),
        buy=count("buy"),
        get=count("get"),
        get_products=words("get_products"),
        get_variants=words("get_variants"),
        each_minor=count("each_minor"),
        times=count("times"),
    )
