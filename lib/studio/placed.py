"""Orders that were placed: a person's own ones, page by page, and what came of them, to be sent once more.

Telegram keeps what it was sent once, so a result goes out again by its file id, in no time; what it does not know comes
out of our storage, which only a worker can read.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from lib import db
from lib.jobs import table
from lib.jobs.table import Job
from lib.studio import files as stored_files
from lib.studio import orders
from lib.studio.items import Item
from lib.telegram.client import Chat, Film, Picture

SQL = db.load("results")

TASKS = tuple(dict.fromkeys(orders.TASKS.values()))
ALBUM = 10  # files that Telegram takes as one
_WAYS = {
    "card-preview": "photo",
    "background-preview": "photo",
    "card": "document",
    "background": "document",
    "zip": "document",
}


@dataclass(frozen=True)
class Piece:
    """A file of a result, the way it is sent (photo, document or video), and its id with the bot, if it has one."""

    file_id: int
    kind: str
    pathname: str
    width: int
    height: int
    telegram_id: str = ""
    data: bytes = b""

    @property
    def way(self) -> str:
        """How Telegram is sent it."""
        return _WAYS.get(self.kind, "video")


async def find_order(conn: db.Connection, user_id: int, number: str) -> Job | None:
    """Return a person's order by its number, as a button or a person says it; None for what is not theirs."""
    if not number.isdecimal() or not number.isascii() or len(number) > 18:
        return None
    job = await table.get_job_by_id(conn, int(number))
    return job if job and job.user_id == user_id and job.task in TASKS and "chat_id" in job.args else None


async def list_orders(conn: db.Connection, user_id: int, *, before: int | None = None, limit: int = 10) -> list[Job]:
    """Return a page of a person's orders, newest first: those with a number below `before`."""
    return await table.get_user_jobs(conn, user_id, tasks=TASKS, before=before, limit=limit)


async def list_pieces(conn: db.Connection, job: Job, bot: str) -> list[Piece]:
    """Return what came of an order, with the ids that this bot knows it by."""
    files = await SQL.list_pieces.all(conn, Piece, user_id=job.user_id, job_id=job.id)
    files = _of_batch(job, files) if job.args.get("product") == "batch" else files
    known = await stored_files.telegram_ids(conn, [one.file_id for one in files], bot)
    return [replace(one, telegram_id=known.get((one.file_id, one.way), "")) for one in files]


def sent_items(job: Job) -> list[Item]:
    """Return those items of a batch that were delivered, whatever became of the rest."""
    items = [
        Item.read(number, job.checkpoint.get(f"item{number}")) for number in range(int(job.args.get("count") or 1))
    ]
    return [item for item in items if item.sent]


def _of_batch(job: Job, files: list[Piece]) -> list[Piece]:
    """Return the ZIP of a batch; of one that ended before there was one, the cards that were delivered."""
    delivered = {item.files["card"].id for item in sent_items(job)}
    return [one for one in files if one.kind == "zip"] or [one for one in files if one.file_id in delivered]


async def send(chat: Chat, job: Job, pieces: Sequence[Piece], caption: str) -> None:
    """Send a result once more: what is looked at first, then the files in full quality."""
    shown = [piece for piece in pieces if piece.way != "document"]
    files = [piece for piece in pieces if piece.way == "document"]
    items = [_item(job, piece) for piece in shown]
    if len(items) > 1:
        await chat.send_album(items, caption)
    else:
        for item in items:
            await (chat.send_video(item, caption) if isinstance(item, Film) else chat.send_photo(item, caption))
    for start in range(0, len(files), ALBUM):
        album = [_picture(job, piece) for piece in files[start : start + ALBUM]]
        said = "" if shown else caption
        await (chat.send_documents(album, said) if len(album) > 1 else chat.send_document(album[0], said))


async def filled(pieces: Sequence[Piece], read: Callable[[str], Awaitable[bytes]]) -> list[Piece]:
    """Return the pieces with their bytes, read from storage; the ids that Telegram gave them are put aside."""
    return [replace(piece, data=await read(piece.pathname), telegram_id="") for piece in pieces]


def _item(job: Job, piece: Piece) -> Picture | Film:
    if piece.way != "video":
        return _picture(job, piece)
    return Film(_picture(job, piece), piece.width, piece.height, _seconds(job, piece))


def _seconds(job: Job, piece: Piece) -> int:
    """Return how long a clip is by its own file; orders made before that was noted are as long as they were ordered."""
    items = [Item.read(0, kept) for name, kept in job.checkpoint.items() if name.startswith("item")]
    films = [item.files["video"] for item in items if "video" in item.files]
    return next((film.seconds for film in films if film.id == piece.file_id), 0) or job.args.get("seconds") or 5


def _picture(job: Job, piece: Piece) -> Picture:
    name = f"lotok-{job.id}-{piece.file_id}.{piece.pathname.rpartition('.')[2]}"
    return Picture(name, piece.data, piece.telegram_id)
