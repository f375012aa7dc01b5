"""Checks a Bot API call against a published definition of the API, so that our own mistake cannot agree with itself.

The definition is that of PaulSonOfLars/telegram-bot-api-spec, without its prose (bot_api.LICENSE).
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from dev.telegram.records import Json

DEFAULT = Path(__file__).with_name("bot_api.json")
BOOLEANS = (True, False, "true", "false", "True", "False", "0", "1")


class Spec:
    """The methods and types of the definition at `path`, LOTOK_BOT_API_SPEC or the one beside this file."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or Path(os.environ.get("LOTOK_BOT_API_SPEC") or DEFAULT)
        loaded = json.loads(path.read_text()) if path.is_file() else {"methods": {}, "types": {}}
        self.version = loaded.get("version", "")
        self.methods: dict[str, Json] = loaded["methods"]
        self.types: dict[str, Json] = loaded["types"]
        self._names = {name.lower(): name for name in self.methods}

    def check(self, method: str, values: Json, uploads: set[str]) -> list[str]:
        """Return what is wrong with a call, in sentences; nothing when it is right or there is no definition."""
        if not self.methods:
            return []
        name = self._names.get(method.lower())
        if name is None:
            return [f"{method}: no such method in {self.version}"]
        attached = set(re.findall(r"attach://([^\"\s\\]+)", json.dumps(values, ensure_ascii=False, default=str)))
        given = {**values, **dict.fromkeys(uploads - attached, "upload")}
        lost = [f"{name}: file attach://{one} was not uploaded" for one in sorted(attached - uploads)]
        return lost + self._fields(name, self.methods[name].get("fields", []), given, form=True)

    def check_type(self, kind: str, value: Any) -> list[str]:
        """Return what is wrong with an object that should be of a type of the definition."""
        return self._one(kind, kind, value)

    def _fields(self, where: str, fields: list[Json], given: Json, *, form: bool = False) -> list[str]:
        known = {field["name"]: field for field in fields}
        problems = [f"{where}: unknown field {name}" for name in given if name not in known]
        for name, field in known.items():
            if name not in given:
                problems += [f"{where}: required field {name} is missing"] if field["required"] else []
                continue
            problems += self._value(f"{where}.{name}", field["types"], given[name], form=form)
        return problems

    def _value(self, where: str, types: list[str], value: Any, *, form: bool = False) -> list[str]:
        """Check against each of the types; the shortest list of complaints counts, so one that fits is enough."""
        if form and isinstance(value, str) and "String" not in types and "InputFile" not in types:
            value = _decoded(value)
        return min((self._one(where, one, value) for one in types), key=len)

    def _one(self, where: str, kind: str, value: Any) -> list[str]:
        if kind.startswith("Array of "):
            if not isinstance(value, list):
                return [f"{where}: expected an array, got {value!r:.60}"]
            return [p for n, one in enumerate(value) for p in self._one(f"{where}[{n}]", kind[9:], one)]
        if kind in ("Integer", "Float", "Boolean", "String", "True", "InputFile"):
            return [] if _plain(kind, value) else [f"{where}: expected {kind}, got {value!r:.60}"]
        return self._object(where, kind, value)

    def _object(self, where: str, kind: str, value: Any) -> list[str]:
        definition = self.types.get(kind, {})
        if not isinstance(value, dict):
            return [f"{where}: expected {kind}, got {value!r:.60}"]
        subtypes = definition.get("subtypes") or []
        if subtypes:
            return min((self._one(where, one, value) for one in _alike(subtypes, self.types, value)), key=len)
        return self._fields(f"{where}({kind})", definition.get("fields") or [], value)


def _alike(subtypes: list[str], types: dict[str, Json], value: Json) -> list[str]:
    """Keep the subtypes whose 'type' is the value's, so that a complaint is about the right one."""
    kind = str(value.get("type", ""))
    named = [
        one
        for one in subtypes
        if any(
            kind and re.search(rf"must be \*?{kind}\b", f["description"])
            for f in types[one].get("fields") or []
            if f["name"] == "type"
        )
    ]
    return named or subtypes


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _plain(kind: str, value: Any) -> bool:
    if kind == "Integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or bool(re.fullmatch(r"-?\d+", str(value)))
    if kind == "Float":
        return not isinstance(value, bool) and bool(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", str(value)))
    if kind in ("Boolean", "True"):
        return any(value is one or (isinstance(value, str) and value == one) for one in BOOLEANS)
    return isinstance(value, str)
