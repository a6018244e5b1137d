"""What passes for the plain shape is read by everybody alike, and would pass the close look too."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.csvfile.shape import FIELDS, OutOfShape, Shape

COLUMNS = ("order_id", "ordered_at", "total", "refunded", "currency", "email", "skip6")
GOOD = ("A-1", "2024-02-29 10:00:00", "12.50", "", "EUR", "zoë@example.com", "")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?Z?)?")
NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,12})?")

cells = st.one_of(
    st.sampled_from(GOOD),
    st.from_regex(r"-?[0-9]{0,12}[.,]?[0-9]{0,7}[eE]?", fullmatch=True),
    st.from_regex(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?Z?)?", fullmatch=True),
    st.text(st.sampled_from(" ,;\r\n\t\\.ab0é\x0b"), max_size=6),
)


def _fits(rows: Sequence[Sequence[str]], *, end: str = "\n", cut: int = 1 << 16) -> bool:
    text = "".join(",".join(row) + end for row in (COLUMNS, *rows)).encode()
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    try:
        return b"".join(Shape(COLUMNS, ",").watch(pieces)) == text
    except OutOfShape:
        return False


@given(st.tuples(*(cells for _ in COLUMNS)), st.integers(1, 40))
@example(("a", "2024-01-01 24:00:00", "1", "", "EUR", "", ""), 3)
@example(("a", "2024-01-01", "1", "", "EUR", "x\n1,2024-01-01,1,,EUR,,", ""), 3)
def test_what_fits_reads_the_same_for_everybody(row: tuple[str, ...], cut: int) -> None:
    fits = _fits([GOOD, row, GOOD])
    assert fits == _fits([GOOD, row, GOOD], cut=cut)
    if not fits:
        return
    text = "\n".join(",".join(each) for each in (GOOD, row, GOOD)) + "\n"
    for read in csv.reader(io.StringIO(text, newline="")):
        number, at, total, refunded, currency, *rest = read
        assert len(read) == len(COLUMNS)
        assert number
        assert all(cell == cell.strip(" ") for cell in (number, rest[0]))
        assert MOMENT.fullmatch(at)
        assert NUMBER.fullmatch(total)
        assert not refunded or NUMBER.fullmatch(refunded)
        assert not refunded.startswith("-")
        assert re.fullmatch("[A-Z]{3}", currency)


def test_a_good_row_fits_whatever_the_line_end() -> None:
    assert _fits([GOOD, GOOD])
    assert _fits([GOOD], end="\r\n")
    assert not _fits([GOOD], end="\r")


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_a_space_at_the_end_of_a_field_does_not_fit(field: str) -> None:
    shape = Shape((field, "order_id"), ",")
    value = {"ordered_at": "2024-01-01", "currency": "EUR", "status": "paid"}.get(field, "1")
    assert list(shape.watch([f"h,h\n{value},1\n".encode()]))
    for odd in (f" {value}", f"{value} ", value + "x" * 2001):
        with pytest.raises(OutOfShape):
            list(shape.watch([f"h,h\n{odd},1\n".encode()]))


def test_a_very_long_row_is_told_from_a_good_one_in_no_time() -> None:
    began = process_time()
    for long in ("x" * 3_000_000, "1,2024-01-01,5,,EUR," * 150_000):
        assert not _fits([GOOD, ("1", "2024-01-01", "5", "", "EUR", long, ""), GOOD])
    assert process_time() - began < 1.0


@pytest.mark.parametrize(
    ("amount", "fits"), [("150.000", False), ("0.125", True), ("1500.000", True), ("1.0000", True)]
)
def test_an_amount_of_two_meanings_is_for_the_close_look(amount: str, fits: bool) -> None:
    assert _fits([(*GOOD[:2], amount, *GOOD[3:])]) == fits
