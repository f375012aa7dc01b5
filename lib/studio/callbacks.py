"""Makes the address to which a generation provider reports, and believes next to nothing of a report.

The address names the job and one request of it, and is signed with APP_SECRET, so only the provider that got it can
know it. The provider's own signature is checked too where it has one, but it does not cover the body (facts of KIE:
taskId and time alone): so a report changes nothing but when the job is looked at, and leaves a task id as a hint to be
checked.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from lib import config, db, errors, providers

SQL = db.load("callbacks")

_ID_LIMIT = 200


def address(provider: str, job_id: int, nonce: str) -> str:
    """Return where the provider is to report what became of one request of a job; '' when nobody could trust it."""
    if not config.get().app_secret:
        return ""
    query = {"job": str(job_id), "nonce": nonce, "sig": _sign(provider, str(job_id), nonce)}
    return config.get().address(f"/api/callback/{provider}", query)


def reports(provider: str) -> bool:
    """Say whether there is a provider of this name that reports what became of its tasks."""
    return provider in config.PROVIDERS and not providers.load(provider).INSTANT


async def take(provider: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> bool:
    """Let the job be looked at now; False when nobody waits for it. Denied for a report that proves nothing."""
    job, nonce = query.get("job", ""), query.get("nonce", "")
    ours = hmac.compare_digest(query.get("sig", "").encode(), _sign(provider, job, nonce).encode())
    if not config.get().app_secret or not reports(provider) or not job.isdecimal() or len(job) > 18 or not ours:
        raise errors.Denied()
    task_id = _task_id(body)
    providers.load(provider).check_report(headers, task_id)
    return bool(await db.run(lambda conn: SQL.hear.one(conn, bool, job_id=int(job), nonce=nonce, task_id=task_id)))


def _sign(provider: str, job: str, nonce: str) -> str:
    message = f"callback:{provider}:{job}:{nonce}".encode()
    return hmac.new(config.get().app_secret.encode(), message, hashlib.sha256).hexdigest()[:32]


def _task_id(body: bytes) -> str:
    """Return the task that a report names: `taskId` or `task_id`, at its root or under `data`."""
    try:
        report: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise errors.Invalid("not_json") from None
    places = [report, report.get("data")] if isinstance(report, dict) else []
    for place in places:
        for name in ("taskId", "task_id"):
            found = place.get(name) if isinstance(place, dict) else None
            if isinstance(found, str) and 0 < len(found) <= _ID_LIMIT and found.isprintable():
                return found
    raise errors.Invalid("no_task_id")
