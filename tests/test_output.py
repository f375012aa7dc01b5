"""bench/output.py: what `vercel build` made is held against vercel.json, and each thing that differs is named."""

import json
import shutil

import pytest

from bench import output
from dev.stack import ROOT

WANTED = json.loads((ROOT / "vercel.json").read_text())
NAMES = {entry: entry.removesuffix(".py").removesuffix("/index") for entry in WANTED["functions"]}


@pytest.fixture
def built(tmp_path):
    """Lay out what the builder makes of the project; return the project, its routes, and each function's files."""
    made = tmp_path / ".vercel/output"
    shutil.copy(ROOT / "vercel.json", tmp_path)
    for folder in ("api", "public"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    shutil.copytree(ROOT / "public", made / "static")
    for entry, name in NAMES.items():
        folder = made / f"functions/{name}{'/index' if entry.endswith('/index.py') else ''}.func"
        folder.mkdir(parents=True)
        facts = {"runtime": "python3.12", "maxDuration": WANTED["functions"][entry]["maxDuration"]}
        (folder / ".vc-config.json").write_text(json.dumps(facts))
    every, api = ({pair["key"]: pair["value"] for pair in rule["headers"]} for rule in WANTED["headers"])
    routes = [
        {"src": "^(?:/(.*))$", "headers": every, "continue": True},
        {"src": "^/api(?:/(.*))$", "headers": api, "continue": True},
        {"handle": "filesystem"},
        {"src": "^/api/telegram(?:/([^/]+?))$", "dest": "/api/telegram?bot=$1", "check": True},
        {"src": "^/api/callback(?:/([^/]+?))$", "dest": "/api/callback?provider=$1", "check": True},
        {"src": "^/api(/.*)?$", "status": 404},
        {"handle": "error"},
        {"status": 404, "src": "^(?!/api).*$", "dest": "/404.html"},
        {"handle": "miss"},
        {"src": r"^/api/(.+)(?:\.(?:py))$", "dest": "/api/$1", "check": True},
    ]
    files = {name: dict.fromkeys((entry, *output.ALWAYS), ROOT) for entry, name in NAMES.items()}
    return tmp_path, {"version": 3, "routes": routes, "crons": WANTED["crons"]}, files


def faults(built):
    project, config, files = built
    (project / ".vercel/output/config.json").write_text(json.dumps(config))
    return output.faults(project, files)


def test_what_is_as_it_says_has_no_fault(built):
    assert faults(built) == []


def test_a_cron_a_header_and_a_route_that_differ_are_named(built):
    _, config, _ = built
    config["crons"] = []
    del config["routes"][0]["headers"]["X-Frame-Options"]
    config["routes"][3]["dest"] = "/api/telegram"
    found = "\n".join(faults(built))
    assert "crons: []" in found
    assert "headers of /style.css" in found
    assert "/api/telegram/studio leads to /api/telegram" in found
    assert "/api/callback/kie leads" not in found


def test_a_function_that_is_lacking_too_many_or_too_short_is_named(built):
    project, _, _ = built
    functions = project / ".vercel/output/functions/api"
    shutil.rmtree(functions / "render.func")
    (functions / "drain/index.func/.vc-config.json").write_text('{"runtime": "python3.12", "maxDuration": 10}')
    assert [one.partition(":")[0] for one in faults(built)] == ["functions", "api/drain"]
    for number in range(8):
        (functions / f"more{number}.func").mkdir()
        (functions / f"more{number}.func/.vc-config.json").write_text("{}")
    assert "14 functions, and the free plan takes 12" in faults(built)


def test_what_a_site_or_a_function_must_not_hold_is_named(built):
    project, _, files = built
    (project / ".vercel/output/static/config.py").write_text("source")
    files["api/telegram"] |= dict.fromkeys(("tests/test_money.py", ".env.production", "lib/tasks/order.py"), ROOT)
    del files["api/health"]["sql/queries/users.sql"]
    assert sorted(faults(built)) == [
        "api/health lacks sql/queries/users.sql",
        "api/telegram holds .env.production",
        "api/telegram holds lib/tasks/order.py",
        "api/telegram holds tests/test_money.py",
        "static files: ['config.py']",
    ]
