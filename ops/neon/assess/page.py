"""A study as one HTML file that needs nothing else: no font, script or image from outside; light, dark and on paper.

Everything that comes from a database is escaped; the numbers lie in the file as JSON, in a script that nobody runs.
"""

import json
from collections.abc import Sequence
from html import escape

from ops.neon.assess import panels, story, study, tables
from ops.neon.assess.study import Study
from ops.neon.assess.words import Words


def html(made: Study, words: Words) -> str:
    """Return the page."""
    style = (tables.FOLDER / "report.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="{words.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(words('title'))} {escape(made.first.name)}</title><style>{style}</style></head>"
        f"<body><main>{_first_screen(made, words)}{''.join(_sections(made, words))}{_footer(made, words)}</main>"
        f'<script type="application/json" id="numbers">{_numbers(made)}</script></body></html>\n'
    )


def _numbers(made: Study) -> str:
    """Return the JSON so that no name in it can end the script."""
    text = json.dumps(study.dump(made), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _first_screen(made: Study, words: Words) -> str:
    kind = made.verdict.kind if made.verdict else "failed"
    where = f"{escape(made.first.name)} · {made.at:%Y-%m-%d %H:%M} UTC"
    head = f'<p class="where">{where}</p><h1>{escape(story.headline(made, words))}</h1>'
    if made.verdict is None:
        return f'<header class="{kind}">{head}{_list(made.problems)}</header>'
    three = "".join(
        f"<div><span>{escape(label)}</span><b>{escape(number)}</b><span>{escape(remark)}</span></div>"
        for label, number, remark in story.numbers(made, words)
    )
    sure = made.verdict.confidence
    facts = {
        "head.blockers": escape(story.blockers(made, words)),
        "head.confidence": f'<span class="pill {sure}">{escape(words(f"confidence.{sure}"))}</span> '
        f"{escape('; '.join(story.gaps(made, words)))}",
        "head.change": escape("; ".join(story.changes(made, words))),
    }
    told = "".join(f"<dt>{escape(words(label))}</dt><dd>{said}</dd>" for label, said in facts.items())
    return (
        f'<header class="{kind}">{head}<div class="three">{three}</div><dl>{told}</dl>{_list(made.problems)}</header>'
    )


def _sections(made: Study, words: Words) -> list[str]:
    parts = [_section(words("part.measured"), panels.measured(made, words))]
    if made.verdict:
        aim = story.amid(made.aim, words)
        parts += [
            _section(words("part.costs"), panels.costs(made, words)),
            _section(words("part.way", target=aim), panels.way(made, words)),
            _section(words("part.rules"), panels.rules(made, words)),
            _section(words("part.plan"), panels.plan(made, words)),
            _section(words("part.tables"), panels.largest(made, words)),
            _section(words("part.extensions"), panels.extensions(made, words)),
            _section(words("part.sources"), panels.sources(made, words)),
        ]
    return [*parts, _section(words("part.unread"), panels.unread(made, words))]


def _section(name: str, content: str) -> str:
    return f"<section><h2>{escape(name)}</h2>{content}</section>" if content else ""


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def _footer(made: Study, words: Words) -> str:
    notes = [*story.notes(made, words), words("note.numbers"), words("note.made", time=f"{made.at:%Y-%m-%d %H:%M} UTC")]
    return f"<footer>{''.join(f'<p>{escape(note)}</p>' for note in notes)}</footer>"
