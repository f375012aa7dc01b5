"""What a client reads while a person of the staff is called into their talk, or answers in it."""

from lib import clock, db
from lib.assistant import handover
from lib.assistant.talks import HeardLine
from lib.jobs import kick
from lib.menu.versions import OpenShop
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn


def back(turn: Turn, shop: int) -> Keyboard:
    """Return the button that lets the assistant answer again."""
    return handover.back(turn.language, shop)


async def call(turn: Turn, shop: OpenShop, talk_id: int, why: str) -> bool:
    """Call a person and say so; False, and not a word, when nobody may be called."""
    now = clock.now()
    if not await db.run(lambda conn: handover.call(conn, shop.id, talk_id, why, at=now)):
        return False
    turn.after.append(kick.drain)
    await turn.chat.say(handover.sentence(turn.language, shop, now), back(turn, shop.id))
    return True


async def call_if_lost(turn: Turn, shop: OpenShop, talk_id: int) -> None:
    """Call a person after three answers in a row that were of no use, and say so."""
    now = clock.now()
    if await db.run(lambda conn: handover.call_if_lost(conn, shop.id, talk_id, at=now)):
        turn.after.append(kick.drain)
        await turn.chat.say(handover.sentence(turn.language, shop, now), back(turn, shop.id))


async def pass_on(turn: Turn, heard: HeardLine, words: str) -> None:
    """Carry the client's words or photo to the staff; until somebody has answered the client reads that they were."""
    file = turn.came.attachment
    photo, ids = file.file_id if file else "", (heard.id, heard.talk_id, heard.line_id)
    await db.run(lambda conn: handover.pass_on(conn, *ids, words, photo=photo))
    turn.after.append(kick.drain)
    if heard.taken_by is None:
        await turn.chat.say(turn.text("talk.passed_on"), back(turn, heard.id))
