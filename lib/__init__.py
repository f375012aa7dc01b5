"""Lotok: the product and the foundation it stands on."""
