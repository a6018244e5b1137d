"""The business: its people, look, mails and what is still missing."""
