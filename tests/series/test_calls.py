"""Webhooks of series: signed, repeated until they are taken, once for each person, and never to a private network."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.series import calls as series_calls
from plugin_server.vault import webhook_secrets
from tests.connectors.server import Answer, Asked, serving
from tests.series.conftest import House
from tests.series.definitions import OFFER, campaign


def verified(asked: Asked, secret: str, now: int) -> None:
    """As a receiver does it."""
    parts = dict(part.split("=", 1) for part in asked.headers["X-Tangga-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + asked.body
    assert int(parts["t"]) == now
    assert hmac.compare_digest(parts["v1"], hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest())


def test_each_delivery_is_signed_and_tells_of_one_customer(house: House) -> None:
    with serving(lambda _: Answer({})) as crm:
        hook = {"kind": "webhook", "key": "tell", "url": f"{crm.url}/hook?list=7"}
        house.begin(campaign({"kind": "offer", "offer": OFFER}, hook))
        assert series_calls.make(house.app, house.merchant) == 8
        assert series_calls.make(house.app, house.merchant) == 0
    secret = webhook_secrets(house.app.settings.keys, house.merchant)[0]
    for asked in crm.asked:
        verified(asked, secret, int(house.clock.now.timestamp()))
        assert asked.path == "/hook"
        assert asked.query == {"list": "7"}
    bodies = [json.loads(asked.body) for asked in crm.asked]
    codes = {spec.email: spec.code for spec in house.shop.codes.values()}
    assert {body["customer"]["email"]: body["offer"]["code"] for body in bodies} == codes
    assert {(body["campaign"], body["step"]) for body in bodies} == {("series", "tell")}
    assert len({asked.headers["X-Tangga-Delivery"] for asked in crm.asked}) == 8
    assert house.ask("SELECT DISTINCT state, status FROM series_call") == [("done", 200)]


def test_a_system_that_is_away_is_tried_again_and_one_that_refuses_is_not(house: House) -> None:
    answers = {"c1@example.com": 503, "c2@example.com": 404, "c3@example.com": 302}

    def answer(asked: Asked) -> Answer:
        return Answer({}, status=answers.get(asked.json["customer"]["email"], 204))

    with serving(answer) as crm:
        house.begin(campaign({"kind": "webhook", "url": crm.url}))
        series_calls.make(house.app, house.merchant)
        states = house.ask("SELECT customer_id, state, status FROM series_call WHERE customer_id < 5 ORDER BY 1")
        assert [tuple(row) for row in states] == [
            (1, "planned", 503), (2, "failed", 404), (3, "failed", 302), (4, "done", 204),
        ]  # fmt: skip
        for _ in range(8):
            house.walk(days=1)
            series_calls.make(house.app, house.merchant)
    tries = [asked for asked in crm.asked if asked.json["customer"]["email"] == "c1@example.com"]
    assert len(tries) == 6
    assert len({asked.headers["X-Tangga-Delivery"] for asked in tries}) == 1
    [given_up] = house.ask("SELECT state, detail FROM series_call WHERE customer_id = 1")
    assert tuple(given_up) == ("failed", "The other system answered 503.")


def test_a_call_lost_with_its_worker_is_made_again(house: House) -> None:
    with serving(lambda _: Answer({})) as crm:
        house.begin(campaign({"kind": "webhook", "url": crm.url}))
        house.do("UPDATE series_call SET state = 'sending', tries = 1, not_before = :at", at=house.clock.now)
        house.walk(minutes=3)
        assert series_calls.make(house.app, house.merchant) == 8
        assert len(crm.asked) == 8


def test_private_networks_are_refused_at_the_start_and_at_the_call(house: House) -> None:
    strict = replace(house.app, settings=house.app.settings.model_copy(update={"allow_private_hosts": False}))
    hook = {"kind": "webhook", "key": "tell", "url": "https://10.0.0.8/hook"}
    house.save(campaign(hook))
    with (
        tenant(house.app.engine, house.merchant) as conn,
        pytest.raises(Refused, match=r"tell: 10\.0\.0\.8 is on a pri"),
    ):
        runs.open_now(conn, house.merchant, "series", "test", house.app.now(), strict.settings)
    house.begin(campaign(hook))
    series_calls.make(strict, house.merchant)
    assert {row.state for row in house.ask("SELECT state FROM series_call")} == {"failed"}


def test_of_an_erased_customer_nothing_is_told(house: House) -> None:
    with serving(lambda _: Answer({})) as crm:
        house.begin(campaign({"kind": "webhook", "url": crm.url}))
        house.do("UPDATE customer SET erased_at = now()")
        series_calls.make(house.app, house.merchant)
    assert {tuple(asked.json["customer"]) for asked in crm.asked} == {("id",)}
