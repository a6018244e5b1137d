"""Joining the lines of a bulk file: each child names its parent, and may stand anywhere, before it or far after.

So the file is dealt into parts by the number of the root object, every line of one order into the same part, and each
part is then small enough to be joined in memory. What is kept at once is one part, however large the file. Our bulk
queries nest one level deep, so the parent of a child is the root itself.

The first part holds the lowest numbers, and so on: numbers grow with time, and who comes in from the oldest order to
the newest is written once, and not anew with each older one. Where the parts begin is told by a sample of the lines.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

from connectors.errors import BadPayload
from connectors.http import loads
from connectors.shopify.values import number_of

PART_BYTES = 8 << 20
MOST_PARTS = 500
SAMPLES = 32
"""Lines looked at for each part, evenly over the file, to make parts of about one size."""
BUFFERS = 4 << 20
"""Bytes that wait for the disk, over all parts."""
# Inside a JSON string a quote is escaped, so these bytes can only be the key itself; our queries ask for the id first.
PARENT_KEY = b'"__parentId"'
PARENT = re.compile(rb'"__parentId":\s?"gid://shopify/[A-Za-z]+/([0-9]+)"')
HEAD = re.compile(rb'\{"id":\s?"(gid://shopify/([A-Za-z]+)/[0-9]+)",')
TAIL = re.compile(rb'"__parentId":\s?"(gid://shopify/[A-Za-z]+/[0-9]+)"\}\s*')
OWN = re.compile(rb'\{"id":\s?"gid://shopify/[A-Za-z]+/([0-9]+)"')


@dataclass(slots=True)
class Joined:
    """One root object with its children by kind (``LineItem``), as they came."""

    row: dict[str, Any]
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def joined(path: Path, folder: Path, *, part_bytes: int = PART_BYTES) -> Iterator[Joined | BadPayload]:
    """The root objects of the JSONL file at ``path``, each with all its children; a fault for a line that is neither.

    By their numbers, from the lowest up.
    ``folder`` takes the parts; they are removed as they are read, and so is the file.
    """
    size = path.stat().st_size
    parts = min(max(1, -(-size // part_bytes)), MOST_PARTS)
    files = [path] if parts == 1 else _deal(path, folder, parts)
    for file in files:
        yield from _join(file)
        file.unlink()


def _deal(path: Path, folder: Path, parts: int) -> list[Path]:
    files = [folder / f"part-{number:03}" for number in range(parts)]
    starts = _starts(path, parts)
    with ExitStack() as stack, path.open("rb", buffering=1 << 20) as source:
        outlets = [stack.enter_context(file.open("wb", buffering=max(BUFFERS // parts, 4096))) for file in files]
        for line in source:
            outlets[bisect_right(starts, _root(line))].write(line if line.endswith(b"\n") else line + b"\n")
    path.unlink()
    return files


def _starts(path: Path, parts: int) -> list[int]:
    """The first number of each part but the first."""
    looks, size = parts * SAMPLES, path.stat().st_size
    with path.open("rb") as source:
        found = sorted(_root_near(source, size * look // looks) for look in range(looks))
    return found[SAMPLES::SAMPLES]


def _root_near(source: BinaryIO, at: int) -> int:
    """The number that the first whole line behind a place in the file belongs to."""
    source.seek(at)
    source.readline()
    return _root(source.readline())


def _root(line: bytes) -> int:
    """The number of the root object that a line belongs to; 0 where it tells none (it is then faulty)."""
    # Found from behind, where the key stands; looking for the pattern itself would read every root to its end.
    at = line.rfind(PARENT_KEY)
    if found := OWN.match(line) if at < 0 else PARENT.match(line, at):
        return int(found[1])
    try:
        row = loads(line)
    except BadPayload:
        return 0
    told = (row.get("__parentId") or row.get("id")) if isinstance(row, dict) else None
    return int(number_of(told) or 0)


def _join(path: Path) -> Iterator[Joined | BadPayload]:
    """The lines of each root together, read only when its turn comes: raw lines are small, and quick to put away."""
    groups: dict[int, list[bytes]] = {}
    with path.open("rb", buffering=1 << 20) as source:
        for line in source:
            if line.strip():
                groups.setdefault(_root(line), []).append(line)
    for root in sorted(groups):
        yield from _family(groups[root])


def _family(lines: list[bytes]) -> Iterator[Joined | BadPayload]:
    found: list[Any]
    usual = _usual_family(lines)
    if usual is not None:
        yield usual
        return
    try:
        found = loads(b"[" + b",".join(lines) + b"]")
    except BadPayload:
        found = []
        for line in lines:
            try:
                found.append(loads(line))
            except BadPayload:
                where = line[:40].decode("utf-8", "replace")
                yield BadPayload("A line of the bulk file is not JSON.", path=where)
    yield from _families(found)


def _usual_family(lines: list[bytes]) -> Joined | None:
    """One root and its children, each with its id first and its parent last; None for whatever else came."""
    root: Any = None
    parents, children = set[bytes](), dict[str, list[dict[str, Any]]]()
    try:
        for line in lines:
            at = line.rfind(PARENT_KEY)
            if at < 0 and root is None:
                root = _parsed(line)
                continue
            head, tail = HEAD.match(line), TAIL.fullmatch(line, at) if at > 0 else None
            if head is None or tail is None:
                return None
            row = {"id": head[1].decode(), **_told(line[head.end() : at])}
            children.setdefault(head[2].decode(), []).append(row)
            parents.add(tail[1])
    except BadPayload:
        return None
    number = root.get("id") if isinstance(root, dict) else None
    known = isinstance(number, str) and "__parentId" not in root and parents <= {number.encode()}
    return Joined(root, children) if known else None


@lru_cache(maxsize=1 << 12)
def _told(between: bytes) -> dict[str, Any]:
    """What a child says between its id and its parent. The same goods for the same price say the same, again and again.

    Raises ``BadPayload`` where that is not the inside of an object.
    """
    inside = between.strip()
    row = _parsed(b"{" + inside.removesuffix(b",") + b"}") if inside else {}
    if not isinstance(row, dict) or "__parentId" in row:
        raise BadPayload("This is not an object.")
    return row


def _parsed(line: bytes) -> Any:
    """As ``loads``, in half the time: fractions are floats, which are read digit by digit all the same."""
    try:
        return from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return loads(line)


def _families(found: list[Any]) -> Iterator[Joined | BadPayload]:
    """Usually one root with its children; whatever else came under the same number beside it."""
    roots: dict[str, Joined] = {}
    children: list[dict[str, Any]] = []
    for row in found:
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            yield BadPayload("A line of the bulk file has no id.", path=str(row)[:40])
        elif "__parentId" in row:
            children.append(row)
        else:
            roots[row["id"]] = Joined(row)
    for child in children:
        root = roots.get(child["__parentId"]) if isinstance(child["__parentId"], str) else None
        if root is None:
            yield BadPayload("A line names a parent that is not in the bulk file.", path=child["id"][:80])
        else:
            root.children.setdefault(_kind(child["id"]), []).append(child)
    yield from roots.values()


def _kind(gid: str) -> str:
    return gid.removeprefix("gid://shopify/").partition("/")[0]
