"""Work that runs outside a request. A row is the truth; a job is a wake-up call that carries ids only."""
