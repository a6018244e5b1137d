"""The ladder and what it tells: home, rungs and rules, movement, audit and forecast."""
