"""The buttons below a finished order: all that can be made of it, the same in its message and in the history."""

from lib import text
from lib.jobs.table import Job
from lib.studio import listing, mends
from lib.studio.orders import Order
from lib.telegram.client import Button, Keyboard

_LOOKS = {"background": "scene", "video": "template"}


def look(job: Job) -> str:
    """Return what names the look of an order: its preset, scene or template."""
    return _LOOKS.get(job.task, "preset")


def rows(language: str, job: Job) -> Keyboard:
    """Return the rows of a delivered order, without those that lead elsewhere."""

    def button(key: str, action: str) -> Button:
        return Button(text.say(language, key), f"order:{action}:{job.id}")

    words = [button("making.reword", "reword"), button("making.redesign", "redesign")]
    variant = [button("making.variant", "variant")] if mends.can_vary(job) else []
    video = [button("making.video", "video")] if job.task != "video" and job.args.get("product") != "batch" else []
    found = [
        words if mends.bears_words(job) else [],
        [button("making.again", "again"), *variant],
        [button(f"studio.change.{look(job)}", "format"), *video],
        [button("making.recut", "recut")] if mends.is_ours(job) and Order.read(job.args).can_recut else [],
        [button("making.listing", "listing")] if listing.is_offered(job) else [],
    ]
    return [row for row in found if row]


def bad(language: str, job: Job) -> Button:
    """Return the button for a bad result."""
    return Button(text.say(language, "making.bad"), f"order:bad:{job.id}")
