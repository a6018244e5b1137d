"""What shops are told of us: rungs, consent, and our runs on their marketing pages."""
