"""Two of an audience, or one of it and somebody else, turn out to be one person before the mails are planned."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.proof import results
from plugin_server.db.sending import ledger, messages
from plugin_server.db.session import tenant
from plugin_server.jobs import merging
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.campaigning.codes import make_codes
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop
from tests.campaigns.test_run import holiday, outbox, started


def frozen(app: Services, world: Outside, merchant: int, *, coded: bool) -> int:
    """A run with its audience, and with their codes."""
    run_id = started(app, merchant, holiday())
    with tenant(app.engine, merchant) as conn:
        audience.freeze(conn, campaigns.run(conn, run_id), NOW)
    if coded:
        with tenant(app.engine, merchant) as conn:
            run = campaigns.run(conn, run_id)
        assert make_codes(app, world, run)
        with tenant(app.engine, merchant) as conn:
            campaigns.move(conn, run_id, to="coded")
    return run_id


def merge(app: Services, merchant: int, winner: int, loser: int) -> None:
    merging.pair_merged(app, merchant, winner=winner, loser=loser, reason="one person", by="owner")


@pytest.mark.parametrize("coded", [False, True])
def test_the_survivor_gets_the_mail_once_with_a_code_that_is_theirs(
    app: Services, merchant: int, world: Outside, shop: Shop, coded: bool
) -> None:
    run_id = frozen(app, world, merchant, coded=coded)
    merge(app, merchant, 1, 2)  # both are in the audience
    merge(app, merchant, 10, 3)  # 10 said neither yes nor no, and was left out
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("DELETE FROM audience_member WHERE customer_id = 9"))
    merge(app, merchant, 9, 4)  # 9 is not in it, and said no: that counts for both, since it is the newest word
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("DELETE FROM audience_member WHERE customer_id = 12"))
    merge(app, merchant, 12, 5)  # 12 is not in it, and has no address of their own
    merge(app, merchant, 12, 6)
    assert runs.advance(app, world, merchant, run_id) == "done"
    mails = outbox(app)
    assert sorted(mails) == ["c1@example.com", "c5@example.com", "c7@example.com", "c8@example.com"]
    with tenant(app.engine, merchant) as conn:
        told = {row["customer"]: (row["state"], row["reason"]) for row in messages.messages(conn, run_id)}
        code = conn.scalar(text("SELECT code FROM offer_code WHERE customer_id = 12 AND state = 'issued' ORDER BY id"))
        found = results.of_campaign(conn, campaigns.need(conn, "eid-al-fitr-thanks"), NOW)
    assert told[1] == told[12] == ("accepted", "")
    twin = ("skipped", "merged: the same person is in this audience under another name")
    assert (told[2], told[3], told[6]) == (twin, twin, twin)
    body = mails["c5@example.com"].get_body(("html",))
    assert body is not None
    assert code in body.get_content()
    # 1 with 2, 3 by way of 10, 4 by way of 9, 5 and 6 by way of 12, 7 and 8: six people.
    assert found["arms"]["treated"]["n"] == 6


def test_who_was_held_out_under_the_name_that_stays_gets_nothing_by_way_of_the_other(
    app: Services, merchant: int, world: Outside
) -> None:
    run_id = frozen(app, world, merchant, coded=True)
    with tenant(app.engine, merchant) as conn:
        conn.execute(
            text("UPDATE audience_member SET arm = 'holdout', reason = 'campaign_holdout' WHERE customer_id = 1")
        )
    merge(app, merchant, 1, 2)
    assert runs.advance(app, world, merchant, run_id) == "done"
    assert not {"c1@example.com", "c2@example.com"} & set(outbox(app))


def test_of_two_mails_that_wait_already_one_goes(app: Services, merchant: int, world: Outside) -> None:
    run_id = frozen(app, world, merchant, coded=True)
    with tenant(app.engine, merchant) as conn:
        ledger.plan(conn, campaigns.run(conn, run_id), NOW)
        campaigns.move(conn, run_id, to="sending")
    merge(app, merchant, 1, 2)
    assert runs.advance(app, world, merchant, run_id) == "done"
    assert {"c1@example.com", "c2@example.com"} & set(outbox(app)) == {"c1@example.com"}
    with tenant(app.engine, merchant) as conn:
        told = {row["customer"]: row["reason"] for row in messages.messages(conn, run_id)}
    assert (told[1], told[2]) == ("", "merged: the same person is in this audience under another name")
