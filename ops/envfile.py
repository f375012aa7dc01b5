"""Files of settings, `NAME=value` a line: .env of the local stack, and what `vercel env pull` writes."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from lib import config, errors

EXAMPLE = Path(__file__).parent.parent / ".env.example"  # it names every setting, but not each provider's
OF_THE_PLATFORM = (
    *("VERCEL_ENV", "VERCEL_GIT_COMMIT_REF", "VERCEL_GIT_COMMIT_SHA", "VERCEL_REGION", "VERCEL_URL"),
    *("VERCEL_BRANCH_URL", "VERCEL_PROJECT_PRODUCTION_URL", "VERCEL_AUTOMATION_BYPASS_SECRET"),
)

USUAL = Path(".env.production")  # what the wizard writes
PULLED = Path(".vercel/.env.production.local")  # what Vercel told then: it has what the integrations have set
HIDDEN = "[SENSITIVE]"  # what `vercel env pull` writes in place of a secret

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./?&~*-]*")


def read(path: Path | None) -> dict[str, str]:
    """Return what a file sets; raise Misconfigured naming the line that is not `NAME=value`."""
    return {name: value for name, value in _read(path).items() if value and value != HIDDEN}


def hidden(path: Path | None) -> frozenset[str]:
    """Return the names of what is set somewhere, but not to be read here."""
    return frozenset(name for name, value in _read(path).items() if value == HIDDEN)


def _read(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if not match:
            raise errors.Misconfigured(detail=f"{path.name}, line {number} is not NAME=value")
        found[match[1]] = _unquote(match[2])
    return found


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value.endswith(value[0]):
        return value[1:-1]
    return re.sub(r"\s+#.*", "", value).strip()


def known() -> set[str]:
    """Return the names of all settings."""
    named = re.findall(r"^([A-Z0-9_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    return {*named, *OF_THE_PLATFORM, *(name for pair in config.PROVIDERS.values() for name in pair)}


def unknown(given: Iterable[str]) -> dict[str, str]:
    """Return the names that are no settings, each with the setting that it is nearly called like, or ''."""
    names = known()
    strange = [name for name in given if name not in names]
    return {name: next(iter(difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.8)), "") for name in strange}


def take(path: str) -> frozenset[str]:
    """Let this process have the settings of a file; what the shell sets too wins. Return the names of hidden ones."""
    if not path:
        return frozenset()
    file = Path(path)
    if not file.is_file():
        raise errors.Misconfigured(detail=f"there is no file {path}")
    os.environ.update({name: value for name, value in read(file).items() if not os.environ.get(name)})
    config.get.cache_clear()
    return frozenset(name for name in hidden(file) if not os.environ.get(name))


def take_usual() -> frozenset[str] | None:
    """Let this process have the installation of this folder; None where there is none, or the shell names another."""
    is_named = any(os.environ.get(name) for name in ("DATABASE_URL", "LOTOK_DATABASE_URL", "DATABASE_URL_UNPOOLED"))
    return None if is_named or not USUAL.is_file() else take_with_pulled(str(USUAL))


def take_with_pulled(path: str) -> frozenset[str]:
    """Take a file of production; with the wizard's own go what Vercel told it beside that."""
    hidden = take(path)
    if Path(path) == USUAL and PULLED.is_file():
        hidden |= take(str(PULLED))
    as_production()
    return frozenset(name for name in hidden if not os.environ.get(name))


def as_production() -> None:
    """Take these settings for production's where nothing says so: as `local` we would look at keys of nobody."""
    if not (os.environ.get("LOTOK_ENV") or os.environ.get("VERCEL_ENV")):
        os.environ["LOTOK_ENV"] = "production"
        config.get.cache_clear()


def write(path: Path, values: Mapping[str, str]) -> None:
    """Set the values in a file that nobody else may read: their lines are changed, new ones are added at its end."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    left = dict(values)
    for number, line in enumerate(lines):
        match = _LINE.fullmatch(line.strip())
        if match and match[1] in left:
            lines[number] = f"{match[1]}={_quoted(left.pop(match[1]))}"
    lines += [f"{name}={_quoted(value)}" for name, value in left.items()]
    keep(path, "\n".join(lines) + "\n")


def keep(path: Path, text: str) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    aside.replace(path)


def _quoted(value: str) -> str:
    if "\n" in value or ("'" in value and '"' in value):
        raise errors.Misconfigured(detail="a value of more than one line, or with both quotes, does not go into a file")
    if _PLAIN.fullmatch(value):
        return value
    return f'"{value}"' if "'" in value else f"'{value}'"
