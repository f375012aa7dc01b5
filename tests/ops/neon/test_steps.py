"""Steps are done once, whatever interrupts them."""

import json
import stat

import pytest

from lib import errors
from ops.neon import steps
from ops.neon.steps import State, Step

NEON = "postgresql://o:s3cret@ep-1.eu.aws.neon.tech/shop"
AIVEN = "postgresql://avnadmin:s3cret@pg-1.aivencloud.com:12691/defaultdb"


async def do(name, log, fails=()):
    log.append(name)
    if name in fails:
        raise errors.Unavailable("database", "gone")
    return f"{name} was done"


def plan(log, fails=()):
    async def step(name):
        return await do(name, log, fails)

    return [Step(name, f"do {name}", lambda _, name=name: step(name)) for name in ("one", "two", "three")]


async def test_steps_go_on_where_they_were_interrupted(tmp_path):
    log, said = [], []
    state = State(tmp_path / "copy.json")
    with pytest.raises(errors.Unavailable):
        await steps.run(plan(log, fails=("two",)), state, None, said.append)
    again = steps.load("copy", NEON, AIVEN, tmp_path)
    assert (again.done("one"), again.done("two"), again.begun("two"), again.begun("three")) == (
        True,
        False,
        True,
        False,
    )
    await steps.run(plan(log), again, None, said.append)
    assert log == ["one", "two", "two", "three"]
    assert said[-1].strip().startswith("three was done (")
    assert "1/3 one          done before" in said


async def test_a_file_of_state_holds_no_secret_and_no_host(tmp_path):
    state = steps.load("copy", NEON, AIVEN, tmp_path)
    await steps.run(plan([]), state, None, lambda _: None)
    text = state.path.read_text()
    assert "s3cret" not in text
    assert "neon.tech" not in text
    assert set(json.loads(text)["steps"]) == {"one", "two", "three"}
    assert stat.S_ISREG(state.path.stat().st_mode)


def test_two_moves_have_two_folders_and_a_password_makes_no_third():
    first, second = steps.load("copy", NEON, AIVEN), steps.load("copy", AIVEN, NEON)
    assert first.folder != second.folder
    assert steps.load("copy", NEON.replace("s3cret", "other"), AIVEN).folder == first.folder
    assert steps.load("cutover", NEON, AIVEN).path != first.path


def test_a_broken_file_says_what_to_do(tmp_path):
    (tmp_path / "copy.json").write_text("{")
    with pytest.raises(errors.Invalid, match="delete it to begin again"):
        steps.load("copy", NEON, AIVEN, tmp_path)


def test_a_step_can_be_done_again(tmp_path):
    state = State(tmp_path / "copy.json")
    state.mark("one", "done", seconds=1)
    state.mark("one", "done", rows=7)
    assert state.steps["one"]["seconds"] == 1
    state.forget("one")
    assert not steps.load("copy", NEON, AIVEN, tmp_path).begun("one")
