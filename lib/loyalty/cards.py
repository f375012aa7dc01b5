"""The card a client shows: a QR code with a signed link that lives for minutes, or six digits to be typed in.

    issue -> c_<token> in the QR --scan--> open -> ... -> use(card, key) with the operation, once
    issue_code -> 482 913 --typed--> open_code -> ... -> use(card, key)

The token names the shop and the member and cannot be forged; neither can be used for two operations. The digits live in
Redis alone: without it they cannot be had, the QR code still can.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lib import cache, config, errors, log
from lib.loyalty import codes

LIFE = timedelta(minutes=5)
CODE_LIFE = timedelta(minutes=5)
TRIES = 5

_BODY = struct.Struct(">IQQI")
_MARK = 12


@dataclass(frozen=True)
class Showing:
    """Whose card was shown, and the number by which one showing of it is known."""

    partner_id: int
    member_id: int
    nonce: str


def issue(partner_id: int, member_id: int, *, now: datetime | None = None) -> str:
    """Return a start payload for the partner bot, c_<token>, good for LIFE: 50 characters of A-Z a-z 0-9 _ -."""
    until = int(((now or datetime.now(UTC)) + LIFE).timestamp())
    body = _BODY.pack(until, partner_id, member_id, secrets.randbits(32))
    return "c_" + base64.urlsafe_b64encode(body + _sign(body)).decode().rstrip("=")


async def open(payload: str, *, partner_id: int | None = None, now: datetime | None = None) -> Showing:
    """Return whose card this is.

    Invalid("card_unreadable"), Conflict("card_expired"), Conflict("card_used"); Denied("card_of_another_partner") when
    a shop is given and the card is not one of its.
    """
    until, card = _read(payload)
    if partner_id is not None and card.partner_id != partner_id:
        raise errors.Denied("card_of_another_partner")
    if until <= (now or datetime.now(UTC)).timestamp():
        raise errors.Conflict("card_expired")
    try:
        used = await cache.get(f"card:used:{card.nonce}")
    except errors.Unavailable:
        log.note(card_unchecked=True)  # it dies in minutes anyway, and every operation has a key of its own
        used = None
    if used is not None:
        raise errors.Conflict("card_used")
    return card


async def issue_code(partner_id: int, member_id: int) -> str:
    """Return six digits that lead to this member at this shop for CODE_LIFE; Unavailable without Redis."""
    for _ in range(TRIES):
        code = f"{secrets.randbelow(1_000_000):06}"
        name = cache.key(f"card:code:{partner_id}:{code}")
        value = f"{member_id}:{secrets.token_hex(4)}"
        [first] = await cache.pipeline([["SET", name, value, "NX", "PX", _ms(CODE_LIFE)]])
        if first:
            return code
    raise errors.Unavailable("codes", "every code we tried was taken")


async def open_code(partner_id: int, code: str) -> Showing:
    """Return whose six digits these are at this shop.

    Missing("code_unknown"): never given, expired, or another shop's; Conflict("card_used"); Conflict("codes_away").
    """
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdecimal() and len(digits) == 6):
        raise errors.Invalid("code_unreadable", code[:20])
    value = await codes.read(f"card:code:{partner_id}:{digits}")
    if value is None:
        raise errors.Missing("code_unknown")
    member, _, nonce = value.partition(":")
    if await codes.read(f"card:used:{nonce}") is not None:
        raise errors.Conflict("card_used")
    return Showing(partner_id, int(member), nonce)


async def use(nonce: str, key: str) -> None:
    """Spend this showing of a card on the operation with this key, before it is carried out.

    The same operation may repeat it; any other gets Conflict("card_used"). Without Redis nothing is checked: the
    operation's own key still keeps it from happening twice.
    """
    name = cache.key(f"card:used:{nonce}")
    mark = hashlib.sha256(key.encode()).hexdigest()[:32]
    try:
        first, kept = await cache.pipeline([["SET", name, mark, "NX", "PX", _ms(LIFE * 3)], ["GET", name]])
    except errors.Unavailable:
        log.note(card_unchecked=True)
        return
    if not first and kept != mark:
        raise errors.Conflict("card_used")


def _read(payload: str) -> tuple[int, Showing]:
    token = payload.removeprefix("c_")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.Invalid("card_unreadable") from error
    body, mark = raw[: _BODY.size], raw[_BODY.size :]
    if len(body) != _BODY.size or not hmac.compare_digest(mark, _sign(body)):
        raise errors.Invalid("card_unreadable")
    until, partner_id, member_id, nonce = _BODY.unpack(body)
    return until, Showing(partner_id, member_id, f"{nonce:08x}{until:08x}")


def _sign(body: bytes) -> bytes:
    secret = config.get().app_secret
    if not secret:
        raise errors.Misconfigured(detail="APP_SECRET is not set; without it cards could be forged")
    return hmac.digest(secret.encode(), b"card:" + body, hashlib.sha256)[:_MARK]


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
