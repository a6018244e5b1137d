"""Liquid: money and dates in three languages, escaping, limits, and errors that name their place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from campaigns.mail.liquid import TemplateError, compile_template


def render(source: str, language: str = "en", escape: bool = True, **context: object) -> str:
    return compile_template(source, language=language, escape=escape).render(context).text


@pytest.mark.parametrize(
    ("language", "value", "currency", "printed"),
    [
        ("id", "1250000.00", "IDR", "Rp1.250.000"),
        ("en", 1250000, "IDR", "Rp1,250,000"),
        ("nl", Decimal("1250000.50"), "IDR", "Rp1.250.001"),
        ("id", "-2500", "IDR", "-Rp2.500"),
        ("nl", "1234.5", "EUR", "€\u00a01.234,50"),
        ("en", "1234.5", "EUR", "€1,234.50"),
        ("en", "5000", "JPY", "JP¥5,000"),
    ],
)
def test_money_is_printed_as_people_write_it(language: str, value: object, currency: str, printed: str) -> None:
    assert render("{{ v | money: c }}", language, v=value, c=currency) == printed
    assert render("{{ v | money }}", language, v={"amount": value, "currency": currency}) == printed


@pytest.mark.parametrize(
    ("language", "source", "printed"),
    [
        ("en", "{{ d | date }}", "25 December 2026"),
        ("id", "{{ d | date }}", "25 Desember 2026"),
        ("nl", "{{ d | date }}", "25 december 2026"),
        ("nl", "{{ d | date: 'full' }}", "vrijdag 25 december 2026"),
        ("id", "{{ d | date: '%A, %-d %B %Y 100%%' }}", "Jumat, 25 Desember 2026 100%"),
        ("en", "{{ nothing | date }}", ""),
    ],
)
def test_dates_are_printed_in_the_language(language: str, source: str, printed: str) -> None:
    assert render(source, language, d="2026-12-25") == printed
    assert render(source, language, d=date(2026, 12, 25)) == printed


def test_values_are_escaped_for_html_and_left_alone_in_text() -> None:
    assert render("{{ n }}", n="<b>&'\"") == "&lt;b&gt;&amp;&#39;&#34;"
    assert render("{{ n }}", escape=False, n="<b>&'\"") == "<b>&'\""


def test_unknown_variables_are_named_unless_they_have_a_default() -> None:
    source = "{{ a.b.c }}{{ x | default: 'y' }}{% if z %}{% endif %}{{ q | upcase }}"
    rendered = compile_template(source, language="en", escape=True).render({"a": {}})
    assert rendered.text == "y"
    assert rendered.missing == ("a.b", "q")


def test_attributes_of_objects_are_out_of_reach() -> None:
    assert render("{{ d.year }}{{ d.__class__ }}", d=date(2026, 1, 1)) == ""


@pytest.mark.parametrize(
    ("source", "sentence", "line", "column"),
    [
        ("a\n{% if x %}b", "{% if %} is never closed; it needs {% endif %}.", 2, 1),
        ("{% endif %}", "{% endif %} stands here without the tag that opens it.", 1, 4),
        ("x\n {{ x | foo }}", "There is no filter called foo.", 2, 9),
        ("{% sql %}", "There is no tag called sql.", 1, 4),
        ("\n\n{{ a.b | }}", "{{ a.b | }} ends too early; write what is missing before its end.", 3, 1),
        ("a {{ x", "{{ is never closed; it needs }}.", 1, 3),
        ("a\n{% if x", "{% is never closed; it needs %}.", 2, 1),
        ("{% raw %}{{ x }}", "{% raw %} is never closed; it needs {% endraw %}.", 1, 1),
        (
            "{% comment %}a{% endcomment %}{% comment %}",
            "{% comment %} is never closed; it needs {% endcomment %}.",
            1,
            31,
        ),
        ("{% include 'secrets' %}", "There is no tag called include.", 1, 4),
        ("ab {{ (1..5000) | join }}", "A range may hold up to 1000 numbers.", 1, 7),
        ("{% for i in (1..1001) %}{% endfor %}", "A range may hold up to 1000 numbers.", 1, 13),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_at_its_place(
    source: str, sentence: str, line: int, column: int
) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(source, language="en", escape=True)
    assert (caught.value.sentence, caught.value.line, caught.value.column) == (sentence, line, column)


def test_a_range_of_a_thousand_is_fine() -> None:
    assert render("{% for i in (1..1000) %}.{% endfor %}") == "." * 1000


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..n) %}{% endfor %}",
        "{{ (1..n) | join }}",
        "{% for a in (1..1000) %}{% for b in (1..1000) %}.{% endfor %}{% endfor %}",
        "{% assign s = 'aaaaaaaaaa' %}{% for i in (1..9) %}{% assign s = s | replace: 'a', 'aaaaaaaaaa' %}{% endfor %}",
        "{{ n | money: 'rupiah' }}",
        "{{ 'abc' | money: 'IDR' }}",
        "{{ 'NaN' | money: 'IDR' }}",
        "{{ 'yesterday' | date }}",
        "{{ '2026-01-01' | date: '%Q' }}",
        "{% break %}",
    ],
)
def test_bombs_and_nonsense_stop_with_an_error(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source, n=100_000_000)


def test_a_source_without_end_is_refused() -> None:
    with pytest.raises(TemplateError, match="longer than 256,000"):
        render("x" * 256_001)


@pytest.mark.parametrize("unit", ["{{", "{%", "{% raw %}", "{% comment %}", "{% if a %}", "{{ a ", "{{ 'x", "{% endif"])
def test_hostile_repetition_is_refused(unit: str) -> None:
    with pytest.raises(TemplateError):
        compile_template(unit * (200_000 // len(unit)), language="en", escape=True)
