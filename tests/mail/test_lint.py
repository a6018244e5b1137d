"""Each thing the look-through finds, by a mail that has just that fault; and a recipe that has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from campaigns.calendar import holidays
from campaigns.mail.compose import RenderedMail, compile_message
from campaigns.mail.holiday import LANGUAGES, holiday_message
from campaigns.mail.lint import Sample, Setting, blocking, lint
from campaigns.mail.lint_words import When, feasts_amiss, foreign_money
from campaigns.mail.page import contrast, read_page
from tests.mail.samples import sample_contexts

NO = "https://toko.example/c/x/unsubscribe"
GOOD = (
    '<html><head><meta name="color-scheme" content="light dark"></head><body style="background-color:#fff">'
    '<p style="font-size:16px;color:#222222">A greeting that is long enough to count as words for a reader.</p>'
    f'<a href="{NO}">No more</a>%s</body></html>'
)
SETTING = Setting(
    "halo@toko.example", "Jalan Senja 1", "https://toko.example", True, datetime(2027, 3, 1, tzinfo=UTC),
    sends_at=datetime(2027, 3, 1, tzinfo=UTC), currency="EUR", weights={"https://toko.example/heavy.png": 1_200_000},
    when=When(date(2027, 3, 1), "", [one for year in (2026, 2027) for one in holidays("ID", year)]),
)  # fmt: skip


def sample(more: str = "", **told: Any) -> Sample:
    subject, text = told.pop("subject", "A thank-you"), told.pop("text", "Hello. Jalan Senja 1")
    mail = RenderedMail(subject, told.pop("html", GOOD % more), text, told.pop("missing", ()))
    return Sample("en", "usual", mail, told.pop("preheader", "Your code is inside"), NO, told.pop("code", ""))


def found(one: Sample, of: Setting = SETTING) -> set[tuple[str, bool]]:
    return {(item.reason.key, item.blocking) for item in lint([one], of)}


def test_a_good_mail_has_nothing_to_mend() -> None:
    assert found(sample()) == set()


MUST = [
    (sample(subject=" "), "lint_subject"),
    (sample(text="\n"), "lint_no_text"),
    (sample(missing=("customer.nick",)), "lint_missing"),
    (sample("{{ customer.name }}"), "lint_left_over"),
    (sample(html=(GOOD % "").replace(NO, "https://toko.example/bye")), "lint_no_unsubscribe"),
    (sample("<form></form>"), "lint_active"),
    (sample("<p onclick='x()'>x</p>"), "lint_active"),
    (sample("<iframe></iframe><script></script>"), "lint_active"),
    (sample("x" * 103_000), "lint_clipped"),
    (sample('<a href="">Look</a>'), "lint_empty_link"),
    (sample('<a href="http://[bad">Look</a>'), "lint_empty_link"),
    (sample('<a href=" javascript:alert(1)">Look</a>'), "lint_scheme"),
    (sample('<a href="http://toko.example">Look</a>'), "lint_insecure"),
    (sample('<a href="https://localhost/x">Look</a>'), "lint_insecure"),
    (sample(code="SENJA-1"), "lint_no_code"),
    (sample(text="No street in it"), "lint_no_address"),
    (sample('<img src="http://toko.example/a" alt="a" width="9">'), "lint_picture_address"),
    (sample('<img src="" alt="a" width="9">'), "lint_picture_address"),
    (sample('<a href="https://staging.toko.example/x">Look</a>'), "lint_insecure"),
]
SHOULD = [
    (sample("x" * 92_000), "lint_nearly_clipped"),
    (sample(subject="A" + "a" * 70), "lint_long_subject"),
    (sample(subject="BUY THIS NOW"), "lint_shouting"),
    (sample(subject="Buy!!"), "lint_shouting"),
    (sample(preheader=""), "lint_preheader"),
    (sample(preheader="A thank-you"), "lint_preheader"),
    (sample('<img src="https://toko.example/a" width="10">'), "lint_alt"),
    (sample('<img src="https://toko.example/a" alt="">'), "lint_width"),
    (sample(html=f'<meta name="color-scheme"><img src="https://toko.example" alt="a" width="9"><a href="{NO}">No</a>'),
     "lint_picture_only"),
    (sample(html=(GOOD % "").replace("color-scheme", "x")), "lint_dark"),
    (sample('<p style="color:#aaaaaa">pale words</p>'), "lint_contrast"),
    (sample('<p style="font-size:11px">small words</p>'), "lint_small"),
    (sample('<a href="https://x.example" style="display:inline-block;padding:4px 9px;line-height:20px">Go</a>'),
     "lint_button"),
    (sample('<a href="https://bit.ly/x">Look</a>'), "lint_shortener"),
    (sample('<a href="https://other.example/x">toko.example</a>'), "lint_disguised"),
    (sample('<a href="https://toko.example/?utm_source=a&utm_source=b">Look</a>'), "lint_utm"),
    (sample('<a href="https://toko.example/x">Look</a>' * 31), "lint_many_links"),
    (sample("<p>Only Rp 70.000</p>", text="Only Rp 70.000, Jalan Senja 1"), "lint_currency"),
    (sample(text="Now Rp100.000, Jalan  Senja 1"), "lint_currency"),
    (sample(subject="Christmas is near"), "lint_feast_over"),
    (sample(text="Before Idul Adha we pack, Jalan Senja 1"), "lint_feast_far"),
    (sample('<img src="https://toko.example/heavy.png" alt="a" width="9">'), "lint_heavy"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "key"), MUST, ids=lambda item: item if isinstance(item, str) else "")
def test_what_must_be_mended(one: Sample, key: str) -> None:
    assert (key, True) in found(one)


@pytest.mark.parametrize(("one", "key"), SHOULD, ids=lambda item: item if isinstance(item, str) else "")
def test_what_had_better_be_mended(one: Sample, key: str) -> None:
    assert found(one) == {(key, False)}


@pytest.mark.parametrize(
    ("changed", "key", "blocks"),
    [
        ({"from_email": "toko@gmail.com"}, "lint_free_sender", True),
        ({"authenticated": False}, "lint_domain", True),
        ({"postal_address": " "}, "lint_address", True),
        ({"public_url": "http://toko.example"}, "lint_public_url", True),
        ({"code_expires_at": SETTING.now - timedelta(days=1)}, "lint_expired", True),
        ({"spoken": {"nl": 40, "en": 3}}, "lint_untranslated", False),
        ({"complaints": 0.0009}, "lint_complaints", False),
        ({"readers": 2001, "usual": 1000}, "lint_volume", False),
        ({"capped": 3}, "lint_capped", False),
        ({"quiet_clash": True}, "lint_quiet", False),
        ({"tested": False}, "lint_untested", False),
    ],
)
def test_what_is_set_up_wrongly(changed: dict[str, Any], key: str, blocks: bool) -> None:
    assert found(sample(), replace(SETTING, **changed)) == {(key, blocks)}
    relaxed = found(sample(), replace(SETTING, **changed, strict=False))
    assert relaxed == {(key, blocks and key == "lint_expired")}


@pytest.mark.parametrize(
    ("text", "currency", "sign"),
    [
        ("Rp100.000", "IDR", ""), ("Rp 100.000", "EUR", "Rp"), ("€ 12,50", "EUR", ""), ("12,50 €", "IDR", "€"),
        ("$5", "SGD", ""), ("$5", "EUR", "$"), ("USD 5", "EUR", "USD"), ("5 USD", "USD", ""), ("US$5", "EUR", ""),
        ("FORM 12, EURO 2024, code RP100", "EUR", ""), ("RM12", "MYR", ""), ("¥500", "EUR", "¥"), ("", "EUR", ""),
    ],
)  # fmt: skip
def test_money_of_another_country_is_noticed(text: str, currency: str, sign: str) -> None:
    assert foreign_money(text, currency) == sign


@pytest.mark.parametrize(
    ("text", "day", "own", "keys"),
    [
        ("Lebaran sale", date(2027, 3, 1), "", []),
        ("Lebaran sale", date(2027, 3, 20), "", ["lint_feast_over"]),
        ("Lebaran sale", date(2026, 11, 1), "", ["lint_feast_far"]),
        ("Lebaran sale", None, "", ["lint_feast_always"]),
        ("Lebaran sale", date(2027, 3, 1), "eid_al_fitr", []),
        ("Lebaran sale", date(2026, 12, 20), "christmas", ["lint_other_feast"]),
        ("Lunar New Year", date(2027, 1, 20), "", []),
        ("Selamat Natal dan Tahun Baru", date(2027, 1, 20), "", ["lint_feast_over", "lint_feast_over"]),
        ("prenatal tea, Natalia", date(2027, 6, 1), "", []),
    ],
)
def test_feasts_that_are_not_when_the_mail_goes_out(text: str, day: date | None, own: str, keys: list[str]) -> None:
    feasts = [one for year in (2026, 2027) for one in holidays("ID", year)]
    assert [one.key for one in feasts_amiss(text, When(day, own, feasts))] == keys


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_recipe_passes(language: str) -> None:
    source = holiday_message(language)
    message = compile_message(source.mjml, source.subject, source.preheader, language)
    samples = [
        Sample(language, name, message.render(context), "x", context["links"]["unsubscribe"], context["offer"]["code"])
        for name, context in sample_contexts(language).items()
    ]
    when = When(date(2027, 3, 1), "eid_al_fitr", holidays("ID", 2027))
    of = replace(SETTING, currency="IDR", when=when, postal_address="Jalan Malioboro 12,\nYogyakarta 55271, Indonesia")
    # A very long name may make a long subject; nothing else is wrong.
    assert {one.reason.key for one in lint(samples, of)} <= {"lint_long_subject"}
    assert blocking(lint(samples, of)) == []


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == 21
    assert round(contrast((118, 118, 118), (255, 255, 255)), 2) == 4.54


def test_hidden_text_is_not_read_and_colours_are_inherited() -> None:
    page = read_page(
        '<div style="display:none;font-size:1px">hidden</div><div style="background:#000;color:#fff">a'
        '<span style="font-size:20px">b</span></div><div style="font-size:0px"><p style="font-size:18px">c</p></div>'
    )
    assert (page.faint, page.smallest, page.letters) == (21, 16, 3)
