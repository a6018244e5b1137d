"""Skeleton with fragments put in equals the full rendering, to the letter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.mail.compose import Batch, CompiledMessage, compile_message
from campaigns.mail.fragments import marker_of
from campaigns.mail.liquid import TemplateError, compile_template
from connectors.mime import fill

SALT = "a1B2c3D4"
SHARED: dict[str, Any] = {
    "c": {"city": "Yogya & around", "name": "hidden by everybody's own"},
    "shop": {"name": "Toko <Senja> & Co"},
    "rungs": [{"n": 1, "name": "One"}, {"n": 2, "name": "Two"}],
}

_SAFE_PIECES = [
    "plain <b>text</b>\n", "{{ shop.name }}", "{{ c.name }}", "{{ c.name | default: 'friend' | upcase }}",
    "{% if c.vip %}yes {{ shop.name }}{% else %}no{% endif %}", "{{ c.note | escape }}", "{{ rung.n }}{{ partial }}",
    "{% for r in rungs %}<i{% if r.n == rung.n %} on{% endif %}>{{ r.name }}{{ forloop.index }}</i>{% endfor %}",
    "{% for r in rungs %}{{ r.name }}{% endfor %}", "{% for tag in c.tags %}{{ tag }},{% endfor %}",
    "{% assign seen = shop.name %}", "{{ seen }}-{{ c.name | append: seen }}", "{% assign seen = 'again' %}",
    "{% capture greet %}Hi {{ shop.name }}{% endcapture %}", "{{ greet }}{% if greet == c.name %}!{% endif %}",
    "{% increment n %}", "{% if c.vip %}{{ n }}{% endif %}", "{{ n }}", "{% cycle 'odd', 'even' %}", "{{ nothing }}",
    "{% unless c.vip %}  {% endunless %}", "{%- case rung.n -%}{% when 1 %}first{% else %}later{%- endcase %}",
    "{% comment %}{{ c.name }}{% endcomment %}", "{% raw %}{{ c.name }}{% endraw %}", "{{ c.missing }}",
    "{{ c.city }}", "{% for pair in c %}{{ pair[0] }}{% endfor %}", "{{ c['city'] }}{{ c[shop.key] }}",
]  # fmt: skip
_LASTING_PIECES = ["{% assign mine = c.name %}", "{{ mine }}", "{% capture x %}{{ c.name }}{% endcapture %}{{ x }}",
                   "{% cycle 'a', c.name %}", "{% if c.vip %}{% increment n %}{% endif %}",
                   "{% for r in rungs limit:1 %}{% endfor %}"
                   "{% for r in rungs offset:continue %}{{ c.name }}{% endfor %}"]  # fmt: skip

_texts = st.text(st.sampled_from("ab<>&\"'\n\r{}%-_0é"), max_size=8)
_customer = {"name": _texts, "vip": st.booleans(), "note": _texts, "tags": st.lists(_texts, max_size=2)}
_person = st.fixed_dictionaries(
    {"c": st.fixed_dictionaries(_customer), "rung": st.fixed_dictionaries({"n": st.integers(1, 3)})}
)


def message(source: str, subject: str | None = None) -> CompiledMessage:
    """A message made of plain Liquid, without the way through MJML."""
    return CompiledMessage(
        "en",
        compile_template(source if subject is None else subject, language="en", escape=False),
        compile_template(source, language="en", escape=True),
        compile_template(source, language="en", escape=False),
    )


def assert_equal_to_full(
    compiled: CompiledMessage, batch: Batch, people: list[tuple[str, Any]], shared: dict[str, Any] = SHARED
) -> None:
    for id_, theirs in people:
        full = compiled.render({**shared, **theirs, "c": {**shared["c"], **theirs["c"]}})
        assert compiled.render(shared, theirs) == full
        if id_ in batch.alone:
            continue
        fragments = batch.fragments[id_]
        assert fill(batch.subject, fragments) == full.subject
        assert fill(batch.html, fragments) == full.html
        assert fill(batch.text, fragments) == full.text


@given(st.lists(st.sampled_from(_SAFE_PIECES), max_size=12), st.lists(_person, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_difference_to_the_full_rendering(pieces: list[str], persons: list[dict[str, object]]) -> None:
    compiled, people = message("".join(pieces)), [(str(n), person) for n, person in enumerate(persons)]
    batch = compiled.batch(SHARED, people, salt=SALT)
    assert not batch.alone
    assert_equal_to_full(compiled, batch, people)


_odd = st.sampled_from(["", "1", 1, 1.0, True, None, Decimal("1.0"), Decimal("1.00"), "<b>", ["1", "<"], {"a": "1"}])
_odd_person = st.fixed_dictionaries(
    {"c": st.dictionaries(st.sampled_from(["name", "vip", "note", "tags", "city", "size"]), _odd)},
    optional={"rung": st.fixed_dictionaries({"n": st.integers(1, 3)}) | _odd},
)
_odd_pieces = [*_SAFE_PIECES, "{{ c.size }}", "{{ c.tags.first }}{{ c.tags.size }}", "{{ rung }}", "{{ c.note.a }}"]


@given(st.lists(st.sampled_from(_odd_pieces), max_size=8), st.lists(_odd_person, min_size=2, max_size=8), st.data())
@settings(max_examples=300, deadline=None)
def test_what_was_rendered_for_others_is_reused_for_equals_alone(
    pieces: list[str], persons: list[dict[str, Any]], data: st.DataObject
) -> None:
    compiled, people = message("".join(pieces)), [(str(n), person) for n, person in enumerate(persons)]
    cut = data.draw(st.integers(0, len(people)))
    for part, city in ((people[:cut], "Solo"), (people[cut:], "Bandung")):
        shared = {**SHARED, "c": {"city": city}, "shop": {"name": city, "key": "note"}}
        assert_equal_to_full(compiled, compiled.batch(shared, part, salt=SALT), part, shared)


@given(
    st.lists(st.sampled_from(_SAFE_PIECES + _LASTING_PIECES), max_size=10), st.lists(_person, min_size=1, max_size=3)
)
@settings(max_examples=200, deadline=None)
def test_no_difference_even_where_parts_leave_something_behind(
    pieces: list[str], persons: list[dict[str, object]]
) -> None:
    compiled, people = message("".join(pieces)), [(str(n), person) for n, person in enumerate(persons)]
    assert_equal_to_full(compiled, compiled.batch(SHARED, people, salt=SALT), people)


@pytest.mark.parametrize("piece", _LASTING_PIECES[:1] + _LASTING_PIECES[2:])
def test_lasting_personal_parts_send_everybody_alone(piece: str) -> None:
    batch = message(piece).batch(SHARED, [("1", {"c": {"name": "Sari", "vip": True}})], salt=SALT)
    assert batch.fragments == {}
    assert "cannot be split" in batch.alone["1"]


def test_equal_values_share_one_fragment() -> None:
    batch = message("{{ c.name }} and {{ c.name }}", subject="x").batch(
        SHARED, [("1", {"c": {"name": "A&B"}})], salt=SALT
    )
    html, text = marker_of(SALT, "h") + "0-", marker_of(SALT, "t") + "0-"
    assert batch.html == f"{html} and {html}"
    assert batch.fragments["1"] == {html: "A&amp;B", text: "A&B"}


def test_what_html_and_text_say_alike_for_everybody_is_sent_once() -> None:
    compiled = message("{{ c.name }}", subject="{{ c.name }}")
    alike = compiled.batch(SHARED, [("1", {"c": {"name": "Sari"}}), ("2", {"c": {"name": "Ani"}})], salt=SALT)
    assert alike.subject == alike.html == alike.text
    assert [len(fragments) for fragments in alike.fragments.values()] == [1, 1]
    differing = compiled.batch(SHARED, [("1", {"c": {"name": "Sari"}}), ("2", {"c": {"name": "A&B"}})], salt=SALT)
    assert differing.subject == differing.text != differing.html


def test_too_many_bytes_or_parts_send_that_person_alone() -> None:
    compiled = message("{{ c.name }}", subject="x")
    batch = compiled.batch(SHARED, [("1", {"c": {"name": "n" * 9000}}), ("2", {"c": {"name": "Sari"}})], salt=SALT)
    assert set(batch.alone) == {"1"}
    assert "bytes of personal parts" in batch.alone["1"]
    assert set(batch.fragments) == {"2"}
    many = "".join(f"{{{{ c.name | append: '{n}' }}}}" for n in range(101))
    assert (
        "101 personal parts"
        in message(many, subject="x").batch(SHARED, [("1", {"c": {"name": ""}})], salt=SALT).alone["1"]
    )


def test_a_name_that_imitates_a_tag_is_sent_alone() -> None:
    batch = message("{{ c.name }}").batch(SHARED, [("1", {"c": {"name": f"-{SALT}h_0-"}})], salt=SALT)
    assert batch.alone["1"] == "a value contains the mark of personal parts"


def test_one_persons_failure_is_theirs_alone() -> None:
    compiled = message("{{ c.until | date }}", subject="x")
    people: list[tuple[str, Any]] = [("1", {"c": {"until": "soon"}}), ("2", {"c": {"until": "2026-12-31"}})]
    batch = compiled.batch(SHARED, people, salt=SALT)
    assert batch.failed == {"1": "Date cannot read 'soon'; it needs 2026-12-31. (line 1, column 14)"}
    assert list(batch.fragments) == ["2"]


def test_what_nobody_supplied_is_named_for_each_person() -> None:
    compiled = message("{{ shop.phone }}{{ c.name }}", subject="x")
    people: list[tuple[str, Any]] = [("1", {"c": {}}), ("2", {"c": {"name": "Sari"}})]
    batch = compiled.batch({"shop": {}}, people, salt=SALT)
    assert batch.missing == {"1": ("shop.phone", "c.name"), "2": ("shop.phone",)}


def test_a_subject_stays_one_line_in_both_ways() -> None:
    compiled = message("x", subject="For {{ c.name }}")
    person = {"c": {"name": "Sari\r\nBcc: all@example.com\x00"}}
    batch = compiled.batch(SHARED, [("1", person)], salt=SALT)
    assert fill(batch.subject, batch.fragments["1"]) == "For Sari  Bcc: all@example.com "
    assert compiled.render(person).subject == "For Sari  Bcc: all@example.com "


@pytest.mark.parametrize("salt", ["", "short", "a b c d e f", "<script>", "x" * 33])
def test_a_salt_must_be_plain(salt: str) -> None:
    with pytest.raises(ValueError, match="salt"):
        message("x").batch(SHARED, [], salt=salt)


def test_a_shared_text_with_the_mark_is_refused() -> None:
    with pytest.raises(TemplateError, match="another salt"):
        message(f"-{SALT}h_ {{{{ c.name }}}}", subject="x").batch(SHARED, [("1", {"c": {"name": ""}})], salt=SALT)


def test_a_thousand_share_one_skeleton_through_mjml() -> None:
    compiled = compile_message(
        "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ c.name | default: 'you' }}</mj-text></mj-column>"
        "</mj-section></mj-body></mjml>", "For {{ c.name }}", "A gift, {{ c.name }}", "en",
    )  # fmt: skip
    people = [(str(n), {"c": {"name": f"P{n} & <b>"}}) for n in range(1000)]
    batch = compiled.batch(SHARED, people, salt=SALT)
    assert len(batch.fragments) == 1000
    assert max(len(fragments) for fragments in batch.fragments.values()) == 2
    assert_equal_to_full(compiled, batch, people)
