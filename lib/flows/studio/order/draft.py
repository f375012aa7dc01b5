"""What is missing of an order's draft, and what a press, a text or an older order makes of it. Nothing is changed in
place: each function returns the draft that follows.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lib import config
from lib.credits import ledger
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs.table import Job
from lib.providers import makers
from lib.studio import cuts, mends, orders, strips
from lib.studio import words as card_words
from lib.telegram.dispatch import Turn

WITHOUT_WORDS = ("white", "clear", "classified")  # cards that bear no text

LOOKS = {
    "card": "preset",
    "set": "preset",
    "batch": "preset",
    "background": "scene",
    "video5": "template",
    "video10": "template",
}
CHOICES = {"preset": orders.PRESETS, "scene": orders.SCENES, "template": orders.TEMPLATES}

PARTS = ("photo", "words", "product", "look", "wishes")
OF_BATCH = ("photos", "titles")
OF_CLIP = ("photos", "music")
OVER = "+"  # before the album that was told that it no longer fits

_KEPT = (
    "file_id",
    "title",
    "benefits",
    "category",
    "product",
    "preset",
    "scene",
    "template",
    "wishes",
    "count",
    "design",
    "music",
    "cut",
    "way",
)
_ASKED = {"format": "look", "edit": "words", "rewish": "wishes"}  # what a button of an older order changes
_ORDERED = (*_KEPT, "source", "variant", "maker", "promised")


def of(turn: Turn) -> OrderDraft:
    """Return the person's draft, which is empty at first."""
    return DRAFT.of(turn.state) or OrderDraft()


def keep(turn: Turn, draft: OrderDraft) -> None:
    """Go on with this draft."""
    DRAFT.keep(turn.state, draft)


def missing(draft: OrderDraft) -> str:
    """Return the step at which the draft stands: the one gone back to, what it lacks first, or confirm."""
    look = LOOKS.get(draft.product, "")
    if draft.ask in (*OF_BATCH, *OF_CLIP) and draft.ask not in _own_parts(draft):
        draft = answered(draft)
    if draft.ask:
        return look if draft.ask == "look" else draft.ask
    if not has_photo(draft):
        return "photo"
    if not draft.title and not draft.wordless:
        return "words"
    if not draft.product:
        return "product"
    if draft.product == "batch" and count(draft) < 2:
        return "photos"
    if not chosen(draft, look):
        return look
    if needs_words(draft) and not draft.title:
        return "words"
    return "wishes" if _lacks_wishes(draft) else "confirm"


def chosen(draft: OrderDraft, look: str) -> str:
    """Return the chosen preset, scene or template, "" while there is none."""
    if look not in CHOICES or (look == "preset" and draft.preset not in orders.presets(draft.product)):
        return ""
    return str(getattr(draft, look))


def _lacks_wishes(draft: OrderDraft) -> bool:
    if is_own(draft):
        return not draft.scenario
    return draft.wishes is None and takes_wishes(draft) and has_ai()


def is_clip(draft: OrderDraft) -> bool:
    """Say whether clips are ordered."""
    return LOOKS.get(draft.product) == "template"


def is_own(draft: OrderDraft) -> bool:
    """Say whether it is a clip by the seller's own scenario, which somebody must be there to read."""
    return is_clip(draft) and draft.template == "own" and makers.is_remote(draft.product)


def is_filmed_here(draft: OrderDraft) -> bool:
    """Say whether we make the clip ourselves: of all its photos, and with nobody in it."""
    return is_clip(draft) and (draft.maker == "own" or not makers.is_remote(draft.product))


def _own_parts(draft: OrderDraft) -> tuple[str, ...]:
    """Return what can be changed in this product alone."""
    if draft.product == "batch":
        return OF_BATCH
    return OF_CLIP if is_clip(draft) else ()


def said(draft: OrderDraft) -> str:
    """Return what the seller wishes of what is ordered: the scenario of a clip of one's own, else the wishes."""
    return draft.scenario if is_own(draft) else draft.wishes or ""


def say(draft: OrderDraft, words: str) -> OrderDraft:
    """Take wishes, or a scenario where that is what was asked for."""
    return replace(draft, scenario=words) if is_own(draft) else replace(draft, wishes=words)


def is_whole(draft: OrderDraft) -> bool:
    """Say whether only the step gone back to is between the draft and its confirm screen."""
    return bool(draft.ask) and missing(answered(draft)) == "confirm"


def has_photo(draft: OrderDraft) -> bool:
    """Say whether there is a photo to begin with."""
    return bool(draft.file_id or draft.source)


def needs_words(draft: OrderDraft) -> bool:
    """Say whether nothing can be made without a title."""
    return LOOKS.get(draft.product) == "preset" and draft.preset not in WITHOUT_WORDS


def bears_words(draft: OrderDraft) -> bool:
    """Say whether the seller's words are seen on it: a photo without text has none, nor has a clip of a model."""
    return needs_words(draft) or is_filmed_here(draft)


def needs_cut(draft: OrderDraft) -> bool:
    """Say whether only a cut can fill it: we draw it ourselves, and the product stands free of its photo."""
    look = LOOKS.get(draft.product)
    if draft.product == "batch":  # what of it cannot be cut is left out, and paid back
        return False
    if is_clear(draft):
        return True
    if look != "scene" and (look != "preset" or draft.preset != "white"):
        return False
    return draft.maker == "own" or not makers.is_remote(draft.product)


def is_clear(draft: OrderDraft) -> bool:
    """Say whether the cut itself is ordered, as a file: no model makes it."""
    return chosen(draft, LOOKS.get(draft.product, "")) == "clear"


def has_cover(draft: OrderDraft) -> bool:
    """Say whether we draw a cover for what the draft orders: a model paints none."""
    by_us = draft.maker == "own" or makers.chain(draft.product, draft.preset)[0].provider == "local"
    return by_us and needs_words(draft)


def can_stand(draft: OrderDraft, where: str) -> bool:
    """Say whether we may offer the product on "white", "clear" or in a "scene", as far as its cut is known."""
    if draft.product == "batch":
        return True
    if where == "clear":
        return not draft.free or draft.clear
    return has_ai() or not draft.free or draft.free == "anywhere" or draft.free == where


def cannot_stand(draft: OrderDraft) -> bool:
    """Say whether the cut is known, and cannot fill the order."""
    if not draft.free or not needs_cut(draft):
        return False
    if is_clear(draft):
        return not draft.clear
    return draft.free == "nowhere" or (draft.free == "white" and LOOKS[draft.product] == "scene")


def without_cut(draft: OrderDraft) -> OrderDraft:
    """Return the draft without what its cut cannot fill, which is asked for once more."""
    return replace(draft, product="", scene="") if LOOKS[draft.product] == "scene" else replace(draft, preset="")


def takes_wishes(draft: OrderDraft) -> bool:
    """Say whether there is anything to wish for: a cleaned photo is what it is."""
    if draft.product == "batch":
        return False
    return LOOKS.get(draft.product) != "preset" or draft.preset not in WITHOUT_WORDS


def has_ai() -> bool:
    """Say whether somebody reads wishes: without a key everything is drawn by fixed rules."""
    return bool(config.get().keyed_providers)


def is_by_ai(draft: OrderDraft) -> bool:
    """Say whether a model makes it: a photo that is only cleaned up is our own work in any case."""
    if draft.product == "batch":
        return False
    return has_ai() and (LOOKS[draft.product] != "preset" or draft.preset not in ("clear", "classified"))


@dataclass(frozen=True)
class Terms:
    """The maker of an order now, its price, and why it is not the model of choice; '' when it is."""

    maker: str
    price: int
    cause: str = ""


def asked(draft: OrderDraft) -> list[tuple[str, int]]:
    """Return whom the whole order can be asked of, and what it costs there at most."""
    number = count(draft)
    return [(offer.provider, offer.whole_cost * number) for offer in makers.chain(draft.product, _preset(draft))]


def terms(draft: OrderDraft, offer: ledger.ProductOffer) -> Terms:
    """Decide what the confirm screen offers. A provider that is away for seconds is waited for as it is."""
    number = count(draft)
    full, own = offer.product.total(number), offer.product.own_total(number)
    chain = makers.chain(draft.product, _preset(draft))
    first = next(one for one, halt in zip(chain, offer.halts, strict=True) if halt in ("", "down"))
    if chain[0].provider == "local":
        return Terms("", full)
    if first.provider != "local":
        return Terms("model" if own < full else "", full)
    return Terms("model", full, offer.halts[0]) if draft.waits else Terms("own", own, offer.halts[0])


def _preset(draft: OrderDraft) -> str:
    return draft.preset if LOOKS[draft.product] == "preset" else ""


def stamp(draft: OrderDraft) -> str:
    """Return the mark of the covers that this draft can have."""
    seen = cuts.seen(draft.cut, draft.way)
    return strips.stamp(draft.file_id, draft.source, draft.preset, draft.title, draft.benefits, seen)


def picked(draft: OrderDraft) -> int:
    """Return the number of the chosen cover; 0 when it is from other covers than the draft's own."""
    of, _, number = draft.picked.partition(":")
    return int(number) if number and of == stamp(draft) else 0


def count(draft: OrderDraft) -> int:
    """Return how many results are wanted."""
    if draft.product == "batch":
        return len(all_photos(draft))
    choices = counts(draft)
    return max((number for number in choices if number <= (draft.count or 0)), default=choices[0])


def counts(draft: OrderDraft) -> tuple[int, ...]:
    """Return how many can be ordered: of a set no more slides than its words have something to say on."""
    choices = orders.COUNTS[draft.product]
    if draft.product != "set" or not needs_words(draft):
        return choices
    return tuple(number for number in choices if number <= orders.slides(draft.benefits))


def all_photos(draft: OrderDraft) -> tuple[str, ...]:
    """Return the photos of a batch or a clip; the one photo of any other order."""
    return draft.photos or ((draft.file_id,) if draft.file_id else ())


def takes_more(draft: OrderDraft, album: str) -> bool:
    """Say whether another photo belongs to those that are there: it is of their album, or for their batch."""
    if draft.ask == "photo" or not draft.file_id:
        return False
    if album and album == draft.album.removeprefix(OVER):
        return True
    is_asked = draft.product == "batch" or draft.ask == "photos"
    return is_asked or (not draft.product and len(draft.photos) > 1)


def shots(draft: OrderDraft) -> tuple[str, ...]:
    """Return the photos that a clip of ours shows one after the other, and a model sees; none where there is one."""
    photos = all_photos(draft)[: orders.SHOTS]
    return photos if len(photos) > 1 else ()


def limit(draft: OrderDraft) -> int:
    """Return how many photos the product takes."""
    return orders.SHOTS if is_clip(draft) else orders.PHOTOS


def change(draft: OrderDraft, action: str, argument: str) -> OrderDraft:
    """Apply a button of the draft's screens; what no screen offers changes nothing."""
    if action == "change" and argument in (*PARTS, *_own_parts(draft)):
        return replace(draft, ask=argument)
    draft = answered(draft)
    if action == "product" and argument in orders.PRODUCTS:
        return replace(draft, product=argument, count=None)
    if action in CHOICES and argument in CHOICES[action]:
        return _looking(draft, action, argument)
    if action == "count" and draft.product and argument in map(str, orders.COUNTS[draft.product]):
        return replace(draft, count=int(argument))
    if action == "music" and argument in orders.MUSIC:
        return replace(draft, music=argument)
    if action == "photos" and argument == "first":
        return replace(draft, photos=draft.photos[:1])
    if action == "titles" and argument == "none":
        return replace(draft, titles=())
    if action == "maker" and argument in ("own", "model"):
        return replace(draft, waits=argument == "model")
    if action == "wishes" and argument == "skip":
        return say(draft, "")
    return replace(draft, wordless=True) if action == "nowords" else draft


def _looking(draft: OrderDraft, look: str, choice: str) -> OrderDraft:
    names: Mapping[str, Any] = {look: choice}
    return replace(draft, **names)


def answered(draft: OrderDraft) -> OrderDraft:
    """Go on to what is missing."""
    return replace(draft, ask="")


def source_of(job: Job) -> int | None:
    """Return the id of the source picture that an order kept, if it got so far."""
    found = job.checkpoint.get("source") or job.args.get("source")
    return int(found) if found else None


def from_job(job: Job, action: str, *, has_photo: bool) -> OrderDraft:
    """Return a draft out of an order: the same again, another variant, a video of it, another look or another photo."""
    args = {"product": "card", "wishes": "", "count": 1, **job.args}
    kept: Mapping[str, Any] = {name: args[name] for name in _KEPT if args.get(name) is not None}
    draft = replace(
        OrderDraft(**kept),
        variant=int(args.get("variant") or 0),
        title=card_words.drawn(args.get("title") or ""),
        benefits=tuple(filter(None, map(card_words.drawn, args.get("benefits") or []))),
        photos=tuple(args.get("photos") or ()),
        titles=tuple(args.get("titles") or ()),
        source=source_of(job),
    )
    draft = replace(draft, wordless=not draft.title)
    if is_own(draft):
        draft = replace(draft, scenario=draft.wishes or "", wishes=None)
    if action == "variant":
        draft = replace(draft, **mends.in_another_way(job))
    elif action == "video":
        draft = replace(draft, product="video5", variant=0, count=None, wishes=None, scenario="", template="")
    for look in CHOICES.keys() - {LOOKS[draft.product]}:  # an order names them all, and means its product's
        draft = _looking(draft, look, "")
    if action in _ASKED:
        draft = replace(draft, ask=_ASKED[action])
    return (
        replace(draft, file_id="", source=None, photos=(), titles=(), cut="", way="")
        if action == "retry" or not has_photo
        else draft
    )


def order(draft: OrderDraft, turn: Turn) -> orders.Order:
    """Return the order that the draft makes on this screen; raise Invalid for one that cannot be made."""
    names = (*_ORDERED, *_own_parts(draft))
    kept = {name: value for name, value in asdict(draft).items() if name in names and value not in (None, "")}
    if is_clip(draft):
        kept["photos"] = shots(draft)
    place = {
        "bot": turn.chat.bot,
        "chat_id": turn.chat.id,
        "message_id": turn.came.message_id,
        "language": turn.language,
    }
    return orders.Order.read(kept | place | {"count": count(draft), "wishes": said(draft)})
