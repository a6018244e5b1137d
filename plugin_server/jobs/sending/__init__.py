"""Mails: composed, looked through, handed over once, accounted for; and the answers that come back."""
