"""The versions of a shop's menu: publishing one, going back to the one before, reading the newest.

A version never changes. Publishing and going back both make the next one, if the newest is still the one that the
person saw; the last ten are kept. Clients read through the shelf MENU. The index of a version stays in the
process, so a question asks Postgres alone which version counts.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from lib import db, errors, shelves
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index

SQL = db.load("menus")

JUMP = 0.3  # a price that changes by more is shown by itself
AMENDS = 3  # tries to make a change on a menu that others change meanwhile
INDEXES = 50  # kept in the process


@dataclass(frozen=True)
class MenuVersion:
    """A published menu; version 0 is a shop's before it has published any."""

    version: int = 0
    items: tuple[MenuItem, ...] = ()


@dataclass(frozen=True)
class OpenShop:
    """A shop that answers clients now, and the version of its menu; 0 when it has none."""

    id: int
    title: str
    city: str
    address: str
    contact: str
    menu_version: int
    tz: str = "Europe/Moscow"
    hours: dict[str, Any] = field(default_factory=dict)  # as lib/loyalty/hours.py stores them


@dataclass(frozen=True)
class MenuChange:
    """How one menu differs from another: titles, and the prices that jump, as title, before and after."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    jumps: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _MenuRow:
    version: int
    items: list[dict[str, Any]]


async def newest(conn: db.Connection, partner_id: int) -> MenuVersion:
    """Return a shop's newest menu, version 0 without items when there is none."""
    found = await SQL.newest_menu.within(_of(partner_id)).one(conn, _MenuRow, partner_id=partner_id)
    return _read({"version": found.version, "items": found.items}) if found else MenuVersion()


async def place_now(conn: db.Connection, partner_id: int, version: int, place: int) -> int:
    """Return where an item of an older version stands in the newest menu, 0 where that has it no more."""
    ids = {"partner_id": partner_id, "version": version, "place": place}
    return await SQL.place_now.within(_of(partner_id)).one(conn, int, **ids) or 0


async def publish(conn: db.Connection, partner_id: int, actor_id: int, items: Sequence[MenuItem], *, seen: int) -> int:
    """Publish a menu after the version that the person saw; return the new version. Conflict("menu_changed").

    Call `forget` once it is committed. Denied("role_too_low").
    """
    ids = {"partner_id": partner_id, "actor_id": actor_id}
    menu = {"items": list(map(_dump, items))}
    made = await SQL.publish_menu.within(_of(partner_id)).one(conn, int, **ids, seen=seen, menu=menu)
    return made or await _refuse(conn, ids)


async def amend(
    conn: db.Connection, partner_id: int, actor_id: int, change: Callable[[tuple[MenuItem, ...]], Sequence[MenuItem]]
) -> MenuVersion:
    """Publish the newest menu with a change to it, and return what is the newest then.

    A change that comes in between is kept, as this one is made once more upon it. What changes nothing is no version.
    """
    for _ in range(AMENDS):
        menu = await newest(conn, partner_id)
        items = tuple(change(menu.items))
        if items == menu.items:
            return menu
        try:
            return MenuVersion(await publish(conn, partner_id, actor_id, items, seen=menu.version), items)
        except errors.Conflict:
            continue
    raise errors.Conflict("menu_changed")


async def go_back(conn: db.Connection, partner_id: int, actor_id: int, *, seen: int) -> int:
    """Publish once more what stood before the version that the person saw. Conflict("menu_changed").

    Pressed twice, it changes the menu once. Denied("role_too_low").
    """
    ids = {"partner_id": partner_id, "actor_id": actor_id}
    made = await SQL.go_back_to_menu.within(_of(partner_id)).one(conn, int, **ids, seen=seen)
    return made or await _refuse(conn, ids)


async def forget(partner_id: int) -> None:
    """Let no instance answer from the menu that was replaced."""
    await shelves.MENU.forget(partner_id)


async def published(partner_id: int) -> MenuVersion:
    """Return what clients read: the newest menu, kept for half an hour."""
    return _read(await shelves.MENU.read(partner_id, lambda: _load(partner_id)) or {})


async def warm(conn: db.Connection, limit: int) -> AsyncIterator[tuple[int, int]]:
    """Store the menus of the shops that published last; yield how many are stored, of how many."""
    shops = await SQL.shops_with_menu.within(db.Scope(platform=True)).all(conn, int, limit=limit)
    stored = 0
    yield 0, len(shops)
    for partner_id in shops:
        stored += await shelves.MENU.put_many({partner_id: _store(await newest(conn, partner_id))})
        yield stored, len(shops)


async def open_shop(conn: db.Connection, partner_id: int) -> OpenShop | None:
    """Return a shop that answers clients now, or None."""
    return await SQL.open_shop.within(_of(partner_id)).one(conn, OpenShop, partner_id=partner_id)


async def tried_shop(conn: db.Connection, partner_id: int) -> OpenShop | None:
    """Return a shop as its own staff try it out, open or not."""
    return await SQL.tried_shop.within(_of(partner_id)).one(conn, OpenShop, partner_id=partner_id)


async def index(shop: OpenShop) -> Index:
    """Return the index of a shop's menu, from Redis or Postgres only where this process has another version.

    A shelf that still holds a menu that was replaced is passed over.
    """
    key = (shop.id, shop.menu_version)
    if key not in _indexes:
        menu = await published(shop.id)
        if menu.version < shop.menu_version:
            menu = await db.run(lambda conn: newest(conn, shop.id))
        while len(_indexes) >= INDEXES:
            _indexes.pop(next(iter(_indexes)))
        _indexes[key] = Index(menu.items)
    return _indexes[key]


def at_hand(shop: OpenShop) -> Index | None:
    """Return the index of a shop's menu where this process has it."""
    return _indexes.get((shop.id, shop.menu_version))


_indexes: dict[tuple[int, int], Index] = {}


def difference(before: Sequence[MenuItem], after: Sequence[MenuItem]) -> MenuChange:
    """Compare two menus by the codes of their items."""
    old, new = {one.code: one for one in before}, {one.code: one for one in after}
    changed = [one for code, one in new.items() if code in old and old[code] != one]
    prices = {(code, each.name): each.kopecks for code, one in old.items() for each in one.variants}
    jumps = [
        (f"{one.title} {each.name}".strip(), was, each.kopecks)
        for one in changed
        for each in one.variants
        if (was := prices.get((one.code, each.name))) is not None and abs(each.kopecks - was) > JUMP * was
    ]
    return MenuChange(
        tuple(one.title for code, one in new.items() if code not in old),
        tuple(one.title for one in changed),
        tuple(one.title for code, one in old.items() if code not in new),
        tuple(jumps),
    )


async def _load(partner_id: int) -> dict[str, Any] | None:
    menu = await db.run(lambda conn: newest(conn, partner_id))
    return _store(menu) if menu.version else None


def _store(menu: MenuVersion) -> dict[str, Any]:
    return {"version": menu.version, "items": list(map(_dump, menu.items))}


async def _refuse(conn: db.Connection, ids: dict[str, int]) -> NoReturn:
    """Raise why a statement made no version: the person may not, or the menu is another one by now."""
    if not await SQL.may_change_menu.within(_of(ids["partner_id"])).one(conn, bool, **ids):
        raise errors.Denied("role_too_low")
    raise errors.Conflict("menu_changed")


def _of(partner_id: int) -> db.Scope:
    return db.Scope(tenant=partner_id)


def _dump(item: MenuItem) -> dict[str, Any]:
    return {**asdict(item), "variants": [asdict(one) for one in item.variants]}


def _read(stored: dict[str, Any]) -> MenuVersion:
    items = [
        MenuItem(**{**one, "names": tuple(one.get("names", ())), "variants": _variants(one)})
        for one in stored.get("items", ())
    ]
    return MenuVersion(stored.get("version", 0), tuple(items))


def _variants(item: dict[str, Any]) -> tuple[Variant, ...]:
    return tuple(Variant(**each) for each in item["variants"])
