"""Looks a mail through before it is sent: what must be mended, what had better be, and how. Pure: no DNS, no database.

The list follows what receivers refuse or punish, what laws want, and what readers cannot use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from campaigns.mail.compose import RenderedMail
from campaigns.mail.page import Link, Page, read_page
from campaigns.reasons import Reason

CLIPPED: Final = 102_000
"""Bytes of HTML beyond which Gmail cuts a mail off."""
NEARLY: Final = 90_000
SHORTENERS: Final = frozenset(
    {"bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "s.id", "rebrand.ly", "cutt.ly"}
)
FREE: Final = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.id", "outlook.com", "hotmail.com", "live.com", "icloud.com"}
)
_LEFT_OVER: Final = re.compile(r"\{\{|\{%|\}\}|%\}")
_STAGING: Final = re.compile(
    r"(^|\.)(staging|stage|dev|test|local)(\.|$)|\.(local|test|localhost)$|^localhost$|^127\.|^10\."
)
_DOMAIN: Final = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)


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
    ``spoken`` are the audience's languages with their numbers of readers; ``usual`` the mean size of earlier runs.
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


def lint(samples: Sequence[Sample], of: Setting) -> list[Finding]:
    """Everything found, blocking things first, each once for a language."""
    found = [*_setting(samples, of)]
    for sample in samples:
        page = read_page(sample.mail.html)
        for blocking, reason in (*_must(sample, page), *_links(page, of), *_should(sample, page)):
            found.append(Finding(blocking, reason, sample.language))
    once: dict[tuple[str, str], Finding] = {}
    for one in found:
        once.setdefault((one.language, one.reason.key), one)
    return sorted(once.values(), key=lambda one: (not one.blocking, one.language))


def _setting(samples: Sequence[Sample], of: Setting) -> Iterator[Finding]:
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
                f"{of.capped} readers have had enough mails lately; theirs wait, or are left out if that is too late.",
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


Told = tuple[bool, Reason]


def _must(sample: Sample, page: Page) -> Iterator[Told]:
    mail = sample.mail
    if not mail.subject.strip() or "\n" in mail.subject or "\r" in mail.subject:
        yield (
            True,
            Reason(
                f"The subject is empty for {sample.name}. Write words that need no data.",
                "lint_subject",
                name=sample.name,
            ),
        )
    if not mail.text.strip():
        yield True, Reason("There is no text part. Add a text to the mail.", "lint_no_text")
    if mail.missing:
        names = ", ".join(mail.missing)
        yield (
            True,
            Reason(
                f"Nobody supplies {names}. Correct the spelling, or give it a default.", "lint_missing", names=names
            ),
        )
    if _LEFT_OVER.search(mail.subject + mail.html + mail.text):
        yield True, Reason("Signs of Liquid are left over in the mail. Close every tag.", "lint_left_over")
    if sample.unsubscribe not in mail.html:
        yield (
            True,
            Reason("There is no link to unsubscribe. Put one to links.unsubscribe at the end.", "lint_no_unsubscribe"),
        )
    active = sorted(page.active | page.handlers)
    if active:
        yield (
            True,
            Reason(f"Mail programs refuse {', '.join(active)}. Take it out.", "lint_active", names=", ".join(active)),
        )
    if page.size > CLIPPED:
        yield (
            True,
            Reason(
                f"The HTML has {page.size // 1000} kB; Gmail cuts it off at 102. Shorten it.",
                "lint_clipped",
                kilobytes=page.size // 1000,
            ),
        )
    elif page.size > NEARLY:
        yield (
            False,
            Reason(
                f"The HTML has {page.size // 1000} kB; Gmail cuts it off at 102.",
                "lint_nearly_clipped",
                kilobytes=page.size // 1000,
            ),
        )


def _links(page: Page, of: Setting) -> Iterator[Told]:
    for link in page.links:
        scheme = urlsplit(link.href).scheme.lower() if _readable(link.href) else "?"
        if not link.href or link.href == "#" or scheme == "?":
            yield (
                True,
                Reason(
                    f"The link “{_shown(link)}” leads nowhere. Give it an address.",
                    "lint_empty_link",
                    text=_shown(link),
                ),
            )
        elif scheme in ("javascript", "data", "vbscript", "file"):
            yield True, Reason(f"A link begins with {scheme}: and is refused. Use https.", "lint_scheme", scheme=scheme)
        elif scheme == "http" or _STAGING.search(urlsplit(link.href).hostname or ""):
            yield (
                of.strict,
                Reason(
                    f"{link.href[:80]} is no address for readers. Use the https address of your shop.",
                    "lint_insecure",
                    url=link.href[:80],
                ),
            )
        elif (urlsplit(link.href).hostname or "") in SHORTENERS:
            yield (
                False,
                Reason(
                    f"{link.href[:80]} hides where it leads, as spam does. Write the whole address.",
                    "lint_shortener",
                    url=link.href[:80],
                ),
            )
        yield from _about(link)
    if len(page.links) > 30:
        yield False, Reason(f"{len(page.links)} links are many. Leave some out.", "lint_many_links", n=len(page.links))


def _about(link: Link) -> Iterator[Told]:
    shown = _DOMAIN.fullmatch(link.text.strip())
    host = (urlsplit(link.href).hostname or "") if _readable(link.href) else ""
    if shown and host and not _same_site(shown[1].lower(), host):
        yield (
            False,
            Reason(
                f"A link shows {shown[1]} and leads to {host}. Let it show where it leads.",
                "lint_disguised",
                shown=shown[1],
                host=host,
            ),
        )
    names = [name for name, _ in parse_qsl(urlsplit(link.href).query)] if _readable(link.href) else []
    if any(name.startswith("utm_") and names.count(name) > 1 for name in names):
        yield False, Reason(f"{link.href[:80]} carries the same utm_ twice.", "lint_utm", url=link.href[:80])
    if link.height is not None and link.height < 44:
        yield (
            False,
            Reason(
                f"The button “{_shown(link)}” is {link.height:.0f} pixels high; thumbs need 44.",
                "lint_button",
                text=_shown(link),
                n=round(link.height),
            ),
        )


def _should(sample: Sample, page: Page) -> Iterator[Told]:
    subject = sample.mail.subject
    if len(subject) > 60:
        yield (
            False,
            Reason(
                f"The subject has {len(subject)} letters; phones show about 60.", "lint_long_subject", n=len(subject)
            ),
        )
    if (subject.isupper() and sum(sign.isalpha() for sign in subject) > 5) or subject.count("!") > 1:
        yield False, Reason("The subject shouts. Use small letters and at most one exclamation mark.", "lint_shouting")
    if not sample.preheader.strip() or sample.preheader.strip() == subject.strip():
        yield False, Reason("There is no preheader of its own. Inboxes show it behind the subject.", "lint_preheader")
    yield from _pictures(page)
    if not page.color_scheme:
        yield False, Reason("Nothing is said about dark mode. Add the meta tag color-scheme.", "lint_dark")
    if page.faint < 4.5:
        yield (
            False,
            Reason(
                f"“{page.faintest}” is hard to read on its ground (contrast {page.faint:.1f}; 4.5 is needed).",
                "lint_contrast",
                text=page.faintest,
                contrast=f"{page.faint:.1f}",
            ),
        )
    if page.smallest < 14:
        yield (
            False,
            Reason(
                f"Some text has {page.smallest:.0f} pixels; 14 can be read by most.",
                "lint_small",
                n=round(page.smallest),
            ),
        )
    if sample.code and sample.code not in sample.mail.html:
        yield False, Reason("The code of the offer is nowhere in the mail. Print offer.code.", "lint_no_code")


def _pictures(page: Page) -> Iterator[Told]:
    if any("alt" not in image for image in page.images):
        yield False, Reason("A picture has no alternative text. Many readers see no pictures.", "lint_alt")
    if any(not image.get("width") for image in page.images):
        yield False, Reason("A picture has no width and may burst the mail. Give it one.", "lint_width")
    if page.images and page.letters < 50:
        yield False, Reason("The mail is nearly all picture. Say it in words too.", "lint_picture_only")


def _readable(href: str) -> bool:
    try:
        urlsplit(href)
    except ValueError:
        return False
    return True


def _same_site(one: str, other: str) -> bool:
    one, other = one.removeprefix("www."), other.removeprefix("www.")
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _shown(link: Link) -> str:
    return " ".join(link.text.split())[:40] or link.href[:40] or "…"


def blocking(found: Iterable[Finding]) -> list[Finding]:
    """Those that keep the mail from being sent."""
    return [one for one in found if one.blocking]
