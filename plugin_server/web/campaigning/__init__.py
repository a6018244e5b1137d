"""Campaigns: the calendar, recipes, the builder, the composer, launches, runs, series and their proof."""
