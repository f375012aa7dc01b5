"""The whole of Lotok on one machine, for a developer, without an account or a key."""
