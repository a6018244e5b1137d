"""Which column of a file means what. Names are matched without regard to case, blanks and underscores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.csvfile.fault import BadFile

ORDERS = (
    "order_id", "ordered_at", "status", "currency", "total", "refunded", "customer_id", "email", "name", "phone",
    "country", "coupon_codes", "line_sku", "line_title", "line_quantity", "line_unit_price",
)  # fmt: skip
CONTACTS = (
    "email", "name", "phone", "country", "language", "birthday", "consent", "consent_at", "consent_source", "tags",
)  # fmt: skip

LIKELY = {
    "order_id": ("invoiceno", "invoice", "order", "ordernumber", "orderno", "number", "id", "nomor"),
    "ordered_at": ("invoicedate", "date", "orderdate", "createdat", "created", "datecreated", "tanggal", "datum"),
    "total": ("ordertotal", "amount", "grandtotal", "totalprice"),
    "line_quantity": ("quantity", "qty", "lineitemquantity", "jumlah", "aantal"),
    "line_unit_price": ("unitprice", "price", "lineitemprice", "harga", "prijs"),
    "email": ("emailaddress", "mail", "billingemail", "customeremail"),
}
"""Names that other programs give these columns; only ever proposed, never assumed."""


def find(
    fields: Sequence[str], needed: Sequence[Sequence[str]], header: Sequence[str], mapping: Mapping[str, str]
) -> dict[str, int]:
    """{field: place in the row} of all fields the file has. Raises ``BadFile``.

    ``needed`` lists sets of fields of which each must be there in one of its ways: a plain name, or names joined by
    ``+``. ``mapping`` is {field: column name}, and wins over a column that bears the field's own name.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        places.setdefault(_plain(name), []).append(place)
    found: dict[str, int] = {}
    for field in fields:
        column = mapping.get(field, field)
        at = places.get(_plain(column), [])
        if len(at) > 1:
            raise BadFile(f"Two columns are called {column!r}. Rename one of them.")
        if at:
            found[field] = at[0]
        elif field in mapping:
            raise BadFile(f"--map {field}={column}: there is no such column. Found: {_listed(header)}.")
    if strange := sorted(set(mapping) - set(fields)):
        raise BadFile(f"--map {strange[0]}: there is no such field. Known: {', '.join(fields)}.")
    _require(needed, found, header)
    return found


def _require(needed: Sequence[Sequence[str]], found: Mapping[str, int], header: Sequence[str]) -> None:
    missing = [ways for ways in needed if not any(set(way.split("+")) <= set(found) for way in ways)]
    if not missing:
        return
    names = "; ".join(" or ".join(way.replace("+", " and ") for way in ways) for ways in missing)
    proposals = [
        f"--map {field}={name}"
        for ways in missing
        for field in "+".join(reversed(ways)).split("+")
        for name in header
        if field not in found and _plain(name) in LIKELY.get(field, ())
    ]
    hint = " ".join(dict.fromkeys(proposals)) or f"--map {missing[0][0].split('+')[0]}=COLUMN"
    if len(header) == 1:
        # A title above the table, or a delimiter nobody knows.
        hint += ". The first row must hold their names, divided by comma, semicolon, tab or |."
    raise BadFile(f"Missing: {names}. Found: {_listed(header)}. Say which column is which, for example: {hint}")


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "").replace("_", "").replace("-", "")


def _listed(header: Sequence[str]) -> str:
    shown = [name[:40] for name in header[:30]]
    return ", ".join(shown) + (" …" if len(header) > 30 else "")
