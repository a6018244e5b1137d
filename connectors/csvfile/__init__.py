"""Orders and contacts from CSV files."""
