"""Looks a mail through before it is sent: what must be mended, what had better be, and how. Pure: no DNS, no database.

The list follows what receivers refuse or punish, what laws want, and what readers cannot use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from campaigns.mail.lint_run import FREE, Finding, Sample, Setting, about_run
from campaigns.mail.lint_words import feasts_amiss, foreign_money
from campaigns.mail.page import Link, Page, read_page
from campaigns.reasons import Reason

__all__ = ["FREE", "Finding", "Sample", "Setting", "blocking", "lint"]

CLIPPED: Final = 102_000
"""Bytes of HTML beyond which Gmail cuts a mail off."""
NEARLY: Final = 90_000
HEAVY: Final = 1_000_000
"""Bytes of all pictures of a mail that readers on the road wait for too long."""
SHORTENERS: Final = frozenset(
    {"bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "s.id", "rebrand.ly", "cutt.ly"}
)
_LEFT_OVER: Final = re.compile(r"\{\{|\{%|\}\}|%\}")
_STAGING: Final = re.compile(
    r"(^|\.)(staging|stage|dev|test|local)(\.|$)|\.(local|test|localhost)$|^localhost$|^127\.|^10\."
)
_DOMAIN: Final = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)


def lint(samples: Sequence[Sample], of: Setting) -> list[Finding]:
    """Everything found, blocking things first, each once for a language."""
    found = [*about_run(samples, of)]
    for sample in samples:
        page = read_page(sample.mail.html)
        must = (*_words(sample), *_owed(sample, of), *_taken(page))
        for blocking, reason in (*must, *_links(page, of), *_should(sample, page, of)):
            found.append(Finding(blocking, reason, sample.language))
    once: dict[tuple[str, str], Finding] = {}
    for one in found:
        once.setdefault((one.language, one.reason.key), one)
    return sorted(once.values(), key=lambda one: (not one.blocking, one.language))


Told = tuple[bool, Reason]


def _words(sample: Sample) -> Iterator[Told]:
    """What is missing from the words themselves."""
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


def _owed(sample: Sample, of: Setting) -> Iterator[Told]:
    """What a reader is owed by every mail: a way to say no, the code that was promised, and who writes."""
    mail = sample.mail
    if sample.unsubscribe not in mail.html:
        yield (
            True,
            Reason("There is no link to unsubscribe. Put one to links.unsubscribe at the end.", "lint_no_unsubscribe"),
        )
    if sample.code and sample.code not in mail.html:
        yield True, Reason("The code of the offer is nowhere in the mail. Print offer.code.", "lint_no_code")
    address = " ".join(of.postal_address.split())
    if address and address not in " ".join(mail.text.split()):
        yield (
            of.strict,
            Reason("Your postal address does not stand in the mail. Print shop.address at its end.", "lint_no_address"),
        )


def _taken(page: Page) -> Iterator[Told]:
    """What programs for mail take out or cut off."""
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


def _should(sample: Sample, page: Page, of: Setting) -> Iterator[Told]:
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
    yield from _pictures(page, of)
    yield from _promises(sample, of)
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


def _promises(sample: Sample, of: Setting) -> Iterator[Told]:
    words = f"{sample.mail.subject}\n{sample.preheader}\n{sample.mail.text}"
    sign = foreign_money(words, of.currency) if of.currency else ""
    if sign:
        yield (
            False,
            Reason(
                f"A price is written in {sign}, and your shop sells in {of.currency}. Print it with the filter money.",
                "lint_currency",
                sign=sign,
                currency=of.currency,
            ),
        )
    for amiss in feasts_amiss(words, of.when) if of.when else ():
        yield False, amiss


def _pictures(page: Page, of: Setting) -> Iterator[Told]:
    weight = sum(of.weights.get(address, 0) for address in {image.get("src", "") for image in page.images})
    if weight > HEAVY:
        yield (
            False,
            Reason(
                f"The pictures weigh {weight / 1e6:.1f} MB together; above 1 MB phones wait. Make them smaller.",
                "lint_heavy",
                megabytes=f"{weight / 1e6:.1f}",
            ),
        )
    addresses = (image.get("src", "") for image in page.images)
    wrong = next((one for one in addresses if not one.startswith(("https:", f"{of.public_url}/"))), None)
    if wrong is not None:
        yield (
            of.strict,
            Reason(
                f"A picture has the address “{wrong[:80]}”, which mail programs do not show. Use https.",
                "lint_picture_address",
                url=wrong[:80],
            ),
        )
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
