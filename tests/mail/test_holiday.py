"""The holiday mail: in three languages, for the new, the long-named and the nameless."""

from __future__ import annotations

import re
from typing import Any

import pytest

from campaigns.mail.compose import CompiledMessage, compile_message
from campaigns.mail.holiday import LANGUAGES, holiday_message
from connectors.mime import fill
from tests.mail.samples import sample_contexts

SALT = "s4mpl3s4lt"
PERSONAL = ("customer", "rung", "offer", "links")
SHARED = ("rungs", "shop", "holiday")


def compiled(language: str) -> CompiledMessage:
    source = holiday_message(language)
    return compile_message(source.mjml, source.subject, source.preheader, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sample", ["new", "long_name", "no_first_name"])
def test_everybody_gets_a_whole_mail(language: str, sample: str) -> None:
    context = sample_contexts(language)[sample]
    mail = compiled(language).render(context)
    assert mail.missing == ()
    assert len(mail.html.encode()) <= 30_000
    for part in (mail.html, mail.text):
        assert not re.search(r"\{\{|\{%|zLq|lq\d", part)
        for must in ("SENJA-7K2M-Q9XD", context["links"]["unsubscribe"], context["links"]["preferences"],
                     "Jalan Malioboro 12", context["customer"]["email"]):  # fmt: skip
            assert must in part
        assert (context["rung"]["name"] in mail.text) is (context["rung"]["key"] != "suspect")
    assert f'lang="{language}"' in mail.html
    assert 'name="color-scheme"' in mail.html
    assert "<img" not in mail.html
    assert 'href=""' not in mail.html


def test_the_words_of_each_language() -> None:
    subjects = {language: compiled(language).render(sample_contexts(language)["new"]).subject for language in LANGUAGES}
    assert subjects == {
        "en": "Sari, 10% off for Eid al-Fitr",
        "id": "Sari, diskon 10% untuk Idulfitri",
        "nl": "Sari, 10% korting voor het Suikerfeest",
    }
    texts = {language: compiled(language).render(sample_contexts(language)["new"]).text for language in LANGUAGES}
    assert "Valid through 24 March 2027. For orders from Rp100,000." in texts["en"]
    assert "Berlaku sampai 24 Maret 2027. Untuk belanja mulai Rp100.000." in texts["id"]
    assert "Geldig tot en met 24 maart 2027. Voor bestellingen vanaf Rp100.000." in texts["nl"]


def test_without_first_name_minimum_or_next_rung() -> None:
    samples = sample_contexts("en")
    nameless = compiled("en").render(samples["no_first_name"])
    assert nameless.subject == "A thank-you, 10% off for Eid al-Fitr"
    assert "Dear friend of the shop," in nameless.text
    assert "For orders from" not in nameless.text
    assert "Next step" not in compiled("en").render(samples["long_name"]).text


@pytest.mark.parametrize("number", range(1, 8))
def test_the_strip_shows_seven_steps_and_one_is_lit(number: int) -> None:
    context = sample_contexts("en")["new"]
    context["rung"] = {**context["rung"], "number": number}
    html = compiled("en").render(context).html
    row = html[html.index('aria-hidden="true"') :].partition("</tr>")[0]
    lit = re.findall(r"font-weight:700;background-color:(#\w+);color:#FFFFFF[^>]*>(\d)<", row)
    assert lit == [(context["rungs"][number - 1]["color"], str(number))]
    assert re.findall(r">(\d)</div>", row) == list("1234567")
    assert (row.count('class="done"'), row.count('class="ahead"')) == (number - 1, 7 - number)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_batch_equals_the_single_mails(language: str) -> None:
    samples = sample_contexts(language)
    people: list[tuple[str, dict[str, Any]]] = [
        (name, {root: context[root] for root in PERSONAL}) for name, context in samples.items()
    ]
    shared = {root: samples["new"][root] for root in SHARED}
    message = compiled(language)
    batch = message.batch(shared, people, salt=SALT)
    assert list(batch.fragments) == list(samples)
    for name, context in samples.items():
        single = message.render(context)
        parts = [fill(part, batch.fragments[name]) for part in (batch.subject, batch.html, batch.text)]
        assert parts == [single.subject, single.html, single.text]


def test_the_readers_own_words_are_escaped() -> None:
    context = sample_contexts("en")["new"]
    context["customer"] = {"first_name": "<script>&\r\nBcc: x", "email": "a@b.example", "language": "en"}
    mail = compiled("en").render(context)
    assert "<script" not in mail.html
    assert mail.subject.startswith("<script>&  Bcc: x, 10%")


def test_an_unknown_language_reads_english() -> None:
    assert holiday_message("xx") == holiday_message("en")


def test_a_campaign_for_a_thousand_fits_into_one_request() -> None:
    context = sample_contexts("id")["new"]
    shared = {**{root: context[root] for root in SHARED}, "offer": {**context["offer"], "code": None}}
    people: list[tuple[str, dict[str, Any]]] = [
        (str(n), {"customer": context["customer"], "rung": {**context["rung"], "number": n % 7 + 1},
                  "links": context["links"], "offer": {"code": f"CODE-{n}"}})
        for n in range(1000)
    ]  # fmt: skip
    batch = compiled("id").batch(shared, people, salt=SALT)
    assert len(batch.fragments) == 1000
    assert (
        max(sum(len(value.encode()) for value in fragments.values()) for fragments in batch.fragments.values()) < 3000
    )
    last = batch.fragments["999"]
    assert (
        fill(batch.html, last)
        == compiled("id").render({**shared, **people[999][1], "offer": {**context["offer"], "code": "CODE-999"}}).html
    )
