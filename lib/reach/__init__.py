"""Broadcasts: one message to many people, from a shop to its clients or from the platform.

broadcasts   drafts, moderation, the schedule, pause and cancel
letter       what a message says and what hangs below it, as its reader gets it
hours        when somebody may be written to
parts        the engine: pages cut from the audience, turns of a part
sending      one part's block of messages, and what became of each
choices      what people have agreed to and what they no longer want
reminders    what a shop sends by itself
results      who got it, who pressed, who came back
"""
