"""`tangga teams`: team deals and their teams; more time, and an early end."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection, Row, text

from campaigns.offers.team import TeamRefused
from connectors.types import Money
from plugin_server import wiring
from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.cli.ladder import asked
from plugin_server.db.friends import team_list, team_seats
from plugin_server.db.friends import teams as rows
from plugin_server.db.friends.teams import Found
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.teams import advance
from plugin_server.jobs.outside import outside
from plugin_server.vault import team_token
from plugin_server.wiring import Services

ACTOR = "command line"


@click.group("teams")
def teams() -> None:
    """Team deals: what is open, who sits where, more time, and an early end."""


@teams.command("list")
@merchant_options
def list_(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """List team deals with their figures, and the teams that run or ended last."""
    with asked(home, merchant) as (conn, _, _now):
        currency = _currency(conn)
        document = {
            "deals": [as_json_deal(one, currency) for one in team_list.deals(conn)],
            "teams": [as_json_team(one) for one in team_list.teams_of(conn)],
        }
    show(document, as_json, lambda: "\n".join(_lines(document)) or "There is no team deal yet.")


@teams.command("show")
@click.argument("team", type=int)
@merchant_options
def show_(team: int, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Show TEAM (its number): its page, its seats with their codes, and the letters."""
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        document = _document(services, number, team)
    show(document, as_json, lambda: "\n".join(_of_team(document)))


@teams.command("extend")
@click.argument("team", type=int)
@click.option("--days", type=click.IntRange(1, 60), help="So many days later than now stands.")
@click.option("--until", help="The new deadline in the shop's time, such as 2026-12-24T18:00.")
@merchant_options
def extend(
    team: int, days: int | None, until: str | None, merchant: str | None, home: Path | None, as_json: bool
) -> None:
    """Give TEAM more time. Its members are reminded anew before the later deadline."""
    if (days is None) == (until is None):
        raise BadInput("Say how much time: --days 2, or --until 2026-12-24T18:00.")
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        with tenant(services.engine, number) as conn:
            found = _need(conn, team)
            later = found.now.deadline + timedelta(days=days) if days else _moment(conn, until or "")
            _kept(lambda: team_seats.extend(conn, number, team, later, by=ACTOR, now=services.now()))
        document = _document(services, number, team)
    show(document, as_json, lambda: f"Team {team} has until {document['deadline']}.")


@teams.command("close")
@click.argument("team", type=int, required=False)
@click.option("--deal", help="Close this deal (its key) instead: no new teams, those that run go on.")
@click.option("--reason", help="Why the team ends; needed for a team, and kept with it.")
@merchant_options
def close(
    team: int | None, deal: str | None, reason: str | None, merchant: str | None, home: Path | None, as_json: bool
) -> None:
    """End TEAM before its time: members hear of it, and get what a late team gets. Or close a whole deal."""
    if (team is None) == (deal is None):
        raise BadInput("Say what to close: the number of a team, or --deal KEY.")
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        document = _end(services, number, team, reason) if team else _close(services, number, deal or "")
    show(document, as_json, lambda: f"Team {team} is over." if team else f"{deal} is closed. Teams that run go on.")


def _end(services: Services, number: int, team: int, reason: str | None) -> dict[str, Any]:
    secret, now, why = services.settings.keys[0], services.now(), reason or ""
    with tenant(services.engine, number) as conn:
        _kept(lambda: team_seats.end(conn, number, team, reason=why, by=ACTOR, secret=secret, now=now))
    advance(services, outside(services, number), number, wiring.connector)
    return _document(services, number, team)


def _close(services: Services, number: int, key: str) -> dict[str, Any]:
    with tenant(services.engine, number) as conn:
        found = next((one for one in team_list.deals(conn) if one.key == key), None)
        if found is None:
            raise BadInput(f"There is no team deal {key!r}. `tangga teams list` names those there are.")
        rows.close_deal(conn, number, found.id, by=ACTOR, now=services.now())
        deal = team_list.deal(conn, found.id)
        return as_json_deal(deal, _currency(conn)) if deal else {}


def as_json_deal(one: Row[Any], currency: str) -> dict[str, Any]:
    """A deal with its figures; amounts as ``{"amount", "currency"}``."""
    amounts = ("promised", "worth", "discount")
    document = {name: getattr(one, name) for name in ("id", "key", "name", "state", "terms")}
    document |= {name: getattr(one, name) for name in ("running", "complete", "late", "taken", "codes", "orders")}
    document |= {name: Money(getattr(one, f"{name}_minor"), currency).as_json() for name in amounts}
    document["budget"] = None if one.limit_minor is None else Money(one.limit_minor, currency).as_json()
    return document | {"ends_at": one.ends_at and one.ends_at.isoformat()}


def as_json_team(one: Found) -> dict[str, Any]:
    """A team as it stands."""
    now = one.now
    return {
        "id": one.id, "deal": one.deal, "state": now.state, "seats": now.seats, "taken": now.taken,
        "counted": now.counted, "opened_at": now.opened_at.isoformat(), "deadline": now.deadline.isoformat(),
    }  # fmt: skip


def _document(services: Services, number: int, team: int) -> dict[str, Any]:
    with tenant(services.engine, number) as conn:
        found = _need(conn, team)
        told, seats = team_list.told(conn, [found])[team], team_list.seats(conn, team)
    url = f"{services.settings.public_url}/d/{team_token(services.settings.keys, number, team)}"
    members = [one | {"taken_at": one["taken_at"].isoformat()} for one in seats]
    more = {"reason": told["reason"], "ended_by": told["closed_by"], "owed": told["owed"], "letters": told["letters"]}
    return as_json_team(found) | more | {"url": url, "members": members}


def _need(conn: Connection, team: int) -> Found:
    found = rows.found(conn, team)
    if found is None:
        raise BadInput(f"There is no team {team}. `tangga teams list` names those there are.")
    return found


def _kept(act: Any) -> None:
    try:
        act()
    except TeamRefused as refusal:
        raise BadInput(str(refusal)) from refusal


def _moment(conn: Connection, given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise BadInput(f"{given!r} is not a time; write it as 2026-12-24T18:00.") from error
    zone = ZoneInfo(str(conn.scalar(text("SELECT timezone FROM merchant"))))
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _currency(conn: Connection) -> str:
    return str(conn.scalar(text("SELECT currency FROM merchant")))


def _lines(document: dict[str, Any]) -> list[str]:
    said = []
    for deal in document["deals"]:
        said.append(
            f"{deal['key']}  {deal['state']}  {deal['running']} running, {deal['complete']} complete, "
            f"{deal['late']} late  {deal['codes']} codes, {deal['orders']} orders"
        )
        said += [f"  {_line(team)}" for team in document["teams"] if team["deal"] == deal["name"]]
    return said


def _line(team: dict[str, Any]) -> str:
    return f"team {team['id']}  {team['state']}  {team['taken']} of {team['seats']} seats  until {team['deadline']}"


def _of_team(document: dict[str, Any]) -> list[str]:
    said = [f"{document['deal']}: {_line(document)}", document["url"]]
    said += [f"  {one['email']}  {one['code'] or one['gets'] or ''}".rstrip() for one in document["members"]]
    if document["reason"]:
        said.append(f"ended by {document['ended_by'] or 'its starter'}: {document['reason']}")
    letters = ", ".join(f"{n} {state}" for state, n in sorted(document["letters"].items()))
    return said + ([f"letters: {letters}"] if letters else [])
