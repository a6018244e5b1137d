"""Offers: what shops make of them, example baskets, and tills that charge what was promised."""
