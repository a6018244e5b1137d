"""One shop's GraphQL Admin API: paced by cost, honest about what is uncertain, and with every refusal in our words.

Reads are repeated where waiting helps. A mutation is repeated only where it certainly did not run (Shopify said that
it was throttled, or was never reached); where the answer is lost, the error says ``ambiguous`` and the caller looks.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.errors import ConnectorError
from connectors.http import Http, Reply, retry_after_seconds
from connectors.shopify import failures
from connectors.shopify.documents import VERSION, Document, load
from connectors.shopify.failures import COME_BACK, Rejected, ShopifyRefusal
from connectors.shopify.pacing import Bucket, LocalBucket

Clock = Callable[[], datetime]
Json = Mapping[str, Any]

TRIES = 4
THROTTLED_TRIES = 20
SILENT_TRIES = 6
"""How often a 429 that says no time is waited out, twice as long each time: about half a minute in all."""
LONGEST_PAUSE = 30.0
SLOW_DOWN = {429, 430}
"""430 is Shopify's own: too many requests for their security rules."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``data`` of a good answer. ``hidden`` names the fields that Shopify left out because of personal data."""

    data: Json
    hidden: frozenset[str] = frozenset()


class ShopifyClient:
    """Calls one shop. ``origin`` is where the shop is reached, ``token`` gives the access token of the moment."""

    def __init__(
        self,
        shop: str,
        token: Callable[[], str],
        *,
        origin: str,
        http: Http,
        clock: Clock,
        bucket: Bucket | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.shop = shop
        self.origin = origin
        self.http = http
        self.clock = clock
        self.sleep = sleep
        self.lag = timedelta(0)
        self.answered_version = ""
        self.deprecated = ""
        self._token = token
        self._bucket = bucket or LocalBucket()
        self._jitter = jitter
        self._costs: dict[tuple[str, Any], float] = {}

    def read(self, name: str, variables: Json | None = None) -> Answer:
        """Run the query ``name``. Raises ``ShopifyRefusal`` and ``ConnectorError``; nothing is ever ambiguous."""
        try:
            return self._run(load(name), variables or {})
        except ConnectorError as error:
            error.ambiguous = False
            raise

    def write(self, name: str, variables: Json | None = None) -> Json:
        """Run the mutation ``name`` with its one root field, once; gives that field's payload.

        Raises ``Rejected`` for ``userErrors``, and ``ConnectorError`` with ``ambiguous`` where it may have run.
        """
        answer = self._run(load(name), variables or {})
        payload = next(iter(answer.data.values()), None)
        if not isinstance(payload, dict):
            raise ShopifyRefusal(
                "Shopify's answer to a change cannot be read.", code="shape", retry_after=COME_BACK, ambiguous=True
            )
        if errors := failures.user_errors(payload):
            raise Rejected(errors, payload)
        return payload

    def pages(self, name: str, root: str, variables: Json) -> Iterator[tuple[list[Any], frozenset[str]]]:
        """All pages of the connection at ``root`` (``order.lineItems``) of a query: (its nodes, hidden fields).

        ``variables`` must hold ``first``, which is halved where the shop finds the page too dear, and may hold
        ``after``. A connection inside something that is gone is empty.
        """
        ask: dict[str, Any] = {"after": None, **variables}
        while True:
            try:
                answer = self.read(name, ask)
            except ShopifyRefusal as error:
                if error.code != "max_cost" or ask["first"] <= 1:
                    raise
                ask["first"] //= 2
                continue
            *outer, last = root.split(".")
            place: Any = answer.data
            for step in outer:
                place = place.get(step) if isinstance(place, dict) else None
            if outer and place is None:
                return
            found = connection(place.get(last), root)
            yield found.nodes, answer.hidden
            if not found.more:
                return
            if found.cursor is None or found.cursor == ask["after"]:
                raise ShopifyRefusal(
                    "Shopify gave the same page twice, so its list cannot be read in full.", code="no_paging"
                )
            ask["after"] = found.cursor

    def _run(self, document: Document, variables: Json) -> Answer:
        tries = throttled = silent = 0
        while True:
            try:
                return self._once(document, variables)
            except ConnectorError as error:
                waits = error.code == "throttled"
                tries, throttled = tries + (not waits), throttled + waits
                silent += waits and error.assumed
                if waits:
                    again = throttled < THROTTLED_TRIES and silent < SILENT_TRIES
                else:
                    again = tries < TRIES and not error.permanent and not (document.writes and error.ambiguous)
                pause = self._pause(error, tries, silent)
                if not again or pause > LONGEST_PAUSE:
                    raise
                self.sleep(pause)

    def _pause(self, error: ConnectorError, tries: int, silent: int) -> float:
        # A moment more, by chance: all workers of a shop were refused at the same time.
        if error.code == "throttled" and error.assumed:
            return 2.0 ** (silent - 1) + self._jitter()
        if error.code == "throttled":
            return (error.retry_after or 0.0) + self._jitter()
        return 0.5 * 4.0 ** (tries - 1) + self._jitter()

    def _once(self, document: Document, variables: Json) -> Answer:
        cost = self._costs.get((document.name, variables.get("first")), document.cost)
        waited = 0.0
        while (pause := self._bucket.take(cost)) > 0:
            waited += pause
            if waited > LONGEST_PAUSE * TRIES:
                raise ShopifyRefusal(
                    "Others use up what Shopify lets us ask of this shop. We go on later.",
                    code="busy",
                    retry_after=COME_BACK,
                )
            self.sleep(pause)
        reply = self._post(document, variables)
        body = _body(reply, document.writes)
        if reply.status in SLOW_DOWN:
            raise _slow_down(reply)
        if reply.status >= 400:
            raise failures.by_status(reply.status, body)
        return self._judge(document, variables, body, cost)

    def _post(self, document: Document, variables: Json) -> Reply:
        data = {"query": document.text, "variables": variables}
        token = self._token()
        reply = self._send(data, token)
        if reply.status == 401 and (newer := self._token()) != token:
            reply = self._send(data, newer)  # Refreshed by somebody else while we asked; the first was not let in.
        self.lag = self._measure(reply)
        self.answered_version = reply.headers.get("X-Shopify-API-Version", "") or self.answered_version
        self.deprecated = reply.headers.get("X-Shopify-API-Deprecated-Reason", "") or self.deprecated
        return reply

    def _measure(self, reply: Reply) -> timedelta:
        """How far the shop's clock is behind ours, by the ``Date`` of its answer."""
        try:
            there = parsedate_to_datetime(reply.headers.get("Date", ""))
        except (ValueError, TypeError):
            return self.lag
        return self.clock() - (there if there.tzinfo else there.replace(tzinfo=UTC))

    def _send(self, data: Json, token: str) -> Reply:
        url = f"{self.origin}/admin/api/{VERSION}/graphql.json"
        return self.http.send("POST", url, data=data, headers={"X-Shopify-Access-Token": token})

    def _judge(self, document: Document, variables: Json, body: Json, cost: float) -> Answer:
        extensions = body.get("extensions") if isinstance(body.get("extensions"), dict) else {}
        wait = self._learn(document, variables, extensions or {}, cost)
        if warning := failures.search_warnings(extensions or {}):
            raise ShopifyRefusal(warning, code="search_ignored")
        data, errors = body.get("data"), body.get("errors")
        rows = errors if isinstance(errors, list) else [errors] if errors else []
        if rows:
            hidden = _only_hidden(rows, data)
            if hidden is None or not isinstance(data, dict):
                refusal = failures.by_errors(rows, writes=document.writes)
                if refusal.code == "throttled":
                    refusal.retry_after = wait
                raise refusal
            return Answer(data, hidden)
        # Every field asked for is there, null where there is nothing: without any, no word was said about what is gone.
        if not isinstance(data, dict) or not data:
            raise ShopifyRefusal(
                "Shopify's answer holds no data.", code="shape", retry_after=COME_BACK, ambiguous=document.writes
            )
        return Answer(data)

    def _learn(self, document: Document, variables: Json, extensions: Json, reserved: float) -> float:
        """Tell the bucket what the shop says of it; gives the seconds until the same query may pass."""
        told = extensions.get("cost")
        status = told.get("throttleStatus") if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(status, dict):
            return COME_BACK
        asked = _number(told.get("requestedQueryCost")) or reserved
        self._costs[document.name, variables.get("first")] = asked
        available, rate = _number(status.get("currentlyAvailable")), _number(status.get("restoreRate"))
        maximum = _number(status.get("maximumAvailable"))
        if not rate or not maximum:
            return COME_BACK
        self._bucket.learn(available=available, maximum=maximum, restore_rate=rate, reserved=reserved)
        return max(asked - available, 0.0) / rate


@dataclass(frozen=True, slots=True)
class Connection:
    """One page of a GraphQL connection: its nodes, whether more follow, and after which cursor."""

    nodes: list[Any]
    more: bool
    cursor: str | None


def connection(value: Any, name: str) -> Connection:
    """The connection ``value`` (with ``nodes`` or ``edges``). Raises where it is none."""
    nodes = value.get("nodes") if isinstance(value, dict) else None
    if isinstance(value, dict) and nodes is None and isinstance(value.get("edges"), list):
        nodes = [edge.get("node") for edge in value["edges"] if isinstance(edge, dict)]
    if not isinstance(nodes, list):
        raise ShopifyRefusal(f"Shopify sent something else than a list of {name}.", code="shape", retry_after=COME_BACK)
    info = value.get("pageInfo")
    info = info if isinstance(info, dict) else {}
    cursor = info.get("endCursor")
    return Connection(nodes, bool(info.get("hasNextPage")), cursor if isinstance(cursor, str) else None)


def _number(value: Any) -> float:
    try:
        return max(float(value), 0.0)
    except (TypeError, ValueError):
        return 0.0


def _body(reply: Reply, writes: bool) -> Json:
    try:
        body = reply.json()
    except ConnectorError as error:
        if reply.status >= 400:
            return {}
        error.ambiguous = writes
        raise
    return body if isinstance(body, dict) else {}


def _slow_down(reply: Reply) -> ShopifyRefusal:
    pause = retry_after_seconds(reply.headers)
    sentence = "Shopify asks us to slow down. We wait and go on."
    return ShopifyRefusal(
        sentence, code="throttled", reason=str(reply.status), retry_after=2.0 if pause is None else pause
    )


def _only_hidden(rows: list[Any], data: Any) -> frozenset[str] | None:
    """The last parts of the paths, where all errors are about hidden personal data inside data that did come."""
    if not isinstance(data, dict):
        return None
    hidden: set[str] = set()
    for row in rows:
        path = row.get("path") if isinstance(row, dict) else None
        if not isinstance(path, list) or len(path) < 2 or not failures.is_protected(row):
            return None
        hidden.add(str(path[-1]))
    return frozenset(hidden)
