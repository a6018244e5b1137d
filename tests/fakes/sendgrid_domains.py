"""The served SendGrid's Domain Authentication: three CNAMEs, and whether ``entered`` holds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from tests.fakes.sendgrid import FakeSendGrid


class Domains:
    """Authenticated domains by id. ``entered`` are the hosts that stand at the name servers, as a test wants them."""

    def __init__(self) -> None:
        self.known: dict[int, dict[str, Any]] = {}
        self.entered: set[str] = set()

    def begin(self, asked: dict[str, Any]) -> tuple[int, bytes]:
        """``POST /v3/whitelabel/domains``."""
        name = asked.get("domain")
        if not isinstance(name, str) or "." not in name:
            return 400, json.dumps({"errors": [{"message": "domain is invalid"}]}).encode()
        mark = asked.get("subdomain") or "em1"
        if any((one["domain"], one["subdomain"]) == (name, mark) for one in self.known.values()):
            return 400, json.dumps({"errors": [{"message": "An authenticated domain already exists"}]}).encode()
        number = 302_183 + len(self.known)
        rows = {
            "mail_cname": (f"{mark}.{name}", "u1446226.wl.sendgrid.net"),
            "dkim1": (f"s1._domainkey.{name}", "s1.domainkey.u1446226.wl.sendgrid.net"),
            "dkim2": (f"s2._domainkey.{name}", "s2.domainkey.u1446226.wl.sendgrid.net"),
        }
        dns = {key: {"valid": False, "type": "cname", "host": host, "data": data} for key, (host, data) in rows.items()}
        made = {"id": number, "domain": name, "subdomain": mark, "valid": False, "dns": dns, "region": asked["region"]}
        self.known[number] = made
        return 201, json.dumps(made).encode()

    def check(self, number: int) -> tuple[int, bytes]:
        """``POST …/validate``: writes down what it found, as the real one does."""
        one, results = self.known[number], {}
        for key, row in one["dns"].items():
            row["valid"] = row["host"] in self.entered
            reason = None if row["valid"] else f'Expected CNAME for "{row["host"]}" to match "{row["data"]}".'
            results[key] = {"valid": row["valid"], "reason": reason}
        one["valid"] = all(row["valid"] for row in one["dns"].values())
        told = {"id": number, "valid": one["valid"], "validation_results": results}
        return 200, json.dumps(told).encode()


def answer(fake: FakeSendGrid, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
    """Status and body; None where the path is none of these."""
    parts, domains = urlsplit(path), fake.domains
    if parts.path == "/v3/whitelabel/domains":
        if method == "POST":
            return domains.begin(json.loads(body))
        wanted = parse_qs(parts.query).get("domain", [""])[0]
        return 200, json.dumps([one for one in domains.known.values() if wanted in one["domain"]]).encode()
    if parts.path.startswith("/v3/whitelabel/domains/"):
        number = parts.path.split("/")[4]
        if not number.isdigit() or int(number) not in domains.known:
            return 404, b'{"errors":[{"message":"not found"}]}'
        if method == "POST" and parts.path.endswith("/validate"):
            return domains.check(int(number))
        return 200, json.dumps(domains.known[int(number)]).encode()
    return None
