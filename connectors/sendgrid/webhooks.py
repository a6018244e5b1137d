"""SendGrid's signed event webhook: the signature over the raw bytes, before anything is parsed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.errors import BadSignature

SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"


def verify(*, headers: Mapping[str, str], body: bytes, public_keys: Sequence[str]) -> None:
    """Return if one of ``public_keys`` (base64, as SendGrid shows them) signed the body, else raise ``BadSignature``.

    Several keys let one be exchanged without losing events. Old timestamps pass: SendGrid repeats for 24 hours, and
    copies are recognised by their content. ``ValueError`` is for a key of ours that is none, never for the request.
    """
    found = {name.lower(): value for name, value in headers.items()}
    signature, timestamp = found.get(SIGNATURE.lower()), found.get(TIMESTAMP.lower())
    if not signature or not timestamp:
        raise BadSignature("The request carries no signature.")
    if not public_keys:
        raise BadSignature("No verification key is set; copy it from SendGrid's event webhook into the settings.")
    try:
        raw = base64.b64decode(signature, validate=True)
        signed = timestamp.encode("ascii") + body
    except (binascii.Error, ValueError):
        raise BadSignature("The signature is not readable.") from None
    if not any(_holds(_key(text.strip()), raw, signed) for text in public_keys):
        raise BadSignature


def check_keys(public_keys: Sequence[str]) -> None:
    """Raises ``ValueError`` where one of them is no key; never repeats it."""
    for text in public_keys:
        _key(text.strip())


def _holds(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _key(text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("SENDGRID_WEBHOOK_PUBLIC_KEYS: one of them is no key of SendGrid's event webhook")
    return key
