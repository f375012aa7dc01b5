"""An older bot's people come over with what they own, once."""

import argparse
import json

import pytest

from lib import db, errors
from lib.credits import ledger
from lib.office import audit
from lib.people import users
from ops import imports
from ops.imports import SOURCES, Person, UnfinishedJob

NAMES = SOURCES["neurocards"]
USERS = """id,tg_user_id,username,credits,created_at
7f1,{0},alice,12,2026-01-01 10:00:00+00
7f2,{1},@bob,0,2026-01-02 10:00:00+00
7f3,{2},,3,2026-01-03 10:00:00+00
"""
JOBS = """id,user_id,tg_user_id,status,error
j1,7f1,{0},done,
j2,7f1,{0},queued,
j3,7f2,,processing,
j4,7f3,{2},failed,"a fault, with a comma"
"""


@pytest.fixture
def files(tmp_path):
    def write(of_users=USERS, of_jobs=JOBS, ids=(880001, 880002, 880003)):
        for name, text in (("users.csv", of_users), ("jobs.csv", of_jobs)):
            (tmp_path / name).write_text(text.format(*ids), encoding="utf-8")
        return tmp_path / "users.csv", tmp_path / "jobs.csv"

    return write


def test_people_and_unfinished_jobs_are_read(files):
    plan = imports.read(*files(), NAMES)
    assert plan.people == [
        Person(880001, "alice", credits=12),
        Person(880002, "bob"),
        Person(880003, credits=3),
    ]
    assert plan.jobs == [UnfinishedJob("j2", 880001, 1), UnfinishedJob("j3", 880002, 1)]
    assert (plan.finished, plan.wrong) == (2, [])


def test_a_table_with_what_was_taken_gives_that_back(files):
    jobs = "id,tg_user_id,status,credits_deducted\nj9,{0},queued,4\n"
    assert imports.read(*files(of_jobs=jobs), NAMES).jobs == [UnfinishedJob("j9", 880001, 4)]


def test_columns_of_other_names_are_found(files):
    of_users = "telegram,tokens\n{0},5\n"
    names = imports.columns("neurocards", ["tg_user_id=telegram", "credits=tokens"])
    assert imports.read(files(of_users=of_users)[0], None, names).people == [Person(880001, credits=5)]


@pytest.mark.parametrize("given", ["tokens", "tokens=credits", "credits="])
def test_a_column_that_is_none_of_ours_is_refused(given):
    with pytest.raises(errors.Invalid, match="OURS is one of tg_user_id"):
        imports.columns("neurocards", [given])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("x,,a,1,", "the Telegram id: ''"),
        ("x,-5,a,1,", "the Telegram id: '-5'"),
        ("x,١٢,a,1,", "the Telegram id"),
        ("x,12.0,a,1,", "the Telegram id: '12.0'"),
        ("x,99999999999999999999,a,1,", "the Telegram id"),
        ("x,5,a,-1,", "credits: '-1'"),
        ("x,5,a,1e3,", "credits: '1e3'"),
        ("x,5,a,100001,", "credits: '100001' is no whole number from 0 to 100000"),
        ("x,880001,a,1,", "880001 is there twice"),
    ],
)
def test_a_wrong_line_of_users_is_named(files, row, said):
    plan = imports.read(files(of_users=USERS + row + "\n")[0], None, NAMES)
    assert len(plan.wrong) == 1
    assert plan.wrong[0].startswith("users.csv:5: ")
    assert said in plan.wrong[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("j7,7f1,{0},lost,", "a job with the status 'lost'"),
        (",7f1,{0},queued,", "a job without an id"),
        ("j7,7f9,,queued,", "whose job it is: ''"),
        ("j7,,77,queued,", "a job of 77, who is not among the users"),
    ],
)
def test_a_wrong_line_of_jobs_is_named(files, row, said):
    plan = imports.read(*files(of_jobs=JOBS + row + "\n"), NAMES)
    assert [line.startswith("jobs.csv:6: ") and said in line for line in plan.wrong] == [True]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_file_without_the_columns_is_refused(files, text):
    with pytest.raises(errors.Invalid, match="has no column tg_user_id"):
        imports.read(files(of_users=text)[0], None, NAMES)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "users.csv").write_bytes(b"tg_user_id,credits\n\xff\xfe,1\n")
    with pytest.raises(errors.Invalid, match=r"users\.csv cannot be read"):
        imports.read(tmp_path / "users.csv", None, NAMES)


async def test_each_balance_is_one_operation_and_a_second_import_gives_nothing(conn, files):
    plan = imports.read(*files(ids=(881001, 881002, 881003)), NAMES)
    first = await imports.bring(conn, plan, "neurocards", "tester", dry=False)
    assert (first.new, first.known, first.balances, first.credits, first.given_back) == (3, 0, 4, 17, 2)
    again = await imports.bring(conn, plan, "neurocards", "tester", dry=False)
    assert (again.new, again.known, again.balances, again.credits, again.before) == (0, 3, 0, 0, 4)
    alice = await users.get_user_by_tg_id(conn, 881001)
    assert (alice.balance, alice.username, alice.consent_at) == (13, "alice", None)
    entries = await ledger.list_entries(conn, alice.id)
    assert sorted((entry.kind, entry.amount) for entry in entries) == [("grant", 1), ("grant", 12)]
    assert await audit.check(conn) == []


async def test_a_dry_run_says_the_same_and_changes_nothing(conn, files):
    plan = imports.read(*files(ids=(882001, 882002, 882003)), NAMES)
    said = await imports.bring(conn, plan, "neurocards", "tester", dry=True)
    assert (said.new, said.credits) == (3, 17)
    assert await users.get_user_by_tg_id(conn, 882001) is None
    assert imports.words(said, dry=True).startswith(
        "would bring 3 people, 0 were here; 17 credits in 4 operations, 2 of"
    )


async def test_who_is_here_already_keeps_name_and_balance(conn, make_user, files):
    bob = await make_user(credits=5)
    plan = imports.read(*files(ids=(bob.tg_id, 883002, 883003)), NAMES)
    await imports.bring(conn, plan, "neurocards", "tester", dry=False)
    after = await users.get_user_by_tg_id(conn, bob.tg_id)
    assert (after.balance, after.username, after.seen_at) == (18, bob.username, bob.seen_at)


async def test_the_verb_changes_nothing_while_a_line_is_wrong(database, files, capsys):
    of_users, of_jobs = files(of_users=USERS + "x,0,a,1,\n", ids=(884001, 884002, 884003))
    args = argparse.Namespace(
        bot="neurocards", users=of_users, jobs=of_jobs, column=[], dry_run=False, by="tester", json=True
    )
    with pytest.raises(errors.Invalid, match=r"users\.csv:5: the Telegram id"):
        await imports.run(args)
    args.users = files(ids=(884001, 884002, 884003))[0]
    assert await imports.run(args) == 0
    assert json.loads(capsys.readouterr().out)["credits"] == 17
    async with database.connect() as conn:
        assert (await users.get_user_by_tg_id(conn, 884003)).balance == 3
    await db.close()
