"""Checks every night that no credit and no job was lost, and tells the administrators what it finds."""

import contextlib
from datetime import timedelta

from lib import cache, config, db, errors, log, retry, text
from lib.jobs.run import Run
from lib.office import audit
from lib.office.audit import Finding
from lib.people import notify
from lib.reach import watch
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(minutes=5), cap=timedelta(hours=1))
LEASE = timedelta(minutes=5)
ROOM = 3500  # characters of a message
KEPT = timedelta(hours=26)  # until the next night's


async def run(run: Run) -> None:
    """Audit and alert; an administrator who was told is not told again by a retry."""
    found = await db.run(audit.check)
    log.note(findings=len(found))
    with contextlib.suppress(errors.Unavailable):
        await cache.set(watch.FINDINGS, str(len(found)), KEPT)
    if not found:
        return
    for finding in found:
        log.event("audit", check=finding.check, number=finding.number, examples=finding.examples)
    told = list(run.checkpoint.get("told", []))
    wanted = await notify.hearers("audit")
    for admin in wanted:
        if admin.id not in told and await _tell(admin.id, _words(admin.language, found)):
            told.append(admin.id)
            await run.save(told=told)
    if wanted and not told:
        raise errors.Unavailable("nobody_told")


def _words(language: str, found: list[Finding]) -> str:
    lines = [f"• {_sentence(language, one)}: {one.number} ({', '.join(one.examples)})" for one in found]
    return text.say(language, "admin.audit", lines="\n".join(text.fitting(lines, ROOM)))


def _sentence(language: str, finding: Finding) -> str:
    return text.say(language, f"admin.audit.{audit.CHECKS[finding.check].name}")


async def _tell(admin: int, alert: str) -> bool:
    """Send it by the admin bot, else by the studio; False to somebody who has started neither, or blocked both."""
    for bot in filter(config.get().bot_tokens.get, ("admin", "studio")):
        try:
            await Chat(bot, admin, paced=True).say(alert)
            return True
        except errors.Rejected as error:
            log.event("admin_not_told", admin=admin, bot=bot, error=str(error))
    return False
