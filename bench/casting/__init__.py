"""A broadcast at full pace beside a bot that answers: the bot's limits, the workers that die, the people."""

SCALE = 2  # how much faster than life
