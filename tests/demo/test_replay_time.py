"""The recorded life of one order and the forms of the date filters, asked again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from plugin_server.demo.shop import ShopState, running_shop
from plugin_server.demo.shop.model import Order
from tests.conftest import shared
from tests.demo.mirror import mirror
from tests.demo.shapes import differences
from tests.demo.test_replay_reads import ask

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

# Method, path below wc/v3 and whether the answer is compared by shape too; {id} is the order's.
_LIFE = (
    "create_order_minimal", "order_put_empty", "order_put_same", "order_put_meta", "note_create",
    "refund_create_partial", "order_trash", "order_trash_again", "order_untrash_by_put", "order_delete_force",
    "order_get_after_delete",
)  # fmt: skip
_DATE_FORMS = (
    "modified_after_bare_date", "modified_after_garbage", "modified_after_equal_gmt", "modified_after_equal_Z_gmt",
    "modified_after_equal_local", "modified_after_equal_offset", "modified_after_minus1s_Z",
    "modified_after_minus1s_Z_gmt", "modified_after_minus1s_gmt", "modified_after_minus1s_local",
    "modified_after_minus1s_offset", "modified_after_minus1s_offset_gmt", "modified_after_fraction",
    "modified_before_equal", "after_equal_gmt", "after_minus1s_gmt",
)  # fmt: skip


@pytest.fixture
def recordings() -> Path:
    return shared("contracts", "woocommerce", "recordings")


@pytest.fixture
def shop(recordings: Path) -> ShopState:
    return mirror(recordings)


@pytest.fixture
def url(shop: ShopState) -> Iterator[str]:
    with running_shop(shop, tls=True, interval=60) as address:
        yield address


def _recording(recordings: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((recordings / "time-and-paging" / f"{name}.json").read_text())
    return found


def test_the_life_of_an_order_goes_as_recorded(recordings: Path, url: str) -> None:
    ours_id = 0
    for name in _LIFE:
        recording = _recording(recordings, name)
        request = {**recording["request"], "path": recording["request"]["path"].replace("176", str(ours_id))}
        answer = ask(url, request)
        ours_id = ours_id or answer.json()["id"]
        _agree(name, recording["response"], answer)


def _agree(name: str, real: dict[str, Any], ours: requests.Response) -> None:
    assert ours.status_code == real["status"], (name, ours.text)
    if ours.status_code >= 400:
        assert ours.json() == real["body"], name
    else:
        assert differences(real["body"], ours.json(), name) == []


@pytest.mark.parametrize("name", _DATE_FORMS)
def test_a_date_filter_means_what_the_recording_says(recordings: Path, shop: ShopState, url: str, name: str) -> None:
    recording = _recording(recordings, name)
    for order in shop.orders.values():  # in the recording all of them were older than the two below
        order.modified = min(order.modified, datetime(2026, 11, 22, 6, 36, 30, tzinfo=UTC))
    for id, created, modified in ((176, 39, 42), (177, 40, 40)):
        seconds = [datetime(2026, 11, 22, 6, 36, second, tzinfo=UTC) for second in (created, modified)]
        shop.save(Order(id, "pending", seconds[0], seconds[1]))
    answer = ask(url, recording["request"])
    real = recording["response"]
    assert answer.status_code == real["status"]
    if answer.status_code == 400:
        assert answer.json() == real["body"]
    else:
        assert [row["id"] for row in answer.json()] == [row["id"] for row in real["body"]]


def test_a_zone_beside_the_gmt_flag_shifts_by_seven_hours(recordings: Path, url: str, shop: ShopState) -> None:
    """The table of modified_after_forms: which forms still see 27 orders changed just now."""
    forms = _recording(recordings, "modified_after_forms")
    now = shop.now()
    for order in shop.orders.values():
        order.modified = now if order.id <= 60 else now - timedelta(days=30)
    shop.version += 1
    visible = _count(url, (now - timedelta(hours=1)).isoformat()[:19] + "Z")
    for age, expected in forms.items():
        since = now - timedelta(hours=float(age.removeprefix("now-").removesuffix("h")))
        local = since + timedelta(hours=7)
        seen = {
            "naive+gmtflag": _count(url, since.isoformat()[:19], gmt=True),
            "Z": _count(url, since.isoformat()[:19] + "Z"),
            "Z+gmtflag": _count(url, since.isoformat()[:19] + "Z", gmt=True),
            "+00:00": _count(url, since.isoformat()[:19] + "+00:00"),
            "+00:00+gmtflag": _count(url, since.isoformat()[:19] + "+00:00", gmt=True),
            "naive": _count(url, local.isoformat()[:19]),
        }
        assert seen == {form: visible if count == "27" else "0" for form, count in expected.items()}, age


def _count(url: str, since: str, *, gmt: bool = False) -> str:
    params = {"modified_after": since, "_fields": "id", **({"dates_are_gmt": "true"} if gmt else {})}
    answer = requests.get(
        f"{url}/wp-json/wc/v3/orders", params=params, auth=("ck_rw", "cs_rw"), verify=False, timeout=5
    )
    return answer.headers["X-WP-Total"]
