"""Every block becomes a mail that renders, passes the look-through, and keeps what people write to itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.mail.blocks import KINDS, blocks_mjml
from campaigns.mail.compose import compile_message
from campaigns.mail.holiday import LANGUAGES
from campaigns.mail.lint import Sample, Setting, lint
from campaigns.mail.liquid import compile_template
from campaigns.mail.variables import unknown
from campaigns.schema import BadCampaign, parse
from tests.mail.samples import sample_contexts

ALL: list[dict[str, Any]] = [
    {"kind": "hero", "heading": "For {{ customer.first_name | default: 'you' }} & friends", "text": "One.\n\nTwo <3",
     "image": "https://toko.example/a.png", "alt": 'A "cup" é'},
    {"kind": "text", "text": "{% if offer.minimum %}From {{ offer.minimum | money: offer.currency }}{% endif %} on."},
    {"kind": "products", "products": [{"title": f"Tea {n}", "url": "https://toko.example/t?a=1&b=2",
                                       "image": "https://toko.example/t.png", "price": "Rp50.000"} for n in range(3)]},
    {"kind": "coupon", "heading": "10%", "qr": True}, {"kind": "ladder", "points": True}, {"kind": "card"},
    {"kind": "referral", "text": "Bring somebody."}, {"kind": "button", "label": "Go"},
    {"kind": "image", "image": "https://toko.example/a.png", "alt": "Cups", "link": "https://toko.example"},
    {"kind": "divider"}, {"kind": "footer", "text": "Sent with care."},
]  # fmt: skip
SETTING = Setting(
    "a@toko.example", "Jalan Malioboro 12, Yogyakarta 55271, Indonesia", "https://toko.example", True, now=None
)  # type: ignore[arg-type]


def campaign(blocks: list[dict[str, Any]]) -> Any:
    message = {"en": {"subject": "Hello", "preheader": "Inside", "blocks": blocks}}
    return parse({"key": "x", "trigger": {"kind": "once"}, "message": message})


def contexts(language: str) -> dict[str, dict[str, Any]]:
    made = sample_contexts(language)
    for context in made.values():
        context["customer"]["name"] = context["customer"]["first_name"]
        context |= {"card": {"number": None}, "points": {"balance": 40}}
        context["links"] |= {"qr": "https://toko.example/qr.png"}
    return made


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_blocks_together_are_a_good_mail(language: str) -> None:
    blocks = campaign(ALL).message["en"].blocks
    assert {block.kind for block in blocks} == set(KINDS)
    source = blocks_mjml(blocks, language)
    assert list(unknown(compile_template(source, language=language, escape=True))) == []
    message = compile_message(source, "Hello", "Inside", language)
    samples = [
        Sample(
            language, name, message.render(context), "Inside", context["links"]["unsubscribe"], context["offer"]["code"]
        )
        for name, context in contexts(language).items()
    ]
    assert {one.reason.key: str(one.reason) for one in lint(samples, SETTING)} == {}
    assert all(sample.mail.missing == () for sample in samples)
    assert "Two &lt;3" in samples[0].mail.html
    assert 'alt="A &quot;cup&quot; é"' in samples[0].mail.html
    assert "t?a=1&amp;b=2" in samples[0].mail.html


def test_a_mail_without_a_footer_gets_one() -> None:
    made = blocks_mjml(campaign([{"kind": "text", "text": "x"}]).message["en"].blocks, "nl")
    assert "links.unsubscribe" in made
    assert "Afmelden" in made


@pytest.mark.parametrize(
    ("key", "said"),
    [("suspect", False), ("prospect", False), ("pre_sales", False), ("pre", True), ("sales", True), ("s", True)],
)
def test_only_the_trades_inner_words_are_kept_from_readers(key: str, said: bool) -> None:
    blocks = campaign([{"kind": "ladder"}]).message["en"].blocks
    context = contexts("en")["new"] | {"rung": {"key": key, "name": "Early bird", "number": 2, "next_name": "Member"}}
    mail = compile_message(blocks_mjml(blocks, "en"), "s", "p", "en").render(context)
    assert ("Early bird" in mail.text) is said


@given(st.text(max_size=60), st.text(max_size=30))
@settings(max_examples=80, deadline=None)
def test_what_people_write_never_breaks_the_mail(words: str, label: str) -> None:
    if not words.strip() or not label.strip() or any(sign in words + label for sign in ("{", "}", "zLq")):
        return
    blocks = campaign([{"kind": "text", "text": words}, {"kind": "button", "label": label}]).message["en"].blocks
    mail = compile_message(blocks_mjml(blocks, "en"), "s", "p", "en").render(contexts("en")["new"])
    assert mail.html.count("<a ") == 3


@pytest.mark.parametrize(
    ("block", "path", "word"),
    [
        (
            {"kind": "button", "label": "x", "url": "javascript:alert(1)"},
            "message.en.blocks.0.button.url",
            "whole address",
        ),
        ({"kind": "hero"}, "message.en.blocks.0.hero.heading", "missing"),
        ({"kind": "video"}, "message.en.blocks.0", "kind"),
        ({"kind": "card", "color": "red"}, "message.en.blocks.0.card.color", "not known"),
    ],
)
def test_a_bad_block_is_named_by_its_path(block: dict[str, Any], path: str, word: str) -> None:
    with pytest.raises(BadCampaign) as bad:
        campaign([block])
    assert [(one.path, word in one.sentence) for one in bad.value.problems] == [(path, True)]
