"""A visit from inside a shop's admin: the shop is let in where it is new, and the visitor becomes one of our people."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from connectors.errors import ConnectorError
from connectors.shopify.auth import SCOPES, IdToken, Staff, missing_scopes
from plugin_server import wiring
from plugin_server.db.merchant import audit_log, merchants, people
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import access
from plugin_server.jobs.reading.connect import let_in, settle
from plugin_server.locales import LANGUAGES
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
ASK_AGAIN = timedelta(minutes=10)
"""How long a lacking scope is taken as lacking before the shop is asked once more."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is there, and for which of our stores."""

    person: Person
    store_id: int


def visited(services: Services, token: IdToken) -> Visit:
    """Know shop and person of a proved ID token; on a first visit both are made known.

    Raises ``ConnectorError`` where Shopify does not let us in; ``code`` is ``invalid_subject_token`` where the token
    has just ended and a fresh one will do.
    """
    url = f"https://{token.shop}"
    found = _home(services, url)
    if found is None:
        return _install(services, token, url)
    merchant_id, store_id, ready = found
    if not ready:
        grant = wiring.shop_door(services.settings).exchange(token, services.now())
        let_in(services, merchant_id, url=url, grant=grant, by=f"staff {token.user_id}")
        settle(services, merchant_id, store_id)
    return Visit(_person(services, merchant_id, store_id, token), store_id)


def _home(services: Services, url: str) -> tuple[int, int, bool] | None:
    """(merchant, store, whether its rights are whole) of the shop; the one that installed us before any other."""
    known = []
    for merchant_id, store_id in access.stores_at(services.engine, wiring.EMBEDDING, url):
        with tenant(services.engine, merchant_id) as connection:
            terms = access.of(connection, store_id)
        if terms is not None and terms.installed:
            lacking = bool(terms.scopes and missing_scopes(SCOPES, terms.scopes))
            asked = terms.refreshed_at is not None and services.now() - terms.refreshed_at < ASK_AGAIN
            known.append((merchant_id, store_id, not terms.trouble and (not lacking or asked)))
    return max(known, key=lambda one: one[2], default=None)


def _install(services: Services, token: IdToken, url: str) -> Visit:
    """The first visit of a shop: it becomes a business of its own, and its visitor the owner.

    A shop that its owner had connected by a token stays where it is, and is the app's from now on.
    """
    door = wiring.shop_door(services.settings)
    staff = _staff(services, token)
    grant = door.exchange(token, services.now())
    if (merchant_id := _owned(services, url, staff)) is not None:
        store_id = let_in(services, merchant_id, url=url, grant=grant, by=staff.email)
        settle(services, merchant_id, store_id)
        return Visit(_person(services, merchant_id, store_id, token, staff), store_id)
    info = wiring.embedding_shop(services, url, lambda: grant.token).info()
    locale = _language(staff)
    try:
        merchant_id = merchants.add(
            services.engine,
            name=info.name,
            email=staff.email,
            timezone=info.timezone if _named(info.timezone) else "UTC",
            currency=info.currency,
            locale=locale,
        )
    except merchants.BadMerchant as error:
        raise ConnectorError(f"This shop cannot be connected: {error}", code="bad_merchant") from error
    store_id = let_in(services, merchant_id, url=url, grant=grant, by=staff.email)
    settle(services, merchant_id, store_id)
    return Visit(_person(services, merchant_id, store_id, token, staff), store_id)


def _owned(services: Services, url: str, staff: Staff) -> int | None:
    """The business to which this visitor, as its owner, has connected the shop; None where there is none."""
    if not (staff.email_verified and staff.account_owner):
        return None
    for merchant_id, _ in access.stores_at(services.engine, wiring.EMBEDDING, url):
        with tenant(services.engine, merchant_id) as connection:
            user_id = people.by_address(connection, staff.email)
            known = people.person(connection, user_id) if user_id else None
        if known is not None and known.may("owner"):
            return merchant_id
    return None


def _named(zone: str) -> bool:
    return not zone.startswith(("+", "-"))


def _language(staff: Staff) -> str:
    return next((code for code in LANGUAGES if (staff.locale or "").lower().startswith(code)), "en")


def _person(services: Services, merchant_id: int, store_id: int, token: IdToken, staff: Staff | None = None) -> Person:
    with tenant(services.engine, merchant_id) as connection:
        user_id = access.staff(connection, store_id, token.user_id)
        known = people.person(connection, user_id) if user_id else None
    if known is not None:
        return known
    staff = staff or _staff(services, token)
    with tenant(services.engine, merchant_id) as connection:
        user_id = people.by_address(connection, staff.email) if staff.email_verified else None
        if user_id is None:
            role = "owner" if staff.account_owner else "marketer" if staff.email_verified else "viewer"
            user_id = people.join(connection, merchant_id, email=staff.email, role=role, locale=_language(staff))
        access.know_staff(
            connection, merchant_id=merchant_id, store_id=store_id, external_id=token.user_id, user_id=user_id
        )
        audit_log.record(connection, merchant_id, actor=staff.email, action="login", subject=token.shop)
        found = people.person(connection, user_id)
    if found is None:  # pragma: no cover - the row was written in this transaction
        raise ConnectorError("Nobody is signed in.", code="nobody")
    return found


def _staff(services: Services, token: IdToken) -> Staff:
    """Who Shopify says is signed in. In development a shop that does not say is taken at its visitor's number."""
    try:
        return wiring.shop_door(services.settings).who(token)
    except ConnectorError as error:
        if services.settings.production or not error.permanent or error.code == "invalid_subject_token":
            raise
        log.warning("%s does not say who is signed in: %s", token.shop, error.sentence)
        return Staff(token.user_id, f"staff-{token.user_id}@{token.shop}", "", True, False, None)
