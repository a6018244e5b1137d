"""Find José by "jose", and a telephone number by its end, however either was written."""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import route

revision = "0240"
down_revision = "0225"
branch_labels = None
depends_on = None

BARE = import_module("plugin_server.db.migrations.versions.0130_bare_of_all_indexes")
"""Whose function builds the indexes of a first import."""

MINE = "merchant_id = tangga_merchant() AND merged_into IS NULL"
BETWEEN = '{0} COLLATE "C" >= {1} AND {0} COLLATE "C" < {2}'
FOLDED, LOWER = "tangga_folded({})", "lower({})"
PHONE_END = r"reverse(regexp_replace(phone, '\D', '', 'g'))"


def _named(form: str) -> None:
    first, last = form.format("first_name"), form.format("last_name")
    asked = f"{BETWEEN.format(first, '$1', '$2')} AND {BETWEEN.format(last, '$3', '$4')}"
    for name, arguments, where in (
        ("first", "text, text, text, text", asked),
        ("last", "text, text", BETWEEN.format(last, "$1", "$2")),
    ):
        op.execute(f"DROP FUNCTION tangga_customers_{name}_named({arguments})")
        query = f"SELECT id FROM customer WHERE {MINE} AND {where} LIMIT 50"
        route(f"tangga_customers_{name}_named", arguments, "SETOF bigint", query)
        op.drop_index(f"ix_customer_{name}_name", "customer")
        column = sa.text(f'{form.format(f"{name}_name")} COLLATE "C"')
        op.create_index(f"ix_customer_{name}_name", "customer", ["merchant_id", column])


def _dressed(form: str) -> None:
    """A first import builds the indexes of names in the same form."""
    given = BARE.EARLIER
    people = (index.replace("lower(", form.partition("(")[0] + "(") for index in given.CUSTOMERS)
    given.define(
        "tangga_orders_dressed()",
        "void",
        f"""BEGIN
            {BARE.key_of("shop_order", "id")} {BARE.key_of("identity", "id")}
            {"; ".join((*given.ORDERS, *people, *given.IDENTITIES))};
        END""",
    )


def upgrade() -> None:
    # Plain letters, which most names are written in, take the short way: this runs for each customer that is read. Not
    # STRICT: such a function would be called for each row instead of standing in the statement.
    op.execute(
        "CREATE FUNCTION tangga_folded(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ "
        "SELECT CASE WHEN octet_length($1) = length($1) THEN lower($1) ELSE "
        r"lower(translate(regexp_replace(normalize($1, NFD), U&'[\0300-\036F]', '', 'g'), "
        "'ØøŁłĐđıĦħŦŧ', 'OoLlDdiHhTt')) END $$"
    )
    _named(FOLDED)
    _dressed(FOLDED)
    # Right-to-left, so that the end of a number is the beginning of what the index holds.
    phone = sa.text(f'{PHONE_END} COLLATE "C"')
    given = sa.text("phone IS NOT NULL")
    op.create_index("ix_customer_phone_end", "customer", ["merchant_id", phone], postgresql_where=given)
    op.drop_index("ix_customer_phone", "customer")
    query = f"SELECT id FROM customer WHERE {MINE} AND phone IS NOT NULL AND {BETWEEN.format(PHONE_END, '$1', '$2')}"
    route("tangga_customers_phoned", "text, text", "SETOF bigint", query + " LIMIT 50")


def downgrade() -> None:
    op.execute("DROP FUNCTION tangga_customers_phoned(text, text)")
    given = sa.text("phone IS NOT NULL")
    op.create_index("ix_customer_phone", "customer", ["merchant_id", "phone"], postgresql_where=given)
    op.drop_index("ix_customer_phone_end", "customer")
    _named(LOWER)
    _dressed(LOWER)
    op.execute("DROP FUNCTION tangga_folded(text)")
