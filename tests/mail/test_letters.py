"""The ready letters: complete in three languages, and each reads well for everybody it may reach."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from campaigns.mail.blocks import Block, blocks_mjml
from campaigns.mail.compose import compile_message
from campaigns.mail.holiday import LANGUAGES
from campaigns.mail.kinds import LETTERS, LINKED, WITHOUT_CODE
from campaigns.mail.letters import letter, letter_parts
from campaigns.recipes import recipes
from campaigns.series_parts import letters
from tests.mail.samples import sample_contexts


@pytest.mark.parametrize("key", LETTERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_says_all_it_must(key: str, language: str) -> None:
    source = letter(key, language)
    made = compile_message(source.mjml, source.subject, source.preheader, language)
    for name, context in sample_contexts(language).items():
        mail = made.render(context)
        assert ("SENJA-7K2M-Q9XD" in mail.text.replace("?coupon=SENJA-7K2M-Q9XD", "")) is (
            LETTERS[key] is not None and key not in WITHOUT_CODE
        )
        assert (context["offer"]["url"] in mail.text) >= (LETTERS[key] in LINKED)
        assert "/c/sample/unsubscribe" in mail.html
        assert not set("{}$").intersection(mail.subject + mail.text), (key, language, name)
        assert list(mail.missing) == []
        assert len(mail.subject) <= 60, "phones show no more"


@pytest.mark.parametrize("key", LETTERS)
def test_a_letter_as_parts_says_the_same(key: str) -> None:
    coded = LETTERS[key] is not None and key not in WITHOUT_CODE
    for language in LANGUAGES:
        source, parts = letter(key, language), letter_parts(key, language, code=True)
        own = [line for one in parts for name in ("heading", "text", "url") for line in one.get(name, "").split("\n\n")]
        assert [line for line in own if line not in source.mjml and "ask" not in line] == []
        assert ({"coupon"} <= {one["kind"] for one in parts}) is coded
        assert [one for one in letter_parts(key, language, code=False) if one["kind"] == "coupon"] == []
    mjml = blocks_mjml(TypeAdapter(list[Block]).validate_python(parts), language)
    made = compile_message(mjml, source.subject, source.preheader, language)
    for name, context in sample_contexts(language).items():
        mail = made.render(context)
        assert ("SENJA-7K2M-Q9XD" in mail.text.replace("?coupon=SENJA-7K2M-Q9XD", "")) is coded
        assert not set("{}$").intersection(mail.text), (key, name)
        assert list(mail.missing) == []


def test_every_recipe_is_a_campaign_that_can_be_saved() -> None:
    found = {recipe.key: recipe.campaign for recipe in recipes()}
    alone = {key for key, campaign in found.items() if not campaign.steps}
    told = [letter for campaign in found.values() for _, letter in letters(campaign)]
    assert {wording.recipe for letter in told for wording in letter.message.values()} == set(LETTERS)
    assert alone == set(LETTERS) & set(found)
    assert {len(letter.message) for letter in told} == {3}
