"""A campaign hands teams out: to whom its guards let through, within its budget, each with a link of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from campaigns.recipes import recipes
from campaigns.schema import parse
from plugin_server.db.campaigning import campaigns
from plugin_server.jobs.campaigning import preview
from plugin_server.jobs.campaigning import run as runs
from plugin_server.vault import read_team_token
from tests.campaigns.conftest import NOW
from tests.teams.conftest import SECRET, Deals


def started(deals: Deals, recipe: str = "team_invite", **offer: Any) -> int:
    """The recipe for everybody who bought, with another offer; gives its run."""
    document = next(one.document for one in recipes() if one.key == recipe)
    told = document | {"offer": document["offer"] | offer, "measure": {"holdout": 0}, "audience": {"rungs": "all"}}

    def act(conn: Any) -> int:
        campaigns.save(conn, merchant_id=deals.merchant, campaign=parse(told), by="test")
        return runs.open_now(conn, deals.merchant, parse(told).key, "test", NOW)

    return deals.do(act)


def test_each_invited_person_gets_a_team_and_its_link_by_mail(deals: Deals) -> None:
    run = started(deals, seats=3)
    assert runs.advance(deals.app, deals.world, deals.merchant, run) == "done"
    mails = deals.mails()
    assert sorted(mails) == [f"c{n}@example.com" for n in range(1, 9)]
    founders = dict(deals.rows("SELECT id, founder_id FROM team"))
    assert sorted(founders.values()) == list(range(1, 9))
    for address, (mail,) in mails.items():
        link = re.search(r"https://mail\.toko\.example/d/(\S+)", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        assert link is not None
        found = read_team_token([SECRET], link[1])
        assert found is not None
        assert f"c{founders[found[1]]}@example.com" == address
    assert mails["c4@example.com"][0]["Subject"] == "A price for 3 of you, Siti4"
    assert deals.rows("SELECT DISTINCT given, taken, deadline::text FROM team") == [(True, 1, "2027-02-28 16:59:59+00")]
    assert deals.shop.codes == {}
    assert deals.rows("SELECT issued_minor FROM offer_budget") == [(8 * 3 * 3_000_000,)]


def test_a_handed_out_team_fills_and_what_others_do_not_need_is_free_again(deals: Deals) -> None:
    runs.advance(deals.app, deals.world, deals.merchant, started(deals, seats=3, budget="450000"))
    assert deals.rows("SELECT state, count(*) FROM offer_code GROUP BY 1 ORDER BY 1") == [
        ("failed", 3),
        ("promised", 5),
    ]
    first, second = (row[0] for row in deals.rows("SELECT id FROM team ORDER BY id LIMIT 2"))
    founder = deals.rows(f"SELECT founder_id FROM team WHERE id = {second}")[0][0]
    assert [deals.join(first, n) for n in (founder, 9, 10)] == ["taken", "taken", "over"]
    assert deals.rows(f"SELECT state FROM team WHERE id = {second}") == [("closed",)]
    assert deals.advance()["codes"] == 3
    deals.later(days=5)
    assert deals.advance() == {"settled": 3, "codes": 0, "letters": 0}
    states = deals.rows("SELECT state, count(*) FROM offer_code WHERE kind = 'team_deal' GROUP BY 1 ORDER BY 1")
    assert states == [("failed", 3), ("kept", 1), ("lapsed", 4)]
    assert deals.rows("SELECT issued_minor FROM offer_budget") == [(3 * 3_000_000,)]
    assert deals.rows("SELECT promised_minor FROM team_deal") == [(3 * 3_000_000,)]


def test_two_behind_one_mailbox_are_handed_one_team(deals: Deals) -> None:
    same = "c1+x@example.com"
    deals.rows(f"UPDATE customer SET email = '{same}', email_norm = '{same}' WHERE id = 2 RETURNING 1")
    runs.advance(deals.app, deals.world, deals.merchant, started(deals, seats=3))
    assert deals.rows("SELECT count(*) FROM team") == [(7,)]
    assert deals.rows("SELECT state, error FROM offer_code WHERE customer_id = 2") == [
        ("failed", "team: somebody behind the same mailbox has a team already")
    ]
    assert same not in deals.mails()
    assert deals.rows("SELECT issued_minor FROM offer_budget") == [(7 * 3 * 3_000_000,)]


@pytest.mark.parametrize(("recipe", "steps"), [("team_invite", 3), ("friend_invite", 4)])
def test_the_owner_reads_before_launch_who_must_do_what(deals: Deals, recipe: str, steps: int) -> None:
    started(deals, recipe)

    def act(conn: Any) -> dict[str, Any]:
        saved = campaigns.need(conn, recipe.replace("_", "-"))
        return preview.preview(conn, merchant_id=deals.merchant, saved=saved, public_url="https://x.example", now=NOW)

    shown = deals.do(act)
    (shop,) = shown["baskets"]
    assert (shop["refused"], len(shop["shopper"])) == (False, steps)
    assert "link on" in shop["shopper"][0]
    assert all(not mail["missing"] for mail in shown["mails"].values())
    assert f"https://x.example/{'d' if recipe == 'team_invite' else 'r'}/preview" in shown["mails"]["en"]["text"]
