"""Files of orders and contacts, as shops and tills export them."""
