"""The verb as its user sees it: one line for each outcome, passwords hidden unless asked for, help with examples."""

import asyncio
import json
import shutil
import subprocess

import pytest

from lib import config, migrations
from ops.__main__ import main
from ops.neon import branch
from tests.ops.neon.branches.conftest import KEY


@pytest.fixture
def ops(lab, monkeypatch, capsys):
    """Run `python -m ops branch` against the stand-in; return its exit code and what it printed."""
    settings = {"NEON_API_KEY": KEY, "NEON_PROJECT_ID": "local", "NEON_API_URL": lab.url}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config.get.cache_clear()
    monkeypatch.setattr(migrations, "available", list)
    lab.service.clock = lambda: branch.datetime.now(branch.UTC)  # the verb goes by the real one

    async def run(*args):
        capsys.readouterr()
        code = await asyncio.to_thread(main, ["branch", *args])
        said = capsys.readouterr()
        return code, (said.out + said.err).strip()

    yield run
    config.get.cache_clear()


@pytest.mark.long
async def test_a_preview_from_its_creation_to_its_end(ops, tmp_path):
    env = tmp_path / ".env"
    code, said = await ops("create", "feature/x", "--env", str(env), "--days", "2")
    assert (code, said.splitlines()[0].split("  ")[0]) == (0, "preview/feature/x")
    assert "created" in said
    assert "DATABASE_URL          lotok_app@local/branch_" in said
    assert "postgresql://" not in said
    written = dict(line.split("=", 1) for line in env.read_text().splitlines())
    assert [*written] == ["DATABASE_URL", "DATABASE_URL_UNPOOLED"]
    assert "***" not in env.read_text()

    code, said = await ops("url", "feature/x", "--app")
    assert (code, said) == (0, written["DATABASE_URL"])
    code, said = await ops("url", "feature/x", "--json")
    assert json.loads(said) == {
        "app": written["DATABASE_URL"],
        "pooled": written["DATABASE_URL_UNPOOLED"],
        "direct": written["DATABASE_URL_UNPOOLED"],
    }
    code, said = await ops("list")
    assert (code, said.split()[:2]) == (0, ["preview/feature/x", "ready"])
    assert "found" in (await ops("create", "feature/x"))[1]
    assert "reset" in (await ops("reset", "feature/x"))[1]
    assert await ops("delete", "feature/x") == (0, "preview/feature/x deleted")
    assert await ops("delete", "feature/x") == (0, "preview/feature/x is not there")
    assert await ops("list") == (0, "there are no previews")


async def test_json_names_the_settings_and_what_was_done(ops):
    code, said = await ops("create", "x", "--no-migrate", "--json")
    told = json.loads(said)
    assert (code, told["created"], told["applied"], told["branch"]["name"]) == (0, True, [], "preview/x")
    assert told["settings"] == {"DATABASE_URL": told["app"], "DATABASE_URL_UNPOOLED": told["direct"]}


@pytest.mark.long
async def test_the_schema_is_compared_with_the_parents(ops, tmp_path):
    change = tmp_path / "change.sql"
    change.write_text("alter table people add column hat text")
    await ops("create", "x", "--no-migrate", "--anonymise", str(change))
    code, said = await ops("diff", "x")
    assert code == 0
    assert [line for line in said.splitlines() if line.startswith("+") and "hat" in line]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["url", "nothing"], "no preview: there is no branch preview/nothing"),
        (["create", "x", "--from", "nobody"], "no branch: nobody"),
        (["create", "x", "--anonymise", "/nowhere.sql"], "no file: /nowhere.sql cannot be read"),
        (["create", "a b"], "no git branch: 'a b' is no name of a git branch"),
        (["create", "x", "--database", "shop"], "which database: --database must be one of those of"),
    ],
)
async def test_a_failure_is_one_line(ops, args, words):
    code, said = await ops(*args)
    assert (code, len(said.splitlines())) == (1, 1)
    assert said.startswith(f"ops branch: {words}")


async def test_without_a_name_it_is_the_checked_out_branchs(ops, tmp_path, monkeypatch):
    git = ["git", "init", "-q", "-b", "new-hats", tmp_path]
    await asyncio.to_thread(subprocess.run, git, check=True)
    monkeypatch.chdir(tmp_path)
    assert (await ops("delete"))[1] == "preview/new-hats is not there"
    shutil.rmtree(tmp_path / ".git")
    assert (await ops("delete"))[1] == "ops branch: no git branch: no git branch is checked out here: name one"


@pytest.mark.parametrize("days", ["0", "31", "-1", "soon", "nan"])
def test_a_preview_lives_for_thirty_days_at_most(days, capsys):
    with pytest.raises(SystemExit) as end:
        main(["branch", "create", "x", "--days", days])
    assert end.value.code == 2
    assert "up to 30" in capsys.readouterr().err


def test_help_has_an_example_of_every_verb(capsys):
    with pytest.raises(SystemExit):
        main(["branch", "--help"])
    told = capsys.readouterr().out
    assert [verb for verb in branch.VERBS if f"python -m ops branch {verb}" not in told] == []


def test_the_comment_of_a_pull_request_says_how_much_changed():
    text = "--- main\n+++ preview/x\n@@ -1 +1,2 @@\n+create table hats ();\n+-- a ``` in a comment\n-drop"
    said = branch.markdown("preview/x", text)
    assert said.startswith("**Schema of `preview/x`**: 2 lines more, 1 fewer")
    assert "\n````diff\n" in said
    assert said.count("````") == 2
    assert branch.markdown("preview/x", "") == "**Schema of `preview/x`**: as its parent has it."


def test_a_comment_is_cut_to_what_github_takes():
    said = branch.markdown("preview/x", "+é\n" * 100_000)
    assert len(said) < 65_536
    assert "… cut\n```" in said
