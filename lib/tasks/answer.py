"""Answers a client's question to a shop while they wait: a model streams into the chat, or the menu answers."""

from datetime import timedelta

from lib import retry
from lib.assistant import answer
from lib.jobs.run import Run

BACKOFF = retry.Backoff(base=timedelta(seconds=1), cap=timedelta(seconds=5), max_attempts=3)
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Answer it; a question that another has overtaken is answered with that one."""
    await answer.answer(run)
