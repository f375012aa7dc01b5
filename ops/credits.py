"""Give credits, look at a person's credits and payments, give a payment's Stars back.

  python -m ops credits show 4242                          balance, last operations, payments, what was done by hand
  python -m ops credits grant 4242 5 --reason "lost order 17"
  python -m ops credits grant 4242 5 --reason "contest" --key contest-7   once under this key
  python -m ops credits refund 31 --reason "asked by mail" the whole payment 31, if its credits are not spent
  python -m ops credits audit                              what was done by hand, to anybody, newest first

People are named by Telegram id, payments by the number that `show` prints. Every grant and refund is kept in the audit
log with who did it: --by, or the name of the user who runs this. --json prints JSON. It uses DATABASE_URL.
"""

import argparse
import dataclasses
import getpass
import json
import uuid
from typing import Any

from lib import db, errors
from lib.credits import ledger, payments
from lib.people import users
from ops import identity, whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument("--json", action="store_true", help="print JSON")
    why = argparse.ArgumentParser(add_help=False)
    why.add_argument("--reason", required=True, help="why; it is kept")
    why.add_argument("--by", default=getpass.getuser(), help="who does it")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="show|grant|refund|audit")
    verbs.add_parser("show", parents=[given], help="one person").add_argument("tg_id", type=identity)
    granting = verbs.add_parser("grant", parents=[given, why], help="give credits")
    granting.add_argument("tg_id", type=identity)
    granting.add_argument("amount", type=whole)
    granting.add_argument("--key", default="", help="gives once under this key")
    verbs.add_parser("refund", parents=[given, why], help="give Stars back").add_argument("payment", type=identity)
    verbs.add_parser("audit", parents=[given], help="what was done by hand").add_argument(
        "--limit", type=whole, default=20
    )


async def run(args: argparse.Namespace) -> int:
    try:
        facts, lines = await VERBS[args.verb](args)
    finally:
        await db.close()
    print(json.dumps(facts, ensure_ascii=False, default=str) if args.json else "\n".join(lines))
    return 0


type Answer = tuple[Any, list[str]]  # for a program, for a person


async def _show(args: argparse.Namespace) -> Answer:
    user = await _user(args.tg_id)
    entries = await db.run(lambda conn: ledger.list_entries(conn, user.id))
    paid = await db.run(lambda conn: ledger.list_payments(conn, user.id, limit=20))
    done = await db.run(lambda conn: ledger.list_audit(conn, subject=f"user {user.id}"))
    facts = {
        "user": user.id,
        "balance": user.balance,
        "entries": [dataclasses.asdict(one) for one in entries],
        "payments": [dataclasses.asdict(one) for one in paid],
        "audit": done,
    }
    lines = [f"user {user.id}, balance {user.balance}"]
    lines += [_entry(one) for one in entries]
    lines += [
        f"payment {one.id}  {one.paid_at:%Y-%m-%d %H:%M}  {one.stars} XTR  {one.credits} credits  {one.state}"
        + (f", owes {one.owed}" if one.owed else "")
        for one in paid
    ]
    return facts, lines + [_done(row) for row in done]


async def _grant(args: argparse.Namespace) -> Answer:
    user = await _user(args.tg_id)
    given: dict[str, Any] = {"key": args.key or uuid.uuid4().hex, "actor": f"ops:{args.by}", "reason": args.reason}
    balance, created = await db.run(lambda conn: ledger.grant(conn, user.id, args.amount, **given))
    words = f"{args.amount} given" if created else "given before under this key, nothing changed"
    return {"created": created, "balance": balance}, [f"user {user.id}: {words}, balance {balance}"]


async def _refund(args: argparse.Namespace) -> Answer:
    try:
        payment = await payments.refund(args.payment, actor=f"ops:{args.by}", reason=args.reason)
    except errors.ShortOfCredits as short:
        raise errors.Conflict(
            "credits_spent", f"the payment gave {short.price} credits, {short.balance} are left: nothing was changed"
        ) from None
    except errors.Unavailable as fault:
        raise errors.Unavailable(
            fault.code, f"{fault.detail}; the credits are taken, the hourly job asks again"
        ) from None
    words = f"payment {payment.id} {payment.state}: {payment.stars} XTR back, {payment.credits} credits taken"
    return dataclasses.asdict(payment), [words]


async def _audit(args: argparse.Namespace) -> Answer:
    done = await db.run(lambda conn: ledger.list_audit(conn, limit=args.limit))
    return done, [_done(row) for row in done] or ["nothing was done by hand"]


VERBS = {"show": _show, "grant": _grant, "refund": _refund, "audit": _audit}


async def _user(tg_id: int) -> users.User:
    user = await db.run(lambda conn: users.get_user_by_tg_id(conn, tg_id))
    if user is None:
        raise errors.Missing("no_user", str(tg_id))
    return user


def _entry(one: ledger.Entry) -> str:
    moved = f"{one.amount:>+6}  {one.balance_after:>6}"
    return f"{one.created_at:%Y-%m-%d %H:%M}  {one.kind:<10}  {moved}  {one.product}".rstrip()


def _done(row: dict[str, Any]) -> str:
    change = f"{json.dumps(row['before'], default=str)} -> {json.dumps(row['after'], default=str)}"
    return f"{row['at']:%Y-%m-%d %H:%M}  {row['actor']}  {row['action']}  {row['subject']}  {row['reason']}  {change}"
