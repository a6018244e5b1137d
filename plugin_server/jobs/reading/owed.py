"""What a reading owes to those whose rows came in: facts, rungs, redemptions, points. Paid now and then, not each time.

A small shop pays whenever it has become four times as large; from then on a payment takes less than a thirtieth of the
time since the last one: so the home page fills while a shop is read, and a large shop is not read anew for every
thousand orders. A debt is never lost: a reading
moves no cursor before it has paid, and the one after a reading that broke off in debt begins with owing everything.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, text

from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.staging import analyse
from plugin_server.db.session import tenant
from plugin_server.jobs.consequences import follow
from plugin_server.jobs.reading.ingest import retrying
from plugin_server.wiring import Services

SHARE = 30
"""A payment is due once so many times as long has passed as the last one took, or where a small shop has grown."""
GROWN = 4
"""So many times as large as at the last payment."""
LARGE = 10_000
"""So many rows are a picture of the shop: from there on time alone counts."""
FEW = 1000
"""So many changed rows or fewer are always looked at one customer after the other."""
MANY = 20_000
"""From so many on, or where a third of the merchant's rows changed, everybody is read anew: that is quicker."""


class Owed:
    """The debt of one reading. ``whole``: it begins with owing everything."""

    def __init__(self, services: Services, merchant_id: int, *, whole: bool) -> None:
        self._services, self._merchant_id = services, merchant_id
        self._owed = Ingested(touched=None) if whole else Ingested()
        self._known = self._changed = 0
        self._paid_at, self._pause = services.now(), timedelta(0)
        with tenant(services.engine, merchant_id) as connection:
            self._known = connection.scalar(text(_KNOWN)) or 0

    def add(self, done: Ingested) -> None:
        """Owe what follows from these rows, which are committed; pay where it is time to."""
        self._known += done.created
        self._changed += done.created + done.updated
        if self._owed.touched is not None:
            self._owed += done
            if self._changed >= FEW and (self._changed > MANY or self._changed * 3 >= self._known):
                self._owed = Ingested(touched=None)
        kept = self._known - self._changed
        grown = self._changed >= FEW and self._known < LARGE and self._known >= kept * GROWN
        if grown or self._services.now() - self._paid_at >= self._pause:
            self.pay()

    @property
    def nothing(self) -> bool:
        """Whether all is paid."""
        return self._owed.touched == [] and not self._owed.order_ids

    def pay(self) -> None:
        """Pay all that is owed."""
        owed = self._owed
        if self.nothing:
            return
        began = self._services.now()
        if owed.touched is None:
            retrying(self._services, self._merchant_id, analyse)
        retrying(self._services, self._merchant_id, lambda connection: self._follow(connection, owed))
        self._owed, self._changed = Ingested(), 0
        self._paid_at = self._services.now()
        self._pause = (self._paid_at - began) * SHARE

    def _follow(self, connection: Connection, owed: Ingested) -> None:
        follow(connection, merchant_id=self._merchant_id, done=owed, now=self._services.now())


_KNOWN = "SELECT (SELECT count(*) FROM customer) + (SELECT count(*) FROM shop_order)"
