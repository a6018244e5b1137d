"""`tangga customers`: a merge by hand, its undoing, and what is refused."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Called, Read
from tests.data.making import Shop, order


@pytest.fixture
def two(shop: Shop) -> tuple[int, int]:
    """Two customers who are one person, with an order each."""
    shop.take(order("1", email="a@example.com"), order("2", email="b@example.com"))
    (a,), (b,) = shop.rows("SELECT id FROM customer ORDER BY email_norm")
    return a, b


def standing(shop: Shop) -> list[tuple[object, ...]]:
    """Address, orders and rung of each living customer."""
    return list(
        shop.rows(
            "SELECT c.email_norm, f.orders, f.rung FROM customer c JOIN customer_facts f ON f.customer_id = c.id "
            "WHERE c.merged_into IS NULL ORDER BY 1"
        )
    )


def test_a_merge_moves_the_orders_and_the_rung_follows(shop: Shop, two: tuple[int, int], read: Read) -> None:
    done = read("customers", "merge", "A@example.com", "b@example.com", "--reason", "told us so")
    assert (done["winner"], done["loser"]) == two
    assert standing(shop) == [("a@example.com", 2, "customer")]
    assert shop.rows("SELECT reason, merged_by FROM customer_merge") == [("told us so", "command line")]
    assert shop.rows("SELECT actor, action, subject FROM audit_log WHERE action LIKE 'customers%'") == [
        ("command line", "customers_merged", "A@example.com")
    ]


@pytest.mark.parametrize("by_number", [True, False])
def test_a_merge_is_undone_by_number_or_address(shop: Shop, two: tuple[int, int], read: Read, by_number: bool) -> None:
    done = read("customers", "merge", "a@example.com", "b@example.com")
    which = str(done["merge"]) if by_number else "b@example.com"
    assert read("customers", "unmerge", which) == done
    assert standing(shop) == [("a@example.com", 1, "shopper"), ("b@example.com", 1, "shopper")]
    assert shop.rows("SELECT action FROM audit_log WHERE action LIKE 'customers%' ORDER BY id DESC LIMIT 1") == [
        ("customers_unmerged",)
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("merge", "a@example.com", "x@example.com"), "No customer has the address 'x@example.com'."),
        (("merge", "a@example.com", "a@example.com"), "Both must be there"),
        (("unmerge", "b@example.com"), "'b@example.com' was merged into nobody"),
        (("unmerge", "77"), "There is no merge 77"),
        (("unmerge", "9" * 30), "was merged into nobody"),
    ],
)
def test_what_cannot_be_merged_is_refused_and_nothing_happens(
    shop: Shop, two: tuple[int, int], call: Called, words: tuple[str, ...], said: str
) -> None:
    code, out, err = call("customers", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert shop.rows("SELECT count(*) FROM customer_merge") == [(0,)]


def test_who_was_merged_away_is_told_into_whom(shop: Shop, two: tuple[int, int], call: Called) -> None:
    call("customers", "merge", "a@example.com", "b@example.com")
    code, _, err = call("customers", "merge", "b@example.com", "a@example.com")
    assert (code, err) == (2, "tangga: b@example.com was merged into a@example.com already.\n")
