"""Teams in words: what a code is worth, and what a customer's page shows of teams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from campaigns.offers.team import RUNNING, Gift, TeamTerms
from plugin_server.db.friends import teams
from plugin_server.db.friends.teams import Found
from plugin_server.vault import team_token
from plugin_server.web.context import services
from plugin_server.web.words import Words


def worth(t: Words, gift: Gift, currency: str) -> str:
    """``20% off your next order, for orders from Rp100.000``."""
    value = gift.value.normalize() if gift.value is not None else None
    if gift.kind == "fixed" and gift.value is not None:
        said = t("card.fixed", amount=t.major(gift.value, currency))
    else:
        said = t("card.free_shipping") if value is None else t("card.percentage", percent=value)
    return said + (f". {t('card.minimum', amount=t.major(gift.minimum, currency))}" if gift.minimum else "")


@dataclass(frozen=True, slots=True)
class Mate:
    """A team somebody sits in, with the address to pass on and the state of their own code."""

    team: Found
    url: str
    code_state: str | None
    comforted: bool

    @property
    def running(self) -> bool:
        """Whether the link may still bring somebody."""
        return self.team.now.state in RUNNING and services().now() < self.team.now.deadline


@dataclass(frozen=True, slots=True)
class Teams:
    """The part of a card about teams: those one sits in, and deals under which one may start another."""

    mine: list[Mate]
    open: list[tuple[Row[Any], TeamTerms]]

    @staticmethod
    def worth(t: Words, gift: Gift, currency: str) -> str:
        """``worth``, for the template."""
        return worth(t, gift, currency)


def my_teams(conn: Connection, merchant_id: int, customer_id: int) -> Teams:
    """What a customer's page shows of teams."""
    codes = {row.team_id: row for row in conn.execute(text(_CODES), {"c": customer_id})}
    mine = [
        Mate(one, url_of(merchant_id, one.id), codes[one.id].state, codes[one.id].gets == "consolation")
        for one in teams.of_customer(conn, customer_id)
        if one.id in codes
    ]
    found = teams.open_to(conn, customer_id, services().now())
    return Teams(mine, [(row, TeamTerms.model_validate(row.terms)) for row in found])


def url_of(merchant_id: int, team_id: int) -> str:
    """The address of a team's page."""
    return f"{services().settings.public_url}/d/{team_token(services().settings.keys, merchant_id, team_id)}"


_CODES = """
SELECT s.team_id, s.gets, k.state FROM team_seat s LEFT JOIN offer_code k ON k.claim_id = s.claim_id
WHERE s.customer_id = :c
"""
