"""Connected shops: how far they are read, what they sent us, what they have yet to be told."""
