"""Shops with many members and operations, and clients that press on them."""
