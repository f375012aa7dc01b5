"""What a developer runs: the whole of Lotok on one machine, without an account or a key."""
