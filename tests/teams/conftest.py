"""A shop with twelve customers (see ``tests.campaigns.shop.fill``), and a team deal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from campaigns.offers.team import TeamTerms
from plugin_server.db.friends import team_seats, teams
from plugin_server.db.friends.team_seats import Joined
from plugin_server.db.session import tenant
from plugin_server.jobs.giving import teams as jobs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW, app, merchant, shop, world  # noqa: F401
from tests.campaigns.shop import Shop

T = TypeVar("T")
SECRET = "k" * 40


@dataclass
class Deals:
    """Hands for a test: deals, teams, seats, time, and what came of it."""

    app: Services
    merchant: int
    world: Outside
    shop: Shop

    def do(self, act: Callable[[Connection], T]) -> T:
        with tenant(self.app.engine, self.merchant) as conn:
            return act(conn)

    def rows(self, sql: str) -> list[Any]:
        return self.do(lambda conn: [tuple(row) for row in conn.execute(text(sql))])

    def open(self, name: str = "Kopi bareng", **told: Any) -> int:
        """A deal of three seats and three days that gives 20 %."""
        terms = TeamTerms.model_validate({"seats": 3, "days": 3, "gift": {"kind": "percentage", "value": "20"}} | told)
        return self.do(
            lambda conn: teams.save_deal(conn, self.merchant, name=name, terms=terms, by="o@example.com", now=NOW)
        )

    def start(self, deal: int, customer: int = 1, **told: Any) -> int:
        return self.do(lambda conn: teams.start(conn, self.merchant, deal, customer, now=self.app.now(), **told))

    def join(self, team: int, customer: int) -> str:
        def act(conn: Connection) -> Joined | None:
            return team_seats.join(conn, self.merchant, team, customer, secret=SECRET, now=self.app.now())

        said = self.do(act)
        return str(said.answer) if said else "gone"

    def at(self, moment: datetime) -> None:
        object.__setattr__(self.app, "now", lambda: moment)

    def later(self, **amount: float) -> None:
        self.at(self.app.now() + timedelta(**amount))

    def advance(self) -> dict[str, int]:
        """What the worker does."""
        return jobs.advance(self.app, self.world, self.merchant, lambda *_: self.shop)  # type: ignore[arg-type,return-value]

    def mails(self) -> dict[str, list[EmailMessage]]:
        """The outbox by recipient, each's mails by subject."""
        found: dict[str, list[EmailMessage]] = {}
        for path in sorted(self.app.settings.outbox.rglob("*.eml")):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            found.setdefault(mail["To"].addresses[0].addr_spec, []).append(mail)
        return found


@pytest.fixture
def deals(app: Services, merchant: int, world: Outside, shop: Shop) -> Deals:  # noqa: F811
    return Deals(app, merchant, world, shop)


@pytest.fixture
def many(app: Services) -> Iterator[Services]:  # noqa: F811
    """The same with a connection of its own for whoever asks, for many at once."""
    made = create_engine(
        app.engine.url, poolclass=NullPool, connect_args={"options": "-c role=tangga_app -c timezone=UTC"}
    )
    yield app.__class__(settings=app.settings, engine=made, redis=app.redis, now=app.now)
    made.dispose()
