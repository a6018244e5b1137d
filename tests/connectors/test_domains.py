"""A sender's domain, asked of a name server on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from connectors.domains import leads_to, standing
from connectors.mail_types import Standing

Zone = dict[str, str]


@pytest.fixture
def ask() -> Iterator[Callable[[Zone], dns.resolver.Resolver]]:
    """A resolver whose only server answers TXT from a zone; names that end in ``silent.`` get no answer."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("127.0.0.1", 0))
    zone: Zone = {}

    def serve() -> None:
        while True:
            try:
                data, whence = line.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            question = dns.message.from_wire(data)
            name = question.question[0].name
            if name.to_text().endswith("silent."):
                continue
            answer = dns.message.make_response(question)
            told = zone.get(name.to_text().rstrip("."))
            if told is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                kind = "MX" if question.question[0].rdtype == dns.rdatatype.MX else "TXT"
                values = told.split(", ") if kind == "MX" else [f'"{told}"']
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *values))
            line.sendto(answer.to_wire(), whence)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def make(given: Zone) -> dns.resolver.Resolver:
        zone.update(given)
        made = dns.resolver.Resolver(configure=False)
        made.nameservers, made.port = ["127.0.0.1"], line.getsockname()[1]
        return made

    yield make
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"", line.getsockname())
    thread.join(2)
    line.close()


GOOD = {
    "toko.example": "v=spf1 include:sendgrid.net ~all", "s1._domainkey.toko.example": "k=rsa; p=MIGf",
    "_dmarc.toko.example": "v=DMARC1; p=none",
}  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "domain", "found", "good"),
    [
        (GOOD, "toko.example", Standing(True, True, True), True),
        (GOOD, "mail.toko.example", Standing(False, False, True), False),
        ({"_dmarc.a.example": "v=DMARC1", "a.example": "v=spf1 -all"}, "a.example", Standing(True, False, True), True),
        ({"b.example": "v=spf1 -all"}, "b.example", Standing(True, False, False), False),
        ({}, "nobody.example", Standing(False, False, False), False),
        ({}, "mail.silent", Standing(None, None, None), None),
    ],
)  # fmt: skip
def test_what_receivers_would_find(
    ask: Callable[[Zone], dns.resolver.Resolver], zone: Zone, domain: str, found: Standing, good: bool | None
) -> None:
    seen = standing(domain, resolver=ask(zone), patience=0.3)
    assert (seen, seen.good) == (found, good)


@pytest.mark.parametrize(
    ("zone", "host", "found"),
    [
        ({"r.example": "10 mx.sendgrid.net."}, "mx.sendgrid.net", True),
        ({"r.example": "10 MX.SendGrid.net."}, "mx.sendgrid.net", True),
        ({"r.example": "10 mx.sendgrid.net., 20 mail.r.example."}, "mx.sendgrid.net", False),
        ({"r.example": "10 mail.r.example."}, "mx.sendgrid.net", False),
        ({"r.example": "10 mail.r.example."}, "", True),
        ({"r.example": "0 ."}, "", False),
        ({}, "mx.sendgrid.net", False),
    ],
)
def test_where_mail_to_a_domain_goes(
    ask: Callable[[Zone], dns.resolver.Resolver], zone: Zone, host: str, found: bool
) -> None:
    assert leads_to("r.example", host, resolver=ask(zone), patience=0.3) is found
    assert leads_to("r.silent", host, resolver=ask(zone), patience=0.1) is None
