"""A bounded load: so many connections, each sending one signed delivery after the other, and timing every answer.

Run as a process of its own; prints one JSON line. It writes to the socket itself: a client library would take more
of the machine than the server that is measured.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from threading import Thread

from connectors.signatures import sign_hmac

BODY = 10_000
FILLER = b"x" * BODY


class Sender(Thread):
    """One connection."""

    def __init__(self, port: int, secret: str, name: str, requests: int) -> None:
        super().__init__(name=name)
        self._port, self._secret, self._requests = port, secret, requests
        self.times: list[float] = []
        self.refused = 0

    def run(self) -> None:
        """Send all, one after the other."""
        with socket.create_connection(("127.0.0.1", self._port)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(self._requests):
                delivery = self._delivery(number)
                began = time.perf_counter()
                line.sendall(delivery)
                answer = line.recv(4096)
                self.times.append(time.perf_counter() - began)
                self.refused += not answer.startswith(b"HTTP/1.1 200")

    def _delivery(self, number: int) -> bytes:
        start = f'{{"id":"{self.name}-{number}","status":"processing","note":"'.encode()
        body = start + FILLER[: BODY - len(start) - 2] + b'"}'
        head = (
            f"POST /webhooks/woocommerce/1 HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            "Content-Type: application/json\r\nX-WC-Webhook-Topic: order.updated\r\nX-WC-Webhook-ID: 1\r\n"
            f"X-WC-Webhook-Signature: {sign_hmac(body, self._secret)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def load(port: int, secret: str, mark: str, requests: int, connections: int) -> dict[str, float]:
    """Send ``requests`` deliveries over ``connections`` lines; ``mark`` makes their bodies unique."""
    senders = [Sender(port, secret, f"{mark}-{number}", requests // connections) for number in range(connections)]
    began = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - began
    times = sorted(took for sender in senders for took in sender.times)
    return {
        "requests": len(times),
        "refused": sum(sender.refused for sender in senders),
        "seconds": seconds,
        "rate": len(times) / seconds,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    _, port, secret, mark, requests, connections = sys.argv
    sys.stdout.write(json.dumps(load(int(port), secret, mark, int(requests), int(connections))) + "\n")
