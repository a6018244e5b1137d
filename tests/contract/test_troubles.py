"""What every store promises when things go wrong: patience within bounds, and then a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import Page, TagChange
from connectors.errors import ConnectorError
from connectors.types import CodeSpec, DiscountKind
from plugin_server.demo.shop.faults import Broken, CutJson, Fault, HalfPage, Html, Moved, Throttle
from plugin_server.wiring import beyond
from tests.contract.conftest import NOW
from tests.contract.counters import Counter
from tests.contract.test_reading import LONG_AGO, read

BOUND = 25
"""No read asks the same thing more often than this."""


@pytest.mark.parametrize("fault", [HalfPage(), CutJson(), Throttle(1), Throttle(None), Broken(503)])
def test_a_read_survives_what_passes(shop: Counter, fault: Fault) -> None:
    shop.spoil("orders", fault, times=2)
    assert set(read(shop.store, LONG_AGO)) >= shop.orders()


@pytest.mark.parametrize("fault", [Html(), Throttle(1), Throttle(None), Broken(500), HalfPage()])
def test_what_does_not_pass_is_named_after_a_few_tries(shop: Counter, fault: Fault) -> None:
    before = shop.asked("orders")
    shop.spoil("orders", fault, times=1000)
    with pytest.raises(ConnectorError) as caught:
        read(shop.store, LONG_AGO)
    assert len(caught.value.sentence) > 20
    assert shop.asked("orders") - before <= BOUND


def test_dead_credentials_are_named_and_not_tried_for_ever(shop: Counter) -> None:
    shop.cut_off()
    with pytest.raises(ConnectorError) as caught:
        shop.store.info()
    assert caught.value.permanent
    with pytest.raises(ConnectorError) as caught:
        read(shop.store, LONG_AGO)
    assert caught.value.permanent
    assert shop.asked("orders") <= BOUND
    bad = [check for check in shop.store.checks() if not check.ok]
    assert bad
    assert all(len(check.detail) > 20 for check in bad)


def _json(body: str) -> Broken:
    return Broken(200, body, "application/json")


NONSENSE = [
    Html(), _json(""), CutJson(), HalfPage(), Moved("{path}"), Moved("http://169.254.169.254/latest"), _json("null"),
    _json("{}"), _json('{"data": {}}'), _json('{"errors": [7]}'), _json("[" * 100_000),
    _json('{"data": NaN}'), _json("<br /><b>Warning</b>: Undefined index"),
]  # fmt: skip
"""What stands between a shop and us, or a plugin in it, answers instead of the shop."""


def _everything(shop: Counter) -> dict[str, Callable[[], object]]:
    """Each way of reading and of writing, on something that is there."""
    store, hooks = shop.store, "http://127.0.0.1:9/hook"
    number, email = shop.accounts()[0]
    spec = CodeSpec("TST-1", DiscountKind.PERCENTAGE, Decimal(10), "IDR", email, NOW + timedelta(days=9))

    def walk(pages: Iterable[Page[Any]]) -> list[Any]:
        return [item for page in pages for item in page.items]

    return {
        "info": store.info,
        "orders": lambda: walk(store.orders(since=None)),
        "changed orders": lambda: walk(store.orders(since=NOW - timedelta(days=3))),
        "order": lambda: store.order(sorted(shop.orders())[0]),
        "order ids": lambda: walk(store.order_ids()),
        "customers": lambda: walk(store.customers(since=None)),
        "customer": lambda: store.customer(number),
        "products": lambda: walk(store.products(since=None)),
        "categories": lambda: walk(store.categories()),
        "codes": lambda: [_refused(result.error) for result in store.create_codes([spec])],
        "revoking": lambda: store.revoke_codes(["999999"]),
        "rungs": lambda: store.write_rungs({number: ("shopper", "Shopper")}),
        "tags": lambda: beyond(store).write_tags({number: TagChange(("vip",), (), ("vip",))}),
        "webhooks": lambda: store.ensure_webhooks(url=hooks, secret="geheim"),
        "states": lambda: store.webhook_states(url=hooks),
    }


def _refused(error: str | None) -> None:
    if error:
        raise ConnectorError(error)


def test_nonsense_never_counts_as_an_answer_and_changes_nothing(shop: Counter) -> None:
    """Every way of reading and writing meets every kind of it: a sentence each, and no word of what is not so."""
    codes = shop.codes()
    for name, act in _everything(shop).items():
        for fault in NONSENSE:
            with shop.faults.always(fault), pytest.raises(ConnectorError) as caught:
                pytest.fail(f"{name} takes {fault} for an answer: {act()!r}")
            assert len(caught.value.sentence) > 15, (name, fault)
    assert shop.codes() == codes
