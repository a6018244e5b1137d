"""What commands print as JSON: the names that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin_server.demo.generator import generate
from plugin_server.demo.shop import ShopState, running_shop, stock
from plugin_server.wiring import utc_now
from tests.cli.conftest import Called, Read
from tests.data.making import Shop, order

KEY, SECRET = "ck_" + "1" * 40, "cs_" + "2" * 40
COUNTS = {"seen", "created", "updated", "unchanged"}
RULE = {"rule", "holds", "fact", "value", "sentence"}
NEWS = """
key: news
trigger: {kind: once}
guards: {quiet_hours: null}
message: {en: {subject: News, html: "<p>Hello {{ customer.first_name }}</p>"}}
"""


@pytest.fixture
def woo() -> Iterator[tuple[ShopState, str]]:
    """A WooCommerce shop of 40 contacts, and its address."""
    shop = ShopState()
    stock(shop, generate(seed=5, customers=40, now=utc_now().replace(microsecond=0)))
    shop.add_key(KEY, SECRET)
    with running_shop(shop, interval=60) as url:
        yield shop, url


def added(read: Read, url: str) -> dict[str, Any]:
    """The shop, connected."""
    found: dict[str, Any] = read("stores", "add", "woocommerce", "--url", url, "--key", KEY, "--secret", SECRET)
    return found


def test_merchants_add(read: Read) -> None:
    words = ("--email", "o@example.com", "--timezone", "UTC", "--currency", "EUR", "--locale", "nl")
    document = read("merchants", "add", "Bakkerij", *words)
    assert (set(document), document["name"]) == ({"id", "name"}, "Bakkerij")


def test_stores_add_woocommerce(woo: tuple[ShopState, str], read: Read) -> None:
    document = added(read, woo[1])
    assert set(document) >= {"id", "platform", "webhook_url", "webhooks", "checks"}
    assert document["webhook_url"].endswith(f"/webhooks/woocommerce/{document['id']}")
    assert {frozenset(hook) for hook in document["webhooks"]} == {frozenset({"topic", "state"})}
    assert {frozenset(check) for check in document["checks"]} == {frozenset({"name", "ok", "detail"})}


def test_stores_add_csv(read: Read) -> None:
    document = read("stores", "add", "csv", "--name", "Kasir")
    assert set(document) >= {"id", "platform", "webhook_url", "webhooks", "checks"}
    assert (document["platform"], document["webhooks"], document["checks"]) == ("csv", [], [])


def test_sync(woo: tuple[ShopState, str], read: Read) -> None:
    number = str(added(read, woo[1])["id"])
    document = read("sync", number, "--full")
    assert set(document) >= {"orders", "customers", "products", "seconds", "cursor"}
    assert {name: set(document[name]) for name in ("orders", "customers", "products")} == dict.fromkeys(
        ("orders", "customers", "products"), COUNTS
    )
    assert document["orders"]["created"] == len(woo[0].orders)


def test_a_connected_shop_takes_a_new_key_that_works_and_no_file_of_orders(
    woo: tuple[ShopState, str], call: Called, read: Read, tmp_path: Path
) -> None:
    shop, url = woo
    first = added(read, url)
    key, again = "ck_" + "3" * 40, ("stores", "add", "woocommerce", "--url", f"{url}/wp-admin/")
    code, _, err = call(*again, "--key", key, "--secret", SECRET)
    assert (code, "Nothing was stored" in err) == (2, True)
    shop.add_key(key, SECRET)
    assert read(*again, "--key", key, "--secret", SECRET)["id"] == first["id"]
    assert [store["url"] for store in read("stores", "list")] == [url]
    file = tmp_path / "old.csv"
    file.write_text("order_id,ordered_at,total\n1,2026-01-02,100\n")
    code, _, err = call("import", "orders", str(file), "--store", str(first["id"]))
    assert (code, "Make a store for files" in err) == (2, True)


def test_a_store_of_files_cannot_be_read(store: int, call: Called) -> None:
    code, out, err = call("sync", str(store))
    assert (code, out) == (2, "")
    assert f"Till is fed by files: tangga import orders FILE --store {store}" in err


def test_stores_confirm(woo: tuple[ShopState, str], read: Read, call: Called) -> None:
    number = str(added(read, woo[1])["id"])
    woo[0].base = "http://127.0.0.1:9"
    code, _, err = call("sync", number)
    assert (code, "tangga stores confirm" in err) == (1, True)
    code, _, err = call("stores", "confirm", number, "--address", "http://127.0.0.1:8")
    assert (code, "now tells http://127.0.0.1:9, not http://127.0.0.1:8" in err) == (2, True)
    document = read("stores", "confirm", number)
    assert document == {"id": int(number), "state": "connected", "fingerprint": "http://127.0.0.1:9"}
    assert read("sync", number)["orders"]["seen"] >= 0
    code, _, err = call("stores", "confirm", number)
    assert (code, "nothing is to be confirmed" in err) == (2, True)


def test_import_orders(store: int, read: Read, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,ordered_at,total,email\n1,2026-01-02T10:00:00Z,100,a@example.com\n2,2026-01-03,abc,\n")
    looked = [read("import", "orders", str(file), "--store", str(store), "--dry-run") for _ in range(2)]
    told = {"rows": 2, "orders": 1, "customers": 1, "created": 1, "known": 0, "rejected_count": 1, "dry_run": True}
    assert [{name: document[name] for name in told} for document in looked] == [told, told]
    assert (looked[0]["first_at"][:10], len(looked[0]["paid"])) == ("2026-01-02", 1)
    document = read("import", "orders", str(file), "--store", str(store))
    names = ("rows", "orders", "customers", "created", "updated", "rejected_count")
    assert [document[name] for name in names] == [2, 1, 1, 1, 0, 1]
    assert [set(reject) for reject in document["rejected"]] == [{"row", "reason"}]
    again = read("import", "orders", str(file), "--store", str(store), "--dry-run")
    assert (again["created"], again["known"], again["paid"]) == (0, 1, looked[0]["paid"])


def test_import_contacts(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text("email,name\na@example.com,Ani\nnope,Budi\n")
    looked = [read("import", "contacts", str(file), "--dry-run") for _ in range(2)]
    told = {"rows": 2, "customers": 1, "created": 1, "known": 0, "rejected_count": 1, "dry_run": True}
    assert [{name: document[name] for name in told} for document in looked] == [told, told]
    document = read("import", "contacts", str(file))
    names = ("rows", "orders", "customers", "created", "updated", "rejected_count")
    assert [document[name] for name in names] == [2, 0, 1, 1, 0, 1]
    assert [set(reject) for reject in document["rejected"]] == [{"row", "reason"}]
    again = read("import", "contacts", str(file), "--dry-run")
    assert (again["created"], again["known"]) == (0, 1)


@pytest.fixture
def buyer(shop: Shop, read: Read) -> str:
    """Somebody who bought once."""
    shop.take(order("1"))
    read("ladder", "recompute")
    return "ani@example.com"


def test_ladder_explain(buyer: str, read: Read) -> None:
    document = read("ladder", "explain", buyer)
    assert set(document) >= {"email", "rung", "since", "activity", "because", "next"}
    assert (document["email"], document["rung"], document["next"]["rung"]) == (buyer, "shopper", "customer")
    assert all(set(rule) >= RULE for rule in document["because"] + document["next"]["missing"])
    assert document["next"]["missing"][0]["holds"] is False


def test_ladder_counts_history_and_simulate(buyer: str, read: Read) -> None:
    counts = read("ladder", "counts")
    assert set(counts) >= {"as_of", "ladder", "rungs", "activity"}
    assert all(set(rung) >= {"key", "name", "count", "share"} for rung in counts["rungs"])
    assert set(counts["activity"]) == {"active", "cooling", "lapsed", "none"}
    months = read("ladder", "history")["months"]
    assert all(set(month) >= {"month", "moves", "counts"} for month in months)
    assert set(months[0]["moves"][0]) >= {"from", "to", "count"}
    found = read("ladder", "simulate")
    assert set(found["headline"]) >= {"extra_orders", "extra_revenue", "extra_margin"}
    assert set(found) >= {"headline", "upper_bound", "per_rung"}


def test_audit(buyer: str, read: Read) -> None:
    document = read("audit")
    assert set(document) >= {
        "customers", "orders", "revenue", "average_order", "orders_per_customer", "repeat_rate", "existing_share",
        "months", "cohorts", "gap_days", "first_to_second_median_days", "top_decile_revenue_share",
        "window_retention", "guests",
    }  # fmt: skip
    assert set(document["gap_days"]) == {"median", "p80", "p90", "p95"}
    assert set(document["orders_per_customer"]) == {"1", "2", "3-4", "5-9", "10+"}
    assert document["revenue"] == {"amount": "100.00", "currency": "IDR"}
    assert set(document["months"][0]) >= {
        "month", "new_revenue", "existing_revenue", "existing_share", "retention", "buyers", "flagged_incomplete"
    }  # fmt: skip
    assert set(document["cohorts"][0]) >= {"month", "size", "active"}
    assert set(document["window_retention"]) >= {"days", "value"}
    assert set(document["guests"]) >= {"orders", "revenue"}


def test_campaigns_run_and_results(buyer: str, read: Read, tmp_path: Path) -> None:
    file = tmp_path / "news.yaml"
    file.write_text(NEWS)
    read("campaigns", "add", str(file))
    assert set(read("campaigns", "run", "news")) >= {"run", "audience", "treated", "holdout", "excluded", "messages"}
    document = read("campaigns", "results", "news")
    assert set(document["arms"]) == {"treated", "holdout"}
    assert set(document["offers"]) >= {"issued", "redeemed", "released"}
    assert all({"difference", "low", "high"} <= set(item) for item in document["differences"].values() if item)
    assert set(document) >= {"differences", "movement", "figures"}


THANKS = """
key: lebaran-thanks
name: Lebaran thank-you
trigger: {kind: holiday, holiday: eid_al_fitr, offsets_days: [-14, -3], at: "09:00"}
audience: {rungs: [shopper, customer], rule: null, topic: promotions}
offer: {kind: percentage, value: "10", minimum: "100000", valid_days: 14, budget: "5000000"}
message:
  en: {subject: "A thank-you, {{ customer.first_name | default: 'friend' }}", preheader: "For you", mjml: "%s"}
  id: {subject: Terima kasih, blocks: [{kind: text, text: "Halo {{ offer.code }}"}]}
guards: {quiet_hours: {from: "21:00", to: "08:00"}, frequency_cap: {messages: 2, days: 7}, margin_floor: true}
measure: {goal: order, window_days: 14, holdout: 0.1}
"""
TEXT = "<mj-section><mj-column><mj-text>{{ offer.code }}</mj-text></mj-column></mj-section>"


def test_every_key_of_a_campaign_file_is_kept_as_it_was_named(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "thanks.yaml"
    file.write_text(THANKS % f"<mjml><mj-body>{TEXT}</mj-body></mjml>")
    read("campaigns", "add", str(file))
    kept = read("campaigns", "show", "lebaran-thanks")["campaign"]
    for part, keys in yaml.safe_load(file.read_text()).items():
        held = kept[part]
        assert (set(keys) <= set(held)) if isinstance(keys, dict) else (keys == held), part
    assert kept["trigger"]["offsets_days"] == [-14, -3]
    assert (kept["guards"]["frequency_cap"]["messages"], kept["guards"]["margin_floor"]) == (2, True)
    assert (kept["offer"]["minimum"], kept["offer"]["budget"]) == ("100000", "5000000")


def test_a_store_s_status_is_told_in_lines_and_as_json(call: Called, read: Read, store: int) -> None:
    code, out, _ = call("stores", "status", str(store))
    assert code == 0
    assert out.splitlines()[1:] == [
        "Connection: not looked at yet",
        "Last reading: never read",
        "Inbox: 0 waiting, 0 failed",
    ]
    assert "Till" in out
    assert read("stores", "status", str(store))["inbox"] == {"waiting": 0, "failed": 0}
