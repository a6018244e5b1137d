"""The plain shape of a file of orders: no quotes, nothing to trim, dates and numbers in one usual form.

A file that keeps to it can be handed to a database as it is, field by field in its type; all other files are good
too, but have to be looked at more closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence


class OutOfShape(ValueError):
    """Some row is not of the plain shape."""


def _text(longest: int, shortest: int = 0) -> str:
    """Text without a space at its ends; ``longest`` counts bytes."""
    return rf"(?! )[^{{mark}}\r\n]{{{{{shortest},{longest}}}}}(?<! )"


def _number(digits: int, *, sign: bool = True) -> str:
    return rf"{'-?' if sign else ''}\d{{{{1,{digits}}}}}(?:\.\d{{{{1,6}}}})?"


STATUSES = {
    "paid": "paid processing betaald lunas dibayar",
    "completed": "completed complete fulfilled shipped delivered closed selesai afgerond voltooid",
    "refunded": "refunded terugbetaald dikembalikan",
    "pending": "pending on-hold onhold unpaid open authorized menunggu",
    "cancelled": "cancelled canceled voided void geannuleerd batal dibatalkan",
    "failed": "failed declined expired mislukt gagal",
    "draft": "draft checkout-draft",
    "trashed": "trashed trash deleted",
}
"""Our word → the words of files."""

_STATUS = "|".join(word for words in STATUSES.values() for word in words.split())

FIELDS = {
    "order_id": _text(200, 1),
    "ordered_at": r"(?:19[7-9]|2\d\d)\d-[01]\d-[0-3]\d(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?Z?)?",
    "status": f"(?i:{_STATUS})?",
    "currency": "[A-Z]{{3}}",
    "total": _number(10, sign=False),
    "refunded": f"(?:{_number(10, sign=False)})?",
    "customer_id": _text(200),
    "email": _text(254),
    "name": _text(400),
    "phone": _text(60),
    "country": _text(60),
    "coupon_codes": _text(2000),
    "line_sku": _text(400),
    "line_title": _text(400),
    "line_quantity": _number(4),
    "line_unit_price": _number(8),
}
"""Field → how it must look, as a pattern over bytes in which ``{mark}`` stands for the delimiter.

A number of a line times another stays below 10¹². The last days of short months are not looked at here.
"""

_GROUPED = r"(?!-?[1-9]\d{{0,2}}\.\d{{3}}(?:{mark}|\r?\n))"
"""Not an amount such as ``150.000``, which may be a hundred and fifty or a thousand times that."""
FIELDS |= {name: _GROUPED + FIELDS[name] for name in ("total", "refunded", "line_unit_price")}
LONGEST_ROW = 1 << 20

_ANY = r"[^{mark}\r\n]*"


class Shape:
    """The shape of a file whose columns are these fields, in order; columns of other names hold anything."""

    def __init__(self, columns: Sequence[str], delimiter: str) -> None:
        mark = re.escape(delimiter)
        row = mark.join(FIELDS.get(column, _ANY).format(mark=mark) for column in columns)
        # Looked for at the beginnings of rows alone: within a very long one, each place would be tried for nothing.
        self._row = re.compile(rf"^{row}\r?\n".encode(), re.MULTILINE)

    def watch(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces of a file as they are, its header first. Raises ``OutOfShape`` soon after an odd row."""
        rest, headed = b"", False
        for piece in pieces:
            yield piece
            rest += piece
            if not headed:
                _, mark, after = rest.partition(b"\n")
                headed, rest = bool(mark), after if mark else rest
            end = rest.rfind(b"\n") + 1
            if headed and end:
                self._look(rest[:end])
                rest = rest[end:]
            if len(rest) > LONGEST_ROW:
                raise OutOfShape
        if not headed:
            raise OutOfShape
        if rest:
            self._look(rest + b"\n")

    def _look(self, rows: bytes) -> None:
        # What is left when all good rows are taken out is no good row.
        if self._row.sub(b"", rows):
            raise OutOfShape
