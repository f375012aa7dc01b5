"""A menu as a file of rows: one row is one variant with its price; rows of one code, or of one title, are one item.

read: the columns are found by their names in Russian or English. All or nothing: with one fault nothing is taken, and
each fault names its row. dump writes the file that read takes back. A form has one item's rows checked in the same way:
rows, item, priced.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lib import errors, money
from lib.menu import cells, words
from lib.menu.goods import MenuItem, Variant

MOST_ITEMS = 1_000
MOST_VARIANTS = 20
MOST_NAMES = 10
NAME = 40
MOST_KOPECKS = 1_000_000_000
LENGTHS = {"code": 20, "category": 40, "title": 64, "variant": 40, "description": 300, "unit": 20}
CODE_BYTES = 40  # so that a code has room in a button's data
_NAMES = {
    "code": "код артикул sku code item id",
    "category": "категория раздел группа category section",
    "title": "название наименование товар блюдо услуга позиция title name product",
    "variant": "вариант размер объем порция variant size",
    "price": "цена стоимость price cost",
    "description": "описание состав description about",
    "short": "краткое кратко short",
    "available": "наличии доступно available",
    "unit": "единица ед unit",
    "names": "другие синонимы names",
}
_NO = {"нет", "no", "0", "false", "-", "н", "n", "стоп"}
_YES = {"да", "yes", "1", "true", "+", "д", "y", ""}
_FROM = re.compile(r"^(?:от|from)\s+", re.IGNORECASE)
_LISTED = re.compile(r"\n|;|,(?=\s)")
_PRICE = r"(?:(?:от|from)\s+)?(?:\d{1,3}(?:[ \u00a0]\d{3})+|\d+)(?:[.,]\d{1,2})?\s*(?:₽|руб\w*\.?|р\.?)?"
_PRICED = re.compile(rf"(?:(.+?)\s*[\s—–:=-]\s*)??({_PRICE})", re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]{0,200}>|https?://\S+|\bt\.me/\S+", re.IGNORECASE)


@dataclass(frozen=True)
class SheetFault:
    """A fault in a row as Excel counts them; `cell` is the text that stands there."""

    row: int
    code: str
    cell: str = ""


@dataclass(frozen=True)
class MenuSheet:
    """What a file holds: items, or the faults because of which it is not taken."""

    items: tuple[MenuItem, ...] = ()
    faults: tuple[SheetFault, ...] = ()


class _RowFault(Exception):
    """A cell that cannot be read: the code of the fault and the cell."""


def read(data: bytes, present: Sequence[MenuItem] = ()) -> MenuSheet:
    """Read a file; an item without a code keeps the code that it has in the present menu. Invalid, as cells.rows."""
    table = cells.rows(data)
    start = next((at for at, row in enumerate(table) if any(row)), 0)
    columns = _columns(table[start]) if table else {}
    if "title" not in columns or "price" not in columns:
        return MenuSheet(faults=(SheetFault(start + 1, "no_columns"),))
    gathered, faults = dict[str, MenuItem](), list[SheetFault]()
    codes = {_same(one.category, one.title): one.code for one in present}
    for number, row in enumerate(table[start + 1 :], start + 2):
        if not any(row):
            continue
        try:
            _take(gathered, codes, {name: row[at] if at < len(row) else "" for name, at in columns.items()})
        except _RowFault as fault:
            faults.append(SheetFault(number, *fault.args))
    if not gathered and not faults:
        faults.append(SheetFault(start + 1, "empty"))
    if len(gathered) > MOST_ITEMS:
        faults.append(SheetFault(len(table), "too_many_items", str(MOST_ITEMS)))
    if faults:
        return MenuSheet(faults=tuple(faults))
    known = {one.code: one for one in present}
    return MenuSheet(tuple(_kept(one, known.get(code), "names" in columns) for code, one in gathered.items()))


def _kept(item: MenuItem, before: MenuItem | None, has_names: bool) -> MenuItem:
    """Return an item with what its file does not hold: the photo, and other names where it has no column of them."""
    if before is None:
        return item
    return replace(item, photo=before.photo, names=item.names if has_names else before.names)


def rows(item: MenuItem) -> list[dict[str, str]]:
    """Return an item as the rows of a file."""
    flags = {"short": "+" if item.in_short else "-", "available": "+" if item.available else "-"}
    own = {name: getattr(item, name) for name in ("code", "category", "title", "description", "unit")}
    own["names"] = "; ".join(item.names)
    return [{**own, **flags, "variant": one.name, "price": _price(one, "ru")} for one in item.variants]


def item(rows: Sequence[Mapping[str, str]], present: Sequence[MenuItem] = ()) -> MenuItem:
    """Make an item of its rows, by the checks that a file goes through. Invalid(code of the fault, cell).

    `present`: the items beside which it is new.
    """
    gathered: dict[str, MenuItem] = {}
    codes = {f"\n\n{one.code}": one.code for one in present}  # so that the next free one is found
    try:
        for row in rows:
            _take(gathered, codes, row)
    except _RowFault as fault:
        raise errors.Invalid(*fault.args) from fault
    [made] = gathered.values()
    same = _same(made.category, made.title)
    if any(_same(one.category, one.title) == same for one in present):
        raise errors.Invalid("same_title", made.title)
    return made


def priced(said: str) -> list[dict[str, str]]:
    """Read typed prices, a variant on each line: "250", "от 250" or "300 мл 250". Invalid("bad_price", line)."""
    found = []
    for line in filter(None, (one.strip() for one in _LISTED.split(said))):
        parts = _PRICED.fullmatch(line)
        if not parts:
            raise errors.Invalid("bad_price", line)
        found.append({"variant": parts[1] or "", "price": parts[2]})
    if not found:
        raise errors.Invalid("no_price")
    return found


def dump(items: Sequence[MenuItem], language: str = "ru") -> bytes:
    """Write a menu as a CSV file that Excel opens and read takes back."""
    names = {
        "ru": (
            "Код",
            "Категория",
            "Название",
            "Вариант",
            "Цена, руб.",
            "Описание",
            "Краткое меню",
            "В наличии",
            "Единица",
            "Другие названия",
        ),
        "en": (
            "Code",
            "Category",
            "Title",
            "Variant",
            "Price",
            "Description",
            "Short menu",
            "Available",
            "Unit",
            "Other names",
        ),
    }
    said = {"ru": ("нет", "да"), "en": ("no", "yes")}[language]
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=";" if language == "ru" else ",")
    writer.writerow(names[language])
    for item in items:
        for one in item.variants:
            own = [item.code, item.category, item.title, one.name, _price(one, language), item.description]
            flags = [said[item.in_short], said[item.available]]
            writer.writerow([*map(_as_words, own), *flags, _as_words(item.unit), _as_words("; ".join(item.names))])
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _columns(head: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, cell in enumerate(head):
        said = words.split(words.plain(cell))
        name = next((name for name, known in _NAMES.items() if {*said} & {*known.split()} and name not in found), "")
        if name:
            found[name] = at
    return found


def _take(gathered: dict[str, MenuItem], codes: dict[str, str], row: Mapping[str, str]) -> None:
    """Add a row to the item that it belongs to."""
    told = {name: _text(name, row.get(name, "")) for name in LENGTHS}
    if not told["title"]:
        raise _RowFault("no_title")
    variant = Variant(told["variant"], *_kopecks(row.get("price", "")))
    code = told["code"] or _code(codes, told["category"], told["title"])
    codes.setdefault(_same(told["category"], told["title"]), code)
    item = gathered.get(code)
    if item is None:
        in_short, available = (_flag(row.get(name, "")) for name in ("short", "available"))
        place = (code, told["category"], told["title"])
        about, names = (told["description"], told["unit"]), _names(row.get("names", ""))
        gathered[code] = MenuItem(*place, (variant,), *about, names=names, in_short=in_short, available=available)
        return
    if item.title != told["title"]:
        raise _RowFault("other_title", told["title"])
    if variant.name in {one.name for one in item.variants}:
        raise _RowFault("same_variant", variant.name or told["title"])
    if len(item.variants) >= MOST_VARIANTS:
        raise _RowFault("too_many_variants", told["title"])
    gathered[code] = replace(item, variants=(*item.variants, variant))


def _code(codes: dict[str, str], category: str, title: str) -> str:
    """Return the code that an item has already, or the next free number."""
    known = codes.get(_same(category, title))
    if known:
        return known
    taken, number = {*codes.values()}, len(codes) + 1
    while str(number) in taken:
        number += 1
    return str(number)


def _same(category: str, title: str) -> str:
    return f"{words.plain(category)}\n{words.plain(title)}"


def _text(name: str, cell: str) -> str:
    text = " ".join(_MARKUP.sub(" ", cell).split())
    text = text[1:] if re.match(r"'[=+\-@]", text) else text
    if len(text) > LENGTHS[name] or (name == "code" and len(text.encode()) > CODE_BYTES):
        raise _RowFault(f"long_{name}", cell)
    return text


def _names(cell: str) -> tuple[str, ...]:
    """Read other names of an item, between commas or semicolons."""
    found = tuple(dict.fromkeys(filter(None, (words.plain(_MARKUP.sub(" ", one)) for one in re.split("[,;\n]", cell)))))
    if len(found) > MOST_NAMES:
        raise _RowFault("too_many_names", cell)
    if any(len(one) > NAME or not words.split(one) for one in found):
        raise _RowFault("long_names", cell)
    return found


def _kopecks(cell: str) -> tuple[int, bool]:
    at_least = bool(_FROM.match(cell))
    text = _FROM.sub("", cell)
    if not text:
        raise _RowFault("no_price")
    if re.fullmatch(r"0+([.,]0+)?\s*(₽|руб\.?|р\.?)?", text):
        return 0, at_least
    try:
        return money.parse(text, limit=MOST_KOPECKS), at_least
    except errors.Invalid as error:
        raise _RowFault("bad_price", cell) from error


def _flag(cell: str) -> bool:
    said = words.plain(cell)
    if said not in _NO | _YES:
        raise _RowFault("no_yes_or_no", cell)
    return said not in _NO


def _price(one: Variant, language: str) -> str:
    whole, rest = divmod(one.kopecks, 100)
    price = f"{whole}{',' if language == 'ru' else '.'}{rest:02}"
    return f"{'от' if language == 'ru' else 'from'} {price}" if one.at_least else price


def _as_words(text: str) -> str:
    """Keep Excel from running a cell as a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@") else text
