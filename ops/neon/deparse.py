"""Tells whether two spellings of an expression mean the same: a dump or another version of Postgres changes them.

`((a OR b) OR c)` comes back from a dump as `(a OR b OR c)`, and 16 began to leave out the table's name before a column
where only one table is read. Nothing else is forgiven: `(a OR b) AND c` is not `a OR (b AND c)`.
"""

import re
from functools import lru_cache

type Node = str | list["Node"]

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[()]|[^\s()'\"]+|\s+")
_QUALIFIER = re.compile(r'(?<![.\w"])(\w+|"[^"]+")\.(?=[\w"])')


def alike(one: str, other: str, *, exact: bool = True) -> bool:
    """Tell whether two texts mean the same; not exact, a table's name before a column may be there or not."""
    if one == other:
        return True
    if not exact:
        one, other = _QUALIFIER.sub("", one), _QUALIFIER.sub("", other)
    return flat(one) == flat(other)


@lru_cache(maxsize=4096)
def flat(text: str) -> str:
    """Write an expression with its ANDs and ORs as flat as they mean, and single spaces."""
    return " ".join(_words(_flattened(_tree(text))))


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
    if len(children) == 1 and isinstance(children[0], list):
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


def _words(node: list[Node]) -> list[str]:
    found = []
    for child in node:
        found += ["(", *_words(child), ")"] if isinstance(child, list) else [child]
    return found
