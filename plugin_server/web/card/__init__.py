"""The customer's own pages: the card, points, preferences, friends, teams, questions, and the block in the shop."""
