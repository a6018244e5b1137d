"""Series: who stands at which step, what the steps do, and what came of them."""
