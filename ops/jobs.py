"""Look into the queue and put single jobs right.

  python -m ops jobs list                      the newest jobs of everybody
  python -m ops jobs list --state failed       the dead letters, each with its reason
  python -m ops jobs list --user 42 --task card --limit 5
  python -m ops jobs show 17                   one job with its arguments, its checkpoint, and its calls of providers
  python -m ops jobs retry 17                  do a failed or cancelled job over, as a new job; a paid one is charged
                                               again only if it was refunded, and this says so
  python -m ops jobs cancel 17                 cancel and refund a queued job; ask the worker of a running one to stop
  python -m ops jobs stats                     how many are in each state; of the finished ones those of the last day

--json behind any of them prints JSON. It uses DATABASE_URL, or --url.
"""

import argparse
import dataclasses
import json
from typing import Any

from lib import config, db, errors
from lib.jobs import table
from lib.jobs.table import Job
from lib.people import users
from lib.studio import spending
from ops import identity, whole

STATES = ("queued", "running", "waiting", "done", "failed", "cancelled")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument("--json", action="store_true", help="print JSON")
    given.add_argument("--url", help="the database, instead of DATABASE_URL")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|retry|cancel|stats")
    listing = verbs.add_parser("list", parents=[given], help="the newest jobs")
    listing.add_argument("--state", choices=STATES)
    listing.add_argument("--task", help="one kind only")
    listing.add_argument("--user", type=identity, metavar="TG_ID", help="one person's only, by Telegram id")
    listing.add_argument("--limit", type=whole, default=20)
    for verb, what in (("show", "one job, whole"), ("retry", "do it over"), ("cancel", "cancel it")):
        verbs.add_parser(verb, parents=[given], help=what).add_argument("id", type=identity)
    verbs.add_parser("stats", parents=[given], help="how many are in each state")


async def run(args: argparse.Namespace) -> int:
    async with db.connect(args.url or config.get().database_url) as conn:
        await VERBS[args.verb](conn, args)
    return 0


async def _list(conn: db.Connection, args: argparse.Namespace) -> None:
    if args.user is None:
        found = await table.list_last_jobs(conn, state=args.state, task=args.task, limit=args.limit)
    else:
        user = await users.get_user_by_tg_id(conn, args.user)
        if user is None:
            raise errors.Missing("no_user", str(args.user))
        found = await table.get_user_jobs(conn, user.id, tasks=args.task and [args.task], limit=args.limit)
        found = [job for job in found if args.state in (None, job.state)]
    if args.json:
        _print([dataclasses.asdict(job) for job in found])
        return
    for job in found:
        print(f"{job.id:>8}  {job.state:<9}  {job.task:<8}  {job.created_at:%Y-%m-%d %H:%M}  {_reason(job)}".rstrip())


async def _show(conn: db.Connection, args: argparse.Namespace) -> None:
    job = await _job(conn, args.id)
    facts = dataclasses.asdict(job)
    if job.state == "queued":
        place = await table.get_place(conn, job.id)
        facts |= {"position": place.position, "wait": place.wait}
    asked = await spending.costs_of_job(conn, job.id)
    if args.json:
        _print(facts | {"asked": [dataclasses.asdict(call) for call in asked]})
        return
    for name, value in facts.items():
        if value not in (None, {}, ""):
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            print(f"{name:<16}  {shown}")
    for call in asked:
        took = "" if call.seconds is None else f" in {call.seconds:.1f} s"
        told = f"{call.state}{took}, ${call.cost / 1000:.3f}"
        print(f"{'asked':<16}  {call.provider} {call.model} ({call.step} {call.item}): {told}")


async def _retry(conn: db.Connection, args: argparse.Namespace) -> None:
    before = await _job(conn, args.id)
    retried = await table.retry_job(conn, args.id)
    if not retried.created:
        money = "nothing new was charged"
    elif retried.charged:
        money = f"charged {retried.charged} again, as job {before.id} was refunded"
    else:
        money = "not charged, as " + ("its price was kept" if before.price else "it costs nothing")
    if args.json:
        _print(dataclasses.asdict(retried))
    else:
        print(f"job {retried.job.id} {'queued' if retried.created else 'has done it over already'}: {money}")


async def _cancel(conn: db.Connection, args: argparse.Namespace) -> None:
    job = await _job(conn, args.id)
    try:
        found: Job | None = await table.cancel_job(conn, job.id, job.user_id, code="cancelled")
    except errors.Conflict:
        found = await table.ask_to_cancel(conn, job.id)
        if found is None:
            raise
    if args.json:
        _print(dataclasses.asdict(found))
    elif found and found.state == "cancelled":
        print(f"job {job.id} cancelled" + (f", {job.price} given back" if job.price else ""))
    else:
        print(f"job {job.id} is {job.state}; its worker was asked to stop it and refunds it then")


async def _stats(conn: db.Connection, args: argparse.Namespace) -> None:
    rows = await table.queue_stats(conn)
    if args.json:
        _print(rows)
        return
    for row in rows:
        print(f"{row['task']:<8}  {row['state']:<9}  {row['number']:>8}  oldest {row['oldest_at']:%Y-%m-%d %H:%M}")
    print("nothing is queued and nothing was finished lately" if not rows else "finished ones: the last day's")


VERBS = {"list": _list, "show": _show, "retry": _retry, "cancel": _cancel, "stats": _stats}


async def _job(conn: db.Connection, job_id: int) -> Job:
    job = await table.get_job_by_id(conn, job_id)
    if job is None:
        raise errors.Missing("no_job", str(job_id))
    return job


def _reason(job: Job) -> str:
    return f"{job.error_code}: {job.error or ''}"[:100] if job.error_code else job.key[:60]


def _print(facts: Any) -> None:
    print(json.dumps(facts, ensure_ascii=False, default=str))
