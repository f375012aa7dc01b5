"""The rules of the house as asserts: who imports whom, what a function loads, how long things are, what is pinned."""

import ast
import collections
import functools
import graphlib
import importlib.metadata
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from packaging.requirements import Requirement

import lib.flows
import lib.providers
from dev import hashes
from lib import config, providers, tasks
from lib.jobs.run import Kind

ROOT = Path(__file__).parent.parent

# The floors of the house, from the top: what stands on one imports only what stands on lower ones, never its neighbour.
# docs/development.md prints this list.
FLOORS = (
    ("bench",),
    ("dev",),
    ("ops", "api"),
    ("flows", "tasks"),
    ("office",),
    ("assistant",),
    ("reach",),
    ("regions",),
    ("credits", "loyalty"),
    ("studio", "people"),
    ("menu",),
    ("telegram",),
    ("jobs",),
    ("providers",),
    ("drawing",),
    ("web", "migrations", "shelves", "limits", "storage", "tables"),
    ("counters",),
    ("cache",),
    ("wire", "db"),
    ("fetch", "pictures"),
    ("log", "text", "money", "dates", "jpeg", "heic", "qr", "retry", "clock", "links"),
    ("config", "typed", "tally"),
    ("errors",),
)
HEAVY = {"PIL", "numpy", "openai", "vercel", "av", "pydantic", "httpx2", "telegram.ext", "fastapi", "babel"}
# httpx, anyio and starlette load them where they are; no light bundle has them
OPTIONAL = {"click", "pygments", "python-multipart", "sniffio"}
VAGUE = {"utils", "util", "helpers", "common", "core", "base", "manager", "service", "repository", "models"}
SETTINGS_OF_THE_PLATFORM = {
    *("VERCEL_ENV", "VERCEL_GIT_COMMIT_REF", "VERCEL_GIT_COMMIT_SHA", "VERCEL_REGION"),
    *("VERCEL_URL", "VERCEL_BRANCH_URL"),
    *("VERCEL_PROJECT_PRODUCTION_URL", "VERCEL_AUTOMATION_BYPASS_SECRET"),
}


def _files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def _source(path: Path) -> str:
    """Return the text of a file, which many rules read."""
    return path.read_text(encoding="utf-8")


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_source(path))


def _imports(path: Path, *, at_the_top: bool = False) -> Iterator[str]:
    """Name what a file imports, as `a.b.c`; at_the_top leaves out what a function imports when it runs."""
    return (name for name, is_at_the_top in _every_import(path) if is_at_the_top or not at_the_top)


@functools.cache
def _every_import(path: Path) -> list[tuple[str, bool]]:
    """Name what a file imports, and say whether it does so at the top; many rules ask for it."""
    tree = _tree(path)
    top, found = set(tree.body), list[tuple[str, bool]]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(f"{node.module}.{alias.name}", node in top) for alias in node.names]
    return found


def _room(module: str) -> str:
    """Name the area or the module of the foundation that a module of ours belongs to; "" for anybody else's."""
    first, *rest = module.split(".")
    own = rest[0] if first == "lib" and rest else first
    return own if any(own in floor for floor in FLOORS) else ""


FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
SOURCES = _files("api", "lib", "ops", "dev", "bench")
LIB = _files("lib")


def test_every_room_stands_on_a_floor_and_no_floor_is_empty():
    rooms = {_name(path).split(".")[1] for path in LIB if path.parent != ROOT / "lib" or path.stem != "__init__"}
    assert sorted(room for floor in FLOORS for room in floor) == sorted(rooms | {"api", "ops", "dev", "bench"})


def test_a_room_imports_only_what_stands_below_it():
    assert {_name(path): too_high for path in SOURCES if (too_high := _too_high(path))} == {}


def _too_high(path: Path) -> set[str]:
    """Name the rooms that a file imports though they do not stand below its own."""
    own = _room(_name(path))
    lower = list(itertools.dropwhile(lambda floor: own not in floor, FLOORS))[1:]
    return {_room(name) for name in _imports(path)} - {own, "", *(room for floor in lower for room in floor)}


def test_no_two_sentences_are_told_under_keys_of_one_form():
    """Else the number of one thing is taken for another's: what is told under a known key is told to nobody."""
    forms: dict[str, list[str]] = {}
    for path in LIB:
        for form in re.findall(r'\bonce(?:, \w+)? ?= ?f"([^"]+)"', _source(path)):
            forms.setdefault(re.sub(r"{[^{}]*}", "{}", form), []).append(_name(path))
    doubled = {form: where for form, where in forms.items() if len(where) > 1}
    assert doubled == {"receipt:{}:{}": ["lib.flows.partner.clients", "lib.loyalty.counter"]}  # of an operation


def test_no_file_imports_itself_in_a_circle():
    names = {_name(path): path for path in SOURCES}
    arrows = {
        name: {target for target in (_module(one, names) for one in _imports(path, at_the_top=True)) if target != name}
        for name, path in names.items()
    }
    graphlib.TopologicalSorter({name: targets - {""} for name, targets in arrows.items()}).prepare()


def _module(name: str, known: Mapping[str, Path]) -> str:
    """Name the file that an import loads: `lib.jobs.run.Run` is of lib.jobs.run."""
    return name if name in known else name.rpartition(".")[0] if name.rpartition(".")[0] in known else ""


def _entries() -> set[str]:
    """Name what the tables name: the flows, the tasks, the providers."""
    menus = [*lib.flows.FLOWS.menus.values()]
    own = {f"{menu.package}.{name}" for menu in menus for name in menu.own}
    every = {f"{menu.shared.package}.{name}" for menu in menus if menu.shared for name in menu.every}
    tasks = {".".join(_name(path).split(".")[:3]) for path in _files("lib/tasks")} - {"lib.tasks"}
    return own | every | tasks | {*lib.providers.PROVIDERS.values()}


@pytest.mark.parametrize("package", ["flows", "tasks", "providers"])
def test_no_flow_task_or_provider_imports_another(package):
    """What several of them need stands beside them, in a module that no table names."""
    entries = [f"{one}." for one in _entries() if one.startswith(f"lib.{package}.")]
    for path in _files(f"lib/{package}"):
        for name in _imports(path):
            entry = next((one for one in entries if f"{name}.".startswith(one)), "")
            assert f"{_name(path)}.".startswith(entry), f"{_name(path)} imports {name}"


def test_a_bots_own_modules_stay_with_the_bot():
    for path in _files("lib/flows"):
        bots = {parts[2] for parts in (name.split(".") for name in _imports(path)) if parts[:2] == ["lib", "flows"]}
        own = _name(path).split(".")[2:3]
        assert bots & {*lib.flows.FLOWS.menus, "every"} <= {*own}, path


# What a bot keeps in State.data beside the drafts of its flows: the screen, the place at work, the words of a search
# with pages, and the screens that are done.
LOOSE = {"screen", "pictured", "awaits", "pages", "shop", "job", "sought", "shop_words"}
LOOSE |= {"done", "undone", "bought_on", "erase_on"}
# These forms are steps of a wizard.
WIZARDS = {f"lib.flows.partner.{name}" for name in ("apply", "goods", "promos", "rules")}


def test_what_a_flow_gathers_is_a_draft_of_its_own_type_and_key():
    for bot in lib.flows.FLOWS.menus:
        texts = {
            _name(path): path.read_text(encoding="utf-8") for path in _files(f"lib/flows/{bot}", "lib/flows/every")
        }
        keys = [key for text in texts.values() for key in re.findall(r'DraftKey\("(\w+)"', text)]
        assert len(keys) == len(set(keys)), f"{bot}: two drafts under one key"
        found = {name: re.findall(r'state\.data(?:\[|\.get\(|\.pop\()"(\w+)"', text) for name, text in texts.items()}
        loose = {name: {*used} - LOOSE for name, used in found.items() if name not in WIZARDS}
        assert {name: used for name, used in loose.items() if used} == {}


def test_no_package_calls_something_by_the_name_of_its_own_module():
    """Once the module is imported, by whatever update comes first, the name means the module."""
    for path in (ROOT / "lib").rglob("__init__.py"):
        modules = {one.stem for one in path.parent.iterdir() if one.is_dir() or one.suffix == ".py"}
        defined = {getattr(one, "name", "") for one in ast.parse(path.read_text(encoding="utf-8")).body}
        assert not defined & modules, path


def test_nothing_imports_what_lies_outside_the_product():
    for path in _files("api", "lib"):
        outside = {name.split(".")[0] for name in _imports(path)} & {"api", "dev", "ops", "bench", "tests"}
        assert not outside, f"{_name(path)} imports {outside}"


def test_only_the_functions_import_web_and_they_import_no_third_party_package():
    assert [_name(path) for path in LIB if "lib.web" in _imports(path)] == []
    for path in _files("api"):
        assert {name.split(".")[0] for name in _imports(path)} <= sys.stdlib_module_names | {"lib"}


def test_each_third_party_package_is_imported_in_one_place():
    places: dict[str, set[str]] = {}
    for path in LIB:
        parts = _name(path).split(".")
        place = ".".join(parts[: 3 if "providers" in parts else 2])
        for name in _imports(path):
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top != "lib":
                places.setdefault(top, set()).add(place)
    # fetch and cache both speak HTTP: upstash-redis is built on httpx and is given a client of it.
    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert shared in ({}, {"httpx": {"lib.fetch", "lib.cache"}})


def test_only_config_reads_the_environment():
    readers = {_name(path) for path in _files("api", "lib") if re.search(r"os\.(environ|getenv)", _source(path))}
    assert readers == {"lib.config"}


def test_no_file_or_function_is_too_long():
    lengths = {path: len(_source(path).splitlines()) for path in SOURCES}
    most = {path: 40 if path.is_relative_to(ROOT / "api") else 400 for path in SOURCES}
    assert {_name(path): lines for path, lines in lengths.items() if lines > most[path]} == {}
    functions = [(path, node) for path in SOURCES for node in ast.walk(_tree(path)) if isinstance(node, FUNCTION)]
    long = [(path, node) for path, node in functions if (node.end_lineno or 0) - node.lineno >= 40]
    assert [f"{_name(path)}.{node.name}" for path, node in long] == []


def test_every_module_says_what_it_decides_and_has_a_name_of_its_own():
    modules = [path for path in SOURCES if path.name != "__init__.py"]
    assert [_name(path) for path in modules if not ast.get_docstring(_tree(path))] == []
    assert [_name(path) for path in SOURCES if path.stem in VAGUE] == []


def test_no_line_or_file_of_the_simulators_page_is_too_long():
    files = {path.stem: path.read_text("utf-8").splitlines() for path in (ROOT / "dev" / "simulator").glob("*.js")}
    assert files
    assert [(name, line) for name, lines in files.items() for line in lines if len(line) > 120] == []
    assert [name for name, lines in files.items() if len(lines) > 400] == []


# A class is a noun: `FoundMember`, not `Found`. The errors alone say what has become of a call (lib/errors.py).
PARTICIPLE = re.compile(r"_*([A-Z][a-z]{2,}ed|Begun|Found|Gone|Held|Kept|Lent|Lost|Made|Paid|Said|Sent|Shown|Taken)")


def test_a_class_name_stands_for_one_thing_and_is_a_noun():
    classes = [(path, node.name) for path in LIB for node in ast.walk(_tree(path)) if isinstance(node, ast.ClassDef)]
    names = collections.Counter(name.lstrip("_") for _, name in classes)
    assert [name for name, number in names.items() if number > 1] == []
    assert [name for path, name in classes if PARTICIPLE.fullmatch(name) and path != ROOT / "lib" / "errors.py"] == []


def test_no_step_of_an_order_takes_more_than_four_arguments():
    """An item, its call and the choice of who makes it are types: what belongs together is handed on together."""
    for node in itertools.chain.from_iterable(ast.walk(_tree(path)) for path in _files("lib/tasks/order")):
        if isinstance(node, FUNCTION):
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            assert len([name for name in names if name != "self"]) <= 4, node.name


def test_vercel_takes_the_functions_for_functions():
    assert json.loads((ROOT / "vercel.json").read_text())["framework"] is None
    assert (ROOT / "public").is_dir(), "without it every file of the project would be served"
    for name in ("app", "main", "index", "server"):
        assert not (ROOT / f"{name}.py").exists()
    for rule in json.loads((ROOT / "vercel.json").read_text())["functions"].values():
        assert len(rule["excludeFiles"]) <= 256
        assert all(folder in rule["excludeFiles"] for folder in ("tests", "dev", "bench", "docs"))


def test_the_worker_that_draws_is_deployed_with_all_that_its_tasks_import():
    """What its bundle leaves out makes room; a task would miss it only when it runs."""
    left_out = json.loads((ROOT / "vercel.json").read_text())["functions"]["api/render.py"]["excludeFiles"]
    rooms = {name.replace("/", ".") for name in re.findall(r"lib/\w+", left_out)}
    kinds = [kind if isinstance(kind, Kind) else kind() for kind in tasks.HEAVY.values()]
    todo = ["api.render", *(kind.module for kind in kinds), *providers.PROVIDERS.values()]
    seen = set[str]()
    while todo:
        name = todo.pop()
        path = next((one for one in (_file(name), _file(name.rpartition(".")[0])) if one), None)
        if path and str(path) not in seen:
            seen.add(str(path))
            assert not any(name.startswith(f"{room}.") for room in rooms), f"{path.relative_to(ROOT)} is left out"
            todo += _imports(path)
    assert len(seen) > 100
    domains = re.search(r"LC_MESSAGES/{([\w,]+)}", left_out).group(1).replace(",", "|")
    named = {path for path in seen if re.search(rf"""["'](?:{domains})\.\w""", Path(path).read_text(encoding="utf-8"))}
    assert not named, "their sentences are left out"


def _file(module: str) -> Path | None:
    """Return the file of a module of ours; None for anybody else's, and for a name within one."""
    at = ROOT.joinpath(*module.split("."))
    return next((one for one in (at.with_suffix(".py"), at / "__init__.py") if one.is_file()), None)


LOADED = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.mark.parametrize(
    "module",
    [
        "api.telegram.index",
        "api.cache.index",
        "api.callback.index",
        "api.drain.index",
        "api.render",
        "api.health.index",
        "api.metrics.index",
    ],
)
def test_a_function_loads_nothing_heavy_before_it_is_asked(module):
    done = subprocess.run(
        [sys.executable, "-c", LOADED, module], cwd=ROOT, capture_output=True, check=False, text=True, env={"PATH": ""}
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith("lib.regions")], "one region has no use for it"
    tops = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names - {"api", "lib"}
    modules = importlib.metadata.packages_distributions()
    packages = {_normal(package) for top in tops for package in modules.get(top, [])}
    assert packages <= {*_pins(WEBHOOK)} | OPTIONAL


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(file: str) -> dict[str, Requirement]:
    lines = hashes.bare((ROOT / file).read_text())
    wanted = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {_normal(one.name): one for one in wanted}


WEBHOOK = "api/telegram/requirements.txt"
OWN = tuple(str(path.relative_to(ROOT)) for path in sorted((ROOT / "api").glob("*/requirements.txt")))
LISTS = ("requirements.txt", *OWN, "dev/requirements.txt")


@pytest.mark.parametrize("file", LISTS)
def test_every_package_is_pinned_exactly_and_is_the_one_we_test_with(file):
    for name, pin in _pins(file).items():
        assert re.fullmatch(r"==[0-9][^,*]*", str(pin.specifier)), pin
        assert importlib.metadata.version(name) in pin.specifier, f"{pin}: run make setup"


def test_postgres_is_spoken_to_through_the_compiled_client():
    """The pure Python one takes five times the processor's time, and whatever libpq the machine has, or none."""
    assert psycopg.pq.__impl__ == "binary", "run: make setup"


@pytest.mark.parametrize("file", [*LISTS, "dev/audit.txt", "bench/loading/requirements.txt"])
def test_every_pin_has_its_hashes(file):
    text = (ROOT / file).read_text()
    pinned = re.findall(r"^[A-Za-z][^#\n]*==\S+[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(pinned) == len([line for line in hashes.bare(text) if line and not line.startswith("#")]), (
        "run: python -m dev.hashes"
    )


@pytest.mark.parametrize("file", LISTS)
def test_what_a_package_brings_is_pinned_too(file):
    known = _pins(file) | (_pins("requirements.txt") if file.startswith("dev") else {})
    for name, pin in _pins(file).items():
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            extras = [{"extra": extra} for extra in pin.extras] or [{"extra": ""}]
            if not needed.marker or any(needed.marker.evaluate(extra) for extra in extras):
                assert _normal(needed.name) in known, f"{name} needs {needed}"


@pytest.mark.parametrize("file", OWN)
def test_a_functions_own_packages_are_some_of_the_others_in_the_same_versions(file):
    every, own = _pins("requirements.txt"), _pins(file)
    assert {name: str(pin) for name, pin in every.items() if name in own} == {n: str(p) for n, p in own.items()}
    assert not {"pillow", "numpy", "av"} & set(own)
    assert not set(_pins("dev/requirements.txt")) & set(every), "dev/setup.py installs both at the same time"


def test_a_function_with_packages_of_its_own_is_built_before_the_others():
    """`vercel build` keeps one virtual environment for all and builds the deepest files first: what it built first is
    broken unless the last list, the root's, has every package of the others."""
    depth = {path.parent: len(path.relative_to(ROOT).parts) for path in _files("api")}
    own = {folder for folder in depth if (folder / "requirements.txt").exists()}
    others = [depth[folder] for folder in depth if folder not in own]
    assert min(depth[folder] for folder in own) > max(others)


def _settings() -> set[str]:
    text = (ROOT / "lib" / "config.py").read_text(encoding="utf-8")
    bots = {f"{bot}_BOT_TOKEN" for bot in ("STUDIO", "CLIENT", "PARTNER", "ADMIN")}
    ours = set(re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]+|REGIONS)"', text)) - {"OPENBLAS_NUM_THREADS"}  # NumPy's
    return ours | bots


def _by_name() -> set[str]:
    """Return the settings that are called after their provider; example and README describe them for all."""
    found = {one for name, pair in config.PROVIDERS.items() for one in pair if one.startswith(f"{name.upper()}_API_")}
    return found - {"KIE_API_KEY", "KIE_API_URL", "OPENAI_API_KEY"}


def test_every_setting_is_in_the_example_and_nothing_else_is():
    named = set(re.findall(r"^([A-Z0-9_]+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named == _settings() - _by_name() - SETTINGS_OF_THE_PLATFORM


def test_every_setting_is_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(_settings() - _by_name()) if f"`{name}`" not in text] == []


def test_every_query_is_used():
    for path in sorted((ROOT / "sql" / "queries").glob("*.sql")):
        users = [_source(file) for file in SOURCES if f'load("{path.stem}")' in _source(file)]
        named = {name for text in users for name in re.findall(r"\b(?:SQL|sql)\.(\w+)", text)}
        assert users, f"nothing loads {path.name}"
        assert set(re.findall(r"^-- name: (\w+)", _source(path), re.MULTILINE)) - named == set(), path.name
