"""Rows on their way in, always as sets: from temporary tables to customers, orders, goods and consent."""
