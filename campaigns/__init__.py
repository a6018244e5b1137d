"""Campaigns decide: frozen values and pure functions; the clock and chance are arguments."""
