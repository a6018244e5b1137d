"""What a rule means: one SQL expression over a mapping of facts to columns. There is no second meaning in Python.

Null rules: a comparison with an unknown fact does not hold; ``not`` means "not known to hold"; so each rule is
either true or false of everybody, never unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, any_, cast, false, func, literal, not_, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Boolean, Date, DateTime, Numeric, Text, TypeEngine

from campaigns.ladder.facts import Fact, FactType
from campaigns.ladder.rules import (
    All,
    Any_,
    Between,
    Compare,
    Given,
    In,
    IsSet,
    Leaf,
    Never,
    Not,
    Rule,
    Typed,
    WithinLastDays,
    fact_of,
    typed,
)

Columns = Mapping[str, ColumnElement[Any]]
"""By fact name: an SQL expression of the fact's type. Money must be given in major units, as a numeric."""

_TYPES: dict[FactType, TypeEngine[Any]] = {
    FactType.WHOLE: BigInteger(),
    FactType.DECIMAL: Numeric(),
    FactType.MONEY: Numeric(),
    FactType.TIME: DateTime(timezone=True),
    FactType.DATE: Date(),
    FactType.TEXT: Text(),
    FactType.YES_NO: Boolean(),
}

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def meaning(rule: Rule, columns: Columns, now: datetime) -> ColumnElement[bool]:
    """The rule as an SQL condition that is true or false, never null.

    ``now`` is aware; its zone is the shop's: in it dates become midnights and "today" is meant.
    """
    if isinstance(rule, All):
        return and_(*(meaning(child, columns, now) for child in rule.rules))
    if isinstance(rule, Any_):
        return or_(*(meaning(child, columns, now) for child in rule.rules))
    if isinstance(rule, Not):
        return not_(meaning(rule.rule, columns, now))
    return func.coalesce(_leaf(rule, columns, now), false(), type_=Boolean())


def where(rule: Rule, columns: Columns, now: datetime) -> ColumnElement[bool]:
    """The same for a WHERE alone, which takes null for false: the database sees the bare conditions, whose frequency
    it knows, and may look them up.
    """
    if isinstance(rule, All):
        return and_(*(where(child, columns, now) for child in rule.rules))
    if isinstance(rule, Any_):
        return or_(*(where(child, columns, now) for child in rule.rules))
    return meaning(rule, columns, now) if isinstance(rule, Not) else _leaf(rule, columns, now)


def _leaf(leaf: Leaf, columns: Columns, now: datetime) -> ColumnElement[Any]:
    fact = fact_of(leaf)
    column = columns[leaf.fact]
    if isinstance(leaf, IsSet):
        return func.cardinality(column) > 0 if fact.type is FactType.WORDS else column.is_not(None)
    if isinstance(leaf, Never):
        return column.is_(None)
    if isinstance(leaf, WithinLastDays):
        return _within(leaf, fact, column, now)
    if isinstance(leaf, Compare):
        made: ColumnElement[Any] = _OPERATORS[leaf.op](column, _value(leaf.value, fact, now))
        return made
    if isinstance(leaf, Between):
        return and_(column >= _value(leaf.low, fact, now), column <= _value(leaf.high, fact, now))
    return _in(leaf, fact, column, now)


def _in(leaf: In, fact: Fact, column: ColumnElement[Any], now: datetime) -> ColumnElement[Any]:
    if fact.type is FactType.WORDS:
        return column.op("&&", is_comparison=True)(cast(list(map(str, leaf.values)), ARRAY(Text)))
    # One array, not a thousand comparisons: the database looks the fact up in it.
    wanted = [_python(value, fact, now) for value in leaf.values]
    return column == any_(literal(wanted, ARRAY(_TYPES[fact.type])))


def _within(leaf: WithinLastDays, fact: Fact, column: ColumnElement[Any], now: datetime) -> ColumnElement[Any]:
    if fact.type is FactType.DATE:
        today = now.date()
        return and_(column > literal(_back(today, leaf.days), Date()), column <= literal(today, Date()))
    moment = DateTime(timezone=True)
    return and_(column > literal(_back(now, leaf.days), moment), column <= literal(now, moment))


def _back(moment: Any, days: int) -> Any:
    try:
        return moment - timedelta(days=days)
    except OverflowError:
        return type(moment).min.replace(tzinfo=moment.tzinfo) if isinstance(moment, datetime) else date.min


def _value(value: Given, fact: Fact, now: datetime) -> ColumnElement[Any]:
    return literal(_python(value, fact, now), _TYPES[fact.type])


def _python(value: Given, fact: Fact, now: datetime) -> Typed:
    """The value in the type of its fact; a day stands for the shop's midnight where moments are compared."""
    made = typed(value, fact)
    if fact.type is FactType.TIME and not isinstance(made, datetime) and isinstance(made, date):
        return datetime.combine(made, time.min, tzinfo=now.tzinfo)
    return made
