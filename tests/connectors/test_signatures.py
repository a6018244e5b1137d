"""HMAC over raw bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.signatures import sign_hmac, verify_hmac

KNOWN = "5DIOeHovUD+acv5xipz5JBwMBbvCD6XWnTliGYZdtMQ="


def test_a_known_delivery() -> None:
    assert sign_hmac(b'{"id":187}', "rahasia-webhook-123") == KNOWN
    assert verify_hmac(b'{"id":187}', KNOWN, ["rahasia-webhook-123"])


def test_an_older_secret_still_holds() -> None:
    assert verify_hmac(b'{"id":187}', KNOWN, ["new", "rahasia-webhook-123"])


def test_an_empty_secret_never_holds() -> None:
    assert not verify_hmac(b"x", sign_hmac(b"x", ""), [""])


def test_no_secret_or_no_signature_never_holds() -> None:
    assert not verify_hmac(b"x", KNOWN, [])
    assert not verify_hmac(b"x", "", ["secret"])


def test_letters_beyond_ascii_are_refused_not_raised() -> None:
    assert not verify_hmac(b"x", "é\ud800", ["secret"])


@given(body=st.binary(), secret=st.text(min_size=1), other=st.binary())
def test_only_the_same_bytes_hold(body: bytes, secret: str, other: bytes) -> None:
    secret = secret.encode("utf-8", "replace").decode()
    assert verify_hmac(other, sign_hmac(body, secret), [secret]) == (body == other)
