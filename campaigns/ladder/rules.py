"""A rule is a small tree of frozen values over the facts of the catalogue.

It is refused at once, with the path of the fault, where it names an unknown fact, compares with a value of another
type, or asks what a fact cannot answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from campaigns.ladder.facts import CATALOGUE, MOMENTS, ORDERED, Fact, FactType

Given = bool | int | float | str
"""A value as it stands in JSON. Money and decimals may be text, so that no digit is lost."""
Typed = bool | int | Decimal | str | date | datetime
"""The same value in the type of its fact."""

DEEPEST = 12
MOST_LEAVES = 200
MOST_DECIMALS = 12
LONGEST_TEXT = 500
LONGEST_SHOWN = 60
"""So much of what somebody wrote is repeated in a sentence about it."""


class BadRule(ValueError):
    """A rule that cannot be computed or explained: the path of the fault and a sentence that mends it."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path or 'rule'}: {problem}")


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Compare(_Node):
    """The fact stands so to the value. A fact that is not known never does, not even to ``!=``."""

    kind: Literal["cmp"] = "cmp"
    fact: str
    op: Literal["=", "!=", "<", "<=", ">", ">="]
    value: Given


class In(_Node):
    """The fact is one of the values; for a set of words: it holds at least one of them."""

    kind: Literal["in"] = "in"
    fact: str
    values: tuple[Given, ...] = Field(min_length=1, max_length=1000)


class Between(_Node):
    """The fact lies between both values, each included."""

    kind: Literal["between"] = "between"
    fact: str
    low: Given
    high: Given


class IsSet(_Node):
    """The fact is known; for a set of words: it holds at least one."""

    kind: Literal["is_set"] = "is_set"
    fact: str


class WithinLastDays(_Node):
    """The moment lies in the last ``days`` days: after now − days, up to now."""

    kind: Literal["within_last_days"] = "within_last_days"
    fact: str
    days: int = Field(ge=1, le=36_500)


class Never(_Node):
    """The moment never came: it is not known."""

    kind: Literal["never"] = "never"
    fact: str


class All(_Node):
    """Each of the rules holds."""

    kind: Literal["all"] = "all"
    rules: tuple[Rule, ...] = Field(min_length=1)


class Any_(_Node):
    """At least one of the rules holds."""

    kind: Literal["any"] = "any"
    rules: tuple[Rule, ...] = Field(min_length=1)


class Not(_Node):
    """The rule is not known to hold: true as well where its fact is unknown."""

    kind: Literal["not"] = "not"
    rule: Rule


Leaf = Compare | In | Between | IsSet | WithinLastDays | Never
Rule = Annotated[Leaf | All | Any_ | Not, Field(discriminator="kind")]

for _model in (All, Any_, Not):
    _model.model_rebuild()

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Rule)


def parse(data: object) -> Rule:
    """The rule of JSON-like ``data``. Raises ``BadRule`` with the path of the first fault."""
    _measure(data, 0)
    try:
        rule: Rule = _ADAPTER.validate_python(data)
    except ValidationError as error:
        raise of_shape(error) from error
    check(rule)
    return rule


def of_shape(error: ValidationError) -> BadRule:
    """The first fault of JSON-like data, in words that mend it."""
    first = error.errors(include_url=False)[0]
    mend = _MENDS.get(first["type"])
    return BadRule(_path(first["loc"]), mend.format_map(first.get("ctx", {})) if mend else f"{first['msg']}.")


_KINDS = "all, any, not, cmp, in, between, is_set, within_last_days, never"
_OBJECT = "This is an object with keys and values"
_PLAIN = "This is a text, a number, or true or false."
_WHOLE = "This is a whole number."
_BROKEN = "A text stands on one line and holds no zero byte and no half of a letter."
_MENDS = {
    "model_attributes_type": f'{_OBJECT}, such as {{{{"kind": "cmp", "fact": "orders", "op": ">=", "value": 2}}}}.',
    "model_type": f"{_OBJECT}.",
    "dict_type": f"{_OBJECT}.",
    "union_tag_not_found": f"Say the kind of this rule: {_KINDS}.",
    "union_tag_invalid": f"There is no such kind of rule. Kinds: {_KINDS}.",
    "missing": "This is missing.",
    "extra_forbidden": "There is no such key here.",
    "tuple_type": "This is a list, in square brackets.",
    "string_type": "This is a text.",
    "too_short": "At least {min_length} needed; here are {actual_length}.",
    "too_long": "At most {max_length} allowed; here are {actual_length}.",
    "string_too_long": "At most {max_length} letters.",
    "literal_error": "This is one of {expected}.",
    "string_unicode": _BROKEN,
    "bool_type": _PLAIN,
    "bool_parsing": _PLAIN,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "finite_number": _WHOLE,
    "greater_than_equal": "At least {ge}.",
    "less_than_equal": "At most {le}.",
    "recursion_loop": "This is nested too deep.",
}
"""What mends a fault of shape; everything else is said well enough by the library."""


def as_json(rule: Rule) -> dict[str, Any]:
    """The rule as JSON-like data that ``parse`` reads back."""
    made: dict[str, Any] = rule.model_dump(mode="json")
    return made


def children(rule: Rule) -> tuple[tuple[str, Rule], ...]:
    """The rules right under this one, each with its step of the path."""
    if isinstance(rule, All | Any_):
        return tuple((f"rules.{index}", child) for index, child in enumerate(rule.rules))
    return (("rule", rule.rule),) if isinstance(rule, Not) else ()


def leaves(rule: Rule) -> Iterator[Leaf]:
    """All leaves, left to right."""
    if isinstance(rule, All | Any_ | Not):
        for _, child in children(rule):
            yield from leaves(child)
    else:
        yield rule


def check(rule: Rule, path: str = "") -> None:
    """Raises ``BadRule`` where a leaf asks what its fact cannot answer."""
    for step, child in children(rule):
        check(child, f"{path}.{step}" if path else step)
    if not isinstance(rule, All | Any_ | Not):
        _check_leaf(rule, path)


def fact_of(leaf: Leaf, path: str = "") -> Fact:
    """The catalogue's entry. Raises ``BadRule`` where there is none."""
    if leaf.fact not in CATALOGUE:
        near = get_close_matches(leaf.fact, CATALOGUE, n=1)
        if near:
            raise BadRule(_join(path, "fact"), f"There is no fact {shown(leaf.fact)}. Did you mean {near[0]!r}?")
        raise BadRule(_join(path, "fact"), f"There is no fact {shown(leaf.fact)}. Known: {', '.join(CATALOGUE)}.")
    return CATALOGUE[leaf.fact]


def typed(value: Given, fact: Fact, path: str = "") -> Typed:
    """``value`` in the type of ``fact``. Raises ``BadRule`` where it is of another."""
    try:
        return _typed(value, fact)
    except (ValueError, InvalidOperation) as error:
        more = str(error) if isinstance(error, _Mend) else ""
        raise BadRule(path, f"{fact.name} is {_NOUNS[fact.type]}; {shown(value)} is not. {more}".strip()) from error


class _Mend(ValueError):
    """A sentence of ours that mends a value."""


def shown(value: object) -> str:
    """What somebody wrote as a sentence repeats it: printable, and not longer than can be read."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**LONGEST_SHOWN else "a number of many digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def canonical(rule: Rule) -> Rule:
    """The same rule in one way of writing: values in their shortest exact form, no group around a single rule."""
    if isinstance(rule, All | Any_):
        below = tuple(canonical(child) for child in rule.rules)
        return below[0] if len(below) == 1 else type(rule)(rules=below)
    if isinstance(rule, Not):
        return Not(rule=canonical(rule.rule))
    fact = fact_of(rule)
    if isinstance(rule, Compare):
        return rule.model_copy(update={"value": _written(rule.value, fact)})
    if isinstance(rule, Between):
        return rule.model_copy(update={"low": _written(rule.low, fact), "high": _written(rule.high, fact)})
    if isinstance(rule, In):
        return rule.model_copy(update={"values": tuple(_written(value, fact) for value in rule.values)})
    return rule


def _written(value: Given, fact: Fact) -> Given:
    made = typed(value, fact)
    if isinstance(made, Decimal):
        text = format(abs(made) if made == 0 else made, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return made.isoformat() if isinstance(made, date) else made


_NOUNS = {
    FactType.WHOLE: "a whole number",
    FactType.DECIMAL: "a number",
    FactType.MONEY: 'an amount such as 250000 or "19.95"',
    FactType.TIME: "a moment such as 2026-03-01 or 2026-03-01T12:00:00+07:00",
    FactType.DATE: "a date such as 2026-03-01",
    FactType.TEXT: "a text",
    FactType.YES_NO: "true or false",
    FactType.WORDS: "a set of words",
}


def _typed(value: Given, fact: Fact) -> Typed:
    if fact.type is FactType.YES_NO or isinstance(value, bool):
        return _yes_no(value, fact)
    if fact.type is FactType.WHOLE:
        if isinstance(value, str | float):
            raise _Mend("Write it without quotes or decimals.")
        _bounded(Decimal(value))
        return value
    if fact.type in (FactType.DECIMAL, FactType.MONEY):
        return _bounded(Decimal(str(value)))
    if not isinstance(value, str):
        raise _Mend("Write it in quotes.")
    if fact.type is FactType.DATE:
        return date.fromisoformat(value)
    if fact.type is FactType.TIME:
        return _moment(value)
    if fact.choices and value not in fact.choices:
        raise _Mend(f"It is one of {', '.join(fact.choices)}.")
    if not value:
        raise _Mend("Write at least one letter; whether it is known at all is asked by is_set.")
    if any(letter in "\x00\r\n" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise _Mend(_BROKEN)
    if len(value) > LONGEST_TEXT:
        raise _Mend(f"A text has {LONGEST_TEXT} letters at most.")
    return value


def _yes_no(value: Given, fact: Fact) -> bool:
    if not (isinstance(value, bool) and fact.type is FactType.YES_NO):
        raise ValueError
    return value


def _bounded(number: Decimal) -> Decimal:
    if number.is_nan():
        raise ValueError
    if abs(number) >= Decimal(10) ** 15:
        raise _Mend("The number is too large.")
    if int(number.as_tuple().exponent) < -MOST_DECIMALS:
        raise _Mend(f"A number has {MOST_DECIMALS} decimals at most.")
    return number


def _moment(value: str) -> date | datetime:
    """A date (midnight in the shop's zone) or a time with its zone."""
    if len(value) == 10:
        return date.fromisoformat(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise _Mend("Say the zone too, as in +07:00.")
    return moment


def _check_leaf(leaf: Leaf, path: str) -> None:
    fact = fact_of(leaf, path)
    if isinstance(leaf, WithinLastDays | Never) and fact.type not in MOMENTS:
        raise BadRule(_join(path, "fact"), f"{fact.name} is {_NOUNS[fact.type]}, not a moment.")
    if isinstance(leaf, Compare):
        typed(leaf.value, fact, _join(path, "value"))
        allowed = fact.type in ORDERED or (leaf.op in ("=", "!=") and fact.type is not FactType.WORDS)
        if not allowed:
            raise BadRule(_join(path, "op"), f"{fact.name} is {_NOUNS[fact.type]} and cannot be asked {leaf.op!r}.")
    if isinstance(leaf, Between):
        _check_between(leaf, fact, path)
    if isinstance(leaf, In):
        for index, value in enumerate(leaf.values):
            typed(value, fact, _join(path, f"values.{index}"))


def _check_between(leaf: Between, fact: Fact, path: str) -> None:
    if fact.type not in ORDERED:
        raise BadRule(_join(path, "fact"), f"{fact.name} is {_NOUNS[fact.type]}: nothing lies between two of them.")
    low, high = typed(leaf.low, fact, _join(path, "low")), typed(leaf.high, fact, _join(path, "high"))
    if type(low) is type(high) and low > high:  # type: ignore[operator]
        raise BadRule(_join(path, "low"), f"{shown(leaf.low)} is above {shown(leaf.high)}: nothing lies between.")


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _path(loc: tuple[int | str, ...]) -> str:
    """Pydantic's place without the tags of the union: ``rules.0.op``."""
    kinds = {"cmp", "in", "between", "is_set", "within_last_days", "never", "all", "any", "not", "str", "Since"}
    kinds |= {"bool", "int", "float"}
    steps = (str(step) for step in loc if step not in kinds)
    return ".".join(step if step.isprintable() and len(step) <= LONGEST_SHOWN else shown(step) for step in steps)


def _measure(data: object, depth: int) -> int:
    """How many leaves; refuses trees so deep or wide that they could only be meant to harm."""
    if depth > DEEPEST:
        raise BadRule("", f"Rules may be nested {DEEPEST} deep at most.")
    if not isinstance(data, dict):
        return 0
    several, single = data.get("rules"), data.get("rule")
    below: list[object] = [*several] if isinstance(several, list | tuple) else [] if single is None else [single]
    count = sum([_measure(child, depth + 1) for child in below]) or 1
    if count > MOST_LEAVES:
        raise BadRule("", f"A rule may have {MOST_LEAVES} conditions at most.")
    return count
