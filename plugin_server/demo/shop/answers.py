"""What the REST API answers: JSON bodies with status and headers, and the error bodies of the real thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


class RestError(Exception):
    """An error answer: ``{"code", "message", "data": {"status", …}}``."""

    def __init__(self, status: int, code: str, message: str, **data: object) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message
        self.data = data

    def body(self) -> JsonObject:
        """The JSON body."""
        return {"code": self.code, "message": self.message, "data": {"status": self.status, **self.data}}


class CriticalError(RestError):
    """PHP died: status 500 with a sentence of HTML."""

    def __init__(self) -> None:
        super().__init__(
            500,
            "internal_server_error",
            '<p>There has been a critical error on this website.</p><p><a href="https://wordpress.org/documentation/'
            'article/faq-troubleshooting/">Learn more about troubleshooting WordPress.</a></p>',
        )

    def body(self) -> JsonObject:
        """The JSON body with the list that only this error has."""
        return {**super().body(), "additional_errors": []}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: JSON value, or ``text`` that is JSON already."""

    value: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


def invalid_param(name: str, message: str, code: str, data: object = None) -> RestError:
    """A parameter of the wrong form."""
    return RestError(
        400,
        "rest_invalid_param",
        f"Invalid parameter(s): {name}",
        params={name: message},
        details={name: {"code": code, "message": message, "data": data}},
    )


def not_one_of(name: str, shown: str, choices: Sequence[str]) -> RestError:
    """A parameter outside its list of choices; ``shown`` is its name in the sentence."""
    listed = ", ".join(choices[:-1]) + f", and {choices[-1]}"
    return invalid_param(name, f"{shown} is not one of {listed}.", "rest_not_in_enum")


def missing_param(name: str) -> RestError:
    """A required parameter was left out."""
    return RestError(400, "rest_missing_callback_param", f"Missing parameter(s): {name}", params=[name])


def no_route() -> RestError:
    """Nothing lives at this address, or not with this method."""
    return RestError(404, "rest_no_route", "No route was found matching the URL and request method.")


_NEEDS = {
    "view": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "create": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "edit": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "delete": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."),
}


def forbidden(need: str, status: int) -> RestError:
    """The caller may not do ``need`` (view, create, edit, delete, batch): 401 for nobody, 403 for somebody."""
    code, message = _NEEDS[need]
    return RestError(status, code, message)


def links(
    base: str,
    path: str,
    *,
    allow: Sequence[str] = ("GET", "POST", "PUT", "PATCH", "DELETE"),
    up: str | None = None,
) -> JsonObject:
    """The ``_links`` of a resource at ``path`` (below /wp-json/wc/v3/)."""
    root = f"{base}/wp-json/wc/v3/"
    parent = path.rsplit("/", 1)[0]
    found: JsonObject = {
        "self": [{"href": root + path, "targetHints": {"allow": list(allow)}}],
        "collection": [{"href": root + parent}],
    }
    if up is not None:
        found["up"] = [{"href": root + up}]
    return found
