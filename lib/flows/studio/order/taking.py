"""Takes what a seller sends into the draft: a photo, a description, corrected words, wishes.

Without a model the words are read by a rule (lib/studio/words). With one, a description becomes a proposal, by the job
`words`, which rewrites the screen; what the seller types after that, or instead of it, is taken as it stands.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

from lib import config, db, errors, limits, pictures
from lib import text as sentences
from lib.flows.studio.order import cutting, screens
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.ordering import OrderDraft
from lib.jobs import kick, table
from lib.studio import article, orders
from lib.studio import words as card_words
from lib.telegram import client, fsm, screen
from lib.telegram.dispatch import Turn
from lib.telegram.update import Attachment

DESCRIPTION_LIMIT = 4000
PROPOSALS = limits.Limit("proposal", 20, timedelta(minutes=10))


async def photo(turn: Turn, file: Attachment) -> None:
    """Take a photo, and its caption for the words."""
    draft = drafts.of(turn)
    adds = drafts.takes_more(draft, file.album)
    most = drafts.limit(draft)
    if adds and len(drafts.all_photos(draft)) >= most:
        told = drafts.OVER + file.album
        if not file.album or told != draft.album:  # an album is told once that it is too many
            drafts.keep(turn, replace(draft, album=told))
            kind = "clip" if drafts.is_clip(draft) else "batch"
            await screens.show_next(turn, turn.text(f"studio.{kind}.full", limit=most))
        return
    try:
        await _check(turn.chat.bot, file)
    except errors.Rejected as error:
        stays = [turn.text("card.photo_stays")] if drafts.has_photo(draft) else []
        await screens.show_next(turn, turn.text(_sentence(error.code)), *stays)
        return
    if adds:
        await _add(turn, draft, file)
        return
    draft = replace(drafts.answered(draft), file_id=file.file_id, kind=file.kind, album=file.album)
    draft = replace(draft, photos=(file.file_id,), titles=(), source=None, variant=0)
    draft = replace(draft, cut="", way="", free="", clear=False)
    drafts.keep(turn, replace(draft, described="") if turn.came.text else draft)
    await cutting.begin(turn)
    if turn.came.text:
        await _words(turn)
    else:
        await screens.show_next(turn)


async def _add(turn: Turn, draft: OrderDraft, file: Attachment) -> None:
    """Put one more photo to those of a batch; an album is spoken of once, with its second photo."""
    is_asked = draft.product == "batch" or draft.ask == "photos"
    is_news = file.album != draft.album or len(drafts.all_photos(draft)) == 1 or is_asked
    photos = (*drafts.all_photos(draft), file.file_id)
    drafts.keep(turn, replace(draft, photos=photos, album=file.album, titles=()))
    if is_news:
        notes = [] if is_asked else [turn.text("studio.batch.album")]
        if before := turn.state.data.get("screen"):  # it stands above the photo, and would be there twice
            await turn.chat.delete(before)
        await screens.show_next(turn, *notes)


async def _check(bot: str, file: Attachment) -> None:
    """Raise Rejected for a file that is not a usable picture. Telegram encoded a photo: its size says all."""
    if file.size > pictures.BYTES_LIMIT:
        raise errors.Rejected("picture_too_heavy")
    if file.kind == "document":
        if file.mime.startswith(("video/", "audio/", "text/")):
            raise errors.Rejected("picture_format")
        await asyncio.to_thread(pictures.inspect, await client.download(bot, file.file_id))
    else:
        pictures.check_size(file.width, file.height)


async def text(turn: Turn) -> None:
    """Take a text for what the current screen asks for."""
    step = turn.state.step.partition(":")[2]
    if step == "wishes":
        await _wishes(turn)
    elif step == "titles":
        await _titles(turn)
    else:
        await _words(turn)


async def _wishes(turn: Turn) -> None:
    wishes = " ".join(turn.came.text.split())
    if len(wishes) > orders.WISHES_LIMIT:
        note = turn.text("studio.wishes.long", detail=len(wishes), limit=orders.WISHES_LIMIT)
        await screens.show_next(turn, note)
        return
    drafts.keep(turn, drafts.say(drafts.answered(drafts.of(turn)), wishes))
    await screens.show_next(turn)


async def _titles(turn: Turn) -> None:
    """Take a line for each photo of a batch."""
    draft, number = drafts.of(turn), drafts.count(drafts.of(turn))
    lines = tuple(line for line in map(card_words.drawn, turn.came.text.splitlines()) if line)
    long = next((line for line in lines if len(line) > card_words.TITLE_LIMIT), "")
    if len(lines) != number:
        await screens.show_next(turn, turn.text("studio.batch.titles_odd", lines=len(lines), count=number))
    elif long:
        await screens.show_next(turn, turn.text("error.title_long", detail=len(long), limit=card_words.TITLE_LIMIT))
    else:
        drafts.keep(turn, replace(drafts.answered(draft), titles=lines))
        await screens.show_next(turn)


async def _words(turn: Turn) -> None:
    """Take the words as they are, or let a model propose some, once: what the seller types instead is taken.

    A mended description is still a description.
    """
    step, draft = turn.state.step.partition(":")[2], drafts.of(turn)
    described = draft.title or draft.described
    mended = draft.described_in == turn.came.message_id
    if step != "confirm" and (mended or not described) and await _propose(turn):
        return
    read = _found if article.is_article(turn.came.text) else _read
    await screens.show_next(turn, *read(turn, turn.came.text))


def _found(turn: Turn, message: str) -> list[str]:
    """Put the words of a pasted description into the draft, to be looked at before anything else; say so."""
    found = article.read(message)
    if found is None:
        return [turn.text("studio.article.none", limit=card_words.TITLE_LIMIT)]
    draft = replace(drafts.of(turn), title=found.title, benefits=found.benefits, lost="", wordless=False, ask="words")
    drafts.keep(turn, draft)
    return [turn.text("studio.article.found")]


def _read(turn: Turn, message: str) -> list[str]:
    """Put a message's words into the draft; return what the seller must know about them."""
    try:
        words = card_words.read_words(message)
    except errors.Invalid as error:
        return [refusal(turn, error)]
    draft = drafts.of(turn)
    if draft.ask == "words":
        draft = drafts.answered(draft)
    read = replace(draft, title=words.title, benefits=tuple(words.benefits), lost=words.lost, wordless=False)
    drafts.keep(turn, read)
    return [turn.text("card.benefits_left_out", limit=card_words.BENEFITS)] if words.left_out else []


async def _propose(turn: Turn) -> bool:
    """Ask a model for the words, if there is one; its job turns the screen into a proposal."""
    if not config.get().openai_api_key or await limits.wait(turn.chat.id, PROPOSALS):
        return False
    user_id, came = turn.state.who["id"], turn.came
    draft = replace(drafts.of(turn), described=came.text[:DESCRIPTION_LIMIT], described_in=came.message_id)
    drafts.keep(turn, draft)
    turn.state.step = "order:words"
    await turn.show(turn.text("studio.words.thinking"), [screen.home(turn)])
    args = {
        "bot": turn.chat.bot,
        "chat_id": turn.chat.id,
        "message_id": turn.state.data["screen"],
        "language": turn.language,
        "description": draft.described,
        "file_id": draft.file_id,
    }
    key = f"words:{turn.chat.bot}:{turn.chat.id}:{args['message_id']}"
    await db.run(
        lambda conn: table.create_job_and_consume_credit(conn, user_id, task="words", key=key, args=args, price=0)
    )
    turn.after.append(kick.render)
    return True


async def proposal(turn: Turn, answer: str) -> None:
    """Take the proposed words, or show the words to be corrected."""
    draft = drafts.of(turn)
    found = await fsm.put_by(turn.chat.bot, turn.chat.id, "words")
    if found and found.get("screen") != turn.came.message_id:
        found = None  # it belongs to another description
    if found:
        given = {name: found[name] for name in ("title", "category") if found.get(name)}
        benefits = tuple(found.get("benefits") or draft.benefits)
        drafts.keep(turn, replace(draft, **given, benefits=benefits, wordless=False))
    notes = _read(turn, draft.described) if not found and not draft.title and draft.described else []
    if answer == "edit":
        drafts.keep(turn, drafts.change(drafts.of(turn), "change", "words"))
    await screens.show_next(turn, *notes)


def refusal(turn: Turn, error: errors.Invalid) -> str:
    """Say why words cannot be taken."""
    detail = int(error.detail) if error.detail.isdecimal() else error.detail
    return turn.text(_sentence(error.code), detail=detail, limit=card_words.TITLE_LIMIT)


def _sentence(code: str) -> str:
    return f"error.{code}" if sentences.knows(f"error.{code}") else "error.picture_broken"
