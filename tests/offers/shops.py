"""The two demo shops, served, with their goods in our words, and a visitor who orders through their pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import requests

from campaigns.offers.offer import Offer, deepest, offer_of
from campaigns.offers.realisation import Able, Realisation
from campaigns.offers.realise import how
from campaigns.offers.till import Line, Till
from campaigns.offers.ware import Ware
from connectors.base import StoreServices
from connectors.types import Product, minor_units
from plugin_server import wiring
from plugin_server.db.offers import terms as offer_terms
from plugin_server.demo.generator import generate
from plugin_server.demo.shopify_shop.state import ShopState as ShopifyShop
from tests.contract.counters import Counter

NOW = datetime.now(UTC).replace(microsecond=0)
DATA = generate(seed=3, customers=60, now=NOW)
STEP = 100
"""Both shops count in whole rupiah, and rupiah have two digits behind the point in the standard."""


class Counterpart:
    """One served shop."""

    def __init__(self, platform: str, counter: Counter, url: str) -> None:
        self.platform, self.counter, self.url = platform, counter, url
        self.able: Able = wiring.able(platform, (), points=False)
        self.till = Till(self.able, "IDR", STEP)
        self.goods = _wares([product for page in counter.store.products(since=None) for product in page.items])
        self.email = counter.accounts()[0][1].lower()
        self._codes = 0

    def carry_out(self, document: dict[str, Any]) -> tuple[Offer, Realisation, dict[str, Any], dict[str, str]]:
        """The offer as this shop carries it out, its packs made: offer, realisation, kept terms, pack ids by SKU."""
        offer = offer_of(document)
        made = how(offer, self.able, self.goods, "IDR")
        assert not made.refused, made.told
        packs = tuple(cast(StoreServices, self.counter.store).ensure_packs(made.packs)) if made.packs else ()
        assert [pack.error for pack in packs if pack.error] == []
        return offer, made, offer_terms.kept(made, offer, "IDR", packs), {
            pack.sku: pack.external_id or "" for pack in packs
        }  # fmt: skip

    def code(self, offer: Offer, terms: dict[str, Any], *, combines: bool = False) -> str:
        """A fresh personal code of the offer."""
        terms = terms | {"combines": True} if combines else terms
        self._codes += 1
        row = _Row(f"OFFER-{self._codes}", offer, terms, self.email)
        spec = offer_terms.spec(row, "tangga:1")
        [made] = self.counter.store.create_codes([spec])
        assert made.error is None, made.error
        return spec.code

    def order(self, lines: Sequence[Line], packs: dict[str, str], code: str, *, email: str = "") -> Decimal | None:
        """What a visitor pays for the goods, shipping apart; None where the till refuses the code."""
        browser = requests.Session()
        for line in lines:
            id = packs.get(line.ware.external_id) or self._sold_as(line.ware)
            assert browser.post(f"{self.url}/cart/add", data={"id": id}, timeout=10).ok
            browser.post(f"{self.url}/cart/change", data={f"quantity_{id}": line.count}, timeout=10)
        form = {"name": "Wati Utami", "email": email or self.email, "code": code, "do": "place"}
        answer = browser.post(f"{self.url}/checkout/?lang=en", data=form, timeout=10)
        browser.close()
        if answer.status_code == 422:
            return None
        assert "Thank you, Wati" in answer.text, answer.text
        return self._paid()

    def _sold_as(self, ware: Ware) -> str:
        """Carts of one platform hold sizes, also of what has but one."""
        if self.platform == "shopify" and ware.parent is None:
            shop = cast(ShopifyShop, self.counter.shop)  # type: ignore[attr-defined]
            return str(shop.products[int(ware.external_id)].variants[0].id)
        return ware.external_id

    def _paid(self) -> Decimal:
        shop: Any = self.counter.shop  # type: ignore[attr-defined]
        last = shop.orders[max(shop.orders)]
        if self.platform == "shopify":
            return Decimal(last.total - last.shipping)
        return Decimal(sum(line.total for line in last.lines))


class _Row:
    """A row of planned codes, as the table holds it."""

    def __init__(self, code: str, offer: Offer, terms: dict[str, Any], email: str) -> None:
        self.code, self.kind, self.terms, self.email = code, offer.kind, terms, email
        self.value, self.currency, self.minimum_minor = deepest(offer), "IDR", minor_units(0, "IDR")
        self.expires_at = NOW + timedelta(days=14)


def _wares(products: list[Product]) -> dict[str, Ware]:
    found: dict[str, Ware] = {}
    prices: dict[str, list[int]] = {}
    for one in products:
        if one.parent_external_id and one.price_minor is not None:
            prices.setdefault(one.parent_external_id, []).append(one.price_minor)
    for one in products:
        if not one.sku or one.price_minor is None or one.sku in found:
            continue
        sizes = tuple(sorted(prices.get(one.external_id, ()))) if len(prices.get(one.external_id, ())) > 1 else ()
        found[one.sku] = Ware(
            one.sku, one.external_id, one.title, one.price_minor, one.unit_cost_minor, one.parent_external_id, sizes,
            one.url, one.active, one.days_of_supply, one.category_ids, one.listed,
        )  # fmt: skip
    return found
