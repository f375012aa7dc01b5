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
