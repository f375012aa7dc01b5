"""A migration that the code before it does not survive is refused, unless it says why nothing needs it."""

import pytest

from lib import migrations
from lib.migrations import Migration
from ops import contract
from ops.__main__ import main


def check(text):
    return [one.what for one in contract.check([Migration("9999_change", text)])]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("drop table jobs;", "drops a table"),
        ("drop view if exists job_states;", "drops a view"),
        ("drop function queue_wait(bigint);", "drops a function"),
        ("drop type job_state;", "drops a type"),
        ("alter table jobs drop column note;", "drops a column"),
        ("alter table jobs drop note;", "drops a column"),
        ("alter table jobs drop if exists note;", "drops a column"),
        ("alter table only jobs add a int, drop column if exists note cascade;", "drops a column"),
        ("alter table jobs rename column note to words;", "renames"),
        ("alter table jobs rename to tasks;", "renames"),
        ("alter type job_state rename value 'done' to 'made';", "renames"),
        ("alter function take(bigint) rename to took;", "renames"),
        ("ALTER TABLE jobs\n  ALTER COLUMN note SET NOT NULL;", "forbids null"),
        ("alter table jobs alter note type bigint using note::bigint;", "changes a type"),
        ("alter table jobs alter column note set data type text;", "changes a type"),
        ("alter table jobs alter column note drop default;", "drops a default"),
        ("alter table jobs add column note text not null;", "adds a column that must be filled"),
        ('alter table jobs add "note" text not null;', "adds a column that must be filled"),
        ("alter table jobs set schema old;", "moves a table"),
        ("revoke update on jobs from lotok_app;", "takes a right away"),
        ("-- contract: old\ndrop table jobs;", "drops a table"),
        ("-- contract: nothing reads it since 0040\nselect 1; drop table jobs;", "drops a table"),
        ("create table a (id int); revoke update on a, jobs from lotok_app;", "takes a right away"),
    ],
)
def test_what_takes_something_away_is_refused(text, what):
    assert check(text) == [what]


@pytest.mark.parametrize(
    "text",
    [
        "alter table jobs add column note text;",
        "alter table jobs add column note text not null default '';",
        "alter table jobs add column n bigint not null generated always as (price * 2) stored;",
        "alter table jobs add constraint told check (note is not null);",
        "alter table jobs drop constraint told;",
        "alter table jobs alter column note drop not null;",
        "alter table jobs alter column note set default '';",
        "create table notes (id bigint not null); alter table notes alter column id type int;",
        "create table if not exists notes (id bigint); revoke update on notes from lotok_app;",
        "revoke create on schema public from lotok_till;",
        "drop index jobs_due; drop trigger told on jobs; drop policy own on jobs;",
        "insert into words values ('drop table jobs; -- it''s a text');",
        "create or replace function f() returns void as $$ begin drop table jobs; end $$ language plpgsql;",
        "create function f() returns void as $body$ alter table jobs rename to x; $body$ language sql;",
        "-- drop table jobs;\nselect 1;",
        "-- contract: nothing has read this table since 0040\ndrop table jobs;",
        "-- It held drafts.\n-- contract: no code since 0031 names it\nalter table a drop column b;",
    ],
)
def test_what_older_code_survives_is_let_through(text):
    assert check(text) == []


def test_what_was_there_before_the_rule_is_not_judged():
    text = "drop table jobs;"
    assert contract.check([Migration(f"{contract.RULED_AFTER}_change", text)]) == []
    assert [one.migration for one in contract.check([Migration("9999_change", text)])] == ["9999_change"]
    assert len(contract.check(migrations.available(), "0000")) > 3, "the first ones did such things, and are seen"


def test_no_migration_of_ours_breaks_the_code_before_it():
    """Yesterday's code runs beside a new schema during each deployment, and after a rollback."""
    assert contract.check(migrations.available()) == []


def test_the_verb_asks_no_database(capsys, monkeypatch):
    assert main(["migrate", "--check"]) == 0
    assert capsys.readouterr().out == "no new migration breaks the code before it\n"
    monkeypatch.setattr(migrations, "available", lambda: [Migration("9999_forget", "drop table users;")])
    assert main(["migrate", "--check"]) == 1
    assert "9999_forget drops a table: drop table users" in capsys.readouterr().out
