"""The app's own settings name routes that exist, scopes that are used, and topics that are understood."""

from __future__ import annotations

import tomllib
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from connectors.shopify import subscriptions, webhooks
from connectors.shopify.auth import OPTIONAL_SCOPES, SCOPES
from connectors.shopify.documents import VERSION
from tests.checks.measure import ROOT


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return tomllib.loads((ROOT / "shopify.app.toml").read_text())


def test_every_address_is_one_of_ours(told: dict[str, Any], flask_app: Flask) -> None:
    routes = flask_app.url_map.bind("localhost")
    asked = [(urlsplit(told["application_url"]).path, "GET")]
    asked += [(urlsplit(url).path, "GET") for url in told["auth"]["redirect_urls"]]
    asked += [(f"{urlsplit(told['app_proxy']['url']).path}/storefront", "GET")]
    asked += [(hook["uri"], "POST") for hook in told["webhooks"]["subscriptions"]]
    for path, method in asked:
        try:
            routes.match(path, method=method)
        except HTTPException as error:
            pytest.fail(f"{method} {path}: {error}")


def test_scopes_are_those_the_code_needs(told: dict[str, Any]) -> None:
    scopes = told["access_scopes"]
    assert tuple(scopes["scopes"].split(",")) == SCOPES
    assert tuple(scopes["optional_scopes"]) == OPTIONAL_SCOPES
    assert scopes["use_legacy_install_flow"] is False
    assert told["embedded"] is True


def test_topics_are_understood_and_none_is_missing(told: dict[str, Any]) -> None:
    hooks = told["webhooks"]["subscriptions"]
    topics = {topic for hook in hooks for topic in hook.get("topics", ())}
    assert topics <= set(webhooks.TOPICS)
    assert {topic for hook in hooks for topic in hook.get("compliance_topics", ())} == set(webhooks.COMPLIANCE)
    wanted = {known.replace("/", "_").replace(".", "_").upper() for known in topics}
    assert set(subscriptions.TOPICS) <= wanted
    assert told["webhooks"]["api_version"] == VERSION
