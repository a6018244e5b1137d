"""Whether anybody behind a mailbox ever ordered, in all history of the merchant and under any spelling."""

from __future__ import annotations

from sqlalchemy import Connection, text

from campaigns.referral import GMAIL


def bought_before(conn: Connection, customer_id: int, box: str) -> bool:
    """True where this customer or anybody whose address leads to ``box`` (see ``campaigns.referral.mailbox``) ordered.

    Orders of every state count, but tests: who cancelled knew the shop. Customers are found by an index over the
    beginning of their address; orders by one reading, as their own address may differ from their customer's.
    """
    name, _, domain = box.rpartition("@")
    gmail = domain in GMAIL
    given = {
        "c": customer_id, "box": box, "begin": name[:1] if gmail else name,
        "domains": list(GMAIL) if gmail else [domain], "any": [f"%@{one}" for one in (GMAIL if gmail else [domain])],
    }  # fmt: skip
    given["end"] = str(given["begin"])[:-1] + chr(ord(str(given["begin"])[-1]) + 1) if given["begin"] else ""
    return bool(conn.scalar(text(_BY_CUSTOMER), given)) or bool(conn.scalar(text(_BY_ORDER), given))


def _box(email: str) -> str:
    """``mailbox`` over an SQL expression of a lower-case address."""
    name, domain = f"split_part(split_part({email}, '@', 1), '+', 1)", f"split_part({email}, '@', 2)"
    google = ", ".join(f"'{one}'" for one in sorted(GMAIL))
    undotted = f"replace({name}, '.', '') || '@gmail.com'"
    return f"CASE WHEN {domain} IN ({google}) THEN {undotted} ELSE {name} || '@' || {domain} END"


_BY_CUSTOMER = f"""
SELECT EXISTS (
    SELECT FROM customer c WHERE (c.id = :c OR (c.email_norm COLLATE "C" >= :begin AND c.email_norm COLLATE "C" < :end
        AND split_part(c.email_norm, '@', 2) = ANY(:domains) AND {_box("c.email_norm")} = :box))
    AND EXISTS (SELECT FROM shop_order o WHERE o.customer_id IN (c.id, c.merged_into) AND NOT o.test))
"""
_BY_ORDER = f"""
SELECT EXISTS (
    SELECT FROM shop_order o WHERE NOT o.test AND lower(btrim(o.email)) LIKE ANY(:any)
    AND {_box("lower(btrim(o.email))")} = :box)
"""
