"""What no mail may hold is refused at every door alike: the API, the composer's form, and a file for the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import text

from campaigns.schema import parse
from connectors.sendgrid.inbound import to_reply
from plugin_server.cli import cli
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import api_keys
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.test_conversations import KIND, posted

BODY = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"
BAD: dict[str, tuple[dict[str, str], str]] = {
    "a subject of two lines": ({"subject": "Tea\r\nBcc: all@example.com"}, "one line"),
    "a subject of 301 letters": ({"subject": "x" * 301}, "300"),
    "no subject": ({"subject": ""}, "subject"),
    "a range that never ends": ({"text": "{{ (1..100000000) | join: ',' }}"}, "1000"),
    "a value that grows": (
        {"text": "{{ 'x' " + "| append: 'xxxxxxxxxx' | replace: 'x', 'xxxxxxxxxx' " * 8 + "}}"},
        "200",
    ),
    "a loop in a loop": (
        {"text": "{% for a in (1..1000) %}{% for b in (1..1000) %}{{ b }}{% endfor %}{% endfor %}"},
        "loop",
    ),
    "a file of ours": ({"text": "{% include '/etc/passwd' %}"}, "include"),
    "what is behind a value": ({"text": "{{ customer.__class__.__mro__ }}"}, "customer.__class__"),
    "a filter nobody knows": ({"text": "{{ shop.name | shell }}"}, "shell"),
    "a tag left open": ({"text": "{% if shop.name %}"}, "if"),
    "a picture of a file": ({"source": BODY.format("x") + "<mj-include path='/etc/passwd' />"}, "mj-include"),
    "no mjml": ({"source": "<mjml><mj-body><mj-section></mj-body></mjml>"}, "mj-section"),
}


def wording(told: dict[str, str]) -> dict[str, str]:
    return {
        "subject": told.get("subject", "Tea"),
        "preheader": "Inside",
        "mjml": told.get("source", BODY.format(told.get("text", "Tea"))),
    }


@pytest.fixture
def doors(
    app: Services, merchant: int, visitor: Visitor, logged_in: Callable[[str], Visitor], tmp_path: Path
) -> dict[str, Callable[[dict[str, str]], tuple[bool, str]]]:
    """By name: hands a wording in, gives whether it was refused, and what was said."""
    good = {"key": "tea", "trigger": {"kind": "once"}, "message": {"en": wording({})}}
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=parse(good), by="test")
        _, key = api_keys.make(conn, merchant, name="Till", scopes=("read", "write"), by="o@example.com")
    app.redis.flushdb()
    who = logged_in("marketer")
    settings = app.settings
    env = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "SECRET_KEYS": "k" * 40}

    def api(told: dict[str, str]) -> tuple[bool, str]:
        document = good | {"message": {"en": wording(told)}}
        answer = visitor.client.post("/api/v1/campaigns", json=document, headers={"Authorization": f"Bearer {key}"})
        return answer.status_code == 422, json.dumps(answer.get_json())

    def form(told: dict[str, str]) -> tuple[bool, str]:
        made = wording(told)
        given = {
            "subject": made["subject"],
            "preheader": "Inside",
            "kind": "mjml",
            "source": made["mjml"],
            "act": "save",
        }
        answer = who.post("/campaigns/tea/compose/en", given)
        return answer.status_code == 422, answer.get_data(as_text=True)

    def file(told: dict[str, str]) -> tuple[bool, str]:
        path = tmp_path / "tea.yaml"
        path.write_text(yaml.safe_dump(good | {"message": {"en": wording(told)}}))
        words = ["campaigns", "add", str(path), "--home", str(settings.tangga_home)]
        done = CliRunner().invoke(cli, words, env={name: str(value) for name, value in env.items()})
        return done.exit_code != 0 and not isinstance(done.exception, TypeError), done.output + str(done.exception)

    return {"api": api, "form": form, "file": file}


@pytest.mark.parametrize("case", BAD)
def test_every_door_refuses_and_says_why(app: Services, merchant: int, doors: Any, case: str) -> None:
    told, word = BAD[case]
    for name, door in doors.items():
        refused, said = door(told)
        assert refused, (name, said[-600:])
        assert word in said, (name, said[-600:])
    with tenant(app.engine, merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM campaign_version")) == 1


def test_a_good_one_comes_in_by_every_door(doors: Any) -> None:
    assert [door({"subject": f"Tea by {name}"})[0] for name, door in doors.items()] == [False] * 3


def test_a_mail_to_us_of_thirty_megabytes_is_read_and_a_larger_one_refused(
    app: Services, merchant: int, visitor: Visitor
) -> None:
    whole = posted(files='--xYzZY\r\nContent-Disposition: form-data; name="attachment1"; filename="a.bin"\r\n\r\n%s\r\n'
                         % ("x" * 29_900_000))  # fmt: skip
    path = f"/webhooks/sendgrid/{merchant}/inbound"
    assert visitor.client.post(path, data=whole, content_type=KIND).status_code == 200
    with tenant(app.engine, merchant) as conn:
        kept = conn.scalar(text("SELECT octet_length(body) FROM inbound_event"))
    assert kept == len(whole)
    assert to_reply(whole, content_type=KIND).text.startswith("Halo, poin saya")
    assert visitor.client.post(path, data=whole + b"x" * 1_200_000, content_type=KIND).status_code == 413
