"""SendGrid, by its Mail Send API and event webhook."""
