"""Two readings of a catalogue are compared by what they mean."""

import pytest

from lib import errors
from ops.neon import catalog, deparse
from ops.neon.catalog import Difference


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("WHEN (((a OR b) OR c))", "WHEN ((a OR b OR c))"),
        ("CHECK (((a > 1) AND ((b < 2) AND (c = 3))))", "CHECK (((a > 1) AND (b < 2) AND (c = 3)))"),
        ("(((((a <> 'x'::text) OR b) AND (c OR (d OR e)))))", "(((a <> 'x'::text) OR b) AND (c OR d OR e))"),
        ("SELECT  a\n   FROM t", "SELECT a FROM t"),
        ("((note = 'a) OR (b'::text) OR (c OR d))", "((note = 'a) OR (b'::text) OR c OR d)"),
    ],
)
def test_what_a_dump_writes_anew_means_the_same(one, other):
    assert deparse.alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("((a OR b) AND c)", "(a OR (b AND c))"),
        ("((a AND b) OR c)", "(a AND b AND c)"),
        ("(NOT (a OR b) OR c)", "(NOT a OR b OR c)"),
        ("f(a OR b)", "f(a AND b)"),
        ("(a = 'x OR  y')", "(a = 'x OR y')"),
        ("(a = '((b))')", "(a = '(b)')"),
        ("(coalesce((a OR b), c))", "(coalesce(a, b, c))"),
        ("tenant_id = 1", "tenant_id = 2"),
        ("t.a = 1", "a = 1"),
    ],
)
def test_what_means_something_else_stays_different(one, other):
    assert not deparse.alike(one, other)


def test_between_versions_a_tables_name_before_a_column_may_be_left_out():
    assert deparse.alike("SELECT t.a FROM app.t t", "SELECT a FROM app.t t", exact=False)
    assert deparse.alike("SELECT f(users.a) FROM app.users", "SELECT f(a) FROM app.users", exact=False)
    assert deparse.alike(
        'SELECT "T".a, \'t.b\' FROM app."T" WHERE ("T".b > 1)',
        "SELECT a, 't.b' FROM app.\"T\" WHERE (b > 1)",
        exact=False,
    )
    assert deparse.alike("SELECT t.a, (t.b + 1) AS b FROM app.t", "SELECT a, (b + 1) AS b FROM app.t", exact=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT t.a FROM app.t t", "SELECT b FROM app.t t"),
        ("(o.shop = u.shop)", "(u.shop = u.shop)"),
        (
            "SELECT a FROM t WHERE (SELECT 1 FROM u WHERE u.id = a)",
            "SELECT a FROM t WHERE (SELECT 1 FROM u WHERE id = a)",
        ),
        ("SELECT app.lower(a) FROM app.t", "SELECT lower(a) FROM app.t"),
        ("SELECT a::app.kind FROM app.t", "SELECT a::kind FROM app.t"),
        ("(x = ANY ((SELECT y FROM t)))", "(x = ANY (SELECT y FROM t))"),
        ("SELECT t.a FROM app.t", "SELECT 't.a' FROM app.t"),
    ],
)
def test_no_other_name_may_be_left_out(one, other):
    assert not deparse.alike(one, other, exact=False)
    assert not deparse.alike(other, one, exact=False)


def test_what_a_missing_table_has_is_not_told_beside_it():
    source = {
        "relations": {"app.t": "kind r", 'app."T.x"': "kind r"},
        "columns": {"app.t.a": "int", 'app."T.x".a': "int", "app.tt.a": "int"},
        "grants": {"app.t": "me SELECT"},
        "indexes": {"app.t_a": "btree"},
    }
    target = {"relations": {}, "columns": {"app.tt.b": "int"}, "grants": {}, "indexes": {}}
    assert [one.words() for one in catalog.folded(catalog.diff(source, target))] == [
        'missing  relations: app."T.x" (kind r)',
        "missing  relations: app.t (kind r)",
        "missing  columns: app.tt.a (int)",
        "extra    columns: app.tt.b (int)",
        "missing  indexes: app.t_a (btree)",
    ]
    raised = catalog.diff({"relations": {"t": "1"}, "columns": {"t.a": "1"}}, {"relations": {"t": "2"}, "columns": {}})
    assert len(catalog.folded(raised)) == 2


async def test_a_server_that_is_too_old_is_one_line():
    conn = type("Old", (), {"info": type("Info", (), {"server_version": 140012})()})()
    with pytest.raises(errors.Rejected, match="Postgres 14 is too old to be compared; 15 is the first"):
        await catalog.read(conn)


def test_an_unbalanced_text_is_compared_too():
    assert not deparse.alike("(a", "a)")
    assert not deparse.alike("a) OR (b", "a) OR (c")


def test_differences_are_missing_extra_or_changed():
    source = {"indexes": {"a": "1", "b": "2"}, "owners": {"t": "x"}}
    target = {"indexes": {"b": "3", "c": "4"}, "owners": {"t": "y"}}
    found = catalog.diff(source, target)
    assert [entry.words() for entry in found] == [
        "missing  indexes: a (1)",
        "changed  indexes: b: 2 -> 3",
        "extra    indexes: c (4)",
        "changed  owners: t: x -> y",
    ]
    assert [entry.note for entry in found] == [False, False, False, True]


def test_a_name_that_a_cast_gives_its_column_is_no_difference_of_a_function():
    one, other = "BEGIN ATOMIC SELECT 'two'::text; END", "BEGIN ATOMIC SELECT 'two'::text AS text; END"
    assert catalog.diff({"functions": {"f()": one}}, {"functions": {"f()": other}}) == []
    assert len(catalog.diff({"views": {"v": one}}, {"views": {"v": other}})) == 1
    assert len(catalog.diff({"functions": {"f()": one}}, {"functions": {"f()": other.replace("two", "2")}})) == 1


def test_only_what_postgres_deparses_is_forgiven_its_parentheses():
    one, other = {"x": "((a OR b) OR c)"}, {"x": "(a OR b OR c)"}
    assert catalog.diff({"policies": one}, {"policies": other}) == []
    assert len(catalog.diff({"settings": one}, {"settings": other})) == 1


def test_a_difference_is_written_for_json():
    facts = Difference("comments", "table t", "x", None).facts()
    assert facts == {"section": "comments", "name": "table t", "source": "x", "target": None, "note": True}


def test_each_section_is_a_query_with_its_shorthands_written_out():
    assert len(catalog.queries()) == 39
    assert set(catalog.NOTES) | set(catalog.DEPARSED) <= set(catalog.queries())
    assert not [name for name, query in catalog.queries().items() if "[own" in query or "[free" in query]


@pytest.mark.parametrize(
    ("section", "source", "target", "opens"),
    [
        ("roles", "login inherit", "login inherit bypasses row security", True),
        ("roles", "inherit member of a", "inherit member of a, b", True),
        ("roles", "inherit bypasses row security member of a, b", "inherit member of a", False),
        ("roles", "inherit", "login inherit member of pg_read_all_stats", False),
        ("roles", None, "login bypasses row security", False),
        ("roles", "login until 2027-01-01 00:00:00+00", "login", True),
        ("roles", "login until 2027-01-01 00:00:00+00", "inherit", False),
        ("roles", "login", "login until 2027-01-01 00:00:00+00", False),
        ("roles", "login member of a", "login member of a*", True),
        ("roles", "login member of a (without its rights)", "login member of a", True),
        ("roles", "login member of a, b*", "login member of a (its rights alone), b (without its rights)", False),
        ("default_grants", None, "public EXECUTE", True),
        ("default_grants", "app EXECUTE, nothing to public", None, True),
        ("default_grants", None, "app EXECUTE, nothing to public", True),
        ("default_grants", None, "nothing to public", False),
        ("default_grants", "public EXECUTE", None, False),
        ("grants", None, "public SELECT", True),
        ("grants", "app SELECT", "app INSERT, app SELECT", True),
        ("grants", "app SELECT", "app SELECT*", True),
        ("grants", "app INSERT, app SELECT", "app SELECT", False),
        ("grants", "app SELECT", "app MAINTAIN, app SELECT", False),
        ("owners", "a", "b", False),
    ],
)
def test_a_right_that_the_source_did_not_give_is_no_note(section, source, target, opens):
    assert Difference(section, "x", source, target).note is not opens


def test_as_whom_a_function_runs_is_no_note_and_is_named_once():
    found = catalog.diff(
        {"runs_as": {"f()": "till", "g()": "till"}, "functions": {"g()": "1"}},
        {"runs_as": {"f()": "app"}, "functions": {}},
    )
    assert [entry.words() for entry in found if not entry.note] == [
        "changed  runs as: f(): till -> app",
        "missing  functions: g() (1)",
    ]
