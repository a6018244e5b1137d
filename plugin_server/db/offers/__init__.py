"""Personal codes and store credit: planned within budgets, made in the shop, recognised in orders, watched."""
