"""The Liquid filters that print money and dates in one language. They read their arguments alone, never the context:
what a piece of a template depends on must be visible in the template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from liquid import Undefined
from liquid.exceptions import FilterArgumentError

# ISO 4217 gives the rupiah two decimals that nobody has seen for decades; people write Rp1.250.000.
_WITHOUT_DECIMALS: Final = {"IDR": "Rp"}

# English without a country is printed the British way: "25 December 2026" cannot be misread. See ``form_of``.
_REGIONS: Final = {"en": "en_GB", "id": "id_ID", "nl": "nl_NL"}

_STRFTIME: Final = {
    "%-d": "d", "%e": "d", "%d": "dd", "%-m": "M", "%m": "MM", "%B": "MMMM", "%b": "MMM", "%Y": "y", "%y": "yy",
    "%A": "EEEE", "%a": "EEE", "%H": "HH", "%M": "mm", "%%": "%",
}  # fmt: skip


def locale_of(language: str) -> Locale:
    """The Babel locale of ``en``, ``id``, ``nl``, ``pt-BR`` …; English where Babel does not know it."""
    try:
        return Locale.parse(_REGIONS.get(language, language), sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")


@cache
def form_of(language: str, country: str | None) -> str:
    """The language, with the reader's country where that puts the month first: ``en-US``, ``en-PH``, ``en-CA``.

    ``country`` is an ISO 3166 code; with any other word, or none, the language alone. From the Unicode CLDR in Babel.
    """
    if language != "en" or not country:
        return language
    try:
        locale = Locale("en", country.strip().upper())
    except (UnknownLocaleError, ValueError):
        return language
    return f"en-{locale.territory}" if str(locale.date_formats["long"].pattern).startswith("M") else language


def money_filter(language: str) -> Callable[..., str]:
    """``{{ offer.minimum | money: offer.currency }}`` or ``{{ price | money }}`` for ``{"amount", "currency"}``."""
    locale = locale_of(language)

    def money(value: object, currency: object = None) -> str:
        if isinstance(value, Mapping) and not isinstance(value, Undefined):
            amount: Mapping[str, object] = value
            value, currency = amount.get("amount"), amount.get("currency")
        if value is None or str(value) == "":
            return ""
        return print_money(_decimal(value), str(currency or ""), locale)

    return money


def print_money(amount: Decimal, currency: str, locale: Locale) -> str:
    """``Rp1.250.000``, ``€ 12,50``: as readers of ``locale`` write it; dropped decimals are rounded half up."""
    symbol = _WITHOUT_DECIMALS.get(currency)
    if symbol:
        whole = amount.quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return ("-" if whole < 0 else "") + symbol + format_decimal(abs(whole), "#,##0", locale=locale)
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise FilterArgumentError(f"money needs a currency such as EUR, not {currency!r}", token=None)
    return format_currency(amount, currency, locale=locale)


def number_filter(language: str) -> Callable[..., str]:
    """``{{ points.balance | number }}``: ``1.250`` or ``1,250``, as readers of the language write it."""
    locale = locale_of(language)

    def number(value: object) -> str:
        return "" if value is None or str(value) == "" else format_decimal(_decimal(value), locale=locale)

    return number


def date_filter(language: str) -> Callable[..., str]:
    """``{{ offer.expires_on | date }}``; takes ``short medium long full`` or a pattern such as ``"%d %B %Y"``."""
    locale = locale_of(language)

    def print_date(value: object, form: object = "long") -> str:
        if value is None or str(value) == "":
            return ""
        moment, pattern = _moment(value), str(form)
        if pattern in ("short", "medium", "long", "full"):
            return format_date(moment, format=pattern, locale=locale)
        if "%" not in pattern:
            raise FilterArgumentError(
                f"date does not know {pattern!r}; say short, medium, long, full or a pattern like %d %B %Y", token=None
            )
        return _by_pattern(moment, pattern, locale)

    return print_date


def _by_pattern(moment: date, pattern: str, locale: Locale) -> str:
    at = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    printed, rest = "", pattern
    while rest:
        known = next((key for key in _STRFTIME if rest.startswith(key)), None)
        if known is None and rest.startswith("%"):
            raise FilterArgumentError(f"date does not know {rest[:2]!r} in {pattern!r}", token=None)
        if known is None:
            printed, rest = printed + rest[0], rest[1:]
            continue
        field = _STRFTIME[known]
        printed += "%" if field == "%" else format_datetime(at, field, locale=locale)
        rest = rest[len(known) :]
    return printed


def _decimal(value: object) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 18:
        raise FilterArgumentError(f"this is no number to print: {str(value)[:40]!r}", token=None)
    return amount


def _moment(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        return datetime.fromisoformat(text) if len(text) > 10 else date.fromisoformat(text)
    except ValueError:
        raise FilterArgumentError(f"date cannot read {str(value)[:40]!r}; it needs 2026-12-31", token=None) from None
