"""A million orders from a few hundred: the file of one bulk query repeated with fresh ids, for speed runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from plugin_server.demo.shopify_shop.gids import FIRST

_PEOPLE_SHARE = 0.3
_ID = re.compile(r"(gid://shopify/(?:Order|LineItem|Refund|RefundLineItem)/)(\d+)")


def multiplied(file: Path, orders: int) -> Iterator[bytes]:
    """JSONL of ``orders`` orders made from those in ``file``: every copy has ids and a buyer of its own.

    All rows of one order stand together, lines behind their order, and numbers grow with time as in a real shop.
    Customers repeat as in a shop where each third order is a first one.
    """
    blocks = [_pattern(block) for block in _blocks(file)]
    people = max(1, int(orders * _PEOPLE_SHARE))
    out: list[str] = []
    for at in range(orders):
        # A fixed stride over the people spreads each one's orders over the years of the file.
        out.append(_copy(blocks[at * len(blocks) // orders], at, at * 7919 % people))
        if len(out) == 500:
            yield "".join(out).encode()
            out.clear()
    yield "".join(out).encode()


def measured(file: Path, orders: int) -> tuple[int, int]:
    """(bytes, rows) of what ``multiplied`` gives; every number in a copy has a fixed length."""
    blocks = _blocks(file)
    times = Counter(at * len(blocks) // orders for at in range(orders))
    sizes = [len(_copy(_pattern(block), 0, 0).encode()) for block in blocks]
    return sum(sizes[at] * often for at, often in times.items()), sum(len(blocks[at]) * times[at] for at in times)


def _copy(pieces: list[str], at: int, buyer: int) -> str:
    text = str(FIRST["Order"] * 3 + at * 100).join(pieces)
    return text.replace("\x01", str(FIRST["Customer"] * 2 + buyer)).replace("\x02", f"{buyer:08d}")


def _blocks(file: Path) -> list[list[str]]:
    """The rows of each order together, itself first."""
    own: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for line in file.read_text().splitlines(keepends=True):
        row = json.loads(line)
        below.setdefault(row.get("__parentId", ""), []).append(line)
        if "__parentId" not in row:
            own[row["id"]] = [line]
    return [[*lines, *below.get(id, [])] for id, lines in own.items()]


def _pattern(block: list[str]) -> list[str]:
    """The text of a block cut where the order's number goes; \x01 and \x02 mark customer and address.

    Other ids of the block become the order's number followed by two digits, so that all stay unique.
    """
    text = "".join(block)
    seen: dict[str, str] = {}
    order = json.loads(block[0])["id"].rpartition("/")[2]

    def fresh(match: re.Match[str]) -> str:
        if match[2] == order:
            return f"{match[1]}\x00"
        return f"{match[1]}\x00{seen.setdefault(match[2], f'{len(seen):02d}')}"

    text = _ID.sub(fresh, text)
    text = re.sub(r"(gid://shopify/Customer/)\d+", "\\1\x01", text)
    text = re.sub(r'("email": ")[^"]+"', '\\1buyer\x02@example.com"', text)
    return text.split("\x00")
