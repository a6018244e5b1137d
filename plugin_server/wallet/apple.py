"""A pass for Apple's Wallet: a zip of the card's data and icons, their SHA-1 sums, and a detached signature over those.

https://developer.apple.com/documentation/walletpasses/building-a-pass: the signature is PKCS #7 by the pass type's own
certificate, with Apple's intermediate certificate inside.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
from cryptography.x509.oid import NameOID

from plugin_server.wallet.member import MemberPass

MIME = "application/vnd.apple.pkpass"
ICONS = {"icon.png": 29, "icon@2x.png": 58, "icon@3x.png": 87}


class BadCertificate(ValueError):
    """The certificates cannot sign passes; the sentence says why."""


@dataclass(frozen=True, slots=True)
class AppleSigner:
    """A pass type's certificate with its key, and Apple's intermediate one. Type and team stand in the certificate."""

    certificate: x509.Certificate
    key: RSAPrivateKey
    intermediate: x509.Certificate

    @property
    def pass_type(self) -> str:
        """``pass.com.example.member``, from the certificate's user id."""
        return _named(self.certificate, NameOID.USER_ID)

    @property
    def team(self) -> str:
        """The team's ten characters, from the certificate's organisational unit."""
        return _named(self.certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)

    @property
    def ends_at(self) -> datetime:
        """After it no new passes can be made; those in phones stay."""
        return self.certificate.not_valid_after_utc


def load(certificate: Path, key: Path, intermediate: Path, now: datetime) -> AppleSigner:
    """Read the three PEM files. Raises ``BadCertificate`` where one cannot be read, fits not, or has ended."""
    try:
        made = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = load_pem_private_key(key.read_bytes(), None)
        between = x509.load_pem_x509_certificate(intermediate.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise BadCertificate(f"The pass certificate cannot be read: {error}") from error
    if not isinstance(secret, RSAPrivateKey) or secret.public_key() != made.public_key():
        raise BadCertificate("The key does not belong to the pass certificate.")
    signer = AppleSigner(made, secret, between)
    if not signer.pass_type.startswith("pass.") or not signer.team:
        raise BadCertificate("This is not the certificate of a pass type.")
    if signer.ends_at <= now:
        raise BadCertificate("The pass certificate has ended. Renew it with Apple.")
    return signer


def pkpass(card: MemberPass, signer: AppleSigner) -> bytes:
    """The ``.pkpass`` file of a member."""
    files = {"pass.json": json.dumps(document(card, signer), ensure_ascii=False).encode()}
    files |= {name: icon(size, card.colour) for name, size in ICONS.items()}
    manifest = json.dumps({name: _sum(body) for name, body in files.items()}).encode()
    files |= {"manifest.json": manifest, "signature": _signature(manifest, signer)}
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return packed.getvalue()


def document(card: MemberPass, signer: AppleSigner) -> dict[str, Any]:
    """``pass.json``: a store card, with the number as QR code as a till reads it."""
    back = [_field("card", card.labels["card"], card.card_url)]
    if card.benefits:
        back.insert(0, _field("benefits", card.labels["benefits"], "\n".join(card.benefits)))
    return {
        "formatVersion": 1,
        "passTypeIdentifier": signer.pass_type,
        "teamIdentifier": signer.team,
        "serialNumber": card.key,
        "organizationName": card.shop,
        "description": f"{card.shop}: {card.labels['member']}",
        "logoText": card.shop,
        "foregroundColor": "rgb(255, 255, 255)",
        "labelColor": "rgb(255, 255, 255)",
        "backgroundColor": f"rgb({', '.join(str(part) for part in bytes.fromhex(card.colour))})",
        "barcodes": [
            {
                "format": "PKBarcodeFormatQR",
                "message": card.digits,
                "messageEncoding": "iso-8859-1",
                "altText": card.number,
            }
        ],
        "storeCard": {
            "primaryFields": [_field("name", card.labels["member"], card.name)],
            "secondaryFields": [
                _field("rung", card.labels["rung"], card.rung),
                _field("since", card.labels["since"], card.since),
            ],
            "backFields": back,
        },
    }


def icon(size: int, colour: str) -> bytes:
    """The mark as a square PNG: three rungs between two rails, white on the card's colour."""
    ground, white = bytes.fromhex(colour), b"\xff\xff\xff"
    rail, rungs = (size // 4, size - 1 - size // 4), [size // 4, size // 2, size - 1 - size // 4]
    thick = max(1, size // 14)
    rows = bytearray()
    for y in range(size):
        rows.append(0)  # each row unfiltered
        for x in range(size):
            on_rail = any(abs(x - at) < thick for at in rail) and size // 8 <= y < size - size // 8
            on_rung = any(abs(y - at) < thick for at in rungs) and rail[0] <= x <= rail[1]
            rows += white if on_rail or on_rung else ground
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _signature(manifest: bytes, signer: AppleSigner) -> bytes:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest)
    builder = builder.add_signer(signer.certificate, signer.key, hashes.SHA256()).add_certificate(signer.intermediate)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])


def _sum(body: bytes) -> str:
    # The format asks for SHA-1; what protects the pass is the signature over the sums.
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()


def _field(key: str, label: str, value: str) -> dict[str, str]:
    return {"key": key, "label": label, "value": value}


def _named(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
