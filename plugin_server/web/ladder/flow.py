"""Movement between two days as a flow: bands drawn here, so that the page needs no script for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

WIDTH, HEIGHT, NODE, GAP = 640, 420, 12, 10
"""Of the picture, a rung's bar and the space between two bars, in its own units."""
THINNEST = 1.5
LINE = 22
"""Of a name beside its bar: names keep so far apart, whatever the bars do."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A rung on one day: where it is drawn, how many stood there. ``number`` 0 is "not known yet"."""

    number: int
    name: str
    count: int
    x: float
    y: float
    height: float
    name_y: float = 0.0


@dataclass(frozen=True, slots=True)
class Band:
    """People who went from one rung to another: an SVG path as wide as they are many."""

    path: str
    width: float
    number: int
    direction: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole picture."""

    left: list[Bar]
    right: list[Bar]
    bands: list[Band]
    width: int = WIDTH
    height: int = HEIGHT


def drawn(cells: Sequence[Mapping[str, Any]], names: Sequence[tuple[str, str]], unknown: str) -> Flow:
    """The flow of these cells; ``names``: key and name of each rung from the lowest up.

    The highest rung is drawn on top, and whoever was ``unknown`` on the first day at the foot.
    """
    keys: list[str | None] = [None, *(key for key, _ in names)]
    labels = [unknown, *(name for _, name in names)]
    people = sum(cell["count"] for cell in cells) or 1
    bars = max(len({cell[side] for cell in cells}) for side in ("from", "to")) if cells else 1
    scale = (HEIGHT - GAP * (bars - 1)) / people
    left = _bars(keys, labels, {key: _sum(cells, "from", key) for key in keys}, 0, scale)
    right = _bars(keys, labels, {key: _sum(cells, "to", key) for key in keys}, WIDTH - NODE, scale)
    return Flow(_named(left), _named(right), _bands(cells, keys, left, right, scale))


def _named(bars: Sequence[Bar]) -> list[Bar]:
    """The bars on which anybody stands, each with its name beside its middle, or as near as the others let it."""
    made = [bar for bar in bars if bar.count]
    places, above = list[float](), -LINE / 2
    for bar in reversed(made):
        above = max(bar.y + bar.height / 2, above + LINE)
        places.append(above)
    below = HEIGHT + LINE / 2
    for number in reversed(range(len(places))):
        below = places[number] = min(places[number], below - LINE)
    return [replace(bar, name_y=round(y, 1)) for bar, y in zip(made, reversed(places), strict=True)]


def _sum(cells: Sequence[Mapping[str, Any]], side: str, key: str | None) -> int:
    return sum(cell["count"] for cell in cells if cell[side] == key)


def _bars(
    keys: Sequence[str | None], labels: Sequence[str], counts: Mapping[str | None, int], x: float, scale: float
) -> list[Bar]:
    """Bars from the lowest number up; drawn from the highest down."""
    made, y = [], 0.0
    for number in reversed(range(len(keys))):
        count = counts[keys[number]]
        made.append(Bar(number, labels[number], count, x, round(y, 1), round(count * scale, 1)))
        y += count * scale + (GAP if count else 0)
    return made[::-1]


def _bands(
    cells: Sequence[Mapping[str, Any]], keys: list[str | None], left: list[Bar], right: list[Bar], scale: float
) -> list[Band]:
    """Each leaves its bar below the one before, in the order of the other side, so that few cross."""
    out, into = [bar.y for bar in left], [bar.y for bar in right]
    order = sorted(cells, key=lambda cell: (-keys.index(cell["from"]), -keys.index(cell["to"])))
    starts, ends = {}, {}
    for cell in order:
        a = keys.index(cell["from"])
        starts[id(cell)] = out[a]
        out[a] += cell["count"] * scale
    for cell in sorted(cells, key=lambda cell: (-keys.index(cell["to"]), -keys.index(cell["from"]))):
        b = keys.index(cell["to"])
        ends[id(cell)] = into[b]
        into[b] += cell["count"] * scale
    made = []
    for cell in order:
        width = cell["count"] * scale
        y1, y2 = starts[id(cell)] + width / 2, ends[id(cell)] + width / 2
        path = f"M{NODE} {y1:.1f}C{WIDTH / 2} {y1:.1f} {WIDTH / 2} {y2:.1f} {WIDTH - NODE} {y2:.1f}"
        made.append(Band(path, round(max(width, THINNEST), 1), keys.index(cell["to"]), cell["direction"]))
    return made
