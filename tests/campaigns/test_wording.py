"""What is equal for all is written once; only what is a reader's own travels by itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from connectors.mail_types import Mail, SendOutcome, SendResult
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.shop import Shop
from tests.campaigns.test_run import holiday, started

SPLITS = "<p>{{ offer.percent }}% from {{ offer.minimum }} with {{ offer.code }} until {{ offer.expires_on }}</p>"
ALONE = "{% assign mine = offer.code %}" + SPLITS.replace("offer.code", "mine")


@dataclass
class Taker:
    """A mail provider that takes everything and keeps the requests as they came."""

    mails: list[Mail] = field(default_factory=list)

    def send(self, mail: Mail) -> SendResult:
        """As ``connectors.base.MailBackend.send``."""
        self.mails.append(mail)
        return SendResult(SendOutcome.ACCEPTED)

    def close(self) -> None:
        """Nothing is open."""

    def read(self) -> dict[str, str]:
        """The first line each recipient reads: the request with their own parts put in."""
        return {to.email: filled(mail.text, to.fragments) for mail in self.mails for to in mail.recipients}


def filled(text: str, own: dict[str, str]) -> str:
    """The first line of the text, with the tags replaced."""
    for tag, value in own.items():
        text = text.replace(tag, value)
    return text.strip().splitlines()[0]


@pytest.fixture
def taker() -> Taker:
    return Taker()


def sent(app: Services, merchant: int, world: Outside, taker: Taker, html: str) -> None:
    """A campaign with this body, to its end."""
    offer = {"kind": "percentage", "value": "10", "minimum": "100000", "valid_days": 14}
    campaign = holiday(message={"en": {"subject": "Hello", "html": html}}, offer=offer)
    assert runs.advance(app, replace(world, mail=taker), merchant, started(app, merchant, campaign)) == "done"


@pytest.mark.parametrize("html", [SPLITS, ALONE])
def test_everybody_reads_the_shared_offer_and_a_code_of_their_own(
    app: Services, merchant: int, world: Outside, shop: Shop, taker: Taker, html: str
) -> None:
    sent(app, merchant, world, taker, html)
    assert taker.read() == {
        spec.email: f"10% from 100000 with {code} until 2027-03-10" for code, spec in shop.codes.items()
    }


def test_only_code_and_date_travel_with_each_recipient(
    app: Services, merchant: int, world: Outside, taker: Taker
) -> None:
    sent(app, merchant, world, taker, SPLITS)
    [mail] = taker.mails
    assert "10% from 100000 with " in mail.text
    for to in mail.recipients:
        assert not any("100000" in part for part in to.fragments.values())


def test_readers_of_one_language_read_days_and_money_as_in_their_own_country(
    app: Services, merchant: int, world: Outside, taker: Taker, shop: Shop
) -> None:
    """Month first in the States and Canada, day first elsewhere; each form goes as one request, and nobody twice."""
    named = "UPDATE customer SET country = :c WHERE id = (SELECT id FROM customer ORDER BY id OFFSET :n LIMIT 1)"
    with tenant(app.engine, merchant) as connection:
        for place, country in enumerate(("US", "CA", "GB", "Utopia")):
            connection.execute(text(named), {"c": country, "n": place})
    sent(app, merchant, world, taker, "<p>{{ offer.expires_on | date }}: {{ 12.5 | money: 'USD' }}</p>")
    with tenant(app.engine, merchant) as connection:
        rows = connection.execute(text("SELECT email, country FROM customer ORDER BY id"))
        countries = {row.email: row.country for row in rows}
    forms = {"US": "March 10, 2027: $12.50", "CA": "March 10, 2027: US$12.50"}
    read = taker.read()
    assert read == {email: forms.get(countries[email] or "", "10 March 2027: US$12.50") for email in read}
    assert sorted(to.email for mail in taker.mails for to in mail.recipients) == sorted(read)
    assert {"US", "CA", "GB"} <= {countries[email] for email in read}
    assert len(taker.mails) == 3
