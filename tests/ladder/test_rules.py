"""Rules: refused with the path of the fault, and of one meaning with a naive reading of the same tree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, column, select, values
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Boolean, Date, DateTime, Integer, Numeric, Text

from campaigns.ladder.meaning import meaning
from campaigns.ladder.rules import (
    All,
    Any_,
    BadRule,
    Between,
    Compare,
    In,
    IsSet,
    Never,
    Not,
    Rule,
    WithinLastDays,
    as_json,
    parse,
)
from campaigns.ladder.sentences import LANGUAGES, sentence

ZONE = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 6, 15, 12, 30, tzinfo=ZONE)

REFUSED: list[tuple[str, Any, str]] = [
    ("no such fact", {"kind": "cmp", "fact": "shoe_size", "op": ">", "value": 1}, "fact"),
    ("text for a number", {"kind": "cmp", "fact": "orders", "op": ">", "value": "many"}, "value"),
    ("half an order", {"kind": "cmp", "fact": "orders", "op": ">", "value": 1.5}, "value"),
    ("yes for a number", {"kind": "cmp", "fact": "orders", "op": "=", "value": True}, "value"),
    ("a number for yes", {"kind": "cmp", "fact": "has_account", "op": "=", "value": 1}, "value"),
    ("more than a text", {"kind": "cmp", "fact": "country", "op": ">", "value": "ID"}, "op"),
    ("unheard-of consent", {"kind": "cmp", "fact": "consent_promotions", "op": "=", "value": "maybe"}, "value"),
    ("a day that is none", {"kind": "cmp", "fact": "member_since", "op": "<", "value": "2026-02-30"}, "value"),
    ("a time without zone", {"kind": "cmp", "fact": "last_order_at", "op": "<", "value": "2026-02-01T10:00"}, "value"),
    ("between backwards", {"kind": "between", "fact": "spend", "low": 9, "high": 1}, "low"),
    ("recently a number", {"kind": "within_last_days", "fact": "orders", "days": 3}, "fact"),
    ("never a text", {"kind": "never", "fact": "country"}, "fact"),
    ("no days", {"kind": "within_last_days", "fact": "last_order_at", "days": 0}, "days"),
    ("an unknown operator", {"kind": "cmp", "fact": "orders", "op": "~", "value": 1}, "op"),
    ("nothing to join", {"kind": "all", "rules": []}, "rules"),
    ("one of none", {"kind": "in", "fact": "country", "values": []}, "values"),
    ("a stray key", {"kind": "is_set", "fact": "country", "evil": 1}, "evil"),
    ("not a rule at all", "orders > 3", ""),
    ("an empty text", {"kind": "in", "fact": "country", "values": ["ID", ""]}, "values.1"),
    ("two lines", {"kind": "cmp", "fact": "country", "op": "=", "value": "I\nD"}, "value"),
    ("half a letter", {"kind": "in", "fact": "tags", "values": ["\ud800"]}, "values.0"),
    ("no kind", {"fact": "orders", "op": ">", "value": 1}, ""),
    ("an unknown kind", {"kind": "all", "rules": [{"kind": "some", "rules": []}]}, "rules.0"),
    ("infinity", {"kind": "cmp", "fact": "spend", "op": ">", "value": "Infinity"}, "value"),
    (
        "deep inside",
        {
            "kind": "all",
            "rules": [{"kind": "is_set", "fact": "country"}, {"kind": "not", "rule": {"kind": "is_set", "fact": "x"}}],
        },
        "rules.1.rule.fact",
    ),
]


@pytest.mark.parametrize(("data", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_at_its_place(data: Any, path: str) -> None:
    with pytest.raises(BadRule) as refused:
        parse(data)
    assert refused.value.path == path


def test_too_deep_and_too_wide_are_refused() -> None:
    deep: dict[str, Any] = {"kind": "is_set", "fact": "country"}
    for _ in range(3000):
        deep = {"kind": "not", "rule": deep}
    wide = {"kind": "any", "rules": [{"kind": "is_set", "fact": "country"}] * 201}
    for data in (deep, wide):
        with pytest.raises(BadRule, match="at most"):
            parse(data)


FACTS: dict[str, Any] = {
    "orders": Integer(),
    "spend": Numeric(),
    "last_order_at": DateTime(timezone=True),
    "member_since": Date(),
    "country": Text(),
    "has_account": Boolean(),
    "tags": ARRAY(Text()),
}

_moments = st.integers(-40, 3).flatmap(
    lambda days: st.sampled_from([timedelta(0), timedelta(hours=7), timedelta(seconds=1), timedelta(hours=17)]).map(
        lambda shift: (NOW + timedelta(days=days)).astimezone(UTC) - shift
    )
)
_days = st.integers(-40, 3).map(lambda days: NOW.date() + timedelta(days=days))
_numbers = st.integers(-2, 5)
_asked = st.one_of(_numbers, st.sampled_from([2**31, -(2**31) - 1, 10**15 - 1]))
_amounts = st.sampled_from(["0", "0.1", "19.95", "19.950", "20", "-3", "1000000.01"])
_words = st.sampled_from(["ID", "NL", "id", "%", "é", "a'b", 'say "%s" \\'])

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "orders": _asked,
    "spend": _amounts,
    "last_order_at": st.one_of(_moments.map(datetime.isoformat), _days.map(date.isoformat)),
    "member_since": _days.map(date.isoformat),
    "country": _words,
    "has_account": st.booleans(),
    "tags": _words,
}
ORDERED = ("orders", "spend", "last_order_at", "member_since")

ROWS = st.fixed_dictionaries(
    {
        "orders": st.none() | _numbers,
        "spend": st.none() | _amounts.map(Decimal),
        "last_order_at": st.none() | _moments,
        "member_since": st.none() | _days,
        "country": st.none() | _words,
        "has_account": st.none() | st.booleans(),
        "tags": st.lists(_words, max_size=2),
    }
)


@st.composite
def leaf_rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from(["cmp", "eq", "in", "between", "is_set", "recent", "never"]))
    if kind in ("recent", "never"):
        fact = draw(st.sampled_from(["last_order_at", "member_since"]))
        return WithinLastDays(fact=fact, days=draw(st.integers(1, 35))) if kind == "recent" else Never(fact=fact)
    if kind in ("cmp", "between"):
        fact = draw(st.sampled_from(ORDERED))
        if kind == "cmp":
            op: Any = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]))
            return Compare(fact=fact, op=op, value=draw(VALUES[fact]))
        low, high = draw(VALUES[fact]), draw(VALUES[fact])
        return Between(fact=fact, low=low, high=high)
    if kind == "eq":
        fact = draw(st.sampled_from(["country", "has_account"]))
        equal: Any = draw(st.sampled_from(["=", "!="]))
        return Compare(fact=fact, op=equal, value=draw(VALUES[fact]))
    fact = draw(st.sampled_from(list(FACTS)))
    if kind == "in":
        return In(fact=fact, values=tuple(draw(st.lists(VALUES[fact], min_size=1, max_size=3))))
    return IsSet(fact=fact)


RULES: st.SearchStrategy[Rule] = st.recursive(
    leaf_rules(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda rules: All(rules=tuple(rules))),
        st.lists(inner, min_size=1, max_size=3).map(lambda rules: Any_(rules=tuple(rules))),
        inner.map(lambda rule: Not(rule=rule)),
    ),
    max_leaves=6,
)

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def reads(fact: str, value: Any) -> Any:
    """A rule's value as this naive reader understands it."""
    if fact == "spend":
        return Decimal(value)
    if fact == "member_since":
        return date.fromisoformat(value)
    if fact == "last_order_at":
        whole_day = len(value) == 10
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=ZONE) if whole_day else moment
    return value


def naive(rule: Rule, row: dict[str, Any]) -> bool:
    """What the rule should mean, told without SQL."""
    if isinstance(rule, All):
        return all(naive(child, row) for child in rule.rules)
    if isinstance(rule, Any_):
        return any(naive(child, row) for child in rule.rules)
    if isinstance(rule, Not):
        return not naive(rule.rule, row)
    has = row[rule.fact]
    if isinstance(rule, Never):
        return has is None
    if has is None:
        return False
    if isinstance(rule, IsSet):
        return has != [] if rule.fact == "tags" else True
    if isinstance(rule, WithinLastDays):
        today = NOW.date() if rule.fact == "member_since" else NOW
        return bool(today - timedelta(days=rule.days) < has <= today)
    if isinstance(rule, Between):
        return bool(reads(rule.fact, rule.low) <= has <= reads(rule.fact, rule.high))
    if isinstance(rule, In):
        wanted = [reads(rule.fact, value) for value in rule.values]
        return bool(set(wanted) & set(has)) if rule.fact == "tags" else has in wanted
    return COMPARISONS[rule.op](has, reads(rule.fact, rule.value))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=st.lists(RULES, min_size=1, max_size=8), rows=st.lists(ROWS, min_size=1, max_size=8))
def test_sql_means_what_a_naive_reader_means(
    ladder_engine: Engine, rules: list[Rule], rows: list[dict[str, Any]]
) -> None:
    names = list(FACTS)
    table = values(column("n", Integer), *(column(name, FACTS[name]) for name in names), name="people").data(
        [(number, *(row[name] for name in names)) for number, row in enumerate(rows)]
    )
    # Nulls of VALUES have no type of their own, so each column says its type again.
    known = {name: table.c[name].cast(FACTS[name]) for name in names}
    query = select(table.c.n, *(meaning(rule, known, NOW) for rule in rules)).order_by(table.c.n)
    with ladder_engine.connect() as conn:
        found = [tuple(row)[1:] for row in conn.execute(query)]
    assert found == [tuple(naive(rule, row) for rule in rules) for row in rows]


@settings(max_examples=100, deadline=None)
@given(rule=RULES)
def test_json_round_trip_and_a_sentence_in_each_language(rule: Rule) -> None:
    data = as_json(rule)
    try:
        assert parse(data) == rule
    except BadRule as refused:
        assert "between" in refused.problem or "above" in refused.problem  # noqa: PT017 - only backward ranges
    assert all(sentence(rule, lang) for lang in LANGUAGES)


SENTENCES = [
    (Compare(fact="orders", op=">=", value=3), "paid orders: at least 3", "pesanan lunas: minimal 3"),
    (
        Compare(fact="spend", op="<", value="1250000.50"),
        "money spent: less than 1,250,000.5",
        "total belanja: kurang dari 1.250.000,5",
    ),
    (Never(fact="last_order_at"), "last order: never", "pesanan terakhir: belum pernah"),
    (
        WithinLastDays(fact="last_order_at", days=30),
        "last order: in the last 30 days",
        "pesanan terakhir: dalam 30 hari terakhir",
    ),
    (
        Compare(fact="member_since", op="<", value="2026-03-01"),
        "member since: before 1 Mar 2026",
        "anggota sejak: sebelum 1 Mar 2026",
    ),
    (Not(rule=IsSet(fact="country")), "country: not known", "negara: tidak diketahui"),
]


@pytest.mark.parametrize(("rule", "english", "indonesian"), SENTENCES)
def test_sentences(rule: Rule, english: str, indonesian: str) -> None:
    assert (sentence(rule, "en"), sentence(rule, "id")) == (english, indonesian)


def test_brackets_keep_together_what_belongs_together() -> None:
    one, two, three = (Compare(fact="orders", op="=", value=n) for n in (1, 2, 3))
    rule = All(rules=(one, Any_(rules=(two, three))))
    assert sentence(rule, "nl") == "betaalde bestellingen: 1 en (betaalde bestellingen: 2 of betaalde bestellingen: 3)"


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"value": [1]}, "value", "This is a text, a number, or true or false."),
        ({"value": None}, "value", "This is a text, a number, or true or false."),
        (
            {"value": 10**400},
            "value",
            "orders is a whole number; a number of many digits is not. The number is too large.",
        ),
        ({"fact": "spend", "value": float("nan")}, "value", "nan is not."),
        ({"fact": "spend", "value": "9" * 5000}, "value", "9… is not. The number is too large."),
        ({"fact": "birthday", "value": "0000-00-00"}, "value", "a date such as 2026-03-01; '0000-00-00' is not."),
        ({"fact": "country", "op": "=", "value": "x" * 501}, "value", "A text has 500 letters at most."),
        ({"fact": "\ud800"}, "fact", "There is no fact '\\ud800'. Known: "),
        ({"\ud800": 1}, "", "no half of a letter"),
        ({"a\x00": 1}, "'a\\x00'", "There is no such key here."),
    ],
)
def test_nonsense_is_named_at_its_place_in_letters_that_can_be_printed(
    change: dict[str, Any], path: str, sentence: str
) -> None:
    with pytest.raises(BadRule) as refused:
        parse({"kind": "cmp", "fact": "orders", "op": ">=", "value": 1} | change)
    assert refused.value.path == path
    assert sentence in refused.value.problem
    assert len(str(refused.value)) < 1500
    str(refused.value).encode()
