"""bench/RESULTS.md: one part a question, each between its own marks, so that one can be measured again alone."""

import re
from pathlib import Path

FILE = Path(__file__).parent / "RESULTS.md"
HEAD = """# Figures

Each was measured by the command above it. Ratios are taken side by side in one run; times depend on the machine.
"""


class Skipped(Exception):
    """This machine lacks what the question needs; the message says what."""


class Failed(Exception):
    """A measurement that is wrong or misses its target; the message says how."""


def write(question: str, text: str, given: str = "") -> None:
    """Put what was found into its part of RESULTS.md, in place of what was there; `given` is what the command took."""
    head = f"<!-- {question} -->\n## `python -m bench {question}{given}`"
    part = f"{head}\n\n{text.strip()}\n<!-- end of {question} -->\n"
    old = FILE.read_text(encoding="utf-8") if FILE.exists() else HEAD
    pattern = re.compile(rf"<!-- {question} -->.*?<!-- end of {question} -->\n", re.DOTALL)
    new = pattern.sub(lambda _: part, old) if pattern.search(old) else f"{old}\n{part}"
    FILE.write_text(new, encoding="utf-8")
