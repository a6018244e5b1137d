"""What members of a team are told: complete in three languages, with the code where there is one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from campaigns.mail.holiday import LANGUAGES
from campaigns.mail.team_letters import KEYS, WITH_CODE, team_letter, worth
from tests.mail.samples import sample_contexts

TEAM = {"deal": "Kopi bareng", "founder": "Ani", "seats": 5, "left": 2, "until": "26 Nov 2026, 18:00"}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_says_all_it_must(key: str, language: str) -> None:
    context = sample_contexts(language)["long_name"]
    context["links"] |= {"team": "https://t.example/d/x"}
    context["offer"] |= {"what": "20 % off", "title": "20 % OFF"}
    made = team_letter(key, language).render(context | {"team": TEAM})
    assert list(made.missing) == []
    assert not set("{}$").intersection(made.subject + made.text)
    assert ("SENJA-7K2M-Q9XD" in made.text.replace("?coupon=SENJA-7K2M-Q9XD", "")) is (key in WITH_CODE)
    assert ("20 % OFF" in made.text) is (key in WITH_CODE)
    assert ("https://t.example/d/x" in made.html) is (key == "reminder")
    assert "/c/sample/unsubscribe" in made.html


def test_what_a_code_is_worth_is_said_in_the_readers_way() -> None:
    assert worth("percentage", Decimal("12.50"), "IDR", "en") == "12.5% off"
    assert worth("fixed", Decimal(50000), "IDR", "id") == "potongan Rp50.000"
    assert worth("fixed", Decimal("7.5"), "EUR", "nl") == "€\xa07,50 korting"
    assert worth("free_shipping", Decimal(0), "IDR", "nl") == "gratis verzending"
