"""Which encoding a file is in, found by looking at all of it. What is in none, or in two, is refused by its line."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from connectors.csvfile.fault import BadFile

UNASSIGNED = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""Bytes that Windows-1252 gives no letter to: https://encoding.spec.whatwg.org/index-windows-1252.txt."""


class Encoding:
    """Fed with a file piece by piece; ``name`` is what all of it so far may be: utf-8, utf-16 or else cp1252."""

    def __init__(self, file: str, start: bytes) -> None:
        self._file = file
        marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if marked and start.startswith(codecs.BOM_UTF32_LE):
            raise BadFile(f"{file} looks like UTF-32. Save it as UTF-8.")
        self.name = "utf-16" if marked else "utf-8"
        self._decoder = codecs.getincrementaldecoder(self.name)()

    def feed(self, block: bytes, *, final: bool = False) -> None:
        """The next piece. Raises ``BadFile`` where a file marked as UTF-16 is none."""
        if self.name == "cp1252":
            return
        try:
            self._decoder.decode(block, final)
        except UnicodeDecodeError as error:
            if self.name == "utf-16":
                raise BadFile(
                    f"{self._file} is marked as UTF-16, but is damaged or ends within a letter. Save it as UTF-8."
                ) from error
            self.name = "cp1252"


def refuse_mixed(file: str, lines: Iterable[bytes]) -> None:
    """Raise ``BadFile`` where a file that is not UTF-8 cannot be Windows-1252 either, or is UTF-8 for the most part.

    One odd line would otherwise spoil all names in the others.
    """
    good = bad = first = unassigned = 0
    for number, line in enumerate(lines, start=1):
        if line.isascii():
            continue
        try:
            line.decode()
            good += 1
        except UnicodeDecodeError:
            bad, first = bad + 1, first or number
            unassigned = unassigned or (0 if UNASSIGNED.isdisjoint(line) else number)
    if good >= bad:
        raise BadFile(f"{file}, line {first}: it is not UTF-8, but other lines are. Save the whole file as UTF-8.")
    if unassigned:
        raise BadFile(f"{file}, line {unassigned}: it is neither UTF-8 nor Windows-1252. Save the file as UTF-8.")
