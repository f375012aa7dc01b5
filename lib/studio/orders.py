"""The kinds of order, and what the job of an order carries: the studio writes it, the worker reads it.

One order is one job with one price and one refund, whatever its count: all of it is delivered, or nothing is. Only a
batch, of many photos, is delivered photo by photo: what of it cannot be made is what goes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lib import errors

# The kind of job that makes each product.
TASKS = {
    "card": "card",
    "set": "card",
    "background": "background",
    "video5": "video",
    "video10": "video",
    "batch": "card",
}
PRODUCTS = tuple(TASKS)
PRESETS = ("wb", "ozon", "white", "clear", "classified", "story")
ALONE = ("clear",)  # the presets that always give the same picture: no set is made of them
SCENES = ("studio", "wood", "marble", "podium", "gradient", "arch", "home", "outdoors", "people")
# Those that only a model can fill with life; we draw the other one in its place.
INVENTED = {"home": "wood", "outdoors": "gradient", "people": "studio"}
TEMPLATES = ("ugc", "broll", "own")
PHOTOS = 20  # of a batch at most
SHOTS = 6  # photos in a clip at most
MUSIC = ("bright", "calm", "drive", "none")
COUNTS = {
    "card": (1,),
    "set": (2, 3, 4, 5, 6),
    "batch": tuple(range(2, PHOTOS + 1)),
    "background": (1, 2, 3, 4),
    "video5": (1, 3, 5),
    "video10": (1, 3, 5),
}
SAID = 2  # slides of a set that need no benefit: the cover and the product alone
SECONDS = {"video5": 5, "video10": 10}
WISHES_LIMIT = 500
# Who may make it: we alone, a model alone (it waits for one, and costs nothing when none comes), or anybody who can.
MAKERS = ("own", "model", "")
# The ways of showing the product that a cut may offer (lib/drawing/cut/result); "": nobody chose one.
WAYS = ("", "touched", "alpha", "network", "tidied", "wide", "plain", "framed")
LISTS = ("benefits", "photos", "titles")
CUT_LIMIT = 100  # characters of the key of a cut's job


def presets(product: str) -> tuple[str, ...]:
    """Return the presets that a product can have."""
    return tuple(name for name in PRESETS if product != "set" or name not in ALONE)


def slides(benefits: Sequence[str]) -> int:
    """Return how many slides these benefits can fill at most: each says something that no other says."""
    return min(COUNTS["set"][-1], SAID + len(benefits))


def is_design(name: object) -> bool:
    """Tell whether this could name a design. Only the worker, which draws them, knows which there are."""
    return isinstance(name, str) and len(name) <= 20 and (name == "" or (name.isascii() and name.islower()))


@dataclass(frozen=True)
class Order:
    """The arguments of a job `card`, `background` or `video`; what is absent has its default.

    `message_id` is the status message, which becomes the result. `source` is the id of a kept source picture and wins
    over `file_id`, which only the bot `bot` knows. `promised` is how many seconds the seller was told that the making
    takes, once its turn has come. `design` names the cover that the seller chose by its picture; one that does not
    take the product is no choice. `cut` is the key of the job that cut the photo, `way` the seller's choice among what
    it showed. `mends` is the paid order that this one does once more, free (lib/studio/mends). A batch has
    `photos`, which only the bot knows, and their `titles`, where they do not share one; a clip may have
    `photos` as well, its first one among them, and has `music`. Titles, benefits and wishes are
    a seller's words: data, never more.
    """

    bot: str
    chat_id: int
    message_id: int
    language: str
    product: str = "card"
    file_id: str = ""
    source: int | None = None
    preset: str = "wb"
    title: str = ""
    benefits: tuple[str, ...] = ()
    category: str = ""
    scene: str = "studio"
    template: str = "broll"
    wishes: str = ""
    seconds: int = 0
    count: int = 1
    variant: int = 0
    design: str = ""
    cut: str = ""
    way: str = ""
    maker: str = ""
    promised: int = 0
    mends: int = 0
    photos: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    music: str = ""

    def __post_init__(self) -> None:
        """Refuse what no screen offers: a job may have been written by an older or a forged one."""
        choices = {
            "product": self.product in PRODUCTS,
            "preset": self.preset in presets(self.product),
            "scene": self.scene in SCENES,
            "template": self.template in TEMPLATES,
            "count": self.count in COUNTS.get(self.product, ()),
            "maker": self.maker in MAKERS,
            "source": bool(self.file_id) or self.source is not None,
            "wishes": len(self.wishes) <= WISHES_LIMIT,
            "design": is_design(self.design),
            "cut": isinstance(self.cut, str) and len(self.cut) <= CUT_LIMIT,
            "way": self.way in WAYS,
            "photos": len(self.photos) == self.count if self.is_batch else len(self.photos) <= SHOTS,
            "music": self.music in ("", *MUSIC),
            "titles": not self.titles or (self.is_batch and len(self.titles) == self.count),
        }
        if wrong := [name for name, fits in choices.items() if not fits]:
            raise errors.Invalid("odd_order", f"{wrong[0]} of a {self.product}")

    @classmethod
    def read(cls, args: Mapping[str, Any]) -> "Order":
        """Return the order that a job's args hold; raise Invalid for one that cannot be made."""
        known = {field.name for field in fields(cls)}
        found = {name: value for name, value in args.items() if name in known and value is not None}
        found |= {name: tuple(found.get(name) or ()) for name in LISTS}
        found["seconds"] = SECONDS.get(found.get("product", "card"), 0)
        try:
            return cls(**found)
        except TypeError as error:
            raise errors.Invalid("odd_order", str(error)) from None

    def args(self) -> dict[str, Any]:
        """Return what a job is given."""
        return asdict(self) | {name: list(getattr(self, name)) for name in LISTS}

    @property
    def can_recut(self) -> bool:
        """Whether another cut would change it: pictures only, and none that is the photo itself."""
        return not self.is_video and not self.is_batch and (self.product == "background" or self.preset != "classified")

    @property
    def needs_cut(self) -> bool:
        """Whether the product must stand free of its photo, where we draw it."""
        return self.product == "background" or (not self.is_video and self.preset in ("white", "clear"))

    @property
    def mood(self) -> str:
        """The music of a clip, "" for none."""
        return "" if self.music == "none" else self.music

    @property
    def is_batch(self) -> bool:
        """Whether each item has a photo of its own."""
        return self.product == "batch"

    @property
    def task(self) -> str:
        """The kind of job that makes it."""
        return TASKS[self.product]

    @property
    def is_video(self) -> bool:
        """Whether clips come out, not pictures."""
        return self.product in SECONDS
