"""The text part: what a reader without HTML gets."""

from __future__ import annotations

import pytest

from campaigns.mail.compose import compile_message
from campaigns.mail.text import text_from_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two <b>bold</b>.</p>", "One\n\nTwo bold.\n"),
        ('<p>See <a href="https://a.example/x">the shop</a>.</p>', "See the shop: https://a.example/x.\n"),
        ('<a href="https://a.example">https://a.example</a>', "https://a.example\n"),
        ('<a href="mailto:a@b.example">a@b.example</a> <a href="#top">up</a>', "a@b.example up\n"),
        ('<a href="https://a.example"><img alt="Our tea" src="x"></a>', "Our tea: https://a.example\n"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td> </td><td>d</td></tr></table>", "a · b\nc · d\n"),
        ('<table role="presentation"><tr><td><div>a</div></td></tr><tr><td>b</td></tr></table>', "a\n\nb\n"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter\n"),
        ("a<br><br><br><br>b<hr>c", "a\n\nb\n\nc\n"),
        ('<div style="display:none">hidden</div><p aria-hidden="true">strip</p>x', "x\n"),
        ("<head><title>t</title><style>p{}</style></head><script>1</script>&lt;x&gt;&nbsp;&amp;", "<x> &\n"),
        ("<p>unclosed <b>tags</div></p>", "unclosed tags\n"),
        ("a \n\t b\u200b\u00ad", "a b\n"),
        ("", "\n"),
    ],
)
def test_text_from_html(html: str, text: str) -> None:
    assert text_from_html(html) == text


def _message(inner: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"


def test_blocks_that_render_to_nothing_leave_no_blank_lines() -> None:
    source = _message(
        "<mj-text>Hi {{ n }}</mj-text>{% if code %}<mj-text>Code {{ code }}</mj-text>{% endif %}"
        '<mj-button href="{{ shop }}?a=1&amp;b=2">To the shop</mj-button>'
    )
    compiled = compile_message(source, "s", "hidden line", "en")
    with_code = compiled.render({"n": "A & B", "code": "X<1", "shop": "https://s.example/"}).text
    assert with_code == "Hi A & B\n\nCode X<1\n\nTo the shop: https://s.example/?a=1&b=2\n"
    without = compiled.render({"n": "A", "shop": "https://s.example/"}).text
    assert without == "Hi A\n\nTo the shop: https://s.example/?a=1&b=2\n"


def test_each_branch_begins_on_a_line_of_its_own() -> None:
    source = _message(
        "<mj-text>Where you stand</mj-text>"
        "<mj-text>{% if n == 1 %}One{% elsif n == 2 %}Two{% else %}Many{% endif %}<br />after</mj-text>"
    )
    compiled = compile_message(source, "s", "hidden line", "en")
    for n, word in ((1, "One"), (2, "Two"), (3, "Many")):
        assert compiled.render({"n": n}).text == f"Where you stand\n\n{word}\nafter\n"


def test_an_address_is_not_told_twice_and_links_drawn_as_boxes_stand_alone() -> None:
    box = 'style="display:block"'
    source = _message(
        f'<mj-text><a href="{{{{ u }}}}">{{{{ u }}}}</a></mj-text>'
        f'<mj-text><a href="https://a.example/1" {box}>1</a><a href="https://a.example/2" {box}>2</a></mj-text>'
    )
    made = compile_message(source, "s", "hidden line", "en").render({"u": "https://b.example"}).text
    assert made == "https://b.example\n\n1: https://a.example/1\n2: https://a.example/2\n"
