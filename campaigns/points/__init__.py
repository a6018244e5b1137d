"""Points: what earns them, how long they live, what they buy, and what they owe the customer. Pure."""
