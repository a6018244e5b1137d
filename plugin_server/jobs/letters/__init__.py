"""Short letters of our own, each sent once: to people of the shop, and to customers who asked for something."""
