"""Measurements against a bare baseline in the same run, on the same machine."""
