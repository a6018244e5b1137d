"""The business itself: its people and their keys, its settings and look, what it still needs and what waits for it."""
