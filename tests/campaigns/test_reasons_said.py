"""Why a mail waits or does not go stands on pages in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.guard_terms import Guards
from campaigns.guards import CONSENT, Candidate, judge
from campaigns.offers import margin
from campaigns.offers.margin import Trade
from campaigns.offers.offer import offer_of
from plugin_server.locales.sentences import said

NIGHT = datetime(2027, 2, 24, 16, 0, tzinfo=UTC)
"""23:00 in Jakarta."""


@pytest.mark.parametrize("left", [timedelta(days=7), timedelta(minutes=1), timedelta(0)])
@pytest.mark.parametrize(
    "told",
    [
        {},
        {"talking": True},
        {"capped_until": NIGHT + timedelta(days=1)},
        {"suppressed": "bounced"},
        {"email": None},
        *({"consent": state} for state in CONSENT),
    ],
)
def test_every_verdict_of_the_guards_is_known(told: dict[str, object], left: timedelta) -> None:
    standard: dict[str, object] = {
        "consent": "subscribed", "suppressed": None, "email": "a@example.com", "erased": False, "timezone": None,
        "capped_until": None,
    }  # fmt: skip
    candidate = Candidate(**{**standard, **told})  # type: ignore[arg-type]
    verdict = judge(candidate, Guards(), now=NIGHT, deadline=NIGHT + left, shop_zone="Asia/Jakarta")
    key, _, rest = verdict.reason.partition(": ")
    for language in ("id", "nl"):
        words = said(verdict.reason, language)
        assert words
        assert rest not in words or key == "suppressed"
    assert said(verdict.reason, "en") == verdict.reason


def test_what_the_server_said_stays_in_its_own_words() -> None:
    assert said("not sent: 450 greylisted", "nl") == "niet verzonden: 450 greylisted"
    broke = "given_up: the mail server did not take it in 7 tries: The connection to the mail server broke."
    assert said(broke, "nl") == (
        "opgegeven: de mailserver nam hem in 7 pogingen niet aan: De verbinding met de mailserver brak af."
    )
    assert said("no_code: the shop has not made the code", "id") == "tanpa kode: toko belum membuat kodenya"


def test_the_margin_guard_says_how_to_mend_it_only_while_it_is_on() -> None:
    trade = Trade(20_000_000, 0, Decimal("0.3"), Decimal(1))
    verdict = margin.judge(offer_of({"kind": "percentage", "value": "40"}), "IDR", trade)
    assert verdict.sentence == "You give away 40 % of an order but earn 30 %: every order would lose money."
    assert verdict.refusal == f"{verdict.sentence} {verdict.mend}"
    for language in ("id", "nl"):
        assert "lose" not in said(verdict.sentence, language) + said(verdict.refusal, language)
