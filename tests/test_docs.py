"""What pages, docstrings and comments say of the project is true: the floors, the rooms, the files they name."""

import ast
import io
import re
import subprocess
import tokenize
from functools import cache
from pathlib import Path

import pytest

from tests.test_rules import FLOORS

ROOT = Path(__file__).parent.parent
ROOMS = sorted(f"lib/{path.name}/" for path in (ROOT / "lib").iterdir() if path.is_dir() and path.name[0] != "_")
FOLDERS = [*ROOMS, "api/", "sql/", "public/", "dev/", "ops/", "bench/", "tests/"]
READABLE = (".py", ".md", ".sql", "requirements.txt", "Makefile")
HAS_DOCSTRING = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# A file with its ending, or a folder of the project.
NAMED = re.compile(
    r"(?<![\w./*<>{}$~:-])(?:((?:[\w.-]+/)*[\w-]+\.(?:py|js|sql|md|sh|po))\b(?![\w/*{(])"
    r"|((?:api|lib|sql|dev|ops|bench|tests|docs|public)(?:/[\w-]+)+)(?![\w/*<{-]|\.\w))"
)


@cache
def _files() -> list[str]:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).exists()]


def _prose(path: Path) -> str:
    """Return what a reader reads of a file: its docstrings and comments, or all of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    if path.suffix != ".py":
        return "\n".join(re.findall(r"(?:--|#).*", text))
    strings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, HAS_DOCSTRING)]
    parts = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*strings, *(part.string for part in parts if part.type == tokenize.COMMENT)])


def test_the_page_for_developers_prints_the_floors():
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    printed = re.findall(r"```floors\n(.*?)```", page, re.DOTALL)[0]
    assert tuple(tuple(line.split()) for line in printed.splitlines()) == FLOORS


@pytest.mark.parametrize("page", ["README.md", "docs/development.md"])
def test_a_map_has_a_row_for_every_room(page):
    rows = re.findall(r"^\| (.*?) \|", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert [folder for folder in FOLDERS if not any(f"`{folder}`" in row for row in rows)] == []


def _absent(text: str, path: Path, there: set[str]) -> list[str]:
    """Name what a text names that is no file or folder of ours."""
    named = [file or folder for file, folder in NAMED.findall(text)]
    return [name for name in named if not there & {name, f"{name}.py"} and not (path.parent / name).exists()]


def test_no_prose_names_a_file_that_does_not_exist():
    parts = [name.split("/") for name in _files()]
    there = {"/".join(part[start:end]) for part in parts for start in range(len(part)) for end in range(len(part) + 1)}
    missing = []
    for path in [ROOT / name for name in _files() if name.endswith(READABLE)]:
        if _absent(path.read_text(encoding="utf-8"), path, there):  # else its prose names no other either
            missing += [f"{path.relative_to(ROOT)}: {name}" for name in _absent(_prose(path), path, there)]
    assert missing == []


def test_decisions_are_numbered_without_gaps():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_says_when_what_why_and_what_it_costs(page):
    form = r"# .+\n\nDecided on \d{4}-\d\d-\d\d\.\n\n\*\*What\.\*\*.*\*\*Why\.\*\*.*\*\*What it costs\.\*\*"
    assert re.match(form, page.read_text(encoding="utf-8"), re.DOTALL)


def test_a_decision_that_is_referred_to_exists():
    numbers = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    for path in [ROOT / name for name in _files() if name.endswith(READABLE)]:
        assert set(re.findall(r"decisions? (\d{4})", path.read_text(encoding="utf-8"))) <= numbers, path


def test_the_words_are_in_order_and_each_has_one_meaning():
    page = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| ([a-z -]+) \|", page, re.MULTILINE)[1:]
    assert words == sorted(set(words))
    assert 25 <= len(words) <= 40
