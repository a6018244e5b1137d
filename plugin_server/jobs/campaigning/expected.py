"""What a campaign that is being written would do: whom it reaches, what it may cost, and what could be learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from campaigns.offers.margin import Verdict
from campaigns.proof import Sample
from campaigns.proof.experiment import Outcome, detectable, people_needed
from campaigns.proof.plan import detectable_apart
from campaigns.schema import Campaign
from plugin_server.db.campaigning import reach
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.jobs.campaigning import preview, run

WORTH_SEEING = 1.2
"""A rise by a fifth is what a good campaign may bring."""


@dataclass(frozen=True, slots=True)
class Expected:
    """``days`` is 0 for one firing; for an event the past days over which people were counted.

    ``detectable`` is the least difference in shares that arms of these sizes find four times out of five; ``needed``
    the people in each arm that tell ``base`` from a fifth more. ``versions`` are the people of each variant, ``apart``
    the least difference that tells any two of them apart.
    """

    treated: int
    holdout: int
    excluded: Mapping[str, int]
    languages: Mapping[str, int]
    days: int
    offer: Mapping[str, Any] | None
    verdict: Verdict | None
    base: float | None
    detectable: float | None
    needed: int | None
    versions: Mapping[str, int]
    apart: float | None


def counted(
    conn: Connection, *, merchant_id: int, campaign: Campaign, campaign_id: int, now: datetime
) -> dict[str, Any]:
    """The part that takes the database a while in a large shop, as plain values that can be remembered."""
    return reach.reach(conn, merchant_id=merchant_id, campaign=campaign, campaign_id=campaign_id, now=now)


def expected(conn: Connection, campaign: Campaign, found: Mapping[str, Any], now: datetime) -> Expected:
    """All of it, from ``counted`` and the shop's trade."""
    saved = Saved(0, "draft", 0, None, campaign)
    base = found["base"]
    wanted = min(base * WORTH_SEEING, 0.99) if base else None
    return Expected(
        treated=found["treated"],
        holdout=found["holdout"],
        excluded=found["excluded"],
        languages=found["languages"],
        days=found["days"],
        offer=preview.offer_of(conn, saved, found["treated"], now),
        verdict=run.margin(conn, campaign, now),
        base=base,
        detectable=_detectable(found["treated"], found["holdout"], base),
        needed=people_needed(base, wanted) if base and wanted and wanted > base else None,
        versions=(sizes := {key: int(found["treated"] * share) for key, share in campaign.shares.items()}),
        apart=detectable_apart(base, sizes) if base and sizes else None,
    )


def _detectable(treated: int, holdout: int, base: float | None) -> float | None:
    if not base:
        return None
    spread = base * (1 - base)
    return detectable(Outcome(Sample(treated, base, spread), True), Outcome(Sample(holdout, base, spread), True))
