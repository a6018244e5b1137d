"""Mails as ``.eml`` files: ``<folder>/2026-11-22/<message id>.eml``, readable by any mail program."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from connectors.addresses import BadAddress
from connectors.mail_types import Mail, SendOutcome, SendResult
from connectors.mime import plain_id, to_bytes


class FolderBackend:
    """Keeps ``connectors.base.MailBackend``. ``clock`` gives aware times: the Date header and the day's subfolder.

    Handing over the same message again, on whatever day, leaves one file; so a certain no is always safe to repeat.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime]) -> None:
        self._folder, self._clock = folder, clock

    def send(self, mail: Mail) -> SendResult:
        """Write one file for each recipient. A full or missing disk is a certain no for the whole request."""
        refused: dict[str, str] = {}
        try:
            day, written = self._open_day()
            for recipient in mail.recipients:
                try:
                    content = to_bytes(mail, recipient, now=self._clock())
                except BadAddress as error:
                    refused[recipient.message_id] = str(error)
                    continue
                name = f"{plain_id(recipient.message_id or mail.attempt_id)}.eml"
                if not any((earlier / name).exists() for earlier in written):
                    _write(day / name, content)
        except OSError as error:
            detail = (
                f"The outbox {self._folder} cannot be written ({error.strerror}). Free some space or mend its rights."
            )
            return SendResult(SendOutcome.NOT_SENT, detail=detail, refused=refused)
        if len(refused) == len(mail.recipients):
            detail = "No recipient of this request can be delivered to."
            return SendResult(SendOutcome.NOT_SENT, detail=detail, refused=refused)
        return SendResult(SendOutcome.ACCEPTED, provider_reference=day.name, refused=refused)

    def _open_day(self) -> tuple[Path, list[Path]]:
        """(today's folder, all days' folders). Mails are personal: only the owner of the process may read them."""
        day = self._folder / self._clock().date().isoformat()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        day.mkdir(exist_ok=True, mode=0o700)
        return day, [path for path in self._folder.iterdir() if path.is_dir()]


def _write(path: Path, content: bytes) -> None:
    # Under another name first, so that a reader, or a crash, never meets half a mail.
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(half, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
    half.replace(path)
