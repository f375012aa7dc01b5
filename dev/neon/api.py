"""Neon's API v2 over local databases: a branch is a database, copied from its parent's as a template.

It keeps Neon's manners: an operation is done at its second look, and until then another change is 423; the default
branch, protected ones and parents are not deleted (422); a taken name is 409, an unknown id 404; an expiry is at most
30 days ahead and deletes by the stand-in's own clock. Faults on demand: 423, 429, 503, an answer that is lost, an
operation that fails.
"""

import asyncio
import difflib
import json
import re
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from dev import postgres
from dev.generation.faults import Faults
from lib import db, errors

KINDS = {"request": ("423", "429", "503", "answer_lost", "operation_fails")}
PROJECT, MAIN, DATABASE, LIMIT = "local", "br-main", "neondb", 10
_EXPIRY = timedelta(days=30)

type Json = dict[str, Any]


class Refused(Exception):
    """An answer other than success, with Neon's code and words."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class LocalBranch:
    """A branch and the database that holds its data. Times are as Neon writes them."""

    id: str
    name: str
    database: str
    parent_id: str = ""
    default: bool = False
    protected: bool = False
    created_at: str = ""
    expires_at: str = ""

    def doc(self) -> Json:
        facts = {key: value for key, value in asdict(self).items() if key != "database" and value != ""}
        return {**facts, "primary": self.default, "current_state": "ready"}


class Neon:
    """The service as an ASGI app, with one project. `serve_from` names the server; until then every request is 503.

    `file` keeps the branches between two runs. `clock` is what expiry goes by.
    """

    def __init__(
        self, key: str, file: Path | None = None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.faults = Faults("neon", KINDS)
        self.branches: dict[str, LocalBranch] = {}
        self.requests: list[tuple[str, str]] = []
        self.clock = clock
        self._key, self._file = key, file
        self._server: Path | None = None
        self._owner = "postgres"
        self._operations: dict[str, Json] = {}
        self.turn = asyncio.Lock()

    def serve_from(self, server: Path, *, database: str = "postgres", owner: str = "postgres") -> None:
        """Take this running server for the project, and this database of it for the default branch."""
        self._server, self._owner = server, owner
        kept = json.loads(self._file.read_text()) if self._file and self._file.is_file() else []
        self.branches = {one["id"]: LocalBranch(**one) for one in kept}
        self.branches[MAIN] = LocalBranch(MAIN, "main", database, default=True, created_at=stamp(self.clock()))

    async def close(self) -> None:
        """Nothing is held open."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        async with self.turn:
            response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = re.sub(r"^.*/projects/[^/]+", "", request.url.path)
        self.requests.append((request.method, path))
        try:
            self._admit(request)
            await self._sweep()
            body = json.loads(await request.body() or b"{}")
            answer = await self._route(request.method, path, request.query_params, body)
        except Refused as error:
            words = {"request_id": secrets.token_hex(8), "code": error.code, "message": str(error)}
            headers = {"retry-after": "1"} if error.status == 429 else {}
            return JSONResponse(words, error.status, headers=headers)
        except errors.Unavailable as error:
            return JSONResponse({"code": "", "message": str(error)}, 503)
        if request.method != "GET" and self.faults.take("answer_lost"):
            return _Broken()
        return JSONResponse(answer, 201 if request.method == "POST" else 200)

    def _admit(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self._key}":
            raise Refused(401, "supplied credentials do not pass authentication")
        if self._server is None:
            raise Refused(503, "the local Postgres does not run")
        fault = self.faults.take("423", "429", "503")
        running = [one for one in self._operations.values() if one["status"] == "running"]
        if running and request.method != "GET":
            for one in running:  # it goes on, whether or not somebody asks for it
                one["status"] = "finished"
            raise Refused(
                423, "project already has running conflicting operations, scheduling of new ones is prohibited"
            )
        if fault:
            raise Refused(int(fault.kind), {"423": "locked", "429": "too many requests"}.get(fault.kind, "try again"))

    async def _route(self, method: str, path: str, query: Any, body: Json) -> Json:
        match method, path.strip("/").split("/"):
            case "GET", [""]:
                return {"project": {"id": PROJECT, "name": PROJECT, "pg_version": 18, "compute_time_seconds": 36_000}}
            case "GET", ["branches"]:
                return self._list(query)
            case "POST", ["branches"]:
                return await self.create(**_made(body))
            case "GET", ["branches", one]:
                return {"branch": self._find(one).doc()}
            case "PATCH", ["branches", one]:
                return self._change(self._find(one), body.get("branch") or {})
            case "DELETE", ["branches", one]:
                return await self.delete(one)
            case "POST", ["branches", one, "restore"]:
                return await self.restore(one, str(body.get("source_branch_id")))
            case "GET", ["branches", one, "databases"]:
                return {"databases": [{"branch_id": self._find(one).id, "name": DATABASE, "owner_name": self._owner}]}
            case "GET", ["branches", one, "compare_schema"]:
                return {"diff": await asyncio.to_thread(self._diff, one, query.get("base_branch_id", ""))}
            case "GET", ["connection_uri"]:
                return {"uri": self.url(self._find(query.get("branch_id", "")), query)}
            case "GET", ["operations", one]:
                return {"operation": self._look_at(one)}
        raise Refused(404, "this route does not exist")

    def _list(self, query: Any) -> Json:
        found = sorted(self.branches.values(), key=lambda one: one.id)
        found = [one for one in found if query.get("search", "") in one.name and one.id > query.get("cursor", "")]
        page = found[: int(query.get("limit") or 100)]
        following = {"next": page[-1].id} if len(page) < len(found) else {}
        return {"branches": [one.doc() for one in page], "pagination": following}

    async def create(self, name: str, parent_id: str = MAIN, expires_at: str = "", protected: bool = False) -> Json:
        """Copy a branch. Its parent's guests are sent away for the moment, and come again by themselves."""
        parent = self._find(parent_id or MAIN)
        self._require_free(name)
        if len(self.branches) > LIMIT:
            raise Refused(422, f"branches limit exceeded, limit {LIMIT}", "BRANCHES_LIMIT_EXCEEDED")
        number = secrets.token_hex(6)
        made = LocalBranch(f"br-{number}", name, f"branch_{number}", parent.id, protected=protected)
        made.created_at, made.expires_at = stamp(self.clock()), self._expiry(expires_at)
        await self._copy(parent.database, made.database)
        self.branches[made.id] = made
        self._keep()
        return {
            "branch": made.doc(),
            "endpoints": [{"id": f"ep-{number}"}],
            "operations": self._start("create_branch", "start_compute"),
        }

    async def restore(self, branch_id: str, source_id: str) -> Json:
        """Give a branch the data of another; connections to it break."""
        branch, source = self._find(branch_id), self._find(source_id)
        if branch.default or branch.protected or branch is source:
            raise Refused(422, "the branch cannot be restored this way")
        await self._drop(branch.database)
        await self._copy(source.database, branch.database)
        return {"branch": branch.doc(), "operations": self._start("restore_branch")}

    async def delete(self, branch_id: str) -> Json:
        """Delete a branch with its database."""
        branch = self._find(branch_id)
        if branch.default or branch.protected:
            raise Refused(422, f"{'default' if branch.default else 'protected'} branch cannot be deleted")
        if any(one.parent_id == branch_id for one in self.branches.values()):
            raise Refused(422, "cannot delete a branch that has children")
        await self._remove(branch)
        return {"branch": branch.doc(), "operations": self._start("delete_timeline")}

    async def expire(self, branch_id: str) -> Json:
        """Let a branch's time be over, as if its days had passed."""
        branch = self._find(branch_id)
        if branch.default or branch.protected:
            raise Refused(422, "a default or protected branch cannot expire")
        branch.expires_at = stamp(self.clock() - timedelta(seconds=1))
        await self._sweep()
        return {}

    async def protect(self, branch_id: str) -> Json:
        """Protect a branch, or no longer."""
        return self._change(self._find(branch_id), {"protected": not self._find(branch_id).protected})

    async def look(self) -> Json:
        """Return all branches with their sizes and addresses, the newest last."""
        if self._server is None:
            raise Refused(503, "the local Postgres does not run")
        await self._sweep()
        async with db.connect(postgres.url(self._server, "template1")) as conn:
            rows = await (await conn.execute("select datname, pg_database_size(oid) from pg_database")).fetchall()
        sizes = dict(rows)
        found = sorted(self.branches.values(), key=lambda one: (not one.default, one.created_at, one.name))
        docs = [one.doc() | {"bytes": sizes.get(one.database), "url": self.url(one, {})} for one in found]
        return {"branches": docs, "requests": len(self.requests)}

    def url(self, branch: LocalBranch, query: Any) -> str:
        """Return the address of a branch's database; by the pooler it is the same here."""
        if query.get("database_name", DATABASE) != DATABASE or query.get("role_name", self._owner) != self._owner:
            raise Refused(404, "no such database or role in this branch")
        assert self._server is not None
        return postgres.url(self._server, quote(branch.database), self._owner)

    def _change(self, branch: LocalBranch, wish: Json) -> Json:
        expires_at = self._expiry(wish.get("expires_at") or "")
        if expires_at and (branch.default or branch.protected):
            raise Refused(422, "a default or protected branch cannot expire")
        if wish.get("name", branch.name) != branch.name:
            self._require_free(wish["name"])
            branch.name = wish["name"]
        if "expires_at" in wish:
            branch.expires_at = expires_at
        branch.protected = bool(wish.get("protected", branch.protected))
        self._keep()
        return {"branch": branch.doc(), "operations": []}

    def _find(self, branch_id: str) -> LocalBranch:
        if branch_id not in self.branches:
            raise Refused(404, "branch not found")
        return self.branches[branch_id]

    def _require_free(self, name: str) -> None:
        if not name or len(name) > 256:
            raise Refused(400, "a branch name has 1 to 256 characters")
        if any(one.name == name for one in self.branches.values()):
            raise Refused(409, f"branch with the provided name already exists: {name}")

    def _expiry(self, text: str) -> str:
        if text and not timedelta(0) < datetime.fromisoformat(text) - self.clock() <= _EXPIRY:
            raise Refused(422, "expires_at must be in the future and at most 30 days ahead")
        return text

    async def _sweep(self) -> None:
        now = self.clock()
        for one in [*self.branches.values()]:
            if one.expires_at and datetime.fromisoformat(one.expires_at) <= now:
                await self._remove(one)

    async def _remove(self, branch: LocalBranch) -> None:
        await self._drop(branch.database)
        del self.branches[branch.id]
        self._keep()

    def _keep(self) -> None:
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            kept = [asdict(one) for one in self.branches.values() if one.id != MAIN]
            self._file.write_text(json.dumps(kept))

    def _start(self, *actions: str) -> list[Json]:
        fails = self.faults.take("operation_fails")
        made = [{"id": secrets.token_hex(8), "action": one, "status": "running", "looks": 0} for one in actions]
        made[0] |= {"fails": True} if fails else {}
        self._operations |= {one["id"]: one for one in made}
        return [_shown(one) for one in made]

    def _look_at(self, operation_id: str) -> Json:
        operation = self._operations.get(operation_id)
        if operation is None:
            raise Refused(404, "operation not found")
        operation["looks"] += 1
        if operation["looks"] >= 2 and operation["status"] == "running":
            operation["status"] = "failed" if operation.get("fails") else "finished"
        return _shown(operation)

    async def _copy(self, source: str, target: str) -> None:
        """Copy a database. Its guests are ended first; who comes meanwhile waits at Postgres' own door."""
        assert self._server is not None
        owner, names = sql.Identifier(self._owner), (sql.Identifier(target), sql.Identifier(source))
        copy = sql.SQL("create database {} owner {} template {} strategy file_copy").format(names[0], owner, names[1])
        guests = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
        async with db.connect(postgres.url(self._server, "template1")) as conn:
            for tries in range(20):
                await conn.execute(guests, [source])
                try:
                    await conn.execute(copy)
                    return
                except psycopg.errors.ObjectInUse:
                    if tries == 19:
                        raise

    async def _drop(self, database: str) -> None:
        assert self._server is not None
        async with db.connect(postgres.url(self._server, "template1")) as conn:
            await conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))

    def _diff(self, branch_id: str, base_id: str) -> str:
        branch, base = self._find(branch_id), self._find(base_id)
        texts = [self._schema(one) for one in (base, branch)]
        return "\n".join(difflib.unified_diff(*texts, base.name, branch.name, lineterm=""))

    def _schema(self, branch: LocalBranch) -> list[str]:
        assert self._server is not None
        command = [
            postgres.program("pg_dump"),
            "--schema-only",
            "--no-owner",
            postgres.url(self._server, branch.database),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(500, done.stderr.strip()[:300])
        return [
            line
            for line in done.stdout.splitlines()
            if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))
        ]


class _Broken(Response):
    """An answer that ends in the middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _made(body: Json) -> Json:
    wish = body.get("branch") or {}
    known = ("name", "parent_id", "expires_at", "protected")
    return {"name": f"br-{secrets.token_hex(4)}"} | {key: wish[key] for key in known if wish.get(key)}


def _shown(operation: Json) -> Json:
    return {key: operation[key] for key in ("id", "action", "status")}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
