"""What a campaign brought about: treated against holdout, by assignment, read on a fixed day; offers; movement; profit.

What is read together is a period: the days of one feast, a quarter of a rhythm, one firing. Its day of reading follows
from the definition and the calendar. Until then there are figures, and no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.offers.margin import Trade
from campaigns.proof import Difference, newcombe, sample_ratio_p
from campaigns.proof.contest import Contender, Contest, contest
from campaigns.proof.experiment import UNEVEN
from campaigns.proof.plan import least_seen, period_of
from connectors.types import Money
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Run, Saved
from plugin_server.db.offers import codes as offers
from plugin_server.db.proof import money as results_money
from plugin_server.db.proof import outcomes
from plugin_server.db.proof.earned import GIVEN
from plugin_server.db.proof.outcomes import Arm
from plugin_server.db.series import told as series_told

ARMS: Final = ("treated", "holdout")
MOST_PERIODS: Final = 8
VERDICTS: Final = {
    "nobody": "Nobody has been written to yet.",
    "no_holdout": "Nobody was held out, so nobody can say what would have happened without the campaign.",
    "not_yet": "Read on {date}; until then there is no verdict.",
    "uneven": "The arms are not of their planned sizes: something took people out of one of them. Believe no figure.",
    "inconclusive": "Inconclusive: a difference as small as this may be chance.",
    "few": "Too few reached the goal to tell an effect from chance.",
    "worked": "It worked: the difference is larger than chance.",
    "harmed": "It did harm: the difference is larger than chance.",
}
CONTESTS: Final = {
    "not_yet": "Read on {date}; until then no variant has won.",
    "uneven": "The variants are not of their planned sizes. Believe no figure.",
    "inconclusive": "Inconclusive: no variant was better than all others by more than chance.",
    "winner": "{winner} was better than all others by more than chance.",
    "dear": "{winner} reached most, and earned less than another by more than chance. Look at the contribution first.",
}


@dataclass(frozen=True, slots=True)
class Period:
    """Runs that are read together on one day. ``first`` to ``read_on`` bounds what counts; None before any freeze."""

    key: str
    runs: tuple[Run, ...]
    read_on: datetime | None

    def final(self, now: datetime) -> bool:
        """Whether its day of reading has come."""
        return self.read_on is not None and now >= self.read_on

    @property
    def ids(self) -> list[int]:
        """Its runs."""
        return [run.id for run in self.runs]


@dataclass(frozen=True, slots=True)
class Read:
    """A period's arms, by name and by variant, and what sets them apart."""

    period: Period
    arms: dict[str, Arm]
    variants: dict[str, Arm]
    goal: Difference
    ratio: float | None
    verdict: str


def results(conn: Connection, *, run_id: int, now: datetime) -> dict[str, Any]:
    """The figures of one run, in the shape of ``of_campaign``. Raises ``Refused`` where there is no such run."""
    run = campaigns.run(conn, run_id)
    return _results(conn, campaigns.need(conn, run.campaign.key), [run], now)


def of_campaign(conn: Connection, saved: Saved, now: datetime) -> dict[str, Any]:
    """INTERFACES' ``campaigns results``: arms, differences, offers, movement, figures of the newest period that has
    been read, or of the newest where none has; ``periods`` tells the verdicts of all, newest first."""
    return _results(conn, saved, campaigns.runs_of(conn, saved.id), now)


def periods(runs: Sequence[Run], days: int, zone: ZoneInfo) -> list[Period]:
    """Runs by what is read together, newest first."""
    found: dict[str, list[Run]] = {}
    ends: dict[str, datetime] = {}
    for run in runs:
        period = period_of(run.campaign.trigger, run.occasion, run.due_at, zone)
        found.setdefault(period.key, []).append(run)
        ends[period.key] = max(period.ends, run.frozen_at or period.ends, ends.get(period.key, period.ends))
    return [
        Period(key, tuple(of), ends[key] + timedelta(days=days) if any(run.frozen_at for run in of) else None)
        for key, of in found.items()
    ]


def _results(conn: Connection, saved: Saved, runs: list[Run], now: datetime) -> dict[str, Any]:
    merchant = conn.execute(text("SELECT currency, timezone FROM merchant")).one()
    measure, trade = saved.campaign.measure, offers.trade(conn, now)
    margin = trade.margin
    entries, steps = [run for run in runs if run.step is None], [run.id for run in runs if run.step is not None]
    found = periods(entries, measure.window_days, ZoneInfo(merchant.timezone))[:MOST_PERIODS]
    read = [_read(conn, saved, one, trade, now) for one in found]
    read = read or [_read(conn, saved, Period("", (), None), trade, now)]
    begun = [one for one in read if one.period.read_on]
    shown = next((one for one in begun if one.period.final(now)), (begun or read)[0])
    treated, holdout = (shown.arms[name] for name in ARMS)
    gain = outcomes.apart(treated, holdout, "contribution") if margin is not None else None
    ids = [run.id for run in runs]
    return {
        "campaign": saved.campaign.key,
        "state": saved.state,
        "goal": measure.goal,
        "runs": [_run(item) for item in runs],
        "window_days": measure.window_days,
        **_reading(shown, now),
        "arms": {name: _shown(arm, merchant.currency, margin) for name, arm in shown.arms.items()},
        "differences": differences(shown.arms, shown.goal, gain, merchant.currency),
        "least_rise": least_seen(treated.reached(measure.goal), treated.n, holdout.reached(measure.goal), holdout.n),
        "variants": _contest(saved, shown, merchant.currency, margin, now),
        "offers": results_money.offers(conn, ids, saved, merchant.currency, trade),
        "movement": {name: _movement(arm) for name, arm in shown.arms.items()},
        "figures": results_money.figures(conn, [*shown.period.ids, *steps], merchant.currency, shown.arms, gain, now),
        "messages": _messages(conn, ids),
        "periods": [_reading(one, now) | {"conversion": _difference(one.goal)} for one in read if one.period.runs],
        "series": series_told.figures(conn, saved) if saved.campaign.steps else None,
    }


def _read(conn: Connection, saved: Saved, period: Period, trade: Trade, now: datetime) -> Read:
    measure = saved.campaign.measure
    found = outcomes.of_runs(conn, period.ids, days=measure.window_days, trade=trade, now=now) if period.ids else {}
    arms = {name: outcomes.total(arm for (of, _), arm in found.items() if of == name) for name in ARMS}
    treated, holdout = arms["treated"], arms["holdout"]
    goal = newcombe(treated.reached(measure.goal), treated.n, holdout.reached(measure.goal), holdout.n)
    # Runs held to different shares mix into sizes that nobody planned.
    planned = {run.held_out for run in period.runs if run.frozen_at}
    share = planned.pop() if len(planned) == 1 else None
    ratio = sample_ratio_p(treated.n, holdout.n, share) if share is not None else None
    variants = {key: found.get(("treated", key), Arm()) for key in saved.campaign.shares}
    hits = treated.reached(measure.goal) + holdout.reached(measure.goal)
    verdict = _verdict(goal, treated, holdout, ratio, final=period.final(now), hits=hits)
    return Read(period, arms, variants, goal, ratio, verdict)


def _verdict(found: Difference, treated: Arm, holdout: Arm, ratio: float | None, *, final: bool, hits: int) -> str:
    if not treated.n:
        return "nobody"
    if not holdout.n:
        return "no_holdout"
    if not final:
        return "not_yet"
    if ratio is not None and ratio < UNEVEN:
        return "uneven"
    if not found.conclusive:
        return "few" if hits < outcomes.FEW else "inconclusive"
    return "worked" if (found.low or 0) > 0 else "harmed"


def _run(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "occasion": run.occasion,
        "step": run.step,
        "state": run.state,
        "reason": run.state_reason,
        "due_at": run.due_at.isoformat(),
        "frozen_at": run.frozen_at.isoformat() if run.frozen_at else None,
    }


def _reading(one: Read, now: datetime) -> dict[str, Any]:
    read_on = one.period.read_on
    return {
        "period": one.period.key,
        "begun_at": min((run.due_at for run in one.period.runs), default=now).isoformat(),
        "period_runs": one.period.ids,
        "read_on": read_on.isoformat() if read_on else None,
        "final": one.period.final(now),
        "verdict": VERDICTS[one.verdict].format(date=read_on.date() if read_on else ""),
        "verdict_key": one.verdict,
        "sample_ratio_p": one.ratio,
    }


def _shown(arm: Arm, currency: str, margin: Decimal | None) -> dict[str, Any]:
    gain, given = round(arm.contribution.total), sum(arm.given)
    each = round(gain / arm.n) if arm.n else 0
    earned = {"contribution": gain, "before_given": gain + given, "contribution_each": each}
    return {
        "n": arm.n,
        "buyers": arm.buyers,
        "conversion": arm.buyers / arm.n if arm.n else None,
        "climbed": arm.climbed,
        "orders": int(arm.orders.total),
        "revenue": Money(round(arm.revenue.total), currency).as_json(),
        **{key: Money(minor, currency).as_json() if margin is not None else None for key, minor in earned.items()},
        "given": {kind: Money(minor, currency).as_json() for kind, minor in zip(GIVEN, arm.given, strict=True)},
        "orders_in_other_currencies": arm.foreign_orders,
    }


def _movement(arm: Arm) -> dict[str, int]:
    return {"climbed": arm.climbed, "stayed": arm.n - arm.climbed - arm.fell, "fell": arm.fell}


def differences(arms: dict[str, Arm], goal: Difference, gain: Difference | None, currency: str) -> dict[str, Any]:
    """Treated less holdout: shares as fractions, orders per person, money per person; each with its 95 % interval."""
    treated, holdout = arms["treated"], arms["holdout"]
    return {
        "conversion": _difference(goal),
        "climbs": _difference(newcombe(treated.climbed, treated.n, holdout.climbed, holdout.n)),
        "orders_per_customer": _difference(outcomes.apart(treated, holdout, "orders")),
        "revenue_per_customer": _money_difference(outcomes.apart(treated, holdout, "revenue"), currency),
        "contribution_per_customer": _money_difference(gain, currency) if gain is not None else None,
    }


def _difference(found: Difference) -> dict[str, Any]:
    return {"difference": found.difference, "low": found.low, "high": found.high, "conclusive": found.conclusive}


def _money_difference(found: Difference, currency: str) -> dict[str, Any]:
    def money(minor: float | None) -> dict[str, str] | None:
        return None if minor is None else Money(round(minor), currency).as_json()

    shown = {"difference": money(found.difference), "low": money(found.low), "high": money(found.high)}
    return {**shown, "conclusive": found.conclusive}


def _contest(saved: Saved, shown: Read, currency: str, margin: Decimal | None, now: datetime) -> dict[str, Any] | None:
    """The variants among each other; None where there are none, or the runs read were started with others."""
    measure = saved.campaign.measure
    same = all(run.campaign.measure.variants == measure.variants for run in shown.period.runs)
    if not measure.variants or not shown.period.runs or not same:
        return None
    entered = [
        Contender(key, float(saved.campaign.shares[key]), arm.n, arm.reached(measure.goal), arm.contribution)
        for key, arm in shown.variants.items()
    ]
    found = contest(entered, final=shown.period.final(now), earns=margin is not None)
    return {
        "arms": {key: _shown(arm, currency, margin) for key, arm in shown.variants.items()},
        "pairs": [{"first": pair.first, "second": pair.second, **_difference(pair.difference)} for pair in found.pairs],
        "winner": found.winner,
        "verdict": _said(found, shown.period.read_on),
        "verdict_key": found.verdict,
        "sample_ratio_p": found.sample_ratio_p,
    }


def _said(found: Contest, read_on: datetime | None) -> str:
    return CONTESTS[found.verdict].format(winner=found.winner, date=read_on.date() if read_on else "")


def _messages(conn: Connection, runs: list[int]) -> dict[str, int]:
    rows = conn.execute(
        text(
            "SELECT m.state, count(*) FROM message m JOIN campaign_run r ON r.id = m.run_id "
            "WHERE r.id = ANY(:runs) GROUP BY 1 ORDER BY 1"
        ),
        {"runs": runs},
    )
    return {row[0]: row[1] for row in rows}
