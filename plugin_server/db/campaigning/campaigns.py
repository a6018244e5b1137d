"""Campaigns, their versions, and their runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from campaigns.reasons import Reason, written
from campaigns.schema import Campaign, dump, parse
from campaigns.series_parts import part
from plugin_server.db import figures
from plugin_server.db.merchant import audit_log
from plugin_server.db.models import campaign as models

OPEN_STATES = ("planned", "frozen", "coded", "sending")
"""States in which a run goes on by itself."""


class Refused(Exception):
    """What was asked cannot be done now; the sentence says why and how to mend it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Saved:
    """A campaign as it stands: the newest version and the state."""

    id: int
    state: str
    version: int
    activated_at: datetime | None
    campaign: Campaign


@dataclass(frozen=True, slots=True)
class Run:
    """One firing with the version it started with."""

    id: int
    merchant_id: int
    campaign_id: int
    version: int
    occasion: str
    state: str
    state_reason: str
    state_figures: dict[str, Any]
    due_at: datetime
    not_before: datetime | None
    frozen_at: datetime | None
    finished_at: datetime | None
    started_by: str
    lasting_share: Decimal | None
    campaign: Campaign
    step: str | None = None
    """The step of a series that it is for; ``campaign`` is what that step alone is."""

    @property
    def held_out(self) -> float | None:
        """The whole share that was held out of it; None before it is frozen, or where that is not known."""
        if self.lasting_share is None:
            return None
        return float(max(self.campaign.measure.holdout, self.lasting_share))


def save(conn: Connection, *, merchant_id: int, campaign: Campaign, by: str) -> int:
    """Add a campaign or a new version of it; the same definition again adds nothing. Gives the version."""
    old = get(conn, campaign.key, lock=True)
    if old is None:
        row = {"merchant_id": merchant_id, "key": campaign.key, "name": campaign.title, "version": 1}
        campaign_id = conn.execute(insert(models.Campaign).values(row).returning(models.Campaign.id)).scalar_one()
        version = 1
    elif old.campaign == campaign:
        return old.version
    else:
        campaign_id, version = old.id, old.version + 1
        conn.execute(
            update(models.Campaign)
            .where(models.Campaign.id == campaign_id)
            .values(version=version, name=campaign.title)
        )
    conn.execute(
        insert(models.CampaignVersion).values(
            merchant_id=merchant_id,
            campaign_id=campaign_id,
            version=version,
            definition=dump(campaign),
            created_by=by,
        )
    )
    return version


_SAVED = """
SELECT c.id, c.state, c.version, c.activated_at, v.definition
FROM campaign c JOIN campaign_version v ON v.campaign_id = c.id AND v.version = c.version
"""


def get(conn: Connection, key: str, *, lock: bool = False) -> Saved | None:
    """A campaign by its key; None where there is none."""
    statement = _SAVED + "WHERE c.key = :key" + (" FOR UPDATE OF c" if lock else "")
    row = conn.execute(text(statement), {"key": key}).mappings().one_or_none()
    return _saved(row) if row else None


def need(conn: Connection, key: str, *, lock: bool = False) -> Saved:
    """A campaign by its key. Raises ``Refused`` where there is none."""
    found = get(conn, key, lock=lock)
    if found is None:
        raise Refused(f"There is no campaign {key!r}. `tangga campaigns list` names those there are.")
    return found


def all_saved(conn: Connection, *, state: str | None = None) -> list[Saved]:
    """All campaigns by key, or those in one state."""
    statement = _SAVED + "WHERE (CAST(:state AS text) IS NULL OR c.state = :state) ORDER BY c.key"
    return [_saved(row) for row in conn.execute(text(statement), {"state": state}).mappings()]


def _saved(row: RowMapping) -> Saved:
    return Saved(row["id"], row["state"], row["version"], row["activated_at"], parse(row["definition"]))


def over(key: str) -> str:
    """What to say of a campaign that has ended."""
    return f"{key} has ended. Add it again under another key to run it once more."


def set_state(conn: Connection, key: str, state: str, now: datetime) -> Saved:
    """Activate, pause or end a campaign, and its runs with it. Raises ``Refused``.

    What fell due while it was not active does not fire afterwards; runs that were paused go on where they stood, and
    those of a campaign that ends are stopped, paused ones too.
    """
    saved = need(conn, key, lock=True)
    if saved.state == "ended":
        raise Refused(Reason(over(key), "ended"))
    values: dict[str, Any] = {"state": state}
    if state == "active" and saved.state != "active":
        values["activated_at"] = now
    conn.execute(update(models.Campaign).where(models.Campaign.id == saved.id).values(values))
    for run in runs_of(conn, saved.id):
        if state == "active":
            resume(conn, run.id)
        elif state == "ended":
            hold(conn, run.id, to="stopped", reason=Reason("The campaign has ended.", "campaign_ended"))
        elif run.state in OPEN_STATES:
            hold(conn, run.id, to="paused", reason=Reason("The campaign is paused.", "campaign_paused"))
    return need(conn, key)


def open_run(
    conn: Connection,
    *,
    merchant_id: int,
    saved: Saved,
    occasion: str,
    due_at: datetime,
    by: str,
    state: str = "planned",
    reason: str = "",
) -> tuple[int, bool]:
    """Plan one firing; an occasion fires once, so that asking again gives the same run. Gives (id, newly made)."""
    values = {
        "merchant_id": merchant_id,
        "campaign_id": saved.id,
        "version": saved.version,
        "occasion": occasion,
        "due_at": due_at,
        "started_by": by,
        "state": state,
        "state_reason": str(reason),
        "state_figures": written(reason),
    }
    statement = upsert(models.CampaignRun).values(values)
    made = conn.execute(
        statement.on_conflict_do_nothing(index_elements=["campaign_id", "occasion"]).returning(models.CampaignRun.id)
    ).scalar_one_or_none()
    if made is not None:
        offer = saved.campaign.offer
        detail = {"run": int(made), "occasion": occasion, "offer": offer.model_dump(mode="json") if offer else None}
        if saved.campaign.guards.margin_reason and not saved.campaign.guards.margin_floor:
            detail["margin_reason"] = saved.campaign.guards.margin_reason
        action = "campaign_started" if state == "planned" else "campaign_missed"
        audit_log.record(conn, merchant_id, actor=by, action=action, subject=saved.campaign.key, detail=detail)
        return int(made), True
    known = select(models.CampaignRun.id).where(
        models.CampaignRun.campaign_id == saved.id, models.CampaignRun.occasion == occasion
    )
    return int(conn.execute(known).scalar_one()), False


def ran_since(conn: Connection, moment: datetime) -> bool:
    """Whether the people of any run were drawn after this."""
    query = select(models.CampaignRun.id).where(models.CampaignRun.frozen_at > moment).limit(1)
    return conn.scalar(query) is not None


_RUN = """
SELECT r.*, v.definition FROM campaign_run r
JOIN campaign_version v ON v.campaign_id = r.campaign_id AND v.version = r.version
"""


def run(conn: Connection, run_id: int, *, lock: bool = False) -> Run:
    """One run. Raises ``Refused`` where there is none."""
    statement = _RUN + "WHERE r.id = :id" + (" FOR UPDATE OF r" if lock else "")
    row = conn.execute(text(statement), {"id": run_id}).mappings().one_or_none()
    if row is None:
        raise Refused(f"There is no run {run_id}.")
    return _run(row)


def runs_of(conn: Connection, campaign_id: int) -> list[Run]:
    """All runs of a campaign, newest first."""
    statement = text(_RUN + "WHERE r.campaign_id = :id ORDER BY r.id DESC")
    return [_run(row) for row in conn.execute(statement, {"id": campaign_id}).mappings()]


def occasions(conn: Connection, campaign_id: int) -> set[str]:
    """What a campaign has fired for already."""
    statement = select(models.CampaignRun.occasion).where(models.CampaignRun.campaign_id == campaign_id)
    return set(conn.scalars(statement))


def waiting(conn: Connection, now: datetime) -> list[int]:
    """Runs that are to go on now."""
    statement = text(
        "SELECT id FROM campaign_run WHERE state = ANY(:open) "
        "AND (not_before IS NULL OR not_before <= :now) ORDER BY id"
    )
    return list(conn.scalars(statement, {"open": list(OPEN_STATES), "now": now}))


def move(conn: Connection, run_id: int, *, to: str, reason: str = "", **values: Any) -> None:
    """Put a run into a state, with the reason where there is one to give."""
    conn.execute(
        update(models.CampaignRun)
        .where(models.CampaignRun.id == run_id)
        .values(
            state=to,
            state_reason=str(reason),
            state_figures=written(reason),
            not_before=values.pop("not_before", None),
            **values,
        )
    )
    figures.age(conn, "proof", "outcome:*")  # A run's own figure is kept by its state.


def wait(conn: Connection, run_id: int, *, until: datetime, reason: str) -> None:
    """Leave a run where it is until then, saying why."""
    conn.execute(
        update(models.CampaignRun)
        .where(models.CampaignRun.id == run_id)
        .values(not_before=until, state_reason=str(reason), state_figures=written(reason))
    )


def hold(conn: Connection, run_id: int, *, to: str, reason: str) -> bool:
    """Pause or stop a run that is under way; False where it is over already."""
    over = ["done", "stopped", "failed", to]
    held = models.CampaignRun.id == run_id, models.CampaignRun.state.not_in(over)
    values = {"state": to, "state_reason": str(reason), "state_figures": written(reason)}
    return conn.execute(update(models.CampaignRun).where(*held).values(values)).rowcount == 1


def hold_all(conn: Connection, *, to: str, reason: str) -> None:
    """Pause or stop all runs that are under way."""
    values = {"state": to, "state_reason": str(reason), "state_figures": written(reason)}
    conn.execute(update(models.CampaignRun).where(models.CampaignRun.state.in_(OPEN_STATES)).values(values))


def undo(conn: Connection, run_id: int, now: datetime) -> bool:
    """Take back a launch within its grace, as if it had never been; False once it has begun.

    Where the calendar would start an active campaign for the same occasion again, the run stays, stopped.
    """
    early = "r.id = :id AND r.state = 'planned' AND r.frozen_at IS NULL AND r.not_before > :now"
    wanted = {"id": run_id, "now": now}
    dropped = text(
        f"DELETE FROM campaign_run r USING campaign c WHERE c.id = r.campaign_id AND c.state <> 'active' AND {early}"
    )
    stopped = text(f"UPDATE campaign_run r SET state = 'stopped', not_before = NULL WHERE {early}")
    return conn.execute(dropped, wanted).rowcount == 1 or conn.execute(stopped, wanted).rowcount == 1


def resume(conn: Connection, run_id: int) -> bool:
    """Let a paused run go on from where it stood; every step looks at what is there already."""
    statement = text(
        "UPDATE campaign_run SET state = CASE WHEN frozen_at IS NULL THEN 'planned' ELSE 'frozen' END, "
        "state_reason = '', state_figures = '{}', not_before = NULL WHERE id = :id AND state = 'paused'"
    )
    return conn.execute(statement, {"id": run_id}).rowcount == 1


def frozen_store(conn: Connection) -> str | None:
    """Why nothing may be sent: a store that tells another address, or that is connected no more. None if all is well.

    The customers of a shop that has left must not be written to in its name; whoever bought there is not told apart.
    """
    row = conn.execute(
        text(
            "SELECT name, url, state, state_reason FROM store WHERE state IN ('frozen', 'disconnected') "
            "ORDER BY state DESC, id LIMIT 1"
        )
    )
    found = row.one_or_none()
    if found is None:
        return None
    if found.state == "disconnected":
        sentence = f"The shop {found.name} ({found.url}) is disconnected. Connect it again, or delete its data here."
        return Reason(sentence, "store_left", store=found.name, url=found.url)
    why = found.state_reason or "it tells another address than the one it was connected with"
    sentence = f"The store {found.name} ({found.url}) is frozen: {why}. Nothing is sent until somebody confirms it."
    return Reason(sentence, "store_frozen", store=found.name, url=found.url)


def _run(row: RowMapping) -> Run:
    campaign = parse(row["definition"])
    return Run(
        id=row["id"],
        merchant_id=row["merchant_id"],
        campaign_id=row["campaign_id"],
        version=row["version"],
        occasion=row["occasion"],
        state=row["state"],
        state_reason=row["state_reason"],
        state_figures=row["state_figures"],
        due_at=row["due_at"],
        not_before=row["not_before"],
        frozen_at=row["frozen_at"],
        finished_at=row["finished_at"],
        started_by=row["started_by"],
        lasting_share=row["lasting_share"],
        campaign=part(campaign, row["step"]) if row["step"] else campaign,
        step=row["step"],
    )
