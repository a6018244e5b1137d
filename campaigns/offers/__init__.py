"""What customers are given: personal codes, what they may cost, and what they must not."""
