"""SendGrid's Domain Authentication: the entries it wants at the name servers, and whether it found them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlsplit

from connectors.errors import BadPayload
from connectors.mail_types import DnsRecord, DomainVouch
from connectors.sendgrid.api import HOST, Api

_ORDER: Final = ("mail_cname", "mail_server", "subdomain_spf", "dkim1", "dkim2", "dkim", "domain_spf")
"""With automatic security three CNAMEs; without it (domains made elsewhere) one MX and two TXT."""


class SendGridDomains:
    """Keeps ``connectors.base.MailDomains``. The domain is made with automatic security: SendGrid rotates its keys."""

    def __init__(self, api_key: str, host: str = HOST, *, timeout: tuple[float, float] = (5, 15)) -> None:
        self._api = Api(api_key, host, rights="authenticate domains", timeout=timeout)
        self._region = "eu" if (urlsplit(host).hostname or "").startswith("api.eu.") else "global"

    def begin(self, domain: str, mark: str = "") -> DomainVouch:
        """``POST /v3/whitelabel/domains``, unless the account has the domain (under this ``mark``) already."""
        known = self._api.call("GET", f"/v3/whitelabel/domains?limit=50&domain={quote(domain, safe='')}")
        for one in known if isinstance(known, list) else []:
            if isinstance(one, dict) and one.get("domain") == domain and mark in ("", one.get("subdomain")):
                return _vouch(one)
        asked: dict[str, Any] = {"domain": domain, "automatic_security": True, "default": False, "region": self._region}
        asked |= {"subdomain": mark} if mark else {}
        return _vouch(self._api.call("POST", "/v3/whitelabel/domains", asked))

    def check(self, external_id: str) -> DomainVouch:
        """``POST …/validate``, and the entries read anew, for validating does not name them."""
        path = f"/v3/whitelabel/domains/{quote(external_id, safe='')}"
        found = self._api.call("POST", f"{path}/validate")
        results = found.get("validation_results") if isinstance(found, dict) else None
        return _vouch(self._api.call("GET", path), results if isinstance(results, dict) else {})


def _vouch(raw: Any, results: dict[str, Any] | None = None) -> DomainVouch:
    if not isinstance(raw, dict) or not isinstance(raw.get("dns"), dict) or "id" not in raw:
        raise BadPayload("SendGrid's answer does not describe a domain.", path="dns")
    names = sorted(raw["dns"], key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    records = [_record(raw["dns"][name], (results or {}).get(name), looked=results is not None) for name in names]
    return DomainVouch(
        external_id=str(raw["id"]),
        domain=str(raw.get("domain") or ""),
        valid=raw.get("valid") is True,
        records=tuple(record for record in records if record),
    )


def _record(raw: Any, result: Any, *, looked: bool) -> DnsRecord | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("host"), str) or not isinstance(raw.get("data"), str):
        return None
    told = result if isinstance(result, dict) else {}
    found = told.get("valid", raw.get("valid"))
    reason = told.get("reason")
    return DnsRecord(
        kind=str(raw.get("type") or "cname").upper()[:10],
        host=raw["host"][:300],
        value=raw["data"][:2000],
        # What was never looked at is told as "not valid" too.
        valid=True if found is True else False if looked else None,
        reason=reason[:300] if isinstance(reason, str) else "",
    )
