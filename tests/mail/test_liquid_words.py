"""Every mistake in a template is told in the reader's language, with line and column and a way to mend it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from campaigns.mail.liquid import TemplateError, compile_template
from plugin_server.locales.sentences import known, said

GIVEN: dict[str, Any] = {"a": "x", "b": "y" * 3000, "n": 5000, "y": [1, 2], "x": 3}
UNREADABLE = (
    *("{% sql %}", "{% endif %}", "{% else %}", "{% elsif x %}", "{% when 1 %}", "{% if %}a{% endif %}"),
    *("{% if x = 1 %}a{% endif %}", "{% if x => 1 %}a{% endif %}", "{% if x and %}a{% endif %}"),
    *("{% if (x %}a{% endif %}", "{% if x == 'y %}b{% endif %}", "{% if x %}{% if y %}{% endif %}"),
    *("{% for x %}{% endfor %}", "{% for x of y %}{% endfor %}", "{% for x in y foo:1 %}{% endfor %}"),
    *("{% for x in %}{% endfor %}", "{% for x in (1..99999) %}{% endfor %}", "{% case x %}{% foo %}{% endcase %}"),
    *("{% assign %}", "{% assign x %}", "{% capture %}{% endcapture %}", "{% %}", "{{ }}", "{{ a.b | }}", "{{ a..b }}"),
    *(
        "{{ a. }}",
        "{{ a[ }}",
        "{{ 'abc }}",
        '{{ "abc }}',
        "{{ a b }}",
        "{{ a ? b }}",
        "{{ a | foo }}",
        "{{ a | f-b: 1 }}",
    ),
    *(
        "{% break %}",
        "{% include 'x' %}",
        "{% liquid\n foo bar %}",
        "{% # a\n b %}",
        "{% raw %}",
        "{% comment %}",
        "{{ a",
    ),
    *("{% doc x %}{% enddoc %}", "{% if a %}" * 25 + "{% endif %}" * 25, "{{ a | default: 'x', allow_false: }}"),
)
UNWORKABLE = (
    *(
        "{{ a | upcase: 1 }}",
        "{{ a | replace }}",
        "{{ a | truncate: 'x' }}",
        "{{ a | divided_by: 0 }}",
        "{{ 1 | map: 'x' }}",
    ),
    *(
        "{% if 'a' < 1 %}b{% endif %}",
        "{% if 1 contains a %}{% endif %}",
        "{{ a | slice: 'x' }}",
        "{{ a | concat: 1 }}",
    ),
    *("{% for x in y limit:a %}{{ x }}{% endfor %}", "{% for x in (1..n) %}{% endfor %}", "{{ 'x' | base64_decode }}"),
    *("{{ 'a' | money: 'IDR' }}", "{{ 1 | money: 'rupiah' }}", "{{ 'a' | date }}", "{{ '2026-01-01' | date: '%Q' }}"),
    "{{ '2026-01-01' | date: 'long-ish' }}",
    "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
    "{% assign a = 'x' %}" + "{% assign a = a | append: a %}" * 30,
    "{% capture k %}{% for i in (1..1000) %}" + "x" * 300 + "{% endfor %}{% endcapture %}{{ k }}",
    "{% for i in (1..1000) %}{{ b | append: b }}{% endfor %}",
)


@pytest.mark.parametrize("source", UNREADABLE + UNWORKABLE)
def test_every_mistake_is_said_in_three_languages_at_its_place(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(f"one\n two {source}", language="en", escape=True).render(GIVEN)
    error = caught.value
    assert known(error.sentence), error.sentence
    assert (error.line or 0) >= 2
    assert (error.column or 0) >= 1
    assert not re.search(r"primitive|expression|positional|Markup|\bfound\b|__|token", error.sentence)
    error.part = "body"
    for language, part, place in (("id", "isi: ", "(baris "), ("nl", "inhoud: ", "(regel ")):
        told = said(str(error), language)
        assert told.startswith(part)
        assert place in told
        assert error.sentence not in told


def test_the_sentences_themselves() -> None:
    def told(sentence: str, language: str) -> str:
        return said(sentence, language)

    assert told("body: {% if %} is never closed; it needs {% endif %}. (line 2, column 5)", "nl") == (
        "inhoud: {% if %} wordt nergens gesloten; er moet {% endif %} komen. (regel 2, kolom 5)"
    )
    assert told("subject: shop.nam is not known here. Do you mean shop.name? (line 1, column 4)", "id") == (
        "subjek: shop.nam tidak dikenal di sini. Maksud Anda shop.name? (baris 1, kolom 4)"
    )
    loop = "A loop names its list after in, such as {% for product in products %}."
    assert "{% for product in products %}." in told(loop, "nl")
    assert "{{" not in told(loop, "id")
