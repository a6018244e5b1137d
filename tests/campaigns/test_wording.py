"""What is equal for all is written once; only what is a reader's own travels by itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from connectors.mail_types import Mail, SendOutcome, SendResult
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
