"""Several regions: where a chat and a shop are at home, how an update gets there, what regions tell each other.

Nothing here is imported while there is one region.
"""
