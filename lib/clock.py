"""This machine's clock. It may be wrong: what Postgres compares is written by Postgres' clock, as spans from now."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time as this machine has it."""
    return datetime.now(UTC)
