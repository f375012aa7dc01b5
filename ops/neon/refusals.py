"""What a target refuses during a restore, sorted: expected (known, and named), harmless (nothing is lost), fatal.

What no line of the table knows is fatal, so that nothing gets lost among errors that "are always there". Where an
object is lost, so is what needs it, and each such thing is named; what is only about a lost object says nothing new.
"""

import re
from collections import Counter
from dataclasses import dataclass

TAKEN = "the role that restores has it"
OF_LOST = "about what is lost"
GIVEN_AS_THEM = "rights that somebody else than the owner gave are given in their name"
EXPECTED, HARMLESS, FATAL = "expected", "harmless", "fatal"


@dataclass(frozen=True)
class Rule:
    """What a message, and the command it is about, must look like, and what to make of it."""

    message: str
    command: str
    grade: str
    why: str


# The first that fits decides.
RULES = (
    Rule('role ".*" does not exist', r"CREATE POLICY|ALTER POLICY", FATAL, "a policy would be missing"),
    Rule("must be owner of extension", "COMMENT ON EXTENSION", HARMLESS, "the provider owns its extensions"),
    Rule("must be owner of extension", "ALTER EXTENSION", HARMLESS, "the provider owns its extensions"),
    Rule('(schema ".*"|extension ".*"|language "plpgsql") already exists', "CREATE ", HARMLESS, "it is there"),
    Rule("must be owner of schema public", "SCHEMA public", HARMLESS, "the database's owner has it"),
    Rule(r"unrecognized configuration parameter", "^SET ", HARMLESS, "a setting of the newer client"),
    Rule('role ".*" does not exist', "OWNER TO", EXPECTED, "its owner stays behind"),
    Rule(
        'role ".*" does not exist|permission denied|must be able to SET ROLE|must be member',
        "DEFAULT PRIVILEGES",
        EXPECTED,
        "default privileges of a role that stays behind",
    ),
    Rule("permission denied to create event trigger", "", EXPECTED, "lost: event triggers need a superuser"),
    Rule("permission denied to set parameter", "", EXPECTED, "lost: a setting that needs a superuser"),
    Rule("permission denied to set session authorization", "^(GRANT|REVOKE)", HARMLESS, GIVEN_AS_THEM),
    Rule(
        "must be superuser to (?!set)|only superuser can|permission denied to create foreign-data wrapper"
        "|permission denied to create access method|permission denied for language",
        "^(CREATE|ALTER)",
        EXPECTED,
        "lost: it needs a superuser",
    ),
    Rule("must be superuser to set|security label", "SECURITY LABEL", EXPECTED, "lost: a label of an extension"),
)
# Where an extension was left out on purpose, what needs it is lost, too.
LEFT_OUT = Rule(
    r"(foreign-data wrapper|server|type|function|operator class|access method|schema) .* does not exist"
    r"|permission denied for foreign-data wrapper",
    "",
    EXPECTED,
    "lost: it needs an extension that was left out",
)
# Where an earlier try of the same entries was interrupted, what it has made is there.
MADE_BEFORE = Rule(
    r"\balready\b|multiple primary keys|unique constraint .pg_(ts|largeobject)_",
    "",
    HARMLESS,
    "an earlier try made it",
)
# Where the owner was left behind, its objects are ours; another's function must not run as us, nor its view read so.
NOT_GIVEN = Rule('(?:must be able to SET ROLE|must be member of role) "(.*)"', "OWNER TO", EXPECTED, TAKEN)
# A grant to a role that was left behind.
LEFT_BEHIND = Rule(
    'role "(.*)" does not exist', "^(GRANT|REVOKE|ALTER DEFAULT)", EXPECTED, "a right of a role that stays behind"
)


_WORD = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'
_QUALIFIED = rf"({_WORD}(?:\.{_WORD})*)(?=[\s(;]|$)"
# The thing that a command makes, the thing that it is about, and the thing that a message calls missing.
_MADE = re.compile(rf"^CREATE (?!USER MAPPING )(?:[A-Z]+ )+{_QUALIFIED}|\bSEQUENCE NAME {_QUALIFIED}")
_ABOUT = re.compile(rf"^(?:[A-Z]+ )+{_QUALIFIED}| ON (?:[A-Z]+ )*{_QUALIFIED}")
_MISSING = re.compile(r'^.*"([^"]+)" does not exist|(?:function|procedure|aggregate) (.+?)\(.*\) does not exist')
_MAKES = re.compile(r"CREATE |ALTER TABLE .* (ADD CONSTRAINT|SET DEFAULT|ATTACH PARTITION) |ALTER INDEX .* ATTACH ")


@dataclass(frozen=True)
class Refusal:
    """An error of pg_restore and what it means."""

    entry: str
    message: str
    command: str
    grade: str
    why: str

    @property
    def lost(self) -> set[str]:
        """Return the names of what is not made for it."""
        return _names(_MADE, self.command) if self.why.startswith("lost") or self.why == OF_LOST else set()

    def words(self) -> str:
        """Return it on one line."""
        return f"{self.grade:<8}  {self.entry or self.command[:60]}: {self.message} ({self.why})"


def read(
    said: str,
    *,
    stayed: frozenset[str] = frozenset(),
    left_out: bool = False,
    again: bool = False,
    lost: set[str] | None = None,
) -> list[Refusal]:
    """Sort what pg_restore has said; `stayed` are the roles that were not carried over.

    To `lost`, the names of what the target does not have by now, it adds those that it finds.
    """
    lost = set() if lost is None else lost
    more = ((LEFT_OUT,) if left_out else ()) + ((MADE_BEFORE,) if again else ())
    found, entry = [], ""
    lines = said.splitlines()
    for number, line in enumerate(lines):
        if "from TOC entry " in line:
            entry = line.split("from TOC entry ", 1)[1].split(" ", 3)[-1].strip()
        if match := re.match(r"pg_restore: error: (?:could not execute query: )?(?:ERROR: *)?(.*)", line):
            command = _command(lines[number + 1 :])
            message = match.group(1)
            refusal = _consequence(entry, message, command, lost) or _sorted(entry, message, command, stayed, more)
            lost |= refusal.lost
            found.append(refusal)
    return found


def grants_of_others(refused: list[Refusal]) -> list[str]:
    """Return the grants that a restore must make as the role that gave them; we are a member of it."""
    return [
        one.command.replace("SET SESSION AUTHORIZATION DEFAULT", "RESET ROLE")
        .replace("RESET SESSION AUTHORIZATION", "RESET ROLE")
        .replace("SET SESSION AUTHORIZATION", "SET ROLE")
        for one in refused
        if one.why == GIVEN_AS_THEM
    ]


def told(title: str, refused: list[Refusal]) -> list[str]:
    """Return the lines about what was refused in a section: each of them that is expected, a number for the others.

    Of a superuser's objects there is one line for all: a base of a hundred tables would hide what else is told.
    """
    said = [one.words() for one in refused if one.grade == EXPECTED and one.why != TAKEN]
    taken = Counter(one.message for one in refused if one.why == TAKEN)
    said += [f"{EXPECTED:<8}  {number} owners of {title}: {message} ({TAKEN})" for message, number in taken.items()]
    harmless = Counter(one.why for one in refused if one.grade == HARMLESS)
    return said + [f"{HARMLESS}: {number} errors of {title}, {why}" for why, number in harmless.items()]


def _command(after: list[str]) -> str:
    for number, line in enumerate(after[:8]):
        if line.startswith("Command was: "):
            return " ".join([line[13:], *_until_next(after[number + 1 :])]).strip()
        if line.startswith("pg_restore: error"):
            break
    return ""


def _until_next(lines: list[str]) -> list[str]:
    ended = next((n for n, line in enumerate(lines) if line.startswith("pg_restore:")), len(lines))
    return lines[:ended]


def _names(pattern: re.Pattern[str], command: str) -> set[str]:
    """Return the names that a pattern finds in a command, as messages write them."""
    found = {name for match in pattern.finditer(command) for name in match.groups() if name}
    return {".".join(map(_plain, re.findall(_WORD, name))) for name in found}


def _plain(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word


def _consequence(entry: str, message: str, command: str, lost: set[str]) -> Refusal | None:
    """Sort what is refused because of something that is lost already; None: that is not why."""
    found = _MISSING.search(message)
    missing = next(filter(None, found.groups())) if found else ""
    if missing not in lost:
        return None
    about = _names(_ABOUT, command.partition(" USING ")[0]) - _names(_MADE, command)
    if about & lost or not _MAKES.match(command):
        return Refusal(entry, message, command, HARMLESS, OF_LOST)
    if command.startswith("CREATE POLICY"):
        return Refusal(entry, message, command, FATAL, "a policy would be missing")
    return Refusal(entry, message, command, EXPECTED, f"lost: it needs {missing}")


def _sorted(entry: str, message: str, command: str, stayed: frozenset[str], more: tuple[Rule, ...]) -> Refusal:
    for rule in (*RULES, *more):
        if re.search(rule.message, message) and re.search(rule.command, command):
            return Refusal(entry, message, command, rule.grade, rule.why)
    for rule in (LEFT_BEHIND, NOT_GIVEN):
        named = re.search(rule.message, message)
        if named and named.group(1) in stayed and re.search(rule.command, command):
            return Refusal(entry, message, command, rule.grade, rule.why)
    return Refusal(entry, message, command, FATAL, "unknown")
