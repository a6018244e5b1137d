"""Addresses as they go over the wire: to the domain that was meant, or not at all, with a reason that can be read."""

from __future__ import annotations

import pytest

from connectors.addresses import BadAddress, wire_address
from plugin_server.db.merchant.merchants import BadMerchant, checked_email


@pytest.mark.parametrize(
    ("given", "wire"),
    [
        (" a@example.com ", "a@example.com"),
        ("x@münchen.de", "x@xn--mnchen-3ya.de"),
        ("x@MÜNCHEN.de", "x@xn--mnchen-3ya.de"),
        ("x@пример.рф", "x@xn--e1afmkfd.xn--p1ai"),
        ("x@straße.de", "x@xn--strae-oqa.de"),
        ("x@STRAẞE.de", "x@xn--strae-oqa.de"),
        ("x@mail.faß.de", "x@mail.xn--fa-hia.de"),
        ("x@βόλος.com", "x@xn--nxasmm1c.com"),
        ("x@ex。ample．com", "x@ex.ample.com"),
        ("x@💩.la", "x@xn--ls8h.la"),
    ],
)
def test_a_domain_leads_where_its_owner_registered_it(given: str, wire: str) -> None:
    assert wire_address(given) == wire


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "There is no mail address."),
        ("a@b", "a@b is not a mail address."),
        ("a@straße", "a@straße is not a mail address."),
        ("a@b.com,c@d.com", "a@b.com,c@d.com is not a mail address."),
        ("a@example.com\r\nBcc: x@y.com", "a@example.com Bcc: x@y.com is not a mail address."),
        ("ü@example.com", "ü@example.com has letters before the @ that mail servers do not agree on."),
        ("\u202ea@example.com", "a@example.com has letters before the @ that mail servers do not agree on."),
        ("a@ex\u200dample.com", "a@ex\u200dample.com has a domain that does not exist."),
        ("a@" + "ß" * 70 + ".de", "a@" + "ß" * 57 + "… is not a mail address."),
        ("a@ü..de", "a@ü..de is not a mail address."),
    ],
)
def test_what_leads_nowhere_is_refused_with_a_readable_reason(given: str, reason: str) -> None:
    with pytest.raises(BadAddress) as refused:
        wire_address(given)
    assert str(refused.value) == reason


@pytest.mark.parametrize("given", ["ани@пример.рф", f"{'x' * 65}@example.com", "a@b", "a@example.com\r\nBcc: b@c.com"])
def test_a_form_refuses_what_no_mail_could_be_sent_to(given: str) -> None:
    with pytest.raises(BadMerchant, match=r"^email: "):
        checked_email(given)
    assert wire_address(checked_email("toko@münchen.example")) == "toko@xn--mnchen-3ya.example"
