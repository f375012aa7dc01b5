"""Tells people what they did not ask for: so far, the administrators about what needs a look."""

import contextlib

from lib import config, errors, log, text
from lib.telegram.client import Chat


async def alert_admins(through: str, key: str, **fields: object) -> None:
    """Send a sentence to every administrator through one bot; one who has not started it hears nothing."""
    log.event("alert", key=key, **fields)
    for admin in config.get().admin_ids:
        with contextlib.suppress(errors.AppError):
            await Chat(through, admin).say(text.say(text.LANGUAGES[0], key, **fields))
