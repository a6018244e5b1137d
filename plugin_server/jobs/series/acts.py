"""What steps do: each kind for a whole batch, in the transaction that moves its people on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from campaigns.schema import Campaign, MessageStep, OfferStep
from campaigns.series_parts import part, series_of
from campaigns.steps import TagStep, TaskStep, WebhookStep
from plugin_server.db.ladder import known
from plugin_server.db.series import calls as series_calls
from plugin_server.db.series import owner_tasks
from plugin_server.db.series import places as series
from plugin_server.db.series import runs as series_runs
from plugin_server.db.series.places import Group
from plugin_server.db.series.seen import Sight
from plugin_server.db.shops import tags_told


def do(
    conn: Connection, group: Group, campaign: Campaign, those: Sequence[Sight], *, now: datetime, touched: set[int]
) -> Sequence[Sight]:
    """Do the step for these people, once; gives those who go on at once. The others wait for a mail or a code."""
    step = series_of(campaign).by_key[group.step]
    ids = [one.place_id for one in those]
    if isinstance(step, MessageStep | OfferStep):
        return _hand_over(conn, group, campaign, those, now, touched)
    if isinstance(step, TagStep):
        _tag(conn, step, [one.customer_id for one in those])
    elif isinstance(step, TaskStep):
        owner_tasks.add(conn, ids, step=group.step, title=step.title, note=step.note, now=now)
    elif isinstance(step, WebhookStep):
        series_calls.plan(conn, ids, step=group.step, url=step.url, now=now)
    series.log(conn, group, ids, "done", now)
    return those


def _hand_over(
    conn: Connection, group: Group, campaign: Campaign, those: Sequence[Sight], now: datetime, touched: set[int]
) -> Sequence[Sight]:
    alone = part(campaign, group.step)
    run_id = series_runs.bring(conn, group, alone, [one.customer_id for one in those], now)
    touched.add(run_id)
    taken = set(
        conn.scalars(
            text("SELECT customer_id FROM audience_member WHERE run_id = :run AND customer_id = ANY(:people)"),
            {"run": run_id, "people": [one.customer_id for one in those]},
        )
    )
    busy = [one.place_id for one in those if one.customer_id in taken]
    left = [one for one in those if one.customer_id not in taken]
    series.log(conn, group, busy, "", now)
    series.log(conn, group, [one.place_id for one in left], "no_store", now)
    series_runs.take(conn, busy, run_id, "mailing" if alone.message else "coding")
    return left


def _tag(conn: Connection, step: TagStep, people: Sequence[int]) -> None:
    """In the customer's record and its facts at once, so that the next step's rule knows it."""
    change = "array_remove(tags, :tag)" if step.remove else "array_append(tags, :tag)"
    differs = ":tag = ANY(tags)" if step.remove else ":tag <> ALL(tags)"
    given = {"tag": step.tag, "people": list(people)}
    conn.execute(text(f"UPDATE customer SET tags = {change} WHERE id = ANY(:people) AND {differs}"), given)
    tags_told.want(conn, people, step.tag, put=not step.remove)
    facts = f"UPDATE customer_facts SET tags = {change} WHERE customer_id = ANY(:people) AND {differs}"
    if conn.execute(text(facts), given).rowcount:
        merchant = int(conn.execute(text("SELECT id FROM merchant")).scalar_one())
        known.note_due(conn, merchant_id=merchant, customer_ids=people)
