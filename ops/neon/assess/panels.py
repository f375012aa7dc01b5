"""The sections of the page below its first screen: tables and charts of a study."""

from collections.abc import Sequence
from html import escape

from ops.neon.assess import charts, story, tables
from ops.neon.assess.charts import Bar, Piece
from ops.neon.assess.figures import count, milliseconds, money, size
from ops.neon.assess.study import Study
from ops.neon.assess.words import Words

MOST_TABLES = 12


def measured(made: Study, words: Words) -> str:
    """Every criterion with its source, and charts of the ways and the load."""
    head = ["", *(name for name, _ in made.columns), words("col.source")]
    rows = [[escape(row.label), *map(escape, row.values), _soft(row.source)] for row in story.rows(made, words)]
    return (
        _table(head, rows, labelled=len(made.columns) > 1)
        + '<div class="two">'
        + _connecting(made, words)
        + _load(made, words)
        + "</div>"
    )


def _connecting(made: Study, words: Words) -> str:
    """Split a warm connect into TCP, TLS, and what Postgres and its password take."""
    rows = []
    for label, one in made.columns:
        warm = one.connects.warm if one.connects else None
        if warm is None or one.wire is None:
            continue
        steps = [one.wire.tcp_ms or 0.0, one.wire.tls_ms or 0.0]
        steps.append(max(0.0, warm.p50 - sum(steps)))
        parts = zip(("TCP", "TLS", "Postgres"), steps, strict=True)
        pieces = [Piece(what, took, words.units(milliseconds(took))) for what, took in parts]
        rows.append((label, words.units(milliseconds(warm.p50)), pieces))
    name = words("part.connecting")
    keys = f'<p class="legend">{charts.legend(("TCP", "TLS", "Postgres"))}</p>'
    return f"<div><h3>{escape(name)}</h3>{charts.stacks(name, rows)}{keys}</div>" if rows else ""


def _load(made: Study, words: Words) -> str:
    rows = [
        Bar(
            f"{label} × {level.connections}",
            level.per_second,
            f"{'≥ ' if level.at_least else ''}{count(level.per_second)}",
        )
        for label, one in made.columns
        for level in one.levels
        if level.per_second is not None
    ]
    name = words("part.load")
    return f"<div><h3>{escape(name)}</h3>{charts.bars(name, rows)}</div>" if rows else ""


def costs(made: Study, words: Words) -> str:
    """A bar a provider, and how each price came about."""
    here = made.first.address.provider
    known = sorted((one for one in made.costs if one.usd is not None), key=lambda one: one.usd or 0.0)
    tones = {here: "here", made.aim: "aim"}
    rows = [
        Bar(
            f"{story.title(one.provider, words)}, {one.plan}",
            one.usd or 0.0,
            money(one.usd),
            tones.get(one.provider, "plain"),
        )
        for one in known
    ]
    out = {one.provider: one for one in made.verdict.exclusions} if made.verdict else {}
    lines = []
    for cost in made.costs:
        why = out.get(cost.provider)
        how = "<br>".join(map(escape, story.how(cost, made, words)))
        state = _soft(words(f"out.{why.why}", detail=why.detail)) if why else ""
        cells = [escape(story.title(cost.provider, words)) + ("<br>" + state if state else ""), escape(cost.plan)]
        lines.append([*cells, money(cost.usd), money(cost.in_a_year), f'<span class="soft">{how}</span>'])
    head = [words(f"col.{name}") for name in ("provider", "plan", "month", "year", "how")]
    marks = ["aim" if one.provider == made.aim else "" for one in made.costs]
    note = f'<p class="soft">{escape(words("note.list"))}</p>'
    return charts.bars(words("part.costs"), rows) + _table(head, lines, right=(2, 3), marks=marks, labelled=True) + note


def way(made: Study, words: Words) -> str:
    """What stands in the way at the aim, each with its remedy."""
    rows = []
    for one in made.ways[made.aim]:
        label, remedy = words.feature(one.key)
        tone = {"ask": "ask_", "note": "note_"}.get(one.grade, one.grade)
        pill = f'<span class="pill {tone}">{escape(words(f"grade.{one.grade}"))}</span>'
        rows.append([escape(label) + f"<br>{_soft(story.names(one, words))}", pill, escape(remedy)])
    head = ["", "", words("col.remedy")]
    return _table(head, rows) if rows else f"<p>{escape(words('head.none'))}</p>"


def rules(made: Study, words: Words) -> str:
    """The rules with their inputs, and who is out."""
    assert made.verdict is not None
    says = {True: "yes", False: "no", None: "unknown"}
    rows = [
        [
            escape(words(f"rule.{one.key}")),
            escape(words.units(one.measured)),
            escape(words.units(one.limit)),
            f'<span class="pill {says[one.fires]}">{escape(words(says[one.fires]))}</span>',
        ]
        for one in made.verdict.outcomes
    ]
    head = ["", *(words(f"col.{name}") for name in ("measured", "limit", "fires"))]
    out = [
        [escape(story.title(one.provider, words)), escape(words(f"out.{one.why}", detail=one.detail))]
        for one in made.verdict.exclusions
    ]
    below = (
        f"<h3>{escape(words('part.out'))}</h3>" + _table([words("col.provider"), words("col.why")], out) if out else ""
    )
    return _table(head, rows) + below


def plan(made: Study, words: Words) -> str:
    """The steps of a move."""
    rows = [[escape(step), escape(takes)] for step, takes in story.plan(made, words)]
    return _table([words("col.step"), words("col.takes")], rows)


def largest(made: Study, words: Words) -> str:
    """The largest tables, as bars."""
    found = sorted(made.first.catalog.tables, key=lambda one: -one.total)[:MOST_TABLES]
    rows = []
    for one in found:
        grows = story.growth(made, one, words)
        shown = words.units(size(one.total)) + (f", +{grows}" if grows != story.DASH else "")
        rows.append(Bar(f"{one.schema}.{one.name}", one.total, shown))
    return charts.bars(words("part.tables"), rows) if rows else ""


def extensions(made: Study, words: Words) -> str:
    """Every extension, and what each provider's table knows of it."""
    found = made.first.catalog
    if not found.extensions or found.server is None:
        return ""
    providers = list(tables.prices()["providers"])
    says = {"yes": ("no", "yes"), "no": ("yes", "no"), "ask": ("unknown", "unknown"), "care": ("unknown", "yes")}
    rows = []
    for one in found.extensions:
        cells = []
        for provider in providers:
            answer, remark = tables.extension(one.name, provider, found.server.major)
            tone, word = says[answer]
            cells.append(
                f'<span class="{tone}">{escape(words(word))}</span>' + (f"<br>{_soft(remark)}" if remark else "")
            )
        rows.append([f"{escape(one.name)} {_soft(one.version)}", *cells])
    return _table(["", *(story.title(provider, words) for provider in providers)], rows, labelled=True)


def sources(made: Study, words: Words) -> str:
    """Where prices and extension tables are from, and how old they are."""
    rows = [
        [
            escape(f"{story.title(name, words)}, {table}"),
            words.units(f"{days}\u00a0d"),
            escape(words("yes" if verified else "no")),
            _soft(source),
        ]
        for table, name, days, verified, source in tables.ages(made.at.date())
    ]
    return _table(["", words("col.as_of"), words("col.verified"), words("col.source")], rows)


def unread(made: Study, words: Words) -> str:
    """What could not be read, and why."""
    rows = [
        [escape(one.name), escape(name), escape(why)] for one in made.found for name, why in one.catalog.unread.items()
    ]
    return _table(["", words("col.what"), words("col.why")], rows) if rows else ""


def _soft(text: str) -> str:
    return f'<span class="soft">{escape(text)}</span>'


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    marks: Sequence[str] = (),
    labelled: bool = False,
) -> str:
    """Set rows as a table; the cells are HTML already, the head is not. On a phone labelled cells repeat their head."""
    side = ['class="right"' if place in right else "" for place in range(len(head))]
    told = [f'data-label="{escape(name)}"' if labelled and place and name else "" for place, name in enumerate(head)]
    top = "".join(f"<th {side[place]}>{escape(name)}</th>" for place, name in enumerate(head))
    body = "".join(
        f'<tr class="{marks[number] if marks else ""}">'
        + "".join(f"<td {side[place]} {told[place]}>{cell}</td>" for place, cell in enumerate(row))
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return (
        f'<div class="scroll"><table class="stackable"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )
