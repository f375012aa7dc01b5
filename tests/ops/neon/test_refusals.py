"""What a target refuses is sorted, and what nobody knows is fatal."""

import pytest

from ops.neon import refusals

SAID = """pg_restore: connecting to database for restore
pg_restore: creating EXTENSION "citext"
pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 3223; 0 0 COMMENT EXTENSION citext 
pg_restore: error: could not execute query: ERROR:  must be owner of extension citext
Command was: COMMENT ON EXTENSION citext IS 'data type for case-insensitive character strings';


pg_restore: from TOC entry 3180; 3256 17743 POLICY secrets own_secrets shop_owner
pg_restore: error: could not execute query: ERROR:  role "shop_app" does not exist
Command was: CREATE POLICY own_secrets ON app.secrets
    TO shop_app USING (true);

pg_restore: warning: errors ignored on restore: 2
"""  # noqa: W291


def test_each_error_is_read_with_its_entry_and_its_command():
    harmless, fatal = refusals.read(SAID)
    assert (harmless.entry, harmless.grade) == ("COMMENT EXTENSION citext", "harmless")
    assert harmless.command.startswith("COMMENT ON EXTENSION citext IS")
    assert (fatal.entry, fatal.grade) == ("POLICY secrets own_secrets shop_owner", "fatal")
    assert fatal.command == "CREATE POLICY own_secrets ON app.secrets     TO shop_app USING (true);"
    assert fatal.words() == (
        'fatal     POLICY secrets own_secrets shop_owner: role "shop_app" does not exist (a policy would be missing)'
    )


def sort(message, command, **options):
    said = f"pg_restore: error: could not execute query: ERROR:  {message}\nCommand was: {command}\n"
    [refusal] = refusals.read(said, **options)
    return refusal.grade


@pytest.mark.parametrize(
    ("message", "command", "grade"),
    [
        ('role "avnadmin" does not exist', "ALTER TABLE app.users OWNER TO avnadmin;", "expected"),
        ('must be able to SET ROLE "till"', "ALTER FUNCTION app.earn() OWNER TO till;", "fatal"),
        ('must be member of role "till"', "ALTER VIEW app.mails OWNER TO till;", "fatal"),
        ('role "cloud_admin" does not exist', "ALTER DEFAULT PRIVILEGES FOR ROLE cloud_admin GRANT ALL", "expected"),
        ("permission denied to create event trigger", "CREATE EVENT TRIGGER e ON ddl_command_end", "expected"),
        ("must be superuser to create FOR ALL TABLES publication", "CREATE PUBLICATION p FOR ALL TABLES;", "expected"),
        ('schema "public" already exists', "CREATE SCHEMA public;", "harmless"),
        ('schema "app" already exists', "CREATE SCHEMA app;", "harmless"),
        ("must be owner of schema public", "COMMENT ON SCHEMA public IS 'standard';", "harmless"),
        ('unrecognized configuration parameter "transaction_timeout"', "SET transaction_timeout = 0;", "harmless"),
        ('unrecognized configuration parameter "app.x"', "ALTER DATABASE d SET app.x TO '1';", "fatal"),
        ('role "shop_app" does not exist', "GRANT SELECT ON TABLE app.users TO shop_app;", "fatal"),
        ('type "app.email" does not exist', "CREATE TABLE app.users (mail app.email);", "fatal"),
        ("must be superuser to create an operator class", "CREATE OPERATOR CLASS app.c FOR TYPE int4", "expected"),
        ('permission denied to create foreign-data wrapper "w"', "CREATE FOREIGN DATA WRAPPER w;", "expected"),
        ("permission denied for language c", "CREATE FUNCTION app.f() RETURNS int LANGUAGE c", "expected"),
        ("must be superuser to add or set schemas", "ALTER PUBLICATION p ADD TABLES IN SCHEMA app;", "expected"),
        ('permission denied to set session authorization "lead"', "GRANT SELECT ON TABLE t TO a;", "harmless"),
        ('permission denied to set session authorization "lead"', "ALTER TABLE t ADD a int;", "fatal"),
        ("invalid page in block 3", "COPY app.users FROM stdin;", "fatal"),
        ("permission denied for schema app", "ALTER TABLE app.users OWNER TO shop_owner;", "fatal"),
    ],
)
def test_a_refusal_is_graded_by_its_words_and_its_command(message, command, grade):
    assert sort(message, command) == grade


def test_a_right_of_a_role_that_was_left_behind_on_purpose_is_expected():
    grant = "GRANT SELECT ON TABLE app.users TO rdsadmin;"
    assert sort('role "rdsadmin" does not exist', grant, stayed=frozenset({"rdsadmin"})) == "expected"
    assert sort('role "rdsadmin" does not exist', grant, stayed=frozenset({"another"})) == "fatal"


def test_a_policy_for_a_missing_role_is_fatal_even_if_the_role_stayed_behind():
    policy = "CREATE POLICY p ON t TO rdsadmin USING (true);"
    assert sort('role "rdsadmin" does not exist', policy, stayed=frozenset({"rdsadmin"})) == "fatal"


def test_what_needs_an_extension_left_out_is_expected_only_then():
    server = "CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;"
    assert sort('foreign-data wrapper "postgres_fdw" does not exist', server) == "fatal"
    assert sort('foreign-data wrapper "postgres_fdw" does not exist', server, left_out=True) == "expected"


def test_what_needs_something_lost_is_named_and_what_is_about_it_is_counted():
    """Each line is what a target without superuser, or without an extension, has said."""
    said = [
        (
            'permission denied to create event trigger "watch"',
            "CREATE EVENT TRIGGER watch ON ddl_command_end",
            "expected",
        ),
        ('event trigger "watch" does not exist', "ALTER EVENT TRIGGER watch OWNER TO me;", "harmless"),
        ('event trigger "watch" does not exist', "COMMENT ON EVENT TRIGGER watch IS 'x';", "harmless"),
        ("must be superuser to create an operator class", "CREATE OPERATOR CLASS app.ops FOR TYPE app.t", "expected"),
        (
            'operator class "app.ops" does not exist for access method "hash"',
            "CREATE INDEX i ON app.kept USING hash (a app.ops);",
            "expected",
        ),
        ("permission denied for language c", "CREATE FUNCTION app.f(integer) RETURNS int LANGUAGE c", "expected"),
        ("function app.f(integer) does not exist", "ALTER FUNCTION app.f(integer) OWNER TO me;", "harmless"),
        ('permission denied to create foreign-data wrapper "w"', "CREATE FOREIGN DATA WRAPPER w;", "expected"),
        ('foreign-data wrapper "w" does not exist', "CREATE SERVER s TYPE 't' FOREIGN DATA WRAPPER w;", "expected"),
        ('server "s" does not exist', "CREATE USER MAPPING FOR app SERVER s;", "expected"),
        ('role "app" does not exist', "GRANT SELECT ON TABLE app.kept TO app;", "fatal"),
        ('server "s" does not exist', 'CREATE FOREIGN TABLE app."Far ""x""" (a int) SERVER s;', "expected"),
        ('relation "app.Far "x"" does not exist', 'GRANT ALL ON TABLE app."Far ""x""" TO app;', "fatal"),
        ('server "s" does not exist', "CREATE FOREIGN TABLE app.far (a int) SERVER s;", "expected"),
        ('relation "app.far" does not exist', "GRANT SELECT(a),INSERT ON TABLE app.far TO app;", "harmless"),
        (
            'relation "app.far" does not exist',
            "ALTER TABLE app.far ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY ( SEQUENCE NAME app.far_a_seq );",
            "harmless",
        ),
        ('relation "app.far_a_seq" does not exist', "SELECT pg_catalog.setval('app.far_a_seq', 1, true);", "harmless"),
        ('relation "app.far" does not exist', "CREATE UNIQUE INDEX j ON app.far USING btree (a);", "harmless"),
        ('relation "app.far" does not exist', "COPY app.far (a) FROM stdin;", "harmless"),
        ('relation "app.far" does not exist', "CREATE VIEW app.v AS SELECT a FROM app.far;", "expected"),
        ('relation "app.v" does not exist', "ALTER VIEW app.v OWNER TO me;", "harmless"),
        (
            'relation "app.far" does not exist',
            "ALTER TABLE ONLY app.kept ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES app.far(a) ON DELETE CASCADE;",
            "expected",
        ),
        ('relation "app.far" does not exist', "CREATE POLICY p ON app.far USING (true);", "harmless"),
        (
            'relation "app.far" does not exist',
            "CREATE POLICY p ON app.kept USING ((EXISTS ( SELECT FROM app.far)));",
            "fatal",
        ),
        ('relation "app.other" does not exist', "CREATE VIEW app.w AS SELECT a FROM app.other;", "fatal"),
    ]
    lost = set()
    text = "".join(
        f"pg_restore: error: could not execute query: ERROR:  {message}\nCommand was: {command}\n"
        for message, command, _ in said
    )
    found = refusals.read(text, lost=lost)
    assert [(one.message, one.command, one.grade) for one in found] == said
    assert lost >= {"watch", "app.ops", "i", "app.f", "w", "s", "app.far", "app.far_a_seq", "app.v"}
    assert found[4].why == "lost: it needs app.ops"


def test_rights_that_others_gave_are_given_as_those_again():
    said = (
        "pg_restore: error: could not execute query: ERROR:"
        '  permission denied to set session authorization "Team lead"\n'
        "Command was: GRANT SELECT ON TABLE t TO lead WITH GRANT OPTION;\n"
        'SET SESSION AUTHORIZATION "Team lead";\nGRANT SELECT ON TABLE t TO app;\nRESET SESSION AUTHORIZATION;\n\n\n'
    )
    assert refusals.grants_of_others(refusals.read(said)) == [
        'GRANT SELECT ON TABLE t TO lead WITH GRANT OPTION; SET ROLE "Team lead";'
        " GRANT SELECT ON TABLE t TO app; RESET ROLE;"
    ]
    assert refusals.grants_of_others(refusals.read(SAID)) == []


@pytest.mark.parametrize(
    "message",
    [
        'relation "users" already exists',
        'multiple primary keys for table "users" are not allowed',
        'policy "own" for table "t" already exists',
    ],
)
def test_what_an_interrupted_try_has_made_is_harmless_only_then(message):
    assert sort(message, "CREATE TABLE app.users ();") == "fatal"
    assert sort(message, "CREATE TABLE app.users ();", again=True) == "harmless"


def test_an_error_without_a_command_is_fatal():
    [refusal] = refusals.read("pg_restore: error: connection to server failed: timeout\n")
    assert (refusal.grade, refusal.message) == ("fatal", "connection to server failed: timeout")


def test_a_restore_that_refuses_nothing_has_no_refusals():
    assert refusals.read('pg_restore: connecting to database for restore\npg_restore: creating TABLE "app.x"\n') == []


def test_what_a_role_left_behind_is_ours_and_told_on_one_line():
    said = (
        "".join(
            f'pg_restore: error: could not execute query: ERROR:  {how} "postgres"\nCommand was: {command}\n'
            for how, command in [
                ("must be able to SET ROLE", "ALTER TABLE app.a OWNER TO postgres;"),
                ("must be able to SET ROLE", "ALTER FUNCTION app.f() OWNER TO postgres;"),
                ("must be member of role", "ALTER TABLE app.b OWNER TO postgres;"),
                ("permission denied to create event trigger", "CREATE EVENT TRIGGER e ON ddl_command_end"),
            ]
        )
        + 'pg_restore: error: could not execute query: ERROR:  schema "public" already exists\n'
        + "Command was: CREATE SCHEMA public;\n"
    )
    found = refusals.read(said, stayed=frozenset({"postgres"}))
    assert refusals.told("definitions", found) == [
        found[3].words(),
        'expected  2 owners of definitions: must be able to SET ROLE "postgres" (the role that restores has it)',
        'expected  1 owners of definitions: must be member of role "postgres" (the role that restores has it)',
        "harmless: 1 errors of definitions, it is there",
    ]
