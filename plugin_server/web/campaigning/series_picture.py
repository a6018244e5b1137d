"""A series as a picture: steps one below the other, ways that leave the line at the side; drawn without script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, LEFT, BOX, TALL, ROW, LANE = 360, 4, 264, 48, 76, 14
"""Of the picture, the boxes, one step with its space, and the space between two ways at the side; in its own units."""
LONGEST = 34
"""Letters that fit into a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A step: two lines of words, the number of those who stand there, and where it is drawn."""

    kind: str
    title: str
    words: str
    standing: int
    y: int


@dataclass(frozen=True, slots=True)
class Way:
    """From one step to another, or out. ``label`` says which answer leads there; it stands at (x, y)."""

    path: str
    label: str
    x: int
    y: int
    out: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole picture."""

    boxes: list[Box]
    ways: list[Way]
    height: int
    width: int = WIDTH


def drawn(steps: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Picture:
    """``steps``: key, kind, title, words, standing and ``to`` of each; ``labels`` name the answers then and else."""
    place = {step["key"]: number for number, step in enumerate(steps)}
    boxes = [
        Box(step["kind"], _cut(step["title"]), _cut(step["words"]), step["standing"], _top(place[step["key"]]))
        for step in steps
    ]
    ways, lanes = list[Way](), list[int]()
    for number, step in enumerate(steps):
        for turn, to in enumerate(step["to"]):
            label = labels.get(to["way"], "")
            end = place.get(to["key"])
            if end is None:
                ways += [] if number == len(steps) - 1 and not label else [_out(number, turn, label)]
            elif end == number + 1:
                ways.append(_down(number, label))
            else:
                ways.append(_aside(number, end, turn, label, lanes))
    return Picture(boxes, ways, _top(len(steps)) - ROW + TALL + 8)


def _top(number: int) -> int:
    return 4 + number * ROW


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1].rstrip()}…"


def _down(number: int, label: str) -> Way:
    x, y = LEFT + 32, _top(number) + TALL
    return Way(f"M{x} {y}V{_top(number + 1) - 2}", label, x + 8, y + 18, out=False)


def _out(number: int, turn: int, label: str) -> Way:
    y = _top(number) + 14 + turn * 22
    return Way(f"M{LEFT + BOX} {y}H{WIDTH - 12}", label, LEFT + BOX + 6, y - 4, out=True)


def _aside(number: int, end: int, turn: int, label: str, lanes: list[int]) -> Way:
    """A way around the steps between, in the first lane that is free by then; ``lanes``: where each is used down to."""
    lane = next((index for index, until in enumerate(lanes) if until <= number), len(lanes))
    lanes[lane : lane + 1] = [end]
    y, target = _top(number) + 14 + turn * 22, _top(end) + TALL // 2
    x = min(LEFT + BOX + 44 + lane * LANE, WIDTH - 6)
    path = f"M{LEFT + BOX} {y}H{x}V{target}H{LEFT + BOX + 2}"
    return Way(path, label, LEFT + BOX + 6, y - 4, out=False)
