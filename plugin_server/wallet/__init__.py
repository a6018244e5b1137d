"""Member cards for the wallets of phones: a signed file for Apple's, a signed link for Google's."""
