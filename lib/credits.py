"""Credits: whole numbers that pay for jobs. The ledger is the truth and the balance is written by it (sql/).

Charging belongs to the job (`jobs.create_job_and_consume_credit`); a job that fails or is cancelled gives its credits
back by itself.
"""

from lib import db

SQL = db.load("credits")


async def refund_credit(conn: db.Connection, job_id: int) -> int:
    """Give back what a finished job was charged and return how much.

    A job is refunded at most once: 0 means there was nothing (more) to give back, or that it may still run.
    """
    return await SQL.refund_credit.one(conn, int, job_id=job_id) or 0


async def safe_get_balance(conn: db.Connection, user_id: int) -> int:
    """Return the balance; 0 for somebody who has no account."""
    return await SQL.safe_get_balance.one(conn, int, user_id=user_id) or 0
