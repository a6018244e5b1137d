"""MJML with Liquid: nothing is corrupted on the way, and errors name their line."""

from __future__ import annotations

import re
from html import escape, unescape
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from campaigns.mail.liquid import TemplateError
from campaigns.mail.mjml import compile_mjml

_LIQUID_LIKE = re.compile(r"\{[{%]|[%}]\}|lq\d|qLz")
_FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def column(inner: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"


def html(inner: str) -> str:
    return compile_mjml(column(inner)).html


def test_comparisons_and_quotes_survive() -> None:
    source = """{% if a > 0 and b == "x" %}{{ n | default: "you & me" }}{% endif %}"""
    assert source in html(f"<mj-text>{source}</mj-text>")


@pytest.mark.parametrize(
    "value",
    [_FAMILY, "a\u00a0b", "\u0e01\u0e35", "it's {{ n | default: 'z' }}", '{{ n | default: \'a "b" c\' }}', "a\\b",
     "x &amp; y", "{% if a > 1 %}x{% else %}y{% endif %}"],
)  # fmt: skip
def test_attributes_survive(value: str) -> None:
    quoted = value.replace('"', "&quot;") if '"' in value else value
    alt = re.search(r'alt="(.*?)" height', html(f'<mj-image src="https://a.example/b.png" alt="{quoted}" />'))
    assert alt is not None
    assert alt[1] == quoted


def test_loops_stay_inside_tables_and_styles_keep_liquid() -> None:
    source = (
        "<mj-table><tbody>{% for r in rungs %}<tr>"
        '<td style="color:{{ r.color }};padding:1px">{{ r.name }}</td>'
        '<td style="{% if r.here %}color:red{% endif %}">x</td></tr>{% endfor %}</tbody></mj-table>'
    )
    made = html(source)
    assert "<tbody>{% for r in rungs %}<tr><td" in made
    assert "color: {{ r.color }};padding: 1px" in made
    assert "{% if r.here %}color:red{% endif %}" in made
    assert "</tr>{% endfor %}</tbody>" in made


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=30), st.booleans())
@settings(deadline=None)
def test_any_attribute_and_any_text_arrive_as_written(text: str, liquid: bool) -> None:
    value = escape(text) + (" {{ n | default: 'z' }}" if liquid else "")
    assume(not _LIQUID_LIKE.search(text))
    made = _Parsed()
    made.feed(html(f'<mj-image src="https://a.example/b.png" alt="{value}" /><mj-text><i>{value}</i></mj-text>'))
    assert made.alt == unescape(value)
    assert made.text == unescape(value)


class _Parsed(HTMLParser):
    alt = text = ""
    _inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "i"
        if tag == "img":
            self.alt = dict(attrs)["alt"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        self.text += data if self._inside else ""


def test_no_token_and_no_remote_font_is_left() -> None:
    made = html('<mj-text>{{ a }}</mj-text><mj-button href="{{ b }}">é</mj-button>')
    assert not re.search(r"zLq\d|lq\d|--lq", made)
    assert "fonts.googleapis" not in made


def test_preheader_and_language_are_put_in() -> None:
    made = compile_mjml(column("<mj-text>x</mj-text>"), preheader="Tea & {{ n | default: '<3' }}", language="id").html
    assert '<html lang="id"' in made
    assert "Tea &amp; {{ n | default: '<3' }}</div>" in made


def test_the_preheader_of_the_source_wins() -> None:
    source = column("<mj-text>x</mj-text>").replace(
        "<mj-body>", "<mj-head><mj-preview>own</mj-preview></mj-head><mj-body>"
    )
    made = compile_mjml(source, preheader="other").html
    assert "own</div>" in made
    assert "other" not in made


@pytest.mark.parametrize(
    ("inner", "sentence", "line"),
    [
        ("\n<mj-text>a</mj-txt>", "</mj-txt> closes <mj-text> of line 2.", 2),
        ("\n\n<mj-foo />", "MJML has no <mj-foo>.", 3),
        ("{{ a\n}}\n<mj-include path='/etc/passwd' />", "<mj-include> is not allowed; paste the part in here.", 3),
        ("<!-- two\nlines -->\n<mj-text>1 < 2</mj-text>", "This < opens no tag; write &lt; for the sign itself.", 3),
        ("\n<mj-text {% if a %}color='red'{% endif %}>a</mj-text>",
         "Liquid can stand inside an attribute's value, not between attributes.", 2),
        ("\n<mj-text>a", "</mj-column> closes <mj-text> of line 2.", 2),
        ("\n<mj-text>" + "<b>" * 247 + "</b>" * 247 + "</mj-text>", "The template is nested too deeply.", 2),
        ("<mj-wrapper>\n" * 5_000, "The template is nested too deeply.", 247),
        ("\n<mj-raw><script>a()</script></mj-raw>{{ x }}</mj-column>",
         "</mj-column> closes <mj-section> of line 1.", 2),
    ],
)  # fmt: skip
def test_errors_name_their_line(inner: str, sentence: str, line: int) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_mjml(column(inner))
    assert caught.value.sentence == sentence
    assert caught.value.line == line


@pytest.mark.parametrize("source", ["", "hello", "<p>x</p>", "<mjml>", "<mjml><mj-body>", "zLq1qLz"])
def test_what_is_no_mjml_is_refused(source: str) -> None:
    with pytest.raises(TemplateError):
        compile_mjml(source)


@pytest.mark.parametrize("body", ["hello", "hello {{ customer.first_name }}"])
def test_what_is_no_mjml_at_all_is_called_that(body: str) -> None:
    with pytest.raises(TemplateError, match="This is not MJML"):
        compile_mjml(body, language="en")
