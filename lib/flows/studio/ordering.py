"""The order under way, as the other flows of the studio need it, and the message that a free job will fill."""

from dataclasses import dataclass
from typing import Any

from lib import db, errors
from lib.jobs import kick, table
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class OrderDraft:
    """What a seller has said so far of one order.

    `file_id` or `source` is the photo, `kind` and `album` tell how it came. `lost` are words that cannot be drawn;
    `wordless`: no words are wanted; `described`: what a model was asked to make words of,
    and in which message. `wishes` are None until they
    were asked for; the `scenario` of a clip of one's own is no wish for anything else. `price`, `maker` and `promised`
    (seconds) are what the confirm screen showed. `waits`: a model is waited for that cannot be asked now. `ask` is the
    step that the seller went back to: nothing is forgotten before it is answered again. `design` is the cover that was
    chosen by its picture: "" leaves it to us, None takes that of the seller's last card. `strip` is the stamp of the
    covers that were drawn, `led` the earlier choice that they begin with, `picked` the stamp of those that the design
    was chosen from, with its number there.
    `cut` is the key of the job that cuts the photo, `way` what the seller chose of its pictures, `free` where the
    product can stand free of its photo, as far as that is known; `clear`: it does, in what was chosen or is sure.
    `photos` are all photos, for a batch or a clip, and `titles` theirs, where they do not share one. `music` is that of
    a clip: "" takes that of the seller's last one.
    """

    file_id: str = ""
    source: int | None = None
    kind: str = ""
    album: str = ""
    title: str = ""
    benefits: tuple[str, ...] = ()
    category: str = ""
    lost: str = ""
    wordless: bool = False
    described: str = ""
    described_in: int = 0
    product: str = ""
    preset: str = ""
    scene: str = ""
    template: str = ""
    wishes: str | None = None
    scenario: str = ""
    count: int | None = None
    variant: int = 0
    price: int | None = None
    maker: str = ""
    promised: int = 0
    waits: bool = False
    ask: str = ""
    design: str | None = None
    strip: str = ""
    led: str = ""
    picked: str = ""
    cut: str = ""
    way: str = ""
    free: str = ""
    clear: bool = False
    photos: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    music: str = ""


DRAFT = DraftKey("draft", OrderDraft)
REWORDS = "order:reword"  # the step at which the next text becomes the words of a finished card


def listen(turn: Turn) -> None:
    """Let the next text belong to the order: a person who looks at another screen no longer answers the question."""
    if turn.state.step.partition(":")[0] != "order" or turn.state.step == REWORDS:
        turn.state.step = "order:words" if DRAFT.of(turn.state) else "order:photo"


async def promise(turn: Turn, task: str, words: str, **more: Any) -> None:
    """Say what will come, and queue the free job that turns this message into it."""
    message_id, user_id = await turn.chat.say(words), turn.state.who["id"]
    place = {"bot": turn.chat.bot, "chat": turn.chat.id, "language": turn.language, "message_id": message_id}
    key, work = f"{task}:{turn.chat.bot}:{turn.came.update_id}", table.create_job_and_consume_credit
    try:
        await db.run(lambda conn: work(conn, user_id, task=task, key=key, args=place | more, price=0))
    except errors.Conflict:  # the same update was delivered again: the first message is the one that is filled
        await turn.chat.delete(message_id)
        return
    turn.after.append(kick.render)


def counted(turn: Turn, product: str, count: int) -> str:
    """Return how many are ordered, in words: 3 clips, 2 slides."""
    kind = "video" if product.startswith("video") else {"batch": "photo", "set": "slide"}.get(product, "still")
    return turn.text(f"studio.count.{kind}", n=count)
