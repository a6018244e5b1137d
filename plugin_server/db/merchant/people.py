"""Persons of a merchant and their one-time log-in links. Only the hash of a link's token is ever stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from plugin_server.db.merchant.merchants import ROLES, BadMerchant, add_user, checked_email
from plugin_server.db.models.merchant import LoginToken, Merchant, UserAccount
from plugin_server.db.session import system, tenant

LINK_LASTS = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in, with what the pages need of their merchant."""

    user_id: int
    merchant_id: int
    email: str
    name: str
    role: str
    locale: str | None
    session_version: int
    merchant_name: str
    timezone: str
    currency: str
    merchant_locale: str
    sender: str

    def may(self, role: str) -> bool:
        """True where this person is at least ``role``: owner over marketer over viewer."""
        return ROLES.index(self.role) <= ROLES.index(role)


def person(connection: Connection, user_id: int) -> Person | None:
    """The person, None where there is no such one at this merchant."""
    row = connection.execute(
        select(
            UserAccount.id,
            UserAccount.merchant_id,
            UserAccount.email,
            UserAccount.name,
            UserAccount.role,
            UserAccount.locale,
            UserAccount.session_version,
            Merchant.name,
            Merchant.timezone,
            Merchant.currency,
            Merchant.locale,
            func.coalesce(Merchant.from_email, Merchant.email),
        )
        .join(Merchant, Merchant.id == UserAccount.merchant_id)
        .where(UserAccount.id == user_id)
    ).first()
    return Person(*tuple(row)) if row else None


def by_email(engine: Engine, email: str) -> list[tuple[int, int]]:
    """(merchant, user) of everybody with this address."""
    with system(engine) as connection:
        rows = connection.execute(
            text("SELECT merchant_id, user_id FROM tangga_users_by_email(:email)"), {"email": email.strip()}
        )
        return [(int(merchant), int(user)) for merchant, user in rows]


def issue_link(
    connection: Connection, merchant_id: int, user_id: int, now: datetime, lasts: timedelta = LINK_LASTS
) -> str:
    """A fresh token for this person, good once while it ``lasts``."""
    token = secrets.token_urlsafe(32)
    connection.execute(delete(LoginToken).where(LoginToken.expires_at < now - timedelta(days=1)))
    connection.execute(
        insert(LoginToken).values(
            merchant_id=merchant_id, token_hash=_hash(token), user_id=user_id, expires_at=now + lasts
        )
    )
    return token


def link_is_good(engine: Engine, token: str, now: datetime) -> bool:
    """True where the token could still be used. Changes nothing."""
    merchant_id = _merchant_of(engine, token)
    if merchant_id is None:
        return False
    with tenant(engine, merchant_id) as connection:
        return bool(
            connection.scalar(
                select(func.count())
                .select_from(LoginToken)
                .where(LoginToken.token_hash == _hash(token), LoginToken.used_at.is_(None), LoginToken.expires_at > now)
            )
        )


def use_link(engine: Engine, token: str, now: datetime) -> Person | None:
    """Use the token up and give the person; None where it is unknown, used or too old."""
    merchant_id = _merchant_of(engine, token)
    if merchant_id is None:
        return None
    with tenant(engine, merchant_id) as connection:
        user_id = connection.scalar(
            update(LoginToken)
            .where(LoginToken.token_hash == _hash(token), LoginToken.used_at.is_(None), LoginToken.expires_at > now)
            .values(used_at=now)
            .returning(LoginToken.user_id)
        )
        if user_id is None:
            return None
        connection.execute(update(UserAccount).where(UserAccount.id == user_id).values(last_login_at=now))
        return person(connection, user_id)


def _merchant_of(engine: Engine, token: str) -> int | None:
    with system(engine) as connection:
        found: int | None = connection.scalar(text("SELECT tangga_login_merchant(:hash)"), {"hash": _hash(token)})
        return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def set_language(connection: Connection, user_id: int, language: str) -> None:
    """Remember the language this person chose."""
    connection.execute(update(UserAccount).where(UserAccount.id == user_id).values(locale=language))


def log_out_everywhere(connection: Connection, user_id: int) -> None:
    """Make every session of this person worthless."""
    connection.execute(
        update(UserAccount).where(UserAccount.id == user_id).values(session_version=UserAccount.session_version + 1)
    )


def everybody(connection: Connection) -> Sequence[UserAccount]:
    """All people of the merchant, as rows, by address."""
    rows = connection.execute(
        select(
            UserAccount.id, UserAccount.email, UserAccount.name, UserAccount.role, UserAccount.last_login_at
        ).order_by(UserAccount.email)
    )
    return rows.all()  # type: ignore[return-value]


def owners(connection: Connection) -> list[Person]:
    """Everybody who may mend what only an owner can."""
    ids = connection.scalars(select(UserAccount.id).where(UserAccount.role == "owner").order_by(UserAccount.id))
    return [found for number in ids.all() if (found := person(connection, number))]


def by_address(connection: Connection, email: str) -> int | None:
    """The person of this merchant with this address; None for nobody."""
    return connection.scalar(select(UserAccount.id).where(func.lower(UserAccount.email) == email.strip().lower()))


def join(connection: Connection, merchant_id: int, *, email: str, role: str, locale: str | None) -> int:
    """Add a person whose address nobody has proved, or the one who has it already; gives the id.

    An address that is taken but was not proved makes another person: whoever types it must not become its owner.
    """
    try:
        with connection.begin_nested():
            return add_user(connection, merchant_id, email=email, role=role, locale=locale)
    except IntegrityError:
        name, _, host = checked_email(email).rpartition("@")
        other = f"{name}+{secrets.token_hex(4)}@{host}"
        return add_user(connection, merchant_id, email=other, role="viewer", locale=locale)


def invite(connection: Connection, merchant_id: int, email: str, role: str) -> int:
    """Add a person. Raises ``BadMerchant`` where the address is none, or is one of ours already."""
    address = checked_email(email)
    taken = connection.scalar(select(UserAccount.id).where(func.lower(UserAccount.email) == address.lower()))
    if taken:
        raise BadMerchant(f"email: {address} is one of your people already.")
    return add_user(connection, merchant_id, email=address, role=role, locale=None)


class Unknown(LookupError):
    """Nobody of this business."""


def change_role(connection: Connection, user_id: int, role: str | None) -> bool:
    """Give a person another role, or remove them (None); whoever has the role already stays logged in, and gives False.

    Raises ``Unknown``, ``BadMerchant`` where no owner is left.
    """
    if role is not None and role not in ROLES:
        raise BadMerchant(f"role: {role!r} is not one of {', '.join(ROLES)}.")
    connection.execute(text("SELECT 1 FROM merchant FOR UPDATE"))
    if connection.scalar(select(UserAccount.id).where(UserAccount.id == user_id)) is None:
        raise Unknown(f"There is no person {user_id}.")
    owners = set(connection.scalars(select(UserAccount.id).where(UserAccount.role == "owner")))
    if role != "owner" and owners == {user_id}:
        raise BadMerchant("role: a business needs at least one owner. Make somebody else owner first.")
    if role is None:
        connection.execute(delete(UserAccount).where(UserAccount.id == user_id))
        return True
    changed = connection.execute(
        update(UserAccount)
        .where(UserAccount.id == user_id, UserAccount.role != role)
        .values(role=role, session_version=UserAccount.session_version + 1)
    )
    return bool(changed.rowcount)
