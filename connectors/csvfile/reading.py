"""Opens a CSV file whatever it looks like: packed or not, its encoding, delimiter and quotes found out by looking.

The whole file is looked at once before anything is done with it, so that a broken one leaves nothing half-done.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from connectors.csvfile.encoding import Encoding, refuse_mixed
from connectors.csvfile.fault import BadFile

BLOCK = 1 << 20
PIECE = 1 << 16
"""Small enough for whoever takes the pieces to be busy with some while we look at the next."""

DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE = 1 << 24
LONGEST_FIELD = LONGEST_LINE + 2 * BLOCK
"""A line is measured in whole blocks, so that one may be a little longer than is allowed."""
MOST_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file that can be read. ``plain`` is True where quotes, if any, stand only around whole fields of one line.

    ``bare`` is True where there are no quotes at all, in UTF-8.
    ``header`` holds the names as given, ``notes`` what a person should know about how the file was read.
    """

    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    plain: bool
    notes: tuple[str, ...] = ()
    bare: bool = False

    def blocks(self) -> Iterator[bytes]:
        """The file, header included, as UTF-8 without NUL and byte-order mark, in pieces."""
        as_is = self.encoding == "utf-8"
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        first = True
        with _opened(self.path) as file:
            while block := file.read(PIECE):
                if first and as_is:
                    block = block.removeprefix(codecs.BOM_UTF8)
                first = False
                yield (block if as_is else decoder.decode(block).encode()).replace(b"\x00", b"")

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(row, fields) of each record that is not blank; the header is row 1, a record counts as one row."""
        csv.field_size_limit(LONGEST_FIELD)
        for number, record in enumerate(csv.reader(self._lines(), delimiter=self.delimiter), start=1):
            if number > 1 and any(field.strip() for field in record):
                yield number, record

    def records(self) -> Iterator[tuple[int, int, int]]:
        """(row, lines, quotes) of each record: over how many lines it runs, and how many quotes stand in it."""
        csv.field_size_limit(LONGEST_FIELD)
        lines = quotes = 0

        def counted(source: Iterator[str]) -> Iterator[str]:
            nonlocal lines, quotes
            for line in source:
                lines, quotes = lines + 1, quotes + line.count('"')
                yield line

        reader = csv.reader(counted(self._lines()), delimiter=self.delimiter)
        try:
            for number, _ in enumerate(reader, start=1):
                yield number, lines, quotes
                lines = quotes = 0
        except csv.Error as error:
            raise BadFile(f"{self.path.name}, line {reader.line_num}: it cannot be read ({error}).") from error

    def _lines(self) -> Iterator[str]:
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        # Line ends of all three kinds: Macs of old wrote a lone carriage return.
        with _opened(self.path) as file, io.TextIOWrapper(file, encoding, errors="replace", newline=None) as text:
            yield from (line.replace("\x00", "") for line in text)


def open_csv(path: Path) -> CsvFile:
    """Look at a file. Raises ``BadFile``."""
    if not path.is_file():
        raise BadFile(f"There is no file {path}.")
    start, encoding, quotes = _looked_through(path)
    text = start.decode(encoding, "replace").removeprefix("\ufeff").replace("\x00", "")
    if not text.strip():
        raise BadFile(f"{path.name} is empty.")
    first = text.splitlines()[0]
    if not first.strip():
        raise BadFile(f"{path.name}, line 1: it is blank. Delete the lines above the names of the columns.")
    delimiter = max(DELIMITERS, key=lambda mark: _outside_quotes(first).count(mark))
    header = _header(path.name, text, delimiter)
    notes = {
        "utf-8": (),
        "cp1252": ("The file is not UTF-8; it was read as Windows-1252.",),
    }.get(encoding, (f"The file was read as {encoding}.",))
    plain = not quotes or _is_plain(path, encoding, delimiter)
    bare = not quotes and encoding == "utf-8"
    file = CsvFile(path, encoding, delimiter, tuple(name.strip() for name in header), plain, notes, bare)
    if not plain:
        _refuse_open_quote(file)
    return file


def _refuse_other_kinds(name: str, start: bytes) -> None:
    """What people hand in for a CSV file: a workbook, a web page, a file of another alphabet's width."""
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadFile(f"{name} is a workbook or an archive, not CSV. Open it and save it as CSV (UTF-8).")
    if start.lstrip()[:100].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"{", b"[{")):
        raise BadFile(f"{name} is a web page, XML or JSON, not CSV. Export it again as CSV.")
    if re.match(rb"\W{0,3}sep=.\s", start):
        raise BadFile(f"{name} begins with {start.split()[0].decode('utf-8', 'replace')[-5:]!r}. Delete that line.")
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if start.strip(b"\x00") and not marked and start[:4096].count(0) * 4 > len(start[:4096]):
        raise BadFile(f"{name} looks like UTF-16 without its mark. Save it as UTF-8.")


def _header(name: str, text: str, delimiter: str) -> list[str]:
    csv.field_size_limit(LONGEST_FIELD)
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise BadFile(f"{name}: the header cannot be read ({error}).") from error
    if len(header) > MOST_COLUMNS:
        raise BadFile(
            f"{name} has {len(header):,} columns; {MOST_COLUMNS:,} are the most. Keep only those that are needed."
        )
    return header


def _refuse_open_quote(file: CsvFile) -> None:
    """A quote that is never closed swallows all rows after it; they would be lost without a word."""
    last = deque(file.records(), maxlen=1)
    number, lines, quotes = last[0]
    if lines > 1 and quotes % 2:
        raise BadFile(
            f"{file.path.name}: row {number} opens a quote that is never closed, so the {lines - 1:,} lines after "
            "it cannot be told apart. Close the quote, or double it where it belongs to the text."
        )


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")


def _looked_through(path: Path) -> tuple[bytes, str, bool]:
    """The first megabyte, the encoding that fits all of it, and whether there is a quote anywhere."""
    start, quotes, line = b"", False, 0
    encoding = Encoding(path.name, start)
    try:
        with _opened(path) as file:
            while block := file.read(BLOCK):
                if not start:
                    start, encoding = block, Encoding(path.name, block)
                    _refuse_other_kinds(path.name, start)
                encoding.feed(block)
                quotes = quotes or b'"' in block
                line = _length_of_last(block, line)
                if line > LONGEST_LINE:
                    _refuse_endless(path)
        encoding.feed(b"", final=True)
        if encoding.name == "cp1252":
            with _opened(path) as file:
                refuse_mixed(path.name, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadFile(f"{path.name} is damaged or ends in the middle ({error}). Fetch it again.") from error
    return start, encoding.name, quotes


def _length_of_last(block: bytes, before: int) -> int:
    """Bytes of the line that the block ends within; the one it begins within has ``before`` bytes already."""
    end = max(block.rfind(b"\n"), block.rfind(b"\r"))
    return before + len(block) if end < 0 else len(block) - end - 1


def _refuse_endless(path: Path) -> None:
    number = 1
    with _opened(path) as file:
        while len(line := file.readline(LONGEST_LINE + 1)) <= LONGEST_LINE:
            number += line.endswith(b"\n")
    raise BadFile(
        f"{path.name}, line {number}: it is longer than {LONGEST_LINE >> 20} MB. "
        "Shorten its text, or add the line end that is missing."
    )


def _is_plain(path: Path, encoding: str, delimiter: str) -> bool:
    """True where each line holds an even number of quotes, and none in the midst of a field.

    Only then do all readers of CSV agree on where fields and rows end.
    """
    if encoding != "utf-8":
        return False
    mark = re.escape(delimiter.encode())
    inside = re.compile(rb'[^"\r\n' + mark + rb']"[^"\r\n' + mark + rb"]")
    with _opened(path) as file:
        for line in file:
            if b'"' in line and (line.count(b'"') % 2 or inside.search(line)):
                return False
    return True


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])
