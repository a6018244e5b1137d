"""Operations of the API: declared once, from which come the route, the checks, and the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from plugin_server.web.api.door import Problem, enter
from plugin_server.web.api.models import Fault, ProblemDocument
from plugin_server.web.context import services

VERSION: Final = "1.0.0"
PREFIX: Final = "/api/v1"
_ARGUMENT: Final = re.compile(r"<(?:(\w+):)?(\w+)>")
_REFUSALS: Final = {
    "401": "No key, or one that is not known.",
    "403": "The key lacks the scope.",
    "404": "There is no such thing.",
    "422": "Something asked for cannot be; `errors` names each place.",
    "429": "Too many requests; `Retry-After` says when to come again.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that programs can do. ``status`` is that of success; ``raw`` leaves the body to the operation."""

    method: str
    path: str
    name: str
    summary: str
    scope: str
    answer: type[BaseModel]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    status: int
    raw: bool


class Api:
    """A blueprint with its operations."""

    def __init__(self, pages: Blueprint) -> None:
        self.pages, self.operations = pages, list[Operation]()

    def operation(
        self,
        method: str,
        path: str,
        *,
        answer: type[BaseModel],
        scope: str = "read",
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        status: int = 200,
        raw: bool = False,
    ) -> Callable[[Callable[..., BaseModel]], Callable[..., Response]]:
        """Declare one: the function gets the ``Holder``, then ``query`` and ``body`` where it has them, and the path's
        arguments by name. Its docstring's first line is the summary. ``raw``: ``body`` is the JSON as it came.
        """

        def declare(work: Callable[..., BaseModel]) -> Callable[..., Response]:
            summary = (work.__doc__ or "").strip().splitlines()[0]
            made = Operation(method, path, work.__name__, summary, scope, answer, query, body, status, raw)
            self.operations.append(made)

            @wraps(work)
            def route(**values: Any) -> Response:
                holder = enter(services(), request, made.scope)
                given = [_query(made.query)] if made.query else []
                if made.body:
                    given.append(_body(made))
                answered = work(holder, *given, **values)
                return _response(answered, made.status)

            self.pages.add_url_rule(f"{PREFIX}{path}", made.name, route, methods=[method])
            return route

        return declare


def _query(model: type[BaseModel]) -> BaseModel:
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise _invalid(error, "query") from error


def _body(of: Operation) -> Any:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise Problem(422, "The body is no JSON object", "Send an object with `Content-Type: application/json`.")
    if of.raw:
        return given
    try:
        return of.body.model_validate(given) if of.body else None
    except ValidationError as error:
        raise _invalid(error, "body") from error


def _invalid(error: ValidationError, place: str) -> Problem:
    faults = [
        {"at": ".".join([place, *map(str, one["loc"])]), "sentence": one["msg"].removeprefix("Value error, ")}
        for one in error.errors()
    ]
    return Problem(422, "Something asked for cannot be", "See errors.", errors=faults)


def _response(answered: BaseModel, status: int) -> Response:
    answer = Response(answered.model_dump_json(by_alias=True), status, content_type="application/json")
    if "api_left" in g:
        answer.headers["RateLimit-Remaining"] = str(g.api_left)
    return answer


def document(operations: list[Operation], address: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these operations, served at ``address``."""
    answers: set[type[BaseModel]] = {of.answer for of in operations} | {ProblemDocument, Fault}
    asked = {model for of in operations for model in (of.query, of.body) if model}
    models: list[tuple[type[BaseModel], Any]] = sorted(
        [(one, "serialization") for one in answers] + [(one, "validation") for one in asked],
        key=lambda pair: (pair[0].__name__, pair[1]),
    )
    names, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    paths: dict[str, Any] = {}
    for of in operations:
        path = _ARGUMENT.sub(r"{\2}", f"{PREFIX}{of.path}")
        paths.setdefault(path, {})[of.method.lower()] = _told(of, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tangga",
            "version": VERSION,
            "description": "Read the ladder, customers, segments, the audit and campaigns of a business; add drafts.",
        },
        "servers": [{"url": address}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _told(of: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": of.name,
        "summary": of.summary,
        "description": f"Needs the scope `{of.scope}`.",
        "parameters": [*_path(of.path), *_asked(of.query)],
        "responses": {str(of.status): _holds("Done.", "application/json", names[of.answer, "serialization"])},
    }
    if of.body:
        told["requestBody"] = {
            "required": True, "content": {"application/json": {"schema": names[of.body, "validation"]}},
        }  # fmt: skip
    problem = names[ProblemDocument, "serialization"]
    told["responses"] |= {status: _holds(why, "application/problem+json", problem) for status, why in _REFUSALS.items()}
    return told


def _holds(why: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": why, "content": {kind: {"schema": schema}}}


def _path(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name, "in": "path", "required": True,
            "schema": {"type": "integer"} if kind == "int" else {"type": "string"},
        }
        for kind, name in _ARGUMENT.findall(path)
    ]  # fmt: skip


def _asked(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = json.loads(json.dumps(query.model_json_schema()))
    return [
        {
            "name": name, "in": "query", "required": name in schema.get("required", ()),
            "description": one.pop("description", ""), "schema": one,
        }
        for name, one in schema["properties"].items()
    ]  # fmt: skip
