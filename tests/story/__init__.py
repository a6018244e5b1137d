"""Stories told from end to end."""
