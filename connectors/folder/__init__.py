"""A folder of .eml files: the embedded default."""
