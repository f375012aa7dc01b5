"""How the platform reaches many, and sees itself. Broadcasts: one message to many people, from a shop or from us.

broadcasts   drafts, moderation, the schedule, pause and cancel
reading       what a message says and what hangs below it, as its reader gets it
hours        when somebody may be written to
parts        the engine: pages cut from the audience, turns of a part
sending      one part's block of messages, and what became of each
choices      what people have agreed to and what they no longer want
reminders    what a shop sends by itself
results      who got it, who pressed, who came back
sheets       the broadcasts of a shop as a file
promises     whether a message still waits for the screen that it promised

And what the platform shows of itself, and tells its administrators:

snapshot     the figures of Postgres, left in Redis by each worker
metrics      the page for Prometheus
push         the same page, sent by remote write
health       whether each service answers
history      shares of the last hours, of what was counted
plan         how much of a month of each service is used up
alerts       the rules, and when one fires and is over
telling      who hears of it, and how
watch        the worker's look at all this
cron         the webhook's look at the worker
"""
