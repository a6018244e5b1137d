"""What the program remembers: models, one file per aggregate, and queries, in rooms, one file per intent."""
