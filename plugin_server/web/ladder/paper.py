"""Paper: A4 sheets in the look of the pages, with headings, figures, tables and bars. Lengths are millimetres."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self, cast

from fontTools.merge import Merger
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue

DIST: Final = Path(__file__).parents[1] / "static" / "dist"
FAMILY: Final = "plus-jakarta-sans"
SCRIPTS: Final = ("latin", "latin-ext")
WEIGHTS: Final = {"": 400, "B": 700}
INK, MUTED, LINE, GREEN, AMBER = "#1F2430", "#5B6270", "#E4DED3", "#0F6E63", "#9A5B00"
RUNGS: Final = ("#64717D", "#3F6F98", "#23707F", "#1A755B", "#557310", "#9A5B00", "#B93A25")
MARGIN: Final = 18.0
ROW: Final = 6.0


def prepare(folder: Path = DIST) -> None:
    """Cut the weights when the pages' assets are built, so that no first visit waits for it."""
    for weight in WEIGHTS.values():
        (folder / _name(weight)).write_bytes(_cut(weight))


@cache
def _font(weight: int) -> bytes:
    """One weight, as it was made ready with the assets; where it was not, it is cut now, once a process."""
    ready = DIST / _name(weight)
    return ready.read_bytes() if ready.exists() else _cut(weight)


def _name(weight: int) -> str:
    return f"{FAMILY}-{weight}.ttf"


def _cut(weight: int) -> bytes:
    """One weight of the pages' variable font as TrueType, all its letters in one. About 0.6 s.

    One font, for fpdf2 2.8 forgets to name the font again after a word with letters of a fall-back font.
    """
    with TemporaryDirectory() as folder:
        parts = [Path(folder, f"{script}.ttf") for script in SCRIPTS]
        for script, path in zip(SCRIPTS, parts, strict=True):
            whole = TTFont(DIST / f"{FAMILY}-{script}-wght-normal.woff2")
            cut = instancer.instantiateVariableFont(whole, {"wght": weight})
            cut.flavor = None
            for table in ("GSUB", "GPOS", "GDEF"):
                cut.tables.pop(table, None)
                cut.reader.tables.pop(table, None)
            cut.save(path)
        held = BytesIO()
        Merger().merge(list(map(str, parts))).save(held)
    return held.getvalue()


class Paper(FPDF):
    """Sheets that are written from the top down; use it as a context, for its fonts are files until it is printed."""

    def __init__(self, *, title: str, language: str, foot: str) -> None:
        super().__init__(format="A4")
        self.foot = foot
        self.set_title(title)
        self.set_lang(language)
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, margin=MARGIN)

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory()
        for style, weight in WEIGHTS.items():
            path = Path(self._folder.name, f"{weight}.ttf")
            path.write_bytes(_font(weight))
            self.add_font(FAMILY, style, path)
        self.add_page()
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def printed(self) -> bytes:
        """The finished document."""
        return bytes(self.output())

    def footer(self) -> None:
        """What every sheet says at its foot; called by the library."""
        self.set_y(-12)
        self.pen(8, MUTED)
        self.cell(self.epw / 2, 5, self.foot)
        self.cell(self.epw / 2, 5, str(self.page_no()), align=Align.R)

    def pen(self, size: float, colour: str = INK, *, bold: bool = False) -> None:
        """Size in points, colour, weight."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(colour)

    def room_for(self, height: float) -> None:
        """Begin a new sheet where this one has less left than ``height``."""
        if self.will_page_break(height):
            self.add_page()

    def heading(self, words: str, *, size: float = 13, needs: float = 30) -> None:
        """A heading that stays with the ``needs`` millimetres under it."""
        self.room_for(needs)
        self.ln(4)
        self.pen(size, bold=True)
        self.multi_cell(0, size * 0.5, words, new_x="LMARGIN", new_y="NEXT")
        self.ln(1.5)

    def sentence(self, words: str, *, size: float = 9, colour: str = MUTED) -> None:
        """Running text over the width."""
        self.pen(size, colour)
        self.multi_cell(0, size * 0.5, words, align=Align.L, new_x="LMARGIN", new_y="NEXT")
        self.ln(1)

    def figures(self, pairs: Sequence[tuple[str, str]], *, across: int = 4) -> None:
        """Large figures with their names above, ``across`` in a row."""
        wide = self.epw / across
        for start in range(0, len(pairs), across):
            self.room_for(16)
            top = self.get_y()
            for place, (name, value) in enumerate(pairs[start : start + across]):
                self.set_xy(self.l_margin + place * wide, top)
                self.pen(8, MUTED)
                self.multi_cell(wide - 3, 3.6, name, align=Align.L, max_line_height=3.6)
                self.set_xy(self.l_margin + place * wide, top + 8)
                self.pen(14, bold=True)
                self.cell(wide - 3, 6, value)
            self.set_xy(self.l_margin, top + 16)

    def rows(
        self,
        rows: Sequence[Sequence[str]],
        *,
        widths: Sequence[float],
        head: Sequence[str] = (),
        bars: Sequence[str] = (),
    ) -> None:
        """A table: the first column to the left, the others as figures to the right. ``widths`` are shares of the line.

        ``bars``, a colour for each row, draws the last column (a number from 0 to 1 as text) as a bar.
        """
        if head:
            self._head(head, widths)
        for place, cells in enumerate(rows):
            self._row(cells, widths, bar=bars[place] if bars else "")

    def _head(self, cells: Sequence[str], widths: Sequence[float]) -> None:
        """Names of columns, each on as many lines as it needs, standing on the line below them."""
        self.pen(8.5, MUTED, bold=True)
        unit, tall = self.epw / sum(widths), 3.8
        asked = list(zip(cells, widths, strict=True))
        lines = [
            len(cast(list[str], self.multi_cell(w * unit, tall, c, dry_run=True, output=MethodReturnValue.LINES)))
            for c, w in asked
        ]
        most = max(lines)
        self.room_for(most * tall + 2 * ROW)
        top, left = self.get_y(), self.l_margin
        for place, ((cell, width), own) in enumerate(zip(asked, lines, strict=True)):
            self.set_xy(left, top + (most - own) * tall)
            self.multi_cell(width * unit, tall, cell, align=Align.R if place else Align.L)
            left += width * unit
        self._ruled(top + most * tall + 1)

    def _row(self, cells: Sequence[str], widths: Sequence[float], *, bar: str = "") -> None:
        self.pen(8.5)
        self.room_for(ROW)
        unit, top = self.epw / sum(widths), self.get_y()
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            if bar and place == len(cells) - 1:
                self.set_fill_color(bar)
                self.rect(self.get_x() + 2, top + 1.6, max(float(cell) * (width * unit - 2), 0.2), 2.8, style="F")
            else:
                self.cell(width * unit, ROW, self._cut(cell, width * unit), align=Align.R if place else Align.L)
        self._ruled(top + ROW)

    def _ruled(self, height: float) -> None:
        """A line across, below which the next row begins."""
        self.set_draw_color(LINE)
        self.line(self.l_margin, height, self.l_margin + self.epw, height)
        self.set_xy(self.l_margin, height)

    def _cut(self, words: str, width: float) -> str:
        """Words that fit into a cell, with … where some had to go."""
        if self.get_string_width(words) <= width - 2:
            return words
        while words and self.get_string_width(words + "…") > width - 2:
            words = words[:-1]
        return words + "…"

    def stacked(
        self,
        columns: Sequence[tuple[float, float]],
        *,
        ends: tuple[str, str],
        faint: Collection[int] = (),
        height: float = 42,
    ) -> None:
        """Columns of two parts: the first from the ground (green), the second on top (amber); below it the two ends.

        Those of the numbers in ``faint`` are drawn pale.
        """
        most = max((sum(parts) for parts in columns), default=0) or 1
        self.room_for(height + 8)
        ground, place = self.get_y() + height, self.epw / max(len(columns), 1)
        for number, parts in enumerate(columns):
            top = ground
            for part, colour in zip(parts, (GREEN, AMBER), strict=True):
                tall = max(part, 0) / most * height
                top -= tall
                self.set_fill_color(colour)
                with self.local_context(fill_opacity=0.5 if number in faint else 1):
                    self.rect(self.l_margin + number * place + place * 0.1, top, place * 0.8, tall, style="F")
        self.set_draw_color(MUTED)
        self.line(self.l_margin, ground, self.l_margin + self.epw, ground)
        self._ends(ground, ends)

    def curve(
        self,
        seen: Sequence[float],
        later: Sequence[float],
        *,
        mark: float | None,
        ends: tuple[str, str],
        height: float = 36,
    ) -> None:
        """A line from left to right, carried on dashed by ``later``; ``mark`` is a level across (amber)."""
        most = max([*seen, *later, mark or 0]) * 1.05 or 1
        self.room_for(height + 8)
        ground, step = self.get_y() + height, self.epw / max(len(seen) + len(later) - 1, 1)

        def points(values: Sequence[float], first: int) -> list[tuple[float, float]]:
            return [
                (self.l_margin + (first + n) * step, ground - value / most * height) for n, value in enumerate(values)
            ]

        self.set_draw_color(MUTED)
        self.line(self.l_margin, ground, self.l_margin + self.epw, ground)
        if mark is not None:
            self.set_draw_color(AMBER)
            self.line(
                self.l_margin, ground - mark / most * height, self.l_margin + self.epw, ground - mark / most * height
            )
        self.set_draw_color(GREEN)
        self.set_line_width(0.6)
        self.polyline(points(seen, 0))
        if later:
            with self.local_context():
                self.set_dash_pattern(dash=2, gap=1.5)
                self.polyline(points([seen[-1], *later], len(seen) - 1))
        self.set_line_width(0.2)
        self._ends(ground, ends)

    def _ends(self, ground: float, ends: tuple[str, str]) -> None:
        """What stands at the left and the right end below a chart."""
        self.set_xy(self.l_margin, ground + 1)
        self.pen(8, MUTED)
        self.cell(self.epw / 2, 4, ends[0])
        self.cell(self.epw / 2, 4, ends[1], align=Align.R, new_x="LMARGIN", new_y="NEXT")
        self.ln(1)

    def legend(self, first: str, second: str) -> None:
        """What the two colours mean; an empty text leaves its colour out."""
        for colour, words in filter(lambda pair: pair[1], ((GREEN, first), (AMBER, second))):
            self.set_fill_color(colour)
            self.rect(self.get_x(), self.get_y() + 1, 3, 3, style="F")
            self.set_x(self.get_x() + 4.5)
            self.pen(8.5)
            self.cell(self.get_string_width(words) + 8, 5, words)
        self.ln(6)

    def heat(self, head: Sequence[str], rows: Sequence[tuple[str, str, Sequence[float]]]) -> None:
        """A heat map: per row a name, a size and shares, each as a percentage; the highest has the darkest shade."""
        columns = len(head) - 2
        most = max((value for *_, values in rows for value in values[:columns]), default=0) or 1
        name, size = 18.0, 14.0
        wide = (self.epw - name - size) / max(columns, 1)
        self._heat_line(head, (name, size, wide))
        for label, people, values in rows:
            self.room_for(5)
            self.pen(7.5)
            self.cell(name, 5, label)
            self.cell(size, 5, people, align=Align.R)
            for value in values[:columns]:
                self.set_fill_color(*_between((255, 255, 255), (15, 110, 99), value / most))
                self.pen(7, "#FFFFFF" if value > most * 0.55 else INK)
                self.cell(wide, 5, f"{value * 100:.0f}", fill=True, align=Align.C)
            self.ln(5)

    def _heat_line(self, head: Sequence[str], widths: tuple[float, float, float]) -> None:
        self.pen(7.5, MUTED, bold=True)
        for place, words in enumerate(head):
            self.cell(widths[min(place, 2)], 5, words, align=(Align.L, Align.R, Align.C)[min(place, 2)])
        self.ln(5)


def of_rung(place: int, rungs: int) -> str:
    """The colour of a rung, counted from 0 at the foot: cold there, warm at the top, however many there are."""
    return RUNGS[round(place * (len(RUNGS) - 1) / max(rungs - 1, 1))]


def _between(light: tuple[int, int, int], dark: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
    return red, green, blue


if __name__ == "__main__":
    prepare()
