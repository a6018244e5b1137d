"""The API: who may call, what it answers, and that its description is exact."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from sqlalchemy import text
from werkzeug.test import TestResponse

from campaigns.recipes import holiday_discount
from plugin_server.cli import cli
from plugin_server.db.campaigning import campaigns
from plugin_server.db.ladder import facts, segments
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.merchant import api_keys, merchants
from plugin_server.db.session import tenant
from plugin_server.web.api.door import A_MINUTE
from plugin_server.wiring import Services
from tests.campaigns.refused import REFUSED, documents, stock
from tests.web.conftest import Clock, Visitor
from tests.web.test_browser import CROWD


@dataclass
class Program:
    """Something that calls with a key."""

    client: FlaskClient
    key: str

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.key}"})

    def post(self, path: str, document: Any) -> TestResponse:
        return self.client.post(f"/api/v1{path}", json=document, headers={"Authorization": f"Bearer {self.key}"})


@pytest.fixture
def program(app: Services, merchant: int, visitor: Visitor) -> Callable[..., Program]:
    app.redis.flushdb()

    def make(*scopes: str, of: int | None = None) -> Program:
        whose = of or merchant
        with tenant(app.engine, whose) as connection:
            _, key = api_keys.make(connection, whose, name="Till", scopes=scopes or ("read",), by="o@example.com")
        return Program(visitor.client, key)

    return make


@pytest.fixture
def crowd(app: Services, merchant: int, woo: int) -> int:
    with tenant(app.engine, merchant) as connection:
        for statement in CROWD:
            connection.execute(text(statement), {"m": merchant, "s": woo, "now": app.now()})
        facts.refresh(connection, merchant_id=merchant, customer_ids=None, now=app.now())
        ladder.climb(connection, merchant_id=merchant, customer_ids=None, now=app.now())
        found: int = connection.scalar(text("SELECT id FROM customer WHERE email_norm = 'c60@example.com'"))
        return found


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.get_json()["title"]


def test_without_a_good_key_nobody_learns_anything(
    app: Services, merchant: int, program: Callable[..., Program]
) -> None:
    good = program()
    for key in ("", "tangga_guessed", good.key + "x", good.key[:-1]):
        answer = Program(good.client, key).get("/ladder")
        assert problem(answer) == (401, "A key is needed")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert good.get("/ladder").status_code == 200
    with tenant(app.engine, merchant) as connection:
        (row,) = api_keys.everyone(connection)
        assert row.used_at == app.now()
        kept = connection.execute(text("SELECT * FROM api_key")).mappings().one()
        assert good.key not in str(dict(kept))
        assert api_keys.revoke(connection, merchant, row.id, by="o@example.com", now=app.now())
    assert problem(good.get("/ladder"))[0] == 401
    with tenant(app.engine, merchant) as connection:
        acts = list(connection.scalars(text("SELECT action FROM audit_log ORDER BY id")))
    assert acts == ["api_key_made", "api_key_revoked"]


def test_a_key_sees_its_own_business_only(
    app: Services, merchant: int, program: Callable[..., Program], crowd: int
) -> None:
    other = merchants.add(
        app.engine, name="Elsewhere", email="x@example.org", timezone="UTC", currency="EUR", locale="en"
    )
    ours, theirs = program(), program(of=other)
    assert ours.get("/ladder").get_json()["customers"] == 60
    assert theirs.get("/ladder").get_json()["customers"] == 0
    assert theirs.get("/customers?email=c60@example.com").get_json() == {"items": [], "next": None}
    assert problem(theirs.get(f"/customers/{crowd}")) == (404, "There is no such customer")


def test_a_key_may_do_what_its_scope_says(program: Callable[..., Program]) -> None:
    draft = holiday_discount("eid_al_fitr").document
    answer = program("read").post("/campaigns", draft)
    assert problem(answer) == (403, "This key may not do that")


def test_too_many_requests_are_put_off(app: Services, program: Callable[..., Program], clock: Clock) -> None:
    busy, calm = program(), program()
    answers = [busy.get("/segments") for _ in range(A_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [200] * A_MINUTE + [429]
    assert answers[0].headers["RateLimit-Remaining"] == str(A_MINUTE - 1)
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert calm.get("/segments").status_code == 200
    clock.forward(seconds=int(answers[-1].headers["Retry-After"]))
    assert busy.get("/segments").status_code == 200


def test_customers_page_by_page_are_everybody_once(program: Callable[..., Program], crowd: int) -> None:
    caller, seen, after = program(), list[int](), ""
    while True:
        page = caller.get(f"/customers?limit=25&after={after.replace('+', '%2B')}").get_json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 60
    (one,) = caller.get("/customers?email=C60@example.com").get_json()["items"]
    assert one["id"] == crowd
    whole = caller.get(f"/customers/{crowd}").get_json()
    assert whole["spend"] == {"amount": "250000.00", "currency": "IDR"}
    assert whole["next"]["missing"][0]["short_by"] == 1
    assert whole["because"][0]["holds"] is True


def test_what_cannot_be_is_named_with_its_place(program: Callable[..., Program]) -> None:
    caller = program("write")
    answer = caller.get("/customers?limit=0&colour=red")
    assert problem(answer) == (422, "Something asked for cannot be")
    assert {fault["at"] for fault in answer.get_json()["errors"]} == {"query.limit", "query.colour"}
    broken = holiday_discount("eid_al_fitr").document | {"trigger": {"kind": "holiday", "holiday": "no_such_day"}}
    answer = caller.post("/campaigns", broken)
    assert answer.status_code == 422
    assert [fault["at"] for fault in answer.get_json()["errors"]] == ["body.trigger.holiday"]
    assert problem(caller.get("/nowhere")) == (404, "There is no such address")
    assert problem(caller.post("/campaigns", [1]))[0] == 422


def test_campaigns_that_cannot_run_are_refused_at_their_place(
    app: Services, merchant: int, store: int, program: Callable[..., Program]
) -> None:
    with tenant(app.engine, merchant) as connection:
        stock(connection, merchant, store)
    caller = program("write")
    for name, document in documents().items():
        answer, (_, path, why) = caller.post("/campaigns", document), REFUSED[name]
        assert answer.status_code == 422, name
        faults = answer.get_json()["errors"]
        assert any(one["at"] == f"body.{path}" and why in json.dumps(one) for one in faults), (name, faults)
    assert caller.get("/campaigns").get_json()["items"] == []


def test_a_draft_is_added_previewed_and_never_changed_once_it_runs(
    app: Services, merchant: int, program: Callable[..., Program], crowd: int
) -> None:
    caller, draft = program("write"), holiday_discount("eid_al_fitr", key="lebaran").document
    added = caller.post("/campaigns", draft)
    assert added.status_code == 201
    assert (added.get_json()["state"], added.get_json()["version"]) == ("draft", 1)
    assert [one["key"] for one in caller.get("/campaigns").get_json()["items"]] == ["lebaran"]
    seen = caller.get("/campaigns/lebaran/preview").get_json()
    assert seen["audience"] == seen["treated"] + seen["holdout"] > 0
    assert caller.get("/campaigns/lebaran/results").get_json()["verdict"] == "Nobody has been written to yet."
    with tenant(app.engine, merchant) as connection:
        campaigns.set_state(connection, "lebaran", "active", app.now())
        actor = connection.scalar(text("SELECT actor FROM audit_log WHERE action = 'campaign_saved'"))
    assert actor == "API: Till"
    assert problem(caller.post("/campaigns", draft))[0] == 409
    assert problem(caller.get("/campaigns/none/preview"))[0] == 404


def test_the_description_is_valid_and_every_answer_keeps_to_it(
    app: Services, merchant: int, program: Callable[..., Program], crowd: int
) -> None:
    caller = program("write")
    told = caller.client.get("/api/openapi.json").get_json()
    OpenAPIV31SpecValidator(told).validate()
    from campaigns.ladder.rules import parse

    with tenant(app.engine, merchant) as connection:
        rule = parse({"kind": "cmp", "fact": "orders", "op": ">=", "value": 2})
        segments.save(connection, merchant_id=merchant, name="Twice", rule=rule, by="o@example.com", now=app.now())
    caller.post("/campaigns", holiday_discount("eid_al_fitr", key="lebaran").document)
    named = {"{customer_id}": str(crowd), "{key}": "lebaran"}
    registry: Any = Registry().with_resource("urn:told", Resource(contents=told, specification=DRAFT202012))
    for path, operations in told["paths"].items():
        if "get" not in operations:
            continue
        address = path.removeprefix("/api/v1")
        for word, value in named.items():
            address = address.replace(word, value)
        answer = caller.get(address)
        assert answer.status_code == 200, address
        name = path.replace("~", "~0").replace("/", "~1")
        place = f"urn:told#/paths/{name}/get/responses/200/content/application~1json/schema"
        Draft202012Validator({"$ref": place}, registry=registry).validate(json.loads(answer.data))
    routes = {rule.rule for rule in caller.client.application.url_map.iter_rules() if rule.rule.startswith("/api/v1")}
    assert len(routes) == len(told["paths"])


def test_an_owner_makes_and_ends_keys_in_the_browser(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner = logged_in("owner")
    owner.get("/settings/keys")
    made = owner.post("/settings/keys", {"name": "Till", "scope": "read"})
    with tenant(app.engine, merchant) as connection:
        (row,) = api_keys.everyone(connection)
    assert row.begins in made.text
    key = next(word for word in made.text.replace("<", " ").replace(">", " ").split() if word.startswith(row.begins))
    assert Program(owner.client, key).get("/ladder").status_code == 200
    assert key not in owner.get("/settings/keys").text
    assert owner.post("/settings/keys", {"name": " "}).status_code == 422
    assert owner.post(f"/settings/keys/{row.id}/revoke").status_code == 302
    assert Program(owner.client, key).get("/ladder").status_code == 401
    assert owner.post(f"/settings/keys/{row.id}/revoke").status_code == 404


def test_keys_by_command(app: Services, merchant: int, monkeypatch: pytest.MonkeyPatch, visitor: Visitor) -> None:
    monkeypatch.setenv("DATABASE_URL", str(app.settings.database_url))
    monkeypatch.setenv("REDIS_URL", str(app.settings.redis_url))
    monkeypatch.setenv("TANGGA_HOME", str(app.settings.tangga_home))

    def run(*words: str) -> Any:
        done = CliRunner().invoke(cli, ["keys", *words, "--json"], catch_exceptions=False, standalone_mode=False)
        return json.loads(done.output)

    made = run("add", "Sheet", "--scope", "write")
    assert Program(visitor.client, made["key"]).get("/ladder").status_code == 200
    (listed,) = run("list")
    assert (listed["name"], listed["scopes"]) == ("Sheet", ["read", "write"])
    assert made["key"] not in str(listed)
    assert run("revoke", str(made["id"])) == {"id": made["id"], "revoked": True}
    assert Program(visitor.client, made["key"]).get("/ladder").status_code == 401
