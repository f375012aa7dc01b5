"""Takes a seller's logo into their style, and shows the style on a product of their own.

    logo had ─> freed of its ground ─> kept as a file ─> in the style ─> two covers of the last product, in one picture

What goes wrong is said in the message that promised the picture; it costs nothing either way.
"""

from datetime import timedelta

from lib import db, errors, log, retry, storage, text
from lib.drawing import work
from lib.drawing.card import covers, logo, strip
from lib.drawing.cover import branding
from lib.drawing.cut import cutout
from lib.jobs.run import Run
from lib.providers.contract import OwnStyle
from lib.studio import brands
from lib.studio import files as stored_files
from lib.studio.brands import LastProduct
from lib.studio.files import NewFile
from lib.telegram import client
from lib.telegram.client import Button, Chat, Keyboard, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(seconds=20), max_attempts=3)
LEASE = timedelta(seconds=60)
SIZE = (480, 640)


async def run(run: Run) -> None:
    """Take the logo if there is one, and show what the style makes of a product."""
    asked, chat = run.job.args, Chat(run.job.args["bot"], run.job.args["chat"], paced=True)
    try:
        if asked.get("file_id") and "logo" not in run.checkpoint:
            await _take(run)
        await _show(run, chat)
    except errors.Blocked:
        log.note(blocked=True)
    except errors.Rejected as error:
        key = f"error.{error.code}"
        words = text.say(asked["language"], key if text.knows(key) else "error.try_again", detail="", limit=0)
        await chat.edit(asked["message_id"], words, _keyboard(asked["language"]))


async def _take(run: Run) -> None:
    """Keep the logo; its strongest colour is the accent of a style that has none yet."""
    user_id = run.job.user_id
    data = await client.download(run.job.args["bot"], run.job.args["file_id"])
    try:
        found = await work.draw(logo.clean, data)
    except errors.Rejected as error:  # a photo of a product is refused in other words
        code = error.code.replace("picture_", "logo_")
        raise errors.Rejected(code if text.knows(f"error.{code}") else error.code, str(error)) from error
    [file] = await stored_files.keep(
        user_id, run.id, [NewFile("logo", found.png, "image/png", found.width, found.height)]
    )
    known = await db.run(lambda conn: brands.get(conn, user_id))
    accent = found.colour if found.colour and not (known and known.accent) else None
    await db.run(lambda conn: brands.keep(conn, user_id, logo_id=file.id, accent=accent))
    await run.save(logo=file.id)


async def _show(run: Run, chat: Chat) -> None:
    asked, own = run.job.args, await brands.own(run.job.user_id)
    last = await db.run(lambda conn: brands.last_product(conn, run.job.user_id))
    language, keyboard = asked["language"], _keyboard(asked["language"])
    try:
        photo = await storage.get(last.pathname) if last else b""
    except errors.Missing:
        photo = b""
    if last is None or not photo:
        await chat.edit(asked["message_id"], text.say(language, "studio.brand.no_product"), keyboard)
        return
    jpeg, shifted = await work.draw(_drawn, photo, last, own, text.say(language, "strip.sample"))
    lines = [text.say(language, "studio.brand.shown")]
    lines += [text.say(language, "studio.brand.shifted")] if shifted else []
    await chat.show_picture(asked["message_id"], Picture("brand.jpg", jpeg), "\n\n".join(lines), keyboard)


def _drawn(photo: bytes, last: LastProduct, own: OwnStyle, sample: str) -> tuple[bytes, bool]:
    """Draw the first two covers of the product in the style; tell if a colour had to be made lighter or darker."""
    style = branding.read(own.logo, own.accent, own.ground, own.pair)
    seen = covers.looks(cutout.of(photo), last.title or "—", tuple(last.benefits), own=style)
    first = [seen.draw(SIZE, number) for number in range(min(2, len(seen.designs)))]
    return strip.beside(first, sample), any(seen.shifted(number) for number in range(len(first)))


def _keyboard(language: str) -> Keyboard:
    return [
        [
            Button(text.say(language, "studio.brand.open"), "brand:home"),
            Button(text.say(language, "button.menu"), "menu:home"),
        ]
    ]
