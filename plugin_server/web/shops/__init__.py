"""Connecting shops, and how they are."""
