"""Reads a Bot API request: query, JSON, form or multipart body, with every value decoded when it is asked for."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from dev.telegram.records import Json, Refused

UPLOAD_LIMIT = 50 * 1024 * 1024


@dataclass
class Upload:
    """A file that came with a request."""

    name: str
    mime: str
    data: bytes


@dataclass
class Params:
    """A call's arguments; what is missing or of the wrong kind is refused as Telegram does."""

    values: Json = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return self.values.get(name) not in (None, "") or name in self.uploads

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        return default if value is None else value if isinstance(value, str) else json.dumps(value)

    def number(self, name: str, default: int = 0) -> int:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise Refused(400, f'Bad Request: field "{name}" must be of type Number') from None

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("true", "1", "yes", "t", "y")

    def json(self, name: str) -> Any:
        """Return an object or list, sent as such or as its JSON text; None when it is missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError as error:
            raise Refused(400, f"Bad Request: can't parse {name} JSON object") from error

    def shown(self) -> Json:
        """Return the arguments for people to read: decoded, files by name and size."""
        files = {name: {"file": one.name, "size": len(one.data)} for name, one in self.uploads.items()}
        return {name: _decoded(value) for name, value in self.values.items()} | files


async def read(request: Request) -> Params:
    """Return the arguments of a request."""
    values: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError as error:
            raise Refused(400, "Bad Request: can't parse request JSON object") from error
        return Params(values | (body if isinstance(body, dict) else {}))
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return Params(values)
    uploads: dict[str, Upload] = {}
    async with request.form(max_part_size=UPLOAD_LIMIT) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                uploads[name] = Upload(value.filename or "", value.content_type or "", await value.read())
            else:
                values[name] = value
    if sum(len(one.data) for one in uploads.values()) > UPLOAD_LIMIT:
        raise Refused(413, "Request Entity Too Large")
    return Params(values, uploads)


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in "{[":
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
