"""What customers will do next, from when and how often they bought: orders and spend, each with its uncertainty."""

HORIZON_WEEKS = 13
"""How far a forecast looks ahead unless it is asked otherwise."""
