"""A run keeps to the limits of its sender, and says why it waits; a person ends doubts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from campaigns.mail.pace import Pace
from plugin_server.db.campaigning import campaigns
from plugin_server.db.sending import doubts, messages, sender
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.test_run import holiday, started


def test_a_warm_up_goes_on_the_next_day_and_nobody_is_lost(app: Services, merchant: int, world: Outside) -> None:
    with tenant(app.engine, merchant) as conn:
        sender.save_pace(conn, Pace(per_minute=2, warm_up_from=NOW.date(), first_day=3))
    run_id = started(app, merchant, holiday())
    sent, at = [], NOW
    for minutes in (0, 2, 4, 60 * 24, 60 * 24 + 2, 60 * 24 + 4, 60 * 24 + 6):
        at = NOW + timedelta(minutes=minutes)
        runs.advance(replace(app, now=lambda at=at: at), world, merchant, run_id)
        with tenant(app.engine, merchant) as conn:
            sent.append(conn.scalar(text("SELECT count(*) FROM message WHERE state = 'accepted'")))
            why = campaigns.run(conn, run_id).state_figures.get("key")
        if minutes == 4:
            assert why == "pace_day"
    assert sent == [2, 3, 3, 5, 7, 8, 8]
    with tenant(app.engine, merchant) as conn:
        assert campaigns.run(conn, run_id).state == "done"
        health = sender.health(conn, at)
    assert (health.sent, health.bounce_share, health.domains[0]["domain"]) == (8, 0.0, "example.com")


def test_a_person_ends_doubts_either_way(app: Services, merchant: int) -> None:
    run_id = started(app, merchant, holiday())
    with tenant(app.engine, merchant) as conn:
        conn.execute(
            text(
                "INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, attempt_id) "
                "SELECT :m, :r, n, 'c' || n || '@example.com', 'id', "
                "CASE WHEN n < 3 THEN 'in_doubt' ELSE 'accepted' END, gen_random_uuid() FROM generate_series(1, 3) n"
            ),
            {"m": merchant, "r": run_id},
        )
        assert doubts.decide(conn, run_id, resend=True, by="ani", now=NOW) == 2
        assert [row["state"] for row in messages.some(conn, run_id)] == ["planned", "planned", "accepted"]
        conn.execute(text("UPDATE message SET state = 'in_doubt' WHERE customer_id = 1"))
        assert doubts.decide(conn, run_id, resend=False, by="ani", now=NOW) == 1
        failed = messages.some(conn, run_id, state="failed")
    assert [row["reason"] for row in failed] == ["in doubt: ani decided that it is not sent again"]


def test_the_more_important_mail_goes_first_and_the_other_waits(app: Services, merchant: int, world: Outside) -> None:
    cap = {"frequency_cap": {"messages": 1, "days": 1}}
    minor = started(app, merchant, holiday(key="minor", guards=cap | {"priority": 2}))
    major = started(app, merchant, holiday(key="major", guards=cap | {"priority": 8}))
    for _ in range(3):  # frozen, coded, and now its mails are planned
        assert runs._step(app, world, merchant, major)
    runs.advance(app, world, merchant, minor)
    with tenant(app.engine, merchant) as conn:
        waiting = messages.some(conn, minor)
    assert {(row["state"], row["reason"].split(";")[0]) for row in waiting} == {
        ("planned", "frequency_cap: enough mails lately")
    }
    runs.advance(app, world, merchant, major)
    runs.advance(replace(app, now=lambda: NOW + timedelta(hours=2)), world, merchant, minor)
    runs.advance(replace(app, now=lambda: NOW + timedelta(hours=25)), world, merchant, minor)
    with tenant(app.engine, merchant) as conn:
        order = conn.execute(text("SELECT run_id, min(accepted_at) FROM message GROUP BY 1 ORDER BY 2")).all()
    assert [row.run_id for row in order] == [major, minor]
    assert order[1][1] - order[0][1] >= timedelta(days=1)


def test_three_campaigns_share_one_place_over_days_and_everybody_has_a_reason(
    app: Services, merchant: int, world: Outside
) -> None:
    """One mail in three days: the most important goes first, the next three days later, and the third, whose offer
    holds two days, is left out with its reason. Whoever asks first, and however often, changes nothing."""
    cap = {"frequency_cap": {"messages": 1, "days": 3}, "quiet_hours": None}
    percent = {"kind": "percentage", "value": "10"}
    wanted = {"short": (3, 2), "minor": (5, 14), "major": (8, 14)}
    ids = {
        key: started(
            app,
            merchant,
            holiday(key=key, guards=cap | {"priority": priority}, offer=percent | {"valid_days": days}),
        )
        for key, (priority, days) in wanted.items()
    }
    for run_id in ids.values():
        for _ in range(3):  # frozen, coded, and now its mails are planned
            assert runs._step(app, world, merchant, run_id)
    for hours in range(0, 24 * 8, 6):
        at = replace(app, now=lambda hours=hours: NOW + timedelta(hours=hours))  # type: ignore[misc]
        for run_id in ids.values():
            runs.advance(at, world, merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        ends = {key: messages.messages(conn, run_id) for key, run_id in ids.items()}
        gaps = conn.execute(
            text(
                "SELECT min(gap) FROM (SELECT accepted_at - lag(accepted_at) OVER (PARTITION BY customer_id "
                "ORDER BY accepted_at) AS gap FROM message WHERE accepted_at IS NOT NULL) g"
            )
        ).scalar_one()
        first = conn.execute(text("SELECT run_id, min(accepted_at)::date AS day FROM message GROUP BY 1"))
        days = {row.run_id: row.day for row in first}
        assert {row.state for row in conn.execute(text("SELECT state FROM campaign_run"))} == {"done"}
    assert {key: {row["state"] for row in rows} for key, rows in ends.items()} == {
        "short": {"skipped"}, "minor": {"accepted"}, "major": {"accepted"},
    }  # fmt: skip
    assert {key: len(rows) for key, rows in ends.items()} == {"short": 8, "minor": 8, "major": 8}
    assert {row["reason"].split(";")[0] for row in ends["short"]} == {"frequency_cap: enough mails lately"}
    assert all(row["reason"].endswith("too late for this campaign") for row in ends["short"])
    assert gaps >= timedelta(days=3)
    assert (days[ids["major"]], days[ids["minor"]]) == (NOW.date(), NOW.date() + timedelta(days=3))
