"""The queues that ours is measured against: each a program that `driver` describes, in an environment of its own."""
