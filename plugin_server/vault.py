"""Secrets at rest and links that cannot be forged; both follow the rotation of ``SECRET_KEYS`` (newest first)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from itsdangerous import BadSignature, URLSafeSerializer
from itsdangerous.encoding import base64_encode


def _fernet(keys: Sequence[str]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


def seal(keys: Sequence[str], value: dict[str, Any]) -> bytes:
    """Encrypt a JSON object with the newest key."""
    return _fernet(keys).encrypt(json.dumps(value).encode())


def unseal(keys: Sequence[str], sealed: bytes) -> dict[str, Any]:
    """Decrypt with whichever key fits. Raises ``ValueError`` where none does."""
    try:
        opened: dict[str, Any] = json.loads(_fernet(keys).decrypt(sealed))
    except InvalidToken as error:
        raise ValueError("None of SECRET_KEYS opens this value. Put the key it was sealed with back.") from error
    return opened


@dataclass(frozen=True, slots=True)
class CustomerLink:
    """Whom a ``/c/<token>`` link is for; ``message_id`` tells from which mail it came."""

    merchant_id: int
    customer_id: int
    message_id: int | None = None


@lru_cache(maxsize=8)
def _links(keys: tuple[str, ...]) -> URLSafeSerializer:
    # itsdangerous signs with the last key and accepts all of them.
    return URLSafeSerializer(list(reversed(keys)), salt="customer-link")


@lru_cache(maxsize=8)
def _link_stamp(keys: tuple[str, ...]) -> hmac.HMAC:
    return hmac.new(_links(keys).make_signer().derive_key(), digestmod=hashlib.sha1)


def customer_token(keys: Sequence[str], link: CustomerLink) -> str:
    """The opaque token of a customer's pages; it lasts, for mails are read years later."""
    # As the serializer would write it, without deriving the key anew and trying to compress: mails need many of these.
    payload = base64_encode(f"[{link.merchant_id},{link.customer_id},{link.message_id or 0}]")
    stamp = _link_stamp(tuple(keys)).copy()
    stamp.update(payload)
    return (payload + b"." + base64_encode(stamp.digest())).decode()


def read_customer_token(keys: Sequence[str], token: str) -> CustomerLink | None:
    """Who the token is for; None where it is not ours."""
    try:
        merchant_id, customer_id, message_id = _links(tuple(keys)).loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return CustomerLink(int(merchant_id), int(customer_id), int(message_id) or None)


def _referral_links(keys: Sequence[str]) -> URLSafeSerializer:
    return URLSafeSerializer(list(reversed(keys)), salt="referral-link")


def referral_token(keys: Sequence[str], merchant_id: int, customer_id: int) -> str:
    """The token of the link that a customer passes on to friends; it opens nothing of the customer's own."""
    return str(_referral_links(keys).dumps([merchant_id, customer_id]))


def read_referral_token(keys: Sequence[str], token: str) -> tuple[int, int] | None:
    """(merchant, customer) of a link for friends; None where it is not ours."""
    try:
        merchant_id, customer_id = _referral_links(keys).loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return int(merchant_id), int(customer_id)


def _team_links(keys: Sequence[str]) -> URLSafeSerializer:
    return URLSafeSerializer(list(reversed(keys)), salt="team-link")


def team_token(keys: Sequence[str], merchant_id: int, team_id: int) -> str:
    """The token of a team's own page; whoever has it may ask for a seat, and sees nobody's address."""
    return str(_team_links(keys).dumps([merchant_id, team_id]))


def read_team_token(keys: Sequence[str], token: str) -> tuple[int, int] | None:
    """(merchant, team) of a team's page; None where it is not ours."""
    try:
        merchant_id, team_id = _team_links(keys).loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return int(merchant_id), int(team_id)


def webhook_secrets(keys: Sequence[str], merchant_id: int) -> list[str]:
    """What a merchant's outgoing webhooks are signed with, newest first; the receiver is given the first."""
    return [hmac.new(key.encode(), f"webhook:{merchant_id}".encode(), hashlib.sha256).hexdigest() for key in keys]


@dataclass(frozen=True, slots=True)
class Shopper:
    """Whom a shop's window may show their rung: a customer, in one shop, since a day. It opens nothing else."""

    merchant_id: int
    store_id: int
    customer_id: int
    day: int


def _storefront(keys: Sequence[str]) -> URLSafeSerializer:
    return URLSafeSerializer(list(reversed(keys)), salt="storefront")


def storefront_token(keys: Sequence[str], shopper: Shopper) -> str:
    """What a browser keeps in the shop's own storage. ``day`` counts from 1970-01-01; the reader bounds its age."""
    return str(_storefront(keys).dumps([shopper.merchant_id, shopper.store_id, shopper.customer_id, shopper.day]))


def read_storefront_token(keys: Sequence[str], token: str) -> Shopper | None:
    """Who the token is for; None where it is not ours."""
    try:
        merchant_id, store_id, customer_id, day = _storefront(keys).loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return Shopper(int(merchant_id), int(store_id), int(customer_id), int(day))
