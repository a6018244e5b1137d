"""What is looked at before a run is sent that its wording cannot show: sender, laws, readers and moment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from campaigns.mail.compose import RenderedMail
from campaigns.mail.lint_words import When
from campaigns.reasons import Reason

FREE: Final = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.id", "yahoo.co.uk", "ymail.com", "rocketmail.com", "aol.com"}
    | {"outlook.com", "outlook.co.id", "hotmail.com", "hotmail.nl", "hotmail.co.uk", "live.com", "live.nl", "msn.com"}
    | {"icloud.com", "me.com", "mac.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "mail.com", "mail.ru", "yandex.com"}
    | {"proton.me", "protonmail.com", "pm.me", "zoho.com", "qq.com", "163.com", "126.com", "telkom.net", "kpnmail.nl"}
    | {"ziggo.nl", "hetnet.nl", "planet.nl", "home.nl", "xs4all.nl"}
)
"""Public mail services: their domains are nobody's to send from."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``blocking`` things keep the mail from being sent. ``language`` is empty for the whole run."""

    blocking: bool
    reason: Reason
    language: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """The mail as one made-up reader gets it. ``unsubscribe`` is the address that must stand in it."""

    language: str
    name: str
    mail: RenderedMail
    preheader: str
    unsubscribe: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known beside the wording. ``strict``: in production, where what is only set up wrongly blocks too.

    ``authenticated``: whether SPF, DKIM and DMARC of the sender's domain were found good, None where nobody looked.
    ``spoken`` are the audience's languages with their numbers of readers; ``usual`` the mean size of earlier runs;
    ``weights`` the bytes of pictures by address, of those that are known. ``foreign`` says why the sender's domain is
    not this business's to use.
    """

    from_email: str
    postal_address: str
    public_url: str
    strict: bool
    now: datetime
    sends_at: datetime | None = None
    code_expires_at: datetime | None = None
    authenticated: bool | None = None
    readers: int = 0
    usual: int = 0
    complaints: float = 0.0
    capped: int = 0
    quiet_clash: bool = False
    tested: bool = True
    spoken: Mapping[str, int] = field(default_factory=dict)
    currency: str = ""
    when: When | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    foreign: Reason | None = None


def about_run(samples: Sequence[Sample], of: Setting) -> Iterator[Finding]:
    """What is wrong with all of its mails: the sender, the laws, the readers, the moment."""
    domain = of.from_email.rpartition("@")[2].lower()
    if domain in FREE:
        yield Finding(
            of.strict,
            Reason(
                f"{of.from_email} belongs to a free mail service, whose mail receivers refuse from anybody else. "
                "Enter an address of your own domain in the settings.",
                "lint_free_sender",
                email=of.from_email,
            ),
        )
    elif of.foreign:
        yield Finding(True, of.foreign)
    elif of.authenticated is False:
        yield Finding(
            of.strict,
            Reason(
                f"{domain} does not vouch for your mail: SPF, DKIM or DMARC is missing. Authenticate the domain.",
                "lint_domain",
                domain=domain,
            ),
        )
    if not of.postal_address.strip():
        yield Finding(
            of.strict,
            Reason(
                "Your postal address is missing; the laws of many countries want it in every mail. "
                "Enter it in the settings.",
                "lint_address",
            ),
        )
    if not of.public_url.startswith("https://"):
        yield Finding(
            of.strict,
            Reason(
                "The unsubscribe address does not begin with https, so mail programs show no button for it. "
                "Set PUBLIC_URL.",
                "lint_public_url",
            ),
        )
    if of.code_expires_at and of.sends_at and of.code_expires_at <= of.sends_at:
        yield Finding(
            True, Reason("The codes are over before the mail goes out. Let them hold longer.", "lint_expired")
        )
    yield from _about_readers(samples, of)


def _about_readers(samples: Sequence[Sample], of: Setting) -> Iterator[Finding]:
    written = {sample.language[:2] for sample in samples}
    for language, readers in of.spoken.items():
        if language[:2] not in written:
            yield Finding(
                False,
                Reason(
                    f"{readers} readers speak {language} and get another language. Write the mail in it too.",
                    "lint_untranslated",
                    language=language,
                    n=readers,
                ),
            )
    if of.complaints >= 0.0008:
        yield Finding(
            False,
            Reason(
                "Nearly 0.1 % of the readers of the last seven days called your mail spam. Send to those who buy.",
                "lint_complaints",
            ),
        )
    if of.usual and of.readers > 2 * of.usual:
        yield Finding(
            False,
            Reason(
                f"{of.readers} readers are more than twice your usual {of.usual}. Plan a warm-up under sender health.",
                "lint_volume",
                n=of.readers,
                usual=of.usual,
            ),
        )
    if of.capped:
        yield Finding(
            False,
            Reason(
                f"{of.capped} of the readers had enough mails lately; theirs wait, or are left out if too late.",
                "lint_capped",
                n=of.capped,
            ),
        )
    if of.quiet_clash:
        yield Finding(
            False, Reason("It is due in the quiet hours and waits for the morning. Choose another time.", "lint_quiet")
        )
    if not of.tested:
        yield Finding(False, Reason("Nobody has sent themselves a test of this version yet.", "lint_untested"))
