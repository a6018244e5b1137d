"""A link that puts a member's card into Google Wallet: the card itself, signed by the issuer's service account.

https://developers.google.com/wallet/generic/web: nothing is called; Google makes class and card from the token.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from plugin_server.wallet.member import MemberPass

SAVE = "https://pay.google.com/gp/v/save/"
LONGEST = 1800
"""Browsers and Google cut longer links."""


class BadAccount(ValueError):
    """The service account's file cannot sign; the sentence says why."""


@dataclass(frozen=True, slots=True)
class GoogleSigner:
    """An issuer of Google Wallet with its service account."""

    issuer: str
    account: str
    key: RSAPrivateKey


def load(issuer: str, file: Path) -> GoogleSigner:
    """Read the JSON key of a service account. Raises ``BadAccount``."""
    try:
        told = json.loads(file.read_text())
        key = load_pem_private_key(told["private_key"].encode(), None)
        account = str(told["client_email"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadAccount(f"The service account's key cannot be read: {error}") from error
    if not isinstance(key, RSAPrivateKey) or not issuer.isdigit():
        raise BadAccount("Give the issuer's number, and the key of a service account (RSA).")
    return GoogleSigner(issuer, account, key)


def save_link(card: MemberPass, signer: GoogleSigner, *, origin: str, now: datetime) -> str:
    """The address behind "Add to Google Wallet". Benefits stay away where the link would grow too long."""
    claims = {"iss": signer.account, "aud": "google", "typ": "savetowallet", "iat": int(now.timestamp()),
              "origins": [origin]}  # fmt: skip
    for benefits in (card.benefits, []):
        whole = claims | {"payload": _payload(card, signer.issuer, benefits)}
        link = SAVE + jwt.encode(whole, signer.key, algorithm="RS256")
        if len(link) <= LONGEST:
            break
    return link


def _payload(card: MemberPass, issuer: str, benefits: list[str]) -> dict[str, Any]:
    kind = f"{issuer}.tangga_member"
    modules = [{"id": "rung", "header": card.labels["rung"], "body": card.rung}]
    if benefits:
        modules.append({"id": "benefits", "header": card.labels["benefits"], "body": "\n".join(benefits)})
    return {
        "genericClasses": [{"id": kind}],
        "genericObjects": [
            {
                "id": f"{issuer}.{card.key}",
                "classId": kind,
                "state": "ACTIVE",
                "cardTitle": _text(card.shop),
                "header": _text(card.name),
                "hexBackgroundColor": f"#{card.colour}",
                "barcode": {"type": "QR_CODE", "value": card.digits, "alternateText": card.number},
                "textModulesData": modules,
            }
        ],
    }


def _text(value: str) -> dict[str, Any]:
    return {"defaultValue": {"language": "en", "value": value}}
