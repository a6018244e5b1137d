"""Every recorded read and error that our shop has a route for, asked again: status, error and shape must agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from plugin_server.demo.shop import running_shop
from tests.conftest import shared
from tests.demo.mirror import mirror
from tests.demo.shapes import differences

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

# Routes this shop does not serve, and requests that only make sense with the recorder's own keys.
_LEFT_OUT = {
    "rest-reads": {"reports_sales", "orders_statuses_count", "payment_gateways", "taxes", "shipping_zones",
                   "settings_tax", "analytics_customers_with_wc_key", "order_notes"},
    "errors": {"application_password", "application_password_wp_v2", "keys_in_query_https", "oauth1_bad_signature",
               "oauth1_ok_http", "shop_manager_coupon", "shop_manager_customer_put", "shop_manager_key_reads",
               "shop_manager_settings", "wc_key_on_wp_v2", "good_key_bad_secret", "offset_and_page",
               "basic_over_http", "keys_in_query_http", "customer_no_username_pw", "write_key_write",
               "options_orders"},
}  # fmt: skip
# Answers whose totals depend on what else was written into the recorded shop by then.
_LATER_STATE = {"head_orders", "read_key_read"}
_PARTIAL = {"system_status", "settings_general", "settings_currency", "index", "v3_namespace_index"}
_KEYS = {"rw": "rw", "r": "r", "w": "w", "customer": "customer"}


def _cases(folder: str) -> list[str]:
    root = Path(shared_or_none("contracts", "woocommerce", "recordings") or "/nowhere") / folder
    return sorted(path.stem for path in root.glob("*.json") if path.stem not in _LEFT_OUT[folder])


def shared_or_none(*parts: str) -> Path | None:
    try:
        return shared(*parts)
    except pytest.skip.Exception:
        return None


@pytest.fixture(scope="module")
def recordings() -> Path:
    return shared("contracts", "woocommerce", "recordings")


@pytest.fixture(scope="module")
def written_url(recordings: Path) -> Iterator[str]:
    """A shop apart for requests that change it."""
    with running_shop(mirror(recordings), tls=True, interval=60) as address:
        yield address


@pytest.fixture(scope="module")
def url(recordings: Path) -> Iterator[str]:
    with running_shop(mirror(recordings), tls=True, interval=60) as address:
        yield address


def ask(url: str, request: dict[str, Any]) -> requests.Response:
    """Send a recorded request to our shop."""
    key = _KEYS.get(request.get("key") or "", request.get("key"))
    body = request.get("body")
    data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    return requests.request(
        request["method"], url + request["path"], params=request.get("query_raw"), data=data, verify=False, timeout=10,
        auth=(f"ck_{key}", f"cs_{key}") if key else None, headers={"Content-Type": "application/json"} if data else {},
    )  # fmt: skip


def compare(name: str, recording: dict[str, Any], ours: requests.Response) -> None:
    """Status, totals, error code and message, and shape."""
    real = recording["response"]
    assert ours.status_code == real["status"], ours.text
    if real["body"] == "":
        return
    body = ours.json()
    if ours.status_code >= 400:
        assert {**body, "data": {}} == {**real["body"], "data": {}}
        assert body["data"] == real["body"]["data"]
        return
    assert differences(real["body"], body, partial=name in _PARTIAL or recording.get("body_trimmed", False)) == []
    if name not in _LATER_STATE:
        for header in ("X-WP-Total", "X-WP-TotalPages"):
            assert ours.headers.get(header) == real["headers"].get(header)


@pytest.mark.parametrize("name", _cases("rest-reads"))
def test_recorded_read(recordings: Path, url: str, name: str) -> None:
    recording = json.loads((recordings / "rest-reads" / f"{name}.json").read_text())
    compare(name, recording, ask(url, recording["request"]))


@pytest.mark.parametrize("name", _cases("errors"))
def test_recorded_error(recordings: Path, written_url: str, name: str) -> None:
    recording = json.loads((recordings / "errors" / f"{name}.json").read_text())
    compare(name, recording, ask(written_url, recording["request"]))


@pytest.mark.parametrize("name", ["orders_orderby_date", "orders_orderby_id", "orders_orderby_modified",
                                  "orders_customer", "orders_customer_0_guests", "orders_search", "orders_include",
                                  "orders_created_via", "orders_fields", "customers_search"])  # fmt: skip
def test_the_very_same_rows_come_in_the_same_order(recordings: Path, url: str, name: str) -> None:
    recording = json.loads((recordings / "rest-reads" / f"{name}.json").read_text())
    real = recording["response"]["body"]
    assert ask(url, recording["request"]).json()[: len(real)] == real
