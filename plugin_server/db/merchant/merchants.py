"""Merchants and their people."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import UnknownLocaleError
from babel.numbers import is_currency
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection, Engine, insert, text

from connectors.addresses import BadAddress, wire_address
from plugin_server.db.models.merchant import Merchant, UserAccount
from plugin_server.db.session import system, tenant

LOCALES = ("en", "id", "nl")
LONGEST_ADDRESS = 500
LONGEST_NAME = 200
ROLES = ("owner", "marketer", "viewer")


class BadMerchant(ValueError):
    """A field of a merchant or person that cannot be right; the sentence names the field and the mend."""


def checked_email(address: str) -> str:
    """The address as given, when it is one that mails can be sent from and to. Raises ``BadMerchant``."""
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True).normalized
        wire_address(found)
    except (EmailNotValidError, BadAddress) as error:
        raise BadMerchant(f"email: {error}") from error
    return found


def checked_address(given: str) -> str:
    """A postal address as it will stand in mails, lines and all. Raises ``BadMerchant`` where it is too long."""
    address = "\n".join(line.strip() for line in given.strip().splitlines())
    if len(address) > LONGEST_ADDRESS or any(not line.isprintable() for line in address.splitlines()):
        raise BadMerchant(f"postal_address: write it as on a letter, in up to {LONGEST_ADDRESS} characters.")
    return address


def check(*, timezone: str, currency: str, locale: str) -> None:
    """Raises ``BadMerchant`` where zone, currency or language is unknown."""
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadMerchant(f"timezone: {timezone!r} is not a zone; write it as Asia/Jakarta.") from error
    try:
        known = is_currency(currency, locale="en")
    except UnknownLocaleError:  # pragma: no cover - "en" is always there
        known = False
    if not known:
        raise BadMerchant(f"currency: {currency!r} is not an ISO 4217 code such as IDR or EUR.")
    if locale not in LOCALES:
        raise BadMerchant(f"locale: {locale!r} is not one of {', '.join(LOCALES)}.")


def add(
    engine: Engine, *, name: str, email: str, timezone: str, currency: str, locale: str, postal_address: str = ""
) -> int:
    """Make a merchant with its owner; gives its id. Raises ``BadMerchant``."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadMerchant(f"name: say what the business is called, in one line of up to {LONGEST_NAME} characters.")
    address = checked_email(email)
    check(timezone=timezone, currency=currency, locale=locale)
    with system(engine) as connection:
        number: int = connection.scalar(text("SELECT nextval(pg_get_serial_sequence('merchant', 'id'))"))
    with tenant(engine, number) as connection:
        connection.execute(
            insert(Merchant).values(
                id=number,
                name=name.strip(),
                email=address,
                timezone=timezone,
                currency=currency,
                locale=locale,
                postal_address=checked_address(postal_address),
            )
        )
        add_user(connection, number, email=address, role="owner", locale=locale)
    return number


def add_user(connection: Connection, merchant_id: int, *, email: str, role: str, locale: str | None) -> int:
    """Add a person of the merchant; gives the id. Raises ``BadMerchant``."""
    if role not in ROLES:
        raise BadMerchant(f"role: {role!r} is not one of {', '.join(ROLES)}.")
    row = connection.execute(
        insert(UserAccount)
        .values(merchant_id=merchant_id, email=checked_email(email), role=role, locale=locale)
        .returning(UserAccount.id)
    )
    return int(row.scalar_one())


def get(connection: Connection) -> dict[str, Any]:
    """The merchant of this transaction, all columns."""
    return dict(connection.execute(text("SELECT * FROM merchant")).mappings().one())
