"""The client of Neon's API against the stand-in: what is asked again, what is waited for, what is never touched."""

from datetime import timedelta

import pytest

from lib import db, errors, fetch
from ops.neon import api
from ops.neon.api import Branch, Neon
from tests.ops.neon.branches.conftest import KEY, NOW

SOON = NOW + timedelta(days=1)


async def made(neon, name="preview/x"):
    return await neon.create(name, await neon.parent(), SOON)


async def test_a_branch_is_a_database_of_its_own_with_its_parents_rows(neon, lab):
    branch = await made(neon)
    assert (branch.name, branch.parent_id, branch.expires_at) == ("preview/x", "br-main", SOON)
    assert await neon.database(branch) == ("neondb", "owner")
    async with db.connect(await neon.uri(branch, "neondb", "owner", pooled=False)) as conn:
        await conn.execute("create table only_here ()")
    again = await neon.find("preview/x")
    assert again == branch
    assert await neon.diff(branch, branch.parent_id, "neondb") != ""


async def test_a_change_is_done_when_its_operations_are(neon, lab):
    await made(neon)
    looks = [path for method, path in lab.service.requests if path.startswith("/operations/")]
    assert len(looks) == 4, "two operations, each done at its second look"
    assert len(lab.waited) == 2


@pytest.mark.parametrize("fault", ["423", "429", "503"])
async def test_what_neon_was_too_busy_for_is_asked_again(neon, lab, fault):
    lab.service.faults.add(fault)
    assert [one.name for one in await neon.branches()] == ["main"]
    assert len(lab.waited) == 1
    assert lab.waited[0] >= (1 if fault == "429" else 0), "Retry-After is kept to"


async def test_a_change_waits_for_somebody_elses(neon, lab):
    await lab.service.create("preview/of-somebody")
    await made(neon)
    assert lab.changes == [("POST", "/branches")] * 2, "423 and then made"
    assert {one.name for one in await neon.branches()} == {"main", "preview/of-somebody", "preview/x"}


async def test_patience_ends_and_says_what_it_waited_for(neon, lab):
    lab.service.faults.add("423", times=1000)
    with pytest.raises(errors.Unavailable, match="gave up after 300 s: locked"):
        await neon.branches()
    assert 200 < sum(lab.waited) <= 300


async def test_a_change_whose_answer_was_lost_is_looked_up_and_not_repeated(neon, lab):
    lab.service.faults.add("answer_lost")
    branch = await made(neon)
    assert lab.changes == [("POST", "/branches")]
    assert branch.name == "preview/x"


async def test_a_lost_answer_to_what_has_no_name_is_an_error(neon, lab):
    branch = await made(neon)
    lab.service.faults.add("answer_lost")
    with pytest.raises(errors.Unavailable) as raised:
        await neon.delete(branch)
    assert raised.value.code == "no_answer"


async def test_a_service_that_cannot_be_reached_is_tried_until_the_patience_ends(lab):
    nobody = Neon(KEY, "local", url="http://127.0.0.1:1", pause=lab.pause, clock=lambda: sum(lab.waited))
    with pytest.raises(errors.Unavailable, match="gave up after 300 s"):
        await nobody.branches()


async def test_an_operation_that_failed_is_an_error_at_once(neon, lab):
    lab.service.faults.add("operation_fails")
    with pytest.raises(errors.Rejected, match="create_branch failed"):
        await made(neon)


@pytest.mark.parametrize("verb", ["reset", "delete", "change"])
@pytest.mark.parametrize("kind", ["default", "protected"])
async def test_the_default_branch_and_a_protected_one_are_refused_before_neon_is_asked(neon, lab, kind, verb):
    if kind == "protected":
        await lab.service.create("preview/kept", protected=True)
        lab.service._operations.clear()
        branch = await neon.find("preview/kept")
    else:
        branch = await neon.parent()
    with pytest.raises(errors.Denied, match="not_a_preview"):
        await (neon.change(branch, name="preview/y") if verb == "change" else getattr(neon, verb)(branch))
    assert lab.changes == []


async def test_a_branch_that_became_protected_meanwhile_is_refused_too(neon, lab):
    branch = await made(neon)
    lab.service.branches[branch.id].protected = True
    with pytest.raises(errors.Denied, match="preview/x is protected"):
        await neon.delete(branch)


async def test_a_reset_brings_back_the_parents_data_at_the_same_address(neon):
    branch = await made(neon)
    url = await neon.uri(branch, "neondb", "owner", pooled=False)
    async with db.connect(url) as conn:
        await conn.execute("drop table people")
    await neon.reset(branch)
    assert await neon.uri(branch, "neondb", "owner", pooled=False) == url
    async with db.connect(url) as conn:
        await conn.execute("select from people")


async def test_a_deleted_branch_is_gone_and_deleting_it_again_is_fine(neon):
    branch = await made(neon)
    assert await neon.delete(branch) is True
    assert await neon.find("preview/x") is None
    assert await neon.delete(branch) is False
    with pytest.raises(errors.Missing, match="branch not found"):
        await neon.reset(branch)


async def test_a_branch_whose_time_is_over_is_gone(neon, lab):
    branch = await made(neon)
    later = await neon.change(branch, expires_at=NOW + timedelta(days=3))
    assert later.expires_at == NOW + timedelta(days=3)
    lab.pass_days(2)
    assert await neon.find("preview/x") is not None
    lab.pass_days(2)
    assert await neon.find("preview/x") is None


async def test_every_page_of_branches_is_read(neon, lab, monkeypatch):
    lab.note("preview/1", "preview/2", "preview/3")
    whole = lab.service._list
    monkeypatch.setattr(lab.service, "_list", lambda query: whole({**query, "limit": "1"}))
    assert len(await neon.branches("preview/")) == 3


async def test_a_wrong_key_is_one_line_that_names_the_setting(lab):
    with pytest.raises(errors.Misconfigured, match="NEON_API_KEY"):
        await lab.client(key="another").branches()


@pytest.mark.parametrize(("key", "project", "name"), [("", "p", "NEON_API_KEY"), ("k", "", "NEON_PROJECT_ID")])
def test_without_a_key_or_a_project_nothing_begins(key, project, name):
    with pytest.raises(errors.Misconfigured, match=f"{name} is not set"):
        Neon(key, project, url="http://127.0.0.1:1")


async def test_of_several_databases_one_must_be_named(neon, monkeypatch):
    docs = {"databases": [{"name": "a", "owner_name": "x"}, {"name": "b", "owner_name": "y"}]}

    async def ask(method, url, **_):
        return fetch.Answer(200, {}, api.json.dumps(docs).encode())

    monkeypatch.setattr(fetch, "ask", ask)
    branch = Branch("br-1", "preview/x")
    assert await neon.database(branch, "b") == ("b", "y")
    with pytest.raises(errors.Invalid, match="preview/x: a, b"):
        await neon.database(branch)


async def test_no_more_branches_than_the_plan_has_are_made(neon, lab):
    lab.note(*(f"preview/{number}" for number in range(10)))
    with pytest.raises(errors.Rejected, match="branches limit exceeded"):
        await made(neon)
