"""Which wallets are set up at all: cheap to ask, for every card does. Whether the files are good, their readers say."""

from __future__ import annotations

from plugin_server.settings import Settings

NEEDED = {
    "apple": ("apple_pass_certificate", "apple_pass_key", "apple_intermediate_certificate"),
    "google": ("google_wallet_issuer", "google_wallet_account"),
}
"""The settings of each wallet."""


def missing(settings: Settings, wallet: str) -> tuple[str, ...]:
    """The settings that a wallet still lacks, as the environment names them."""
    return tuple(name.upper() for name in NEEDED[wallet] if not getattr(settings, name))


def configured(settings: Settings) -> dict[str, bool]:
    """Which buttons a member's card shows."""
    return {wallet: not missing(settings, wallet) for wallet in NEEDED}
