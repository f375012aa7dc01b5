"""Neon's API v2, as far as preview branches need it.

423 (the project is at work for somebody else), 429 and 503 had no effect, so whatever was asked is asked again until
the patience ends. A change counts as done when all its operations are. The default branch and protected ones are
refused here, before Neon is asked to change them.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import errors, fetch, retry

PATIENCE = timedelta(minutes=5)
_TIMEOUT = timedelta(seconds=30)
_AGAIN = (423, 429, 503)
_DONE, _FAILED = ("finished", "skipped"), ("failed", "cancelled")
_PAUSE = retry.Backoff(base=timedelta(milliseconds=500), cap=timedelta(seconds=10))

type Json = dict[str, Any]


@dataclass(frozen=True)
class Branch:
    """One branch of the project."""

    id: str
    name: str
    parent_id: str = ""
    default: bool = False
    protected: bool = False
    state: str = "ready"
    created_at: datetime | None = None
    expires_at: datetime | None = None
    bytes: int | None = None

    @classmethod
    def read(cls, doc: Json) -> "Branch":
        """Read a branch as Neon describes it."""
        return cls(
            id=doc["id"],
            name=doc["name"],
            parent_id=doc.get("parent_id") or "",
            default=bool(doc.get("default") or doc.get("primary")),
            protected=bool(doc.get("protected")),
            state=str(doc.get("current_state") or "ready"),
            created_at=_time(doc.get("created_at")),
            expires_at=_time(doc.get("expires_at")),
            bytes=doc.get("logical_size"),
        )


class Neon:
    """One project. `pause` and `clock` are the time it waits by, which tests replace."""

    def __init__(
        self,
        key: str,
        project: str,
        *,
        url: str,
        patience: timedelta = PATIENCE,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("NEON_API_KEY", key), ("NEON_PROJECT_ID", project)):
            if not value:
                raise errors.Misconfigured(detail=f"{name} is not set")
        self._root, self._headers = f"{url}/projects/{project}", {"Authorization": f"Bearer {key}"}
        self._patience, self.pause, self._clock = patience, pause, clock

    async def branches(self, search: str = "") -> list[Branch]:
        """Return the branches whose names hold `search`, all pages of them."""
        found: list[Branch] = []
        cursor = ""
        while True:
            query = {"search": search, "limit": "100", "cursor": cursor}
            page = await self._ask("GET", "/branches", params={k: v for k, v in query.items() if v})
            found += [Branch.read(doc) for doc in page["branches"]]
            following = (page.get("pagination") or {}).get("next") or ""
            if not page["branches"] or not following or following == cursor:
                return found
            cursor = following

    async def find(self, name: str) -> Branch | None:
        """Return the branch of exactly this name."""
        return next((one for one in await self.branches(name) if one.name == name), None)

    async def parent(self, name: str = "") -> Branch:
        """Return the branch to make others from: that of this name, else the project's default one."""
        found = next((one for one in await self.branches(name) if one.name == name or (not name and one.default)), None)
        if found is None:
            raise errors.Missing("no_branch", name or "the project has no default branch")
        return found

    async def create(self, name: str, parent: Branch, expires_at: datetime) -> Branch:
        """Make a branch with a compute; a lost answer is looked up, as the branch may be there."""
        wish = {"name": name, "parent_id": parent.id, "expires_at": _stamp(expires_at)}
        try:
            made = await self._change("POST", "/branches", {"branch": wish, "endpoints": [{"type": "read_write"}]})
        except errors.Unavailable as error:
            found = await self.find(name) if error.code == "no_answer" else None
            if found is None:
                raise
            return found
        return Branch.read(made["branch"])

    async def change(self, branch: Branch, *, name: str = "", expires_at: datetime | None = None) -> Branch:
        """Give a branch another name or another end."""
        await self._require_disposable(branch)
        wish = {"name": name, "expires_at": _stamp(expires_at) if expires_at else ""}
        body = {"branch": {key: value for key, value in wish.items() if value}}
        return Branch.read((await self._change("PATCH", f"/branches/{branch.id}", body))["branch"])

    async def reset(self, branch: Branch) -> Branch:
        """Give a branch the data that its parent has now; its address stays, its connections drop."""
        current = await self._require_disposable(branch)
        body = {"source_branch_id": current.parent_id}
        return Branch.read((await self._change("POST", f"/branches/{branch.id}/restore", body))["branch"])

    async def delete(self, branch: Branch) -> bool:
        """Delete a branch; False when it is gone already."""
        try:
            await self._require_disposable(branch)
            await self._change("DELETE", f"/branches/{branch.id}")
        except errors.Missing:
            return False
        return True

    async def database(self, branch: Branch, name: str = "") -> tuple[str, str]:
        """Return the name and the owner of a branch's database: that of this name, else the only one."""
        docs = (await self._ask("GET", f"/branches/{branch.id}/databases"))["databases"]
        found = [(doc["name"], doc["owner_name"]) for doc in docs if name in ("", doc["name"])]
        if len(found) != 1:
            known = ", ".join(doc["name"] for doc in docs) or "none"
            raise errors.Invalid("which_database", f"--database must be one of those of {branch.name}: {known}")
        return found[0]

    async def uri(self, branch: Branch, database: str, role: str, *, pooled: bool) -> str:
        """Return the address of a branch's database, by the pooler or direct, with its password."""
        query = {"branch_id": branch.id, "database_name": database, "role_name": role, "pooled": str(pooled).lower()}
        return str((await self._ask("GET", "/connection_uri", params=query))["uri"])

    async def diff(self, branch: Branch, base: Branch | str, database: str) -> str:
        """Return how a branch's schema differs from another's, as a unified diff."""
        base_id = base if isinstance(base, str) else base.id
        query = {"base_branch_id": base_id, "db_name": database}
        return str((await self._ask("GET", f"/branches/{branch.id}/compare_schema", params=query)).get("diff") or "")

    async def _require_disposable(self, branch: Branch) -> Branch:
        """Return the branch as it is now; Denied when it is the default one, a protected one or nobody's child."""
        current = Branch.read((await self._ask("GET", f"/branches/{branch.id}"))["branch"])
        why = "the default branch" if current.default else "protected" if current.protected else ""
        if why or not current.parent_id:
            raise errors.Denied("not_a_preview", f"{current.name} is {why or 'a root'}; it stays as it is")
        return current

    async def _change(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask for a change and wait until its operations are done."""
        answer = await self._ask(method, path, json=body)
        began = self._clock()
        waiting = [one for one in answer.get("operations") or [] if not _is_done(one)]
        for tries in range(1, 10_000):
            if not waiting:
                break
            await self._wait(tries, began, f"{waiting[0]['action']} is still {waiting[0]['status']}")
            told = [(await self._ask("GET", f"/operations/{one['id']}"))["operation"] for one in waiting]
            waiting = [one for one in told if not _is_done(one)]
        return answer

    async def _ask(self, method: str, path: str, **request: Any) -> Json:
        """Return what Neon answers; ask again while it is busy, and a GET also when no answer came."""
        began = self._clock()
        for tries in range(1, 10_000):
            try:
                answer = await fetch.ask(
                    method, self._root + path, headers=self._headers, timeout=_TIMEOUT, **_given(request)
                )
            except errors.Unavailable as error:
                if error.code == "no_answer" and method != "GET":
                    raise
                await self._wait(tries, began, error.detail)
                continue
            if answer.status not in _AGAIN:
                return _read(answer, path)
            await self._wait(tries, began, _words(answer), _seconds(answer.headers))
        raise errors.Unavailable()

    async def _wait(self, tries: int, began: float, why: str, wanted: float = 0.0) -> None:
        """Pause before the next try; Unavailable when the patience would end meanwhile."""
        delay = _PAUSE.delay(tries)
        seconds = max(wanted, delay.total_seconds() if delay else 0.0)
        if self._clock() - began + seconds > self._patience.total_seconds():
            raise errors.Unavailable("neon_is_busy", f"gave up after {self._patience.total_seconds():.0f} s: {why}")
        await self.pause(seconds)


def _given(request: Mapping[str, Any]) -> Json:
    return {name: value for name, value in request.items() if value is not None}


def _is_done(operation: Json) -> bool:
    if operation["status"] in _FAILED:
        words = operation.get("error") or ""
        raise errors.Rejected("neon_failed", f"{operation['action']} {operation['status']} {words}".strip())
    return operation["status"] in _DONE


def _read(answer: fetch.Answer, path: str) -> Json:
    if answer.status < 300:
        return json.loads(answer.body or b"{}") or {}
    words = _words(answer)
    if answer.status == 401:
        raise errors.Misconfigured(detail=f"Neon does not take NEON_API_KEY: {words}")
    refusals: dict[int, Callable[[str, str], errors.AppError]] = {
        403: errors.Denied,
        404: errors.Missing,
        409: errors.Conflict,
    }
    raise refusals.get(answer.status, errors.Rejected)("neon", f"{words} ({answer.status} for {path})")


def _words(answer: fetch.Answer) -> str:
    try:
        doc = json.loads(answer.body)
        return str(doc["message"])
    except (ValueError, KeyError, TypeError):
        return answer.body[:200].decode(errors="replace").strip() or f"status {answer.status}"


def _seconds(headers: Mapping[str, str]) -> float:
    value = headers.get("retry-after", "")
    return float(value[:4]) if value.isdecimal() else 0.0


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
