"""Whether what `vercel build` has made of the project is what vercel.json says: functions, routes, crons, files.

Its routes are played for a few addresses with the rules of the Build Output API, beside our own reading of vercel.json
(ops/serving/routes.py), by which the local stack and a server of one's own work.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ops.serving import routes

MOST_FUNCTIONS = 12  # what the free plan takes
PATHS = (
    *("/", "/style.css", "/terms.html", "/nothing", "/api/health", "/api/drain", "/api/render"),
    *("/api/telegram/studio", "/api/telegram/admin", "/api/callback/kie", "/api/cache", "/api/metrics"),
)
# Nothing of these is in a function: what is tried, measured and administered, and what holds a secret.
NEVER = re.compile(r"(tests|dev|bench|docs|ops|public|\.git|\.vercel|\.venv|\.dev)/|\.env(\..*)?$|CHANGELOG|Makefile")
ALWAYS = ("sql/queries/users.sql", "lib/locales/ru/LC_MESSAGES/lotok.mo", "lib/config.py")

type Built = Mapping[str, Any]


def faults(project: Path, bundles: Mapping[str, Mapping[str, Path]]) -> list[str]:
    """Name what of the built project is not as vercel.json says; `bundles` are the files of each function."""
    output = project / ".vercel" / "output"
    wanted, built = _json(project / "vercel.json"), _json(output / "config.json")
    rules = routes.load(project)
    found = [*_functions(wanted, output), *_routes(rules, built), *_static(project, output)]
    if built.get("crons") != wanted["crons"]:
        found.append(f"crons: {built.get('crons')}")
    return [*found, *(fault for name, files in bundles.items() for fault in _contents(name, files, wanted))]


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _functions(wanted: Built, output: Path) -> Iterator[str]:
    """Each entry is a function, and nothing else is; each may run as long as it says."""
    made = {
        str(path.parent.relative_to(output / "functions")).removesuffix(".func").removesuffix("/index"): _json(path)
        for path in (output / "functions").rglob(".vc-config.json")
    }
    entries = {entry.removesuffix(".py").removesuffix("/index"): rule for entry, rule in wanted["functions"].items()}
    if made.keys() != entries.keys():
        yield f"functions: {sorted(made)}"
    if len(made) > MOST_FUNCTIONS:
        yield f"{len(made)} functions, and the free plan takes {MOST_FUNCTIONS}"
    for name in made.keys() & entries.keys():
        if made[name].get("maxDuration") != entries[name]["maxDuration"]:
            yield f"{name}: maxDuration {made[name].get('maxDuration')}"
        if not str(made[name].get("runtime", "")).startswith("python3.12"):
            yield f"{name}: runtime {made[name].get('runtime')}"


def _routes(rules: routes.Routes, built: Built) -> Iterator[str]:
    """Each address leads where vercel.json says, with the headers that it says."""
    for path in PATHS:
        headers, destination = played(built["routes"], path)
        if not rules.headers_for(path).items() <= headers.items():
            yield f"headers of {path}: {headers}"
        asked, _, query = destination.partition("?")
        if rules.find(path) != rules.find(asked, query):
            yield f"{path} leads to {destination}"


def played(steps: list[dict[str, Any]], path: str) -> tuple[dict[str, str], str]:
    """Return the headers that an address gets, and where it is sent on to."""
    headers: dict[str, str] = {}
    destination = path
    for step in steps:
        found = re.search(step["src"], path) if "src" in step else None
        if not found or step.get("status") == 404:
            continue
        headers |= {name.lower(): value for name, value in step.get("headers", {}).items()}
        if "dest" in step and destination == path:
            destination = _filled(step["dest"], found)
    return headers, destination


def _filled(text: str, found: re.Match[str]) -> str:
    return re.sub(r"\$(\w+)", lambda one: found[int(one[1]) if one[1].isdecimal() else one[1]] or "", text)


def _static(project: Path, output: Path) -> Iterator[str]:
    """What the site serves as it is, is public/ and nothing of the source."""
    served = {str(path.relative_to(output / "static")) for path in (output / "static").rglob("*") if path.is_file()}
    public = {str(path.relative_to(project / "public")) for path in (project / "public").rglob("*") if path.is_file()}
    if served != public:
        yield f"static files: {sorted(served ^ public)}"


def _contents(name: str, files: Mapping[str, Path], wanted: Built) -> Iterator[str]:
    """A function has what it runs by, and nothing that it is told to leave out."""
    ours = [inside for inside in files if not inside.startswith("_vendor/")]
    entry = next(one for one in wanted["functions"] if one.removesuffix(".py").removesuffix("/index") == name)
    out = tuple(
        f"{folder}/" for folder in re.findall(r"[\w/]+", wanted["functions"][entry]["excludeFiles"]) if folder != "/"
    )
    yield from (f"{name} lacks {inside}" for inside in (entry, *ALWAYS) if inside not in files)
    yield from (f"{name} holds {inside}" for inside in ours if NEVER.match(inside) or inside.startswith(out))
