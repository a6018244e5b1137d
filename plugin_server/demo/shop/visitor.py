"""What a visitor carries through a demo shop, whatever it runs on: language, basket, and the form at the till."""

from __future__ import annotations

import re

from flask import Response, redirect, request, session, url_for

from plugin_server.demo.shop.basket import MOST_OF_ONE
from plugin_server.demo.shop.store_front_words import WORDS

_EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
_LONGEST = 200
_FIELDS = ("name", "email", "code", "promotions")
_REMEMBERED = 20


def choose_language() -> None:
    """Keep the language that the address asks for."""
    if request.args.get("lang") in WORDS:
        session["lang"] = request.args["lang"]


def language() -> str:
    """The visitor's language."""
    return str(session.get("lang", "id"))


def words() -> dict[str, str]:
    """The shop's words in it."""
    return WORDS[language()]


def basket() -> dict[str, int]:
    """How many of what, by id."""
    found: dict[str, int] = session.get("basket", {})
    return found


def put(id: int) -> None:
    """One more of a thing into the basket."""
    held = basket()
    session["basket"] = held | {str(id): min(held.get(str(id), 0) + 1, MOST_OF_ONE)}


def resume(held: dict[str, int], email: str) -> None:
    """The basket and the address that were left at the till are there again."""
    session["basket"] = held
    session["form"] = {**entered(), "email": email[:_LONGEST]}


def change() -> None:
    """Other quantities, as the form of the basket says; 0 takes a thing out."""
    held = {id: request.form.get(f"quantity_{id}", count, type=int) for id, count in basket().items()}
    gone = request.form.get("remove")
    session["basket"] = {id: min(count, MOST_OF_ONE) for id, count in held.items() if count > 0 and id != gone}


def till() -> tuple[dict[str, str], str | None, bool]:
    """What was entered at the till, kept for next time: (the form, its e-mail address if it is one, placing?)."""
    form = {name: request.form.get(name, "").strip()[:_LONGEST] for name in _FIELDS}
    session["form"] = form
    return form, form["email"] if _EMAIL.match(form["email"]) else None, request.form.get("do") == "place"


def entered() -> dict[str, str]:
    """What was entered at the till before."""
    found: dict[str, str] = session.get("form", {})
    return found


def bring(code: str) -> None:
    """A code that came with a link waits at the till."""
    session["form"] = {**entered(), "code": code[:_LONGEST]}


def lacking(form: dict[str, str], email: str | None, *, placing: bool) -> dict[str, str]:
    """What is missing in the form, said at its place."""
    faults = {}
    if placing and not form["name"]:
        faults["name"] = words()["need_name"]
    if email is None and (placing or form["email"]):
        faults["email"] = words()["need_email"]
    return faults


def orders() -> list[int]:
    """The orders made in this browser, newest first."""
    return list(reversed(session.get("orders", [])))


def ordered(id: int, form: dict[str, str]) -> None:
    """An order was made: it is remembered, the basket is empty and the code used up."""
    session["orders"] = [*session.get("orders", []), id][-_REMEMBERED:]
    session.pop("basket", None)
    session["form"] = {**form, "code": ""}


def to(endpoint: str, **values: object) -> Response:
    """On to another page, after a form."""
    back = redirect(url_for(endpoint, **values), code=303)  # type: ignore[arg-type]
    return Response(back.get_data(), status=303, headers=list(back.headers))
