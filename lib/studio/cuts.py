"""The cut of a seller's photo: made by a job while the words are typed, kept a day, and found by the key of that job.

One of which pieces were put right is made of another cut, under its key with the marks behind it, and kept for 30 days.

    begun ──the job `cut`──> kept as a file of the job, what is known of it in the job's checkpoint

Every drawing takes the kept cut, and makes one itself where there is none: nothing waits for it. A key is a
conversation's or an order's, so each look also names the person.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lib import db, errors, log, storage, text
from lib.jobs import table
from lib.jobs.table import Job
from lib.providers import makers
from lib.studio import files as stored_files
from lib.studio.files import File, NewFile
from lib.telegram.client import Button, Keyboard

SQL = db.load("generation")

TASK, TOUCH = "cut", "touch"
KEPT = timedelta(days=1)
TIME_LIMIT = timedelta(minutes=3)
OPEN = ("queued", "running", "waiting")
MARKS, SIGNS = {"-": "➖", "+": "➕"}, {"-": "away", "+": "back"}


@dataclass(frozen=True)
class KnownCut:
    """The facts of a photo's cut: how far it can be trusted, and the ways to show the product, the photo itself last.

    `alone` are the ways in which the product stands free of its photo; `white` says that a white background is to be
    had, by one of those or by washing the photo's own. `pieces` has the sign of each piece of the cut that may be
    wrong: "-" to be taken away, "+" to be put back. In the `cropped` ways the photo's edges cut the product so that no
    cover has a place for it: it is shown in its photo there.
    """

    verdict: str
    ways: tuple[str, ...]
    alone: tuple[str, ...] = ()
    white: bool = False
    pieces: str = ""
    cropped: tuple[str, ...] = ()

    @classmethod
    def read(cls, checkpoint: Mapping[str, Any]) -> "KnownCut | None":
        """Return what a job's checkpoint tells; None while it tells nothing."""
        if not checkpoint.get("ways"):
            return None
        ways, alone = tuple(checkpoint["ways"]), tuple(checkpoint["alone"])
        pieces, cropped = checkpoint.get("pieces", ""), tuple(checkpoint.get("cropped", ()))
        return cls(checkpoint["verdict"], ways, alone, checkpoint["white"], pieces, cropped)

    def dump(self) -> dict[str, Any]:
        """Return what the checkpoint keeps."""
        lists = {"ways": list(self.ways), "alone": list(self.alone), "cropped": list(self.cropped)}
        return {"verdict": self.verdict, **lists, "white": self.white, "pieces": self.pieces}

    @property
    def free(self) -> str:
        """Where the product can stand free of its photo: anywhere, on white alone, nowhere."""
        return "anywhere" if self.alone else "white" if self.white else "nowhere"

    def is_clear(self, way: str) -> bool:
        """Whether the product stands free in the chosen way, or without a choice in the one that is surely clean."""
        return (way or self.default) in self.alone

    @property
    def is_touched(self) -> bool:
        """Whether the seller has put pieces of it right."""
        return self.ways[0] == "touched"

    @property
    def is_cropped(self) -> bool:
        """Whether no cover has a place for any of its cuts that are offered."""
        return len(self.offered) > 1 and set(self.cropped).issuperset(self.offered[:-1])

    @property
    def default(self) -> str:
        """The way that is taken while the seller has chosen none."""
        return self.ways[0 if self.verdict == "sure" else -1]

    @property
    def offered(self) -> tuple[str, ...]:
        """The ways among which the seller chooses: the best cut, or the two best of several, and the photo itself.

        What was put right is offered beside the cut that it was.
        """
        cuts = self.ways[:-1][: 1 if self.verdict == "sure" and not self.is_touched else 2]
        return (*cuts, self.ways[-1])

    @property
    def shown(self) -> tuple[str, ...]:
        """The ways that are in the picture: a cut that is sure is looked at alone."""
        return self.offered[:1] if self.verdict == "sure" else self.offered

    def others(self, used: Collection[str], *, alone: bool) -> tuple[str, ...]:
        """Return the ways in which an order was not drawn; of those alone in which the product stands free.

        A way that is not among them was drawn like none that was chosen.
        """
        fits = self.alone if alone else self.ways
        unsaid = next(iter(self.alone), "") if alone else self.default
        unsaid = "network" if self.is_touched else unsaid  # of which pieces were put right
        seen = {way if way in (*fits, "touched", "framed") else unsaid for way in used}
        return tuple(way for way in fits if way not in seen)


def seen(key: str, way: str) -> str:
    """Return a mark of how a product is shown: other pieces put right are another cut."""
    return f"{way}:{key}" if way == "touched" else way


def said(language: str, job_id: int, known: KnownCut, chosen: str = "") -> tuple[str, Keyboard]:
    """Return what stands below the picture of a cut, and a button for each way with a tick at the chosen one."""
    key = f"studio.cut.{known.verdict}"
    key = "studio.cut.put_right" if known.is_touched else key
    where = ".model" if makers.is_remote("card") else ".cropped" if known.is_cropped else ""
    words = text.say(language, f"{key}{where}", n=len(known.offered))
    if known.verdict == "hopeless":
        return words, []
    labels = [str(number) for number, _ in enumerate(known.offered, 1)]
    if known.verdict == "sure":
        names = ("touched", "before", "framed") if known.is_touched else ("cut", "framed")
        labels = [text.say(language, f"studio.cut.{name}") for name in names]
    ticked, pairs = chosen or known.default, zip(labels, known.offered, strict=True)
    row = [Button(f"✅ {label}" if way == ticked else label, f"order:cut:{job_id}:{way}") for label, way in pairs]
    return words, [row, *_touch(language, job_id, known)]


def _touch(language: str, job_id: int, known: KnownCut) -> Keyboard:
    key = "studio.touch.more" if known.is_touched else "studio.touch"
    return [[Button(text.say(language, key), f"order:touch:{job_id}")]] if known.pieces else []


def said_again(
    language: str, order_id: int, others: tuple[str, ...], job_id: int, known: KnownCut
) -> tuple[str, Keyboard]:
    """Return what stands below the pictures of other cuts of a finished order, and a button for each."""
    touch = _touch(language, job_id, known)
    if not others:
        return text.say(language, "studio.recut.touch" if touch else "studio.recut.none"), touch
    labels = [str(number) for number, _ in enumerate(others, 1)]
    labels = labels if len(others) > 1 else [text.say(language, "studio.recut.take")]
    row = [Button(label, f"order:recut:{order_id}:{way}:{job_id}") for label, way in zip(labels, others, strict=True)]
    return text.say(language, "studio.recut.choose"), [row, *touch]


def said_of_pieces(language: str, job_id: int, known: KnownCut, marked: int) -> tuple[str, Keyboard]:
    """Return what stands below the picture of the pieces, a button for each, and the ways on and back.

    `marked` has a bit for each piece that is to be put right, that of the first piece the lowest.
    """
    words = text.say(language, f"studio.touch.ask.{'both' if len(set(known.pieces)) > 1 else SIGNS[known.pieces[0]]}")
    buttons = []
    for number, sign in enumerate(known.pieces):
        is_marked = marked >> number & 1
        label = f"{'✅' if is_marked else MARKS[sign]} {number + 1}"
        buttons.append(Button(label, f"order:piece:{job_id}:{marked}:{number + 1}"))
    on = [Button(text.say(language, "studio.touch.fix"), f"order:touched:{job_id}:{marked}", style="success")]
    back = [Button(text.say(language, "button.back"), f"order:untouch:{job_id}")]
    half = -(-len(buttons) // 2)
    others = [Button(text.say(language, "studio.touch.others"), f"order:others:{job_id}")]
    rows = [buttons] if len(buttons) < 5 else [buttons[:half], buttons[half:]]
    return words, [*rows, [*back, *(on if marked else others)]]


def marked(bits: str, known: KnownCut) -> int | None:
    """Return the pieces that a button marks; None for what no button of ours says."""
    number = int(bits) if bits.isdecimal() and bits.isascii() and len(bits) < 4 else -1
    return number if 0 <= number < 1 << len(known.pieces) else None


def numbers(marks: int) -> list[int]:
    """Return the numbers of the marked pieces, from 1."""
    return [bit + 1 for bit in range(marks.bit_length()) if marks >> bit & 1]


async def begin(conn: db.Connection, user_id: int, key: str, args: dict[str, Any]) -> Job:
    """Queue the cut of a photo; the same photo of the same message is cut once. It is free."""
    made = await table.create_job_and_consume_credit(
        conn, user_id, task=TASK, key=key, args=args, price=0, max_attempts=3, time_limit=TIME_LIMIT
    )
    return made.job


async def find(conn: db.Connection, user_id: int, key: str) -> Job | None:
    """Return the job that cuts a person's photo, or has."""
    job = await table.get_job_by_idempotency_key(conn, key) if key else None
    return job if job and job.user_id == user_id and job.task == TASK else None


async def find_number(user_id: int, number: str) -> Job | None:
    """Return a person's cut by the number of its job, as a button says it; None for any other."""
    if not (number.isdecimal() and number.isascii() and len(number) < 19):
        return None
    job = await db.run(lambda conn: table.get_job_by_id(conn, int(number)))
    return job if job and job.user_id == user_id and job.task == TASK else None


async def keep(user_id: int, job_id: int, data: bytes, size: tuple[int, int]) -> File:
    """Keep a cut, for as long as tidy.py says; Gone, and nothing is kept, when the person was erased."""
    [file] = await stored_files.keep(user_id, job_id, [NewFile(TASK, data, "application/octet-stream", *size)])
    return file


async def kept(user_id: int, key: str) -> bytes:
    """Return a person's kept cut; nothing when there is none any longer, or storage is out of reach."""
    try:
        return await get(user_id, key)
    except errors.Unavailable as error:
        log.event("cut_not_found", error=str(error)[:200])
        return b""


async def of_order(user_id: int, key: str, way: str) -> bytes:
    """Return the kept cut that an order is drawn with: one that was put right cannot be made once more."""
    return await (get if way == "touched" else kept)(user_id, key)


async def get(user_id: int, key: str) -> bytes:
    """Return the same, for what nothing else can take the place of: storage that is out of reach is Unavailable."""
    try:
        found = await db.run(lambda conn: SQL.find_cut.one(conn, str, user_id=user_id, key=key))
        return await storage.get(found) if found else b""
    except errors.Missing as error:
        log.event("cut_not_found", error=str(error)[:200])
        return b""
