"""A mail provider for measurements, a process of its own: takes every request, keeps nothing, says 202 at once.

It reads no more of HTTP than our own client writes: one POST after the other, each with its length.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
from typing import Final

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def main() -> None:
    """Serve until killed; the port stands on the first line of stdout."""
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        threading.Thread(target=_serve, args=(listener.accept()[0],), daemon=True).start()


def _serve(line: socket.socket) -> None:
    number, waiting, room = 0, b"", memoryview(bytearray(1 << 20))
    while True:
        while b"\r\n\r\n" not in waiting:
            block = line.recv(1 << 16)
            if not block:
                return
            waiting += block
        head, _, body = waiting.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        left, waiting = (int(found[1]) if found else 0) - len(body), b""
        while left > 0:
            left -= line.recv_into(room, min(left, len(room)))
        number += 1
        line.sendall(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: bench-%d\r\nContent-Length: 0\r\n\r\n" % number)


if __name__ == "__main__":
    main()
