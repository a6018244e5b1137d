"""Facts of customers, and the rungs that follow from them: now, at any past date, and if things were otherwise."""
