"""Errors that say what to do about them: give up, or come back after so many seconds."""

from __future__ import annotations

from typing import Final

LOCKED_OUT: Final = frozenset({
    "bad_token", "forbidden", "shop_closed", "wrong_shop", "wrong_key", "wrong_secret", "no_rights", "write_only",
    "blocked", "clock", "no_route",
})  # fmt: skip
"""Codes of refusals that only the shop's owner can end."""


class ConnectorError(Exception):
    """Something outside failed.

    ``retry_after`` (seconds) is None where trying again cannot help (``permanent``). ``sentence`` is for the owner:
    what happened and how to mend it. ``ambiguous`` is True where the request may have taken effect all the same,
    ``assumed`` where the other side asked for patience without a figure, so that ``retry_after`` is our own.
    """

    def __init__(
        self,
        sentence: str,
        *,
        code: str = "failed",
        retry_after: float | None = None,
        ambiguous: bool = False,
        assumed: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.retry_after = retry_after
        self.ambiguous = ambiguous
        self.assumed = assumed

    @property
    def permanent(self) -> bool:
        """True where trying the same again cannot help."""
        return self.retry_after is None


class BadPayload(ConnectorError):
    """The other side sent something we cannot read; the place is in ``path``."""

    def __init__(self, sentence: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {sentence}" if path else sentence, code="bad_payload")
        self.path = path


class ForbiddenHost(ConnectorError):
    """The address is not one we may call (private network, not https, odd port)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="forbidden_host")


class BadSignature(ConnectorError):
    """A webhook whose signature does not hold over its raw bytes."""

    def __init__(self, sentence: str = "The signature does not match the body.") -> None:
        super().__init__(sentence, code="bad_signature")
