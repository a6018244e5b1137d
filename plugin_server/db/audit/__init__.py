"""The audit: who buys, who comes back, what that is worth and what it costs."""
