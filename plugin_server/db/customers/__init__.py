"""Customers as people: found, merged, heard, asked, and forgotten when they wish."""
