"""Secrets open with any of the keys; links cannot be forged and survive a rotation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_server.vault import CustomerLink, customer_token, read_customer_token, seal, unseal

OLD, NEW = "o" * 32, "n" * 32


def test_what_an_old_key_sealed_opens_after_the_rotation() -> None:
    assert unseal((NEW, OLD), seal((OLD,), {"key": "ck_1"})) == {"key": "ck_1"}


def test_sealing_twice_gives_two_different_texts() -> None:
    assert seal((NEW,), {"a": 1}) != seal((NEW,), {"a": 1})


def test_without_the_right_key_nothing_opens() -> None:
    with pytest.raises(ValueError, match="SECRET_KEYS"):
        unseal((NEW,), seal((OLD,), {}))


@given(st.builds(CustomerLink, st.integers(1, 2**40), st.integers(1, 2**40), st.none() | st.integers(1, 2**40)))
def test_a_link_comes_back_as_it_was_made(link: CustomerLink) -> None:
    assert read_customer_token((NEW, OLD), customer_token((OLD,), link)) == link


@given(st.text(max_size=60))
def test_a_made_up_link_is_nobodys(token: str) -> None:
    assert read_customer_token((NEW,), token) is None


def test_a_link_of_one_server_is_nobodys_on_another() -> None:
    assert read_customer_token((NEW,), customer_token((OLD,), CustomerLink(1, 2))) is None
