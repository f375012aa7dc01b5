"""An update finds its region: here, or in the deployment of another one, whose status goes back to Telegram.

    a look-up (directory), in one trip with the beginning of the person's turn
                          -> here: dispatch
                          -> elsewhere: the same bytes, in an envelope, to the door there; it looks nothing up
                          -> unknown, as the directory cannot be read: the others are asked, who have copies

Telegram keeps what gets a 503 and offers it again, so a region that is down or a shop on its way loses nothing. A
region that fails is left alone for seconds: its people's updates must not take the connections of all others.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable
from datetime import datetime, timedelta

from lib import cache, config, errors, log, wire
from lib.jobs import kick
from lib.regions import directory, events
from lib.telegram import dispatch, fsm
from lib.telegram.dispatch import Outcome
from lib.telegram.menus import Flows
from lib.telegram.update import Incoming, parse

NAME = "regions"  # what stands in the path for a bot where another region calls
# What another region says of an update that it sends: it belongs here for sure, or it asks whether it does.
SURE, ASK = "sure", "ask"
PATIENCE = timedelta(seconds=10)
LEAVING = timedelta(seconds=3)
MISDIRECTED = 421
HEARD = 202  # what is too long for the webhook gets a 200 unread
LATER = timedelta(seconds=2)

_SHOP = re.compile(r"[pr]_([a-z0-9]{6,16})(?:_\d{1,12})?", re.ASCII)
_INVITATION = re.compile(r"s_(\d{1,18})_.+", re.ASCII)
_REGION = re.compile(r"at_([a-z]{2,12})", re.ASCII)

_breakers: dict[str, cache.Breaker] = {}


async def handle(bot: str, raw: bytes, flows: Flows) -> Outcome:
    """Handle an update of Telegram's where it belongs, or what another region sends or tells."""
    if bot != NAME:
        return await _route(bot, raw, flows)
    head, _, raw = raw.partition(b"\n")
    try:
        envelope = json.loads(head)
        bot, hop = str(envelope["bot"]), str(envelope["hop"])
    except (LookupError, TypeError, ValueError):
        raise errors.Invalid("no_envelope") from None
    if bot == NAME:
        return await _heard(raw)
    return await (dispatch.handle(bot, raw, flows) if hop == SURE else _route(bot, raw, flows, is_asked=True))


async def tell() -> datetime | None:
    """Tell the other regions what they have not heard; return when to try again, None when they have it all."""
    return await events.tell(_is_heard)


async def _is_heard(region: str, body: bytes) -> bool:
    answer = await _post(region, NAME, body, SURE)
    return answer is not None and answer.status == HEARD


async def _route(bot: str, raw: bytes, flows: Flows, *, is_asked: bool = False) -> Outcome:
    """Look up where an update belongs, and handle it there; one that another region asks about only if it is here."""
    try:
        came = parse(raw)
    except errors.Invalid:
        came = None
    if came is None:
        return await dispatch.handle(bot, raw, flows)
    turn = asyncio.ensure_future(fsm.begin(bot, came.person.id, came.update_id))
    try:
        region = await home(bot, came)
    except errors.Unavailable as error:
        log.event("region_unknown", bot=bot, error=str(error))
        region = ""
    if region == config.get().home_region:
        return await dispatch.handle(bot, raw, flows, begun=turn)
    _, outcome = await asyncio.gather(_give_back(turn), _pass_on(region, bot, raw, is_asked=is_asked))
    return outcome


async def _give_back(turn: Awaitable[fsm.HeldTurn | None]) -> None:
    """End a turn that was taken before it was known that the update is another region's."""
    try:
        if held := await turn:
            await fsm.release(held)
    except errors.Unavailable as error:
        log.event("turn_not_given_back", error=str(error))


async def _pass_on(region: str, bot: str, raw: bytes, *, is_asked: bool) -> Outcome:
    """Have another region handle an update; "": it is not known which. What another asks about goes back to it."""
    if is_asked:
        return Outcome(MISDIRECTED)
    return await (_send(region, bot, raw, SURE) if region else _ask(bot, raw))


async def home(bot: str, came: Incoming) -> str:
    """Return the region of an update: that of the chat, which a link may take elsewhere for good.

    A link of a shop, or an invitation to work in one, takes the chat there. Credits do not travel, so the studio's
    chat follows a link to a region only as long as nobody here knows the person.
    """
    chat = await directory.of_chat(bot, came.person.id)
    wanted = await _wanted(bot, came)
    if wanted in ("", chat) or (bot == "studio" and await _is_settled(chat, came)):
        return chat
    await directory.place(bot, came.person.id, wanted)
    if chat != config.get().home_region:
        await _take_leave(chat)
    await kick.drain()  # it tells the other regions
    log.event("chat_placed", bot=bot, user_id=came.person.id, region=wanted)
    return wanted


async def _take_leave(region: str) -> None:
    """Have the region that a chat leaves hear of it at once: where nobody can look up, it would answer as before.

    One that is down answers nobody, and hears of it when it is back.
    """
    try:
        async with asyncio.timeout(LEAVING.total_seconds()):
            await events.tell_one(region, _is_heard)
    except TimeoutError:
        log.event("region_late", region=region)


async def _wanted(bot: str, came: Incoming) -> str:
    """Return the region that a link leads to, "" for any other update."""
    if came.command != "start" or not came.text:
        return ""
    if bot == "client" and (found := _SHOP.fullmatch(came.text)):
        return await directory.of_shop(code=found[1])
    if bot == "partner" and (found := _INVITATION.fullmatch(came.text)):
        return await directory.of_shop(number=int(found[1]))
    found = _REGION.fullmatch(came.text)
    return found[1] if found and found[1] in config.get().regions else ""


async def _is_settled(chat: str, came: Incoming) -> bool:
    return chat != config.get().home_region or await directory.knows(came.person.id)


async def _ask(bot: str, raw: bytes) -> Outcome:
    """Ask every other region whether the update is its own; where none takes it, it waits."""
    for region in config.get().other_regions:
        outcome = await _send(region, bot, raw, ASK)
        if outcome.status not in (MISDIRECTED, 503):
            return outcome
    return Outcome(503, LATER)


async def _send(region: str, bot: str, raw: bytes, hop: str) -> Outcome:
    """Have another region handle an update; a status that is no answer to Telegram becomes a 503."""
    with log.scope("sent_on", bot=bot, region=region) as record:
        answer = await _post(region, bot, raw, hop)
        record["status"] = status = answer.status if answer else 0
    if answer is None or status not in (200, 500, MISDIRECTED):
        wait = answer.headers.get("retry-after", "") if answer else ""
        return Outcome(503, timedelta(seconds=min(int(wait), 60)) if wait.isdecimal() else LATER)
    return Outcome(status)


async def _post(region: str, bot: str, body: bytes, hop: str) -> wire.WireAnswer | None:
    """Post an envelope to another region's door; None when it does not answer, or has not for the last moments."""
    breaker = _breakers.setdefault(region, cache.Breaker(pause=5.0))
    if not breaker.admits(time.monotonic()):
        return None
    settings = config.get()
    envelope = json.dumps({"bot": bot, "hop": hop}).encode() + b"\n" + body
    headers = [("Content-Type", "application/json"), ("X-Telegram-Bot-Api-Secret-Token", settings.webhook_secret)]
    try:
        answer = await wire.post(f"{settings.regions[region]}/api/telegram/{NAME}", envelope, headers, PATIENCE)
    except (OSError, TimeoutError, ValueError, LookupError) as error:
        log.note(unreached=type(error).__name__)
        breaker.failed(time.monotonic())
        return None
    breaker.succeeded()
    return answer


async def _heard(raw: bytes) -> Outcome:
    """Do what another region tells; it tells again what cannot be done now."""
    with log.scope("region_told") as record:
        try:
            record["events"] = await events.hear(raw)
        except errors.Invalid as error:
            log.failure(error)
            return Outcome(500)
        except errors.Unavailable as error:
            log.failure(error)
            return Outcome(503, error.retry_after)
    return Outcome(HEARD)
