"""Letters of few words: one thing to do, and nothing that a value could do to them."""

from __future__ import annotations

import pytest

from connectors.mail_types import Mail, Recipient
from plugin_server.jobs.letters.plain import Sheet, plain_mail
from plugin_server.locales import LANGUAGES

HOSTILE = '<a href="https://evil.example">{{ shop.name }} {address} {% if %}</a>'
ADDRESS = "https://tangga.example/go?a=1&b=2"


def made(phrases: str, language: str, told: dict[str, str], links: dict[str, str], text: str = "") -> Mail:
    sheet = Sheet("shop@shop.example", "Toko Senja", None, "Jalan Malioboro 12")
    to = Recipient("", "sari@example.com")
    return plain_mail(phrases, language, told, links, sheet=sheet, to=to, category="x", text=text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phrases", ["login_mail", "confirm_mail", "friend_mail", "approved_mail", "team_mail"])
def test_a_letter_has_one_button_and_a_readable_text(phrases: str, language: str) -> None:
    mail = made(phrases, language, {"shop": "Toko Senja"}, {"address": ADDRESS})
    assert mail.html.count('href="https://tangga.example/go?a=1&amp;b=2"') == 2
    assert mail.text.count(f": {ADDRESS}\n") == 1
    assert mail.text.count(ADDRESS) == 1
    assert "Toko Senja" in mail.subject
    assert not set("{}").intersection(mail.subject + mail.text)
    assert f'lang="{language}"' in mail.html
    assert mail.text.endswith("Toko Senja, Jalan Malioboro 12\n")


def test_a_value_is_never_markup_nor_a_link_nor_a_phrase() -> None:
    mail = made(
        "trouble_mail", "en", {"store": "Toko\r\nBcc: x@evil.example", "sentence": HOSTILE}, {"address": ADDRESS}
    )
    assert '<a href="https://evil' not in mail.html
    assert HOSTILE in mail.text
    assert mail.subject == "Toko  Bcc: x@evil.example needs you"


def test_a_code_stands_large_and_the_small_print_below() -> None:
    told = {"name": "Sari", "shop": "Toko Senja", "code": "SENJA-1", "until": "3 December 2026"}
    mail = made("leak_mail", "en", told, {"card": ADDRESS, "unsubscribe": f"{ADDRESS}/no"})
    assert 'class="code"' in mail.html
    assert "\n\nSENJA-1\n\n" in mail.text
    assert mail.text.index("See your page") < mail.text.index(f"no longer want mails like this: {ADDRESS}/no")
