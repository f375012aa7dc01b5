"""What is read of a dump before anything is restored."""

import io
import tarfile
from pathlib import Path

import pytest

from lib import errors
from ops.neon import archive
from ops.neon.archive import Entry
from ops.neon.tools import Client

LISTED = """;
;     Format: CUSTOM
;     Dumped from database version: 17.6
;     Dumped by pg_dump version: 17.6
;
8; 2615 17494 SCHEMA - app postgres
3220; 0 0 ACL - SCHEMA app postgres
2; 3079 16658 EXTENSION - citext 
3223; 0 0 COMMENT - EXTENSION citext 
3236; 0 0 ACL app COLUMN notes.id shop_owner
274; 1255 17747 FUNCTION app note_audit(integer, text) shop_owner
245; 1259 17714 TABLE billing Odd "Name" shop_owner
3197; 0 17658 TABLE DATA app audit shop_owner
3212; 0 0 BLOBS - 17767..17771 shop_owner
3179; 0 17672 ROW SECURITY app notes shop_owner
3209; 0 17780 MATERIALIZED VIEW DATA app order_counts shop_owner
2957; 2606 17701 CHECK CONSTRAINT billing invoices positive shop_owner
"""  # noqa: W291
SCRIPT = """
ALTER TABLE app.users OWNER TO shop_owner;
ALTER SCHEMA app OWNER TO "Odd owner";
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA extensions;
GRANT SELECT,INSERT ON TABLE app.users TO shop_app;
GRANT ALL ON SCHEMA app TO shop_admin WITH GRANT OPTION;
REVOKE ALL ON FUNCTION app.f() FROM PUBLIC;
GRANT USAGE ON TYPE app.t TO PUBLIC;
CREATE POLICY own ON app.secrets TO shop_app, "second one" USING ((tenant_id = 1));
CREATE POLICY every ON app.secrets AS RESTRICTIVE FOR SELECT TO auditor WITH CHECK (true);
CREATE POLICY none ON app.secrets USING (true);
CREATE POLICY "x TO y; z" ON "My app"."T, ""x"" y" TO "Team, Köln", "O'Brien ""x"" y" USING ((note <> ' TO z'));
CREATE USER MAPPING FOR mapped SERVER other OPTIONS (
CREATE USER MAPPING FOR public SERVER other;
ALTER DEFAULT PRIVILEGES FOR ROLE migrator IN SCHEMA app GRANT SELECT ON TABLES TO reader;
ALTER DATABASE shop SET "TimeZone" TO 'Europe/Berlin';
ALTER ROLE shop_app IN DATABASE shop SET statement_timeout TO '7s';
"""


def test_entries_are_read_with_kind_schema_name_and_owner():
    found = {(entry.kind, entry.schema, entry.name, entry.owner) for entry in archive.contents(LISTED)}
    assert ("SCHEMA", "", "app", "postgres") in found
    assert ("ACL", "", "SCHEMA app", "postgres") in found
    assert ("EXTENSION", "", "citext", "") in found
    assert ("FUNCTION", "app", "note_audit(integer, text)", "shop_owner") in found
    assert ("TABLE", "billing", 'Odd "Name"', "shop_owner") in found
    assert ("TABLE DATA", "app", "audit", "shop_owner") in found
    assert ("MATERIALIZED VIEW DATA", "app", "order_counts", "shop_owner") in found
    assert ("CHECK CONSTRAINT", "billing", "invoices positive", "shop_owner") in found
    assert len(found) == 12


def test_roles_of_a_dump_are_owners_grantees_and_those_of_policies():
    assert archive.roles(SCRIPT, {"postgres", ""}) == {
        *(
            "shop_owner",
            "Odd owner",
            "shop_app",
            "shop_admin",
            "second one",
            "auditor",
            "Team, Köln",
            'O\'Brien "x" y',
            "mapped",
            "migrator",
            "reader",
            "postgres",
        )
    }


def test_settings_of_a_database_and_of_roles_in_it_are_in_an_archive():
    assert archive.settings(SCRIPT) == [
        ("", "\"TimeZone\" TO 'Europe/Berlin'"),
        ("shop_app", "statement_timeout TO '7s'"),
    ]


def test_an_extension_goes_into_its_schema():
    assert archive.extension_homes(SCRIPT) == [("citext", "public"), ("uuid-ossp", "extensions")]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"--\n-- PostgreSQL database dump\n--\n", "script of SQL"),
        (b"\\restrict abc\n", "script of SQL"),
        (b"\x1f\x8b\x08\x00", "gunzip it first"),
        (b"GIF89a", "no dump that pg_restore reads"),
        (b"", "no dump that pg_restore reads"),
    ],
)
def test_what_is_no_archive_is_refused_in_words(tmp_path, head, said):
    file = tmp_path / "shop.backup"
    file.write_bytes(head)
    with pytest.raises(errors.Invalid, match=said):
        archive.read(file)


def test_names_with_spaces_are_told_by_what_the_script_quotes():
    listed = (
        "9; 2615 1 SCHEMA - Reports 2026 Odd owner\n"
        "10; 1259 2 TABLE Reports 2026 by month Odd owner\n"
        "11; 0 0 ACL - SCHEMA Reports 2026 Odd owner\n"
        "12; 3079 3 EXTENSION - citext \n"
    )
    text = 'CREATE SCHEMA "Reports 2026";\nALTER TABLE "Reports 2026"."by month" OWNER TO "Odd owner";\n'
    assert [(one.kind, one.schema, one.name, one.owner) for one in archive.contents(listed, text)] == [
        ("SCHEMA", "", "Reports 2026", "Odd owner"),
        ("TABLE", "Reports 2026", "by month", "Odd owner"),
        ("ACL", "", "SCHEMA Reports 2026", "Odd owner"),
        ("EXTENSION", "", "citext", ""),
    ]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(errors.Missing, match=r"nowhere\.backup: No such file"):
        archive.read(tmp_path / "nowhere.backup")


def test_a_format_is_read_from_the_first_bytes(tmp_path):
    file = tmp_path / "shop.backup"
    file.write_bytes(b"PGDMP\x01\x10\x00" + bytes(300))
    assert archive.format_of(file) == (1, 16)
    (tmp_path / "toc.dat").write_bytes(b"PGDMP\x01\x0e\x00")
    assert archive.format_of(tmp_path) == (1, 14)


def test_a_tar_does_not_tell_its_format(tmp_path):
    file = tmp_path / "shop.tar"
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("toc.dat"), io.BytesIO())
    assert archive.format_of(file) is None


@pytest.mark.parametrize(("minor", "major"), [(14, 12), (15, 16), (16, 17), (17, 99)])
def test_a_pg_restore_too_old_for_the_archive_is_refused_with_a_way_out(tmp_path, minor, major):
    file = tmp_path / "shop.backup"
    file.write_bytes(b"PGDMP\x01" + bytes([minor, 0]) + bytes(300))
    with pytest.raises(errors.Misconfigured, match=rf"format 1\.{minor}: pg_restore {major} or newer is needed; pip"):
        archive.read(file, Client(Path("/nowhere"), major - 1, True))


def test_a_broken_archive_is_one_line(tmp_path):
    file = tmp_path / "shop.backup"
    file.write_bytes(b"PGDMP\x01\x10\x00" + bytes(20))
    with pytest.raises(errors.Invalid, match="pg_restore"):
        archive.read(file)


def test_an_entry_keeps_its_line():
    assert archive.contents(LISTED)[0] == Entry("8; 2615 17494 SCHEMA - app postgres", "SCHEMA", "", "app", "postgres")


RIGHTS = """CREATE DATABASE shop WITH TEMPLATE = template0;
ALTER DATABASE shop OWNER TO "The owner";
REVOKE CONNECT,TEMPORARY ON DATABASE shop FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO app;
GRANT ALL ON TABLE app.t TO app;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO app;
ALTER DEFAULT PRIVILEGES FOR ROLE other REVOKE ALL ON FUNCTIONS FROM PUBLIC;
"""


def test_rights_on_the_database_are_read_for_its_new_name():
    assert archive.owner_of_database(RIGHTS) == "The owner"
    assert archive.owner_of_database("create table t ()") == ""
    assert archive.database_rights(RIGHTS, '"New"') == [
        'REVOKE CONNECT,TEMPORARY ON DATABASE "New" FROM PUBLIC',
        'GRANT CONNECT ON DATABASE "New" TO app',
    ]


def test_what_a_role_that_stays_behind_gave_by_default_is_given_by_who_restores():
    assert archive.default_rights(RIGHTS, {"postgres"}) == [
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app"
    ]
