"""Over https: the certificate counts, and the keys travel as Basic authentication."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.errors import ConnectorError
from connectors.woocommerce import connect
from tests.connectors.server import Answer, Asked, serving
from tests.connectors.woocommerce.shop import KEY, SECRET, error


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody but itself vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def basic(asked: Asked) -> Answer:
    wanted = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    good = asked.headers.get("Authorization") == wanted
    return Answer([]) if good else error(401, "woocommerce_rest_cannot_view")


def test_a_certificate_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with serving(basic, certificate) as server, pytest.raises(ConnectorError, match="certificate") as caught:
        list(connect(server.url, KEY, SECRET, allow_private=True, sleep=pytest.fail).categories())
    assert caught.value.code == "tls"
    assert server.asked == []


def test_development_may_accept_it_and_the_keys_travel_encrypted(certificate: Path) -> None:
    with serving(basic, certificate) as server:
        assert list(connect(server.url, KEY, SECRET, allow_private=True, tls_verify=False).categories()) == []
    assert server.asked[0].query.keys() == {"orderby", "order", "_fields", "per_page", "page"}
