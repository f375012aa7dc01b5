"""python -m bench <question ...>: measure one thing or several, and write bench/RESULTS.md; `all` measures everything.

`python -m bench cut FOLDER` and `python -m bench cards FOLDER` ask about something of yours: a folder of photos.
`--print` before the question writes nothing, and takes a question that was skipped for a failure.

A question is a file beside this one with `run() -> str`, which returns what to write, and raises Skipped with the
reason when this machine lacks what it needs. Without a question it lists them. Exit codes: 0 measured or skipped,
1 failed, 2 wrong usage.
"""

import ast
import importlib
import sys
from pathlib import Path

from bench import results

NO_QUESTIONS = {"__init__", "__main__", "output", "proxy", "results"}


def main(argv: list[str]) -> int:
    questions = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NO_QUESTIONS)
    if argv[:1] in (["cut"], ["cards"]) and len(argv) == 2:
        return _ask(*argv)
    if not argv or {"-h", "--help"} & set(argv):
        print(_usage(questions))
        return 0
    writes = argv[0] != "--print"
    argv = argv if writes else argv[1:]
    if argv == ["all"]:
        argv = questions
    if unknown := [name for name in argv if name not in questions]:
        print(f"bench: there is no question {unknown[0]!r}; there are: {', '.join(questions)}", file=sys.stderr)
        return 2
    return max((_ask(name, writes=writes) for name in argv), default=2)


def _usage(questions: list[str]) -> str:
    """Return the questions, each with the first line of what its file says of it."""
    width = max(map(len, questions))
    return "\n".join(
        ["python -m bench <question ...> | all", *(f"  {name:<{width}}  {_about(name)}" for name in questions)]
    )


def _about(name: str) -> str:
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def _ask(name: str, *about: str, writes: bool = True) -> int:
    try:
        text = importlib.import_module(f"bench.{name}").run(*about)
    except results.Skipped as reason:
        print(f"{name}: skipped: {reason}")
        return 0 if writes else 1
    except results.Failed as reason:
        print(f"{name}: failed: {reason}", file=sys.stderr)
        return 1
    if writes:
        results.write(name, text, " FOLDER" if about else "")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
