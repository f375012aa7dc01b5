"""Links by which a stored file is opened for a while, where files lie in a folder of our own: no other way leads there.

    PUBLIC_URL/files/<until>-<proof>/<pathname>       until: Unix time in hex

The proof is a keyed hash of both, by a key that APP_SECRET makes for this alone: a link leads to one file until one
moment, and makes no other. Files in Vercel Blob are private, and the bot sends them: they have no links.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from lib import config

LASTS = timedelta(days=3)

_TICKET = re.compile(r"([0-9a-f]{8,9})-([0-9a-f]{32})")


def make(pathname: str, now: datetime) -> str:
    """Return a link to a stored file, or '' where there is no folder of our own or no secret to sign by."""
    settings = config.get()
    if settings.storage_type != "local" or not settings.app_secret or settings.environment == "local":
        return ""
    until = f"{int((now + LASTS).timestamp()):x}"
    return f"{settings.public_url}/files/{until}-{_proof(until, pathname)}/{pathname}"


def check(ticket: str, pathname: str, now: datetime) -> Literal["open", "over", "wrong"]:
    """Say whether a link opens its file, did so once, or was never made by us."""
    read = _TICKET.fullmatch(ticket)
    if not read or not config.get().app_secret or not hmac.compare_digest(read[2], _proof(read[1], pathname)):
        return "wrong"
    return "open" if datetime.fromtimestamp(int(read[1], 16), UTC) > now else "over"


def _proof(until: str, pathname: str) -> str:
    key = hmac.digest(config.get().app_secret.encode(), b"links to files", hashlib.sha256)
    return hmac.digest(key, f"{until}/{pathname}".encode(), hashlib.sha256).hex()[:32]
