"""The webhook queue: changes wait, coalesce, and are delivered as the resource is *then*. Nothing is tried twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from urllib.parse import urlencode

import requests

from plugin_server.demo.shop.faults import Faults
from plugin_server.demo.shop.model import Webhook
from plugin_server.demo.shop.state import ShopState

Payload = Callable[[str, int], object]

_AGENT = "WooCommerce/{} Hookshot (WordPress/6.8.8)"
_TIMEOUT = 5.0
# The sixth failure is still only counted; the seventh in a row disables.
_FAILURES_ALLOWED = 5


class Delivery:
    """Delivers the events of one shop every ``interval`` seconds, or when ``drain`` is called.

    ``payload(resource, id)`` gives the body of an event at delivery time, an error body where the thing is gone.
    """

    def __init__(self, shop: ShopState, payload: Payload, faults: Faults, *, interval: float = 2.0) -> None:
        self._shop = shop
        self._payload = payload
        self._faults = faults
        self._interval = interval
        self._queue: dict[tuple[int, int], None] = {}
        self._stop = threading.Event()
        self._busy = threading.Lock()
        self._thread: threading.Thread | None = None

    def happened(self, topic: str, id: int) -> None:
        """Queue ``topic`` about ``id`` for every active webhook that wants it, once."""
        with self._shop.lock:
            for webhook in self._shop.webhooks.values():
                if webhook.topic == topic and webhook.status == "active":
                    self._queue.setdefault((webhook.id, id))

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._thread = threading.Thread(target=self._work, name="shop-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop delivering; what waits is lost, as in a shop whose cron died."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=_TIMEOUT + 1)

    def _work(self) -> None:
        while not self._stop.wait(self._interval):
            self.drain()

    def drain(self) -> int:
        """Deliver everything that waits now; gives how many deliveries were tried."""
        with self._busy:
            with self._shop.lock:
                waiting, self._queue = list(self._queue), {}
            tried = 0
            for webhook_id, resource_id in waiting:
                if self._stop.is_set():
                    break
                webhook = self._shop.webhooks.get(webhook_id)
                if webhook is not None and webhook.status == "active":
                    self._deliver(webhook, resource_id)
                    tried += 1
            return tried

    def _deliver(self, webhook: Webhook, id: int) -> None:
        resource, _, event = webhook.topic.partition(".")
        with self._shop.lock:
            value = {"id": id} if event == "deleted" else self._payload(resource, id)
        body = json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()
        headers = self._headers(webhook, resource, event, body)
        if self._faults.spoil_webhook is not None:
            headers, body = self._faults.spoil_webhook(headers, body)
        status = _post(webhook.delivery_url, headers, body, follow=False)
        self._count(webhook, status)
        if webhook.status == "active" and not webhook.pinged:
            self.ping(webhook)

    def _headers(self, webhook: Webhook, resource: str, event: str, body: bytes) -> dict[str, str]:
        second = int(self._shop.now().timestamp())
        delivery_id = hashlib.blake2b(f"{webhook.id} {second}".encode(), digest_size=16).hexdigest()
        return {
            "User-Agent": _AGENT.format(self._shop.woocommerce),
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": f"{self._shop.base}/",
            "X-WC-Webhook-Topic": webhook.topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": signature(webhook.secret, body),
            "X-WC-Webhook-ID": str(webhook.id),
            "X-WC-Webhook-Delivery-ID": delivery_id,
        }

    def _count(self, webhook: Webhook, status: int) -> None:
        """Anything but 200 to 302 is a failure; a success forgets them all."""
        with self._shop.lock:
            if 200 <= status <= 302:
                webhook.failures = 0
            elif webhook.failures > _FAILURES_ALLOWED:
                webhook.status = "disabled"
            else:
                webhook.failures += 1
            webhook.modified = self._shop.now()
            if webhook.id in self._shop.webhooks:
                self._shop.save(webhook)

    def ping(self, webhook: Webhook) -> None:
        """The unsigned ``webhook_id=N``; repeated after every delivery until it is answered with exactly 200."""
        headers = {
            "User-Agent": _AGENT.format(self._shop.woocommerce),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"webhook_id": webhook.id}).encode()
        if _post(webhook.delivery_url, headers, body, follow=True) == 200:
            with self._shop.lock:
                webhook.pinged = True
                webhook.modified = self._shop.now()
                self._shop.save(webhook)


def signature(secret: str, body: bytes) -> str:
    """base64 of the HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _post(url: str, headers: dict[str, str], body: bytes, *, follow: bool) -> int:
    """The status of a POST, 0 where nobody answered."""
    try:
        with requests.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=follow) as answer:
            return answer.status_code
    except requests.RequestException:
        return 0
