"""Whose address or account this is, as SQL for the statements that bring people in.

These are questions about one address or account at a time, answered by an index each.
"""

from __future__ import annotations

MERCHANT, STORE = "(SELECT CAST(:merchant AS bigint))", "(SELECT CAST(:store AS bigint))"
"""Whose rows are asked for, in a form that the planner cannot look into.

Its statistics may not have heard of a shop that is coming in for the first time. Told the number, it would expect no
row, think any index of the merchant's as good as the right one, and go through all of the shop once for each address.
"""


def living(address: str) -> str:
    """The customer of ``:merchant`` who has the normalised ``address`` (a column), or NULL."""
    return (
        f"(SELECT id FROM customer WHERE merchant_id = {MERCHANT} AND email_norm = {address} AND merged_into IS NULL "
        "LIMIT 1)"
    )


def merged(address: str) -> str:
    """The customer into whom the last owner of ``address`` was merged, or NULL."""
    return (
        f"(SELECT merged_into FROM customer WHERE merchant_id = {MERCHANT} AND email_norm = {address} "
        "AND merged_into IS NOT NULL ORDER BY id DESC LIMIT 1)"
    )


def account(external_id: str) -> str:
    """The customer whose account at ``:store`` has this number (a column), or NULL."""
    return f"(SELECT customer_id FROM identity WHERE store_id = {STORE} AND external_id = {external_id} LIMIT 1)"
