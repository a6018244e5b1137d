"""Mails on their way: the send ledger, what providers report, and how receivers think of the sender."""
