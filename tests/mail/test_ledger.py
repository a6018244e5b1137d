"""The message states: one table, and reports that may come twice, late and in any order."""

from __future__ import annotations

from itertools import pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.mail.ledger import ENDED, TRANSITIONS, MessageState, allowed, settle
from connectors.mail_types import DeliveryKind

S = MessageState
K = DeliveryKind


def test_the_states_are_the_words_of_the_interface() -> None:
    words = "planned claimed sending accepted delivered bounced dropped complained skipped failed in_doubt"
    assert {str(state) for state in S} == set(words.split())
    assert set(TRANSITIONS) == set(S)


@pytest.mark.parametrize(
    ("from_", "to"),
    [
        (S.PLANNED, S.SENDING),  # nothing is sent that was not claimed
        (S.CLAIMED, S.IN_DOUBT),  # nothing left the house yet
        (S.ACCEPTED, S.SENDING),  # an accepted mail is never sent again, unless it was called back and planned anew
        (S.DELIVERED, S.PLANNED),
        (S.IN_DOUBT, S.SENDING),  # never blindly sent again: it goes through planned and claimed
        (S.DELIVERED, S.ACCEPTED),
        (S.COMPLAINED, S.DELIVERED),
        (S.FAILED, S.PLANNED),
        (S.SKIPPED, S.CLAIMED),
    ],
)
def test_what_must_never_happen(from_: MessageState, to: MessageState) -> None:
    assert not allowed(from_, to)


@pytest.mark.parametrize("path", ["planned claimed sending accepted delivered complained",
                                  "planned claimed planned claimed sending in_doubt accepted bounced",
                                  "planned claimed sending planned claimed sending failed",
                                  "planned claimed sending in_doubt planned delivered",
                                  "planned claimed sending accepted planned claimed sending accepted"])  # fmt: skip
def test_lives_of_a_message(path: str) -> None:
    states = [S(word) for word in path.split()]
    assert all(allowed(before, after) for before, after in pairwise(states))


def test_settling_never_leaves_the_table() -> None:
    for state, kind in product(S, K):
        after = settle(state, kind)
        assert after == state or allowed(state, after), (state, kind, after)


@given(st.sampled_from(S), st.lists(st.sampled_from(K), max_size=4))
def test_order_and_copies_of_reports_make_no_difference(start: MessageState, kinds: list[DeliveryKind]) -> None:
    ends = set()
    for order in permutations(kinds + kinds[:1]):
        state = start
        for kind in order:
            state = settle(state, kind)
        ends.add(state)
    assert len(ends) <= 1 or not kinds


@pytest.mark.parametrize(
    ("state", "kind", "after"),
    [
        (S.SENDING, K.PROCESSED, S.ACCEPTED),
        (S.ACCEPTED, K.DEFERRED, S.ACCEPTED),
        (S.IN_DOUBT, K.DELIVERED, S.DELIVERED),
        (S.DELIVERED, K.PROCESSED, S.DELIVERED),
        (S.DELIVERED, K.BOUNCED, S.BOUNCED),
        (S.BOUNCED, K.DELIVERED, S.BOUNCED),
        (S.ACCEPTED, K.CLICKED, S.DELIVERED),
        (S.PLANNED, K.DELIVERED, S.DELIVERED),
        (S.DELIVERED, K.COMPLAINED, S.COMPLAINED),
        (S.ACCEPTED, K.UNKNOWN, S.ACCEPTED),
        (S.SENDING, K.ACCOUNT, S.SENDING),
    ],
)
def test_settle(state: MessageState, kind: DeliveryKind, after: MessageState) -> None:
    assert settle(state, kind) is after


def test_no_work_follows_on_an_end() -> None:
    for end in ENDED:
        assert not TRANSITIONS[end] & {S.PLANNED, S.CLAIMED, S.SENDING, S.IN_DOUBT}
