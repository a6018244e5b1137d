"""What Mail Send refuses, as (field, message) of its error body. All faults of a request are named at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_ADDRESS = re.compile(r"[^@\s\x80-\U0010ffff]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from",
    "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
_KNOWN = {
    "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id",
    "headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings",
    "tracking_settings",
}  # fmt: skip

Fault = tuple[str | None, str]


def faults_of(request: Any) -> list[Fault]:
    """Empty for a request that is accepted."""
    if not isinstance(request, dict):
        return [(None, "Bad Request")]
    found = [(name, "is not a known field") for name in request if name not in _KNOWN]
    found += [*_from(request), *_content(request), *_categories(request), *_people(request)]
    at = request.get("send_at")
    if at is not None and (isinstance(at, bool) or not isinstance(at, int)):
        found.append(("send_at", "The send_at parameter is a unix timestamp."))
    sandbox = request.get("mail_settings", {}).get("sandbox_mode", {}).get("enable", False)
    if not isinstance(sandbox, bool):
        found.append(("mail_settings.sandbox_mode.enable", "must be a boolean"))
    if not request.get("subject") and not all(one.get("subject") for one in request.get("personalizations", [])):
        found.append(("subject", "The subject is required."))
    return found


def _from(request: dict[str, Any]) -> Iterator[Fault]:
    sender = request.get("from")
    if not isinstance(sender, dict) or not _ADDRESS.fullmatch(str(sender.get("email", ""))):
        yield "from.email", "The from email does not contain a valid address."
    if "reply_to" in request and not _ADDRESS.fullmatch(str(request["reply_to"].get("email", ""))):
        yield "reply_to.email", "The reply_to email does not contain a valid address."
    if "reply_to" in request and "reply_to_list" in request:
        yield "reply_to", "reply_to and reply_to_list exclude each other."


def _content(request: dict[str, Any]) -> Iterator[Fault]:
    content = request.get("content")
    if not content and not request.get("template_id"):
        yield "content", "Unless a valid template_id is provided, the content parameter is required."
        return
    types = [part.get("type") for part in content or []]
    if types != sorted(types, key=lambda kind: {"text/plain": 0, "text/html": 1}.get(str(kind), 2)):
        yield "content", "If present, text/plain must be first, followed by text/html."
    for number, part in enumerate(content or []):
        if not isinstance(part.get("value"), str) or not part["value"]:
            yield f"content.{number}.value", "The content value must be a string at least one character in length."


def _categories(request: dict[str, Any]) -> Iterator[Fault]:
    categories = request.get("categories", [])
    if len(categories) > 10 or len(set(categories)) != len(categories):
        yield "categories", "There is a limit of 10 unique categories."
    if any(not name.isascii() or len(name) > 255 for name in categories):
        yield "categories", "Categories are ASCII of at most 255 characters."


def _people(request: dict[str, Any]) -> Iterator[Fault]:
    people = request.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= 1000:
        yield "personalizations", "The personalizations field is required and must have 1 to 1000 items."
        return
    seen: set[str] = set()
    for number, one in enumerate(people):
        place = f"personalizations.{number}"
        yield from _recipients(one, place, seen)
        yield from _headers(one.get("headers", {}), place)
        yield from _arguments(one, place)
        yield from _substitutions(one.get("substitutions", {}), place)
        if one.get("substitutions") and str(request.get("template_id", "")).startswith("d-"):
            yield place, "Substitutions may not be used with dynamic templating"


def _recipients(one: dict[str, Any], place: str, seen: set[str]) -> Iterator[Fault]:
    recipients = one.get("to")
    if not isinstance(recipients, list) or not recipients:
        yield f"{place}.to", "The to array is required for all personalization objects."
        return
    for number, person in enumerate(recipients):
        address = str(person.get("email", ""))
        if not _ADDRESS.fullmatch(address) or len(address) > 254:
            yield f"{place}.to.{number}.email", "Does not contain a valid address."
        if address.lower() in seen:
            yield place, "Each email address in the personalizations should only be included once."
        seen.add(address.lower())


def _headers(headers: dict[str, Any], place: str) -> Iterator[Fault]:
    for name, value in headers.items():
        if name.lower() in _RESERVED:
            yield f"{place}.headers.{name}", "The header is reserved."
        if not isinstance(value, str) or "\n" in value or "\r" in value or " " in name or not name.isascii():
            yield f"{place}.headers.{name}", "Headers are strings of one line."


def _arguments(one: dict[str, Any], place: str) -> Iterator[Fault]:
    arguments = one.get("custom_args")
    if arguments is None:
        return
    if not arguments or not all(isinstance(value, str) for value in arguments.values()):
        yield f"{place}.custom_args", "custom_args is an object of strings that is not empty."
    elif sum(len(name) + len(value.encode()) for name, value in arguments.items()) > 10_000:
        yield f"{place}.custom_args", "custom_args are larger than 10000 bytes."


def _substitutions(values: dict[str, Any], place: str) -> Iterator[Fault]:
    if not all(isinstance(value, str) for value in values.values()):
        # The real service answers this with an opaque sentence and no place.
        yield None, "Bad Request"
        return
    if len(values) > 150:
        yield f"{place}.substitutions", "There is a limit of 150 substitutions."
    if sum(len(name.encode()) + len(value.encode()) for name, value in values.items()) > 10_000:
        yield f"{place}.substitutions", "Substitutions are larger than 10000 bytes."
