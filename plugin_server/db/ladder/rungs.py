"""The merchant's ladder over rows of facts: which rung, since when, as SQL. Used for now and for any past date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from sqlalchemy import (
    TIMESTAMP,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    case,
    cast,
    func,
    literal,
    text,
)

from campaigns.ladder import ladders
from campaigns.ladder.facts import CATALOGUE, FactType
from campaigns.ladder.ladders import Ladder
from campaigns.ladder.meaning import meaning
from campaigns.ladder.presets import SEVEN_RUNGS
from plugin_server.db.ladder import rhythm as rhythms
from plugin_server.db.ladder.known import columns, names_in
from plugin_server.db.ladder.rhythm import Rhythm


@dataclass(frozen=True)
class Shop:
    """What placing needs to know of the merchant: its ladder in force, zone, currency, language and rhythm."""

    merchant_id: int
    ladder: Ladder
    zone: ZoneInfo
    currency: str
    locale: str
    rhythm: Rhythm

    @property
    def exponent(self) -> int:
        """Decimal places of the currency."""
        return get_currency_precision(self.currency)

    @property
    def asked(self) -> set[str]:
        """The facts that the ladder asks for: its conditions, and the moments that date them."""
        return names_in(*(rung.rule for rung in self.ladder.rungs)) | ladders.moments_of(self.ladder)

    def local(self, now: datetime) -> datetime:
        """The moment in the shop's zone: its date is the shop's date."""
        return now.astimezone(self.zone)


def shop(conn: Connection, merchant_id: int) -> Shop:
    """Read the merchant's part; the default ladder where none was saved."""
    row = conn.execute(
        text("SELECT timezone, currency, locale FROM merchant WHERE id = :id"), {"id": merchant_id}
    ).one()
    saved = conn.execute(
        text("SELECT version, definition FROM ladder_version ORDER BY version DESC LIMIT 1")
    ).one_or_none()
    # It was checked when it was saved; what is refused since then must not take a shop's ladder away.
    ladder = Ladder.model_validate({**saved.definition, "version": saved.version}) if saved else SEVEN_RUNGS
    return Shop(merchant_id, ladder, ZoneInfo(row.timezone), row.currency, row.locale, rhythms.kept(conn))


def moments(facts: FromClause, zone: ZoneInfo) -> dict[str, ColumnElement[Any]]:
    """Moments among the facts as times; a date begins at midnight of the shop's zone."""
    made: dict[str, ColumnElement[Any]] = {}
    for name, fact in CATALOGUE.items():
        if name not in facts.c:
            continue
        if fact.type is FactType.TIME:
            made[name] = facts.c[name]
        elif fact.type is FactType.DATE:
            made[name] = func.timezone(zone.key, cast(facts.c[name], TIMESTAMP), type_=DateTime(timezone=True))
    return made


def holds(on: Shop, facts: FromClause, now: datetime) -> list[ColumnElement[bool]]:
    """Per rung from the lowest up: whether its rule holds."""
    known = columns(facts, on.exponent, on.local(now))
    return [
        literal(True) if rung.rule is None else meaning(rung.rule, known, on.local(now)) for rung in on.ladder.rungs
    ]


def place(held: list[ColumnElement[bool]]) -> ColumnElement[int]:
    """The number of the highest rung that holds, 0 for the lowest."""
    return case(*((held[index], index) for index in range(len(held) - 1, 0, -1)), else_=0)


def evidence(on: Shop, facts: FromClause, now: datetime) -> list[ColumnElement[datetime]]:
    """Per rung: when its evidence came about; never later than ``now``, never unknown."""
    times: Mapping[str, ColumnElement[Any]] = moments(facts, on.zone)
    moment = literal(now, DateTime(timezone=True))
    return [
        func.least(func.coalesce(ladders.reached(rung.since, times), times["known_since"], moment), moment)
        for rung in on.ladder.rungs
    ]
