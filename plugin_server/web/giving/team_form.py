"""A team deal as a form: its fields, and terms or faults from what was filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from campaigns.offers.team import TeamTerms
from plugin_server.web.typed import plain

EMPTY: Final = {
    "name": "", "seats": "5", "days": "3", "unlock": "joined", "who": "anyone", "kind": "percentage", "value": "15",
    "minimum": "", "valid_days": "14", "comfort": "", "budget": "", "ends_on": "",
}  # fmt: skip
WHOLE: Final = ("seats", "days", "valid_days")
AMOUNTS: Final = ("value", "minimum", "comfort", "budget")


def read(form: Mapping[str, str], language: str) -> tuple[TeamTerms | None, date | None, dict[str, str]]:
    """(terms, last day, faults by field); a fault is a phrase's key, or a sentence. Numbers are ``language``'s."""
    given = {name: form.get(name, "").strip()[:200] for name in EMPTY}
    given |= {name: plain(given[name], language) for name in AMOUNTS}
    faults = {name: "team.bad_number" for name in WHOLE if not given[name].isdecimal()}
    faults |= {name: "team.bad_amount" for name in AMOUNTS if given[name] and not _amount(given[name])}
    if not given["name"]:
        faults["name"] = "team.bad_name"
    ends, wrong = _day(given["ends_on"])
    faults |= {"ends_on": "team.bad_day"} if wrong else {}
    if faults:
        return None, None, faults
    try:
        return TeamTerms.model_validate(_document(given)), ends, {}
    except ValidationError as error:
        return None, None, {_field(item["loc"]): _sentence(item) for item in error.errors(include_url=False)}


def _document(given: dict[str, str]) -> dict[str, Any]:
    amounts = {name: given[name] or None for name in AMOUNTS}
    gift = {
        "kind": given["kind"], "value": None if given["kind"] == "free_shipping" else amounts["value"],
        "minimum": amounts["minimum"], "valid_days": int(given["valid_days"]),
    }  # fmt: skip
    small = {"kind": "percentage", "value": amounts["comfort"], "valid_days": gift["valid_days"]}
    told = {"seats": int(given["seats"]), "days": int(given["days"]), "unlock": given["unlock"], "who": given["who"]}
    return told | {"gift": gift, "consolation": small if amounts["comfort"] else None, "budget": amounts["budget"]}


def _amount(given: str) -> bool:
    digits = given.replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(digits) < 15


def _day(given: str) -> tuple[date | None, bool]:
    try:
        return (date.fromisoformat(given) if given else None), False
    except ValueError:
        return None, True


def _field(place: tuple[int | str, ...]) -> str:
    if not place:
        return "comfort"
    if place[0] in ("gift", "consolation"):
        name = str(place[-1]) if len(place) > 1 else "value"
        return "comfort" if place[0] == "consolation" else name if name in EMPTY else "value"
    return str(place[0])


def _sentence(item: Any) -> str:
    said = str(item["msg"]).removeprefix("Value error, ").removeprefix("consolation: ")
    return said[0].upper() + said[1:] + ("" if said.endswith(".") else ".")
