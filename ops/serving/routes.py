"""Where a request goes, as vercel.json and Vercel's rules for the api/ folder decide.

In this order, as on Vercel: a file of public/, a function whose path is exactly asked for, the first rewrite that
matches (its destination is then looked up in the same way), else 404. A pattern is `/a/:name/:rest*` or `/a/(regex)`.
A rewrite's named parts go into its destination; when its path uses none of them they are added to the query; a query
key that the caller sent wins over the destination's, as in `vercel dev`. The function sees the path that was asked for.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

DEFAULT_SECONDS = 300

_PART = re.compile(r":(?P<name>\w+)(?P<more>[*+?]?)|(?P<group>\((?:[^()]|\(\?:[^()]*\))*\))|(?P<text>[^:(]+)")


@dataclass(frozen=True)
class Target:
    """The answering part: a static file or a function's entry; neither means 404."""

    file: Path | None = None
    entry: str = ""
    query: str = ""


@dataclass(frozen=True)
class Rewrite:
    source: re.Pattern[str]
    destination: str

    def apply(self, path: str, query: str) -> tuple[str, str] | None:
        """Return the path and query that the request is sent on to, or None when the pattern does not match."""
        match = self.source.fullmatch(path)
        if not match:
            return None
        names = {name: value or "" for name, value in match.groupdict().items()}
        wanted = urlsplit(self.destination)
        pairs = [(key, _fill(value, names)) for key, value in parse_qsl(wanted.query, keep_blank_values=True)]
        if not any(f":{name}" in wanted.path for name in names):
            pairs += [(name, value) for name, value in names.items() if name not in dict(pairs)]
        given = parse_qsl(query, keep_blank_values=True)
        pairs = [pair for pair in pairs if pair[0] not in dict(given)] + given
        return _fill(wanted.path, names), urlencode(pairs)


@dataclass(frozen=True)
class Routes:
    """The routes of one deployment."""

    root: Path
    entries: dict[str, str]
    rewrites: list[Rewrite] = field(default_factory=list)
    headers: list[tuple[re.Pattern[str], list[tuple[str, str]]]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def find(self, path: str, query: str = "") -> Target:
        """Return what answers this path."""
        target = self._exact(path, query)
        for rewrite in self.rewrites if target is None else []:
            sent_on = rewrite.apply(path, query)
            if sent_on is not None:
                target = self._exact(*sent_on)
                break
        return target or Target()

    def headers_for(self, path: str) -> dict[str, str]:
        """Return the headers that vercel.json adds to the answer; a later rule wins."""
        return {key.lower(): value for source, pairs in self.headers if source.fullmatch(path) for key, value in pairs}

    def max_duration(self, entry: str) -> float:
        """Return how many seconds an invocation may take."""
        return self.seconds.get(entry, DEFAULT_SECONDS)

    def _exact(self, path: str, query: str) -> Target | None:
        file = _static(self.root / "public", path)
        if file:
            return Target(file=file)
        entry = self.entries.get(path.rstrip("/") or "/")
        return Target(entry=entry, query=query) if entry else None


def load(root: Path) -> Routes:
    """Read the project's vercel.json and its api/ folder."""
    rules: dict[str, Any] = json.loads((root / "vercel.json").read_text()) if (root / "vercel.json").exists() else {}
    settings = rules.get("functions", {})
    return Routes(
        root=root,
        entries={_path_of(entry): entry for entry in entries(root)},
        rewrites=[Rewrite(pattern(rule["source"]), rule["destination"]) for rule in rules.get("rewrites", [])],
        headers=[
            (pattern(rule["source"]), [(pair["key"], pair["value"]) for pair in rule["headers"]])
            for rule in rules.get("headers", [])
        ],
        seconds={entry: rule["maxDuration"] for entry, rule in settings.items() if "maxDuration" in rule},
    )


def entries(root: Path) -> list[str]:
    """Return the files under api/ that Vercel would make functions of: those that define `app`."""
    found = []
    for path in sorted((root / "api").rglob("*.py")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(("_", ".")) for part in parts)
        if not hidden and _defines_app(path):
            found.append("/".join(parts))
    return found


def _defines_app(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return any(
        line.startswith(("app =", "app:", "async def app(")) or "import app" in line for line in text.splitlines()
    )


def pattern(source: str) -> re.Pattern[str]:
    """Turn a source of vercel.json into a regular expression with a group for each named part."""
    made, at = "", 0
    while at < len(source):
        part = _PART.match(source, at)
        if part is None:
            raise ValueError(f"vercel.json: the pattern {source!r} is not understood at {source[at:]!r}")
        made += _expression(part)
        at = part.end()
    return re.compile(made)


def _expression(part: re.Match[str]) -> str:
    if part["text"] is not None:
        return re.escape(part["text"])
    if part["group"] is not None:
        return part["group"]
    return f"(?P<{part['name']}>{'.*' if part['more'] in '*+' and part['more'] else '[^/]+'}){part['more'].strip('*+')}"


def _fill(text: str, names: dict[str, str]) -> str:
    return re.sub(r":(\w+)[*+?]?", lambda found: names.get(found[1], found[0]), text)


def _path_of(entry: str) -> str:
    return "/" + entry.removesuffix(".py").removesuffix("/index")


def _static(public: Path, path: str) -> Path | None:
    try:
        named = public / path.lstrip("/")
        if not named.exists():  # as of nearly every request: a look is a tenth of what resolving takes
            return None
        wanted = named.resolve()
        wanted = wanted / "index.html" if wanted.is_dir() else wanted
        return wanted if wanted.is_relative_to(public.resolve()) and wanted.is_file() else None
    except (OSError, ValueError):  # a name longer than a file's can be, or one that holds a NUL
        return None
