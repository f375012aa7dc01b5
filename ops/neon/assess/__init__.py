"""`python -m ops assess`: what a database is, what it would cost elsewhere, and whether to move it.

address   what a URL says; its masked name; scrubbing of messages
wire      TCP and TLS apart from Postgres
pace      connecting, `select 1`, and transactions under a bounded load
pooler    what a connection keeps between two statements
catalog   what the server says of itself, and of what may not move
found     all of that of one database
tables    the data files: prices, extensions, limits, features, words
costs     the cost model
rules     the rules of the recommendation, and the verdict
study     the databases, the target and the verdict as one report
shown     the report on a terminal; page and charts: as one HTML file
"""
