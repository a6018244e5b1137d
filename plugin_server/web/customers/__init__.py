"""Customers as the shop sees them: the list, one person's life, what they say, and what is held for or against them."""
