"""Over https: the certificate counts, and the keys travel as Basic authentication."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from connectors.errors import ConnectorError
from connectors.woocommerce import connect
from tests.connectors.certificate import certificate_of
from tests.connectors.server import Answer, Asked, serving
from tests.connectors.woocommerce.shop import KEY, SECRET, error


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody but itself vouches for, with its key."""
    return certificate_of(tmp_path_factory.mktemp("tls"))


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
