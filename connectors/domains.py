"""What the name servers say of a domain: SPF, DKIM and DMARC for mail in its name, and where mail to it goes (MX)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import dns.exception
import dns.resolver

from connectors.mail_types import Standing

SELECTORS: Final = ("s1", "s2")
"""The names under which SendGrid's automatic security publishes its keys (Domain Authentication, two CNAMEs)."""
_PUBLIC_SUFFIX_PARTS: Final = 2


def standing(
    domain: str,
    *,
    selectors: Sequence[str] = SELECTORS,
    resolver: dns.resolver.Resolver | None = None,
    patience: float = 3.0,
) -> Standing:
    """Look a sender's domain up; ``patience`` seconds for each question. Never raises.

    Without ``selectors`` nobody knows where its keys lie, and DKIM stays unknown.
    """
    asked = resolver or dns.resolver.Resolver()
    asked.lifetime = patience
    return Standing(
        spf=_says(asked, domain, "v=spf1"),
        dkim=_any(_says(asked, f"{one}._domainkey.{domain}", "p=") for one in selectors) if selectors else None,
        dmarc=_any(_says(asked, f"_dmarc.{name}", "v=DMARC1") for name in _and_above(domain)),
    )


def leads_to(
    domain: str, host: str, *, resolver: dns.resolver.Resolver | None = None, patience: float = 3.0
) -> bool | None:
    """Whether mail to ``domain`` goes to ``host`` and nowhere else, by its MX; None where no name server answers.

    An empty ``host`` is any. Never raises.
    """
    asked = resolver or dns.resolver.Resolver()
    asked.lifetime = patience
    try:
        answers = asked.resolve(domain, "MX")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return False
    except (dns.exception.DNSException, OSError, ValueError):
        return None
    found = {record.exchange.to_text(omit_final_dot=True).lower() for record in answers} - {"", "."}
    return bool(found) and (not host or found == {host})


def _and_above(domain: str) -> list[str]:
    """The domain, and the one above it where DMARC's policy may stand for all below (RFC 7489, 3.2)."""
    parts = domain.split(".")
    above = [".".join(parts[1:])] if len(parts) > _PUBLIC_SUFFIX_PARTS else []
    return [domain, *above]


def _says(asked: dns.resolver.Resolver, name: str, word: str) -> bool | None:
    try:
        answers = asked.resolve(name, "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return False
    except (dns.exception.DNSException, OSError, ValueError):
        return None
    return any(word.lower() in b"".join(record.strings).decode("utf-8", "replace").lower() for record in answers)


def _any(found: Iterable[bool | None]) -> bool | None:
    seen = list(found)
    return True if True in seen else None if None in seen else False
