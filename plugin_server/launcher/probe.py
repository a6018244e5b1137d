"""Whether one of our web processes serves."""

import http.client
from collections.abc import Callable


def serves(port: int, path: str = "/healthz") -> Callable[[], bool]:
    """A `ready` for ProcessSpec: true once GET of this path on 127.0.0.1 is answered with 200, within a second."""

    def ask() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask
