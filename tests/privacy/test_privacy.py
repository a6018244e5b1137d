"""Erasing really erases, export is complete, and no table can be forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from plugin_server.db.customers.erasure import Family
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.merchant import merchants
from plugin_server.db.models import Base
from plugin_server.db.personal import HELD, NOBODY
from plugin_server.db.session import tenant
from plugin_server.jobs import privacy
from plugin_server.jobs.consequences import follow
from plugin_server.wiring import Services
from tests.cli.conftest import Called, call, read
from tests.data.making import NOW, Shop, account, order
from tests.privacy.conftest import EMAIL, MARKS, SECOND

__all__ = ["call", "read"]
TABLES = Base.metadata.tables


def test_every_column_of_the_schema_is_spoken_for() -> None:
    """Red? A table or column is new: say in db/personal.py whether it names a customer, and what erasing does."""
    assert set(TABLES) == {held.table for held in HELD} | set(NOBODY)
    assert not {held.table for held in HELD} & set(NOBODY)
    for held in HELD:
        columns = {column.name for column in TABLES[held.table].c}
        if held.deleted:
            assert not held.wiped, held.table
        elif not held.locked or held.wiped:
            assert set(held.wiped) | held.kept == columns, held.table
            assert not set(held.wiped) & held.kept, held.table


def test_the_trace_is_everywhere(dump: Callable[[], str], ani: int) -> None:
    """Else the test of erasing would prove little: each table with personal data names her before."""
    named = {line.partition(":")[0] for line in dump().splitlines() if any(mark in line for mark in MARKS)}
    # Marked by a word that no mark is made of, or emptied by another rule: the test of the export looks at those.
    others = {"customer_contact", "customer_outlook", "privacy_request", "inbound_event"}
    assert {held.table for held in HELD if held.wiped or held.deleted} - others <= named


def figures(app: Services, merchant: int) -> Any:
    with tenant(app.engine, merchant) as connection:
        return connection.execute(
            text(
                "SELECT count(*), sum(net_minor), count(customer_id), (SELECT count(*) FROM order_line), "
                "(SELECT sum(orders) FROM customer_facts), (SELECT sum(spend_minor) FROM customer_facts), "
                "(SELECT count(*) FROM message), (SELECT count(*) FROM redemption) FROM shop_order"
            )
        ).one()


def test_erasing_leaves_nothing_that_names_her_and_every_figure(
    app: Services, merchant: int, ani: int, dump: Callable[[], str]
) -> None:
    before = figures(app, merchant)
    with tenant(app.engine, merchant) as connection:
        found = privacy.by_email(connection, " ANI.rahasia@example.com ")
    done = privacy.erased(app, merchant, found, by="owner@example.com")
    left = [line for line in dump().splitlines() if any(mark in line for mark in MARKS)]
    assert left == []
    assert figures(app, merchant) == before
    assert done["customer"] == 2
    everything = dump()
    assert "budi@example.com" in everything
    assert '"action": "login"' in everything
    assert f'"subject": "customer {ani}"' in everything
    with tenant(app.engine, merchant) as connection:
        states = connection.scalars(text("SELECT state FROM message ORDER BY id")).all()
    assert states == ["bounced", "skipped"], "what was planned for her is not sent"


def test_an_export_holds_all_that_erasing_takes(app: Services, merchant: int, ani: int) -> None:
    document = privacy.exported(app, merchant, [ani], by="owner@example.com")
    told = {held.table for held in HELD if held.told} - {"order_refund", "customer_contact", "customer_habits"}
    assert told <= set(document["data"])
    assert len(document["data"]["shop_order"]) == 2
    assert len(document["data"]["customer"]) == 2
    everything = json.dumps(document).lower()
    for mark in (*MARKS, SECOND, "m-rahasia", "tag-rahasia", "rahasia-form", "i am ani"):
        assert mark in everything, mark
    assert "budi" not in everything
    assert "merchant_id" not in everything


def bring(app: Services, merchant: int, shop: Shop, *orders: Any) -> None:
    with tenant(app.engine, merchant) as connection:
        done = ingest_orders(connection, merchant_id=merchant, store_id=shop.store, orders=list(orders), now=NOW)
        follow(connection, merchant_id=merchant, done=done, now=NOW)


def living(app: Services, merchant: int) -> int:
    with tenant(app.engine, merchant) as connection:
        return int(
            connection.scalar(text("SELECT count(*) FROM customer WHERE erased_at IS NULL AND merged_into IS NULL"))
            or 0
        )


def test_what_the_shop_tells_again_stays_erased_and_a_new_order_is_a_new_person(
    app: Services, merchant: int, shop: Shop, ani: int, dump: Callable[[], str]
) -> None:
    privacy.erased(app, merchant, [ani], by="owner@example.com")
    rows = figures(app, merchant)
    with tenant(app.engine, merchant) as connection:
        people = connection.scalar(text("SELECT count(*) FROM customer"))
    old = order("1", email=EMAIL, name="Ani Rahasia", customer_external_id="7", raw_status="changed", updated_at=NOW)
    bring(app, merchant, shop, old, order("9", email=EMAIL, name="Ani Rahasia"))
    told = shop.know(account("7", EMAIL, last_name="Rahasia"), account("8", None, last_name="Rahasia"))
    with tenant(app.engine, merchant) as connection:
        follow(connection, merchant_id=merchant, done=told, now=NOW)
    assert [line for line in dump().splitlines() if "rahasia" in line] == []
    assert figures(app, merchant)[0] == rows[0] + 1
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM customer")) == people
        assert connection.scalar(text("SELECT customer_id FROM shop_order WHERE external_id = '1'")) == ani
    assert living(app, merchant) == 1
    bring(app, merchant, shop, order("10", email=EMAIL, name="Ani Rahasia", placed_at=NOW + timedelta(hours=1)))
    assert living(app, merchant) == 2
    assert EMAIL in dump()


def test_another_business_keeps_its_own_customer(
    app: Services, merchant: int, ani: int, dump: Callable[[], str]
) -> None:
    other = merchants.add(app.engine, name="Other", email="o@example.com", timezone="UTC", currency="IDR", locale="en")
    with tenant(app.engine, other) as connection:
        connection.execute(
            text("INSERT INTO customer (merchant_id, email, email_norm) VALUES (:m, :e, :e)"), {"m": other, "e": EMAIL}
        )
        connection.execute(
            text("INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at) "
                 "VALUES (:m, :c, 'subscribed', 'rahasia', now())"), {"m": other, "c": ani},
        )  # fmt: skip
    privacy.erased(app, merchant, [ani], by="owner@example.com")
    left = [line.partition(":")[0] for line in dump().splitlines() if "rahasia" in line]
    assert sorted(left) == ["consent", "customer"]


def test_the_command_shows_and_erases(
    app: Services, merchant: int, ani: int, call: Called, tmp_path: Path, dump: Callable[[], str]
) -> None:
    file = tmp_path / "ani.json"
    code, out, _ = call("privacy", "export", EMAIL, "--out", str(file), "--json")
    assert (code, json.loads(out)["rows"]["shop_order"]) == (0, 2)
    assert "rahasia" in file.read_text().lower()
    code, out, _ = call("privacy", "erase", EMAIL, "--json")
    assert (code, json.loads(out)["rows"]["shop_order"]) == (0, 2)
    assert "rahasia" not in dump()
    code, out, err = call("privacy", "erase", EMAIL, "--yes")
    assert (code, out) == (2, "")
    assert "No customer has the address" in err


@pytest.mark.parametrize("needle", ["a@b.c", "0800"])
def test_short_texts_are_not_searched_for_in_free_text(needle: str) -> None:
    assert Family((1,), (needle,), (needle,), ()).values["needles"] == []
