"""What may be wrong with a live installation, and how to see it."""
