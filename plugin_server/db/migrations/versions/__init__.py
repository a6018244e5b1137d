"""Schema changes, numbered; each can be undone."""
