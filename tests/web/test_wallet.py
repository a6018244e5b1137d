"""Cards for wallets: what is signed, by whom, and that nothing is offered that cannot be made."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Flask

from plugin_server.db.merchant import brand
from plugin_server.db.session import tenant
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.wallet import apple, google
from plugin_server.wallet.apple import BadCertificate
from plugin_server.wallet.google import LONGEST, SAVE, BadAccount
from plugin_server.wallet.member import MemberPass
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.test_browser import crowd
from tests.web.test_card import full

__all__ = ["crowd", "full"]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CARD = MemberPass(
    key="1-60", shop="Toko “Senja”", name="Siti Rahayu", number="0000 0018", rung="Member", since="5 Jan 2026",
    card_url="https://tangga.example.com/c/x", benefits=["Free wrapping"],
    labels={"member": "Member", "rung": "Rung", "since": "Since", "card": "Card", "benefits": "Benefits"},
)  # fmt: skip


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, an intermediate, a pass certificate, a wrong key and a service account."""
    folder = tmp_path_factory.mktemp("papers")
    root, root_key = _certificate("Root", None, None)
    between, between_key = _certificate("WWDR", root, root_key)
    made, key = _certificate("Pass", between, between_key, (NameOID.USER_ID, "pass.com.example.member"))
    plain, plain_key = _certificate("Site", between, between_key)
    old, old_key = _certificate("Old", between, between_key, (NameOID.USER_ID, "pass.old"), days=-1)
    for name, one in {"root": root, "between": between, "pass": made, "plain": plain, "old": old}.items():
        (folder / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))
    for name, secret in {"pass": key, "plain": plain_key, "old": old_key}.items():
        (folder / f"{name}.key").write_bytes(_pem(secret))
    account = {"client_email": "cards@example.iam.gserviceaccount.com", "private_key": _pem(key).decode()}
    (folder / "account.json").write_text(json.dumps(account))
    return folder


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(
    name: str, issuer: x509.Certificate | None, signer: rsa.RSAPrivateKey | None, *more: tuple[Any, str], days: int = 30
) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(65537, 2048)
    parts = [(NameOID.COMMON_NAME, name), (NameOID.ORGANIZATIONAL_UNIT_NAME, "TEAM123456"), *more]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=60)).not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=name in ("Root", "WWDR"), path_length=None), critical=True)
    )  # fmt: skip
    return made.sign(signer or key, hashes.SHA256()), key


def _signer(papers: Path, name: str = "pass", key: str = "pass") -> apple.AppleSigner:
    return apple.load(papers / f"{name}.pem", papers / f"{key}.key", papers / "between.pem", NOW)


def _opened(packed: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program to verify with")
def test_the_signature_holds_for_an_independent_reader(papers: Path, tmp_path: Path) -> None:
    files = _opened(apple.pkpass(CARD, _signer(papers)))
    for name in ("manifest.json", "signature"):
        (tmp_path / name).write_bytes(files[name])

    def verified() -> int:
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "signature", "-content",
                   tmp_path / "manifest.json", "-CAfile", papers / "root.pem", "-purpose", "any", "-attime",
                   str(int(NOW.timestamp()))]  # fmt: skip
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert verified() == 0
    (tmp_path / "manifest.json").write_bytes(files["manifest.json"].replace(b"a", b"b"))
    assert verified() != 0


def test_a_pass_names_all_its_files_and_what_a_till_reads(papers: Path) -> None:
    files = _opened(apple.pkpass(CARD, _signer(papers)))
    manifest = json.loads(files["manifest.json"])
    assert set(manifest) == set(files) - {"manifest.json", "signature"}
    assert all(hashlib.sha1(files[name], usedforsecurity=False).hexdigest() == told for name, told in manifest.items())
    said = json.loads(files["pass.json"])
    assert (said["passTypeIdentifier"], said["teamIdentifier"]) == ("pass.com.example.member", "TEAM123456")
    assert (said["serialNumber"], said["organizationName"]) == ("1-60", "Toko “Senja”")
    assert said["barcodes"][0]["message"] == "00000018"
    assert "Free wrapping" in json.dumps(said["storeCard"]["backFields"])
    assert all(files[name].startswith(b"\x89PNG") for name in apple.ICONS)


@pytest.mark.parametrize(
    ("name", "key", "fault"),
    [("pass", "plain", "does not belong"), ("plain", "plain", "pass type"), ("old", "old", "ended"),
     ("none", "pass", "cannot be read")],
)  # fmt: skip
def test_papers_that_cannot_sign_are_refused(papers: Path, name: str, key: str, fault: str) -> None:
    with pytest.raises(BadCertificate, match=fault):
        _signer(papers, name, key)


def test_googles_link_is_signed_and_short_enough(papers: Path) -> None:
    signer = google.load("3388000000022", papers / "account.json")
    long = replace(CARD, benefits=["x" * 120] * 8)
    for card, told in ((CARD, True), (long, False)):
        link = google.save_link(card, signer, origin="https://tangga.example.com", now=NOW)
        assert len(link) <= LONGEST
        claims = jwt.decode(
            link.removeprefix(SAVE), signer.key.public_key(), algorithms=["RS256"], audience="google",
            options={"verify_iat": False},
        )  # fmt: skip
        (thing,) = claims["payload"]["genericObjects"]
        assert thing["barcode"] == {"type": "QR_CODE", "value": "00000018", "alternateText": "0000 0018"}
        assert thing["id"] == "3388000000022.1-60"
        assert ("benefits" in json.dumps(thing)) is told
    with pytest.raises(BadAccount):
        google.load("senja", papers / "account.json")
    with pytest.raises(BadAccount):
        google.load("3388000000022", papers / "pass.pem")


def test_buttons_stand_only_where_cards_can_be_made(
    app: Services, merchant: int, papers: Path, visitor: Visitor, full: str, crowd: int,
    serve: Callable[[Services], Flask], logged_in: Callable[[str], Visitor],
) -> None:  # fmt: skip
    assert "card.pkpass" not in visitor.get(full).get_data(as_text=True)
    assert [visitor.get(f"{full}/{path}").status_code for path in ("card.pkpass", "wallet")] == [404, 404]
    kept = visitor.get(f"{full}/wallet").text
    assert "0000 0018" in kept
    assert "/login" not in kept
    page = logged_in("viewer").get("/settings/wallet").get_data(as_text=True)
    assert "APPLE_PASS_CERTIFICATE" in page
    assert "GOOGLE_WALLET_ISSUER" in page
    told = {
        "apple_pass_certificate": papers / "pass.pem", "apple_pass_key": papers / "pass.key",
        "apple_intermediate_certificate": papers / "between.pem", "google_wallet_issuer": "3388000000022",
        "google_wallet_account": papers / "account.json",
    }  # fmt: skip
    ready = Visitor(serve(replace(app, settings=app.settings.model_copy(update=told))).test_client())
    assert "card.pkpass" in ready.get(full).get_data(as_text=True)
    with tenant(app.engine, merchant) as conn:
        brand.save(conn, merchant, color="#7A1F5C", logo=None, now=app.now())
    answer = ready.client.get(f"{full}/card.pkpass")
    assert answer.mimetype == "application/vnd.apple.pkpass"
    said = json.loads(_opened(answer.data)["pass.json"])
    assert said["barcodes"][0]["altText"] == "0000 0018"
    assert said["backgroundColor"] == "rgb(122, 31, 92)"
    assert said["storeCard"]["secondaryFields"][0]["value"] == "Pembeli"
    assert str(ready.get(f"{full}/wallet").location).startswith(SAVE)
    other = customer_token(app.settings.keys, CustomerLink(merchant, crowd - 1))
    assert ready.get(f"/c/{other}/card.pkpass").location == f"/c/{other}"
