"""Which addresses may be called."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from connectors.errors import ConnectorError, ForbiddenHost
from connectors.hosts import guard_url, is_public, undeliverable
from connectors.http import Http
from tests.connectors.server import Answer, serving

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::a00:1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14",
        "https://user:pw@93.184.215.14",
        "https://93.184.215.14:22",
        "https://127.0.0.1",
        "https://[::1]/",
        "https://localhost",
        "https://2130706433",
        "https://0x7f000001",
        "ftp://93.184.215.14",
        "https://",
        "https://shop\\@evil.example",
        "https://a b.example",
        "https://a.example:99999",
        "",
        "javascript:alert(1)",
    ],
)
def test_what_a_stranger_may_not_make_us_call(url: str) -> None:
    with pytest.raises(ForbiddenHost):
        guard_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("93.184.215.14", "https://93.184.215.14"),
        (" HTTPS://93.184.215.14:443/toko/?x=1#y ", "https://93.184.215.14/toko"),
    ],
)
def test_addresses_are_normalised(url: str, normal: str) -> None:
    assert guard_url(url, allow_private=False) == normal


def test_international_names_become_ascii() -> None:
    assert guard_url("https://Café.Example/", allow_private=False, resolve=False) == "https://xn--caf-dma.example"


def test_development_may_call_its_own_machine() -> None:
    assert guard_url("http://127.0.0.1:8081/", allow_private=True) == "http://127.0.0.1:8081"


def test_a_name_nobody_knows_is_told_so() -> None:
    with pytest.raises(ConnectorError, match="no computer called no-such-shop") as caught:
        guard_url("https://no-such-shop.invalid", allow_private=False)
    assert caught.value.code == "dns"


def test_a_name_that_leads_inside_is_refused_before_anything_is_sent() -> None:
    """DNS rebinding: whatever the name said before, the connected peer decides."""
    with serving(lambda asked: Answer([])) as server, pytest.raises(ForbiddenHost, match="private network"):
        Http(allow_private=False).get(server.url.replace("127.0.0.1", "localhost"))
    assert server.asked == []


def test_proxies_of_the_machine_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(lambda asked: Answer([1])) as server:
        assert Http(allow_private=True).get(server.url).json() == [1]


def test_look_up_answers_are_all_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One public address beside a private one is not enough."""

    def both(*args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(ForbiddenHost):
        guard_url("https://shop.example", allow_private=False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://tangga.example/webhooks/woocommerce/1", ""),
        ("http://tangga.example:8080/webhooks", ""),
        ("https://93.184.216.34/x", ""),
        ("https://tangga.example:8443/x", "ports 80, 443 and 8080 only, not to 8443"),
        ("http://127.0.0.1:8000/x", "public addresses only"),
        ("http://localhost/x", "public addresses only"),
        ("http://tangga.local/x", "public addresses only"),
        ("http://[::1]/x", "public addresses only"),
        ("http://server/x", "public addresses only"),
    ],
)
def test_where_shops_never_deliver_to(url: str, words: str) -> None:
    told = undeliverable(url)
    assert words in told
    assert bool(words) == bool(told)
