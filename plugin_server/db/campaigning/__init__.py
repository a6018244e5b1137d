"""Campaigns and their runs: who is in one and why, and what one would have done."""
