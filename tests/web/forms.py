"""The forms of a page as a browser reads them: their fields, what stands in each, and what is said to be wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = {"text", "search", "email", "url", "tel", "number", "date", "time", "datetime-local", "password", "color"}


@dataclass
class Field:
    """One control: ``kind`` is the type of an input, or its tag; ``told`` is what its ``about`` says is wrong.

    A button may have an ``action`` of its own.
    """

    name: str
    kind: str
    value: str = ""
    invalid: bool = False
    on: bool = True
    about: str = ""
    told: str = ""
    action: str = ""

    @property
    def typed(self) -> bool:
        """Whether somebody writes into it with their own hands."""
        return self.kind in TYPED or self.kind == "textarea"


@dataclass
class Form:
    """Where a form is sent, and its fields in their order."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)

    @property
    def values(self) -> dict[str, str | list[str]]:
        """What a browser sends without a hand on it."""
        found: dict[str, list[str]] = {}
        for one in self.fields:
            if one.name and one.on and one.kind not in ("submit", "file", "button"):
                found.setdefault(one.name, []).append(one.value)
        return {name: said[0] if len(said) == 1 else said for name, said in found.items()}

    def named(self, name: str) -> Field | None:
        """The first field of this name."""
        return next((one for one in self.fields if one.name == name), None)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open = self.off = False
        self.area: Field | None = None
        self.main = False
        self.shut: list[bool] = []
        self.faults: dict[str, str] = {}
        self.fault = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: said or "" for name, said in attrs}
        if tag == "main":
            self.main = True
        if tag == "form" and self.main:
            self.forms.append(Form(at.get("action", ""), at.get("method", "get").lower()))
            self.open = True
        if "fault" in at.get("class", "").split():
            self.fault = at.get("id", "")
        if tag == "fieldset":
            self.shut.append("disabled" in at)
        if not self.open:
            return
        if tag in ("input", "textarea", "select", "button"):
            self._control(tag, at)
        elif tag == "option" and self.forms[-1].fields:
            last = self.forms[-1].fields[-1]
            if "selected" in at or not last.value:
                last.value = at.get("value", "")

    def _control(self, tag: str, at: dict[str, str]) -> None:
        kind = at.get("type", "text") if tag == "input" else "submit" if tag == "button" else tag
        on = "disabled" not in at and True not in self.shut and (kind not in ("checkbox", "radio") or "checked" in at)
        about, action = at.get("aria-describedby", ""), at.get("formaction", "")
        invalid = at.get("aria-invalid") == "true"
        made = Field(at.get("name", ""), kind, at.get("value", ""), invalid, on, about, action=action)
        self.forms[-1].fields.append(made)
        self.area = made if tag == "textarea" else None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = False
        if tag == "textarea":
            self.area = None
        if tag == "p":
            self.fault = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.area.value += data
        if self.fault:
            self.faults[self.fault] = self.faults.get(self.fault, "") + data


def read(page: str) -> list[Form]:
    """The forms within ``main``, with what stands in their fields and is said to be wrong there."""
    reader = _Reader()
    reader.feed(page)
    for one in (one for form in reader.forms for one in form.fields):
        one.value = one.value.removeprefix("\n") if one.kind == "textarea" else one.value
        one.told = " ".join(reader.faults.get(one.about, "").split())
    return reader.forms
