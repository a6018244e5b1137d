"""What is wrong with a file as a whole."""

from __future__ import annotations

from connectors.errors import ConnectorError


class BadFile(ConnectorError):
    """The file as a whole cannot be used; the sentence says why and how to mend it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="bad_file")
