"""Personal codes of a run: all planned, then made in the shops, before any mail goes out."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from campaigns.offers.offer import Offer, refs_of
from campaigns.reasons import Reason
from connectors.base import Store
from connectors.errors import ConnectorError
from connectors.types import CodeResult
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.friends import team_give
from plugin_server.db.offers import codes as offers
from plugin_server.db.offers import terms as offer_terms
from plugin_server.db.offers.codes import Carried, Waiting
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.realising import InShop, in_shops
from plugin_server.jobs.outside import Outside
from plugin_server.vault import referral_token, team_token
from plugin_server.wiring import Services

PATIENCE: Final = timedelta(hours=24)
"""How long a shop may refuse to answer before the rest of its codes is given up."""
PAUSE: Final = timedelta(seconds=60)
FEWEST, MOST, QUICK = 100, 800, 2.0
"""Codes that a shop is asked for between two looks at our own rows: more while it answers within so many seconds, so
that few are looked up again after a crash, and a run that is stopped stops soon."""


def make_codes(services: Services, world: Outside, run: Run) -> bool:
    """Plan and create the codes of a run; True when none is left to make. Safe to be called again at any point.

    Codes are derived, not drawn, and shops are asked to make them *exist*: after a crash the same codes come about.
    """
    if not run.campaign.offers or (run.step and run.campaign.message):
        return True  # a mail of a series shows a code that an earlier step has made
    try:
        plan(services, world, run)
    except ConnectorError as error:
        return _left(services, run, error, planned=False)
    return _create(services, world, run)


def plan(services: Services, world: Outside, run: Run) -> None:
    """Plan all codes of a run, those of its variants each by their own offer. Raises ``ConnectorError``."""
    for variant, told in run.campaign.told_apart.items():
        if told.offer is not None:
            _plan(services, world, run, told.offer, variant)


def _plan(services: Services, world: Outside, run: Run, offer: Offer, variant: str) -> None:
    with tenant(services.engine, run.merchant_id) as conn:
        usual = offers.trade(conn, services.now(), offer)
        shops = in_shops(conn, offer, offers.stores_of(conn, run.id))
    carried = {shop.store_id: _carried(world, offer, shop) for shop in shops}
    if run.campaign.guards.stacking == "combine":
        carried = {number: replace(one, terms=one.terms | {"combines": True}) for number, one in carried.items()}
    secret, more = services.settings.keys[0], bool(carried)
    while more:
        with tenant(services.engine, run.merchant_id) as conn:
            more = bool(offers.plan_codes(conn, run, offer, secret=secret, usual=usual, shops=carried, variant=variant))
    _hand_out(services, run, offer, variant)


def _hand_out(services: Services, run: Run, offer: Offer, variant: str) -> None:
    """The links of offers for several people, all before the first mail."""
    keys, public = services.settings.keys, services.settings.public_url
    while True:
        with tenant(services.engine, run.merchant_id) as conn:
            if not team_give.hand_out(
                conn, run, offer, variant=variant, now=services.now(),
                team_url=lambda team: f"{public}/d/{team_token(keys, run.merchant_id, team)}",
                friend_url=lambda customer: f"{public}/r/{referral_token(keys, run.merchant_id, customer)}",
            ):  # fmt: skip
                return


def _carried(world: Outside, offer: Offer, shop: InShop) -> Carried:
    """The offer's terms in a shop, its packs made. Raises ``ConnectorError`` where the shop does not answer."""
    made = shop.realisation
    if made.refused:
        return Carried({}, str(made.told))
    packs = tuple(wiring.beyond(world.store(shop.store_id)).ensure_packs(made.packs)) if made.packs else ()
    if wrong := next((pack.error for pack in packs if pack.error), None):
        return Carried({}, wrong)
    product = next((shop.goods[ref].title for ref in refs_of(offer) if ref in shop.goods), "")
    return Carried(offer_terms.kept(made, offer, shop.currency, packs, product))


def _create(services: Services, world: Outside, run: Run) -> bool:
    after, stores, hurdle, many = 0, dict[int, Store](), None, FEWEST
    while not hurdle or not hurdle.permanent:
        with tenant(services.engine, run.merchant_id) as conn:
            if conn.scalar(text("SELECT state FROM campaign_run WHERE id = :id"), {"id": run.id}) != "frozen":
                return False
            batch = offers.planned(conn, run.id, after=after, limit=many)
        if not batch:
            break
        after, began = batch[-1].id, time.monotonic()
        made, hurdle = _ask(world, stores, batch)
        many = min(many * 2, MOST) if time.monotonic() - began < QUICK else FEWEST
        with tenant(services.engine, run.merchant_id) as conn:
            offers.settle_codes(conn, run, list(zip(batch, made, strict=True)), services.now())
        if hurdle:
            break
    return _left(services, run, hurdle)


def _ask(
    world: Outside, stores: dict[int, Store], batch: list[Waiting]
) -> tuple[list[CodeResult], ConnectorError | None]:
    number = batch[0].store_id
    try:
        if number not in stores:
            stores[number] = world.store(number)
        return stores[number].create_codes([waiting.spec for waiting in batch]), None
    except ConnectorError as error:
        # Even a permanent refusal is of the connection, not of these codes: once mended, they are made.
        return [CodeResult(item.spec.code, None, error.sentence, permanent=False) for item in batch], error


def _left(services: Services, run: Run, hurdle: ConnectorError | None, *, planned: bool = True) -> bool:
    now = services.now()
    with tenant(services.engine, run.merchant_id) as conn:
        if planned and not offers.planned(conn, run.id, after=0, limit=1):
            return True
        if now - (run.frozen_at or now) > PATIENCE:
            offers.fail_codes(conn, run, None, "the shop did not take the code for 24 hours")
            return True
        why = hurdle.sentence if hurdle else "the shop could not make all codes yet"
        reason = Reason(f"Codes: {why}", "codes_wait", detail=why)
        campaigns.wait(conn, run.id, until=_next(now, hurdle), reason=reason)
        return False


def _next(now: datetime, hurdle: ConnectorError | None) -> datetime:
    seconds = hurdle.retry_after if hurdle and hurdle.retry_after is not None else PAUSE.total_seconds()
    return now + timedelta(seconds=max(seconds, 5))
