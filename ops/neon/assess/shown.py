"""A study on a terminal: the verdict first, then what it rests on."""

import textwrap
from collections.abc import Iterator, Sequence

from ops.neon.assess import story
from ops.neon.assess.figures import count, money, size
from ops.neon.assess.study import Study
from ops.neon.assess.words import Words

WIDTH = 110


def text(study: Study, words: Words) -> str:
    """Return the whole report as lines."""
    return "\n".join(line.rstrip() for line in _lines(study, words))


def _lines(study: Study, words: Words) -> Iterator[str]:
    yield from (f"! {problem}" for problem in study.problems)
    yield ""
    yield from _wrapped(story.headline(study, words))
    yield ""
    if study.verdict:
        yield from _first_screen(study, words)
    yield from _part(words("part.measured"), _criteria(study, words))
    if study.verdict:
        yield from _part(words("part.costs"), _costs(study, words))
        yield from _part(words("part.way", target=story.amid(study.aim, words)), _way(study, words))
        yield from _part(words("part.rules"), _rules(study, words))
        yield from _part(words("part.out"), _out(study, words))
        yield from _part(words("part.tables"), _tables(study, words))
        yield from _part(words("part.plan"), _columns(story.plan(study, words)))
    yield from _part(words("part.unread"), _unread(study))
    for note in story.notes(study, words):
        yield from _wrapped(note)


def _wrapped(line: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(line, WIDTH, initial_indent=first, subsequent_indent=rest or first)


def _part(name: str, lines: Sequence[str]) -> list[str]:
    return [name, *(f"  {line}" for line in lines), ""] if lines else []


def _first_screen(study: Study, words: Words) -> Iterator[str]:
    assert study.verdict is not None
    yield from _columns(story.numbers(study, words))
    sure = words(f"confidence.{study.verdict.confidence}")
    for label, said in (
        ("head.blockers", story.blockers(study, words)),
        ("head.confidence", ": ".join([sure, *filter(None, ["; ".join(story.gaps(study, words))])])),
        ("head.change", "; ".join(story.changes(study, words))),
    ):
        yield from _wrapped(f"{words(label)}: {said}", rest="  ")
    yield ""


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Set rows in columns, each as wide as it must be."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _criteria(study: Study, words: Words) -> list[str]:
    """Set one column a database; with several there is no room for the sources, and long cells are cut."""
    rows = [[row.label, *row.values, row.source] for row in story.rows(study, words)]
    head = ["", *(name for name, _ in study.columns), words("col.source")]
    if len(study.columns) > 1:
        most = {2: 48, 3: 36}.get(len(study.columns), 30)
        rows = [[row[0], *(_cut(cell, most) for cell in row[1:-1])] for row in [head, *rows]]
        return _columns(rows)
    return _columns([head, *rows])


def _cut(cell: str, most: int) -> str:
    return cell if len(cell) <= most else f"{cell[: most - 1]}…"


def _costs(study: Study, words: Words) -> list[str]:
    head = [words(f"col.{name}") for name in ("provider", "plan", "month", "year", "how")]
    rows = [
        [
            story.title(cost.provider, words),
            cost.plan,
            money(cost.usd),
            money(cost.in_a_year),
            "; ".join(story.how(cost, study, words)),
        ]
        for cost in study.costs
    ]
    return [*_columns([head, *rows]), words("note.list")]


def _way(study: Study, words: Words) -> list[str]:
    lines = []
    for one in study.ways[study.aim]:
        label, remedy = words.feature(one.key)
        lines += _wrapped(f"[{words(f'grade.{one.grade}')}] {label}: {story.names(one, words)}", rest="    ")
        lines += _wrapped(remedy, "    ")
    return lines or [words("head.none")]


def _rules(study: Study, words: Words) -> list[str]:
    assert study.verdict is not None
    fires = {True: words("yes"), False: words("no"), None: words("unknown")}
    head = ["", *(words(f"col.{name}") for name in ("measured", "limit", "fires"))]
    rows = [
        [words(f"rule.{one.key}"), words.units(one.measured), words.units(one.limit), fires[one.fires]]
        for one in study.verdict.outcomes
    ]
    return _columns([head, *rows])


def _out(study: Study, words: Words) -> list[str]:
    assert study.verdict is not None
    return _columns(
        [
            [story.title(one.provider, words), words(f"out.{one.why}", detail=one.detail)]
            for one in study.verdict.exclusions
        ]
    )


def _tables(study: Study, words: Words) -> list[str]:
    found = study.first.catalog
    head = [words("col.table"), words("row.size"), words("row.growth"), words("col.rows")]
    rows = [
        [
            f"{one.schema}.{one.name}",
            words.units(size(one.total)),
            story.growth(study, one, words),
            story.DASH if one.rows < 0 else count(one.rows),
        ]
        for one in sorted(found.tables, key=lambda one: -one.total)[:10]
    ]
    return _columns([head, *rows]) if rows else []


def _unread(study: Study) -> list[str]:
    return [f"{one.name}: {name}: {why}" for one in study.found for name, why in one.catalog.unread.items()]
