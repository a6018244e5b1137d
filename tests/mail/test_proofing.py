"""A template from a person is tried out where it can do no harm, and every mistake is named with its place."""

from __future__ import annotations

import pytest

from campaigns.mail.compose import compile_message
from campaigns.mail.liquid import TemplateError, compile_template
from campaigns.mail.variables import unknown
from plugin_server.jobs.sending.proofing import Draft, proof
from tests.mail.samples import sample_contexts

CONTEXT = sample_contexts("en")["new"]


def draft(text: str, subject: str = "Hello", language: str = "en") -> Draft:
    body = (
        f"<mjml><mj-body><mj-section><mj-column>\n<mj-text>{text}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    return Draft(language, subject, "", body)


def test_each_language_gets_its_own_faults() -> None:
    found = proof([draft("Hi {{ customer.first_name }}"), draft("{{ x | upcas }}", language="id"),
                   draft("{{ customer.firstname }}", "{{ shop.nam }}", "nl")], CONTEXT)  # fmt: skip
    assert found == {
        "id": ["body: There is no filter called upcas. (line 2, column 17)"],
        "nl": [
            "subject: shop.nam is not known here. Do you mean shop.name? (line 1, column 4)",
            "body: customer.firstname is not known here. Do you mean customer.first_name? (line 2, column 13)",
        ],
    }


def test_a_bomb_kills_only_its_own_process() -> None:
    bomb = "{% assign a = 'x' %}" + "{% assign a = a | append: a | replace: 'x', 'xxxxxxxxxx' %}" * 4
    loops = "{% for a in (1..999) %}" * 3 + "x" + "{% endfor %}" * 3
    found = proof([draft(loops), draft(bomb, language="id"), draft("fine", language="nl")], CONTEXT)
    assert set(found) <= {"en", "id"}
    assert "en" in found


@pytest.mark.parametrize(
    "source",
    [
        "{{ customer.nickname | default: 'friend' }}", "{% if customer.vip %}x{% endif %}", "{{ rungs.size }}",
        "{% assign mine = shop.name %}{{ mine }}", "{% for r in rungs %}{{ r.anything }}{% endfor %}",
        "{{ offer.minimum | money: offer.currency }}", "{% capture x %}y{% endcapture %}{{ x }}",
    ],
)  # fmt: skip
def test_what_is_there_or_has_a_default_is_no_mistake(source: str) -> None:
    assert list(unknown(compile_template(source, language="en", escape=True))) == []


@pytest.mark.parametrize(
    "source", ["{{ nothing }}", "{% for p in products %}x{% endfor %}", "{{- customer.nick | upcase }}"]
)
def test_what_nobody_has_is_named(source: str) -> None:
    assert len(list(unknown(compile_template(source, language="en", escape=True)))) == 1


@pytest.mark.parametrize("text", ["{{ 'x' | money: 'IDR' }}", "{{ shop.name | divided_by: 0 }}"])
def test_what_fails_while_it_is_worked_out_has_its_place_in_the_source(text: str) -> None:
    found = proof([draft(f"a</mj-text>\n\n<mj-text>{text}")], CONTEXT)["en"]
    assert len(found) == 1
    assert found[0].startswith("body: ")
    assert "(line 4, column " in found[0]
    beyond = compile_message(draft(text).body, "Hello", "", "en")
    with pytest.raises(TemplateError) as caught:
        beyond.render(CONTEXT)
    assert (caught.value.part, caught.value.line) == ("body", None)
