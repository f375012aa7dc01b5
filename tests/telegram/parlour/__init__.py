"""A bot's flows that only note who came: `visits` holds the flow and the text of each call."""

visits: list[tuple[str, str]] = []
