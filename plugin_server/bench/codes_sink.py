"""A shop for measurements, a process of its own: every coupon it is asked for it has at once, and tells it back.

It keeps nothing and reads no more of HTTP than our own client writes.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

_NUMBERS = count(1)


class _Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Nothing has ever been ordered here."""
        self._say([])

    def do_POST(self) -> None:
        """All coupons that are asked for."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say({"create": [_made(one) for one in asked["create"]]})

    def _say(self, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


def _made(coupon: dict[str, Any]) -> dict[str, Any]:
    return coupon | {"id": next(_NUMBERS), "date_expires_gmt": coupon["date_expires"].rstrip("Z"), "status": "publish"}


def main() -> None:
    """Serve until killed; the port stands on the first line of stdout."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
