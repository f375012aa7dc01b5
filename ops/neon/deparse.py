"""Tells whether two spellings of an expression mean the same: a dump or another version of Postgres changes them.

`((a OR b) OR c)` comes back from a dump as `(a OR b OR c)`, and 16 began to leave out the table's name before a column
of a view that reads one table. Nothing else is forgiven: `(a OR b) AND c` is not `a OR (b AND c)`, and
`a.shop = b.shop` is not `b.shop = b.shop`.
"""

import re

type Node = str | list["Node"]

_TOKEN = re.compile(r"'(?:[^']|'')*'|[()]|(?:\"(?:[^\"]|\"\")*\"|[^\s()'\"])+|\s+")
_QUALIFIER = re.compile(r'(?<![.\w"])(\w+|"(?:[^"]|"")+")\.(?=[\w"])')
_QUERY = ("SELECT", "WITH", "VALUES")


def alike(one: str, other: str, *, exact: bool = True) -> bool:
    """Tell whether two texts mean the same; not exact, one of them may lack a table's name before its columns."""
    if one == other:
        return True
    here, there = _flattened(_tree(one)), _flattened(_tree(other))
    return here == there or (not exact and (_unnamed(here, there) or _unnamed(there, here)))


def unlabelled(text: str) -> str:
    """Leave out the column's name that a cast gives it: a dump of a function in SQL's own words adds it."""
    return re.sub(r'(::[\w\[\] "]+?) AS (?:\w+|"[^"]+")', r"\1", text)


def _unnamed(full: list[Node], bare: list[Node]) -> bool:
    """Tell whether `bare` is `full` without a table's name before its columns."""
    dropped: set[str] = set()
    return _walk(full, bare, dropped) and dropped <= _tables(bare)


def _walk(full: list[Node], bare: list[Node], dropped: set[str], depth: int = 0) -> bool:
    """Compare two trees and note the names that `bare` leaves out; a query within a query keeps them."""
    if len(full) != len(bare):
        return False
    inner = bool(depth and full and full[0] in _QUERY)
    for place, (one, other) in enumerate(zip(full, bare, strict=True)):
        if one == other:
            continue
        if isinstance(one, list) and isinstance(other, list):
            if inner or not _walk(one, other, dropped, depth + 1):
                return False
            continue
        called = isinstance((*full, "")[place + 1], list) and not str(one).endswith(",")
        if inner or called or not isinstance(one, str) or _QUALIFIER.sub("", one) != other:
            return False
        dropped |= set(_QUALIFIER.findall(one))
    return True


def _tables(tree: list[Node]) -> set[str]:
    """Return what may be a table's name: the last part of a word that stands alone or after its schema's."""
    return {word.rstrip(",;").rpartition(".")[2] for word in tree if isinstance(word, str)}


def _tree(text: str) -> list[Node]:
    stack: list[list[Node]] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")" and len(stack) > 1:
            closed = stack.pop()
            stack[-1].append(closed)
        elif not token.isspace():
            stack[-1].append(token)
    while len(stack) > 1:
        closed = stack.pop()
        stack[-1].append(closed)
    return stack[0]


def _flattened(node: list[Node]) -> list[Node]:
    """Write a group into the one around it where both join by the same word, or where it is all there is."""
    children: list[Node] = [_flattened(child) if isinstance(child, list) else child for child in node]
    if len(children) == 1 and isinstance(children[0], list) and children[0][:1] not in [[word] for word in _QUERY]:
        return children[0]
    joined = _joiner(children)
    found: list[Node] = []
    for place, child in enumerate(children):
        whole = joined and _alone(children, place, joined)
        if isinstance(child, list) and whole and _joiner(child) == joined:
            found += child
        else:
            found.append(child)
    return found


def _joiner(children: list[Node]) -> str:
    words = {child for child in children if child in ("AND", "OR")}
    return str(words.pop()) if len(words) == 1 else ""


def _alone(children: list[Node], place: int, joined: str) -> bool:
    """Tell whether a group is an operand of its own, with nothing else between the joining words."""
    before = children[place - 1] if place else joined
    after = children[place + 1] if place + 1 < len(children) else joined
    return before == joined and after == joined
