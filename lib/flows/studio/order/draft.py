"""A seller's words and choices so far, and what is missing. A draft lives in State.data["draft"] and holds:

file_id or source, kind, album · title, benefits, category, lost (of them what cannot be drawn), or wordless
product · preset, scene or template · wishes, or the scenario of a clip of one's own, which is no wish for anything else
count, variant · price, maker, promised (seconds): what the confirm screen showed
waits: a model is waited for that cannot be asked now
ask: the step that the seller went back to; nothing is forgotten before it is answered again
"""

from dataclasses import dataclass
from typing import Any

from lib import config
from lib.credits import ledger
from lib.jobs.table import Job
from lib.providers import makers
from lib.studio import orders
from lib.studio import words as card_words
from lib.telegram.dispatch import Turn

type Draft = dict[str, Any]

WITHOUT_WORDS = ("white", "classified")  # cards that bear no text

LOOKS = {"card": "preset", "set": "preset", "background": "scene", "video5": "template", "video10": "template"}
CHOICES = {"preset": orders.PRESETS, "scene": orders.SCENES, "template": orders.TEMPLATES}

PARTS = ("photo", "words", "product", "look", "wishes")

_KEPT = ("file_id", "title", "benefits", "category", "product", "preset", "scene", "template", "wishes", "count")


def of(turn: Turn) -> Draft:
    """Return the person's draft, which is empty at first."""
    found: Draft = turn.state.data.setdefault("draft", {})
    return found


def missing(draft: Draft) -> str:
    """Return the step at which the draft stands: the one gone back to, what it lacks first, or confirm."""
    product = draft.get("product", "")
    look = LOOKS.get(product, "")
    asked = look if draft.get("ask") == "look" else draft.get("ask", "")
    if asked:
        return str(asked)
    if not has_photo(draft):
        return "photo"
    if not draft.get("title") and not draft.get("wordless"):
        return "words"
    if not product:
        return "product"
    if not draft.get(look):
        return look
    if needs_words(draft) and not draft.get("title"):
        return "words"
    return "wishes" if _lacks_wishes(draft, look) else "confirm"


def _lacks_wishes(draft: Draft, look: str) -> bool:
    if is_own(draft):
        return not draft.get("scenario")
    return "wishes" not in draft and takes_wishes(draft) and has_ai()


def is_own(draft: Draft) -> bool:
    """Say whether it is a clip by the seller's own scenario."""
    return LOOKS.get(draft.get("product", "")) == "template" and draft.get("template") == "own"


def said(draft: Draft) -> str:
    """Return what the seller wishes of what is ordered: the scenario of a clip of one's own, else the wishes."""
    return str(draft.get("scenario" if is_own(draft) else "wishes") or "")


def say(draft: Draft, words: str) -> None:
    """Take wishes, or a scenario where that is what was asked for."""
    draft["scenario" if is_own(draft) else "wishes"] = words


def is_whole(draft: Draft) -> bool:
    """Say whether only the step gone back to is between the draft and its confirm screen."""
    return bool(draft.get("ask")) and missing({**draft, "ask": ""}) == "confirm"


def has_photo(draft: Draft) -> bool:
    """Say whether there is a photo to begin with."""
    return bool(draft.get("file_id") or draft.get("source"))


def needs_words(draft: Draft) -> bool:
    """Say whether nothing can be made without a title."""
    return LOOKS.get(draft.get("product", "")) == "preset" and draft.get("preset") not in WITHOUT_WORDS


def takes_wishes(draft: Draft) -> bool:
    """Say whether there is anything to wish for: a cleaned photo is what it is."""
    return LOOKS.get(draft.get("product", "")) != "preset" or draft.get("preset") not in WITHOUT_WORDS


def has_ai() -> bool:
    """Say whether somebody reads wishes: without a key everything is drawn by fixed rules."""
    return bool(config.get().keyed_providers)


def is_by_ai(draft: Draft) -> bool:
    """Say whether a model makes it: a photo that is only cleaned up is our own work in any case."""
    return has_ai() and (LOOKS[draft["product"]] != "preset" or draft.get("preset") != "classified")


@dataclass(frozen=True)
class Terms:
    """The maker of an order now, its price, and why it is not the model of choice; '' when it is."""

    maker: str
    price: int
    cause: str = ""


def asked(draft: Draft) -> list[tuple[str, int]]:
    """Return whom the whole order can be asked of, and what it costs there at most."""
    number = count(draft)
    return [(offer.provider, offer.whole_cost * number) for offer in makers.chain(draft["product"], _preset(draft))]


def terms(draft: Draft, offer: ledger.ProductOffer) -> Terms:
    """Decide what the confirm screen offers. A provider that is away for seconds is waited for as it is."""
    number = count(draft)
    full, own = offer.product.total(number), offer.product.own_total(number)
    chain = makers.chain(draft["product"], _preset(draft))
    first = next(one for one, halt in zip(chain, offer.halts, strict=True) if halt in ("", "down"))
    if chain[0].provider == "local":
        return Terms("", full)
    if first.provider != "local":
        return Terms("model" if own < full else "", full)
    return Terms("model", full, offer.halts[0]) if draft.get("waits") else Terms("own", own, offer.halts[0])


def _preset(draft: Draft) -> str:
    return str(draft.get("preset", "")) if LOOKS[draft["product"]] == "preset" else ""


def count(draft: Draft) -> int:
    """Return how many results are wanted."""
    choices = orders.COUNTS[draft["product"]]
    wanted = draft.get("count", choices[0])
    return int(wanted) if wanted in choices else choices[0]


def change(draft: Draft, action: str, argument: str) -> None:
    """Apply a button of the draft's screens; what no screen offers changes nothing."""
    product = draft.get("product", "")
    if action == "change" and argument in PARTS:
        draft["ask"] = argument
        return
    answered(draft)
    if action == "product" and argument in orders.PRODUCTS:
        draft["product"] = argument
        draft.pop("count", None)
    elif action in CHOICES and argument in CHOICES[action]:
        draft[action] = argument
    elif action == "count" and product and argument in map(str, orders.COUNTS[product]):
        draft["count"] = int(argument)
    elif action == "maker" and argument in ("own", "model"):
        draft["waits"] = argument == "model"
    elif action == "wishes" and argument == "skip":
        say(draft, "")
    elif action == "nowords":
        draft["wordless"] = True


def answered(draft: Draft) -> None:
    """Go on to what is missing."""
    draft.pop("ask", None)


def source_of(job: Job) -> int | None:
    """Return the id of the source picture that an order kept, if it got so far."""
    found = job.checkpoint.get("source") or job.args.get("source")
    return int(found) if found else None


def from_job(job: Job, action: str, *, has_photo: bool) -> Draft:
    """Return a draft out of an order: the same again, another variant, a video of it, another look or another photo."""
    args = {"product": "card", "wishes": "", "count": 1, **job.args}
    draft: Draft = {name: args[name] for name in _KEPT if args.get(name) is not None}
    draft["variant"] = int(args.get("variant") or 0)
    draft["title"] = card_words.drawn(args.get("title") or "")
    draft["benefits"] = list(filter(None, map(card_words.drawn, args.get("benefits") or [])))
    draft["wordless"] = not draft.get("title")
    draft["source"] = source_of(job)
    if is_own(draft):
        draft["scenario"] = draft.pop("wishes", "")
    if action == "variant":
        draft["variant"] += count(draft)
    elif action == "video":
        draft = {name: draft[name] for name in draft if name not in ("count", "wishes", "scenario", "template")}
        draft.update(product="video5", variant=0)
    for look in CHOICES.keys() - {LOOKS[draft["product"]]}:  # an order names them all, and means its product's
        draft.pop(look, None)
    if action in ("format", "edit"):
        draft["ask"] = "look" if action == "format" else "words"
    if action == "retry" or not has_photo:
        draft = {name: draft[name] for name in draft if name not in ("file_id", "source")}
    return draft


def order(draft: Draft, turn: Turn) -> orders.Order:
    """Return the order that the draft makes on this screen; raise Invalid for one that cannot be made."""
    kept = {
        name: draft[name] for name in (*_KEPT, "source", "variant", "maker", "promised") if draft.get(name) is not None
    }
    place = {
        "bot": turn.chat.bot,
        "chat_id": turn.chat.id,
        "message_id": turn.came.message_id,
        "language": turn.language,
    }
    return orders.Order.read(kept | place | {"count": count(draft), "wishes": said(draft)})
