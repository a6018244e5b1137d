"""Three languages: none lacks a phrase, none has a phrase nobody uses, and no template speaks for itself."""

from __future__ import annotations

import ast
import json
import re
import string
import tomllib
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment

import plugin_server.web
from campaigns.calendar import holidays
from campaigns.reasons import Reason, written
from campaigns.recipes import recipes
from plugin_server.locales import LANGUAGES, Phrase, catalogue, flat
from plugin_server.web.words import Words

WEB = Path(plugin_server.web.__file__).parent
ROOT = WEB.parents[1]
LOCALES = ROOT / "plugin_server" / "locales"
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
SOURCES = [*TEMPLATES, *WEB.rglob("*.py"), *(WEB.parent / "jobs" / "letters").glob("*.py")]
SAID_AS_IS = {"Tangga", "· Tangga", "·", "→", "+", "–", "#", "(", ")", ":", ";", "EN"}
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def texts(phrase: Phrase) -> list[str]:
    return [phrase] if isinstance(phrase, str) else list(phrase.values())


def places(phrase: Phrase) -> set[str]:
    return {name for text in texts(phrase) for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_language_says_everything_with_the_same_places(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert set(english) == set(other)
    assert {key for key in english if places(english[key]) != places(other[key])} == set()
    assert [key for key, phrase in other.items() if not all(text.strip() for text in texts(phrase))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_is_given_twice(language: str) -> None:
    """Which of the two were shown would hang on the names of folders."""
    files = [*LOCALES.glob(f"{language}.toml"), *LOCALES.glob(f"*/{language}.toml")]
    given = Counter(key for file in files for key, _ in flat("", tomllib.loads(file.read_text(encoding="utf-8"))))
    assert [key for key, times in given.items() if times > 1] == []


ONE_WORD = {
    "nl": {"u": "je", "uw": "je", "sport": "trede", "sporten": "treden"},
    "id": {
        "kamu": "Anda",
        "surel": "email",
        "e-mail": "email",
        "marjin": "margin",
        r"(?<!→ )pengaturan(?! →)": "setelan",
    },
}
"""One form of address and one word for a thing, whoever wrote the page: ``{language: {not this: but this}}``."""


@pytest.mark.parametrize("language", ONE_WORD)
def test_a_language_calls_things_by_one_name(language: str) -> None:
    other = re.compile(rf"\b({'|'.join(ONE_WORD[language])})\b", re.IGNORECASE)
    sentences = tomllib.loads((LOCALES / "sentences.toml").read_text(encoding="utf-8"))
    assert [one[language] for one in sentences.values() if other.search(one[language])] == []
    assert {
        key: text for key, phrase in catalogue(language).items() for text in texts(phrase) if other.search(text)
    } == {}


def test_every_recipe_has_a_name_of_its_own() -> None:
    """Without one its card spoke English everywhere, and a campaign made of it was called by its day."""
    known = {f"recipe.{recipe.key}.{part}" for recipe in recipes() for part in ("name", "what")}
    assert known - set(catalogue("en")) == set()


def test_pages_use_only_phrases_there_are() -> None:
    used = {
        key
        for path in SOURCES
        for key in re.findall(r"""(?:\bt|words\(\)|\bsay)\(\s*["']([a-z_0-9.]+)["']\s*[,)]""", path.read_text())
    }
    assert len(used) > 150
    assert used - set(catalogue("en")) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_recipe_has_a_name_in_every_language(language: str) -> None:
    known = catalogue(language)
    named = {part for one in recipes() for part in (f"recipe.{one.key}.name", f"recipe.{one.key}.what")}
    assert named - set(known) == set()


@pytest.mark.parametrize("country", ["ID", "NL"])
def test_every_holiday_of_our_countries_has_a_name_in_every_language(country: str) -> None:
    unnamed = {day.key for year in range(2025, 2031) for day in holidays(country, year) if len(day.names) < 3}
    assert unnamed == set()


def test_no_phrase_is_left_over() -> None:
    everything = "\n".join(path.read_text() for path in [*SOURCES, *(WEB.parent / "db").rglob("*.py")])
    computed = set(re.findall(r"""["']([a-z_]+[._][a-z_.]*)["']\s*~""", everything))
    computed |= {f"{section}." for section in re.findall(r"""t\.known\(["']([a-z_]+)["']""", everything)}
    computed |= set(re.findall(r"""f["']([a-z_]+\.[a-z_]*)\{""", everything))
    computed |= {f"{letter}." for letter in re.findall(r'"([a-z]+_mail)"', everything)}
    computed |= {"error.", "why.", "card.consent_", "results.difference_"}
    unused = [
        key
        for key in catalogue("en")
        if f'"{key}"' not in everything and f"'{key}'" not in everything and not key.startswith(tuple(computed))
    ]
    assert unused == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_words_of_its_own(path: Path) -> None:
    source = path.read_text()
    Environment(autoescape=True).parse(source)
    bare = re.sub(
        r"<textarea[^>]*readonly.*?</textarea>|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\0", source, flags=re.DOTALL
    )
    attributes = re.findall(r"""(?:aria-label|title|alt|placeholder|data-confirm)=["']([^"'\0]+)["']""", bare)
    said = re.sub(
        r"<[^>]*>|\b(?:autocomplete|autocapitalize|spellcheck|inputmode|m..length)=\"[^\"]*\"|\b(?:autofocus|required)\b",
        "\0",
        bare,
    )
    found = {word.strip() for word in [*said.split("\0"), *attributes] if re.search(r"[^\W\d_]{2,}", word)}
    assert found - SAID_AS_IS == set()


def words(language: str) -> Words:
    return Words(language, ZoneInfo("Asia/Jakarta"), NOW)


@pytest.mark.parametrize(("language", "shown"), [("en", "Rp1,250,000"), ("id", "Rp1.250.000"), ("nl", "Rp1.250.000")])
def test_rupiah_never_has_decimals(language: str, shown: str) -> None:
    assert words(language).money(125_000_000, "IDR") == shown


@pytest.mark.parametrize(("language", "shown"), [("en", "€12.50"), ("nl", "€\xa012,50")])
def test_other_money_is_written_as_people_write_it(language: str, shown: str) -> None:
    assert words(language).money(1250, "EUR") == shown


def test_negative_money_and_nothing() -> None:
    assert words("en").money(-1250, "EUR") == "−€12.50"
    assert words("en").money(None, "EUR") == "–"


def test_numbers_choose_the_form_of_the_phrase() -> None:
    assert [words("en")("home.people", n=n) for n in (1, 2, 1234)] == ["1 person", "2 people", "1,234 people"]
    assert words("id")("home.people", n=1234) == "1.234 orang"


def test_dates_follow_the_shops_zone() -> None:
    late = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    assert words("en").time(late) == "23 Nov 2026, 01:00"
    assert words("nl").date(date(2026, 11, 23)) == "23 nov 2026"


def test_signs_and_points() -> None:
    assert [words("en").number(n, sign=True) for n in (3, -3, 0)] == ["+3", "−3", "±0"]
    assert words("nl").points(0.0123) == "+1,2"
    assert words("en").number(Decimal("10.0")) == "10"


def reasons() -> dict[str, set[str]]:
    """Each reason the code gives: its key (that of an f-string up to its first place) and the names of its figures."""
    found: dict[str, set[str]] = {}
    for path in [*(ROOT / "plugin_server").rglob("*.py"), *(ROOT / "campaigns").rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Reason":
                key = call.args[1]
                first = key.values[0] if isinstance(key, ast.JoinedStr) else key
                assert isinstance(first, ast.Constant), path
                found[str(first.value)] = {word.arg for word in call.keywords if word.arg}
    return found


def test_every_reason_has_its_phrase_and_every_phrase_its_reason() -> None:
    given, english = reasons(), catalogue("en")
    phrases = {key.removeprefix("why."): places(english[key]) for key in english if key.startswith("why.")}
    assert {key for key in phrases if not key.startswith(tuple(given))} == set()
    assert {key for key in given if not any(phrase.startswith(key) for phrase in phrases)} == set()
    assert {key for key in given.keys() & phrases.keys() if given[key] and given[key] != phrases[key]} == set()


WAITS = Reason("4 mails wait for their time.", "mails_wait", n=4)
LOST = Reason("English.", "margin_lost", discount_share=Decimal("0.6"), margin_share=Decimal("0.569"))


@pytest.mark.parametrize(
    ("language", "reason", "said"),
    [
        ("en", WAITS, "4 mails wait for their time."),
        ("id", WAITS, "4 email menunggu waktunya."),
        ("nl", WAITS, "4 mails wachten op hun tijd."),
        ("nl", LOST, "Je geeft 60,0% van een bestelling weg maar verdient 56,9%: elke bestelling kost geld. "),
        ("id", Reason("x", "missed", due_at="2026-11-22T02:00:00+00:00"), "Seharusnya dikirim pada 22 Nov 2026"),
        ("nl", "A sentence without a key.", "A sentence without a key."),
    ],
)
def test_a_reason_is_said_in_the_reader_s_language(language: str, reason: str, said: str) -> None:
    words = Words(language, ZoneInfo("Asia/Jakarta"), NOW)
    assert words.why(reason).startswith(said)
    assert words.why(str(reason), json.loads(json.dumps(written(reason)))) == words.why(reason)


@pytest.mark.parametrize(
    ("language", "zone", "day", "full", "moment"),
    [
        ("en", "America/Chicago", "Nov 3, 2026", "Tuesday, November 3, 2026", "Nov 3, 2026, 12:05 PM"),
        ("en", "Asia/Jakarta", "4 Nov 2026", "Wednesday 4 November 2026", "4 Nov 2026, 01:05"),
        ("nl", "America/Chicago", "3 nov 2026", "dinsdag 3 november 2026", "3 nov 2026, 12:05"),
        ("id", "Asia/Jakarta", "4 Nov 2026", "Rabu 4 November 2026", "4 Nov 2026, 01:05"),
    ],
)
def test_days_stand_in_the_order_of_where_one_is(language: str, zone: str, day: str, full: str, moment: str) -> None:
    words, at = Words(language, ZoneInfo(zone), NOW), datetime(2026, 11, 3, 18, 5, tzinfo=UTC)
    assert (words.date(at), words.date(at, "full"), words.time(at)) == (day, full, moment)
