"""What the program remembers: models, one file per aggregate, and queries, one file per intent."""
