"""Show and change what is for sale: prices of products, packs of credits, promo codes.

  python -m ops catalog list                                       everything, with what is off
  python -m ops catalog price video5 5 --reason "dearer provider"  from the next order on
  python -m ops catalog price video5 4 --three 11 --five 18 --reason "a discount for several"
  python -m ops catalog product video10 off --reason "provider is down"
  python -m ops catalog pack s 120 10 --reason "new price"         sell 10 credits for 120 Stars; the former s is off
  python -m ops catalog pack s off --reason "no longer sold"
  python -m ops catalog promo SPRING 5 --total 100 --until 2027-03-31 --reason "spring"
  python -m ops catalog promo SPRING off --reason "leaked"

A link with a promo code is https://t.me/<studio bot>?start=promo_SPRING. Every change is kept in the audit log with who
made it: --by, or the name of the user who runs this. --json prints JSON. It uses DATABASE_URL.
"""

import argparse
import dataclasses
import getpass
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from lib import config, db, errors
from lib.credits import catalog
from ops import whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument("--json", action="store_true", help="print JSON")
    why = argparse.ArgumentParser(add_help=False, parents=[given])
    why.add_argument("--reason", required=True, help="why; it is kept")
    why.add_argument("--by", default=getpass.getuser(), help="who does it")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|price|product|pack|promo")
    verbs.add_parser("list", parents=[given], help="everything")
    price = verbs.add_parser("price", parents=[why], help="another price")
    price.add_argument("code")
    price.add_argument("price", type=whole)
    price.add_argument("--three", type=whole, help="three as one order; without it, three times the price")
    price.add_argument("--five", type=whole, help="five as one order; without it, five times the price")
    product = verbs.add_parser("product", parents=[why], help="on or off")
    product.add_argument("code")
    product.add_argument("switch", choices=("on", "off"))
    pack = verbs.add_parser("pack", parents=[why], help="sell a pack, or no longer")
    pack.add_argument("code")
    pack.add_argument("stars", help="the price in Stars, or off")
    pack.add_argument("credits", type=whole, nargs="?")
    promo = verbs.add_parser("promo", parents=[why], help="make a code, or switch it")
    promo.add_argument("code")
    promo.add_argument("credits", help="what it gives, or on, off")
    promo.add_argument("--total", type=whole, help="how often by all")
    promo.add_argument("--per-person", type=whole, default=1)
    promo.add_argument("--until", type=_day, metavar="DAY", help="the last day, 2027-03-31 (UTC)")


async def run(args: argparse.Namespace) -> int:
    by = {"actor": f"ops:{args.by}", "reason": args.reason} if args.verb != "list" else {}
    async with db.connect(config.get().database_url) as conn:
        found = await VERBS[args.verb](conn, args, by)
    rows = [dataclasses.asdict(one) for one in found]
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
    else:
        print("\n".join(_line(one) for one in found))
    return 0


type Verb = Callable[[db.Connection, argparse.Namespace, dict[str, str]], Awaitable[list[Any]]]


async def _list(conn: db.Connection, _args: argparse.Namespace, _by: dict[str, str]) -> list[Any]:
    products = await catalog.list_products(conn, hidden=True)
    return [*products, *await catalog.list_packs(conn, hidden=True), *await catalog.list_promos(conn)]


async def _price(conn: db.Connection, args: argparse.Namespace, by: dict[str, str]) -> list[Any]:
    several = {count: price for count, price in (("3", args.three), ("5", args.five)) if price is not None}
    return [await catalog.change_product(conn, args.code, price=args.price, several=several, **by)]


async def _product(conn: db.Connection, args: argparse.Namespace, by: dict[str, str]) -> list[Any]:
    return [await catalog.change_product(conn, args.code, is_on=args.switch == "on", **by)]


async def _pack(conn: db.Connection, args: argparse.Namespace, by: dict[str, str]) -> list[Any]:
    if args.stars == "off":
        return [await catalog.drop_pack(conn, args.code, **by)]
    if not args.stars.isdecimal() or not args.credits:
        raise errors.Invalid("odd_pack", "give Stars and credits, or off")
    return [await catalog.put_pack(conn, args.code, int(args.stars), args.credits, **by)]


async def _promo(conn: db.Connection, args: argparse.Namespace, by: dict[str, str]) -> list[Any]:
    if args.credits in ("on", "off"):
        return [await catalog.switch_promo(conn, args.code, args.credits == "on", **by)]
    if not args.credits.isdecimal() or int(args.credits) < 1:
        raise errors.Invalid("odd_promo", "give credits, a whole number from 1 on, or on, off")
    limits = {"total": args.total, "per_person": args.per_person, "until": args.until}
    return [await catalog.add_promo(conn, args.code, int(args.credits), **limits, **by)]


VERBS: dict[str, Verb] = {"list": _list, "price": _price, "product": _product, "pack": _pack, "promo": _promo}


def _day(text: str) -> datetime:
    """Return the last second of a day."""
    try:
        return datetime.fromisoformat(text).replace(hour=23, minute=59, second=59, tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2027-03-31") from None


def _credits(number: int) -> str:
    return f"{number} credit{'s' * (number != 1)}"


def _line(one: Any) -> str:
    state = "on " if one.is_on else "off"
    if isinstance(one, catalog.Product):
        several = "".join(f", {count} for {price}" for count, price in one.params.get("prices", {}).items())
        return f"product  {state}  {one.code:<10}  {_credits(one.price)}{several}, about {one.expected_seconds} s"
    if isinstance(one, catalog.Pack):
        return f"pack     {state}  {one.code:<10}  {_credits(one.credits)} for {one.stars} XTR (invoice {one.payload})"
    limits = f"used {one.used} of {one.total or 'any number'}, {one.per_person} per person"
    until = f", until {one.until:%Y-%m-%d}" if one.until else ""
    return f"promo    {state}  {one.code:<10}  {_credits(one.credits)}, {limits}{until}"
