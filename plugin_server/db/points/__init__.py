"""Points: the programme, the ledger of lots, what earns and takes them, and the rewards they buy."""
