"""Checks every night that no credit and no job was lost, and tells the administrators what it finds."""

import html
from datetime import timedelta

from lib import audit, config, db, errors, jobs, log, notify, retry
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(minutes=5), cap=timedelta(hours=1))
LEASE = timedelta(minutes=5)


async def run(run: jobs.Run) -> None:
    """Audit and alert; an administrator who was told is not told again by a retry."""
    found = await db.run(audit.check)
    log.note(findings=len(found))
    if not found:
        return
    for finding in found:
        log.event("audit", check=finding.check, number=finding.number, examples=finding.examples)
    lines = [f"• {finding.check}: {finding.number} ({', '.join(finding.examples)})" for finding in found]
    alert = "<b>Audit</b>\n" + html.escape("\n".join(lines), quote=False)[:3500]
    bot = "admin" if config.get().bot_tokens.get("admin") else "studio"
    told = list(run.checkpoint.get("told", []))
    for admin in sorted(config.get().admin_ids - await notify.spared("audit")):
        if admin in told:
            continue
        try:
            await Chat(bot, admin, paced=True).say(alert)
        except errors.Rejected as error:  # has not written to this bot yet, or blocked it
            log.event("admin_not_told", admin=admin, error=str(error))
        told.append(admin)
        await run.save(told=told)
