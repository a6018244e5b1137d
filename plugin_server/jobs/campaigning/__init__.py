"""Campaigns from the calendar to the finished run: looked at ahead, tried on the past, fired, given codes."""
