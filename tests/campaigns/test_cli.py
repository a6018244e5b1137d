"""`tangga campaigns` and `tangga messages`, as a person or a script calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from campaigns.recipes import holiday_discount
from plugin_server.cli import main as tangga
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.campaigns.refused import REFUSED, documents, stock

PLAIN = """
key: news
trigger: {kind: once}
guards: {quiet_hours: null}
message: {en: {subject: News, html: "<p>Hello {{ customer.first_name }}</p>"}}
"""
Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(app: Services, merchant: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Runs a command on this test's database; gives exit code, stdout and stderr."""
    monkeypatch.setenv("DATABASE_URL", str(app.settings.database_url))
    monkeypatch.setenv("REDIS_URL", str(app.settings.redis_url))
    monkeypatch.setenv("TANGGA_HOME", str(app.settings.tangga_home))
    monkeypatch.setenv("SECRET_KEYS", "k" * 40)

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tangga", *words])
        code = 0
        try:
            tangga()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return called


def read(call: Called, *words: str) -> Any:
    """The JSON a command prints."""
    code, out, err = call(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def saved(tmp_path: Path, text: str = PLAIN) -> str:
    """A campaign file."""
    path = tmp_path / "campaign.yaml"
    path.write_text(text)
    return str(path)


def test_from_the_file_to_the_mails(call: Called, tmp_path: Path, app: Services) -> None:
    added = read(call, "campaigns", "add", saved(tmp_path))
    assert (added["key"], added["version"], added["state"]) == ("news", 1, "draft")
    ran = read(call, "campaigns", "run", "news", "--now", "2027-02-24T09:00:00+07:00")
    assert (ran["audience"], ran["treated"], ran["holdout"], ran["state"]) == (8, 8, 0, "done")
    assert ran["excluded"] == {"not_subscribed": 1, "unsubscribed": 1, "suppressed": 1, "no_email": 1}
    assert ran["messages"] == {"accepted": 8}
    assert read(call, "campaigns", "run", "news")["run"] == ran["run"]
    code, out, _ = call("messages", "--run", str(ran["run"]))
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {"id", "email", "state", "reason", "attempt", "provider_reference"} <= set(rows[0])
    assert [row["state"] for row in rows] == ["accepted"] * 8
    assert len(list((app.settings.tangga_home / "outbox").rglob("*.eml"))) == 8


def test_versions_states_and_lists(call: Called, app: Services, merchant: int, tmp_path: Path) -> None:
    read(call, "campaigns", "add", saved(tmp_path))
    assert read(call, "campaigns", "add", saved(tmp_path))["version"] == 1
    assert read(call, "campaigns", "add", saved(tmp_path, PLAIN.replace("Hello", "Dear")))["version"] == 2
    assert read(call, "campaigns", "activate", "news")["state"] == "active"
    assert read(call, "campaigns", "pause", "news")["state"] == "paused"
    [listed] = read(call, "campaigns", "list")
    assert (listed["key"], listed["state"], listed["version"]) == ("news", "paused", 2)
    code, _, err = call("campaigns", "run", "news")
    assert (code, err) == (2, "tangga: news is paused. Activate it first: `tangga campaigns activate news`.\n")
    assert read(call, "campaigns", "end", "news") == {
        "key": "news",
        "ended": False,
        "mails": 0,
        "inside": 0,
        "codes": 0,
    }
    assert read(call, "campaigns", "activate", "news")["state"] == "active"
    assert read(call, "campaigns", "end", "news", "--yes")["ended"] is True
    over = (2, "tangga: news has ended. Add it again under another key to run it once more.\n")
    assert [call("campaigns", act, "news")[::2] for act in ("run", "activate")] == [over, over]


def test_an_audience_that_nobody_can_be_in_is_refused_and_a_closed_forecast_told(call: Called, tmp_path: Path) -> None:
    def whom(*rules: str) -> str:
        return PLAIN + f"audience: {{rule: {{kind: all, rules: [{', '.join(rules)}]}}}}\n"

    spent, none = "{kind: cmp, fact: spend, op: '>', value: 100}", "{kind: cmp, fact: orders, op: '=', value: 0}"
    code, _, err = call("campaigns", "add", saved(tmp_path, whom(spent, none)))
    assert (code, "audience.rule.rules.1: Nobody can meet this: what is asked of spend cannot be" in err) == (2, True)
    assert read(call, "campaigns", "list") == []
    chance = "{kind: cmp, fact: buys_percent, op: '>=', value: 50}"
    warnings = read(call, "campaigns", "add", saved(tmp_path, whom(chance)))["warnings"]
    # In the language of the business.
    assert len([one for one in warnings if "prakiraan" in one or "forecast" in one]) == 1


def test_a_recipe_can_be_taken_previewed_and_shown(call: Called, tmp_path: Path) -> None:
    _, out, _ = call("campaigns", "recipes", "holiday_discount")
    assert yaml.safe_load(out) == holiday_discount().document
    read(call, "campaigns", "add", saved(tmp_path, out))
    seen = read(call, "campaigns", "preview", "eid-al-fitr-thanks", "--now", "2027-02-01T00:00:00Z")
    assert (seen["treated"] + seen["holdout"], seen["offer"]["ok"]) == (8, True)
    assert seen["mails"]["en"]["subject"] == "Siti, 10% off for Eid al-Fitr"
    assert seen["mails"]["en"]["missing"] == []
    assert seen["next"][0]["occasion"] == "eid_al_fitr:2027:-14"
    shown = read(call, "campaigns", "show", "eid-al-fitr-thanks")
    assert shown["campaign"]["key"] == "eid-al-fitr-thanks"
    assert read(call, "campaigns", "results", "eid-al-fitr-thanks")["offers"]["issued"] == 0
    assert read(call, "campaigns", "recipes")[0]["key"] == "holiday_discount"


def test_people_get_sentences_and_scripts_get_json(call: Called, tmp_path: Path) -> None:
    assert call("campaigns", "list")[1].startswith("There is no campaign yet. `tangga campaigns recipes`")
    read(call, "campaigns", "add", saved(tmp_path))
    before = call("campaigns", "results", "news")[1].splitlines()
    assert before[:2] == ["news (draft): Nobody has been written to yet.", "It has not run yet."]
    seen = call("campaigns", "preview", "news", "--now", "2027-02-24T09:00:00+07:00")[1].splitlines()
    left_out = "not_subscribed 1, unsubscribed 1, suppressed 1, no_email 1"
    assert sorted(seen[0].removeprefix("news: audience 8, treated 8, held out 0, left out ").split(", ")) == sorted(
        left_out.split(", ")
    )
    assert "  1 left out: has said no to these mails" in seen
    assert "  Siti1 Rahayu <c1@example.com>, shopper" in seen
    assert "[en] News" in seen
    ran = call("campaigns", "run", "news", "--now", "2027-02-24T09:00:00+07:00")[1].splitlines()
    assert ran[0] == "run 1 (once), due 2027-02-24 02:00 UTC, done"
    assert ran[2] == "  mails: accepted 8"
    shown = call("campaigns", "show", "news")[1].splitlines()
    assert shown[:2] == ["news: news", "  draft, version 1, trigger once"]
    assert f"  {ran[0]}" in shown
    after = call("campaigns", "results", "news")[1].splitlines()
    assert after[1] == "Read over 14 days, until 2027-03-10 02:00 UTC: still open."
    assert [line.split()[:3] for line in after[2:5]] == [
        ["people", "bought", "share"], ["treated", "8", "0"], ["holdout", "0", "0"],
    ]  # fmt: skip
    assert after[-2:] == ["Mails: accepted 8", ran[0].replace("run", "Run", 1)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: once", "kind: event", "trigger.event: is missing; add it"),
        ("kind: once", "kind: holiday, holiday: eid_ul_fitr", "trigger.holiday: 'eid_ul_fitr' is not known. Known: "),
        ("key: news", "key: news\naudience: {rungs: [king]}", "audience.rungs: no rung king. There are: suspect, "),
        ("first_name }}", "first_name", "message.en: "),
        ("customer.first_name", "customer.first_name | shout", "message.en: "),
        ("<p>", "<p", "message.en: "),
        ("customer.first_name", "customer.nickname", "customer.nickname is not known here"),
        ("first_name }}<", "first_name }<", "message.en: "),
    ],
)
def test_bad_files_are_refused_with_place_and_mend(
    call: Called, tmp_path: Path, app: Services, merchant: int, old: str, new: str, said: str
) -> None:
    code, out, err = call("campaigns", "add", saved(tmp_path, PLAIN.replace(old, new)), "--json")
    assert (code, out) == (2, "")
    assert said in err
    with tenant(app.engine, merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM campaign")) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("campaigns", "run", "nothing"), 2, "There is no campaign 'nothing'."),
        (("campaigns", "run", "nothing", "--now", "tomorrow"), 2, "--now: 'tomorrow' is not a moment"),
        (("campaigns", "results", "nothing"), 2, "There is no campaign 'nothing'."),
        (
            ("campaigns", "recipes", "nothing"),
            2,
            "There is no recipe 'nothing'. There are: holiday_discount, welcome, ",
        ),
        (("messages", "--run", "7"), 2, "There is no run 7."),
        (
            ("campaigns", "preview", "news", "--now", "9999-12-31T23:00"),
            2,
            "--now: 9999-12-31T23:00 lies outside 1970 to 2999.",
        ),
    ],
)
def test_what_is_not_there_is_named(call: Called, words: tuple[str, ...], code: int, said: str) -> None:
    found, out, err = call(*words)
    assert (found, out) == (code, "")
    assert said in err


def test_what_cannot_be_run_is_refused_at_its_place_and_not_saved(
    call: Called, app: Services, merchant: int, store: int, tmp_path: Path
) -> None:
    with tenant(app.engine, merchant) as conn:
        stock(conn, merchant, store)
    for name, document in documents().items():
        code, _, err = call("campaigns", "add", saved(tmp_path, yaml.safe_dump(document)))
        _, path, why = REFUSED[name]
        assert code == 2, (name, err)
        assert any(f"{path}: " in line and why in line for line in err.splitlines()), (name, err)
    assert read(call, "campaigns", "list") == []


def test_a_look_through_the_mails_knows_how_many_would_get_them(
    call: Called, app: Services, merchant: int, tmp_path: Path
) -> None:
    """Far more than a run usually has is what spam filters watch for."""
    assert call("campaigns", "add", saved(tmp_path))[0] == 0
    assert read(call, "campaigns", "preview", "news")["treated"] > 2
    with tenant(app.engine, merchant) as conn:
        conn.execute(
            text(
                "INSERT INTO message (merchant_id, run_id, customer_id, email, state, attempt_id, claimed_at, "
                "language) SELECT :m, 7, id, email, 'delivered', gen_random_uuid(), now(), 'en' FROM customer LIMIT 1"
            ),
            {"m": merchant},
        )
    warned = {one["key"] for one in read(call, "campaigns", "lint", "news")["warnings"]}
    assert "lint_volume" in warned
