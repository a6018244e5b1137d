"""The sentence beside a campaign's form: what will be sent to whom and when, as the form stands."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from re import sub
from typing import Any

import pytest

from tests.web.conftest import Visitor

FORM: dict[str, Any] = {
    "holiday": "eid_al_fitr", "offset": "14", "at": "09:00", "percent": "10", "minimum": "100000", "valid_days": "14",
    "holdout": "10", "rungs": ["shopper", "customer"], "languages": ["id"], "name": "",
}  # fmt: skip
SENTENCES = {
    "en": [
        "Send to Shopper and Customer who said yes to mails, 14 days before Eid al-Fitr at 09:00: 10% off from "
        "Rp100,000, by a code of their own that is valid for 14 days.",
        "The next time is about 24 Feb 2027; the holiday is not confirmed yet.",
        "10% of them get nothing, so that the difference can be seen.",
    ],
    "id": [
        "Kirim kepada Pembeli dan Pelanggan yang setuju menerima email, 14 hari sebelum Lebaran pukul 09:00: "
        "diskon 10% mulai Rp100.000, dengan kode pribadi yang berlaku 14 hari.",
        "Berikutnya sekitar 24 Feb 2027; hari rayanya belum dipastikan.",
        "10% dari mereka tidak mendapat apa-apa, agar bedanya terlihat.",
    ],
    "nl": [
        "Stuur naar Koper en Klant met toestemming voor mail, 14 dagen voor Suikerfeest om 09:00: 10% korting "
        "vanaf Rp100.000, met een eigen code die 14 dagen geldig is.",
        "De volgende keer is rond 24 feb 2027; de feestdag is nog niet bevestigd.",
        "10% van hen krijgt niets, zodat het verschil te zien is.",
    ],
}


def told(visitor: Visitor, **changed: Any) -> list[str]:
    """The paragraphs and list items of the sentence."""
    answer = visitor.client.get("/campaigns/new/sentence", query_string={**FORM, **changed})
    assert answer.status_code == 200
    parts = answer.text.replace("<li>", "<p>").split("<p")[1:]
    return [unescape(sub("<[^>]*>", "", f"<p{part}")).strip() for part in parts]


@pytest.mark.parametrize("language", SENTENCES)
def test_the_form_in_a_sentence(logged_in: Callable[[str], Visitor], language: str) -> None:
    visitor = logged_in("marketer")
    visitor.post("/language", {"language": language})
    assert told(visitor) == SENTENCES[language]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"offset": "0"}, "on Eid al-Fitr at 09:00"),
        ({"offset": "1"}, "1 day before Eid al-Fitr"),
        ({"minimum": ""}, "10% off, by a code"),
        ({"percent": "12.50"}, "12.5% off"),
        ({"holdout": "0"}, "Nobody is left out"),
        (
            {"rungs": ["suspect", "prospect", "shopper", "customer", "member", "advocate", "raving_fan"]},
            "Send to everybody who said yes",
        ),
        ({"percent": "150"}, "value 150 is more than 100 percent."),
        ({"rungs": []}, "no rung is chosen"),
        ({"holiday": "x y"}, "is to be made of small letters"),
    ],
)
def test_it_follows_every_field(logged_in: Callable[[str], Visitor], changed: dict[str, Any], said: str) -> None:
    assert said in " ".join(told(logged_in("marketer"), **changed))


def test_a_viewer_does_not_plan(logged_in: Callable[[str], Visitor]) -> None:
    assert logged_in("viewer").get("/campaigns/new/sentence").status_code == 403
