"""Draws the poster for a shop's counter, as a picture for the chat and as PDFs for the printer, A4 and A6."""

import asyncio
from datetime import timedelta

from lib import db, errors, log, qr, retry, text, typed
from lib.jobs.run import Run
from lib.loyalty import partners, staff
from lib.telegram import client
from lib.telegram.client import Chat, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
LEASE = timedelta(minutes=1)


async def run(run: Run) -> None:
    """Draw and send; a person who was let go meanwhile gets nothing."""
    from lib.drawing.card import poster

    asked = run.job.args
    found = await db.run(lambda conn: staff.shop_and_manager(conn, asked["partner_id"], run.job.user_id))
    if found is None:
        return
    shop, user = found
    link = await client.start_link("client", f"p_{shop.code}")
    say = user.language
    welcome = text.say(say, "partner.poster.welcome", points=shop.welcome_points) if shop.welcome_points else ""
    sheet = poster.PosterText(
        title=shop.title,
        promise=text.say(say, "partner.poster.promise", share=shop.earn_bp),
        welcome=welcome,
        steps=tuple(text.say(say, f"partner.poster.step{number}") for number in (1, 2, 3)),
        link=link.removeprefix("https://"),
        code=qr.png(link, scale=1),
        logo=await _logo(shop),
    )
    png, sheets = await asyncio.to_thread(poster.render, sheet)
    chat = Chat(asked["bot"], user.tg_id)
    try:
        if not run.checkpoint.get("shown"):
            await chat.send_photo(Picture("poster.png", png), text.say(say, "partner.poster.done", title=shop.title))
            await run.save(shown=True)
        files = [Picture(_name(shop, name, say), pdf) for name, pdf in sheets.items()]
        await chat.send_documents(files, text.say(say, "partner.poster.print"))
    except errors.Blocked:
        log.note(blocked=True)


def _name(shop: partners.Partner, size: str, language: str) -> str:
    return f"{typed.file_name(shop.title, text.say(language, 'partner.poster.name'), size.upper())}.pdf"


async def _logo(shop: partners.Partner) -> bytes:
    """Return the picture that the shop has given itself, b"" without one: a poster without it is still a poster."""
    if not shop.photo:
        return b""
    try:
        return await client.download("partner", shop.photo)
    except errors.Rejected as error:
        log.note(no_logo=str(error))
        return b""
